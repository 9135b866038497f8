/** @file The two small programs that draw the map: one for points, one for thumbnails. */

/** Most pages of thumbnails that the map shows; see `atlas.js`. */
export const MOST_PAGES = 128;

const VERTEX = `
precision highp float;
precision highp int;
layout(location = 0) in vec2 place;
layout(location = 1) in uint slot;
layout(location = 2) in vec4 look;    // colour, and how much it is marked
uniform vec2 centre;                  // of the window, on the map
uniform vec2 perPixel;                // clip units a map unit
uniform vec2 pixel;                   // clip units a pixel
uniform float dot_;                   // side of a point, pixels
uniform float tile_;                  // side of a thumbnail, pixels
uniform float nearness;               // 0 points, 1 thumbnails
uniform float faded;                  // how far all that is not marked steps back
uniform float dense;                  // pixels of the screen a pixel
uniform int layers[${MOST_PAGES}];
flat out int layer;
flat out vec3 colour;
flat out float strength;
flat out float mark;
flat out vec2 corner;                 // of the tile on its page
flat out vec2 part;                   // of the tile that the thumbnail fills
#ifndef POINTS
out vec2 inside;
#endif
void main() {
  uint page = slot >> 12u & ${MOST_PAGES - 1}u;
  part = vec2(slot >> 19u & 63u, slot >> 25u & 63u) / 32.0;
  layer = part.x > 0.0 && nearness > 0.0 ? layers[page] : -1;
  float side = layer >= 0 ? mix(dot_, tile_, nearness) : dot_ * (1.0 + look.a * .8);
  side *= 1.0 + look.a * .18;
  vec2 sides = layer >= 0 ? side * mix(vec2(1), part, nearness) : vec2(side);
  gl_Position = vec4((place - centre) * perPixel, 0, 1);
#ifdef POINTS
  gl_PointSize = side * dense;
#else
  vec2 unit = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  gl_Position.xy += (unit - .5) * sides * pixel * vec2(1, -1);
  inside = unit;
#endif
  uint tile = slot & 4095u;
  corner = vec2(tile & 63u, tile >> 6u) / 64.0;
  colour = look.rgb;
  mark = look.a;
  strength = mix(1.0, mix(1.0, .22, faded), 1.0 - look.a);
}`;

const FRAGMENT = `
precision highp float;
precision highp int;
precision highp sampler2DArray;
uniform sampler2DArray pages;
uniform float nearness;
uniform float edge;                   // one pixel, as a share of a thumbnail
uniform vec3 accent;
uniform vec3 paper;                   // what lies behind: what steps back fades into it
flat in int layer;
flat in vec3 colour;
flat in float strength;
flat in float mark;
flat in vec2 corner;
flat in vec2 part;
#ifdef POINTS
#define inside gl_PointCoord
#else
in vec2 inside;
#endif
out vec4 result;
void main() {
  float away = length(inside - .5) * 2.0;
  float round_ = 1.0 - smoothstep(.72, 1.0, away);
  vec4 point = vec4(mix(paper, mix(colour, accent, mark * .85), strength), 1.0) * round_;
  if (layer < 0) {
    result = point;
    return;
  }
  // Half a texel is left out at the border, or a neighbour on the page would shine in.
  vec2 at = corner + (.5 + (inside - .5) * (part - 1.0 / 32.0)) / 64.0;
  vec4 picture = vec4(mix(paper, texture(pages, vec3(at, float(layer))).rgb, strength), 1.0);
  vec2 border = min(inside, 1.0 - inside);
  if (mark > 0.0 && min(border.x, border.y) < edge) picture.rgb = accent;
  result = mix(point, picture, nearness);
}`;

/**
 * The sources, of the vertex and of the fragment shader. From afar each picture is a point, which every
 * machine draws fast; near, it is a rectangle of its own shape.
 * @param {boolean} points
 * @returns {[string, string]}
 */
export function sources(points) {
  const head = `#version 300 es\n${points ? "#define POINTS\n" : ""}`;
  return [head + VERTEX, head + FRAGMENT];
}
