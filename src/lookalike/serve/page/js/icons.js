/** @file The icons: strokes on a grid of 24, drawn for this page. */

const SHAPES = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16.2 16.2 21 21",
  map: "M3 6.5 9 4l6 2.5L21 4v13.5L15 20l-6-2.5L3 20zM9 4v13.5M15 6.5V20",
  copies: "M8 8h12v12H8zM4 16V4h12",
  odd: "M12 3l2.6 5.6 6 .7-4.4 4.2 1.2 6L12 16.6 6.6 19.5l1.2-6L3.4 9.3l6-.7z",
  card: "M5 20V11M12 20V4M19 20v-6M3 20h18",
  sync: "M20 6v5h-5M4 18v-5h5M18.5 9A7 7 0 0 0 6.3 7.2M5.5 15a7 7 0 0 0 12.2 1.8",
  share: "M12 15V4M8 7.5 12 3.5l4 4M6 12H5v8h14v-8h-1",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.6 1.6M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.6-1.6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2.5M12 19.500V22M2 12h2.500M19.5 12H22M5 5l1.7 1.700M17.3 17.3 19 19M5 19l1.7-1.700M17.3 6.7 19 5",
  moon: "M20 14.500A8.5 8.5 0 1 1 9.5 4 6.8 6.8 0 0 0 20 14.500z",
  help: "M9.2 9.200a2.9 2.9 0 1 1 4.3 2.600c-1 .6-1.5 1.1-1.5 2.200M12 17.500v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  open: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  upload: "M12 16V5M7.5 9 12 4.5 16.5 9M4 16v4h16v-4",
  camera: "M4 8h3.500L9 5.500h6L16.5 8H20v11H4zM12 10a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6",
  crop: "M7 2v15h15M2 7h15v15",
  filter: "M4 6h16M7 12h10M10 18h4",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M4 17v3h16v-3",
  left: "M14.5 5l-7 7 7 7",
  right: "M9.5 5l7 7-7 7",
  lasso: "M8 15.500C5 14.7 3 12.8 3 10.5 3 7 7 4 12 4s9 3 9 6.5-4 6.5-9 6.500c-1 0-1.9-.1-2.8-.3M8.5 14a2 2 0 1 0 0 4 2 2 0 0 0 0-4M9.5 18c.5 1.5 0 2.8-1.5 3.5",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5.500M12 7.500v.01",
  rebuild: "M4 5h7v14H4zM14 5h6v14h-6M17 5v14M14 12h6",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.500v15l12-7.500z",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9v.01",
  check: "M5 12.5 10 17.5 19.5 7",
};

/**
 * @param {keyof typeof SHAPES} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  for (const [key, value] of Object.entries({
    class: "icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor",
    "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round",
    "aria-hidden": "true",
  })) drawing.setAttribute(key, value);
  path.setAttribute("d", SHAPES[name]);
  drawing.append(path);
  return drawing;
}
