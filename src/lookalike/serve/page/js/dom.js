/** @file Making elements. Text is always set as text, so a name that looks like HTML stays a name. */

/**
 * @typedef {string | number | Node | null | undefined | false} Child
 */

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `class`, `aria-…` and such; `on` maps events to
 *   listeners; a key that starts with "." sets the property; null, undefined and false leave out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement & Record<string, any>}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") listen(element, /** @type {Record<string, EventListener>} */ (value));
    else if (name.startsWith(".")) element[name.slice(1)] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...kept(children.flat()));
  return element;
}

/**
 * @param {EventTarget} target
 * @param {Record<string, EventListener>} listeners
 */
export function listen(target, listeners) {
  for (const [name, listener] of Object.entries(listeners)) target.addEventListener(name, listener);
}

/** @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children.flat()));
}

/** @param {Child[]} children @returns {(string | Node)[]} */
function kept(children) {
  return children
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Whether the person asked for little movement. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Whether fingers point here, not a mouse. */
export const fingers = () => matchMedia("(hover: none)").matches;

/** Resolve once the browser has painted what was just changed. */
export const painted = () =>
  new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/**
 * Call `job` at most once a frame, with the last arguments.
 * @template {unknown[]} A
 * @param {(...args: A) => void} job
 * @returns {(...args: A) => void}
 */
export function oncePerFrame(job) {
  /** @type {A | null} */
  let last = null;
  return (...args) => {
    if (!last) {
      requestAnimationFrame(() => {
        const now = last;
        last = null;
        job(...now);
      });
    }
    last = args;
  };
}

/**
 * Call `job` when `wait` milliseconds have passed without another call.
 * @template {unknown[]} A
 * @param {(...args: A) => void} job
 * @param {number} wait
 * @returns {(...args: A) => void}
 */
export function whenQuiet(job, wait) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => job(...args), wait);
  };
}
