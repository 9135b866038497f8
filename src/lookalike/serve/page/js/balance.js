/** @file The slider from "looks like" to "means like". */

import { h } from "./dom.js";
import { store } from "./state.js";

/** @param {{natural: number, low: string, high: string}} balance */
export function makeBalance({ natural, low, high }) {
  const range = /** @type {HTMLInputElement} */ (h("input", { type: "range", id: "balance", min: "0", max: "1", step: "0.01", "aria-label": `${low} or ${high}`, title: "To the left: the same colours, shapes and layout. To the right: the same kind of thing. Double-click: as at first." }));
  const show = (/** @type {number | null} */ value) => {
    const at = value ?? natural;
    if (Number(range.value) !== at) range.value = String(at);
    range.style.setProperty("--at", String(at));
    range.setAttribute("aria-valuetext", words(at, natural, low, high));
  };
  const wish = () => {
    const value = Number(range.value);
    return Math.abs(value - natural) < 0.006 ? null : value;
  };
  // Small steps replace the address; Back then leads out of the search, not through its shades.
  range.addEventListener("input", () => store.set({ balance: wish() }, { replace: true }));
  range.addEventListener("dblclick", () => store.set({ balance: null }, { replace: true }));
  store.subscribe((state) => show(state.balance));
  show(store.state.balance);
  return h("div", { class: "balance" },
    h("div", { class: "balance-ends", "aria-hidden": "true" }, h("span", {}, low), h("span", {}, high)), range);
}

/** @param {number} at @param {number} natural @param {string} low @param {string} high */
function words(at, natural, low, high) {
  if (Math.abs(at - natural) < 0.006) return `as much ${low} as ${high}`;
  return at < natural ? `${Math.round((1 - at) * 100)} % ${low}` : `${Math.round(at * 100)} % ${high}`;
}
