/** @file Where pictures come from: dropped, pasted, picked, photographed. */

import { fingers, h, listen } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./live.js";

/** @typedef {(files: File[], how: {add: boolean}) => void} Taker */

/** @param {Iterable<File>} files @returns {File[]} */
function pictures(files) {
  const all = [...files];
  // A system may not know HEIC's type: a file without one is let through, the server looks.
  const fitting = all.filter((file) => file.type.startsWith("image/") || file.type === "");
  if (all.length && !fitting.length) toast("That is no picture. JPEG, PNG, WebP, HEIC and their like can be searched with.");
  return fitting.slice(0, 16);
}

/** Drop and paste, wherever in the window. @param {Taker} take */
export function watchWindow(take) {
  let depth = 0;
  const curtain = h("div", { class: "curtain", hidden: true },
    h("p", {}, icon("upload"), "Drop to search with it"));
  document.body.append(curtain);
  const holdsFiles = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (/** @type {number} */ by) => {
    depth = Math.max(0, depth + by);
    curtain.hidden = depth === 0;
  };
  listen(window, {
    dragenter: (event) => holdsFiles(/** @type {DragEvent} */ (event)) && over(1),
    dragleave: (event) => holdsFiles(/** @type {DragEvent} */ (event)) && over(-1),
    dragover: (event) => event.preventDefault(),
    drop: (event) => {
      event.preventDefault();
      over(-depth);
      const { dataTransfer, shiftKey } = /** @type {DragEvent} */ (event);
      const files = pictures(dataTransfer?.files ?? []);
      if (files.length) take(files, { add: shiftKey });
    },
    paste: (event) => {
      const files = pictures(/** @type {ClipboardEvent} */ (event).clipboardData?.files ?? []);
      if (files.length) take(files, { add: false });
    },
  });
}

/** Ask for files. @param {Taker} take @param {{add?: boolean, camera?: boolean}} [how] */
export function pick(take, { add = false, camera = false } = {}) {
  const input = h("input", { type: "file", accept: "image/*", multiple: !camera, capture: camera ? "environment" : null, class: "said", tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", () => {
    const files = pictures(/** @type {HTMLInputElement} */ (input).files ?? []);
    input.remove();
    if (files.length) take(files, { add });
  });
  input.addEventListener("cancel", () => input.remove());
  document.body.append(input);
  input.click();
}

/** Photograph: by the phone's own camera, else by this page's. @param {Taker} take @param {{add?: boolean}} [how] */
export async function photograph(take, how = {}) {
  if (fingers() || !navigator.mediaDevices?.getUserMedia) {
    pick(take, { ...how, camera: true });
    return;
  }
  const { openCamera } = await import("./camera.js");
  const file = await openCamera();
  if (file) take([file], { add: how.add ?? false });
}
