// A step of a large network in tables: shapes, means and spreads, the error signal, the largest
// gradients. Follows explanation/summary.py, which exports titles, headings and sentences.

import { array } from "./arrays.mjs";
import { sloping } from "./chain.mjs";
import { writeResult } from "./digits.mjs";
import { key } from "./notation.mjs";
import { numericalDerivative } from "./numerical.mjs";
import { writerOf } from "./rows.mjs";
import { lossEntry } from "./wire.mjs";

/** @typedef {import("./digits.mjs").Digits} Digits */
/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {import("./rows.mjs").Writer} Writer */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {string | number} Cell texts and whole numbers are texts already */
/** @typedef {{rows: Cell[][], values?: {[name: string]: string}, columns?: number}} Content */
/** @typedef {{title: string, header: string[], rows: string[][], remark: string}} Table */

/**
 * Return a step in tables, with the given digits of their entries.
 * @param {Step} step
 * @param {import("./network.mjs").Tables} tables
 * @param {import("./wire.mjs").Model} model
 * @param {import("./rows.mjs").Options} [options]
 * @returns {Table[]}
 */
export function tablesOf(step, tables, model, options = {}) {
  const writer = writerOf(step, tables, model, options);
  return [shapes, forward, backward, parameters, samples, largest].map((make, i) => {
    const { title, header, remark } = tables.summary.tables[i];
    const { rows, values = {}, columns = header.length } = make(writer);
    const cell = (/** @type {Cell} */ x) => (typeof x === "string" ? x : writeResult(x, writer.digits));
    return {
      title,
      header: header.slice(0, columns),
      rows: rows.map((row) => row.map(cell)),
      remark: remark.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => values[name]),
    };
  });
}

/** @type {(writer: Writer) => Content} */
function shapes({ step, places: { widths, samples: n } }) {
  const { blocks, labels, model, tables } = step;
  const rows = labels.map((label, i) => {
    const own = blocks.filter((b) => b.layer === i);
    const { kind, activation } = model.network.layers[i];
    const words = activation ? `, ${tables.summary.words[activation.name] ?? activation.name}` : "";
    const size = own.reduce((total, b) => total + b.stop - b.start, 0);
    const arrays = own.map((b) => `${b.name} ${b.shape.join("×")}`).join(", ");
    return [label, kind + words, String(widths[i + 1]), String(size), arrays];
  });
  const parameters = model.theta.length.toLocaleString("en-US");
  const values = { parameters, samples: `${n} sample${n > 1 ? "s" : ""}` };
  return { rows: [["inputs", "", String(widths[0]), "0", ""], ...rows], values };
}

const sum = (/** @type {Float64Array} */ d) => d.reduce((a, b) => a + b, 0);
const mean = (/** @type {Float64Array} */ d) => sum(d) / d.length;
const norm = (/** @type {Float64Array} */ d) => Math.sqrt(sum(d.map((x) => x * x)));
const most = (/** @type {Float64Array} */ d) => d.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

/** @type {(d: Float64Array) => Cell[]} */
const spread = (d) => [
  mean(d),
  Math.sqrt(mean(d.map((x) => (x - mean(d)) ** 2))),
  d.reduce((a, b) => Math.min(a, b)),
  d.reduce((a, b) => Math.max(a, b)),
];

/** @type {(writer: Writer) => Content} */
function forward({ step }) {
  const { layers, labels, tables, input } = step;
  const rows = layers.map((scope, i) => [
    labels[i],
    ...spread(scope.get("a").d),
    ...saturated(scope, tables.summary.flat),
  ]);
  return { rows: [["inputs", ...spread(input.values.a.d), "", ""], ...rows] };
}

/**
 * Return the percentage of saturated units × samples, and the number of dead units.
 * @param {Scope} scope
 * @param {number} flat
 * @returns {Cell[]}
 */
function saturated(scope, flat) {
  if (!sloping(scope)) return ["", ""];
  const { f, df } = scope.functions;
  const z = array([1, 1601], Float64Array.from({ length: 1601 }, (_, i) => -8 + i * 0.01));
  const limit = flat * most(df(z, f(z)).d);
  const { s, d } = df(scope.get(scope.has("z") ? "z" : "x"), scope.get("a"));
  const share = 100 * mean(d.map((x) => +(Math.abs(x) < limit)));
  const dead = Array.from({ length: s[1] }, (_, unit) => d.every((x, i) => i % s[1] !== unit || x === 0));
  return [share, String(dead.filter(Boolean).length)];
}

/** @type {(writer: Writer) => Content} */
function backward({ step: { layers, labels } }) {
  let above = 0;
  const rows = layers.map((scope, i) => [scope.get(scope.has("delta") ? "delta" : "dx").d, labels[i]]);
  const made = rows.reverse().map(([signal, label]) => {
    const d = /** @type {Float64Array} */ (signal);
    const size = norm(d) / Math.sqrt(d.length);
    const ratio = above ? size / above : "";
    above = size;
    return [/** @type {string} */ (label), size, most(d), ratio, verdict(ratio)];
  });
  return { rows: made };
}

/** @type {(ratio: Cell) => string} */
function verdict(ratio) {
  if (ratio === "") return "";
  return Number(ratio) < 0.1 ? "vanishing" : Number(ratio) > 10 ? "exploding" : "";
}

/** @type {(writer: Writer) => Content} */
function parameters({ step }) {
  const rows = Object.entries(step.arrays).map(([name, scope]) => {
    const [w, d] = [scope.get("w").d, scope.get("dC").d];
    if (!step.model.optimizer) return [name, norm(w), norm(d), "", ""];
    const change = norm(scope.get("w_new").d.map((x, i) => x - w[i]));
    return [name, norm(w), norm(d), change, norm(w) ? change / norm(w) : ""];
  });
  return { rows };
}

/** @type {(part: number, whole: number) => Cell} in percent */
const share = (part, whole) => (whole ? (100 * part) / whole : "");

/** @type {(numbers: ArrayLike<number>, count: number) => number[]} places of the largest, in order */
export const largestOf = (numbers, count) =>
  Array.from(numbers, (_, i) => i).sort((a, b) => numbers[b] - numbers[a]).slice(0, count);

/** @type {(writer: Writer) => Content} */
function samples({ step }) {
  const { loss, tables, model } = step;
  const [{ s, d }, p, t] = [loss.get("terms"), loss.get("p"), loss.get("t")];
  const row = (/** @type {Float64Array} */ all, /** @type {number} */ i) => all.subarray(i * s[1], (i + 1) * s[1]);
  const weight = loss.has("weight") ? loss.get("weight").d : null;
  const errors = Float64Array.from({ length: s[0] }, (_, i) => (weight?.[i] ?? 1) * sum(row(d, i)));
  const { classes } = lossEntry(tables, model);
  const best = (/** @type {Float64Array} */ all, /** @type {number} */ i) => row(all, i).indexOf(Math.max(...row(all, i)));
  const rows = largestOf(errors, tables.summary.most).map((i) => [
    ...[String(i), errors[i], share(errors[i], sum(errors))],
    ...(classes ? [String(best(p.d, i)), String(best(t.d, i))] : []),
  ]);
  const count = Array.from(errors, (_, i) => best(p.d, i) === best(t.d, i)).filter(Boolean).length;
  const right = classes ? ` ${count} of ${s[0]} samples have the right class.` : "";
  return { rows, values: { weighted: weight ? ", times their weight" : "", right }, columns: classes ? 5 : 3 };
}

/** @type {(writer: Writer) => Content} */
function largest({ step, places, options }) {
  const flat = step.join("d");
  const square = sum(flat.map((x) => x * x));
  const rows = largestOf(flat.map(Math.abs), step.tables.summary.most).map((place) => {
    const { param, layer, start, shape } = step.blocks.filter((b) => place < b.stop)[0];
    const at = place - start;
    const index = shape.length === 1 ? [at] : [Math.floor(at / shape[1]), at % shape[1]];
    const ref = { quantity: param, layer: step.labels[layer], index, sampled: false };
    const derivative = numericalDerivative(step, { ...ref, quantity: `d${param}` }, options.replace);
    return [key(ref, places), flat[place], derivative ?? "kink", share(flat[place] ** 2, square)];
  });
  return { rows, values: { key: String(rows[0][0]) } };
}
