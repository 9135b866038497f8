/** @file Where one looks on the map: the middle of the window, and how near. */

import { calm } from "../dom.js";

// Room for the thumbnails that stand at the border, and for what floats there.
const MARGIN = 0.88;

export class Camera {
  /** @param {() => void} onMove */
  constructor(onMove) {
    this.onMove = onMove;
    this.x = 0.5;
    this.y = 0.5;
    /** CSS pixels that the whole map's side is wide. */
    this.zoom = 600;
    this.width = 1;
    this.height = 1;
    this.nearest = 1e5;
    /** What the pictures cover: left, top, right, bottom. */
    this.bounds = [0, 0, 1, 1];
    this.flight = 0;
  }

  /** The zoom at which all pictures are in sight. */
  get whole() {
    const [left, top, right, bottom] = this.bounds;
    return Math.min(this.width / Math.max(right - left, 0.05), this.height / Math.max(bottom - top, 0.05)) * MARGIN;
  }

  /** @param {number[] | null | undefined} bounds */
  cover(bounds) {
    if (bounds?.length === 4) this.bounds = bounds;
    [this.x, this.y] = this.middle;
  }

  /** Look where one looked before. @param {{x: number, y: number, zoom: number}} spot */
  look({ x, y, zoom }) {
    this.#put(x, y, this.#bounded(zoom));
  }

  get middle() {
    const [left, top, right, bottom] = this.bounds;
    return [(left + right) / 2, (top + bottom) / 2];
  }

  /** @param {number} width @param {number} height @param {number} count of pictures on the map */
  resize(width, height, count) {
    // Until it is moved, all of the map is shown.
    const whole = this.width === 1 || this.zoom <= this.whole * 1.01;
    this.width = width;
    this.height = height;
    // At its nearest about four pictures fit across.
    this.nearest = Math.max(this.whole * 4, (width / 4) * Math.sqrt(count));
    if (whole) this.zoom = this.whole;
  }

  /** @param {number} px @param {number} py @returns {[number, number]} */
  toMap(px, py) {
    return [this.x + (px - this.width / 2) / this.zoom, this.y + (py - this.height / 2) / this.zoom];
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toScreen(x, y) {
    return [(x - this.x) * this.zoom + this.width / 2, (y - this.y) * this.zoom + this.height / 2];
  }

  /** @param {number} dx @param {number} dy in CSS pixels */
  pan(dx, dy) {
    this.stop();
    this.#put(this.x - dx / this.zoom, this.y - dy / this.zoom, this.zoom);
  }

  /** Nearer by a factor; what is under the spot stays there. @param {number} factor @param {number} px @param {number} py */
  zoomAt(factor, px = this.width / 2, py = this.height / 2) {
    this.stop();
    const [x, y] = this.toMap(px, py);
    const zoom = this.#bounded(this.zoom * factor);
    this.#put(x - (px - this.width / 2) / zoom, y - (py - this.height / 2) / zoom, zoom);
  }

  /** @param {number} x @param {number} y @param {number} zoom */
  fly(x, y, zoom) {
    this.stop();
    if (calm()) {
      this.#put(x, y, this.#bounded(zoom));
      return;
    }
    const from = { x: this.x, y: this.y, zoom: Math.log(this.zoom) };
    const to = { x, y, zoom: Math.log(this.#bounded(zoom)) };
    const began = performance.now();
    const step = (/** @type {number} */ now) => {
      const part = Math.min((now - began) / 420, 1);
      const eased = 1 - (1 - part) ** 3;
      const at = (/** @type {"x" | "y" | "zoom"} */ name) => from[name] + (to[name] - from[name]) * eased;
      this.#put(at("x"), at("y"), Math.exp(at("zoom")));
      this.flight = part < 1 ? requestAnimationFrame(step) : 0;
    };
    this.flight = requestAnimationFrame(step);
  }

  fit() {
    this.fly(this.middle[0], this.middle[1], this.whole);
  }

  stop() {
    cancelAnimationFrame(this.flight);
    this.flight = 0;
  }

  /** @param {number} zoom */
  #bounded(zoom) {
    return Math.min(Math.max(zoom, this.whole * 0.6), this.nearest);
  }

  /** @param {number} x @param {number} y @param {number} zoom */
  #put(x, y, zoom) {
    this.x = Math.min(Math.max(x, 0), 1);
    this.y = Math.min(Math.max(y, 0), 1);
    this.zoom = zoom;
    this.onMove();
  }
}
