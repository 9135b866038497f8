/** @file The map's points, sorted into cells so that looking around a spot is quick. */

/**
 * As the server sends them: uint32 id, float32 x, float32 y, uint16 label, and uint8 width and height
 * of the picture in the middle of its tile of the atlas.
 */
const BYTES = 16;
export const NO_LABEL = 65535;

export class Points {
  /** @param {ArrayBuffer} buffer */
  constructor(buffer) {
    const count = Math.floor(buffer.byteLength / BYTES);
    const whole = new Uint32Array(buffer, 0, count * 4);
    const real = new Float32Array(buffer, 0, count * 4);
    const half = new Uint16Array(buffer, 0, count * 8);
    const bytes = new Uint8Array(buffer, 0, count * BYTES);
    this.count = count;
    this.side = Math.min(Math.max(Math.floor(Math.sqrt(count / 8)), 4), 160);
    const cells = new Uint32Array(count);
    const starts = new Uint32Array(this.side * this.side + 1);
    for (let at = 0; at < count; at += 1) {
      cells[at] = this.#cell(real[at * 4 + 1], real[at * 4 + 2]);
      starts[cells[at] + 1] += 1;
    }
    for (let cell = 1; cell < starts.length; cell += 1) starts[cell] += starts[cell - 1];
    /** Where each cell's points begin. */
    this.starts = starts;
    const next = starts.slice();
    this.ids = new Uint32Array(count);
    this.x = new Float32Array(count);
    this.y = new Float32Array(count);
    this.labels = new Uint16Array(count);
    /** The place in the order of the server, which is that of the atlas. */
    this.slots = new Uint32Array(count);
    this.widths = new Uint8Array(count);
    this.heights = new Uint8Array(count);
    /** @type {Map<number, number>} */
    this.places = new Map();
    for (let from = 0; from < count; from += 1) {
      const to = next[cells[from]];
      next[cells[from]] += 1;
      this.ids[to] = whole[from * 4];
      this.x[to] = real[from * 4 + 1];
      this.y[to] = real[from * 4 + 2];
      this.labels[to] = half[from * 8 + 6];
      this.widths[to] = bytes[from * BYTES + 14];
      this.heights[to] = bytes[from * BYTES + 15];
      this.slots[to] = from;
      this.places.set(this.ids[to], to);
    }
  }

  /** @param {number} value */
  #line(value) {
    return Math.min(Math.max(Math.floor(value * this.side), 0), this.side - 1);
  }

  /** @param {number} x @param {number} y */
  #cell(x, y) {
    return this.#line(y) * this.side + this.#line(x);
  }

  /**
   * Stretches of points, a row of cells each, that cover a rectangle.
   * @param {number} left @param {number} top @param {number} right @param {number} bottom
   * @returns {[number, number][]} first and end
   */
  stretches(left, top, right, bottom) {
    if (right < 0 || bottom < 0 || left > 1 || top > 1) return [];
    /** @type {[number, number][]} */
    const found = [];
    for (let row = this.#line(top); row <= this.#line(bottom); row += 1) {
      const first = this.starts[row * this.side + this.#line(left)];
      const end = this.starts[row * this.side + this.#line(right) + 1];
      const last = found.at(-1);
      // The whole width: rows follow one another and are drawn as one.
      if (last && last[1] === first) last[1] = end;
      else if (end > first) found.push([first, end]);
    }
    return found;
  }

  /**
   * The points nearest to a spot, nearest first.
   * @param {number} x @param {number} y @param {number} reach @param {number} [most]
   */
  near(x, y, reach, most = 1) {
    /** @type {{at: number, distance: number}[]} */
    const found = [];
    for (const [first, end] of this.stretches(x - reach, y - reach, x + reach, y + reach)) {
      for (let at = first; at < end; at += 1) {
        const distance = Math.hypot(this.x[at] - x, this.y[at] - y);
        if (distance > reach || (found.length === most && distance >= found[most - 1].distance)) continue;
        found.push({ at, distance });
        found.sort((a, b) => a.distance - b.distance);
        if (found.length > most) found.pop();
      }
    }
    return found;
  }

  /** The nearest, however far. @param {number} x @param {number} y @param {number} most */
  nearest(x, y, most) {
    for (let reach = 1 / this.side; ; reach *= 2) {
      const found = this.near(x, y, reach, most);
      if (found.length === Math.min(most, this.count) || reach > 4) return found;
    }
  }

  /** The points inside a polygon. @param {[number, number][]} polygon */
  within(polygon) {
    const xs = polygon.map(([x]) => x);
    const ys = polygon.map(([, y]) => y);
    const found = [];
    for (const [first, end] of this.stretches(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys))) {
      for (let at = first; at < end; at += 1) if (inside(polygon, this.x[at], this.y[at])) found.push(at);
    }
    return found;
  }
}

/** Whether a ray from the spot crosses the border an odd number of times. @param {[number, number][]} polygon @param {number} x @param {number} y */
function inside(polygon, x, y) {
  let odd = false;
  for (let at = 0, before = polygon.length - 1; at < polygon.length; before = at, at += 1) {
    const [ax, ay] = polygon[at];
    const [bx, by] = polygon[before];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}
