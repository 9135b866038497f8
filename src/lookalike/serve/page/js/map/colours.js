/** @file The colours of the map: one for each of the most frequent labels. */

import { h } from "../dom.js";
import { NO_LABEL } from "./points.js";

// Okabe and Ito's palette first, then hues that stand clear of it; the same as in the report.
const CATEGORIES = [
  [0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 51, 102], [86, 180, 233], [128, 62, 178],
  [140, 86, 40], [240, 118, 80], [120, 170, 30], [230, 130, 210], [62, 96, 176],
];
const OTHER = [128, 134, 144];

/** A colour of the style sheet as three numbers. @param {string} name */
export function token(name) {
  // Only where it is used is it known which of the light one and the dark one it is.
  const patch = h("i", {});
  patch.style.color = `var(${name})`;
  document.body.append(patch);
  const text = getComputedStyle(patch).color;
  patch.remove();
  return text.match(/[\d.]+/g).slice(0, 3).map(Number);
}

/**
 * @param {any} facts of the engine, which name the labels
 * @param {any} map whose own list of labels comes first
 * @param {import("./points.js").Points} points
 * @returns {{label: string, colour: number[]}[]} by the points' label number; the last for all others
 */
export function labelColours(facts, map, points) {
  /** @type {string[]} */
  const names = map.labels ?? facts?.labels.map((one) => one.label) ?? [];
  const counts = new Uint32Array(names.length);
  for (const label of points.labels) if (label !== NO_LABEL && label < counts.length) counts[label] += 1;
  const frequent = [...counts.keys()].filter((at) => counts[at] > 0).sort((a, b) => counts[b] - counts[a]);
  const rank = new Map(frequent.slice(0, CATEGORIES.length).map((label, place) => [label, place]));
  // Without labels all are of the accent's colour, a little subdued.
  const rest = frequent.length ? OTHER : token("--accent").map((value) => Math.round(value * 0.75 + 34));
  return [...names.map((label, at) => ({ label: rank.has(at) ? label : "", colour: rank.has(at) ? CATEGORIES[rank.get(at)] : OTHER })),
    { label: "", colour: rest }];
}

/** @param {{label: string, colour: number[]}[]} colours */
export function legend(colours) {
  const named = colours.filter(({ label }) => label);
  if (named.length < 2) return null;
  const line = ({ label, colour }) => {
    const patch = h("i", {});
    patch.style.background = `rgb(${colour.join(" ")})`;
    return h("li", {}, patch, label);
  };
  const others = colours.length - 1 > named.length ? [line({ label: "others", colour: OTHER })] : [];
  return h("details", { class: "legend", open: matchMedia("(min-width: 48rem)").matches },
    h("summary", {}, "Labels"), h("ul", { role: "list" }, named.map(line), others));
}
