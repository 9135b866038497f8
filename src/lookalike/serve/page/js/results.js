/** @file Asking for results page by page; an answer that comes too late is dropped. */

import { get, search, searchPicture } from "./api.js";
import { filters, searchBody } from "./state.js";

/**
 * @typedef {import("./tile.js").Item} Item
 * @typedef {import("./state.js").State} State
 * @typedef {{items: Item[], total: number, all: number, known: boolean | null, metric: string, took: number | null, upload?: string}} Found
 *   total: how many of them can be had; all: pictures that pass the filters
 */

// The first page fills the tallest window and is small, so that it is there at once.
const FIRST = 60;
const NEXT = 200;
// So long after new results the next page waits: a slider on the move wants none.
const REST = 250;

/** What decides the results: two states with the same key have the same. @param {State} state */
export const keyOf = (state) =>
  JSON.stringify([state.queries, state.queries.length ? [state.balance, state.combine, state.k] : 0, filters(state)]);

export class Results {
  /** @param {{onFound: (found: Found, same: boolean) => void, onMore: (items: Item[]) => void, onError: (error: Error) => void, onBusy: (busy: boolean) => void}} told */
  constructor(told) {
    this.told = told;
    this.key = "";
    this.shown = 0;
    this.total = 0;
    /** @type {State | null} */
    this.state = null;
    /** @type {State | null} wanted while another is on its way */
    this.next = null;
    this.asking = false;
    this.reading = false;
    this.round = 0;
    this.restUntil = 0;
    this.timer = 0;
  }

  /**
   * Ask for what a state wants. While an answer is on its way only the newest wish is kept: so a
   * slider never queues up, and what is shown is never older than what was.
   * @param {State} state
   */
  async want(state) {
    if (keyOf(state) === this.key && !this.next) return;
    this.next = state;
    if (this.asking) return;
    this.asking = true;
    this.told.onBusy(true);
    while (this.next) {
      const wanted = this.next;
      this.next = null;
      await this.#answer(wanted);
    }
    this.asking = false;
    this.told.onBusy(false);
  }

  /** Search with a file that is not on the server yet. @param {Blob} file @param {State} state */
  async bring(file, state) {
    this.round += 1;
    const round = this.round;
    this.told.onBusy(true);
    try {
      const { queries: _, ...body } = searchBody(state, 0, Math.min(FIRST, state.k));
      const answer = await searchPicture(file, body);
      if (round !== this.round) return null;
      const settled = { ...state, queries: [{ kind: /** @type {const} */ ("up"), ref: answer.upload, weight: /** @type {const} */ (1), box: null }] };
      this.#settle(settled, found(answer, settled));
      return answer.upload;
    } finally {
      this.told.onBusy(false);
    }
  }

  /** The next page. */
  async more() {
    if (this.reading || this.asking || this.shown >= this.total || !this.state) return;
    const rest = this.restUntil - performance.now();
    clearTimeout(this.timer);
    if (rest > 0) {
      this.timer = setTimeout(() => this.more(), rest);
      return;
    }
    this.reading = true;
    const { round } = this;
    try {
      const page = await ask(this.state, this.shown, Math.min(NEXT, this.total - this.shown));
      if (round !== this.round) return;
      this.shown += page.items.length;
      if (!page.items.length) this.total = this.shown;
      this.told.onMore(page.items);
    } catch (error) {
      if (round === this.round) this.told.onError(error);
    } finally {
      this.reading = false;
    }
  }

  /** Forget what is shown: the gallery has changed. */
  forget() {
    this.key = "";
  }

  /** @param {State} state */
  async #answer(state) {
    this.round += 1;
    const { round } = this;
    try {
      const answer = await ask(state, 0, state.queries.length ? Math.min(FIRST, state.k) : FIRST);
      if (round === this.round) this.#settle(state, answer);
    } catch (error) {
      if (round !== this.round) return;
      this.key = "";
      this.told.onError(error);
    }
  }

  /** @param {State} state @param {Found} answer */
  #settle(state, answer) {
    const same = this.state !== null && JSON.stringify(this.state.queries) === JSON.stringify(state.queries);
    this.state = state;
    this.key = keyOf(state);
    this.shown = answer.items.length;
    this.total = answer.total;
    this.restUntil = performance.now() + REST;
    this.told.onFound(answer, same);
  }
}

/** @param {State} state @param {number} offset @param {number} count @returns {Promise<Found>} */
async function ask(state, offset, count) {
  if (state.queries.length) return found(await search(searchBody(state, offset, Math.max(count, 1))), state);
  const { labels, folders, ...rest } = filters(state);
  const page = await get("pictures", { query: { offset, limit: count, label: labels, folder: folders, ...rest } });
  return {
    items: page.pictures.map((picture) => ({ picture, hit: null })),
    total: page.total, all: page.total, known: null, metric: "", took: null,
  };
}

/** @param {import("./api.js").Answer & {upload?: string}} answer @param {State} state @returns {Found} */
function found(answer, state) {
  const known = new Set(state.queries.filter((query) => query.kind === "id" && !query.box).map((query) => query.ref));
  return {
    items: answer.hits.map((hit) => ({ picture: hit.picture, hit })),
    // Pictures of the gallery do not find themselves.
    total: Math.max(Math.min(state.k, answer.total - known.size), answer.hits.length), all: answer.total, known: answer.known,
    metric: answer.metric, took: answer.took_ms, upload: answer.upload,
  };
}
