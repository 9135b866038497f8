/** @file Where the page begins. */

import { signIn } from "./api.js";
import { engine } from "./engine.js";
import { pick } from "./intake.js";
import { showKeys, watchKeys } from "./keys.js";
import { announce, toast } from "./live.js";
import { SearchView } from "./searchview.js";
import { buildBar } from "./shell.js";
import { store } from "./state.js";

/** @typedef {{element: HTMLElement, show: (state: import("./state.js").State) => void, renew?: () => void, leave?: () => void}} View */

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

/** @param {import("./state.js").State} state @param {import("./state.js").State | null} before */
async function show(state, before) {
  if (!views.has(state.view)) views.set(state.view, others[state.view]());
  const view = await views.get(state.view);
  if (store.state.view !== state.view) return;
  views.set(state.view, view);
  if (!view.element.isConnected) main.append(view.element);
  for (const [name, other] of views) {
    if (other instanceof Promise || name === state.view) continue;
    if (!other.element.hidden) other.leave?.();
    other.element.hidden = true;
  }
  view.element.hidden = false;
  document.body.dataset.view = state.view;
  view.show(store.state);
  if (before && before.view !== state.view) {
    scrollTo({ top: 0 });
    announce(NAMES[state.view]);
  }
}

async function changed() {
  await engine.read();
  search.renew();
  for (const view of views.values()) if (!(view instanceof Promise) && view !== search) view.renew?.();
}

function begin() {
  buildBar({
    onSync: async (button) => (await import("./sync.js")).sync(button, changed),
    onKeys: showKeys,
  });
  watchKeys({
    focusGrid: () => search.grid.focus(search.grid.focused),
    focusName: () => {
      if (store.state.view !== "search") store.set({ view: "search" });
      requestAnimationFrame(() => document.getElementById("text")?.focus());
    },
    pick: () => pick(search.take),
  });
  signIn.addEventListener("wanted", () => {
    // The token has changed, or the cookie is gone: this address then asks for it, and goes on here.
    location.reload();
  }, { once: true });
  store.subscribe(show);
  show(store.state, null);
  engine.read().catch((error) => toast(error.message, { seconds: 10, act: { words: "Try again", job: () => location.reload() } }));
}

begin();
