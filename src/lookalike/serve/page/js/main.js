/** @file Where the page begins. */

import { signIn } from "./api.js";
import { engine } from "./engine.js";
import { pick } from "./intake.js";
import { showKeys, watchKeys } from "./keys.js";
import { announce, toast } from "./live.js";
import { SearchView } from "./searchview.js";
import { buildBar } from "./shell.js";
import { store } from "./state.js";

/**
 * @typedef {{element: HTMLElement, show: (state: import("./state.js").State) => void, renew?: () => void, leave?: () => void}} View
 *   leave: it is about to be hidden
 */

const main = document.getElementById("main");
/** @type {Map<string, View | Promise<View>>} */
const views = new Map();
const search = new SearchView();
views.set("search", search);

/** Views beyond the search are fetched when they are first wanted. */
const others = {
  map: async () => new (await import("./map/view.js")).MapView(search),
  duplicates: async () => new (await import("./duplicates.js")).DuplicatesView(search),
  oddities: async () => new (await import("./oddities.js")).OdditiesView(search),
  card: async () => new (await import("./card.js")).CardView(),
};

const NAMES = { search: "Search", map: "Map", duplicates: "Duplicates", oddities: "Oddities", card: "Report" };

/** @param {string} name @returns {Promise<View>} */
async function load(name) {
  if (!views.has(name)) views.set(name, others[name]());
  try {
    const view = await views.get(name);
    views.set(name, view);
    return view;
  } catch {
    views.delete(name);
    throw new Error(`“${NAMES[name]}” could not be fetched. Is the server still running?`);
  }
}

/** @param {import("./state.js").State} state */
async function show(state) {
  const known = views.get(state.view);
  // What is there is shown at once, before whoever changed the state goes on.
  let view = known instanceof Promise ? null : known;
  try {
    view ??= await load(state.view);
  } catch (error) {
    toast(error.message, { seconds: 10, act: { words: "Try again", job: () => show(store.state) } });
    return;
  }
  enter(state.view, view);
}

/** @param {string} name @param {View} view */
function enter(name, view) {
  if (store.state.view !== name) return;
  const before = document.body.dataset.view;
  if (before !== name) {
    const old = views.get(before);
    if (old && !(old instanceof Promise)) {
      old.leave?.();
      old.element.hidden = true;
    }
    if (!view.element.isConnected) main.append(view.element);
    view.element.hidden = false;
    document.body.dataset.view = name;
    if (before) arrive(name, view);
  }
  view.show(store.state);
}

/** @param {string} name @param {View} view */
function arrive(name, view) {
  scrollTo({ top: 0 });
  announce(NAMES[name]);
  const held = document.activeElement;
  if (held === document.body || (main.contains(held) && !view.element.contains(held))) main.focus({ preventScroll: true });
}

async function changed() {
  try {
    await engine.read();
  } catch (error) {
    toast(error.message, { seconds: 10 });
  }
  search.renew();
  for (const view of views.values()) if (!(view instanceof Promise) && view !== search) view.renew?.();
}

/** "Into the pictures", whatever is shown. */
function focusPictures() {
  if (store.state.view === "search") search.grid.focus(search.grid.focused);
  else document.querySelector("main > :not([hidden]) :is(.chart, .shot, .odd-pair, .wide)")?.focus();
}

function begin() {
  buildBar({
    onSync: async (button) => (await import("./sync.js")).sync(button, changed),
    onKeys: showKeys,
  });
  watchKeys({
    focusGrid: focusPictures,
    focusName: () => {
      if (store.state.view !== "search") store.set({ view: "search" });
      // At once: what is typed next is meant for it.
      document.getElementById("text")?.focus();
    },
    pick: () => pick(search.take),
  });
  signIn.addEventListener("wanted", () => {
    // The token has changed, or the cookie is gone: this address then asks for it, and goes on here.
    location.reload();
  }, { once: true });
  search.onStale = () => toast("The gallery has changed meanwhile.", { seconds: 20, act: { words: "Show it as it is now", job: changed } });
  store.subscribe(show);
  show(store.state);
  engine.read().catch((error) => toast(error.message, { seconds: 10, act: { words: "Try again", job: () => location.reload() } }));
}

begin();
