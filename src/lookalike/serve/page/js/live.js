/** @file What the page says: to screen readers, and in passing at the foot of the window. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @param {string} text */
export function announce(text) {
  // Behind a dialog all is silent: each has a place of its own for this.
  const live = [...document.querySelectorAll("dialog[open] > .said")].at(-1) ?? document.getElementById("live");
  if (live.textContent !== text) live.textContent = text;
}

/**
 * @param {string} text
 * @param {{drawing?: "info" | "check", act?: {words: string, job: () => void}, seconds?: number}} [how]
 */
export function toast(text, { drawing = "info", act, seconds = 5 } = {}) {
  const button = act && h("button", { class: "link", type: "button", on: { click: () => { act.job(); note.remove(); } } }, act.words);
  const note = h("div", { class: "toast", role: "status" }, icon(drawing), h("span", {}, text), button);
  const room = document.getElementById("toasts");
  // Only the last two: a flood of them would cover the page.
  while (room.children.length > 1) room.firstElementChild.remove();
  room.append(note);
  setTimeout(() => note.remove(), seconds * 1000);
}
