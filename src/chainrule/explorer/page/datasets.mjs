/** Data sets: those of Python, those drawn on the page, and the reader's own as text, with networks that learn them. */

import { counted } from "./dom.mjs";
import { generator, initialize, normal } from "./network.mjs";

/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {{x: number[][], t: number[][], weight?: number[] | null, validation?: {x: number[][], t: number[][]}, classes?: string[] | null, names?: {x: string[], t: string[]}, side?: number}} Data `side` is that of square pictures */
/** @typedef {{title?: string, hidden: number[], activation: string, loss: string, rate: number, batch?: number | null}} Recipe of a network; those of data sets come from explorer/data_sets.py */
/** @typedef {{id: string, title: string, drawn: boolean, make: (seed: number) => Model}} Preset `drawn` from a seed, so that there are more of its kind */

// ---- networks ----

/** @type {(tables: Tables, units: number, name: string) => any} the description of a dense layer */
export function dense(tables, units, name) {
  const { W, b } = tables.layers.dense.initializers;
  const initializer = /relu/.test(name) ? tables.initializers["he-uniform"] : W;
  return { kind: "dense", units, activation: { name, constants: { ...tables.activations[name].constants } }, bias: true, trainable: true, initializer, bias_initializer: b };
}

/** @type {(tables: Tables, name: string, rate?: number) => any} an optimizer with its constants */
export const optimizer = (tables, name, rate) => ({ name, constants: { ...tables.optimizers[name].constants }, learning_rate: rate ?? tables.optimizers[name].learning_rate, clip: null });

/** @type {(tables: Tables, name: string) => any} a loss with its constants */
export const loss = (tables, name) => ({ name, constants: { ...tables.losses[name].constants } });

/** @type {(tables: Tables, data: Data, recipe: Recipe, seed: number, title: string) => Model} a network for data */
export function modelFor(tables, data, recipe, seed, title) {
  const layers = [...recipe.hidden.map((n) => dense(tables, n, recipe.activation)), dense(tables, data.t[0].length, "identity")];
  const network = { inputs: data.x[0].length, layers, loss: loss(tables, recipe.loss), penalty: { l1: 0, l2: 0, alpha: 0 } };
  const theta = [...initialize(tables, network, seed)];
  return { network, theta, data: { weight: null, ...data }, optimizer: optimizer(tables, "adam", recipe.rate), state: { step: 0, slots: [], seed }, batch_size: recipe.batch ?? null, title, source: "" };
}

// ---- data drawn from a seed, as in explorer/data_sets.py ----

/** @type {(values: number[]) => number[]} */
const rounded = (values) => values.map((v) => +v.toFixed(3));

/** @type {(seed: number, n: number, make: (i: number, random: () => number) => [number[], number]) => Data} n samples, a quarter for validation */
function drawn(seed, n, make) {
  const random = generator(seed);
  const all = Array.from({ length: n }, (_, i) => make(i, random));
  return split({ x: all.map(([x]) => rounded(x)), t: all.map(([, t]) => rounded([t])), names: { x: all[0][0].map((_, k) => `x${k + 1}`), t: ["y"] } }, 0.25, seed);
}

/** @type {(radius: number, angle: number, noise: number, random: () => number) => number[]} */
const polar = (radius, angle, noise, random) => [radius * Math.cos(angle) + noise * normal(random), radius * Math.sin(angle) + noise * normal(random)];

/** @type {{[name: string]: (seed: number) => Data}} */
export const GENERATORS = {
  spiral: (seed) => drawn(seed, 240, (i, random) => [polar((i >> 1) / 60, ((i >> 1) / 120) * 3 * Math.PI + (i % 2) * Math.PI, 0.04, random), i % 2]),
  moons: (seed) => drawn(seed, 200, (i, random) => {
    const [x, y] = polar(1, Math.PI * random(), 0.12, random);
    return [i % 2 ? [1 - x, 0.5 - y] : [x, y], i % 2];
  }),
  circles: (seed) => drawn(seed, 200, (i, random) => [polar(i % 2 ? 0.5 : 1.2, 2 * Math.PI * random(), 0.12, random), i % 2]),
  regression: (seed) => drawn(seed, 80, (_, random) => {
    const x = 6 * random() - 3;
    return [[x], Math.sin(2 * x) + 0.3 * x + 0.1 * normal(random)];
  }),
};

/** @type {(digits: {pixels: string, classes: string}, seed: number) => Data} the pictures that Python exports as text */
export function digitData({ pixels, classes }, seed) {
  const text = pixels.replace(/[h-z]/g, (c) => "0".repeat(c.charCodeAt(0) - 102));
  const x = [...classes].map((_, i) => [...text.slice(64 * i, 64 * i + 64)].map((c) => parseInt(c, 17) / 16));
  const t = [...classes].map((c) => Array.from({ length: 10 }, (_, k) => +(k === +c)));
  return { ...split({ x, t }, 0.2, seed), classes: [..."0123456789"], side: 8 };
}

// ---- presets ----

/** @type {(tables: Tables) => Preset[]} Python's named problems, then those of the page */
export function presets(tables) {
  const { problems = {}, recipes = {}, digits = null } = tables.presets ?? {};
  const data = { ...GENERATORS, ...(digits && { digits: (/** @type {number} */ seed) => digitData(digits, seed) }) };
  const ours = Object.entries(data).map(([id, draw]) => {
    const recipe = recipes[id];
    return { id, title: recipe.title, drawn: true, make: (/** @type {number} */ seed) => modelFor(tables, draw(seed), recipe, seed, recipe.title) };
  });
  const theirs = Object.entries(problems).map(([id, model]) => ({ id, title: /** @type {any} */ (model).title, drawn: false, make: () => structuredClone(model) }));
  return [...theirs, ...ours];
}

// ---- training and validation ----

/** @type {(n: number, seed: number) => number[]} the numbers below n in a random order (Fisher, Yates) */
export function shuffled(n, seed) {
  const random = generator(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** @type {(data: Data, share: number, seed: number) => Data} all samples in a new order, a share of them for validation */
export function split(data, share, seed) {
  const x = [...data.x, ...(data.validation?.x ?? [])];
  const t = [...data.t, ...(data.validation?.t ?? [])];
  const order = shuffled(x.length, seed);
  const held = Math.min(Math.round(share * x.length), x.length - 1);
  const rows = (/** @type {number[]} */ of) => ({ x: of.map((i) => x[i]), t: of.map((i) => t[i]) });
  return { ...data, ...rows(order.slice(held)), weight: null, validation: rows(order.slice(0, held)) };
}

// ---- text of the reader's own ----

export const MOST = { bytes: 2e6, rows: 5000, columns: 1000, classes: 50 };

/** @typedef {{columns: string[], rows: Row[], faults: string[]}} Table */
/** @typedef {{line: number, cells: string[]}} Row `line` is that of its first cell */

/** @type {(text: string, separator: string) => {rows: Row[], open: number}} cells by line; quoted ones may hold separators and line ends; `open` is the line of a quotation mark that is not closed */
function rowsIn(text, separator) {
  const rows = [{ line: 1, cells: [""] }];
  let [line, open] = [1, 0];
  for (let i = 0; i < text.length; i++) {
    const [c, { cells }] = [text[i], rows[rows.length - 1]];
    const last = cells.length - 1;
    if (c === "\n") line++;
    if (open && c === '"' && text[i + 1] === '"') cells[last] += text[i++];
    else if (c === '"' && (open || !cells[last].trim())) open = open ? 0 : line;
    else if (open) cells[last] += c;
    else if (c === "\n") rows.push({ line, cells: [""] });
    else if (c === separator) cells.push("");
    else cells[last] += c;
  }
  return { rows: rows.map((row) => ({ ...row, cells: row.cells.map((cell) => cell.trim()) })), open };
}

/** @type {(text: string) => number} a number with a point or comma, NaN for anything else */
export const numberOf = (text) => (/^[-+−]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text.replace("−", "-").replace(",", ".")) : NaN);

// Numbers that are not taken, but do not name a column either.
const NUMERIC = /^[-+−]?(0x[\da-f]+|nan|inf(inity)?)$/i;
const THOUSANDS = /^[-+−]?[1-9]\d{0,2}(,\d{3})+$/;

/** @type {(text: string) => string} what is wrong with a number whose comma could stand before decimals or thousands; "" otherwise */
export const ambiguity = (text) => (THOUSANDS.test(text) ? `“${text.slice(0, 40)}” can be ${text.replace(/,/g, "")} or ${text.replace(",", ".")}; write it without the comma.` : "");

/** @type {(text: string) => string} the separator that the first line has most of */
function separatorOf(text) {
  const line = text.trim().split("\n")[0];
  const counts = ["\t", ";", ",", "|"].map((c) => line.split(c).length);
  const most = Math.max(...counts);
  return most > 1 ? ["\t", ";", ",", "|"][counts.indexOf(most)] : " ";
}

/** @type {(text: string, options?: {separator?: string, header?: boolean}) => Table} a table of texts, and what is wrong with it */
export function parseTable(text, { separator, header } = {}) {
  const clean = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  const by = separator || separatorOf(clean);
  const { rows: all, open } = rowsIn(by === " " ? clean.replace(/[^\S\n]+/g, " ").replace(/^ | $/gm, "") : clean, by);
  if (open) return { columns: [], rows: [], faults: [`The quotation mark in line ${open} is not closed.`] };
  const rows = all.filter(({ cells }) => cells.some((c) => c !== ""));
  const named = rows.length > 0 && (header ?? !rows[0].cells.some((cell) => NUMERIC.test(cell) || !Number.isNaN(numberOf(cell))));
  const width = rows[0]?.cells.length ?? 0;
  const columns = named ? rows[0].cells : Array.from({ length: width }, (_, k) => `column ${k + 1}`);
  const body = rows.slice(named ? 1 : 0);
  const faults = body.filter(({ cells }) => cells.length !== width).map(({ cells, line }) => `Line ${line} has ${counted(cells.length, "cell")}, but the first line has ${width}.`);
  if (!body.length) faults.push("There is no row of numbers; give one sample on each line.");
  if (width === 1) faults.push("There is only one column; give inputs and, in the last column, a target.");
  if (width > MOST.columns) faults.push(`There are ${width} columns, more than ${MOST.columns}; leave some out.`);
  if (body.length > MOST.rows) faults.push(`There are ${body.length} rows, more than ${MOST.rows}; leave some out.`);
  return { columns, rows: body, faults };
}

/** @type {(table: Table, targets: number, kind: "auto" | "numbers" | "classes") => {data: Data | null, faults: string[]}} the last `targets` columns are targets */
export function toData({ columns, rows: body, faults }, targets, kind) {
  const bad = [...faults];
  const whole = body.filter(({ cells }) => cells.length === columns.length);
  if (columns.length < 2 || !whole.length || columns.length > MOST.columns || body.length > MOST.rows) return { data: null, faults: bad };
  const k = columns.length - targets;
  if (k < 1) return { data: null, faults: [`Of ${columns.length} columns, ${targets} cannot all be targets; one must be an input.`] };
  const rows = whole.map(({ cells }) => cells);
  const words = targets === 1 && kind !== "numbers" && (kind === "classes" || rows.some((row) => row[k] !== "" && Number.isNaN(numberOf(row[k]))));
  // a comma before any other number of digits is one before decimals, and so are all
  const clear = rows.some((row) => row.some((cell) => cell.includes(",") && !ambiguity(cell) && !Number.isNaN(numberOf(cell))));
  rows.forEach((row, i) => row.forEach((cell, j) => {
    const where = `Line ${whole[i].line}, column ${j + 1} (${columns[j].slice(0, 40)})`;
    if (cell === "") bad.push(`${where} is empty.`);
    else if (!clear && !(words && j === k) && ambiguity(cell)) bad.push(`${where}: ${ambiguity(cell)}`);
    else if (!(words && j === k) && !Number.isFinite(numberOf(cell))) bad.push(`${where}: “${cell.slice(0, 40)}” is not a number.`);
  }));
  const classes = words ? [...new Set(rows.map((row) => row[k]))].sort((a, b) => numberOf(a) - numberOf(b) || (a < b ? -1 : 1)) : null;
  if (classes && (classes.length < 2 || classes.length > MOST.classes)) bad.push(`The target has ${counted(classes.length, "different value")}; classes are from 2 to ${MOST.classes}.`);
  const lineOf = (/** @type {string} */ fault) => Number(/^Line (\d+)/.exec(fault)?.[1] ?? Infinity);
  if (bad.length) return { data: null, faults: bad.sort((a, b) => lineOf(a) - lineOf(b) || 0) };
  const x = rows.map((row) => row.slice(0, k).map(numberOf));
  const t = rows.map((row) => (classes ? classes.map((c) => +(c === row[k])) : row.slice(k).map(numberOf)));
  return { data: { x, t, weight: null, classes, names: { x: columns.slice(0, k), t: classes ?? columns.slice(k) } }, faults: [] };
}

/** @type {(data: Data) => Data} inputs of mean 0 and deviation 1 among the training samples */
export function standardized(data) {
  const n = data.x.length;
  const means = data.x[0].map((_, k) => data.x.reduce((sum, row) => sum + row[k], 0) / n);
  const spreads = means.map((m, k) => Math.sqrt(data.x.reduce((sum, row) => sum + (row[k] - m) ** 2, 0) / n) || 1);
  const scaled = (/** @type {number[][]} */ x) => x.map((row) => row.map((v, k) => (v - means[k]) / spreads[k]));
  return { ...data, x: scaled(data.x), ...(data.validation && { validation: { ...data.validation, x: scaled(data.validation.x) } }) };
}

/** @type {(tables: Tables, data: Data, seed: number) => Model} a network that suits own data: classes or numbers */
export const modelOf = (tables, data, seed) =>
  modelFor(tables, data, { hidden: [8], activation: "tanh", loss: data.classes ? "softmax-cross-entropy" : "squared-error", rate: 0.02, ...(data.x.length > 500 && { batch: 50 }) }, seed, "Your data");
