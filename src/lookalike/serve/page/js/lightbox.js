/** @file One picture as large as the window, with its facts and what is near it. */

import { ApiError, get, original, reconstruction, thumbnail } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { announce } from "./live.js";
import { meet } from "./previews.js";
import { tileImage } from "./tile.js";
import { BANDS, bytes, day, fileName, folderOf, scoreSentence } from "./words.js";

/**
 * @typedef {import("./tile.js").Item} Item
 * @typedef {{onFind: (item: Item) => void, onMore: (item: Item) => void, onLess: (item: Item) => void}} Deeds
 */

// So near the end of what is there, more of it is asked for.
const NEAR_END = 12;

export class Lightbox {
  /** @param {Deeds} deeds @param {() => {decodes: boolean} | null} engine @param {(items: Item[]) => void} onEnd whoever has more of them may append */
  constructor(deeds, engine, onEnd) {
    this.deeds = deeds;
    this.engine = engine;
    this.onEnd = onEnd;
    this.full = new Image();
    /** @type {Item[]} */
    this.items = [];
    this.at = 0;
    this.metric = "";
    this.round = 0;
    this.shown = h("div", { class: "light-shown" });
    this.side = h("div", { class: "light-side" });
    this.before = this.#turn("left", "Picture before", -1);
    this.after = this.#turn("right", "Next picture", 1);
    this.dialog = /** @type {HTMLDialogElement} */ (h("dialog", { class: "light", "aria-label": "Picture", tabindex: "-1" },
      h("div", { class: "light-stage" }, this.shown, this.before, this.after), this.side,
      h("button", { class: "quiet light-close", type: "button", "aria-label": "Close", on: { click: () => this.dialog.close() } }, icon("close")),
      h("p", { class: "said", role: "status" })));
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  /** @param {Item[]} items @param {number} at @param {string} metric */
  open(items, at, metric) {
    this.items = items;
    this.metric = metric;
    if (!this.dialog.isConnected) document.body.append(this.dialog);
    if (!this.dialog.open) this.dialog.showModal();
    this.#show(at);
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  /** @param {number} at */
  async #show(at) {
    this.at = at;
    this.round += 1;
    const { round } = this;
    const item = this.items[at];
    if (at + NEAR_END >= this.items.length) this.onEnd(this.items);
    this.before.hidden = at === 0;
    this.after.hidden = at === this.items.length - 1;
    meet(item.picture);
    this.dialog.setAttribute("aria-label", fileName(item.picture.path));
    this.#picture(item.picture);
    fill(this.side, this.#head(item), this.#acts(item), h("div", { class: "light-facts" }), h("div", { class: "light-near" }));
    this.side.scrollTop = 0;
    // What had the keyboard is gone, or hidden: its keys go on being heard.
    const held = /** @type {HTMLElement} */ (document.activeElement);
    if (!this.dialog.contains(held) || held.hidden) this.dialog.focus();
    announce(`${fileName(item.picture.path)}, picture ${at + 1} of ${this.items.length}`);
    await Promise.all([this.#facts(item, round), this.#near(item, round)]);
  }

  /** @param {import("./api.js").Picture} picture */
  #picture(picture) {
    const tiny = Math.max(picture.width, picture.height) <= 128;
    // The thumbnail is there at once and the original replaces it, so nothing flashes.
    const image = h("img", { alt: fileName(picture.path), class: tiny ? "tiny" : null, src: thumbnail(picture, 256) });
    // Nobody waits for the one before any more.
    this.full.src = "";
    const full = new Image();
    this.full = full;
    full.src = original(picture.id);
    full.decode().then(() => { image.src = full.src; }, () => {});
    this.shown.classList.remove("two");
    image.style.aspectRatio = `${picture.width} / ${picture.height}`;
    fill(this.shown, image);
  }

  /** @param {Item} item */
  #head({ picture, hit }) {
    const band = hit?.band ? BANDS[hit.band] : null;
    return h("header", {},
      h("h2", {}, fileName(picture.path)),
      h("p", { class: "muted" }, folderOf(picture.path) || "top folder"),
      hit && h("p", { class: "light-score" }, band && h("strong", {}, `${band.heading}. `), scoreSentence(hit, this.metric)));
  }

  /** @param {Item} item */
  #acts(item) {
    const close = (/** @type {(item: Item) => void} */ deed) => () => {
      this.dialog.close();
      deed(item);
    };
    const rebuild = this.engine()?.decodes && h("button", { class: "button", type: "button", "aria-pressed": "false", title: "What the engine rebuilds from what it keeps of this picture", on: { click: (event) => this.#rebuild(item.picture, event.currentTarget) } }, icon("rebuild"), "Rebuilt");
    return h("div", { class: "light-acts" },
      h("button", { class: "button primary", type: "button", on: { click: close(this.deeds.onFind) } }, icon("search"), "Find its lookalikes"),
      h("button", { class: "button", type: "button", on: { click: close(this.deeds.onMore) } }, icon("plus"), "More like this"),
      h("button", { class: "button", type: "button", on: { click: close(this.deeds.onLess) } }, icon("minus"), "Less like this"),
      rebuild,
      h("a", { class: "button light-original", href: original(item.picture.id), target: "_blank", rel: "noopener" }, icon("open"), "Original"));
  }

  /** @param {Item} item @param {number} round */
  async #facts({ picture }, round) {
    const room = this.side.querySelector(".light-facts");
    try {
      const facts = await get(`pictures/${picture.id}`);
      if (round !== this.round) return;
      const away = facts.inside ? "One of many pictures in a single file, shown as the engine keeps it." : "The file is not there now. What you see is the small copy that the engine keeps.";
      this.side.querySelector(".light-original").hidden = facts.missing;
      fill(room, facts.missing && h("p", { class: facts.inside ? "light-away muted" : "light-away" }, icon("info"), away),
        h("dl", { class: "facts" },
          ...[
            ["Size", `${facts.width} × ${facts.height} px`],
            ["File", facts.file_size === null || facts.inside ? null : bytes(facts.file_size)],
            ["Label", facts.label],
            ["Changed", facts.modified ? day(facts.modified) : null],
            ["Number", String(facts.id)],
            ["SHA-256", facts.sha256 ? `${facts.sha256.slice(0, 16)}…` : null],
          ].filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
    } catch (error) {
      if (round === this.round && error instanceof ApiError) fill(room, h("p", { class: "muted" }, error.message));
    }
  }

  /** @param {Item} item @param {number} round */
  async #near({ picture }, round) {
    const room = this.side.querySelector(".light-near");
    try {
      const answer = await get(`pictures/${picture.id}/neighbours`, { query: { k: 12 } });
      if (round !== this.round || !answer.hits.length) return;
      const items = answer.hits.map((hit) => ({ picture: hit.picture, hit }));
      fill(room, h("h3", {}, "Closest to it"), h("ul", { class: "near", role: "list" },
        ...items.map((item, at) => h("li", {}, h("button", { type: "button", "aria-label": fileName(item.picture.path), title: fileName(item.picture.path), on: { click: () => this.open(items, at, answer.metric) } }, tileImage(item.picture, 96))))));
    } catch {
      // The picture and its facts are what was asked for.
    }
  }

  /** @param {import("./api.js").Picture} picture @param {HTMLElement} button */
  #rebuild(picture, button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    this.shown.querySelector(".rebuilt")?.remove();
    this.shown.classList.toggle("two", on);
    if (!on) return;
    const image = h("img", { alt: "What the decoder rebuilds from the embedding", src: reconstruction(picture.id) });
    const words = h("figcaption", {}, "rebuilt from what the engine keeps of it");
    image.addEventListener("error", () => { words.textContent = "It cannot be rebuilt now."; });
    this.shown.append(h("figure", { class: "rebuilt" }, image, words));
  }

  /** @param {"left" | "right"} drawing @param {string} words @param {number} step */
  #turn(drawing, words, step) {
    return h("button", { class: `light-turn ${drawing}`, type: "button", "aria-label": words, on: { click: () => this.#step(step) } }, icon(drawing));
  }

  /** @param {number} step */
  #step(step) {
    const next = this.at + step;
    if (next >= 0 && next < this.items.length) this.#show(next);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = this.items[this.at];
    const jobs = {
      ArrowLeft: () => this.#step(-1), ArrowRight: () => this.#step(1),
      "+": () => { this.close(); this.deeds.onMore(item); },
      "-": () => { this.close(); this.deeds.onLess(item); },
    };
    if (!jobs[event.key]) return;
    event.preventDefault();
    jobs[event.key]();
  }
}
