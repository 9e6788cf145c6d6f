/** Small pictures: lines with axes as SVG, images of numbers on canvas, in the colors of the page. */

import { h, s } from "./dom.mjs";

/** @typedef {number[]} Color red, green, blue from 0 to 255 */
/** @typedef {{plus: Color, minus: Color, paper: Color, ink: Color}} Palette */
/** @typedef {{name: string, points: [number, number][], kind?: string}} Series `kind` is a class of the style sheet */

// Colors that the color-blind can tell apart (Okabe and Ito), for classes; each has a shape too.
/** @type {Color[]} */
const CLASSES = [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233], [240, 228, 66], [110, 110, 110], [120, 60, 160], [150, 90, 40]];
const SHAPES = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M-3.6-3.6h7.2v7.2h-7.2z", "M0-4.6L4.4 3.2h-8.8z", "M0-5L5 0L0 5L-5 0z"];

/** @type {(k: number) => Color} */
export const classColor = (k) => CLASSES[k % CLASSES.length];

/** @type {(element: Element) => Palette} the page's colors, light or dark */
export function palette(element) {
  const style = getComputedStyle(element);
  const read = (/** @type {string} */ name, /** @type {Color} */ other) => {
    const found = /^#(..)(..)(..)$/.exec(style.getPropertyValue(`--cr-${name}`).trim());
    return found ? found.slice(1).map((part) => parseInt(part, 16)) : other;
  };
  return { plus: read("plus", [31, 95, 168]), minus: read("minus", [179, 64, 42]), paper: read("paper", [255, 255, 255]), ink: read("ink", [28, 36, 48]) };
}

/** @type {(a: Color, b: Color, share: number) => Color} */
export const mix = (a, b, share) => a.map((v, k) => v + (b[k] - v) * share);

/** @type {(colors: Palette, value: number) => Color} from minus at −1 over paper at 0 to plus at 1 */
export const signed = ({ plus, minus, paper }, value) => mix(paper, value > 0 ? plus : minus, Math.min(Math.abs(value), 1) || 0);

/** @type {(canvas: HTMLCanvasElement, width: number, height: number, at: (i: number) => Color) => void} a pixel for each number, row by row */
export function paint(canvas, width, height, at) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...at(i), 255], 4 * i);
  context.putImageData(image, 0, 0);
}

/** @type {(values: ArrayLike<number>, colors: Palette, side: number, label: string, limit?: number) => HTMLCanvasElement} numbers as an image with a text */
export function picture(values, colors, side, label, limit) {
  const canvas = h("canvas", { role: "img", "aria-label": label, title: label });
  const most = limit ?? Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
  paint(canvas, side, Math.floor(values.length / side), (i) => signed(colors, values[i] / most));
  return canvas;
}

/** @type {(low: number, high: number) => number[]} round numbers in a range, about five */
export function ticks(low, high) {
  const rough = (high - low) / 5 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].filter((m) => m * power >= rough * 0.99)[0];
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, i) => +((first + i) * step).toPrecision(6));
}

/** @type {(points: [number, number][], k: 0 | 1, margin?: number) => [number, number]} */
function extent(points, k, margin = 0.05) {
  const low = points.reduce((a, p) => Math.min(a, p[k]), Infinity);
  const high = points.reduce((a, p) => Math.max(a, p[k]), -Infinity);
  const around = Math.abs(low) / 2 || 0.5;
  if (!(low < high)) return Number.isFinite(low) ? [low - around, low + around] : [0, 1];
  return [low - margin * (high - low), high + margin * (high - low)];
}

const [WIDE, HIGH, LEFT, BOTTOM] = [360, 212, 46, 38];

/**
 * Draw lines and dots into an SVG of 360 by 212, with ticks.
 * @type {(svg: SVGSVGElement, series: Series[], options?: {log?: boolean, dots?: [number, number, string?][], x?: string, at?: number}) => void}
 */
export function chart(svg, series, { log = false, dots = [], x = "", at } = {}) {
  const good = (/** @type {number} */ v) => Number.isFinite(v) && (!log || v > 0);
  const up = (/** @type {number} */ v) => (log ? Math.log10(v) : v);
  const lines = series.map((one) => ({ ...one, points: one.points.filter((p) => good(p[1])).map((p) => /** @type {[number, number]} */ ([p[0], up(p[1])])) }));
  const all = [...lines.flatMap((one) => one.points), ...dots.map((d) => /** @type {[number, number]} */ ([d[0], d[1]]))];
  const [across, high] = [extent(all, 0, 0), extent(all, 1)];
  // updates are whole, and a run of one point begins at its left end
  const counts = at !== undefined;
  if (counts && across[1] - across[0] <= 1) [across[0], across[1]] = [at, at + 1];
  const px = (/** @type {number} */ v) => LEFT + ((v - across[0]) / (across[1] - across[0])) * (WIDE - LEFT - 8);
  const py = (/** @type {number} */ v) => 6 + ((high[1] - v) / (high[1] - high[0])) * (HIGH - BOTTOM - 6);
  const path = (/** @type {[number, number][]} */ points) => points.map((p, i) => `${i ? "L" : "M"}${px(p[0]).toFixed(1)} ${py(p[1]).toFixed(1)}`).join("");
  const sideways = ticks(...high).flatMap((v) => [s("path", { class: "tick", d: `M${LEFT} ${py(v)}H${WIDE - 8}` }), s("text", { x: LEFT - 5, y: py(v) + 4, "text-anchor": "end" }, number(log ? 10 ** v : v))]);
  const below = ticks(...across).filter((v) => !counts || Number.isInteger(v)).map((v) => s("text", { x: px(v), y: HIGH - 24, "text-anchor": px(v) > WIDE - 24 ? "end" : "middle" }, number(v)));
  const here = !counts ? [] : [s("path", { class: "here", d: `M${px(at)} 6V${HIGH - BOTTOM}` })];
  const marks = dots.map(([dx, dy, kind]) => s("circle", { cx: px(dx), cy: py(dy), r: 3, class: kind ?? "dot" }));
  svg.replaceChildren(...sideways, ...below, s("text", { x: WIDE - 8, y: HIGH - 7, "text-anchor": "end" }, x), ...here, ...marks, ...lines.map(({ kind = "", points }) => points.length === 1 ? s("circle", { cx: px(points[0][0]), cy: py(points[0][1]), r: 3, class: `line ${kind}` }) : s("path", { d: path(points), class: `line ${kind}` })));
}

/** @type {(values: ArrayLike<number>, label: string) => SVGSVGElement} a small curve of numbers at equal distances */
export function sketch(values, label) {
  const [low, high] = extent(Array.from(values, (v, i) => [i, v]), 1, 0.1);
  const points = Array.from(values, (v, i) => `${((64 * i) / (values.length - 1)).toFixed(1)} ${((40 * (high - v)) / (high - low)).toFixed(1)}`);
  return s("svg", { viewBox: "0 0 64 40", class: "sketch", role: "img", "aria-label": label }, s("path", { class: "line", d: `M${points.join("L")}` }));
}

/** @type {(value: number) => string} */
const number = (value) => (value && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3) ? value.toExponential(0) : String(+value.toPrecision(3))).replace("-", "−");

/** @type {(label: string) => SVGSVGElement} */
export const chartFrame = (label) => s("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "chart", role: "img", "aria-label": label });

/** @type {(x: number, y: number, kind: number | Color, hollow: boolean) => SVGElement} the mark of a sample of a class, or of a value that has a color */
export function mark(x, y, kind, hollow) {
  const color = rgb(typeof kind === "number" ? classColor(kind) : kind);
  const d = SHAPES[typeof kind === "number" ? kind % SHAPES.length : 0];
  return s("path", { d, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, class: `mark ${hollow ? "hollow" : ""}`, stroke: hollow ? color : null, fill: hollow ? "none" : color });
}

/** @type {(color: Color) => string} */
export const rgb = (color) => `rgb(${color.map(Math.round).join(",")})`;

/** @type {(head: string[], rows: (string | number)[][], caption: string) => HTMLElement} the same numbers as a table, to open */
export function numbers(head, rows, caption) {
  const cells = (/** @type {(string | number)[]} */ row) => row.map((v, i) => h(i ? "td" : "th", i ? {} : { scope: "row" }, typeof v === "number" ? number(v) : v));
  const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, ...head.map((t) => (t ? h("th", { scope: "col" }, t) : h("td"))))), h("tbody", {}, ...rows.map((row) => h("tr", {}, ...cells(row)))));
  return h("div", { class: "live-wide", tabIndex: 0, role: "region", "aria-label": caption }, table);
}
