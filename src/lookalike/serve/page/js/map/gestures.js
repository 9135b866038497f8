/** @file Mouse, fingers and keys on the map, as movements of the camera. */

import { listen } from "../dom.js";

const STEP = 90;
// A pointer that moved less than this has clicked.
const STILL = 5;

/**
 * @typedef {{lassoing: () => boolean, onHover: (x: number, y: number) => void, onLeave: () => void, onClick: (x: number, y: number) => void, onCentre: () => void, onLasso: (path: [number, number][], done: boolean) => void, onLassoKey: () => void, onEscape: () => void}} Told
 */

export class Gestures {
  /** @param {HTMLElement} surface @param {import("./camera.js").Camera} camera @param {Told} told */
  constructor(surface, camera, told) {
    this.surface = surface;
    this.camera = camera;
    this.told = told;
    /** @type {Map<number, [number, number]>} */
    this.pointers = new Map();
    this.moved = 0;
    /** @type {[number, number][] | null} */
    this.path = null;
    listen(surface, {
      pointerdown: (event) => this.#down(/** @type {PointerEvent} */ (event)),
      pointermove: (event) => this.#move(/** @type {PointerEvent} */ (event)),
      pointerup: (event) => this.#up(/** @type {PointerEvent} */ (event)),
      pointercancel: (event) => this.#up(/** @type {PointerEvent} */ (event)),
      pointerleave: () => told.onLeave(),
      keydown: (event) => this.#key(/** @type {KeyboardEvent} */ (event)),
    });
    surface.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {MouseEvent} event @returns {[number, number]} */
  #spot(event) {
    const area = this.surface.getBoundingClientRect();
    return [event.clientX - area.left, event.clientY - area.top];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    this.surface.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#spot(event));
    this.moved = this.pointers.size > 1 ? STILL : 0;
    if (this.pointers.size > 1 && this.path) {
      // A second finger means to move the map.
      this.path = null;
      this.told.onLasso([], false);
    }
    if (this.pointers.size === 1 && (this.told.lassoing() || event.shiftKey)) this.path = [this.#spot(event)];
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const spot = this.#spot(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.told.onHover(...spot);
      return;
    }
    this.moved += Math.hypot(spot[0] - before[0], spot[1] - before[1]);
    if (this.path) {
      this.path.push(spot);
      this.told.onLasso(this.path, false);
    } else if (this.pointers.size === 1) {
      this.camera.pan(spot[0] - before[0], spot[1] - before[1]);
    } else {
      this.#pinch(event.pointerId, before, spot);
    }
    this.pointers.set(event.pointerId, spot);
  }

  /** Two fingers. @param {number} id @param {[number, number]} before @param {[number, number]} spot */
  #pinch(id, before, spot) {
    const [other] = [...this.pointers].filter(([pointer]) => pointer !== id).map(([, place]) => place);
    const apart = (/** @type {[number, number]} */ one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
    this.camera.zoomAt(apart(spot) / Math.max(apart(before), 1), (spot[0] + other[0]) / 2, (spot[1] + other[1]) / 2);
    this.camera.pan((spot[0] - before[0]) / 2, (spot[1] - before[1]) / 2);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { path } = this;
    this.path = null;
    if (path && event.type === "pointerup" && this.moved > STILL) this.told.onLasso(path, true);
    else if (!path && event.type === "pointerup" && this.moved < STILL) this.told.onClick(...this.#spot(event));
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    // Lines and pages of a wheel as pixels; a pinch on a touchpad comes as a wheel with Ctrl.
    const unit = event.deltaMode === 1 ? 24 : event.deltaMode === 2 ? 400 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0016;
    this.camera.zoomAt(Math.exp(-event.deltaY * unit * speed), ...this.#spot(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { camera, told } = this;
    const jobs = {
      ArrowLeft: () => camera.pan(STEP, 0), ArrowRight: () => camera.pan(-STEP, 0),
      ArrowUp: () => camera.pan(0, STEP), ArrowDown: () => camera.pan(0, -STEP),
      "+": () => camera.zoomAt(1.35), "=": () => camera.zoomAt(1.35), "-": () => camera.zoomAt(1 / 1.35),
      0: () => camera.fit(), Enter: () => told.onCentre(), l: () => told.onLassoKey(), Escape: () => told.onEscape(),
    };
    if (!jobs[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    jobs[event.key]();
  }
}
