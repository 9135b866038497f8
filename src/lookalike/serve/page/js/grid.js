/** @file The grid of pictures: only what is near the window is in the document. */

import { calm, h, oncePerFrame, whenQuiet } from "./dom.js";
import { Justified } from "./layout.js";
import { describe, dots, makeTile } from "./tile.js";
import { BANDS, several } from "./words.js";

/**
 * @typedef {import("./tile.js").Item} Item
 * @typedef {{onFind: (item: Item) => void, onMore: (item: Item) => void, onLess: (item: Item) => void, onOpen: (item: Item, at: number) => void, onEnd: () => void}} Deeds
 */

// So far beyond the window pictures are made ready, and so near the end more are asked for.
const AHEAD = 700;
const NEAR_END = 2200;

export class Grid {
  /** @param {string} label @param {Deeds} deeds */
  constructor(label, deeds) {
    this.deeds = deeds;
    /** @type {Item[]} */
    this.items = [];
    this.metric = "";
    this.total = 0;
    this.focused = 0;
    /** @type {Map<number, HTMLElement>} */
    this.tiles = new Map();
    this.list = h("ul", { class: "tiles", role: "list", "aria-label": label });
    this.bands = h("div", { class: "bands" });
    this.element = h("div", { class: "grid" }, this.bands, this.list);
    this.layout = new Justified(this.#shape());
    this.draw = oncePerFrame(() => this.#draw());
    this.tell = whenQuiet(() => this.#order(), 400);
    this.list.addEventListener("click", (event) => this.#click(event));
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("focusin", (event) => this.#focus(event));
    addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.element);
  }

  /**
   * Show these instead of what is there; what is in both moves to its new place.
   * @param {Item[]} items @param {number} total of which they are the first @param {string} metric
   */
  show(items, total, metric) {
    const held = this.list.contains(document.activeElement);
    this.items = items;
    this.metric = metric;
    this.total = total;
    this.focused = Math.min(this.focused, Math.max(items.length - 1, 0));
    this.layout = new Justified(this.#shape());
    this.#extend();
    for (const item of items) {
      const tile = this.tiles.get(item.picture.id);
      if (tile?.dataset.version === String(item.picture.version)) describe(tile, item, metric);
      else if (tile) this.#drop(item.picture.id);
    }
    this.element.classList.toggle("still", calm());
    this.#draw();
    // The picture under the keyboard may be gone: its place goes on being that of the keyboard.
    if (held && !this.list.contains(document.activeElement)) this.hold();
  }

  /** @param {Item[]} items */
  append(items) {
    this.items.push(...items);
    this.#extend();
    this.#draw();
  }

  /** @param {number} at */
  focus(at) {
    if (!this.items.length) return;
    this.focused = Math.min(Math.max(at, 0), this.items.length - 1);
    const place = this.layout.places[this.focused];
    this.#reveal(place);
    this.#draw();
    this.#tileAt(this.focused)?.querySelector("button").focus({ preventScroll: true });
  }

  /** Give the keyboard back to the grid without moving the window. */
  hold() {
    this.#tileAt(this.focused)?.querySelector("button").focus({ preventScroll: true });
  }

  #shape() {
    // While it is hidden it has no width: it is laid out as it was seen last.
    this.width = this.element?.clientWidth || this.width || 0;
    const { width } = this;
    const narrow = width < 560;
    const height = narrow ? 112 : Math.min(190, Math.max(136, width / 7.5));
    return { width: Math.max(width, 1), height, gap: narrow ? 4 : 8, heading: 44 };
  }

  #extend() {
    const bands = this.#bandsInOrder();
    this.layout.extend(this.items.map(({ picture, hit }) => ({
      width: picture.width, height: picture.height, band: bands ? hit?.band ?? null : null,
    })));
    this.element.classList.toggle("headed", this.layout.headings.length > 0);
    this.list.style.height = `${Math.ceil(this.layout.bottom)}px`;
    this.#head();
  }

  /** Headings only make sense where each band is one stretch; several queries may mix them. */
  #bandsInOrder() {
    const seen = [...new Set(this.items.map(({ hit }) => hit?.band ?? null))];
    const ranks = this.items.map(({ hit }) => seen.indexOf(hit?.band ?? null));
    return ranks.every((rank, at) => at === 0 || rank >= ranks[at - 1]);
  }

  #head() {
    const more = this.items.length < this.total;
    this.bands.replaceChildren(...this.layout.headings.map(({ y, band, count }, at, all) => {
      const words = BANDS[band];
      const open = more && at === all.length - 1;
      const line = h("h2", { class: `heading band-${band}` }, dots(words?.dots ?? 0), words?.heading ?? band,
        h("span", {}, open ? `${several(count, "picture")} and more` : several(count, "picture")));
      line.style.transform = `translateY(${y}px)`;
      return line;
    }));
  }

  #resized() {
    if (!this.element.clientWidth || Math.abs(this.element.clientWidth - this.layout.shape.width) < 1) return;
    this.element.classList.add("still");
    this.layout = new Justified(this.#shape());
    this.#extend();
    this.#draw();
  }

  #draw() {
    if (!this.element.isConnected || this.element.closest("[hidden]")) return;
    const top = -this.list.getBoundingClientRect().top;
    const { start, end } = this.layout.between(top - AHEAD, top + innerHeight + AHEAD);
    const wanted = new Set(range(start, end));
    // The focused picture stays, or the keyboard would fall out of the grid.
    if (this.items.length) wanted.add(this.focused);
    const ids = new Set([...wanted].map((at) => this.items[at].picture.id));
    for (const id of this.tiles.keys()) if (!ids.has(id)) this.#drop(id);
    for (const at of wanted) this.#put(at);
    this.tell();
    if (this.items.length < this.total && top + innerHeight + NEAR_END > this.layout.bottom) this.deeds.onEnd();
  }

  /** @param {number} id */
  #drop(id) {
    this.tiles.get(id)?.remove();
    this.tiles.delete(id);
  }

  /** Tiles stand in the document as they came; to a screen reader they are in their order. */
  #order() {
    const tiles = [...this.tiles.values()].sort((a, b) => Number(a.dataset.at) - Number(b.dataset.at));
    this.list.setAttribute("aria-owns", tiles.map(({ id }) => id).join(" "));
  }

  /** @param {number} at */
  #put(at) {
    const item = this.items[at];
    const place = this.layout.places[at];
    let tile = this.tiles.get(item.picture.id);
    if (!tile) {
      tile = makeTile(item, this.metric, Math.max(place.width, place.height));
      this.tiles.set(item.picture.id, tile);
      this.list.append(tile);
    }
    tile.style.transform = `translate(${place.x}px, ${place.y}px)`;
    tile.style.width = `${place.width}px`;
    tile.style.height = `${place.height}px`;
    tile.setAttribute("aria-posinset", String(at + 1));
    tile.setAttribute("aria-setsize", String(this.total));
    tile.dataset.at = String(at);
    tile.querySelector("button").tabIndex = at === this.focused ? 0 : -1;
  }

  /** @param {number} at */
  #tileAt(at) {
    return this.items[at] ? this.tiles.get(this.items[at].picture.id) : undefined;
  }

  /** @param {import("./layout.js").Place} place */
  #reveal(place) {
    const top = this.list.getBoundingClientRect().top + place.y;
    const bar = 130;
    if (top < bar) scrollBy({ top: top - bar });
    else if (top + place.height > innerHeight - 80) scrollBy({ top: top + place.height - innerHeight + 80 });
  }

  /** @param {Event} event */
  #item(event) {
    const tile = /** @type {HTMLElement} */ (event.target).closest?.(".tile");
    const at = tile ? Number(/** @type {HTMLElement} */ (tile).dataset.at) : -1;
    return { item: this.items[at], at };
  }

  /** @param {Event} event */
  #click(event) {
    const { item, at } = this.#item(event);
    if (!item) return;
    const what = /** @type {HTMLElement} */ (event.target).closest("[data-act]")?.getAttribute("data-act");
    if (what === "more") this.deeds.onMore(item);
    else if (what === "less") this.deeds.onLess(item);
    else if (what === "open") this.deeds.onOpen(item, at);
    else this.deeds.onFind(item);
  }

  /** @param {Event} event */
  #focus(event) {
    const { at } = this.#item(event);
    if (at < 0 || at === this.focused) return;
    const before = this.#tileAt(this.focused)?.querySelector("button");
    if (before) before.tabIndex = -1;
    this.focused = at;
    this.#tileAt(at).querySelector("button").tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { item, at } = this.#item(event);
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(innerHeight / this.layout.shape.height) - 1);
    const moves = {
      ArrowRight: () => at + 1, ArrowLeft: () => at - 1,
      ArrowDown: () => this.layout.beside(at, 1), ArrowUp: () => this.layout.beside(at, -1),
      Home: () => 0, End: () => this.items.length - 1,
      PageDown: () => leap(this.layout, at, page, 1), PageUp: () => leap(this.layout, at, page, -1),
    };
    const deeds = {
      "+": () => this.deeds.onMore(item), "=": () => this.deeds.onMore(item),
      "-": () => this.deeds.onLess(item), o: () => this.deeds.onOpen(item, at),
      " ": () => this.deeds.onOpen(item, at),
    };
    if (moves[event.key]) this.focus(moves[event.key]());
    else if (deeds[event.key]) deeds[event.key]();
    else return;
    event.preventDefault();
  }
}

/** @param {Justified} layout @param {number} at @param {number} rows @param {-1 | 1} step */
function leap(layout, at, rows, step) {
  let place = at;
  for (let row = 0; row < rows; row += 1) place = layout.beside(place, step);
  return place;
}

/** @param {number} start @param {number} end */
function* range(start, end) {
  for (let at = start; at < end; at += 1) yield at;
}
