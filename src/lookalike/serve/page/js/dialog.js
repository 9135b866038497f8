/** @file Dialogs: the browser's own, so that focus and Escape are its business. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @param {string} title
 * @param {Node[]} content
 * @param {string} [kind] a class of its own
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, content, kind = "") {
  const heading = h("h2", { id: `title-${kind || "dialog"}` }, title);
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { class: `dialog ${kind}`, "aria-labelledby": heading.id },
    h("header", {}, heading, h("button", { class: "quiet", type: "button", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("close"))),
    ...content, h("p", { class: "said", role: "status" })));
  // A click beside it closes it; one on its rim, or one that began inside, does not.
  let beside = false;
  dialog.addEventListener("pointerdown", (event) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    beside = event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom;
  });
  dialog.addEventListener("click", (event) => {
    if (beside && event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
