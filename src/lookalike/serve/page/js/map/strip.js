/** @file The closest pictures, in a row below the map. */

import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { store } from "../state.js";
import { dots, tileImage } from "../tile.js";
import { BANDS, tileName } from "../words.js";

const SHOWN = 40;

export class Strip {
  /** @param {import("../searchview.js").SearchView} search @param {() => void} onLeft the keyboard was in it, and it is gone */
  constructor(search, onLeft) {
    this.search = search;
    this.onLeft = onLeft;
    this.list = h("ul", { role: "list", "aria-label": "Closest pictures" });
    this.element = h("section", { class: "strip", "aria-label": "Results", hidden: true },
      h("header", {}, h("h2", {}, "Closest"),
        h("button", { class: "button", type: "button", on: { click: () => store.set({ view: "search" }) } }, "See them all"),
        h("button", { class: "quiet", type: "button", "aria-label": "Clear the query", on: { click: () => store.set({ queries: [] }) } }, icon("close"))),
      this.list);
  }

  /** @param {import("../tile.js").Item[]} items */
  show(items) {
    const held = this.element.contains(document.activeElement);
    this.element.hidden = !items.length;
    fill(this.list, ...items.slice(0, SHOWN).map((item) => {
      const band = item.hit?.band ? BANDS[item.hit.band] : null;
      const wide = Math.min(Math.max((item.picture.width || 1) / (item.picture.height || 1), 0.6), 2);
      const button = h("button", { type: "button", "aria-label": `Search from ${tileName(item.picture, item.hit)}`, title: tileName(item.picture, item.hit), on: { click: () => this.search.find(item) } },
        tileImage(item.picture, 96), band && h("span", { class: `band band-${item.hit.band}` }, dots(band.dots)));
      button.style.aspectRatio = String(wide);
      return h("li", {}, button);
    }));
    this.list.scrollLeft = 0;
    if (held && !items.length) this.onLeft();
    else if (held && !this.element.contains(document.activeElement)) this.list.querySelector("button").focus({ preventScroll: true });
  }
}
