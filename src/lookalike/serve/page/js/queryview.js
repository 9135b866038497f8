/** @file The query's own picture, opened large. */

import { get, uploadThumbnail } from "./api.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { toast } from "./live.js";
import { queryImage } from "./previews.js";

/**
 * @param {import("./lightbox.js").Lightbox} lightbox
 * @param {string} id
 * @param {import("./tile.js").Item | null} item
 */
export async function openKnown(lightbox, id, item) {
  try {
    lightbox.open([item ?? { picture: await get(`pictures/${id}`), hit: null }], 0, "");
  } catch (error) {
    toast(error.message);
  }
}

/** @param {import("./state.js").Query} query */
export function openUpload(query) {
  const image = h("img", { alt: "Your picture", src: queryImage(query, 512) });
  image.addEventListener("error", () => { image.src = uploadThumbnail(query.ref, 512); }, { once: true });
  openDialog("Your picture", [h("div", { class: "viewfinder" }, image),
    h("p", { class: "muted" }, "It is not part of the gallery; the server forgets it when newer ones need its place.")], "upload");
}
