/** @file The search: query, filters and slider at the side, pictures in the middle. */

import { ApiError } from "./api.js";
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
import { uploadAll } from "./uploads.js";
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
    this.lightbox = new Lightbox(deeds, () => engine.facts, (items) => { if (items === this.grid.items) this.results.more(); });
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
      onFound: (found, same, top) => this.#found(found, same, top),
      onMore: (items) => this.#more(items),
      onError: (error) => this.#failed(error),
      onPause: (error) => toast(error.message, { act: { words: "Try again", job: () => this.results.more() } }),
      onBusy: (busy) => this.grid.element.setAttribute("aria-busy", String(busy)),
    });
    /** Told of every new set of results. @type {Set<(items: Item[]) => void>} */
    this.found = new Set();
    /** Told once of each state of the gallery that is not the one the page began with. */
    this.onStale = () => {};
    this.stale = null;
    this.away = false;
    this.takes = 0;
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
    const here = this.element.isConnected && !this.element.hidden;
    if (here && !this.away) this.results.mark(scrollY);
    this.element.classList.toggle("searching", state.queries.length > 0);
    this.query.show(state);
    this.filters.show(state);
    this.results.want(state);
    this.grid.draw();
    if (here && this.away) {
      this.away = false;
      if (this.results.key === this.left.key) scrollTo({ top: this.left.top });
    }
  }

  /** Another view is shown: whoever comes back finds the window where it was. */
  leave() {
    this.results.mark(scrollY);
    this.left = { key: this.results.key, top: scrollY };
    this.away = true;
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

  #clear() {
    store.set({ queries: [] });
    // The button that was pressed is gone: the keyboard goes on with a new query.
    this.query.element.querySelector("button")?.focus({ preventScroll: true });
  }

  #toTop() {
    if (scrollY > 0) scrollTo({ top: 0 });
  }

  #build() {
    const bring = h("div", { class: "bring" },
      h("button", { class: "button", type: "button", "aria-label": "Another picture", on: { click: () => pick(this.take) } }, icon("upload"), h("span", {}, "Another picture")),
      h("button", { class: "quiet", type: "button", "aria-label": "Add a picture to the query", title: "Add a picture to the query", on: { click: () => pick(this.take, { add: true }) } }, icon("plus")),
      h("button", { class: "quiet", type: "button", "aria-label": "Photograph", title: "Photograph", on: { click: () => photograph(this.take) } }, icon("camera")),
      h("button", { class: "quiet bring-clear", type: "button", "aria-label": "Clear the query", title: "Clear the query", on: { click: () => this.#clear() } }, icon("close")));
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

  /** @param {import("./results.js").Found} found @param {boolean} same @param {number | null} top */
  #found(found, same, top) {
    for (const { picture } of found.items) meet(picture);
    const held = this.trouble.contains(document.activeElement);
    fill(this.trouble);
    this.grid.show(found.items, found.total, found.metric);
    this.#say(found);
    // Another query begins at its closest; the slider and the filters leave the eye where it is;
    // what is gone back to stands where it was left.
    if (store.travelled && top !== null) scrollTo({ top });
    else if (!same) this.#toTop();
    if (!found.items.length) this.#nothing();
    else if (held) this.grid.hold();
    for (const told of this.found) told(found.items);
    this.#compare(found.version);
    performance.mark("lookalike-results");
  }

  /** @param {number | string | null} version of the gallery that an answer is of */
  #compare(version) {
    if (version === null || !engine.facts || engine.changing) return;
    if (version === engine.facts.gallery_version || version === this.stale) return;
    this.stale = version;
    this.onStale();
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
    if (!filtered && store.state.queries.length) {
      fill(this.trouble, h("div", { class: "empty" }, icon("picture"), h("h2", {}, "There is no other picture"),
        h("p", {}, "The gallery holds nothing beside what is looked for.")));
      return;
    }
    fill(this.trouble, h("div", { class: "empty" }, icon(filtered ? "filter" : "picture"),
      h("h2", {}, filtered ? "No picture passes these filters" : "There are no pictures here"),
      h("p", {}, filtered ? "Widen the sizes, or remove a folder, a label or the name." : "Put pictures into the gallery's folder and bring it up to date."),
      filtered && h("button", { class: "button", type: "button", on: { click: () => { const { labels, folders, text, minw, maxw, minh, maxh } = blank(); store.set({ labels, folders, text, minw, maxw, minh, maxh }); } } }, "Remove all filters")));
  }

  /** @param {Error} error */
  #failed(error) {
    const gone = error instanceof ApiError && [404, 410].includes(error.status);
    // What makes no sense will make none when it is tried again.
    const vain = gone || (error instanceof ApiError && error.status === 422);
    if (this.element.hidden) toast(error.message, { seconds: 9 });
    this.grid.show([], 0, "");
    for (const told of this.found) told([]);
    this.said.textContent = "";
    this.note.hidden = true;
    announce(error.message);
    fill(this.trouble, h("div", { class: "empty", role: "alert" }, icon("info"),
      h("h2", {}, gone ? "A picture of this search is gone" : "That did not work"),
      h("p", {}, error.message),
      h("button", { class: "button", type: "button", on: { click: () => (vain ? store.set({ queries: [] }) : this.renew()) } }, vain ? "Show the gallery" : "Try again")));
  }

  /** @param {File[]} files @param {{add: boolean}} how */
  async #take(files, { add }) {
    const { queries } = store.state;
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    if (!this.element.hidden) this.results.mark(scrollY);
    this.takes += 1;
    const { takes } = this;
    // Whoever has gone on to another query meanwhile does not want this one any more.
    const wanted = () => takes === this.takes && JSON.stringify(store.state.queries) === JSON.stringify(queries);
    try {
      const one = files.length === 1 && !(add && queries.length);
      const taken = one ? await this.#bringOne(files[0]) : await uploadAll(files, add ? queries : [], MOST_QUERIES);
      if (!wanted()) return;
      this.query.active = add ? taken.length - 1 : 0;
      store.set({ queries: taken, view: store.state.view === "map" ? "map" : "search" });
    } catch (error) {
      toast(error.message, { seconds: 9 });
      if (wanted()) this.#asBefore();
    }
  }

  /** What came was nothing to search with. */
  #asBefore() {
    this.query.drawn = "";
    this.element.classList.toggle("searching", store.state.queries.length > 0);
    this.query.show(store.state);
    this.results.want(store.state);
  }

  /** @param {File} file @returns {Promise<import("./state.js").Query[]>} */
  async #bringOne(file) {
    const url = URL.createObjectURL(file);
    this.query.showComing(url);
    this.element.classList.add("searching");
    try {
      const id = await this.results.bring(file, { ...store.state, queries: [] });
      remember(id, url);
      return [{ kind: "up", ref: id, weight: 1, box: null }];
    } catch (error) {
      URL.revokeObjectURL(url);
      throw error;
    }
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
