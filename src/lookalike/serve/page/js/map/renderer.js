/** @file Draws the map by WebGL2: one call for each stretch of points in sight. */

import { Atlas, A_PAGE } from "./atlas.js";
import { sources } from "./shaders.js";

const BYTES = 16;
// Sides of a thumbnail, in CSS pixels, between which points become pictures.
const FAR = 9;
const NEAR = 15;
const LARGEST = 132;
// The largest where all of the map is seen.
const AFAR = 60;
const UNIFORMS = ["centre", "perPixel", "pixel", "dot_", "tile_", "nearness", "faded", "layers", "pages", "edge", "accent", "paper", "dense"];

export class Renderer {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./points.js").Points} points
   * @param {{pages: number, version: string | number}} map
   * @param {() => void} onChange something came that should be drawn
   * @param {() => void} onStale the server has another map by now
   */
  constructor(canvas, points, map, onChange, onStale) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true, powerPreference: "high-performance" });
    if (!gl) throw new Error("no WebGL2");
    this.gl = gl;
    this.canvas = canvas;
    this.points = points;
    this.far = link(gl, true);
    this.near = link(gl, false);
    this.used = this.far;
    this.atlas = new Atlas(gl, map.pages, map.version, onChange, onStale);
    this.all = buffer(gl, new ArrayBuffer(points.count * BYTES));
    this.top = buffer(gl, new ArrayBuffer(0));
    this.marked = 0;
    this.accent = [0.3, 0.3, 0.9];
    this.paper = [1, 1, 1];
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.colours = [[120, 126, 136]];
  }

  /** @param {number[][]} colours by label; the last is for all others @param {number[]} accent 0 to 255 @param {number[]} paper */
  paint(colours, accent, paper) {
    this.colours = colours;
    this.accent = accent.map((value) => value / 255);
    this.paper = paper.map((value) => value / 255);
    const data = new ArrayBuffer(this.points.count * BYTES);
    for (let at = 0; at < this.points.count; at += 1) this.#write(data, at, at, 0);
    this.#fill(this.all, data);
  }

  /** Put some points on top of all, in the accent's colour. @param {number[]} places */
  mark(places) {
    const data = new ArrayBuffer(places.length * BYTES);
    places.forEach((place, at) => this.#write(data, at, place, 255));
    this.marked = places.length;
    this.#fill(this.top, data);
  }

  /** @param {ArrayBuffer} data @param {number} at @param {number} place @param {number} mark */
  #write(data, at, place, mark) {
    const { points, colours } = this;
    const view = new DataView(data, at * BYTES, BYTES);
    view.setFloat32(0, points.x[place], true);
    view.setFloat32(4, points.y[place], true);
    view.setUint32(8, packed(points.slots[place], points.widths[place], points.heights[place]), true);
    const colour = colours[Math.min(points.labels[place], colours.length - 1)];
    colour.forEach((value, channel) => view.setUint8(12 + channel, value));
    view.setUint8(15, mark);
  }

  /** @param {WebGLBuffer} target @param {ArrayBuffer} data */
  #fill(target, data) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, target);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, data, this.gl.STATIC_DRAW);
  }

  /** How large a thumbnail is drawn, in CSS pixels. @param {import("./camera.js").Camera} camera */
  tileSide(camera) {
    // From afar the outermost must not hang over the border.
    const most = Math.min(LARGEST, (AFAR * camera.zoom) / camera.whole);
    return Math.min((camera.zoom * 0.86) / Math.sqrt(Math.max(this.points.count, 1)), most);
  }

  /** @param {import("./camera.js").Camera} camera */
  nearness(camera) {
    return Math.min(Math.max((this.tileSide(camera) - FAR) / (NEAR - FAR), 0), 1);
  }

  /**
   * @param {import("./camera.js").Camera} camera
   * @param {number} density pixels of the screen a CSS pixel
   * @param {number} step draw every so many points: 1 is all, 15 the most
   */
  draw(camera, density, step) {
    const { gl, canvas } = this;
    const side = this.tileSide(camera);
    const nearness = this.nearness(camera);
    const reach = side / camera.zoom;
    const [left, top] = camera.toMap(0, 0);
    const [right, bottom] = camera.toMap(camera.width, camera.height);
    const stretches = this.points.stretches(left - reach, top - reach, right + reach, bottom + reach);
    if (nearness > 0) this.atlas.want(this.#pages(stretches));
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    this.used = nearness > 0 ? this.near : this.far;
    gl.useProgram(this.used.program);
    this.#uniforms(camera, density, side, nearness);
    for (const [first, end] of stretches) this.#call(this.all, first, Math.ceil((end - first) / step), step);
    if (this.marked) this.#call(this.top, 0, this.marked, 1);
  }

  /** @param {[number, number][]} stretches */
  #pages(stretches) {
    const pages = new Set();
    for (const [first, end] of stretches) {
      for (let at = first; at < end; at += 1) pages.add(Math.floor(this.points.slots[at] / A_PAGE));
    }
    return pages;
  }

  /** @param {import("./camera.js").Camera} camera @param {number} density @param {number} side @param {number} nearness */
  #uniforms(camera, density, side, nearness) {
    const { gl, used: { at } } = this;
    gl.uniform2f(at.centre, camera.x, camera.y);
    gl.uniform2f(at.perPixel, (2 * camera.zoom) / camera.width, (-2 * camera.zoom) / camera.height);
    gl.uniform2f(at.pixel, 2 / camera.width, 2 / camera.height);
    gl.uniform1f(at.dot_, Math.min(Math.max(side * 0.62, 2.4), 9) * (density > 1 ? 1 : 1.1));
    gl.uniform1f(at.dense, density);
    gl.uniform1f(at.tile_, side);
    gl.uniform1f(at.nearness, this.atlas.capacity ? nearness : 0);
    gl.uniform1f(at.faded, this.marked ? 1 : 0);
    gl.uniform1iv(at.layers, this.atlas.layers);
    gl.uniform1f(at.edge, Math.min(Math.max(side * 0.07, 1), 2.5) / side);
    gl.uniform3fv(at.accent, this.accent);
    gl.uniform3fv(at.paper, this.paper);
    gl.uniform1i(at.pages, 0);
    if (this.atlas.texture) gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.atlas.texture);
  }

  /** @param {WebGLBuffer} source @param {number} first @param {number} count @param {number} step */
  #call(source, first, count, step) {
    const { gl } = this;
    const points = this.used === this.far;
    gl.bindBuffer(gl.ARRAY_BUFFER, source);
    for (const location of [0, 1, 2]) {
      gl.enableVertexAttribArray(location);
      gl.vertexAttribDivisor(location, points ? 0 : 1);
    }
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, BYTES * step, first * BYTES);
    gl.vertexAttribIPointer(1, 1, gl.UNSIGNED_INT, BYTES * step, first * BYTES + 8);
    gl.vertexAttribPointer(2, 4, gl.UNSIGNED_BYTE, true, BYTES * step, first * BYTES + 12);
    if (points) gl.drawArrays(gl.POINTS, 0, count);
    else gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
  }
}

/**
 * Where the thumbnail is and what part of its tile it fills, in one number: 19 bits of the place,
 * 6 of the width, 6 of the height. Without a width there is none.
 * @param {number} slot @param {number} width @param {number} height
 */
function packed(slot, width, height) {
  return slot < 2 ** 19 ? slot | (Math.min(width, 32) << 19) | (Math.min(height, 32) << 25) : 0;
}

/** @param {WebGL2RenderingContext} gl @param {ArrayBuffer} data */
function buffer(gl, data) {
  const made = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, made);
  gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
  return made;
}

/** @param {WebGL2RenderingContext} gl @param {boolean} points */
function link(gl, points) {
  const [vertex, fragment] = sources(points);
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "shader");
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "link");
  return { program, at: Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)])) };
}
