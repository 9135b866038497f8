/** @file Where pictures come from: dropped, pasted, picked, photographed. */

import { fingers, h, listen } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./live.js";
import { several } from "./words.js";

/** @typedef {(files: File[], how: {add: boolean}) => void} Taker */

// So many are taken at once.
const MOST = 16;

/** @param {Iterable<File>} files @returns {File[]} */
function pictures(files) {
  const all = [...files];
  // A system may not know HEIC's type: a file without one is let through, the server looks.
  const fitting = all.filter((file) => file.type.startsWith("image/") || file.type === "");
  const others = all.length - fitting.length;
  if (all.length && !fitting.length) toast("That is no picture. JPEG, PNG, WebP, HEIC and their like can be searched with.");
  else if (fitting.length > MOST) toast(`The first ${MOST} of ${several(fitting.length, "picture")} are taken.`, { seconds: 8 });
  else if (others) toast(`${several(others, "file")} left out: no ${others === 1 ? "picture" : "pictures"}.`, { seconds: 8 });
  return fitting.slice(0, MOST);
}

/** What was dropped, less the folders: a browser gives them as files that cannot be read. @param {DataTransfer | null} held */
function dropped(held) {
  const items = [...(held?.items ?? [])].filter(({ kind }) => kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory);
  if (folders.length) toast("A folder cannot be searched with: drop pictures out of it.");
  else if (!items.length) notAPicture(held?.getData("text") ?? "");
  return items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile()).filter((file) => file !== null);
}

/** An address is not fetched: neither this page nor the server asks others. @param {string} text */
function notAPicture(text) {
  if (/^\s*(https?|data|file|blob):/i.test(text)) toast("An address cannot be searched with: copy the picture itself, or save it and drop the file.", { seconds: 8 });
}

/** @param {EventTarget | null} target */
const takesText = (target) => target instanceof Element && target.matches("input, textarea");

/** Drop and paste, wherever in the window. @param {Taker} take */
export function watchWindow(take) {
  let timer = 0;
  const curtain = h("div", { class: "curtain", hidden: true },
    h("p", {}, icon("upload"), "Drop to search with it"));
  document.body.append(curtain);
  const holdsFiles = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  // While something is dragged over the page it is told so several times a second. That it left is
  // not always told: what lay under it may be gone.
  const over = (/** @type {boolean} */ on) => {
    clearTimeout(timer);
    curtain.hidden = !on;
    if (on) timer = setTimeout(() => over(false), 700);
  };
  listen(window, {
    dragenter: (event) => holdsFiles(/** @type {DragEvent} */ (event)) && over(true),
    dragover: (event) => {
      const files = holdsFiles(/** @type {DragEvent} */ (event));
      if (files || !takesText(event.target)) event.preventDefault();
      if (files) over(true);
    },
    drop: (event) => {
      const { dataTransfer, shiftKey } = /** @type {DragEvent} */ (event);
      over(false);
      if (takesText(event.target) && !holdsFiles(/** @type {DragEvent} */ (event))) return;
      event.preventDefault();
      const files = pictures(dropped(dataTransfer));
      if (files.length) take(files, { add: shiftKey });
    },
    paste: (event) => {
      const { clipboardData } = /** @type {ClipboardEvent} */ (event);
      // Cells of a spreadsheet come as text and as their picture.
      if (takesText(event.target) && clipboardData?.getData("text")) return;
      const files = pictures(clipboardData?.files ?? []);
      if (files.length) take(files, { add: false });
      else notAPicture(clipboardData?.getData("text") ?? "");
    },
  });
}

/** Ask for files. @param {Taker} take @param {{add?: boolean, camera?: boolean}} [how] */
export function pick(take, { add = false, camera = false } = {}) {
  const input = h("input", { type: "file", accept: "image/*,.heic,.heif", multiple: !camera, capture: camera ? "environment" : null, class: "said", tabindex: "-1", "aria-hidden": "true" });
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
