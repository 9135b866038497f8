/** @file Pages of thumbnails on the graphics card: those in sight, the longest unseen making room. */

import { address } from "../api.js";
import { MOST_PAGES } from "./shaders.js";

const SIDE = 2048;
export const A_PAGE = 4096;
// Each takes 16 MB of graphics memory.
const MOST_LAYERS = 16;
const AT_ONCE = 3;

export class Atlas {
  /** @param {WebGL2RenderingContext} gl @param {number} pages @param {string | number} version @param {() => void} onPage @param {() => void} onStale the server has another map by now */
  constructor(gl, pages, version, onPage, onStale) {
    this.gl = gl;
    this.version = version;
    this.onPage = onPage;
    this.onStale = onStale;
    this.pages = Math.min(pages, MOST_PAGES);
    this.capacity = Math.min(this.pages, MOST_LAYERS, gl.getParameter(gl.MAX_ARRAY_TEXTURE_LAYERS));
    this.layers = new Int32Array(MOST_PAGES).fill(-1);
    /** @type {Map<number, number>} page to when it was last wanted */
    this.wanted = new Map();
    /** @type {Set<number>} */
    this.coming = new Set();
    this.texture = null;
    this.clock = 0;
  }

  /** Say which pages are in sight. @param {Set<number>} pages */
  want(pages) {
    this.clock += 1;
    if (!this.texture && this.capacity) this.#allocate();
    for (const page of pages) {
      if (page >= this.pages) continue;
      this.wanted.set(page, this.clock);
      if (this.layers[page] < 0 && !this.coming.has(page) && this.coming.size < AT_ONCE) this.#fetch(page);
    }
  }

  #allocate() {
    const { gl } = this;
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.RGBA8, SIDE, SIDE, this.capacity);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  }

  /** @param {number} page */
  async #fetch(page) {
    this.coming.add(page);
    try {
      const response = await fetch(address(`map/atlas/${page}`, { v: this.version }));
      if (!response.ok) throw new Error(String(response.status));
      // A page of another map would show each point as some other picture.
      if (response.headers.get("ETag")?.includes(String(this.version)) === false) {
        this.onStale();
        return;
      }
      const bitmap = await createImageBitmap(await response.blob());
      this.#upload(page, bitmap);
      bitmap.close();
    } catch {
      // Without its page a picture stays a point; it is asked for again when it is next in sight.
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
    this.coming.delete(page);
    this.onPage();
  }

  /** @param {number} page @param {ImageBitmap} bitmap */
  #upload(page, bitmap) {
    const { gl } = this;
    if (gl.isContextLost()) return;
    const layer = this.#room();
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, 0, 0, 0, layer, bitmap.width, bitmap.height, 1, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    this.layers[page] = layer;
  }

  /** A free layer, or that of the page that was not seen for longest. */
  #room() {
    const used = new Set(this.layers.filter((layer) => layer >= 0));
    for (let layer = 0; layer < this.capacity; layer += 1) if (!used.has(layer)) return layer;
    let oldest = -1;
    for (let page = 0; page < this.pages; page += 1) {
      if (this.layers[page] < 0) continue;
      if (oldest < 0 || (this.wanted.get(page) ?? 0) < (this.wanted.get(oldest) ?? 0)) oldest = page;
    }
    const layer = this.layers[oldest];
    this.layers[oldest] = -1;
    return layer;
  }
}
