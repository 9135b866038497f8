/** @file One picture of the grid, with what can be done with it. */

import { thumbnail } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { clamped } from "./layout.js";
import { BANDS, fileName, percent, scoreSentence, tileName } from "./words.js";

/**
 * @typedef {{picture: import("./api.js").Picture, hit: import("./api.js").Hit | null}} Item
 */

// Below this side a picture is so small that its pixels are to be seen.
const PIXELS_SHOWN = 64;

/** @param {Item} item @param {string} metric @param {number} shown longest side, CSS pixels */
export function makeTile(item, metric, shown) {
  const main = h("button", { class: "tile-main", type: "button", tabindex: "-1" }, tileImage(item.picture, shown));
  const acts = h("span", { class: "tile-acts" },
    act("plus", "more", "More like this"),
    act("minus", "less", "Less like this"),
    act("open", "open", "Open the original"));
  const name = h("span", { class: "tile-name", "aria-hidden": "true" }, fileName(item.picture.path));
  const { id, version } = item.picture;
  const tile = h("li", { class: "tile", id: `picture-${id}`, "data-id": id, "data-version": String(version) }, main, badge(item), name, acts);
  describe(tile, item, metric);
  return tile;
}

/** A tile that stays while its score changes. @param {HTMLElement} tile @param {Item} item @param {string} metric */
export function describe(tile, item, metric) {
  const main = tile.querySelector(".tile-main");
  main.setAttribute("aria-label", tileName(item.picture, item.hit));
  if (item.hit) main.setAttribute("title", scoreSentence(item.hit, metric));
  else main.removeAttribute("title");
  const old = tile.querySelector(".band");
  const fresh = badge(item);
  if (old && fresh) old.replaceWith(fresh);
  else if (old) old.remove();
  else if (fresh) main.after(fresh);
}

/** @param {"plus" | "minus" | "open"} drawing @param {string} what @param {string} words */
function act(drawing, what, words) {
  // Reached by keys of their own (+, -, o), so that Tab does not stop four times a picture.
  return h("button", { class: `tile-act tile-${what}`, type: "button", tabindex: "-1", "data-act": what, "aria-label": words, title: words }, icon(drawing));
}

/** @param {import("./api.js").Picture} picture @param {number} shown */
export function tileImage(picture, shown) {
  const tiny = Math.max(picture.width, picture.height) <= PIXELS_SHOWN;
  const image = h("img", {
    alt: "", decoding: "async", draggable: "false",
    class: [tiny && "tiny", clamped(picture) && "clamped"].filter(Boolean).join(" ") || null,
    src: thumbnail(picture, tiny ? PIXELS_SHOWN : shown),
  });
  retried(/** @type {HTMLImageElement} */ (image));
  return image;
}

/** A busy server refuses a thumbnail now and then: it is asked again, twice. @param {HTMLImageElement} image */
export function retried(image) {
  let left = 2;
  image.addEventListener("error", () => {
    if (left === 0) {
      image.closest(".tile")?.classList.add("gone");
      return;
    }
    left -= 1;
    const { src } = image;
    setTimeout(() => { image.src = src; }, 600 * (2 - left));
  });
}

/** @param {Item} item */
export function badge({ hit }) {
  const band = hit?.band ? BANDS[hit.band] : null;
  if (!band) return null;
  const sure = hit.band === "duplicate" && hit.probability !== null ? ` ${percent(hit.probability)}` : "";
  return h("span", { class: `band band-${hit.band}`, "aria-hidden": "true" }, dots(band.dots), h("span", { class: "word" }, band.word), sure);
}

/** Three dots, so many of them full. @param {number} full */
export function dots(full) {
  return h("span", { class: "dots" }, [0, 1, 2].map((at) => h("i", { class: at < full ? "on" : null })));
}
