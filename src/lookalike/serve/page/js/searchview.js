/** @file The search: query, filters and slider at the side, pictures in the middle. */

import { ApiError, upload } from "./api.js";
import { makeBalance } from "./balance.js";
import { fill, h } from "./dom.js";
import { engine } from "./engine.js";
import { exportMenu } from "./export.js";
import { Filters, makeHowMany, makeNameField } from "./filters.js";
import { Grid } from "./grid.js";
import { icon } from "./icons.js";
import { photograph, pick, watchWindow } from "./intake.js";
import { Lightbox } from "./lightbox.js";
import { announce, toast } from "./live.js";
import { meet, remember } from "./previews.js";
import { QueryPanel, queryWords } from "./query.js";
import { Results } from "./results.js";
import { blank, filters, store } from "./state.js";
import { count, several } from "./words.js";

/** @typedef {import("./tile.js").Item} Item */

// As many pictures as the server takes in one query.
const MOST_QUERIES = 32;

export class SearchView {
  constructor() {
    const deeds = {
      onFind: (/** @type {Item} */ item) => this.find(item),
      onMore: (/** @type {Item} */ item) => this.add(item, 1),
      onLess: (/** @type {Item} */ item) => this.add(item, -1),
    };
    this.lightbox = new Lightbox(deeds, () => engine.facts);
    this.take = (/** @type {File[]} */ files, /** @type {{add: boolean}} */ how) => this.#take(files, how);
    this.query = new QueryPanel(this.take, (query) => this.#openQuery(query));
    this.filters = new Filters();
    this.grid = new Grid("Pictures", {
      ...deeds, onOpen: (_, at) => this.lightbox.open(this.grid.items, at, this.grid.metric),
      onEnd: () => this.results.more(),
    });
    this.lightbox.dialog.addEventListener("close", () => {
      if (document.activeElement === document.body) this.grid.hold();
    });
    this.results = new Results({
      onFound: (found, same) => this.#found(found, same),
      onMore: (items) => this.#more(items),
      onError: (error) => this.#failed(error),
      onBusy: (busy) => this.grid.element.setAttribute("aria-busy", String(busy)),
    });
    /** Told of every new set of results. @type {Set<(items: Item[]) => void>} */
    this.found = new Set();
    this.balanceRoom = h("div", { class: "balance-room" });
    this.said = h("p", { class: "count" });
    this.note = h("p", { class: "known", hidden: true });
    this.trouble = h("div", { class: "trouble" });
    this.element = this.#build();
    watchWindow(this.take);
    engine.whenKnown((facts) => this.#engineKnown(facts));
  }

  /** @param {import("./state.js").State} state */
  show(state) {
    this.element.classList.toggle("searching", state.queries.length > 0);
    this.query.show(state);
    this.filters.show(state);
    this.results.want(state);
    this.grid.draw();
  }

  /** The gallery was changed: what is shown is asked for again. */
  renew() {
    this.results.forget();
    this.results.want(store.state);
  }

  /** @param {Item} item */
  find(item) {
    meet(item.picture);
    this.query.active = 0;
    store.set({ queries: [{ kind: "id", ref: String(item.picture.id), weight: 1, box: null }], view: store.state.view === "map" ? "map" : "search" });
    this.#toTop();
  }

  /** @param {Item} item @param {1 | -1} weight */
  add(item, weight) {
    const ref = String(item.picture.id);
    meet(item.picture);
    const others = store.state.queries.filter((query) => !(query.kind === "id" && query.ref === ref));
    if (weight < 0 && !others.some((query) => query.weight > 0)) {
      toast("First choose what to look for; then say what is less like it.");
      return;
    }
    if (others.length >= MOST_QUERIES) {
      toast(`A query takes ${MOST_QUERIES} pictures at most: remove one first.`);
      return;
    }
    store.set({ queries: [...others, { kind: "id", ref, weight, box: null }], view: store.state.view === "map" ? "map" : "search" });
    announce(`${weight > 0 ? "More" : "Less"} like this: added to the query`);
    this.#toTop();
  }

  #toTop() {
    if (scrollY > 0) scrollTo({ top: 0 });
  }

  #build() {
    const bring = h("div", { class: "bring" },
      h("button", { class: "button", type: "button", "aria-label": "Another picture", on: { click: () => pick(this.take) } }, icon("upload"), h("span", {}, "Another picture")),
      h("button", { class: "quiet", type: "button", "aria-label": "Add a picture to the query", title: "Add a picture to the query", on: { click: () => pick(this.take, { add: true }) } }, icon("plus")),
      h("button", { class: "quiet", type: "button", "aria-label": "Photograph", title: "Photograph", on: { click: () => photograph(this.take) } }, icon("camera")),
      h("button", { class: "quiet bring-clear", type: "button", "aria-label": "Clear the query", title: "Clear the query", on: { click: () => store.set({ queries: [] }) } }, icon("close")));
    return h("div", { class: "search" },
      h("aside", { class: "side", "aria-label": "What is searched" }, this.query.element, bring, this.balanceRoom, this.filters.element),
      h("div", { class: "found" },
        h("div", { class: "found-bar" }, h("div", { class: "found-words" }, this.said, this.note),
          h("div", { class: "found-tools" }, makeNameField(), makeHowMany(), exportMenu())),
        this.trouble, this.grid.element));
  }

  /** @param {any} facts */
  #engineKnown(facts) {
    this.filters.offer(facts);
    fill(this.balanceRoom, facts.balance && makeBalance(facts.balance));
    this.filters.show(store.state);
  }

  /** @param {import("./results.js").Found} found @param {boolean} same */
  #found(found, same) {
    for (const { picture } of found.items) meet(picture);
    fill(this.trouble);
    this.grid.show(found.items, found.total, found.metric);
    this.#say(found);
    // Another query begins at its closest; the slider and the filters leave the eye where it is.
    if (!same) this.#toTop();
    if (!found.items.length) this.#nothing();
    for (const told of this.found) told(found.items);
    performance.mark("lookalike-results");
  }

  /** @param {Item[]} items */
  #more(items) {
    for (const { picture } of items) meet(picture);
    this.grid.append(items);
  }

  /** @param {import("./results.js").Found} found */
  #say(found) {
    const state = this.results.state ?? store.state;
    const { queries } = state;
    const words = queries.length
      ? `${several(found.total, "picture")} ${found.known === false ? "closest to" : "like"} ${queryWords(queries)}`
      : `${several(found.all, "picture")}${Object.keys(filters(state)).length ? " pass the filters" : " in the gallery"}`;
    const aside = queries.length ? `${found.known === false ? "" : "the closest "}of ${count(found.all)}` : "";
    fill(this.said, h("strong", {}, words), aside && h("span", {}, ` · ${aside}`));
    this.note.hidden = found.known !== false;
    const among = Object.keys(filters(state)).length ? "among these" : "in this gallery";
    this.note.textContent = `There is nothing like it ${among}. These come closest.`;
    announce(`${words}${aside ? `, ${aside}` : ""}.${found.known === false ? ` There is nothing like it ${among}.` : ""}`);
  }

  #nothing() {
    const filtered = Object.keys(filters(store.state)).length > 0;
    fill(this.trouble, h("div", { class: "empty" }, icon(filtered ? "filter" : "picture"),
      h("h2", {}, filtered ? "No picture passes these filters" : "There are no pictures here"),
      h("p", {}, filtered ? "Widen the sizes, or remove a folder, a label or the name." : "Put pictures into the gallery's folder and bring it up to date."),
      filtered && h("button", { class: "button", type: "button", on: { click: () => { const { labels, folders, text, minw, maxw, minh, maxh } = blank(); store.set({ labels, folders, text, minw, maxw, minh, maxh }); } } }, "Remove all filters")));
  }

  /** @param {Error} error */
  #failed(error) {
    const gone = error instanceof ApiError && error.status === 404;
    this.grid.show([], 0, "");
    this.said.textContent = "";
    this.note.hidden = true;
    announce(error.message);
    fill(this.trouble, h("div", { class: "empty", role: "alert" }, icon("info"),
      h("h2", {}, gone ? "A picture of this search is gone" : "That did not work"),
      h("p", {}, error.message),
      h("button", { class: "button", type: "button", on: { click: () => (gone ? store.set({ queries: [] }) : this.renew()) } }, gone ? "Show the gallery" : "Try again")));
  }

  /** @param {File[]} files @param {{add: boolean}} how */
  async #take(files, { add }) {
    const state = store.state;
    const view = state.view === "map" ? "map" : "search";
    this.lightbox.close();
    try {
      if (files.length === 1 && !(add && state.queries.length)) await this.#bringOne(files[0], view);
      else await this.#bringMany(files, add ? state.queries : [], view);
    } catch (error) {
      toast(error.message, { seconds: 9 });
      this.query.drawn = "";
      this.query.show(store.state);
    }
  }

  /** @param {File} file @param {string} view */
  async #bringOne(file, view) {
    const url = URL.createObjectURL(file);
    this.query.showComing(url);
    this.element.classList.add("searching");
    const base = { ...store.state, queries: [] };
    const id = await this.results.bring(file, base);
    if (!id) return;
    remember(id, url);
    this.query.active = 0;
    store.set({ queries: [{ kind: "up", ref: id, weight: 1, box: null }], view });
  }

  /** @param {File[]} files @param {import("./state.js").Query[]} before @param {string} view */
  async #bringMany(files, before, view) {
    const room = MOST_QUERIES - before.length;
    const taken = await Promise.all(files.slice(0, room).map(async (file) => {
      const { upload: ref } = await upload(file);
      remember(ref, URL.createObjectURL(file));
      return /** @type {import("./state.js").Query} */ ({ kind: "up", ref, weight: 1, box: null });
    }));
    const fresh = taken.filter((query) => !before.some((old) => old.ref === query.ref));
    store.set({ queries: [...before, ...fresh], view });
  }

  /** @param {import("./state.js").Query} query */
  #openQuery(query) {
    if (query.kind === "id") {
      const at = this.grid.items.findIndex((item) => String(item.picture.id) === query.ref);
      import("./queryview.js").then(({ openKnown }) => openKnown(this.lightbox, query.ref, at >= 0 ? this.grid.items[at] : null));
    } else {
      import("./queryview.js").then(({ openUpload }) => openUpload(query));
    }
  }
}
