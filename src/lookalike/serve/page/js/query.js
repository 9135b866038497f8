/** @file The query: the picture in hand, a box on it, and the chips of all that is looked for. */

import { get } from "./api.js";
import { Box } from "./box.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { pick, photograph } from "./intake.js";
import { toast } from "./live.js";
import { met, meet, showQuery } from "./previews.js";
import { store } from "./state.js";
import { fileName, several } from "./words.js";

/** @typedef {import("./state.js").Query} Query */

export class QueryPanel {
  /** @param {import("./intake.js").Taker} take @param {(query: Query) => void} onOpen */
  constructor(take, onOpen) {
    this.take = take;
    this.onOpen = onOpen;
    this.active = 0;
    this.drawn = "";
    this.stageImage = h("img", { alt: "", class: "stage-image", draggable: "false" });
    this.stage = h("div", { class: "stage" }, this.stageImage);
    this.box = new Box(this.stage, (box) => this.#boxed(box));
    this.boxButton = h("button", { class: "button", type: "button", on: { click: () => this.#toggleBox() } });
    this.caption = h("p", { class: "query-name" });
    this.chips = h("ul", { class: "chips", role: "list", "aria-label": "What is looked for" });
    this.combine = this.#combine();
    this.element = h("section", { class: "query", "aria-label": "Query" });
  }

  /** @param {import("./state.js").State} state */
  show(state) {
    this.active = Math.min(this.active, Math.max(state.queries.length - 1, 0));
    const key = JSON.stringify([state.queries, this.active, state.combine]);
    if (key === this.drawn) return;
    this.drawn = key;
    if (!state.queries.length) {
      fill(this.element, this.#invitation());
      return;
    }
    if (!this.stage.isConnected) fill(this.element, this.#held());
    this.#showStage(state.queries[this.active]);
    this.#showChips(state.queries);
    this.combine.hidden = state.queries.filter((query) => query.weight > 0).length < 2;
    this.combine.querySelector("select").value = state.combine;
  }

  /** A picture that is on its way to the server. @param {string} url */
  showComing(url) {
    if (!this.stage.isConnected) fill(this.element, this.#held());
    this.drawn = "";
    this.stageImage.classList.remove("lost", "tiny");
    this.stageImage.onerror = null;
    this.stageImage.alt = "";
    this.stageImage.src = url;
    this.caption.textContent = "Searching …";
    this.combine.hidden = true;
    this.box.show(null);
    fill(this.chips);
  }

  /** @param {number} at */
  activate(at) {
    this.active = at;
    this.show(store.state);
  }

  #invitation() {
    const camera = h("button", { class: "button", type: "button", on: { click: () => photograph(this.take) } }, icon("camera"), "Photograph");
    return h("div", { class: "invitation" },
      icon("upload"),
      h("h2", {}, "Find pictures by a picture"),
      h("p", {}, "Drop one here, paste it, or start from any picture of the gallery."),
      h("div", { class: "invitation-acts" },
        h("button", { class: "button primary", type: "button", on: { click: () => pick(this.take) } }, icon("picture"), "Choose a picture"), camera));
  }

  #held() {
    return h("div", { class: "held" },
      h("div", { class: "stage-frame" }, this.stage),
      h("div", { class: "held-line" }, this.caption, this.boxButton),
      this.chips, this.combine);
  }

  /** @param {Query} query */
  #showStage(query) {
    this.stageImage.classList.remove("lost");
    showQuery(this.stageImage, query, 320, () => this.#lost(query));
    const held = document.activeElement === this.box.element;
    this.box.show(query.box);
    if (held && !query.box) this.boxButton.focus();
    const known = query.kind === "id" ? met(query.ref) : null;
    const words = query.kind === "up" ? "Your picture" : known ? fileName(known.path) : `Picture ${query.ref}`;
    fill(this.caption, h("button", { class: "link", type: "button", title: "Open the picture", on: { click: () => this.onOpen(query) } }, words));
    this.stageImage.alt = `The query: ${words}`;
    const tiny = known && Math.max(known.width, known.height) <= 64;
    this.stageImage.classList.toggle("tiny", Boolean(tiny));
    fill(this.boxButton, icon(query.box ? "close" : "crop"), query.box ? "Whole picture" : "Search a part");
    if (query.kind === "id" && !known) this.#meet(query);
  }

  /** A link that was sent names a picture by its number: its name is asked for. @param {Query} query */
  async #meet(query) {
    try {
      meet(await get(`pictures/${query.ref}`));
      this.drawn = "";
      this.show(store.state);
    } catch {
      // The search itself says that it is gone.
    }
  }

  /** @param {Query} query */
  #lost(query) {
    this.stageImage.classList.add("lost");
    this.caption.textContent = query.kind === "up"
      ? "This picture is no longer kept here: drop it again."
      : "This picture cannot be shown.";
  }

  /** @param {Query[]} queries */
  #showChips(queries) {
    const alone = queries.length === 1;
    // A single query is the picture above: a chip would only show it twice.
    this.chips.hidden = alone;
    fill(this.chips, ...queries.map((query, at) => this.#chip(query, at)));
  }

  /** @param {Query} query @param {number} at */
  #chip(query, at) {
    const more = query.weight > 0;
    const name = query.kind === "up" ? "your picture" : fileName(met(query.ref)?.path ?? `picture ${query.ref}`);
    // Less like something is only said beside what is looked for.
    const last = more && store.state.queries.filter((one) => one.weight > 0).length === 1;
    const sign = h("button", {
      class: "chip-sign", type: "button", disabled: last, "aria-label": last ? `More like ${name}` : `${more ? "More" : "Less"} like ${name}; change to ${more ? "less" : "more"}`,
      title: last ? "More like this" : `${more ? "More" : "Less"} like this – click to change`, on: { click: () => this.#flip(at) },
    }, icon(more ? "plus" : "minus"));
    const picture = h("button", {
      class: "chip-picture", type: "button", "aria-pressed": String(at === this.active),
      "aria-label": `Show ${name}`, title: `Show ${name}`, on: { click: () => this.activate(at) },
    }, showQuery(h("img", { alt: "", draggable: "false" }), query, 64), query.box && h("span", { class: "chip-part" }, icon("crop")));
    const remove = h("button", { class: "chip-remove", type: "button", "aria-label": `Remove ${name} from the query`, title: "Remove", on: { click: () => this.#remove(at) } }, icon("close"));
    return h("li", { class: `chip ${more ? "more" : "less"}` }, picture, sign, remove);
  }

  #combine() {
    const choice = h("select", { class: "select", id: "combine", on: { change: () => store.set({ combine: /** @type {"mean" | "best"} */ (choice.value) }) } },
      h("option", { value: "mean" }, "what they have in common"), h("option", { value: "best" }, "the best match with any"));
    return h("div", { class: "combine", hidden: true }, h("label", { for: "combine" }, "Look for"), choice);
  }

  /** @param {number} at */
  #flip(at) {
    const queries = store.state.queries.map((query, place) => place === at ? { ...query, weight: /** @type {1 | -1} */ (-query.weight) } : query);
    store.set({ queries });
    this.#focusChip(at, ".chip-sign");
  }

  /** @param {number} at */
  #remove(at) {
    const rest = store.state.queries.filter((_, place) => place !== at);
    if (rest.length && !rest.some((query) => query.weight > 0)) {
      toast("Something must be looked for: turn one of the others to “more” first, or clear the query.");
      return;
    }
    if (at < this.active) this.active -= 1;
    store.set({ queries: rest });
    this.#focusChip(Math.max(at - 1, 0), ".chip-picture");
  }

  /** The chips were drawn anew: the keyboard goes on where it was. @param {number} at @param {string} part */
  #focusChip(at, part) {
    const chip = this.chips.children[at]?.querySelector(part) ?? this.element.querySelector("button");
    chip?.focus();
  }

  #toggleBox() {
    const query = store.state.queries[this.active];
    if (!query) return;
    if (query.box) this.#boxed(null);
    else this.box.begin();
  }

  /** @param {number[] | null} box */
  #boxed(box) {
    const queries = store.state.queries.map((query, at) => at === this.active ? { ...query, box } : query);
    if (!queries.length) return;
    // Back undoes a box as a whole, not each step of drawing it.
    store.set({ queries }, { replace: Boolean(store.state.queries[this.active].box && box) });
  }
}

/** @param {Query[]} queries */
export function queryWords(queries) {
  const more = queries.filter((query) => query.weight > 0).length;
  const less = queries.length - more;
  if (queries.length === 1) return queries[0].box ? "that part" : "that picture";
  return `${several(more, "picture")}${less ? `, unlike ${less}` : ""}`;
}
