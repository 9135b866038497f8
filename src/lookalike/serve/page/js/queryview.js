/** @file The query's own picture, opened large. */

import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { toast } from "./live.js";
import { showQuery } from "./previews.js";

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
  const image = showQuery(h("img", { alt: "Your picture" }), query, 512);
  openDialog("Your picture", [h("div", { class: "viewfinder" }, image),
    h("p", { class: "muted" }, "It is not part of the gallery; the server forgets it when newer ones need its place.")], "upload");
}
