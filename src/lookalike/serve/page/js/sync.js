/** @file Bringing the gallery up to date with its folder. */

import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { jobMeter, stop, watch } from "./jobs.js";
import { announce, toast } from "./live.js";
import { several } from "./words.js";

let running = false;

/** @param {HTMLElement} button @param {() => void} onChanged */
export async function sync(button, onChanged) {
  if (running) return;
  const room = h("div", {});
  const go = h("button", { class: "button primary", type: "button" }, "Bring up to date");
  const dialog = openDialog("Bring the gallery up to date", [
    h("p", {}, "The pictures' folder is read again: what was added or changed is taken in, what is gone is taken out. The files themselves are not touched."),
    room, h("p", { class: "dialog-acts" }, go)], "sync");
  go.focus();
  go.addEventListener("click", async () => {
    go.remove();
    running = true;
    button.classList.add("turning");
    try {
      const said = await run(room, dialog);
      onChanged();
      announce(said);
      if (dialog.open) fill(room, h("p", { class: "sync-done" }, said));
      else toast(said, { drawing: "check" });
    } catch (error) {
      if (dialog.open) fill(room, h("p", { role: "alert" }, error.message));
      else toast(error.message, { seconds: 10 });
    }
    running = false;
    button.classList.remove("turning");
  });
}

/** @param {HTMLElement} room @param {HTMLDialogElement} dialog */
async function run(room, dialog) {
  const { job } = await get("sync", { method: "POST" });
  const meter = jobMeter(h, "Reading the folder …");
  const halt = h("button", { class: "button", type: "button", on: { click: () => stop(job) } }, "Stop");
  fill(room, meter.element, h("p", { class: "dialog-acts" }, halt, h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Go on in the background")));
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
