/** @file Figures in plain words. */

const whole = new Intl.NumberFormat("en");

/** @param {number} value */
export const count = (value) => whole.format(value);

/**
 * @param {number} number
 * @param {string} one
 * @param {string} [many]
 */
export const several = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes < 0) return "not known";
  if (bytes < 1000) return several(bytes, "byte");
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** @param {string | null} iso */
export function day(iso) {
  if (!iso) return "not known";
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** @param {string} path */
export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);

/** @param {string} path */
export const folderOf = (path) => path.slice(0, path.lastIndexOf("/") + 1);

/** @param {number} share */
export function percent(share) {
  const value = share * 100;
  // What is not certain must not read as if it were.
  if (share < 1 && value >= 99.5) return value >= 99.95 ? "over 99.9 %" : `${value.toFixed(1)} %`;
  if (share > 0 && value < 0.5) return "under 1 %";
  return `${Math.round(value)} %`;
}

/**
 * Each band: a word for the tile, a heading over its pictures, and how many of three dots are full,
 * so that it is told by shape as well as by colour.
 * @type {Record<string, {word: string, heading: string, dots: number}>}
 */
export const BANDS = {
  duplicate: { word: "Same picture", heading: "The same picture", dots: 3 },
  close: { word: "Close", heading: "Close", dots: 2 },
  related: { word: "Related", heading: "Related", dots: 1 },
  nothing: { word: "Not much alike", heading: "Not much alike", dots: 0 },
};

/**
 * A hit's score as a sentence.
 * @param {{score: number, probability: number | null, percentile: number | null, band: string | null}} hit
 * @param {string} metric
 */
export function scoreSentence(hit, metric) {
  const parts = [];
  if (hit.probability !== null && hit.probability !== undefined && hit.probability >= 0.1) {
    parts.push(`${capital(percent(hit.probability))} sure to be the same picture, perhaps edited.`);
  }
  if (hit.percentile !== null && hit.percentile !== undefined) {
    parts.push(`${hit.band === "nothing" ? "Still more" : "More"} alike than ${ofHundred(hit.percentile)} of random pairs of this gallery.`);
  }
  if (!parts.length) parts.push(`Score ${hit.score.toFixed(3)} (${metric}); higher is closer.`);
  return parts.join(" ");
}

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {number} percentile */
function ofHundred(percentile) {
  if (percentile >= 99.995) return "99.99 %";
  const digits = percentile >= 99.9 ? 2 : percentile >= 99 ? 1 : 0;
  return `${percentile.toFixed(digits)} %`;
}

/**
 * What a tile is called to a screen reader.
 * @param {{path: string, label?: string | null}} picture
 * @param {{band: string | null} | null} hit
 */
export function tileName(picture, hit) {
  const band = hit && hit.band ? `, ${BANDS[hit.band]?.word.toLowerCase() ?? hit.band}` : "";
  const label = picture.label ? `, ${picture.label}` : "";
  return `${fileName(picture.path)}${label}${band}`;
}
