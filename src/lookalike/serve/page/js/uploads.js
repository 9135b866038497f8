/** @file Several pictures at once, as parts of a query. */

import { upload } from "./api.js";
import { toast } from "./live.js";
import { remember } from "./previews.js";
import { several } from "./words.js";

/** @typedef {import("./state.js").Query} Query */

/**
 * Those that the server takes join the query; of the others it is said why they do not.
 * @param {File[]} files
 * @param {Query[]} before what is looked for already
 * @param {number} most pictures of a query
 * @returns {Promise<Query[]>}
 * @throws {Error} where not one is taken
 */
export async function uploadAll(files, before, most) {
  const some = files.slice(0, most - before.length);
  if (some.length < files.length) toast(`A query takes ${most} pictures at most: ${several(files.length - some.length, "picture")} left out.`);
  if (some.length > 1) toast(`Bringing ${several(some.length, "picture")} …`, { seconds: 2 });
  const taken = await Promise.allSettled(some.map(one));
  const refused = taken.filter(({ status }) => status === "rejected");
  if (refused.length && refused.length === taken.length) throw refused[0].reason;
  if (refused.length) toast(`${several(refused.length, "file")} could not be used: ${refused[0].reason.message}`, { seconds: 9 });
  const fresh = taken.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  const known = new Set(before.map((query) => query.ref));
  // The same picture twice is one.
  return [...before, ...fresh.filter(({ ref }) => !known.has(ref) && known.add(ref))];
}

/** @param {File} file @returns {Promise<Query>} */
async function one(file) {
  const { upload: ref } = await upload(file);
  remember(ref, URL.createObjectURL(file));
  return { kind: "up", ref, weight: 1, box: null };
}
