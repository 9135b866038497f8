/** @file Two pictures laid over each other: side by side, by a slider, flickering, their difference. */

import { original, thumbnail } from "./api.js";
import { openDialog } from "./dialog.js";
import { calm, fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { fileName, folderOf, percent } from "./words.js";

/** @typedef {import("./api.js").Picture & {differs?: string[]}} Copy */

const WAYS = [["side", "Side by side"], ["wipe", "Slider"], ["flicker", "Flicker"], ["difference", "Difference"]];
const LONGEST = 900;
const BEAT = 650;

/** @param {Copy} kept @param {Copy} copy */
export async function compare(kept, copy) {
  const stage = h("div", { class: "compare-stage" }, h("p", { class: "muted" }, "Opening both …"));
  const controls = h("div", { class: "compare-controls" });
  const ways = h("div", { class: "segments", role: "radiogroup", "aria-label": "How to compare" }, WAYS.map(([way, words], at) => h("label", {}, h("input", { type: "radio", name: "way", value: way, ".checked": at === 0 }), h("span", {}, words))));
  const names = h("p", { class: "compare-names muted" }, `${folderOf(kept.path)}${fileName(kept.path)}  ↔  ${folderOf(copy.path)}${fileName(copy.path)}`);
  const differs = copy.differs?.length ? h("p", {}, h("strong", {}, "Differs: "), copy.differs.join(", ")) : null;
  const dialog = openDialog("Compare", [ways, stage, controls, names, ...(differs ? [differs] : [])], "compare");
  const [first, second] = await Promise.all([picture(kept), picture(copy)]);
  if (!dialog.open) return;
  let end = () => {};
  const show = () => {
    end();
    const way = /** @type {HTMLInputElement} */ (ways.querySelector("input:checked")).value;
    stage.dataset.way = way;
    fill(controls);
    end = MAKE[way](stage, controls, first, second) ?? (() => {});
  };
  ways.addEventListener("change", show);
  dialog.addEventListener("close", () => end());
  show();
}

/** The original, or the small copy where it cannot be had. @param {Copy} one @returns {Promise<HTMLImageElement>} */
async function picture(one) {
  const image = /** @type {HTMLImageElement} */ (h("img", { alt: fileName(one.path), draggable: "false", src: original(one.id) }));
  try {
    await image.decode();
  } catch {
    image.src = thumbnail(one, 512);
    await image.decode().catch(() => {});
  }
  return image;
}

/** @type {Record<string, (stage: HTMLElement, controls: HTMLElement, first: HTMLImageElement, second: HTMLImageElement) => (() => void) | void>} */
const MAKE = { side, wipe, flicker, difference };

/** @param {HTMLElement} stage @param {HTMLElement} controls @param {HTMLImageElement} first @param {HTMLImageElement} second */
function side(stage, controls, first, second) {
  fill(stage, h("figure", {}, first, h("figcaption", {}, "the one to keep")), h("figure", {}, second, h("figcaption", {}, "the copy")));
}

/** Both in one frame of the first's shape. @param {HTMLElement} stage @param {HTMLImageElement} first @param {HTMLImageElement} second */
function layered(stage, first, second) {
  const frame = h("div", { class: "layered" }, first, h("div", { class: "layer" }, second));
  frame.style.aspectRatio = `${first.naturalWidth || 1} / ${first.naturalHeight || 1}`;
  fill(stage, frame);
  return /** @type {HTMLElement} */ (frame.querySelector(".layer"));
}

/** @param {HTMLElement} stage @param {HTMLElement} controls @param {HTMLImageElement} first @param {HTMLImageElement} second */
function wipe(stage, controls, first, second) {
  const layer = layered(stage, first, second);
  const line = h("i", { class: "wipe-line" });
  layer.parentElement.append(line);
  const range = h("input", { type: "range", min: "0", max: "1", step: "0.005", ".value": "0.5", "aria-label": "Where one ends and the other begins" });
  const set = () => {
    const at = Number(range.value);
    layer.style.clipPath = `inset(0 0 0 ${at * 100}%)`;
    line.style.left = `${at * 100}%`;
    range.setAttribute("aria-valuetext", `${percent(at)} the one to keep`);
  };
  range.addEventListener("input", set);
  layer.parentElement.addEventListener("pointermove", (event) => {
    const area = layer.parentElement.getBoundingClientRect();
    range.value = String((event.clientX - area.left) / area.width);
    set();
  });
  fill(controls, h("span", {}, "keep"), range, h("span", {}, "copy"));
  set();
}

/** @param {HTMLElement} stage @param {HTMLElement} controls @param {HTMLImageElement} first @param {HTMLImageElement} second */
function flicker(stage, controls, first, second) {
  const layer = layered(stage, first, second);
  const words = h("span", { class: "flicker-now" });
  let shown = false;
  let timer = 0;
  const turn = () => {
    shown = !shown;
    layer.style.visibility = shown ? "visible" : "hidden";
    words.textContent = shown ? "the copy" : "the one to keep";
  };
  const button = h("button", { class: "button", type: "button" });
  const run = (/** @type {boolean} */ on) => {
    clearInterval(timer);
    timer = on ? setInterval(turn, BEAT) : 0;
    fill(button, icon(on ? "pause" : "play"), on ? "Stop" : "Flicker");
  };
  button.addEventListener("click", () => run(!timer));
  const step = h("button", { class: "button", type: "button", on: { click: () => { run(false); turn(); } } }, "Change once");
  fill(controls, button, step, words);
  turn();
  // Whoever asked for little movement starts it, if at all.
  run(!calm());
  return () => clearInterval(timer);
}

/** @param {HTMLElement} stage @param {HTMLElement} controls @param {HTMLImageElement} first @param {HTMLImageElement} second */
function difference(stage, controls, first, second) {
  const scale = Math.min(1, LONGEST / Math.max(first.naturalWidth, first.naturalHeight, 1));
  const width = Math.max(1, Math.round(first.naturalWidth * scale));
  const height = Math.max(1, Math.round(first.naturalHeight * scale));
  const a = pixels(first, width, height);
  const b = pixels(second, width, height);
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "difference", role: "img", "aria-label": "What differs, bright on black" }));
  canvas.width = width;
  canvas.height = height;
  const range = h("input", { type: "range", min: "1", max: "16", step: "1", ".value": "4", id: "gain" });
  const said = h("output", {});
  const draw = () => {
    const gain = Number(range.value);
    const { data, share } = differing(a, b, gain);
    canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
    said.textContent = share === 0 ? "No pixel differs." : `${percent(share)} of the pixels differ visibly.`;
  };
  range.addEventListener("input", draw);
  fill(stage, canvas);
  fill(controls, h("label", { for: "gain" }, "Stronger"), range, said);
  draw();
}

/** @param {HTMLImageElement} image @param {number} width @param {number} height */
function pixels(image, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  // Transparent parts are seen on white.
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(image, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height).data;
}

/** @param {Uint8ClampedArray} a @param {Uint8ClampedArray} b @param {number} gain */
function differing(a, b, gain) {
  const data = new Uint8ClampedArray(a.length);
  let seen = 0;
  for (let at = 0; at < a.length; at += 4) {
    let most = 0;
    for (let channel = 0; channel < 3; channel += 1) {
      const apart = Math.abs(a[at + channel] - b[at + channel]);
      data[at + channel] = apart * gain;
      most = Math.max(most, apart);
    }
    data[at + 3] = 255;
    if (most > 12) seen += 1;
  }
  return { data, share: seen / (a.length / 4) };
}
