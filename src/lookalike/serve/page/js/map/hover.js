/** @file The picture under the mouse, shown beside it. */

import { get, thumbnail } from "../api.js";
import { h, whenQuiet } from "../dom.js";
import { meet, met } from "../previews.js";
import { fileName } from "../words.js";

export class HoverCard {
  /** @param {import("./points.js").Points} points */
  constructor(points) {
    this.points = points;
    this.at = -1;
    this.image = /** @type {HTMLImageElement} */ (h("img", { alt: "" }));
    this.name = h("p", {});
    this.element = h("div", { class: "hover-card", hidden: true, "aria-hidden": "true" }, this.image, this.name);
    // Only where the mouse rests is the name worth a request.
    this.ask = whenQuiet((/** @type {number} */ at) => this.#ask(at), 90);
  }

  /** @param {number} at @param {number} px @param {number} py @param {import("./camera.js").Camera} camera */
  show(at, px, py, camera) {
    this.element.hidden = at < 0;
    if (at < 0) {
      this.at = -1;
      return;
    }
    if (at !== this.at) {
      this.at = at;
      const id = this.points.ids[at];
      this.image.src = thumbnail(met(String(id)) ?? /** @type {any} */ ({ id }), 128);
      this.name.textContent = fileName(met(String(id))?.path ?? "");
      this.ask(at);
    }
    const left = px + 18 + 190 > camera.width ? px - 18 - 180 : px + 18;
    const top = Math.min(Math.max(py - 90, 8), camera.height - 210);
    this.element.style.transform = `translate(${left}px, ${top}px)`;
  }

  hide() {
    this.element.hidden = true;
    this.at = -1;
  }

  /** @param {number} at */
  async #ask(at) {
    if (at !== this.at) return;
    const id = this.points.ids[at];
    try {
      const picture = met(String(id)) ?? await get(`pictures/${id}`);
      meet(picture);
      if (at === this.at) this.name.textContent = [fileName(picture.path), picture.label].filter(Boolean).join(" · ");
    } catch {
      // The picture is enough.
    }
  }
}
