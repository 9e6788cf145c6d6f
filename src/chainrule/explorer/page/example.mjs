/** Steps of a run as the JSON of explain: the schema chainrule.example/1. It follows Python's explanation/plain_values.py. */

import { toRows } from "./arrays.mjs";
import { view, widths } from "./network.mjs";
import { rowsOf } from "./rows.mjs";
import { pythonNumber } from "./typeset.mjs";
import { wire } from "./wire.mjs";
import { notation } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Record} Record */
/** @typedef {import("./rows.mjs").Row} Row */
/** @typedef {import("./typeset.mjs").Ref} Ref */

/** @typedef {{remarks: {[key: string]: string}, errata: any[]}} Notes what Python has written on an unchanged step, which the page cannot make */

/** @type {(store: Store, notes?: Notes, records?: Record[]) => {[field: string]: any}} the steps after these states of the run; the present step by default */
export function exampleOf(store, { remarks, errata } = { remarks: {}, errata: [] }, records = [store.record]) {
  const { tables, start, mistake } = store;
  const { title, source, network, optimizer } = start;
  const data = store.samples(records[0].step);
  const { blocks, labels } = store.step;
  const first = Float64Array.from(records[0].theta);
  const theta = Object.fromEntries(blocks.map((b) => [b.name, nested(view(first, b))]));
  const layers = network.layers.map((/** @type {any} */ layer, /** @type {number} */ i) => ({ kind: layer.kind, label: labels[i], units: widths(tables, network)[i + 1], python: layerText(tables, layer) }));
  const named = notation(store);
  return {
    ...{ schema: "chainrule.example/1", title, source: mistake ? `${source} (with a mistake: ${mistake.title})` : source },
    network: { inputs: network.inputs, layers, loss: network.loss.name, python: networkText(tables, network) },
    optimizer: optimizer && { name: optimizer.name, python: optimizerText(tables, optimizer) },
    ...{ theta, x: data.x, t: data.t, weights: data.weight ?? null, level: "scalars", parameter: null },
    notation: Object.keys(tables.notations).find((key) => tables.notations[key] === named) ?? named.name,
    steps: records.map((one, i) => stepOf(store, one, i ? {} : remarks)),
    history: records[records.length - 1].step > start.state.step ? store.records.map((r) => ({ step: r.step, loss: r.loss })) : [],
    errata,
  };
}

/** @type {(store: Store, one: Record, remarks: Notes["remarks"]) => {[field: string]: any}} the step that begins at a state */
function stepOf(store, { step: at, theta, slots, memory }, remarks) {
  const { tables, start, mistake } = store;
  const replace = mistake?.replace;
  /** @type {import("./wire.mjs").Model} */
  const model = { ...start, theta, data: store.samples(at), state: { ...start.state, step: at, slots } };
  const step = wire(tables, model, { replace, values: mistake ? memory : undefined, data: store.batch(at) });
  const rows = rowsOf(step, tables, model, { notation: notation(store), numerical: true, replace });
  // with the same dropout masks as before the update
  const after = model.optimizer ? wire(tables, { ...model, theta: step.theta_new }, { replace }).value : null;
  const quantities = rows.map((row) => ({ ...quantity(row), ...(remarks[row.key] && { remark: remarks[row.key] }) }));
  return { step: at + 1, loss_before: step.value, loss_after: after, quantities, matrices: [], tables: [] };
}

/** @type {(a: import("./arrays.mjs").NDArray) => number[] | number[][]} */
const nested = (a) => (a.s.length === 1 ? [...a.d] : toRows(a));

// ---- quantities ----

/** @type {(row: Row) => {[field: string]: any}} */
function quantity({ ref, key, plain, section, lines, value, shown, sign, numerical }) {
  const { quantity: what, layer } = ref;
  const own = lines.find(({ kind }) => kind === "equation");
  const routes = lines.filter((line) => line !== own).map((line) => ({ kind: line.kind, ...written(line) }));
  return {
    ...{ quantity: what, key },
    ...(layer && { layer: /^\d+$/.test(layer) ? Number(layer) : layer }),
    ...placed(ref),
    ...{ name: plain, section },
    ...(own && written(own)),
    ...(routes.length && { routes }),
    ...{ value, shown },
    ...(sign < 0 && { sign }),
    ...(numerical && { numerical: numerical.value }),
  };
}

/** @type {(line: import("./rows.mjs").Line) => {[field: string]: any}} */
const written = ({ formula, substituted, exact }) => (substituted === null ? { formula } : { formula, substituted, exact });

/** @type {(ref: Ref) => {[field: string]: number}} */
function placed({ index, sampled }) {
  const names = sampled ? ["sample", "unit", "unit2"] : index.length === 2 ? ["to", "from"] : ["unit"];
  return Object.fromEntries(index.slice(0, names.length).map((i, k) => [names[k], i]));
}

// ---- as Python builds it ----

/** @type {(value: any, whole?: boolean) => string} */
function literal(value, whole = false) {
  if (typeof value === "number") return pythonNumber(value, !whole);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `(${value.map((v) => literal(v)).join(", ")}${value.length === 1 ? "," : ""})`;
  return value === null ? "None" : /[(]/.test(value) ? value : `'${value}'`;
}

/** @type {(name: string, fields: {[name: string]: any}) => string} */
const call = (name, fields) => `${name}(${Object.entries(fields).map(([n, v]) => `${n}=${literal(v, WHOLE.includes(n))}`).join(", ")})`;

const WHOLE = ["units", "inputs"];

/** @type {(table: any, one: {name: string, constants: any, entry?: any}) => string} */
const chosen = (table, { name, constants, entry }) => (entry ? `Custom('${name}', ...)` : call(table[name].python, constants));

/** @type {(drawn: any) => string} */
const drawnText = ({ python, variance: _, ...fields }) => call(python, fields);

/** @type {(tables: any, layer: any) => string} its fields in the order of Python's */
function layerText(tables, { kind, units, activation, initializer, bias_initializer: bias, ...fields }) {
  const own = { ...(units && { units }), ...(activation && { activation: chosen(tables.activations, activation) }) };
  const drawn = initializer && { initializer: drawnText(initializer), bias_initializer: drawnText(bias) };
  return call(tables.layers[kind].python, { ...own, ...drawn, ...fields });
}

/** @type {(tables: any, network: any) => string} */
function networkText(tables, { inputs, layers, loss, penalty }) {
  const texts = layers.map((/** @type {any} */ layer) => layerText(tables, layer));
  return call("Network", { inputs, layers: texts, loss: chosen(tables.losses, loss), penalty: call("Penalty", penalty) });
}

/** @type {(tables: any, optimizer: any) => string} */
function optimizerText(tables, { name, constants, learning_rate: rate, clip }) {
  const words = clip && call(clip.kind === "norm" ? "ClipNorm" : "ClipValue", { limit: clip.limit });
  return call(tables.optimizers[name].python, { learning_rate: typeof rate === "number" ? rate : rate.words, ...constants, clip: words });
}
