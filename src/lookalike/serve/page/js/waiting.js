/** @file What takes the server a while: asked for, waited for with a meter, then shown. */

import { ask } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { jobMeter, watch } from "./jobs.js";

/**
 * Ask until the answer is there; while a job makes it, show how far that is.
 * @param {HTMLElement} room where the meter goes
 * @param {string} path
 * @param {Record<string, unknown>} query
 * @param {{drawing: any, title: string, first: string}} words
 * @param {() => boolean} wanted whether anybody still waits
 * @returns {Promise<any | null>} null where nobody waits any more
 */
export async function answerOf(room, path, query, words, wanted) {
  for (let round = 0; round < 3; round += 1) {
    const response = await ask(path, { query });
    const body = await response.json();
    if (!wanted()) return null;
    if (response.status !== 202) return body;
    const meter = jobMeter(h, words.first);
    fill(room, h("div", { class: "empty" }, icon(words.drawing), h("h2", {}, words.title), meter.element));
    await watch(body.job, meter.show);
    if (!wanted()) return null;
  }
  throw new Error("The server goes on working on this. Come back in a while.");
}

/**
 * @param {HTMLElement} room @param {any} drawing @param {string} title @param {string} words
 * @param {{words: string, job: () => void}} [act]
 */
export function sayInstead(room, drawing, title, words, act) {
  fill(room, h("div", { class: "empty" }, icon(drawing), h("h2", {}, title), h("p", {}, words),
    act && h("button", { class: "button", type: "button", on: { click: act.job } }, act.words)));
}
