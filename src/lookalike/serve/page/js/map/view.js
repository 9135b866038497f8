/** @file The map: the whole gallery at once, likes beside likes. */

import { ask, get } from "../api.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { jobMeter, watch } from "../jobs.js";
import { capital, several } from "../words.js";

/** @typedef {import("../searchview.js").SearchView} SearchView */

export class MapView {
  /** @param {SearchView} search */
  constructor(search) {
    this.search = search;
    this.element = h("div", { class: "mapview" });
    /** @type {import("./chart.js").Chart | null} */
    this.chart = null;
    this.begun = false;
    /** What is under way for an older round is nobody's business any more. */
    this.round = 0;
    /** @type {{x: number, y: number, zoom: number} | null} where one looked before the map was drawn anew */
    this.spot = null;
  }

  /** @param {import("../state.js").State} state */
  show(state) {
    this.search.show(state);
    if (this.chart) this.chart.show(state);
    else if (!this.begun) this.#begin();
  }

  renew() {
    if (this.chart) {
      const { x, y, zoom } = this.chart.camera;
      this.spot = { x, y, zoom };
      this.chart.close();
    }
    this.chart = null;
    this.begun = false;
    this.round += 1;
    if (!this.element.hidden) this.#begin();
  }

  async #begin() {
    this.begun = true;
    const { round } = this;
    if (!canDraw()) {
      this.#words("No map in this browser", "The map is drawn by WebGL 2, which this browser does not have or has turned off. Everything else works without it.");
      return;
    }
    try {
      await this.#look(round);
    } catch (error) {
      if (round === this.round) this.#words("The map cannot be shown", error.message, "Try again");
    }
  }

  /** Show what there is; wait for what is on its way. @param {number} round */
  async #look(round) {
    for (;;) {
      const map = await get("map");
      if (round !== this.round) return;
      if (map.state === "ready") {
        await this.#open(map, round);
        return;
      }
      if (map.state !== "working") {
        this.#offer(map.error);
        return;
      }
      await this.#wait(map.job, round);
      if (round !== this.round) return;
    }
  }

  /** @param {any} map @param {number} round */
  async #open(map, round) {
    const [{ Chart }, points] = await Promise.all([
      import("./chart.js"), ask("map/points", { query: { v: map.version } }).then((answer) => answer.arrayBuffer())]);
    if (round !== this.round) return;
    if (!points.byteLength) {
      this.#words("Nothing to map yet", "There are no pictures in the gallery.");
      return;
    }
    const chart = new Chart(this.element, points, map, this.search, () => { if (this.chart === chart) this.renew(); });
    this.chart = chart;
    if (this.spot) chart.camera.look(this.spot);
    this.spot = null;
  }

  /** @param {string | null} error why the last try came to nothing */
  #offer(error) {
    this.#words(error ? "The map could not be drawn" : "No map yet", error ? capital(error) :
      "A map lays out every picture so that those alike lie together. It takes a moment for a few hundred pictures and some minutes for many thousands; you can go on searching meanwhile.",
      error ? "Try again" : "Draw the map", async () => {
        const { round } = this;
        const { job } = await get("map", { method: "POST" });
        await this.#wait(job, round);
        await this.#look(round);
      });
  }

  /** @param {string} job @param {number} round */
  async #wait(job, round) {
    if (round !== this.round) return;
    const meter = jobMeter(h, "Laying out the pictures …");
    fill(this.element, h("div", { class: "empty" }, icon("map"), h("h2", {}, "Drawing the map"), meter.element));
    await watch(job, meter.show);
  }

  /** @param {string} title @param {string} words @param {string} [act] @param {() => Promise<void>} [job] */
  #words(title, words, act, job) {
    const again = async () => {
      if (!job) {
        this.renew();
        return;
      }
      const { round } = this;
      try {
        await job();
      } catch (error) {
        if (round === this.round) this.#words("The map could not be drawn", error.message, "Try again");
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
