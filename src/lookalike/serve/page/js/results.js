/** @file Asking for results page by page; an answer that comes too late is dropped, one that was seen is kept. */

import { get, search, searchPicture } from "./api.js";
import { filters, searchBody } from "./state.js";

/**
 * @typedef {import("./tile.js").Item} Item
 * @typedef {import("./state.js").State} State
 * @typedef {{items: Item[], total: number, all: number, known: boolean | null, metric: string, took: number | null, version: number | string | null, upload?: string}} Found
 *   total: how many of them can be had; all: pictures that pass the filters; version: of the gallery
 * @typedef {{onFound: (found: Found, same: boolean, top: number | null) => void, onMore: (items: Item[]) => void, onError: (error: Error) => void, onPause: (error: Error) => void, onBusy: (busy: boolean) => void}} Told
 *   top: where the window stood when these were last seen; onPause: the next page did not come
 */

// The first page fills the tallest window and is small, so that it is there at once.
const FIRST = 60;
const NEXT = 200;
// So long after new results the next page waits: a slider on the move wants none.
const REST = 250;
// So long it waits after one that did not come.
const PAUSE = 4000;
// Results that are at hand for whoever goes back to them.
const KEPT = 12;

/** What decides the results: two states with the same key have the same. @param {State} state */
export const keyOf = (state) =>
  JSON.stringify([state.queries, state.queries.length ? [state.balance, state.combine, state.k] : 0, filters(state)]);

/** @param {State | null} one @param {State | null} other */
const alike = (one, other) => one !== null && other !== null && JSON.stringify(one.queries) === JSON.stringify(other.queries);

export class Results {
  /** @param {Told} told */
  constructor(told) {
    this.told = told;
    /** Of what is shown. */
    this.key = "";
    this.shown = 0;
    this.total = 0;
    /** @type {State | null} */
    this.state = null;
    /** @type {Found | null} */
    this.found = null;
    /** @type {State | null} what is on its way */
    this.coming = null;
    /** @type {State | null} wanted while another is on its way */
    this.next = null;
    this.asking = false;
    this.bringing = 0;
    /** The round whose next page is on its way. */
    this.reading = -1;
    this.round = 0;
    this.restUntil = 0;
    this.timer = 0;
    this.abort = new AbortController();
    /** @type {Map<string, {state: State, found: Found, shown: number, total: number, top: number}>} */
    this.kept = new Map();
  }

  /**
   * Ask for what a state wants. While an answer is on its way only the newest wish is kept: so a
   * slider never queues up, and what is shown is never older than what was.
   * @param {State} state
   */
  async want(state) {
    const key = keyOf(state);
    const kept = this.kept.get(key);
    if (key === this.key || kept) {
      // What is on its way is no longer wanted.
      if (this.coming || key !== this.key) this.#drop();
      if (key !== this.key) this.#settle(kept.state, kept.found, kept);
      return;
    }
    if (this.coming && key === keyOf(this.coming)) {
      this.next = null;
      return;
    }
    // Shades of one search are shown as they come; another search does not wait for the last one.
    if (this.coming && !alike(state, this.coming)) this.#drop();
    this.next = state;
    if (!this.asking) await this.#ask();
  }

  /** Keep what is shown, and where the window stands. @param {number} top */
  mark(top) {
    if (!this.key || !this.found || performance.now() < this.restUntil) return;
    const { state, found, shown, total } = this;
    this.kept.delete(this.key);
    this.kept.set(this.key, { state, found, shown, total, top });
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }

  async #ask() {
    this.asking = true;
    this.#busy();
    while (this.next) {
      const wanted = this.next;
      this.next = null;
      await this.#answer(wanted);
    }
    this.asking = false;
    this.#busy();
  }

  #busy() {
    this.told.onBusy(this.asking || this.bringing > 0);
  }

  /** Nothing that is on its way is wanted any more. */
  #drop() {
    this.next = null;
    this.coming = null;
    this.round += 1;
    this.abort.abort();
  }

  /**
   * Search with a file that is not on the server yet.
   * @param {Blob} file @param {State} state
   * @returns {Promise<string>} what the server calls it
   */
  async bring(file, state) {
    this.#drop();
    const { round } = this;
    this.bringing += 1;
    this.#busy();
    try {
      const { queries: _, ...body } = searchBody(state, 0, Math.min(FIRST, state.k));
      const answer = await searchPicture(file, body);
      const settled = { ...state, queries: [{ kind: /** @type {const} */ ("up"), ref: answer.upload, weight: /** @type {const} */ (1), box: null }] };
      if (round === this.round) this.#settle(settled, found(answer, settled));
      return answer.upload;
    } finally {
      this.bringing -= 1;
      this.#busy();
    }
  }

  /** The next page. */
  async more() {
    if (this.reading === this.round || this.asking || this.shown >= this.total || !this.state) return;
    const rest = this.restUntil - performance.now();
    clearTimeout(this.timer);
    if (rest > 0) {
      this.timer = setTimeout(() => this.more(), rest);
      return;
    }
    const { round } = this;
    this.reading = round;
    try {
      const page = await ask(this.state, this.shown, Math.min(NEXT, this.total - this.shown));
      if (round !== this.round) return;
      this.shown += page.items.length;
      if (!page.items.length) this.total = this.shown;
      // Where the gallery has changed meanwhile, pages overlap.
      const seen = new Set(this.found.items.map(({ picture }) => picture.id));
      this.told.onMore(page.items.filter(({ picture }) => !seen.has(picture.id)));
    } catch (error) {
      if (round !== this.round) return;
      this.restUntil = performance.now() + PAUSE;
      this.told.onPause(error);
    } finally {
      if (this.reading === round) this.reading = -1;
    }
  }

  /** Forget what is shown: the gallery has changed. */
  forget() {
    this.#drop();
    this.key = "";
    this.kept.clear();
  }

  /** @param {State} state */
  async #answer(state) {
    this.round += 1;
    this.abort = new AbortController();
    this.coming = state;
    const { round } = this;
    try {
      const answer = await ask(state, 0, state.queries.length ? Math.min(FIRST, state.k) : FIRST, this.abort.signal);
      if (round === this.round) this.#settle(state, answer);
    } catch (error) {
      if (round !== this.round) return;
      this.key = "";
      this.told.onError(error);
    } finally {
      if (round === this.round) this.coming = null;
    }
  }

  /** @param {State} state @param {Found} found @param {{shown: number, total: number, top: number}} [seen] as they were left */
  #settle(state, found, seen) {
    const same = alike(this.state, state);
    this.state = state;
    this.found = found;
    this.key = keyOf(state);
    this.shown = seen?.shown ?? found.items.length;
    this.total = seen?.total ?? found.total;
    this.restUntil = performance.now() + REST;
    this.told.onFound(found, same, seen?.top ?? null);
  }
}

/** @param {State} state @param {number} offset @param {number} count @param {AbortSignal} [signal] @returns {Promise<Found>} */
async function ask(state, offset, count, signal) {
  if (state.queries.length) return found(await search(searchBody(state, offset, Math.max(count, 1)), signal), state);
  const { labels, folders, ...rest } = filters(state);
  const page = await get("pictures", { query: { offset, limit: count, label: labels, folder: folders, ...rest }, signal });
  return {
    items: page.pictures.map((picture) => ({ picture, hit: null })),
    total: page.total, all: page.total, known: null, metric: "", took: null, version: null,
  };
}

/** @param {import("./api.js").Answer & {upload?: string}} answer @param {State} state @returns {Found} */
function found(answer, state) {
  const known = new Set(state.queries.filter((query) => query.kind === "id" && !query.box).map((query) => query.ref));
  return {
    items: answer.hits.map((hit) => ({ picture: hit.picture, hit })),
    // Pictures of the gallery do not find themselves.
    total: Math.max(Math.min(state.k, answer.total - known.size), answer.hits.length), all: answer.total, known: answer.known,
    metric: answer.metric, took: answer.took_ms, version: answer.gallery_version, upload: answer.upload,
  };
}
