/** @file Pictures of this visit that were uploaded: shown from here, before the server has them. */

import { thumbnail, uploadThumbnail } from "./api.js";

/** @type {Map<string, string>} upload to an object address */
const local = new Map();
/** @type {Map<string, import("./api.js").Picture>} */
const seen = new Map();
const KEPT = 24;

/** @param {string} upload @param {string} url */
export function remember(upload, url) {
  forget(upload);
  local.set(upload, url);
  if (local.size > KEPT) forget(local.keys().next().value);
}

/** @param {string} upload */
function forget(upload) {
  if (local.has(upload)) URL.revokeObjectURL(local.get(upload));
  local.delete(upload);
}

/** Pictures that were seen have their name and shape at hand. @param {import("./api.js").Picture} picture */
export const meet = (picture) => seen.set(String(picture.id), picture);

/** @param {string} id */
export const met = (id) => seen.get(id);

/**
 * Where a query's picture is to be had.
 * @param {import("./state.js").Query} query
 * @param {number} shown side in CSS pixels
 */
function queryImage(query, shown) {
  if (query.kind === "up") return local.get(query.ref) ?? uploadThumbnail(query.ref, 512);
  const picture = seen.get(query.ref) ?? { id: Number(query.ref) };
  return thumbnail(/** @type {import("./api.js").Picture} */ (picture), shown);
}

/**
 * Show a query's picture.
 * @param {HTMLImageElement} image
 * @param {import("./state.js").Query} query
 * @param {number} shown side in CSS pixels
 * @param {() => void} [onLost] it cannot be had
 */
export function showQuery(image, query, shown, onLost) {
  const source = queryImage(query, shown);
  let left = 1;
  image.onerror = () => {
    const { src } = image;
    if (src.startsWith("blob:")) {
      // A kind that browsers do not show, as HEIC or TIFF: the server does.
      forget(query.ref);
      image.src = uploadThumbnail(query.ref, 512);
    } else if (left > 0) {
      left -= 1;
      setTimeout(() => { if (image.src === src) image.src = src; }, 900);
    } else onLost?.();
  };
  if (image.src !== source) image.src = source;
  else if (image.complete && !image.naturalWidth) image.onerror(new Event("error"));
  return image;
}
