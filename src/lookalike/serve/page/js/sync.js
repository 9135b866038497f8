/** @file Bringing the gallery up to date with its folder. */

import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { engine } from "./engine.js";
import { jobMeter, stop, watch } from "./jobs.js";
import { announce, toast } from "./live.js";
import { several } from "./words.js";

/** What tells how far it is, while it is under way: each dialog shows the same. @type {HTMLElement | null} */
let under = null;

/** @param {HTMLElement} button @param {() => Promise<void>} onChanged */
export async function sync(button, onChanged) {
  const room = under ?? h("div", {});
  const go = h("button", { class: "button primary", type: "button" }, "Bring up to date");
  openDialog("Bring the gallery up to date", [
    h("p", {}, "The pictures' folder is read again: what was added or changed is taken in, what is gone is taken out. The files themselves are not touched."),
    room, !under && h("p", { class: "dialog-acts" }, go)].filter(Boolean), "sync");
  if (under) return;
  go.focus();
  go.addEventListener("click", () => {
    go.remove();
    begin(room, button, onChanged);
  });
}

/** @param {HTMLElement} room @param {HTMLElement} button @param {() => Promise<void>} onChanged */
async function begin(room, button, onChanged) {
  under = room;
  engine.changing = true;
  button.classList.add("turning");
  try {
    const said = await run(room);
    if (room.isConnected) fill(room, h("p", { class: "sync-done" }, said));
    else toast(said, { drawing: "check" });
    announce(said);
  } catch (error) {
    if (room.isConnected) fill(room, h("p", { class: "sync-done", role: "alert" }, error.message));
    else toast(error.message, { seconds: 10 });
  }
  under = null;
  button.classList.remove("turning");
  // One that was stopped has changed something too.
  await onChanged();
  engine.changing = false;
}

/** @param {HTMLElement} room */
async function run(room) {
  const { job } = await get("sync", { method: "POST" });
  const meter = jobMeter(h, "Reading the folder …");
  const halt = h("button", { class: "button", type: "button", on: { click: () => {
    halt.disabled = true;
    halt.textContent = "Stopping …";
    stop(job).catch((error) => toast(error.message));
  } } }, "Stop");
  const leave = h("button", { class: "button", type: "button", on: { click: () => room.closest("dialog").close() } }, "Go on in the background");
  fill(room, meter.element, h("p", { class: "dialog-acts" }, halt, leave));
  leave.focus();
  const done = await watch(job, meter.show);
  return summary(done.result ?? {});
}

/** @param {Record<string, any>} result */
export function summary(result) {
  const size = (/** @type {any} */ value) => (Array.isArray(value) ? value.length : Number(value) || 0);
  const parts = [["added", "added"], ["changed", "changed"], ["moved", "moved"], ["deleted", "taken out"], ["removed", "taken out"]]
    .filter(([name]) => size(result[name]) > 0)
    .map(([name, words]) => `${several(size(result[name]), "picture")} ${words}`);
  return parts.length ? `Up to date: ${parts.join(", ")}.` : "Nothing has changed: the gallery is up to date.";
}
