/** What a network has learned: its costs, predictions, surfaces and confusions, computed by `wire`. */

import { toRows } from "./arrays.mjs";
import { batchOf, wire } from "./wire.mjs";

/** @typedef {import("./arrays.mjs").NDArray} NDArray */
/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {{x: number[][], t: number[][], weight?: number[] | null}} Data */

/** @type {(tables: Tables, model: Model, data: Data, replace?: import("./wire.mjs").Replacements) => Step} a pass without dropout */
export const passOver = (tables, model, data, replace) =>
  wire(tables, model, { replace, dropout: false, data: batchOf({ ...model, data: { ...data, total: model.data.x.length } }) });

/** @type {(tables: Tables, model: Model, data: Data, limit: number, replace?: import("./wire.mjs").Replacements) => number} C of the first `limit` samples */
export const costOn = (tables, model, { x, t, weight }, limit, replace) =>
  passOver(tables, model, { x: x.slice(0, limit), t: t.slice(0, limit), weight: weight?.slice(0, limit) }, replace).value;

/** @type {(tables: Tables, model: Model, x: number[][]) => Step} a pass whose targets play no part */
export const passOf = (tables, model, x) => passOver(tables, model, { x, t: x.map(() => []) });

/** @type {(tables: Tables, model: Model, x: number[][]) => number[][]} p, a row for each row of inputs */
export const predict = (tables, model, x) => (x.length ? toRows(passOf(tables, model, x).loss.get("p")) : []);

/** @type {(model: Model) => boolean} whether the targets say which of several classes, or yes or no */
export function classifies({ network, data }) {
  const { name } = network.loss;
  if (/softmax|cross-entropy/.test(name)) return true;
  return data.t.length > 1 && data.t.every((/** @type {number[]} */ row) => row.every((v) => v === 0 || v === 1));
}

/** @type {(row: number[]) => number} the class that outputs name: the largest, or yes where one is above ½ */
export const classOf = (row) => (row.length === 1 ? +(row[0] >= 0.5) : row.indexOf(Math.max(...row)));

/** @type {(model: Model) => string[]} what the classes are called */
export function classNames({ data, network }) {
  const outputs = data.t[0]?.length ?? 1;
  return data.classes ?? Array.from({ length: Math.max(outputs, 2) }, (_, i) => String(i));
}

/** @type {(tables: Tables, model: Model, data: Data) => number[][]} how many samples of class i (row) are taken for class j */
export function confusion(tables, model, data) {
  const n = classNames(model).length;
  const counts = Array.from({ length: n }, () => new Array(n).fill(0));
  predict(tables, model, data.x).forEach((p, i) => counts[classOf(data.t[i])][classOf(p)]++);
  return counts;
}

/** @type {(counts: number[][]) => number} the share of samples that are taken for what they are */
export function accuracy(counts) {
  const all = counts.flat().reduce((a, b) => a + b, 0);
  return counts.reduce((sum, row, i) => sum + row[i], 0) / all;
}

/** @type {(x: number[][], k: number) => [number, number]} the range of an input, and a little more */
export function rangeOf(x, k) {
  const numbers = x.map((row) => row[k]);
  const [low, high] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))];
  const margin = 0.15 * (high - low) || 1;
  return [low - margin, high + margin];
}

/** @type {(ranges: [number, number][], n: number) => number[][]} points of a line, or of a square by rows from the top */
export function grid(ranges, n) {
  const at = (/** @type {[number, number]} */ [low, high], /** @type {number} */ i) => low + ((high - low) * (i + 0.5)) / n;
  if (ranges.length === 1) return Array.from({ length: n }, (_, i) => [at(ranges[0], i)]);
  return Array.from({ length: n * n }, (_, i) => [at(ranges[0], i % n), at(ranges[1], n - 1 - Math.floor(i / n))]);
}

/** @type {(a: NDArray) => number} the root of the mean square */
export const rms = (a) => Math.sqrt(a.d.reduce((sum, v) => sum + v * v, 0) / (a.d.length || 1));

/** @type {(step: Step) => {label: string, activations: number, gradients: number}[]} sizes of a and dW in each layer */
export const sizes = (step) =>
  step.layers.map((layer, i) => {
    const own = step.blocks.filter((b) => b.layer === i && b.param === "W");
    return { label: layer.label, activations: rms(layer.get("a")), gradients: own.length ? rms(step.arrays[own[0].name].get("dC")) : NaN };
  });
