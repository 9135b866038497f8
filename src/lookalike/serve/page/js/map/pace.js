/** @file How many points a frame may draw: all, unless the machine cannot keep up while it moves. */

// Slower frames than this are felt as jerks; the rest of the window is what is aimed at.
const SLOW = 45;
const QUICK = 22;
// A pause this long means that nothing moves any more.
const PAUSE = 160;
// The graphics interface takes no wider stride.
const COARSEST = 15;

export class Pace {
  /** @param {() => void} onRest draw once more, now that there is time for all */
  constructor(onRest) {
    this.onRest = onRest;
    this.last = 0;
    this.usual = 16;
    this.coarse = 1;
    this.timer = 0;
  }

  /** Every how many points the coming frame draws. */
  step() {
    const now = performance.now();
    const apart = now - this.last;
    this.last = now;
    clearTimeout(this.timer);
    if (apart > PAUSE * 4) return this.#whole();
    this.usual += (Math.min(apart, 400) - this.usual) * 0.35;
    if (this.usual > SLOW) this.coarse = Math.min(COARSEST, Math.ceil((this.coarse * this.usual) / 30));
    else if (this.usual < QUICK && this.coarse > 1) this.coarse -= 1;
    if (this.coarse > 1) this.timer = setTimeout(() => this.#rest(), PAUSE);
    return this.coarse;
  }

  #whole() {
    this.usual = 16;
    return 1;
  }

  #rest() {
    this.last = -Infinity;
    this.onRest();
  }
}
