/** @file Close up: the pictures' own thumbnails over the small ones of the atlas, which look blurred there. */

import { thumbnail } from "../api.js";
import { h, whenQuiet } from "../dom.js";
import { met } from "../previews.js";

// A thumbnail of the atlas has 32 pixels a side: from here on more are to be seen, in CSS pixels.
const FROM = 48;
// So many at most, those around the middle.
const MOST = 360;
// Of fewer pixels than these each one is to be seen.
const TINY = 64;

export class CloseUp {
  /** @param {import("./chart.js").Chart} chart */
  constructor(chart) {
    this.chart = chart;
    this.element = h("div", { class: "closeup", "aria-hidden": "true" });
    /** @type {Map<number, HTMLImageElement>} */
    this.shown = new Map();
    /** @type {Set<number>} */
    this.marked = new Set();
    this.side = 0;
    // What only flies by is not asked for.
    this.look = whenQuiet(() => this.#look(), 120);
  }

  /** @param {number[]} places of points that stand out */
  mark(places) {
    this.marked = new Set(places);
    this.element.classList.toggle("some", places.length > 0);
    for (const [at, image] of this.shown) {
      image.classList.toggle("marked", this.marked.has(at));
      this.#put(at, image, true);
    }
    this.#sort();
  }

  /** What is drawn later lies on top, here as there. */
  #sort() {
    const rank = (/** @type {number} */ at) => at + (this.marked.has(at) ? this.chart.points.count : 0);
    for (const [, image] of [...this.shown].sort(([a], [b]) => rank(a) - rank(b))) this.element.append(image);
  }

  /**
   * @param {import("./camera.js").Camera} camera
   * @param {number} side of a thumbnail, CSS pixels
   * @param {boolean} hurried the machine cannot keep up: while the map moves the small ones must do
   */
  place(camera, side, hurried) {
    this.element.classList.toggle("hurried", hurried);
    const sized = side !== this.side;
    this.side = side;
    if (side < FROM) {
      if (this.shown.size) this.#keep(new Set());
      return;
    }
    for (const [at, image] of this.shown) this.#put(at, image, sized);
    this.look();
  }

  #look() {
    const { camera, points, canvas } = this.chart;
    if (this.side < FROM || !canvas.isConnected) return;
    const reach = this.side / camera.zoom / 2;
    const [left, top] = camera.toMap(0, 0);
    const [right, bottom] = camera.toMap(camera.width, camera.height);
    const there = points.near(camera.x, camera.y, Math.hypot(right - left, bottom - top) / 2 + reach, MOST)
      .map(({ at }) => at)
      .filter((at) => points.x[at] > left - reach && points.x[at] < right + reach && points.y[at] > top - reach && points.y[at] < bottom + reach);
    this.#keep(new Set(there));
    for (const at of there) if (!this.shown.has(at)) this.#add(at);
    this.#sort();
  }

  /** @param {Set<number>} wanted */
  #keep(wanted) {
    for (const [at, image] of this.shown) {
      if (wanted.has(at)) continue;
      image.remove();
      this.shown.delete(at);
    }
  }

  /** @param {number} at */
  #add(at) {
    const id = this.chart.points.ids[at];
    const image = /** @type {HTMLImageElement} */ (h("img", { alt: "", class: this.marked.has(at) ? "marked" : null, draggable: "false", decoding: "async" }));
    image.addEventListener("load", () => image.classList.add(Math.max(image.naturalWidth, image.naturalHeight) <= TINY ? "tiny" : "there", "there"));
    image.src = thumbnail(met(String(id)) ?? /** @type {any} */ ({ id }), 128);
    this.shown.set(at, image);
    this.#put(at, image, true);
  }

  /** @param {number} at @param {HTMLImageElement} image @param {boolean} sized whether it has another size than before */
  #put(at, image, sized) {
    const { camera, points } = this.chart;
    const [x, y] = camera.toScreen(points.x[at], points.y[at]);
    const side = this.side * (this.marked.has(at) ? 1.18 : 1);
    const width = (side * points.widths[at]) / 32;
    const height = (side * points.heights[at]) / 32;
    if (sized) Object.assign(image.style, { width: `${width}px`, height: `${height}px` });
    image.style.transform = `translate(${x - width / 2}px, ${y - height / 2}px)`;
  }
}
