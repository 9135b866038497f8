/** @file The report card: how well this engine finds what it should. */

import { ApiError, get } from "./api.js";
import { fill, h } from "./dom.js";
import { engine } from "./engine.js";
import { sayInstead } from "./waiting.js";
import { capital, count, percent, several } from "./words.js";

const STRENGTHS = ["light", "medium", "strong"];

export class CardView {
  constructor() {
    this.begun = false;
    this.room = h("div", {});
    this.element = h("div", { class: "view narrow" }, h("header", { class: "view-head" }, h("div", {}, h("h2", {}, "Report card"), h("p", { class: "muted" }, "How well this engine finds pictures of this very gallery."))), this.room);
  }

  show() {
    if (!this.begun) this.#load();
  }

  renew() {
    this.begun = false;
    if (!this.element.hidden) this.#load();
  }

  async #load() {
    this.begun = true;
    try {
      const card = await get("card");
      fill(this.room, h("p", { class: "sentence" }, card.sentence), ...copies(card), ...beside(card), ...honesty(card.calibration), ...labels(card));
    } catch (error) {
      this.begun = false;
      const none = error instanceof ApiError && error.status === 404;
      if (none) sayInstead(this.room, "card", "No report yet", `It is written by “lookalike report ${engine.facts?.name ?? "ENGINE"}.lookalike”, and after every build. Come back when it is done.`);
      else sayInstead(this.room, "info", "That did not work", error.message, { words: "Try again", job: () => this.#load() });
    }
  }
}

/** @param {string} title @param {string} words @param {...any} content */
const section = (title, words, ...content) => h("section", { class: "card-section" }, h("h3", {}, title), h("p", { class: "muted" }, words), ...content);

/** @param {any} card */
function copies({ copies: measured }) {
  if (!measured?.rows?.length) return [];
  const edits = [...new Set(measured.rows.map((row) => row.edit))];
  const at = (/** @type {string} */ edit, /** @type {string} */ strength) =>
    [...measured.rows, ...(measured.means ?? [])].find((row) => row.edit === edit && row.strength === strength);
  const line = (/** @type {string} */ edit, /** @type {string} */ words, kind = "") => h("tr", { class: kind || null }, h("th", { scope: "row" }, words), STRENGTHS.map((strength) => cell(at(edit, strength)?.recall_at_1)));
  return [section("Edited copies found first",
    `${several(measured.pictures, "picture")} of the gallery were edited, and searched for among all ${count(measured.gallery)}: how often the original comes first.`,
    h("div", { class: "wide", role: "region", "aria-label": "Edited copies found first", tabindex: "0" },
      h("table", { class: "heat" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Edit"), STRENGTHS.map((one) => h("th", { scope: "col" }, capital(one))))),
        h("tbody", {}, edits.map((edit) => line(edit, capital(edit))), measured.means?.length && line("mean", "All together", "total")))))];
}

/** A share as a figure over a bar of its length. @param {number | undefined} share */
function cell(share) {
  if (share === undefined || share === null) return h("td", {}, "–");
  const bar = h("i", {});
  bar.style.transform = `scaleX(${share})`;
  return h("td", {}, h("span", {}, percent(share)), h("span", { class: "cell-bar", "aria-hidden": "true" }, bar));
}

/** @param {any} card */
function beside({ medium_recall_at_1: measured, medium_recall_pictures: pictures }) {
  const rows = Object.entries(measured ?? {});
  if (rows.length < 2) return [];
  return [section("Beside simpler methods", `Medium edited copies of ${several(pictures, "picture")}, found first.`,
    h("table", { class: "heat beside" }, h("tbody", {}, rows.map(([name, share]) => h("tr", { class: name.includes("this engine") ? "total" : null }, h("th", { scope: "row" }, name), cell(share))))))];
}

/** @param {any} check */
function honesty(check) {
  if (!check) return [];
  const lines = [
    [`${percent(1 - check.missed)}`, "of edited copies are said to be known to the gallery"],
    [`${percent(check.refused)}`, "of pictures that were taken out of it are said to be unknown"],
    [`${percent(check.foreign)}`, "of strangers, pictures of another kind, are said to be unknown"],
    [`${(check.error * 100).toFixed(1)} points`, "is how far, on average, the probabilities shown are off"],
  ].filter(([figure]) => !figure.startsWith("NaN"));
  return [section("How honest its scores are", `Tried with ${several(check.pictures, "picture")} that the scores were not set by.`,
    h("dl", { class: "figures" }, lines.flatMap(([figure, words]) => [h("div", {}, h("dt", {}, words), h("dd", {}, figure))])))];
}

/** @param {any} card */
function labels(card) {
  const rows = Object.entries(card.labels ?? {}).filter(([, value]) => typeof value === "number");
  if (!rows.length) return [];
  return [section("Hits of the same label", "Measured with the pictures' own labels.", h("dl", { class: "figures" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value.toFixed(3))))))];
}
