/** @file What the engine is: asked for once, and again when the gallery has changed. */

import { get } from "./api.js";

class EngineFacts {
  constructor() {
    /** @type {any} */
    this.facts = null;
    /** @type {Set<(facts: any) => void>} */
    this.listeners = new Set();
    /** Whether this page is bringing the gallery up to date. */
    this.changing = false;
  }

  /**
   * Call when the facts are there, and whenever they change.
   * @param {(facts: any) => void} listener
   * @returns {() => void} ends that
   */
  whenKnown(listener) {
    this.listeners.add(listener);
    if (this.facts) listener(this.facts);
    return () => this.listeners.delete(listener);
  }

  async read() {
    this.facts = await get("engine");
    for (const listener of this.listeners) listener(this.facts);
    return this.facts;
  }
}

export const engine = new EngineFacts();
