/** @file Keys that work everywhere, and the list of all keys. */

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { store, VIEWS } from "./state.js";

const GROUPS = [
  ["Everywhere", [
    ["/", "filter by name"], ["g", "into the pictures"], ["1 … 5", "search, map, duplicates, oddities, report"],
    ["u", "choose a picture to search with"], ["Ctrl V", "search with a copied picture"], ["?", "this list"],
  ]],
  ["On a picture", [
    ["← → ↑ ↓", "to the next"], ["Enter", "find its lookalikes"], ["+", "more like this: add it to the query"],
    ["-", "less like this"], ["o", "open the original and its facts (Space too)"], ["Home End", "first, last"],
  ]],
  ["On the box", [["← → ↑ ↓", "move it"], ["Shift ← → ↑ ↓", "resize it"], ["Delete", "the whole picture again"]]],
  ["On the map", [
    ["← → ↑ ↓", "move"], ["+ -", "nearer, farther"], ["0", "all of it"], ["Enter", "search from the middle"],
    ["l", "lasso: choose pictures by drawing around them"], ["Escape", "leave the choice"],
  ]],
];

const WORDS = [
  ["looks like", "the same colours, shapes and layout"],
  ["means like", "the same kind of thing, even if it is drawn or coloured otherwise"],
  ["●●●", "the same picture, perhaps edited"],
  ["●●○", "close: much alike"],
  ["●○○", "related: more alike than most"],
  ["○○○", "not much alike"],
];

export function showKeys() {
  const words = h("section", {}, h("h3", {}, "What words and dots mean"),
    h("dl", { class: "keys" }, WORDS.flatMap(([word, meaning]) => [h("dt", {}, word), h("dd", {}, meaning)])));
  openDialog("Keys and words", GROUPS.map(([title, keys]) => h("section", {}, h("h3", {}, title),
    h("dl", { class: "keys" }, ...keys.flatMap(([key, words]) => [
      h("dt", {}, ...key.split(" ").map((one) => (one === "…" ? "…" : h("kbd", {}, one)))), h("dd", {}, words)])))).concat(words), "key-list");
}

/** @param {{focusGrid: () => void, focusName: () => void, pick: () => void}} deeds */
export function watchKeys({ focusGrid, focusName, pick }) {
  addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target.matches("input:not([type=range]), select, textarea")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    /** @type {Record<string, () => void>} */
    const jobs = { "/": focusName, "?": showKeys, g: focusGrid, u: pick };
    VIEWS.forEach((view, at) => { jobs[String(at + 1)] = () => store.set({ view }); });
    if (!jobs[event.key]) return;
    event.preventDefault();
    jobs[event.key]();
  });
}
