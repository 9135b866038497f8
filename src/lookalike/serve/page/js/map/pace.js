/** @file How many points a frame may draw: all, unless the machine cannot keep up while it moves. */

// Frames that take longer are felt as jerks; those that take less leave room for more points.
const SLOW = 45;
const QUICK = 24;
// A pause this long means that nothing moves any more.
const PAUSE = 160;
// The graphics interface takes no wider stride.
const COARSEST = 15;

export class Pace {
  /** @param {() => void} onRest draw once more, now that there is time for all */
  constructor(onRest) {
    this.onRest = onRest;
    this.usual = 16;
    this.coarse = 1;
    this.resting = false;
    this.timer = 0;
  }

  /** Every how many points the coming frame draws. */
  step() {
    const began = performance.now();
    const whole = this.resting;
    this.resting = false;
    clearTimeout(this.timer);
    // How long a frame takes is known when the next one may begin.
    requestAnimationFrame(() => this.#took(performance.now() - began));
    if (whole) return 1;
    if (this.coarse > 1) this.timer = setTimeout(() => this.#rest(), Math.max(PAUSE, this.usual * 2));
    return this.coarse;
  }

  /** @param {number} time */
  #took(time) {
    this.usual += (Math.min(time, 300) - this.usual) * 0.5;
    if (this.usual > SLOW) this.coarse = Math.min(COARSEST, this.coarse * 2);
    else if (this.usual < QUICK && this.coarse > 1) this.coarse -= 1;
  }

  close() {
    clearTimeout(this.timer);
    this.onRest = () => {};
  }

  #rest() {
    this.resting = true;
    this.onRest();
  }
}
