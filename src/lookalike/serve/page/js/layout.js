/** @file Justified rows: pictures of one row share a height and fill the width. Pure arithmetic. */

/**
 * @typedef {{x: number, y: number, width: number, height: number, row: number}} Place
 * @typedef {{start: number, end: number, y: number, height: number, full: boolean}} Row
 * @typedef {{y: number, band: string, start: number, count: number}} Heading
 * @typedef {{width: number, height: number, gap: number, heading: number}} Shape wanted: width of
 *   the whole, height of a row, gap between pictures, height of a heading
 */

// A panorama or a tower is cut to this, or it would take a row or a column for itself.
const WIDEST = 3;
const NARROWEST = 0.42;

/** @param {{width: number, height: number}} picture */
export function aspect({ width, height }) {
  const real = width > 0 && height > 0 ? width / height : 1;
  return Math.min(Math.max(real, NARROWEST), WIDEST);
}

/** Whether a picture is shown cut. @param {{width: number, height: number}} picture */
export const clamped = (picture) => aspect(picture) !== picture.width / picture.height;

/** Places of pictures that come in pages: what stands stays, only the last row is done again. */
export class Justified {
  /** @param {Shape} shape */
  constructor(shape) {
    this.shape = shape;
    /** @type {Place[]} */
    this.places = [];
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Heading[]} */
    this.headings = [];
  }

  get bottom() {
    const last = this.rows.at(-1);
    return last ? last.y + last.height + this.shape.gap : 0;
  }

  /**
   * Lay out the pictures from where it stopped.
   * @param {{width: number, height: number, band: string | null}[]} pictures all of them
   */
  extend(pictures) {
    let next = this.places.length;
    const last = this.rows.at(-1);
    if (last && !last.full) {
      next = last.start;
      this.rows.pop();
      this.places.length = next;
      const above = this.rows.at(-1);
      if (above && above.start === above.end) {
        this.rows.pop();
        this.headings.pop();
      }
    }
    while (next < pictures.length) next = this.#row(pictures, next);
    this.headings.forEach((heading, at, all) => {
      heading.count = (all[at + 1]?.start ?? pictures.length) - heading.start;
    });
  }

  /** @param {{width: number, height: number, band: string | null}[]} pictures @param {number} start */
  #row(pictures, start) {
    const { width, height, gap } = this.shape;
    const band = pictures[start].band;
    this.#head(pictures, start, band);
    let end = start;
    let sum = 0;
    let full = false;
    while (end < pictures.length && pictures[end].band === band && !full) {
      sum += aspect(pictures[end]);
      end += 1;
      full = sum * height + gap * (end - start - 1) >= width;
    }
    const fitting = (width - gap * (end - start - 1)) / sum;
    // A row that its band ends early is as done as one that is full.
    const done = full || end < pictures.length;
    this.#place(pictures, start, end, full ? fitting : Math.min(fitting, height), done);
    return end;
  }

  /** @param {{band: string | null}[]} pictures @param {number} start @param {string | null} band */
  #head(pictures, start, band) {
    if (band === null || (start > 0 && pictures[start - 1].band === band)) return;
    const y = this.bottom;
    this.headings.push({ y, band, start, count: 0 });
    // The heading takes its place as a row without pictures.
    this.rows.push({ start, end: start, y, height: this.shape.heading - this.shape.gap, full: true });
  }

  /**
   * @param {{width: number, height: number}[]} pictures
   * @param {number} start @param {number} end @param {number} height @param {boolean} full
   */
  #place(pictures, start, end, height, full) {
    const y = this.bottom;
    let x = 0;
    for (let at = start; at < end; at += 1) {
      const width = aspect(pictures[at]) * height;
      this.places.push({ x, y, width, height, row: this.rows.length });
      x += width + this.shape.gap;
    }
    this.rows.push({ start, end, y, height, full });
  }

  /** The pictures whose rows touch the stretch. @param {number} top @param {number} bottom */
  between(top, bottom) {
    const first = this.#firstRow(top);
    let last = first;
    while (last < this.rows.length && this.rows[last].y < bottom) last += 1;
    if (first >= last) return { start: 0, end: 0 };
    return { start: this.rows[first].start, end: this.rows[last - 1].end };
  }

  /** @param {number} top */
  #firstRow(top) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].y + this.rows[middle].height < top) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The picture above (-1) or below (1) one, by its middle. @param {number} at @param {-1 | 1} step */
  beside(at, step) {
    const place = this.places[at];
    let row = place.row + step;
    while (this.rows[row] && this.rows[row].start === this.rows[row].end) row += step;
    if (!this.rows[row]) return at;
    const middle = place.x + place.width / 2;
    let best = this.rows[row].start;
    for (let other = best; other < this.rows[row].end; other += 1) {
      const distance = (/** @type {Place} */ p) => Math.abs(p.x + p.width / 2 - middle);
      if (distance(this.places[other]) < distance(this.places[best])) best = other;
    }
    return best;
  }
}
