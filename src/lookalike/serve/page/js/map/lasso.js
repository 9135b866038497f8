/** @file Choosing pictures by drawing around them, and what to do with them. */

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { save } from "../export.js";
import { icon } from "../icons.js";
import { announce, toast } from "../live.js";
import { store } from "../state.js";
import { several } from "../words.js";
import { token } from "./colours.js";

// So many of the chosen make a query: more only cost time.
const QUERIES = 16;
const LISTED = 1000;

export class Lasso {
  /** @param {import("./chart.js").Chart} chart @param {import("../searchview.js").SearchView} search */
  constructor(chart, search) {
    this.chart = chart;
    this.search = search;
    this.on = false;
    /** @type {number[]} */
    this.chosen = [];
    /** @type {[number, number][]} on the map */
    this.border = [];
    this.ink = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "ink", "aria-hidden": "true" }));
    this.panel = h("div", { class: "lasso-panel", hidden: true, role: "region", "aria-label": "Chosen pictures", on: { keydown: (event) => {
      if (/** @type {KeyboardEvent} */ (event).key === "Escape") this.clear();
    } } });
    this.button = h("button", { class: "quiet", type: "button", "aria-pressed": "false", "aria-label": "Choose pictures", title: "Choose pictures by drawing around them (L)", on: { click: () => this.toggle() } }, icon("lasso"));
  }

  toggle() {
    if (this.on) {
      this.clear();
      return;
    }
    this.on = true;
    this.#sign();
    this.panel.hidden = false;
    const all = h("button", { class: "button", type: "button", on: { click: () => this.#inSight() } }, "Choose all in sight");
    fill(this.panel, h("p", {}, "Draw around the pictures you mean."), h("div", { class: "lasso-acts" }, all,
      h("button", { class: "quiet", type: "button", on: { click: () => this.clear() } }, "Cancel")));
    all.focus({ preventScroll: true });
    announce("Draw around pictures, or choose all in sight");
  }

  clear() {
    const had = this.chosen.length;
    this.on = false;
    this.chosen = [];
    this.border = [];
    if (this.panel.contains(document.activeElement)) this.chart.canvas.focus({ preventScroll: true });
    this.panel.hidden = true;
    this.#sign();
    this.redraw();
    if (had) this.chart.markFound();
  }

  #sign() {
    this.button.setAttribute("aria-pressed", String(this.on));
    this.chart.canvas.classList.toggle("lassoing", this.on);
  }

  /** @param {[number, number][]} path on the screen @param {boolean} done */
  drawn(path, done) {
    this.border = path.map(([x, y]) => this.chart.camera.toMap(x, y));
    this.redraw();
    if (done) this.#choose(this.chart.points.within(this.border));
  }

  #inSight() {
    const { camera, points } = this.chart;
    const [left, top] = camera.toMap(0, 0);
    const [right, bottom] = camera.toMap(camera.width, camera.height);
    this.#choose(points.within([[left, top], [right, top], [right, bottom], [left, bottom]]));
    this.border = [];
    this.redraw();
  }

  /** @param {number[]} places */
  #choose(places) {
    this.on = false;
    this.#sign();
    this.chosen = places;
    if (!places.length) {
      this.clear();
      toast("No picture lies in there.");
      return;
    }
    this.chart.mark(places);
    const words = `${several(places.length, "picture")} chosen`;
    announce(words);
    this.panel.hidden = false;
    const first = h("button", { class: "button primary", type: "button", on: { click: () => this.#search() } }, icon("search"), "Search by them");
    fill(this.panel, h("p", {}, h("strong", {}, words)), h("div", { class: "lasso-acts" }, first,
      h("button", { class: "button", type: "button", on: { click: () => this.#export("csv") } }, icon("download"), "CSV"),
      h("button", { class: "button", type: "button", on: { click: () => this.#export("json") } }, icon("download"), "JSON"),
      h("button", { class: "quiet", type: "button", "aria-label": "Leave the choice", on: { click: () => this.clear() } }, icon("close"))));
    first.focus({ preventScroll: true });
  }

  #search() {
    const { chosen } = this;
    // Spread over the choice: the points are sorted by where they lie.
    const step = Math.max(1, chosen.length / QUERIES);
    const some = Array.from({ length: Math.min(QUERIES, chosen.length) }, (_, at) => chosen[Math.floor(at * step)]);
    this.clear();
    this.chart.searchFrom(some);
    if (chosen.length > some.length) toast(`Searching by ${some.length} of the ${several(chosen.length, "picture")}, spread over the choice.`);
  }

  /** @param {"csv" | "json"} format */
  async #export(format) {
    try {
      const pictures = [];
      for (let at = 0; at < this.chosen.length; at += LISTED) {
        const ids = this.chosen.slice(at, at + LISTED).map((place) => this.chart.points.ids[place]);
        pictures.push(...(await get("pictures/listed", { json: { ids } })).pictures);
      }
      const text = format === "json" ? `${JSON.stringify({ pictures }, null, 1)}\n` : table(pictures);
      save(new Blob([text], { type: format === "json" ? "application/json" : "text/csv" }), `chosen.${format}`);
    } catch (error) {
      toast(error.message);
    }
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    const density = Math.min(devicePixelRatio || 1, 2);
    this.ink.width = Math.round(width * density);
    this.ink.height = Math.round(height * density);
    this.ink.getContext("2d").scale(density, density);
  }

  redraw() {
    const pen = this.ink.getContext("2d");
    pen.clearRect(0, 0, this.ink.width, this.ink.height);
    if (this.border.length < 2) return;
    pen.beginPath();
    for (const [x, y] of this.border) pen.lineTo(...this.chart.camera.toScreen(x, y));
    pen.closePath();
    const colour = token("--accent").join(" ");
    pen.fillStyle = `rgb(${colour} / 14%)`;
    pen.strokeStyle = `rgb(${colour})`;
    pen.lineWidth = 2;
    pen.setLineDash([6, 4]);
    pen.fill();
    pen.stroke();
  }
}

/** @param {import("../api.js").Picture[]} pictures */
function table(pictures) {
  // A cell that a spreadsheet would take for a formula gets a quote before it.
  const cell = (/** @type {unknown} */ value) => {
    const text = String(value ?? "");
    return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  };
  const rows = pictures.map(({ id, path, label, width, height }) => [id, path, label, width, height].map(cell).join(","));
  return `${["id,path,label,width,height", ...rows].join("\r\n")}\r\n`;
}
