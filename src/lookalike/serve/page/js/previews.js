/** @file Pictures of this visit that were uploaded: shown from here, before the server has them. */

import { thumbnail, uploadThumbnail } from "./api.js";

/** @type {Map<string, string>} upload to an object address */
const local = new Map();
/** @type {Map<string, import("./api.js").Picture>} */
const seen = new Map();
const KEPT = 24;

/** @param {string} upload @param {string} url */
export function remember(upload, url) {
  local.set(upload, url);
  const [oldest] = local.keys();
  if (local.size > KEPT) {
    URL.revokeObjectURL(local.get(oldest));
    local.delete(oldest);
  }
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
export function queryImage(query, shown) {
  if (query.kind === "up") return local.get(query.ref) ?? uploadThumbnail(query.ref, 512);
  const picture = seen.get(query.ref) ?? { id: Number(query.ref) };
  return thumbnail(/** @type {import("./api.js").Picture} */ (picture), shown);
}
