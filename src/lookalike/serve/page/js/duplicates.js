/** @file Pictures that are there more than once, side by side, with what differs. */

import { get } from "./api.js";
import { fill, h, whenQuiet } from "./dom.js";
import { icon } from "./icons.js";
import { announce } from "./live.js";
import { meet } from "./previews.js";
import { tileImage } from "./tile.js";
import { answerOf, sayInstead } from "./waiting.js";
import { bytes, count, day, fileName, folderOf, percent, several } from "./words.js";

/** @typedef {import("./api.js").Picture & {kind?: string | null, probability?: number | null, differs?: string[], file_size?: number, modified?: string, format?: string}} Copy */

const KINDS = [
  { kind: "exact", words: "Same bytes", tag: "same bytes" },
  { kind: "same-pixels", words: "Same pixels", tag: "same pixels" },
  { kind: "edited", words: "Edited copies", tag: "edited copy" },
  { kind: "near", words: "Near shots", tag: "near shot" },
];
const PAGE = 30;
const CARDS = 12;

export class DuplicatesView {
  /** @param {import("./searchview.js").SearchView} search */
  constructor(search) {
    this.search = search;
    this.kinds = new Set(["exact", "same-pixels", "edited"]);
    this.least = 0.5;
    this.round = 0;
    this.begun = false;
    this.summary = h("p", { class: "muted", role: "status" });
    this.room = h("div", { class: "groups" });
    this.more = h("div", { class: "grid-end" });
    this.element = h("div", { class: "view" },
      h("header", { class: "view-head" }, h("div", {}, h("h2", {}, "Duplicates"), this.summary), this.#controls()),
      this.room, this.more);
    new IntersectionObserver((seen) => { if (seen[0].isIntersecting) this.#next(); }, { rootMargin: "900px" }).observe(this.more);
  }

  show() {
    if (!this.begun) this.#load();
  }

  renew() {
    this.begun = false;
    if (!this.element.hidden) this.#load();
  }

  #controls() {
    const again = whenQuiet(() => this.#load(), 200);
    const boxes = KINDS.map(({ kind, words }) => h("label", { class: "toggle" }, h("input", { type: "checkbox", ".checked": this.kinds.has(kind), value: kind, on: { change: (event) => {
      if (event.currentTarget.checked) this.kinds.add(kind);
      else this.kinds.delete(kind);
      again();
    } } }), words));
    const said = h("output", {}, percent(this.least));
    const range = h("input", { type: "range", id: "least", min: "0.05", max: "0.95", step: "0.05", ".value": String(this.least), on: { input: () => {
      this.least = Number(range.value);
      said.textContent = percent(this.least);
      again();
    } } });
    return h("div", { class: "view-tools" }, h("div", { class: "toggles", role: "group", "aria-label": "Kinds of copies" }, boxes),
      h("div", { class: "least" }, h("label", { for: "least" }, "At least"), range, said, h("span", { class: "muted" }, "sure")));
  }

  async #load() {
    this.begun = true;
    this.round += 1;
    const { round } = this;
    this.total = 0;
    this.shown = 0;
    this.reading = true;
    fill(this.more);
    this.summary.textContent = "";
    if (!this.kinds.size) {
      sayInstead(this.room, "copies", "Choose a kind", "Tick at least one kind of copies above.");
      return;
    }
    try {
      const answer = await answerOf(this.room, "duplicates", { ...this.#query(), offset: 0 },
        { drawing: "copies", title: "Looking for copies", first: "Every picture is compared with those closest to it …" }, () => round === this.round);
      if (!answer) return;
      fill(this.room);
      this.#take(answer);
      if (!answer.total) sayInstead(this.room, "check", "No duplicates", "No picture is there more than once, as far as these kinds go.");
      this.summary.textContent = answer.total ? `${several(answer.total, "group")} of pictures that are there more than once. Nothing is deleted from here.` : "";
      announce(`${several(answer.total, "group")} of duplicates`);
    } catch (error) {
      if (round === this.round) sayInstead(this.room, "info", "That did not work", error.message, { words: "Try again", job: () => this.#load() });
    }
  }

  #query() {
    return { kinds: [...this.kinds].join(","), at_least: this.least, limit: PAGE };
  }

  async #next() {
    if (this.reading || this.shown >= this.total) return;
    this.reading = true;
    const { round } = this;
    try {
      const answer = await get("duplicates", { query: { ...this.#query(), offset: this.shown } });
      if (round === this.round) this.#take(answer);
    } catch {
      this.reading = false; // Scrolling on asks again.
    }
  }

  /** @param {{total: number, groups: any[]}} answer */
  #take(answer) {
    this.room.append(...answer.groups.map((group) => this.#group(group)));
    this.total = answer.total;
    this.shown += answer.groups.length;
    this.reading = false;
    if (!answer.groups.length) this.total = this.shown;
    this.more.textContent = this.shown >= this.total && this.total > PAGE ? `All ${count(this.total)} groups` : "";
  }

  /** @param {{kind: string, reason: string, kept: any, others: any[]}} group */
  #group(group) {
    const kept = flat(group.kept);
    const others = group.others.map(flat);
    [kept, ...others].forEach(meet);
    const kinds = [...new Set(others.map(({ kind }) => KINDS.find((one) => one.kind === kind)?.tag ?? kind))].join(", ");
    const free = others.reduce((sum, one) => sum + Math.max(one.file_size ?? 0, 0), 0);
    const rest = others.length - CARDS;
    return h("section", { class: `group ${others.length === 1 ? "pair" : ""}` },
      h("h3", {}, `${several(others.length + 1, "picture")}: ${kinds}`, free > 0 && h("span", {}, ` · ${others.length === 1 ? "the copy takes" : "the copies take"} ${bytes(free)}`)),
      group.reason && h("p", { class: "muted" }, `Would keep the first: ${group.reason}.`.replace("..", ".")),
      h("ul", { class: "cards", role: "list" }, this.#card(kept, null), others.slice(0, CARDS).map((one) => this.#card(one, kept)),
        rest > 0 && h("li", { class: "card-more muted" }, `and ${several(rest, "more")}`.replace("mores", "more"))));
  }

  /** @param {Copy} copy @param {Copy | null} kept what it is a copy of; null for that itself */
  #card(copy, kept) {
    const known = KINDS.find(({ kind }) => kind === copy.kind);
    const sure = typeof copy.probability === "number" && copy.kind !== "exact" && copy.kind !== "same-pixels" ? `, ${percent(copy.probability)} sure` : "";
    const open = () => this.search.lightbox.open(kept ? [item(copy), item(kept)] : [item(copy)], 0, "");
    return h("li", { class: `card ${kept ? "" : "kept"}` },
      h("button", { class: "shot", type: "button", "aria-label": `Open ${fileName(copy.path)}`, on: { click: open } }, tileImage(copy, 220)),
      h("div", { class: "card-text" },
        h("span", { class: "tag" }, kept ? `${known?.tag ?? copy.kind}${sure}` : "keep"),
        h("p", { class: "card-name" }, fileName(copy.path)), h("p", { class: "card-folder muted" }, folderOf(copy.path) || "top folder"),
        facts(copy, kept),
        kept && h("button", { class: "button compare-button", type: "button", on: { click: async () => (await import("./compare.js")).compare(kept, copy) } }, icon("copies"), "Compare")));
  }
}

/** The server may wrap the picture: here it is one thing. @param {any} copy @returns {Copy} */
const flat = (copy) => (copy.picture ? { ...copy, ...copy.picture } : copy);

/** @param {Copy} picture @returns {import("./tile.js").Item} */
const item = (picture) => ({ picture, hit: null });

/** @param {Copy} copy @param {Copy | null} kept */
function facts(copy, kept) {
  const lines = [["Size", `${copy.width} × ${copy.height}`, kept && (kept.width !== copy.width || kept.height !== copy.height)]];
  if (copy.file_size !== undefined && copy.file_size !== null && copy.file_size >= 0) lines.push(["File", `${bytes(copy.file_size)}${copy.format ? ` ${copy.format}` : ""}`, kept && kept.file_size !== copy.file_size]);
  if (copy.modified) lines.push(["Changed", day(copy.modified), kept && kept.modified !== copy.modified]);
  return [h("dl", { class: "facts" }, lines.flatMap(([name, value, differs]) => [h("dt", {}, name), h("dd", { class: differs ? "differs" : null }, value)])),
    copy.differs?.length ? h("p", { class: "differs-words" }, h("strong", {}, "Differs: "), copy.differs.join(", ")) : null];
}
