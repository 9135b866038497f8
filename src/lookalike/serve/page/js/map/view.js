/** @file The map: the whole gallery at once, likes beside likes. */

import { ask, get } from "../api.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { jobMeter, watch } from "../jobs.js";
import { several } from "../words.js";

/** @typedef {import("../searchview.js").SearchView} SearchView */

export class MapView {
  /** @param {SearchView} search */
  constructor(search) {
    this.search = search;
    this.element = h("div", { class: "mapview" });
    /** @type {import("./chart.js").Chart | null} */
    this.chart = null;
    this.begun = false;
  }

  /** @param {import("../state.js").State} state */
  show(state) {
    this.search.show(state);
    if (this.chart) this.chart.show(state);
    else if (!this.begun) this.#begin();
  }

  renew() {
    this.chart?.close();
    this.chart = null;
    this.begun = false;
    if (!this.element.hidden) this.#begin();
  }

  async #begin() {
    this.begun = true;
    if (!canDraw()) {
      this.#words("No map in this browser", "The map is drawn by WebGL 2, which this browser does not have or has turned off. Everything else works without it.");
      return;
    }
    try {
      const map = await get("map");
      if (map.state === "ready") await this.#open(map);
      else if (map.state === "working") await this.#wait(map.job);
      else this.#offer();
    } catch (error) {
      this.#words("The map cannot be shown", error.message, "Try again");
    }
  }

  /** @param {any} map */
  async #open(map) {
    const [{ Chart }, points] = await Promise.all([
      import("./chart.js"), ask("map/points", { query: { v: map.version } }).then((answer) => answer.arrayBuffer())]);
    if (!points.byteLength) {
      this.#words("Nothing to map yet", "There are no pictures in the gallery.");
      return;
    }
    this.chart = new Chart(this.element, points, map, this.search);
  }

  #offer() {
    this.#words("No map yet",
      "A map lays out every picture so that those alike lie together. It takes a moment for a few hundred pictures and some minutes for many thousands; you can go on searching meanwhile.",
      "Draw the map", async () => {
        const { job } = await (await ask("map", { method: "POST" })).json();
        await this.#wait(job);
      });
  }

  /** @param {string} job */
  async #wait(job) {
    const meter = jobMeter(h, "Laying out the pictures …");
    fill(this.element, h("div", { class: "empty" }, icon("map"), h("h2", {}, "Drawing the map"), meter.element));
    await watch(job, meter.show);
    await this.#open(await get("map"));
  }

  /** @param {string} title @param {string} words @param {string} [act] @param {() => Promise<void>} [job] */
  #words(title, words, act, job) {
    const again = async () => {
      if (!job) {
        this.renew();
        return;
      }
      try {
        await job();
      } catch (error) {
        this.#words("The map could not be drawn", error.message, "Try again");
      }
    };
    fill(this.element, h("div", { class: "empty" }, icon("map"), h("h2", {}, title), h("p", {}, words),
      act && h("button", { class: "button primary", type: "button", on: { click: again } }, act)));
  }
}

function canDraw() {
  const gl = document.createElement("canvas").getContext("webgl2");
  // Browsers allow few contexts at once: this one only answered a question.
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl);
}

/** @param {number} count */
export const chartLabel = (count) =>
  `Map of ${several(count, "picture")}: those alike lie together. Arrow keys move, plus and minus zoom, 0 shows all, Enter searches from the middle, L chooses pictures in sight.`;
