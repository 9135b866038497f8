/** @file The link to this search, as it can be opened here and by others. */

import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { toast } from "./live.js";
import { store } from "./state.js";

/** @typedef {{address: string | null, names: string[], token: string | null}} Reach */

/** Copy the link where nothing more need be said of it; else show it, with what there is to say. */
export async function share() {
  /** @type {Reach} */
  const reach = await get("reach").catch(() => ({ address: null, names: [], token: null }));
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const link = here && reach.address ? reach.address.replace(/\/$/, "") + location.pathname + location.search : location.href;
  const alone = here && !reach.address;
  if (reach.token) {
    show(link, reach.token, [alone && elsewhere(reach), kept()]);
    return;
  }
  if (!(await copy(link))) {
    show(link, null, [alone && elsewhere(reach), kept()]);
    return;
  }
  const more = alone ? { words: "For others …", job: () => show(link, null, [elsewhere(reach), kept()]) } : undefined;
  toast(["Link copied.", alone && "It opens on this computer only.", kept()].filter(Boolean).join(" "), { drawing: "check", act: more, seconds: more ? 10 : 5 });
}

/** What is to be said of a picture that was brought. */
function kept() {
  return store.state.queries.some((query) => query.kind === "up")
    && "Your picture in it lasts as long as the service runs, at most.";
}

/** @param {Reach} reach */
function elsewhere({ names }) {
  if (names.length) return `It opens on this computer only. Others know this service as ${names.join(" or ")}: open the page there and copy its link.`;
  return "It opens on this computer only. To let others of your network in, stop the service and start it with “--host 0.0.0.0” at the end of its line; then open the link that it prints, and copy from there.";
}

/**
 * @param {string} link @param {string | null} token
 * @param {(string | false)[]} asides
 */
function show(link, token, asides) {
  const field = /** @type {HTMLInputElement} */ (h("input", { class: "field", type: "text", readonly: true, "aria-label": "Link to this search" }));
  const button = h("button", { class: "button primary", type: "button" });
  const box = token && h("input", { type: "checkbox", id: "with-token" });
  const warning = h("p", { class: "muted" });
  const renew = () => {
    const url = new URL(link);
    if (box && box.checked) url.searchParams.set("token", token);
    field.value = url.href;
    fill(button, "Copy");
    if (token) warning.textContent = box.checked ? "Whoever gets this link sees all pictures: send it to nobody else." : "Whoever opens it is asked for the token, once.";
    field.select();
  };
  button.addEventListener("click", async () => {
    field.select();
    // Without https a page reaches the clipboard in the old way only.
    const done = (await copy(field.value)) || document.execCommand("copy");
    fill(button, ...(done ? [icon("check"), "Copied"] : ["Press Ctrl C"]));
    field.select();
  });
  box?.addEventListener("change", renew);
  openDialog("Link to this search", [h("p", { class: "share-line" }, field, button),
    box && h("label", { class: "share-token" }, box, "With the token, so that it opens without asking"), token && warning,
    ...asides.filter(Boolean).map((text) => h("p", { class: "muted" }, text))].filter(Boolean), "share");
  renew();
}

/** @param {string} text @returns {Promise<boolean>} whether it could be done */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
