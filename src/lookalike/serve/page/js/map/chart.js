/** @file The map once its points are there: canvas, camera, hover, marks, choice. */

import { calm, fill, h, oncePerFrame } from "../dom.js";
import { engine } from "../engine.js";
import { icon } from "../icons.js";
import { announce } from "../live.js";
import { store } from "../state.js";
import { several } from "../words.js";
import { Camera } from "./camera.js";
import { CloseUp } from "./closeup.js";
import { labelColours, legend, token } from "./colours.js";
import { Gestures } from "./gestures.js";
import { HoverCard } from "./hover.js";
import { Lasso } from "./lasso.js";
import { Pins } from "./pins.js";
import { Pace } from "./pace.js";
import { Points } from "./points.js";
import { Renderer } from "./renderer.js";
import { Strip } from "./strip.js";
import { chartLabel } from "./view.js";

// A click this near to a point, in CSS pixels, means that picture.
const REACH = 14;

export class Chart {
  /** @param {HTMLElement} room @param {ArrayBuffer} data @param {any} map @param {import("../searchview.js").SearchView} search @param {() => void} onStale */
  constructor(room, data, map, search, onStale) {
    this.search = search;
    this.map = map;
    this.onStale = onStale;
    this.points = new Points(data);
    /** @type {number[]} */
    this.marked = [];
    this.canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "chart", tabindex: "0", role: "application", "aria-label": chartLabel(this.points.count) }));
    this.camera = new Camera(() => this.draw());
    this.camera.cover(map.bounds);
    this.draw = oncePerFrame(() => this.#draw());
    this.pace = new Pace(() => this.draw());
    this.lasso = new Lasso(this, search);
    this.hover = new HoverCard(this.points);
    this.pins = new Pins(this);
    this.closeUp = new CloseUp(this);
    this.strip = new Strip(search, () => this.canvas.focus({ preventScroll: true }));
    this.legend = h("div", { class: "legend-room" });
    fill(room, this.canvas, this.closeUp.element, this.lasso.ink, h("i", { class: "cross", "aria-hidden": "true" }), this.pins.element, this.hover.element, this.#tools(), this.legend, this.lasso.panel, this.strip.element);
    this.renderer = this.#renderer();
    this.gestures = new Gestures(this.canvas, this.camera, {
      lassoing: () => this.lasso.on, onHover: (x, y) => this.#hover(x, y), onLeave: () => this.hover.hide(),
      onClick: (x, y) => this.#click(x, y), onCentre: () => this.#click(this.camera.width / 2, this.camera.height / 2),
      onLasso: (path, done) => this.lasso.drawn(path, done), onLassoKey: () => this.lasso.toggle(), onEscape: () => this.lasso.clear(),
    });
    this.#watch(room);
    this.show(store.state);
  }

  /** @param {HTMLElement} room */
  #watch(room) {
    this.sized = new ResizeObserver(() => this.#resize());
    this.sized.observe(room);
    this.themed = () => this.#paint();
    addEventListener("themechange", this.themed);
    this.unknown = engine.whenKnown(() => this.#paint());
    this.found = (/** @type {import("../tile.js").Item[]} */ items) => this.#found(items);
    this.search.found.add(this.found);
    this.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.renderer = this.#renderer();
      this.#paint();
      this.mark(this.marked);
    });
    this.#resize();
  }

  #renderer() {
    return new Renderer(this.canvas, this.points, this.map, () => this.draw(), this.onStale);
  }

  close() {
    this.sized.disconnect();
    this.unknown();
    this.camera.stop();
    this.pace.close();
    removeEventListener("themechange", this.themed);
    this.search.found.delete(this.found);
    this.renderer.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /** @param {import("../state.js").State} state */
  show(state) {
    this.#resize();
    this.pins.show(state.queries);
    if (!state.queries.length) this.#found([]);
    else if (this.search.grid.items[0]?.hit) this.#found(this.search.grid.items);
  }

  /** @param {number[]} places of points to stand out */
  mark(places) {
    this.marked = places;
    this.renderer.mark(places);
    this.closeUp.mark(places);
    this.draw();
  }

  /** Put the results on the map. */
  markFound() {
    const items = store.state.queries.length ? this.search.grid.items : [];
    this.mark(items.map(({ picture }) => this.points.places.get(picture.id)).filter((place) => place !== undefined));
  }

  /** @param {import("../tile.js").Item[]} items */
  #found(items) {
    this.strip.show(items);
    if (!this.lasso.chosen.length) this.markFound();
  }

  #tools() {
    const tool = (/** @type {any} */ drawing, /** @type {string} */ words, /** @type {() => void} */ click) =>
      h("button", { class: "quiet", type: "button", "aria-label": words, title: words, on: { click } }, icon(drawing));
    return h("div", { class: "map-tools", role: "group", "aria-label": "Map" },
      tool("plus", "Nearer", () => this.camera.zoomAt(1.6)), tool("minus", "Farther", () => this.camera.zoomAt(1 / 1.6)),
      tool("fit", "The whole map", () => this.camera.fit()), this.lasso.button);
  }

  #paint() {
    const colours = labelColours(engine.facts, this.map, this.points);
    fill(this.legend, legend(colours));
    this.renderer.paint(colours.map(({ colour }) => colour), token("--accent"), token("--page"));
    this.draw();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const density = Math.min(devicePixelRatio || 1, 2);
    if (this.canvas.width !== Math.round(width * density) || this.canvas.height !== Math.round(height * density)) {
      this.canvas.width = Math.round(width * density);
      this.canvas.height = Math.round(height * density);
    }
    this.camera.resize(width, height, this.points.count);
    this.lasso.resize(width, height);
    this.#draw();
  }

  #draw() {
    if (!this.canvas.isConnected || this.canvas.closest("[hidden]")) return;
    const step = this.pace.step();
    this.renderer.draw(this.camera, this.canvas.width / Math.max(this.camera.width, 1), step);
    this.closeUp.place(this.camera, this.renderer.tileSide(this.camera), step > 1);
    this.pins.place(this.camera);
    this.lasso.redraw();
  }

  /** The point under a spot of the screen, or -1. @param {number} px @param {number} py */
  #under(px, py) {
    // Up to the corner of a thumbnail, where there are some.
    const reach = Math.max(REACH, this.renderer.nearness(this.camera) > 0 ? this.renderer.tileSide(this.camera) * Math.SQRT1_2 : 0);
    const [found] = this.points.near(...this.camera.toMap(px, py), reach / this.camera.zoom);
    return found ? found.at : -1;
  }

  /** @param {number} px @param {number} py */
  #hover(px, py) {
    if (this.lasso.on) return;
    const at = this.#under(px, py);
    this.canvas.classList.toggle("pointing", at >= 0);
    this.hover.show(at, px, py, this.camera);
  }

  /** @param {number} px @param {number} py */
  #click(px, py) {
    const at = this.#under(px, py);
    this.hover.hide();
    // Between pictures, a spot means what lies around it.
    const places = at >= 0 ? [at] : this.points.nearest(...this.camera.toMap(px, py), 3).map((one) => one.at);
    this.searchFrom(places);
    announce(at >= 0 ? "Searching from that picture" : `Searching from that spot, by its ${several(places.length, "nearest picture")}`);
  }

  /** @param {number[]} places */
  searchFrom(places) {
    const queries = places.map((place) => ({ kind: /** @type {const} */ ("id"), ref: String(this.points.ids[place]), weight: /** @type {const} */ (1), box: null }));
    store.set({ queries, view: "map" });
  }

  /** @param {number} x @param {number} y */
  flyTo(x, y) {
    this.camera.fly(x, y, Math.max(this.camera.zoom, this.camera.whole * (calm() ? 1 : 2.2)));
  }
}
