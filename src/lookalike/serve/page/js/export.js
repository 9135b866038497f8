/** @file Taking results away: as a table, as a folder of links, as a sheet. */

import { ask } from "./api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./live.js";
import { searchBody, store } from "./state.js";
import { count } from "./words.js";

const FORMATS = [
  { format: "csv", words: "Table (CSV)", aside: "for a spreadsheet" },
  { format: "json", words: "JSON", aside: "for programs" },
  { format: "links", words: "Folder of links (ZIP)", aside: "to unpack beside the pictures" },
  { format: "sheet", words: "Contact sheet", aside: "to print or send" },
];
const MOST = 1000;

export function exportMenu() {
  const menu = h("div", { class: "menu", id: "export-menu", popover: "auto", role: "group", "aria-label": "Export the results" },
    FORMATS.map(({ format, words, aside }) => h("button", { type: "button", "data-format": format, on: { click: () => { menu.hidePopover(); take(format); } } }, words, h("span", {}, aside))));
  const button = h("button", { class: "button", type: "button", id: "export", "aria-label": "Export", popovertarget: "export-menu" }, icon("download"), h("span", {}, "Export"));
  const room = h("div", { class: "export" }, button, menu);
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const place = button.getBoundingClientRect();
    menu.style.top = `${place.bottom + 6}px`;
    menu.style.left = `${Math.max(8, Math.min(place.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
    menu.querySelector("button").focus({ preventScroll: true });
    // It stands where the button was.
    addEventListener("scroll", () => menu.hidePopover(), { once: true, passive: true });
  });
  menu.addEventListener("keydown", (event) => walk(menu, /** @type {KeyboardEvent} */ (event)));
  const show = (/** @type {import("./state.js").State} */ state) => { room.hidden = !state.queries.length; };
  store.subscribe(show);
  show(store.state);
  return room;
}

/** @param {HTMLElement} menu @param {KeyboardEvent} event */
function walk(menu, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...menu.querySelectorAll("button")];
  const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  all[(at + step + all.length) % all.length].focus();
}

/** @param {string} format */
async function take(format) {
  const cut = store.state.k > MOST;
  toast(cut ? `Preparing the closest ${count(MOST)}, as many as a file takes …` : "Preparing the file …", { seconds: cut ? 6 : 2 });
  try {
    const response = await ask("export", { json: { search: searchBody(store.state, 0, Math.min(store.state.k, MOST)), format } });
    save(await response.blob(), named(response.headers.get("Content-Disposition")) ?? `lookalike.${format}`);
  } catch (error) {
    toast(error.message, { seconds: 8 });
  }
}

/** @param {string | null} header */
function named(header) {
  return /filename="?([^";]+)"?/i.exec(header ?? "")?.[1] ?? null;
}

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
