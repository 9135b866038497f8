/** @file What is asked for, and the address bar that holds it. */

/**
 * @typedef {{kind: "id" | "up", ref: string, weight: 1 | -1, box: number[] | null}} Query
 * @typedef {{view: string, queries: Query[], balance: number | null, k: number, combine: "mean" | "best", labels: string[], folders: string[], text: string, minw: number | null, maxw: number | null, minh: number | null, maxh: number | null}} State
 */

export const VIEWS = ["search", "map", "duplicates", "oddities", "card"];
export const DEFAULT_K = 300;
/** So deep the server looks at most. */
export const MOST = 20_000;
const SIZES = /** @type {const} */ (["minw", "maxw", "minh", "maxh"]);

/** @returns {State} */
export const blank = () => ({
  view: "search", queries: [], balance: null, k: DEFAULT_K, combine: "mean", labels: [],
  folders: [], text: "", minw: null, maxw: null, minh: null, maxh: null,
});

/** @param {Query} query */
export function writeQuery({ kind, ref, weight, box }) {
  const part = box ? `~box:${box.map(short).join(",")}` : "";
  return `${weight < 0 ? "-" : ""}${kind}:${ref}${part}`;
}

/** @param {number} value */
const short = (value) => String(Number(value.toFixed(3))).replace(/^0\./, ".");

/** @param {string} text @returns {Query | null} */
export function readQuery(text) {
  const found = /^(-?)(id(?=:\d{1,15}(?:~|$))|up):([0-9a-f]+)(?:~box:([\d.,]+))?$/i.exec(text);
  if (!found) return null;
  const box = found[4] ? found[4].split(",").map(Number) : null;
  const [left, top, right, bottom] = box ?? [];
  const sound = !box || (box.length === 4 && left >= 0 && top >= 0 && right <= 1 && bottom <= 1 && left < right && top < bottom);
  return {
    kind: /** @type {"id" | "up"} */ (found[2].toLowerCase()), ref: found[3],
    weight: found[1] ? -1 : 1, box: sound ? box : null,
  };
}

/** @param {State} state @returns {string} the address's query, with "?" unless empty */
export function write(state) {
  const parts = new URLSearchParams();
  if (state.queries.length) parts.set("q", state.queries.map(writeQuery).join(","));
  if (state.balance !== null) parts.set("b", short(state.balance));
  if (state.k !== DEFAULT_K) parts.set("k", String(state.k));
  if (state.combine !== "mean") parts.set("combine", state.combine);
  for (const label of state.labels) parts.append("label", label);
  for (const folder of state.folders) parts.append("folder", folder);
  if (state.text) parts.set("text", state.text);
  for (const name of SIZES) if (state[name] !== null) parts.set(name, String(state[name]));
  if (state.view !== "search") parts.set("view", state.view);
  // Colons and commas are allowed in an address, and a person can read them.
  const text = parts.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%7E", "~");
  return text ? `?${text}` : "";
}

/** @param {string} text @returns {State} */
export function read(text) {
  const parts = new URLSearchParams(text);
  const state = blank();
  const view = parts.get("view");
  if (view && VIEWS.includes(view)) state.view = view;
  // A box holds commas too: a query begins where "id:" or "up:" does.
  const queries = (parts.get("q") ?? "").split(/,(?=-?(?:id|up):)/i).map(readQuery);
  state.queries = queries.filter((query) => query !== null);
  state.balance = number(parts.get("b"), 0, 1);
  state.k = Math.round(number(parts.get("k"), 1, MOST) ?? DEFAULT_K);
  if (parts.get("combine") === "best") state.combine = "best";
  state.labels = parts.getAll("label");
  state.folders = parts.getAll("folder");
  state.text = parts.get("text") ?? "";
  for (const name of SIZES) state[name] = whole(parts.get(name));
  return state;
}

/** @param {string | null} text @param {number} low @param {number} high */
function number(text, low, high) {
  const value = text === null || text === "" ? NaN : Number(text);
  return Number.isFinite(value) ? Math.min(Math.max(value, low), high) : null;
}

/** @param {string | null} text */
function whole(text) {
  const value = number(text, 0, 1e6);
  return value === null ? null : Math.round(value);
}

/** The filters as the API takes them. @param {State} state */
export function filters(state) {
  /** @type {Record<string, unknown>} */
  const wanted = {};
  if (state.labels.length) wanted.labels = state.labels;
  if (state.folders.length) wanted.folders = state.folders;
  if (state.text) wanted.text = state.text;
  const names = { minw: "min_width", maxw: "max_width", minh: "min_height", maxh: "max_height" };
  for (const name of SIZES) if (state[name] !== null) wanted[names[name]] = state[name];
  return wanted;
}

/** The queries as the API takes them. @param {State} state */
export const wireQueries = (state) =>
  state.queries.map(({ kind, ref, weight, box }) => ({
    ...(kind === "id" ? { id: Number(ref) } : { upload: ref }),
    weight,
    ...(box ? { box } : {}),
  }));

/** The body of a search. @param {State} state @param {number} offset @param {number} k */
export const searchBody = (state, offset, k) => ({
  queries: wireQueries(state), k, offset, filters: filters(state),
  ...(state.balance === null ? {} : { balance: state.balance }),
  ...(state.queries.length > 1 ? { combine: state.combine } : {}),
});

/** One state, those who listen to it, and the address bar. */
class Store {
  constructor() {
    this.state = read(location.search);
    /** @type {Set<(state: State, before: State) => void>} */
    this.listeners = new Set();
    /** Whether the state is one that was come back to. */
    this.travelled = false;
    // What is gone back to comes later than the browser thinks: see `SearchView`.
    history.scrollRestoration = "manual";
    addEventListener("popstate", () => {
      this.travelled = true;
      this.#become(read(location.search));
    });
  }

  /**
   * @param {Partial<State>} change
   * @param {{replace?: boolean}} [how] replace: no new entry in the history, for small steps
   */
  set(change, { replace = false } = {}) {
    const next = { ...this.state, ...change };
    const url = location.pathname + write(next);
    if (write(next) !== location.search) history[replace ? "replaceState" : "pushState"](null, "", url);
    this.travelled = false;
    this.#become(next);
  }

  /** @param {(state: State, before: State) => void} listener */
  subscribe(listener) {
    this.listeners.add(listener);
  }

  /** @param {State} next */
  #become(next) {
    const before = this.state;
    this.state = next;
    for (const listener of this.listeners) listener(next, before);
  }
}

export const store = new Store();
