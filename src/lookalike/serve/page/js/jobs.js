/** @file Long jobs on the server, watched while they run. */

import { address, ask, get } from "./api.js";
import { capital, count } from "./words.js";

/**
 * @typedef {{id: string, kind: string, state: string, stage: string, done: number, total: number, message: string, result: any, error: any}} Job
 */

/**
 * Watch a job to its end.
 * @param {string} id
 * @param {(job: Job) => void} onProgress
 * @returns {Promise<Job>} the finished job
 * @throws {Error} with the server's words where it failed
 */
export async function watch(id, onProgress) {
  const last = await new Promise((resolve, reject) => {
    const source = new EventSource(address(`jobs/${id}/events`), { withCredentials: true });
    const told = (/** @type {MessageEvent} */ event) => /** @type {Job} */ (JSON.parse(event.data));
    const end = (/** @type {MessageEvent} */ event) => {
      source.close();
      resolve(told(event));
    };
    source.addEventListener("progress", (event) => onProgress(told(event)));
    source.addEventListener("done", end);
    source.addEventListener("failed", end);
    source.addEventListener("error", () => {
      // A stream that breaks is not a job that fails: from here on the job is asked now and then.
      source.close();
      poll(id, onProgress).then(resolve, reject);
    });
  });
  if (last.state === "stopped") throw new Error("It was stopped.");
  if (last.error) throw new Error(capital(last.error.message ?? String(last.error)));
  return last;
}

/** @param {string} id @param {(job: Job) => void} onProgress */
async function poll(id, onProgress) {
  for (;;) {
    const job = await get(`jobs/${id}`);
    if (job.state !== "working") return job;
    onProgress(job);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}

/** @param {string} id */
export const stop = (id) => ask(`jobs/${id}`, { method: "DELETE" });

/** What a job's stages are to who waits for them; others are plain words as they are. */
const STAGES = {
  starting: "getting ready", read: "reading the pictures", compare: "comparing the pictures",
  "second look": "looking closely at what may be copies", "compare pixels": "comparing pixels",
  rebuild: "rebuilding", map: "laying out", place: "putting into place", sync: "taking in",
  thumbnails: "making small copies", "take up": "opening what is new", decode: "reading the pictures",
};

/**
 * A meter for a job.
 * @param {import("./dom.js").Child} first what it says before anything is known
 */
export function jobMeter(h, first) {
  const bar = h("i");
  const meter = h("div", { class: "meter unknown", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
  const words = h("p", { class: "muted" }, first);
  const show = (/** @type {Job} */ job) => {
    const known = job.total > 0;
    meter.classList.toggle("unknown", !known);
    bar.style.transform = known ? `scaleX(${Math.min(job.done / job.total, 1)})` : "";
    if (known) meter.setAttribute("aria-valuenow", String(Math.round((job.done / job.total) * 100)));
    else meter.removeAttribute("aria-valuenow");
    const figure = job.stage === "map" && known ? "" : job.message;
    words.textContent = [STAGES[job.stage] ?? job.stage, known ? `${count(job.done)} of ${count(job.total)}` : "", figure].filter(Boolean).join(" · ");
  };
  return { element: h("div", { class: "job" }, meter, words), show };
}
