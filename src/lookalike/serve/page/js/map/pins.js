/** @file Where the queries fall on the map. */

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { showQuery } from "../previews.js";
import { store } from "../state.js";

export class Pins {
  /** @param {import("./chart.js").Chart} chart */
  constructor(chart) {
    this.chart = chart;
    this.element = h("div", { class: "pins" });
    /** @type {{x: number, y: number, element: HTMLElement}[]} */
    this.pins = [];
    this.key = "";
    this.round = 0;
  }

  /** @param {import("../state.js").Query[]} queries */
  async show(queries) {
    const key = JSON.stringify(queries);
    if (key === this.key) return;
    this.key = key;
    this.round += 1;
    const { round } = this;
    const places = await Promise.all(queries.map((query) => this.#where(query)));
    if (round !== this.round) return;
    this.pins = queries.flatMap((query, at) => (places[at] ? [{ ...places[at], element: pin(query) }] : []));
    fill(this.element, ...this.pins.map((one) => one.element));
    this.place(this.chart.camera);
    const [first] = this.pins;
    if (first && this.#outOfSight(first)) this.chart.flyTo(first.x, first.y);
  }

  /** @param {import("./camera.js").Camera} camera */
  place(camera) {
    for (const { x, y, element } of this.pins) {
      const [px, py] = camera.toScreen(x, y);
      element.style.transform = `translate(${px}px, ${py}px)`;
    }
  }

  /** @param {import("../state.js").Query} query */
  async #where(query) {
    const { points } = this.chart;
    const place = query.kind === "id" && !query.box ? points.places.get(Number(query.ref)) : undefined;
    if (place !== undefined) return { x: points.x[place], y: points.y[place] };
    try {
      const wire = query.kind === "id" ? { id: Number(query.ref) } : { upload: query.ref };
      const balance = store.state.balance;
      return await get("map/place", { json: { queries: [{ ...wire, ...(query.box ? { box: query.box } : {}) }], ...(balance === null ? {} : { balance }) } });
    } catch {
      return null; // The search itself says what is wrong.
    }
  }

  /** @param {{x: number, y: number}} spot */
  #outOfSight({ x, y }) {
    const { camera } = this.chart;
    const [px, py] = camera.toScreen(x, y);
    return px < 30 || py < 30 || px > camera.width - 30 || py > camera.height - 150;
  }
}

/** @param {import("../state.js").Query} query */
function pin(query) {
  return h("div", { class: `pin ${query.weight < 0 ? "less" : ""}`, "data-query": query.ref },
    h("span", {}, showQuery(h("img", { alt: query.kind === "up" ? "Your picture is here" : "The query is here" }), query, 64)));
}
