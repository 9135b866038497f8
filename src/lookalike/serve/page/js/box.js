/** @file A box drawn on a picture: by mouse, by finger, by keys. */

import { h, oncePerFrame } from "./dom.js";
import { percent } from "./words.js";

// Smaller parts than this hold nothing to search by.
const LEAST = 0.05;
const STEP = 0.02;
const CORNERS = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

/** @param {number} value */
const within = (value) => Math.min(Math.max(value, 0), 1);

export class Box {
  /**
   * @param {HTMLElement} stage what it is drawn on; exactly as large as the picture
   * @param {(box: number[] | null) => void} onChange
   */
  constructor(stage, onChange) {
    this.stage = stage;
    this.onChange = oncePerFrame(onChange);
    /** @type {number[] | null} */
    this.value = null;
    this.element = h("div", {
      class: "box", tabindex: "0", role: "group", "aria-roledescription": "box", hidden: true,
      on: { keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) },
    }, CORNERS.map((corner) => h("i", { class: `grip ${corner}`, "data-corner": corner })));
    stage.append(this.element);
    stage.addEventListener("pointerdown", (event) => this.#down(event));
  }

  /** @param {number[] | null} value */
  show(value) {
    this.value = value;
    this.element.hidden = value === null;
    this.stage.classList.toggle("boxed", value !== null);
    if (!value) return;
    const [left, top, right, bottom] = value;
    Object.assign(this.element.style, {
      left: `${left * 100}%`, top: `${top * 100}%`,
      width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%`,
    });
    this.element.setAttribute("aria-label",
      `Part searched by: from ${percent(left)} to ${percent(right)} across, from ${percent(top)} to ${percent(bottom)} down. ` +
      "Arrow keys move it, with Shift they resize it, Delete removes it.");
  }

  /** Begin one in the middle, for keys and fingers. */
  begin() {
    this.#change([0.25, 0.25, 0.75, 0.75]);
    this.element.focus();
  }

  /** @param {number[] | null} value */
  #change(value) {
    this.show(value);
    this.onChange(value);
  }

  /** @param {PointerEvent} event */
  #at(event) {
    const area = this.stage.getBoundingClientRect();
    return [within((event.clientX - area.left) / area.width), within((event.clientY - area.top) / area.height)];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0 || (/** @type {HTMLElement} */ (event.target)).closest("button")) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const inside = target.closest(".box");
    // A finger that is not on the box scrolls the page.
    if (event.pointerType === "touch" && !inside) return;
    event.preventDefault();
    const [x, y] = this.#at(event);
    // A new one is drawn as if by its last corner.
    const corner = target.dataset.corner ?? (inside ? "move" : "se");
    const first = inside ? [...this.value] : [x, y, x, y];
    this.stage.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ next) => {
      const now = this.#at(next);
      const box = dragged(first, corner, [x, y], now);
      if (wide(box)) this.#change(box);
    };
    const up = () => {
      this.stage.removeEventListener("pointermove", move);
      this.stage.removeEventListener("pointerup", up);
      this.stage.removeEventListener("pointercancel", up);
    };
    this.stage.addEventListener("pointermove", move);
    this.stage.addEventListener("pointerup", up);
    this.stage.addEventListener("pointercancel", up);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Delete" || event.key === "Backspace" || event.key === "Escape") {
      event.preventDefault();
      this.#change(null);
      return;
    }
    const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!step) return;
    event.preventDefault();
    const box = event.shiftKey ? resized(this.value, step) : moved(this.value, step);
    if (wide(box)) this.#change(box);
  }
}

/** @param {number[]} box */
const wide = (box) => box[2] - box[0] >= LEAST && box[3] - box[1] >= LEAST;

/** @param {number[]} box @param {number[]} by */
function moved([left, top, right, bottom], [x, y]) {
  const across = Math.min(Math.max(x, -left), 1 - right);
  const down = Math.min(Math.max(y, -top), 1 - bottom);
  return [left + across, top + down, right + across, bottom + down];
}

/** @param {number[]} box @param {number[]} by */
const resized = ([left, top, right, bottom], [x, y]) => [left, top, within(right + x), within(bottom + y)];

/** @param {number[]} first @param {string} corner @param {number[]} from @param {number[]} now */
function dragged(first, corner, from, now) {
  if (corner === "move") return moved(first, [now[0] - from[0], now[1] - from[1]]);
  let [left, top, right, bottom] = first;
  if (corner.includes("e")) right = now[0];
  if (corner.startsWith("s")) bottom = now[1];
  if (corner.includes("w")) left = now[0];
  if (corner.startsWith("n")) top = now[1];
  return [Math.min(left, right), Math.min(top, bottom), Math.max(left, right), Math.max(top, bottom)];
}
