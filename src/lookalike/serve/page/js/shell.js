/** @file The frame: name, views, tools, notices. */

import { fill, h } from "./dom.js";
import { engine } from "./engine.js";
import { icon } from "./icons.js";
import { store, write } from "./state.js";
import { count, several } from "./words.js";

/** @type {{view: string, words: string, drawing: any}[]} */
const TABS = [
  { view: "search", words: "Search", drawing: "search" },
  { view: "map", words: "Map", drawing: "map" },
  { view: "duplicates", words: "Duplicates", drawing: "copies" },
  { view: "oddities", words: "Oddities", drawing: "odd" },
  { view: "card", words: "Report", drawing: "card" },
];

/** @param {{onSync: (button: HTMLElement) => void, onKeys: () => void}} deeds */
export function buildBar({ onSync, onKeys }) {
  const name = h("h1", {}, "Lookalike");
  const tabs = TABS.map(({ view, words, drawing }) => h("a", { href: "#", "data-view": view, "aria-label": words, title: words, on: {
    click: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      store.set({ view });
    },
  } }, icon(drawing), h("span", {}, words)));
  const tool = (/** @type {any} */ drawing, /** @type {string} */ words, /** @type {(event: any) => void} */ click, id = "") =>
    h("button", { class: "quiet", type: "button", id: id || null, "aria-label": words, title: words, on: { click } }, icon(drawing));
  const home = h("a", { class: "brand", href: "./", title: "Back to the gallery", on: { click: goHome } },
    h("img", { src: document.querySelector('link[rel="icon"]').href, alt: "", width: "28", height: "28" }), name);
  fill(document.getElementById("bar"), home, h("nav", { class: "tabs", "aria-label": "Views" }, tabs),
    h("div", { class: "tools" },
      tool("share", "Copy the link to this search", async () => (await import("./share.js")).share(), "share"),
      tool("sync", "Bring the gallery up to date", (event) => onSync(event.currentTarget), "sync"),
      themeSwitch(), tool("help", "Keys and help", onKeys, "keys")));
  engine.whenKnown((facts) => {
    fill(name, facts.name, h("small", {}, several(facts.pictures, "picture")));
    entitle();
    showNotices(facts);
  });
  const mark = (/** @type {import("./state.js").State} */ state) => {
    tabs.forEach((tab, at) => {
      tab.href = write({ ...state, view: TABS[at].view }) || "./";
      if (TABS[at].view === state.view) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    });
    entitle();
  };
  store.subscribe(mark);
  mark(store.state);
}

/** Tabs and the history of the browser tell the views apart. */
function entitle() {
  const { view } = store.state;
  const words = view === "search" ? null : TABS.find((tab) => tab.view === view)?.words;
  document.title = [words, engine.facts?.name, "Lookalike"].filter(Boolean).join(" – ");
}

/** @param {MouseEvent} event */
function goHome(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  store.set({ view: "search", queries: [], labels: [], folders: [], text: "", minw: null, maxw: null, minh: null, maxh: null });
  scrollTo({ top: 0 });
}

function themeSwitch() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const button = h("button", { class: "quiet", type: "button", id: "theme" });
  const show = () => {
    fill(button, icon(dark() ? "sun" : "moon"));
    button.setAttribute("aria-label", dark() ? "Light colours" : "Dark colours");
    button.title = dark() ? "Light colours" : "Dark colours";
    // The rim of a phone's browser takes the page's colour.
    const page = getComputedStyle(document.body).backgroundColor;
    for (const rim of document.querySelectorAll('meta[name="theme-color"]')) rim.setAttribute("content", page);
  };
  button.addEventListener("click", () => {
    const wanted = dark() ? "light" : "dark";
    // What the system says anyway need not be kept: the page then follows it again.
    const followed = (wanted === "dark") === system.matches;
    if (followed) delete root.dataset.theme;
    else root.dataset.theme = wanted;
    try {
      if (followed) localStorage.removeItem("theme");
      else localStorage.setItem("theme", wanted);
    } catch {
      // It then lasts as long as the page.
    }
    show();
    dispatchEvent(new Event("themechange"));
  });
  system.addEventListener("change", () => { show(); dispatchEvent(new Event("themechange")); });
  show();
  return button;
}

/** @param {any} facts */
function showNotices(facts) {
  const room = document.getElementById("notices");
  const notices = [];
  if (facts.drift_advice) notices.push(facts.drift_advice);
  if (facts.away.length) {
    const names = facts.away.slice(0, 3).join(", ") + (facts.away.length > 3 ? ` and ${count(facts.away.length - 3)} more` : "");
    notices.push(`Not there at the moment: ${names}. Pictures of it are still found; their originals cannot be opened until it is back.`);
  }
  fill(room, ...notices.map((text) => {
    const note = h("div", { class: "notice" }, icon("info"), h("p", {}, text),
      h("button", { class: "quiet", type: "button", "aria-label": "Dismiss", on: { click: () => note.remove() } }, icon("close")));
    return note;
  }));
}
