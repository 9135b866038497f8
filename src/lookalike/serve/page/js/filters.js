/** @file Which pictures are searched: by folder, by label, by size; and how many are shown. */

import { fill, h, listen, whenQuiet } from "./dom.js";
import { engine } from "./engine.js";
import { icon } from "./icons.js";
import { DEFAULT_K, MOST, store } from "./state.js";
import { count } from "./words.js";

const HOW_MANY = [30, 100, DEFAULT_K, 1000, 5000, MOST];

export class Filters {
  constructor() {
    this.list = h("ul", { class: "pills", role: "list", "aria-label": "Filters in use" });
    this.folder = this.#choice("folder", "Folder", "Any folder", "folders");
    this.label = this.#choice("label", "Label", "Any label", "labels");
    this.sizes = ["minw", "maxw", "minh", "maxh"].map((name) => this.#size(name));
    const [minw, maxw, minh, maxh] = this.sizes;
    this.count = h("span", { class: "pill-count", hidden: true });
    this.element = h("details", { class: "filters" },
      h("summary", {}, icon("filter"), "Filters", this.count),
      h("div", { class: "filter-fields" }, this.list, this.folder, this.label,
        h("fieldset", {}, h("legend", {}, "Width"), minw, h("span", {}, "to"), maxw, h("span", {}, "px")),
        h("fieldset", {}, h("legend", {}, "Height"), minh, h("span", {}, "to"), maxh, h("span", {}, "px"))));
    this.element.open = matchMedia("(min-width: 62rem)").matches;
  }

  /** What there is to choose from. @param {any} engine */
  offer(engine) {
    this.#options(this.folder, "Any folder", engine.folders.map((one) => [one.folder, one.count]));
    this.#options(this.label, "Any label", engine.labels.map((one) => [one.label, one.count]));
    const size = engine.size;
    if (!size) return;
    [size.min_width, size.max_width, size.min_height, size.max_height].forEach((value, at) => {
      this.sizes[at].placeholder = String(value);
    });
    const uneven = size.min_width !== size.max_width || size.min_height !== size.max_height;
    for (const set of this.element.querySelectorAll("fieldset")) set.hidden = !uneven;
    this.element.hidden = !uneven && this.folder.hidden && this.label.hidden;
  }

  /** @param {import("./state.js").State} state */
  show(state) {
    const pills = [
      ...state.folders.map((name) => this.#pill(`in ${name}`, () => ({ folders: state.folders.filter((one) => one !== name) }))),
      ...state.labels.map((name) => this.#pill(name, () => ({ labels: state.labels.filter((one) => one !== name) }))),
    ];
    const held = this.list.contains(document.activeElement);
    fill(this.list, ...pills);
    this.list.hidden = !pills.length;
    // The pill that was removed had the keyboard.
    if (held) (this.list.querySelector("button") ?? this.element.querySelector("summary")).focus();
    const sizes = ["minw", "maxw", "minh", "maxh"];
    sizes.forEach((name, at) => {
      const field = this.sizes[at];
      if (!field.typing && field.value !== String(state[name] ?? "")) field.value = state[name] ?? "";
    });
    const used = pills.length + sizes.filter((name) => state[name] !== null).length;
    this.count.hidden = used === 0;
    this.count.textContent = String(used);
  }

  /** @param {string} words @param {() => object} without */
  #pill(words, without) {
    return h("li", { class: "pill" }, words, h("button", { type: "button", "aria-label": `Remove the filter ${words}`, on: { click: () => store.set(without()) } }, icon("close")));
  }

  /** @param {string} id @param {string} words @param {string} any @param {"folders" | "labels"} field */
  #choice(id, words, any, field) {
    const select = h("select", { class: "select", id, on: {
      change: () => {
        const { value } = select;
        select.value = "";
        if (value && !store.state[field].includes(value)) store.set({ [field]: [...store.state[field], value] });
      },
    } }, h("option", { value: "" }, any));
    return h("div", { class: "choice", hidden: true }, h("label", { for: id }, words), select);
  }

  /** @param {HTMLElement} choice @param {string} any @param {[string, number][]} options */
  #options(choice, any, options) {
    choice.hidden = options.length < 2;
    const byName = [...options].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
    fill(choice.querySelector("select"), h("option", { value: "" }, any),
      ...byName.map(([name, number]) => h("option", { value: name }, `${name} (${count(number)})`)));
  }

  /** @param {string} name */
  #size(name) {
    const words = `${name.startsWith("min") ? "Smallest" : "Largest"} ${name.endsWith("w") ? "width" : "height"} in pixels`;
    const set = () => {
      const value = Number.parseInt(field.value, 10);
      const wanted = Number.isFinite(value) && value >= 0 ? value : null;
      if (wanted !== store.state[name]) store.set({ [name]: wanted });
    };
    const field = h("input", { class: "field", type: "number", inputmode: "numeric", min: "0", id: name, "aria-label": words });
    listen(field, settled(field, set, 300));
    return field;
  }
}

/**
 * Typing counts when it pauses, and at the latest when the field is left: else what is typed last
 * would be lost to whatever is clicked next.
 * @param {HTMLElement & {typing?: boolean}} field @param {() => void} set @param {number} wait
 */
function settled(field, set, wait) {
  const done = () => {
    field.typing = false;
    set();
  };
  const later = whenQuiet(done, wait);
  return {
    input: () => {
      field.typing = true;
      later();
    },
    change: done,
  };
}

/** How many of the closest are shown. */
export function makeHowMany() {
  const select = h("select", { class: "select", id: "k", "aria-label": "How many of the closest are shown", on: { change: () => store.set({ k: Number(select.value) }) } });
  const show = (/** @type {import("./state.js").State} */ state) => {
    // More than there are says no more than the first number that takes in all.
    const all = engine.facts?.pictures ?? MOST;
    const enough = HOW_MANY.filter((k, at) => at === 0 || HOW_MANY[at - 1] < all);
    const choices = [...new Set([...enough, state.k])].sort((a, b) => a - b);
    fill(select, ...choices.map((k) => h("option", { value: String(k) }, `closest ${count(k)}`)));
    select.value = String(state.k);
    select.hidden = !state.queries.length;
  };
  store.subscribe(show);
  engine.whenKnown(() => show(store.state));
  show(store.state);
  return select;
}

/** A part of the name or path. */
export function makeNameField() {
  const field = h("input", { class: "field name-field", type: "search", id: "text", placeholder: "Filter by name", "aria-label": "Only pictures whose path holds this text", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/" });
  listen(field, settled(field, () => {
    if (field.value.trim() !== store.state.text) store.set({ text: field.value.trim() }, { replace: true });
  }, 160));
  const show = (/** @type {import("./state.js").State} */ state) => {
    if (!field.typing && field.value.trim() !== state.text) field.value = state.text;
  };
  store.subscribe(show);
  show(store.state);
  return field;
}
