/** @file The pictures that the engine rebuilds worst, each beside what it rebuilds. */

import { reconstruction } from "./api.js";
import { h, fill } from "./dom.js";
import { engine } from "./engine.js";
import { icon } from "./icons.js";
import { announce } from "./live.js";
import { meet } from "./previews.js";
import { retried, tileImage } from "./tile.js";
import { answerOf, sayInstead } from "./waiting.js";
import { fileName, folderOf, several } from "./words.js";

const COUNTS = [24, 60, 200];

export class OdditiesView {
  /** @param {import("./searchview.js").SearchView} search */
  constructor(search) {
    this.search = search;
    this.begun = false;
    this.round = 0;
    this.count = h("select", { class: "select", id: "odd-count", "aria-label": "How many", on: { change: () => this.#load() } },
      COUNTS.map((one) => h("option", { value: String(one) }, `the ${one} oddest`)));
    this.room = h("div", { class: "odd-room" });
    this.element = h("div", { class: "view" },
      h("header", { class: "view-head" }, h("div", {}, h("h2", {}, "Oddities"),
        h("p", { class: "muted" }, "Pictures that the engine cannot rebuild well: broken scans, wrong crops and strangers come first; so does fine detail. Left the picture, right what the engine makes of it.")),
      h("div", { class: "view-tools" }, this.count)), this.room);
  }

  show() {
    if (this.begun) return;
    // Once only: else every later sync would rebuild all pictures, for nobody.
    const done = engine.whenKnown(() => {
      if (!this.begun && !this.element.hidden) this.#load();
      queueMicrotask(() => done());
    });
  }

  renew() {
    this.begun = false;
    if (!this.element.hidden) this.#load();
  }

  async #load() {
    this.begun = true;
    this.round += 1;
    const { round } = this;
    if (!engine.facts.decodes) {
      sayInstead(this.room, "rebuild", "This engine does not rebuild pictures", `Its preset, ${engine.facts.preset}, has no decoder. Engines that were trained here have one.`);
      return;
    }
    try {
      const answer = await answerOf(this.room, "oddities", { count: Number(this.count.value) },
        { drawing: "odd", title: "Rebuilding every picture", first: "The engine rebuilds each picture and looks how far off it is …" }, () => round === this.round);
      if (answer) this.#show(answer);
    } catch (error) {
      if (round === this.round) sayInstead(this.room, "info", "That did not work", error.message, { words: "Try again", job: () => this.#load() });
    }
  }

  /** @param {{oddities: any[]}} answer */
  #show({ oddities }) {
    const items = oddities.map(({ picture }) => ({ picture, hit: null }));
    items.forEach(({ picture }) => meet(picture));
    if (!items.length) {
      sayInstead(this.room, "odd", "Nothing odd", "There are no pictures to look at.");
      return;
    }
    fill(this.room, h("ul", { class: "odd-list", role: "list" }, oddities.map((one, at) => this.#card(one, items, at))));
    announce(several(oddities.length, "oddity", "oddities"));
  }

  /** @param {any} one @param {import("./tile.js").Item[]} items @param {number} at */
  #card(one, items, at) {
    const { picture } = one;
    const rebuilt = /** @type {HTMLImageElement} */ (h("img", { alt: "what the engine rebuilds", loading: "lazy", src: reconstruction(picture.id) }));
    retried(rebuilt);
    const image = tileImage(picture, 220);
    image.loading = "lazy";
    const times = one.ratio ? `${one.ratio >= 10 ? Math.round(one.ratio) : one.ratio.toFixed(1)} × the usual error` : `error ${one.error.toPrecision(2)}`;
    return h("li", { class: "odd" },
      h("button", { class: "odd-pair", type: "button", "aria-label": `Open ${fileName(picture.path)}, ${times}`, on: { click: () => this.search.lightbox.open(items, at, "") } }, image, rebuilt),
      h("div", { class: "card-text" }, h("p", { class: "card-name" }, fileName(picture.path)), h("p", { class: "card-folder muted" }, folderOf(picture.path) || "top folder"),
        h("p", { class: "odd-error" }, times),
        h("button", { class: "button", type: "button", on: { click: () => this.search.find(items[at]) } }, icon("search"), "Find its lookalikes")));
  }
}
