/** @file The server, as functions. Everything the page knows comes through here. */

import { capital } from "./words.js";

/**
 * @typedef {{id: number, path: string, label: string | null, folder: string, width: number, height: number, version?: string}} Picture
 * @typedef {{rank: number, score: number, probability: number | null, percentile: number | null, band: string | null, picture: Picture}} Hit
 * @typedef {{hits: Hit[], total: number, offset: number, known: boolean | null, metric: string, took_ms: number, gallery_version: number | string}} Answer
 */

const ROOT = new URL("api/v1/", document.baseURI);

/** What the server refused, in its own words. */
export class ApiError extends Error {
  /** @param {number} status @param {string} kind @param {string} message */
  constructor(status, kind, message) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** Told when the server wants a token: see `main.js`. */
export const signIn = new EventTarget();

/** @param {string} path @param {Record<string, unknown>} [query] */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
  }
  return url.href;
}

/**
 * @typedef {{method?: string, json?: unknown, body?: BodyInit, query?: Record<string, unknown>, signal?: AbortSignal}} Options
 */

/**
 * Ask, and wait patiently where the server is busy.
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function ask(path, options = {}) {
  const { method, json, body, query, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    const response = await reach(address(path, query), {
      method: method ?? (json !== undefined || body ? "POST" : "GET"),
      headers: json !== undefined ? { "Content-Type": "application/json" } : {},
      body: json !== undefined ? JSON.stringify(json) : body,
      signal,
      credentials: "same-origin",
    });
    if (response.ok) return response;
    const busy = response.status === 429 || response.status === 503;
    if (busy && attempt < 4) await pause(response, attempt, signal);
    else throw await refusal(response);
  }
}

/** @param {string} url @param {RequestInit} init */
async function reach(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw unreachable(error);
  }
}

/** @param {Error} error */
const unreachable = (error) =>
  error.name === "AbortError" ? error : new ApiError(0, "unreachable", "The server does not answer. Is it still running? Then try again.");

/** @param {Response} response @param {number} attempt @param {AbortSignal} [signal] */
async function pause(response, attempt, signal) {
  const wished = Number(response.headers.get("Retry-After")) * 1000 || 150 * 2 ** attempt;
  await new Promise((resolve) => {
    setTimeout(resolve, Math.min(wished, 4000));
    signal?.addEventListener("abort", resolve, { once: true });
  });
  signal?.throwIfAborted();
}

/** @param {Response} response */
async function refusal(response) {
  if (response.status === 401) signIn.dispatchEvent(new Event("wanted"));
  let said = null;
  try {
    said = (await response.json()).error ?? null;
  } catch {
    // Not every refusal is JSON: a proxy in between has its own words.
  }
  const message = capital(said?.message ?? `The server refused (${response.status} ${response.statusText}).`);
  return new ApiError(response.status, said?.kind ?? "refused", message);
}

/** @param {string} path @param {Options} [options] */
export async function get(path, options) {
  const response = await ask(path, options);
  try {
    return await response.json();
  } catch (error) {
    throw unreachable(error); // It went away in the middle of its answer.
  }
}

/**
 * A picture in small. Of the same content it is the same for ever, so the browser keeps it.
 * @param {Picture} picture
 * @param {number} shown side at which it is shown, in CSS pixels
 */
export function thumbnail(picture, shown) {
  // Beyond one and a half no eye sees the difference, but every server feels it.
  const wanted = shown * Math.min(devicePixelRatio || 1, 1.5);
  const size = [64, 128, 256].find((side) => side >= wanted * 0.8) ?? 512;
  return address(`pictures/${picture.id}/thumbnail`, { size, v: picture.version });
}

/** @param {number} id */
export const original = (id) => address(`pictures/${id}/file`);

/** @param {number} id */
export const reconstruction = (id) => address(`pictures/${id}/reconstruction`);

/** @param {string} upload @param {number} size */
export const uploadThumbnail = (upload, size) => address(`uploads/${upload}/thumbnail`, { size });

/**
 * @param {Blob} file
 * @param {AbortSignal} [signal]
 * @returns {Promise<{upload: string, width: number, height: number}>}
 */
export function upload(file, signal) {
  const body = new FormData();
  body.append("file", file, file instanceof File ? file.name : "picture");
  return get("uploads", { body, signal });
}

/** @param {object} request @param {AbortSignal} [signal] @returns {Promise<Answer>} */
export const search = (request, signal) => get("search", { json: request, signal });

/**
 * Upload and search in one go: half the waiting for a picture that was just dropped.
 * @param {Blob} file
 * @param {object} request
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer & {upload: string}>}
 */
export function searchPicture(file, request, signal) {
  const body = new FormData();
  body.append("file", file, file instanceof File ? file.name : "picture");
  body.append("request", JSON.stringify(request));
  return get("search/picture", { body, signal });
}
