/**
 * A whole training step computed from equations: scopes of layers, loss and arrays, linked by name.
 * It mirrors Python's wiring.py, function by function.
 */

import { array, broadcastTo, fromRows, scalar } from "./arrays.mjs";
import { blocks, labels, masks, view, widths } from "./network.mjs";
import { Scope, operation } from "./scope.mjs";

/** @typedef {import("./arrays.mjs").NDArray} NDArray */
/** @typedef {import("./network.mjs").Block} Block */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {import("./scope.mjs").Tree} Tree */
/** @typedef {{[key: string]: any}} Model see explorer/model.py */
/** @typedef {[string, string, Tree][]} Replacements where, name, equation */

export class Step {
  /**
   * @param {Tables} tables
   * @param {Model} model
   */
  constructor(tables, model) {
    this.tables = tables;
    this.model = model;
    this.blocks = blocks(tables, model.network);
    this.labels = labels(tables, model.network);
    /** @type {Scope[]} */
    this.layers = [];
    /** @type {{[name: string]: Scope}} */
    this.arrays = {};
    this.loss = new Scope("loss", {});
    this.penalty = new Scope("penalty", {}, { value: scalar(0) });
    this.cost = new Scope("cost", {});
    this.clip = new Scope("clip", {});
    this.input = new Scope("input", {});
    /** @type {{[label: string]: Scope} | null} */
    this.found = null;
  }

  /** @type {{[label: string]: Scope}} by label; kept once the step is wired */
  get scopes() {
    return this.found ?? this.scopesNow();
  }

  /** @type {() => {[label: string]: Scope}} */
  scopesNow() {
    const all = [...this.layers, this.loss, this.penalty, this.cost, this.clip];
    return { ...Object.fromEntries(all.map((s) => [s.label, s])), ...this.arrays };
  }

  /** C, the loss plus the penalty. */
  get value() {
    return this.cost.get("value").d[0];
  }

  /** ∂C/∂θ before clipping, of the length of θ. */
  get gradient() {
    return this.join("dC");
  }

  /** θ after the update. */
  get theta_new() {
    return this.join("w_new");
  }

  /** The optimizer's moving averages after the update. */
  get slots_new() {
    const { slots } = optimizerEntry(this.tables, this.model);
    return slots.map((/** @type {string} */ slot) => this.join(`${slot}_new`));
  }

  /** @type {(name: string) => Float64Array} */
  join(name) {
    const theta = new Float64Array(this.model.theta.length);
    for (const b of this.blocks) theta.set(broadcastTo(this.arrays[b.name].get(name), b.shape).d, b.start);
    return theta;
  }

  /** @type {() => {[label: string]: {[name: string]: NDArray}}} each q_new, which is q in the next step */
  memory() {
    return Object.fromEntries(
      Object.entries(this.scopes).map(([label, s]) => {
        const names = Object.keys(s.equations).filter((n) => n.endsWith("_new"));
        return [label, Object.fromEntries(names.map((n) => [n.slice(0, -4), s.get(n)]))];
      }),
    );
  }
}

/**
 * The scopes of the training step at which a model is.
 * @param {Tables} tables
 * @param {Model} model
 * @param {{replace?: Replacements, values?: {[label: string]: {[name: string]: NDArray}}, dropout?: boolean, data?: {x: NDArray, t: NDArray, weight?: NDArray | null, total?: number}}} [options]
 * @returns {Step}
 */
export function wire(tables, model, { replace = [], values = {}, dropout = true, data } = {}) {
  const step = new Step(tables, model);
  const batch = data ?? batchOf(model);
  layerScopes(step, batch, dropout);
  step.loss = lossScope(step, batch);
  for (const block of step.blocks) step.arrays[block.name] = arrayScope(step, block);
  penaltyScope(step, batch);
  clipScope(step);
  if (model.optimizer) bindOptimizerState(step);
  linkLayers(step, batch);
  linkArrays(step);
  applyReplacements(step, replace);
  for (const [label, known] of Object.entries(values)) Object.assign(step.scopes[label].values, known);
  addConstants(step, replace, Object.keys(values).length === 0);
  step.found = step.scopesNow();
  return step;
}

/** @type {(model: Model) => {x: NDArray, t: NDArray, weight: NDArray | null, total: number}} */
export function batchOf({ data, network }) {
  const weight = data.weight ? array([data.weight.length], data.weight) : null;
  const x = data.x.length ? fromRows(data.x) : array([0, network.inputs], []);
  return { x, t: fromRows(data.t), weight, total: data.total ?? data.x.length };
}

/** @type {(constants: {[name: string]: number}) => {[name: string]: NDArray}} */
const scalars = (constants) =>
  Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, scalar(value)]));

// ---- scopes ----

/** @type {(step: Step, batch: {x: NDArray}, dropout: boolean) => void} */
function layerScopes(step, batch, dropout) {
  const { tables, model } = step;
  const n = batch.x.s[0];
  const drawn = dropout && model.network.layers.some((/** @type {any} */ l) => l.kind === "dropout") ? masks(tables, model.network, n, model.state.seed, model.state.step) : [];
  step.layers = model.network.layers.map((/** @type {any} */ layer, /** @type {number} */ place) => {
    const label = /^\d+$/.test(step.labels[place]) ? `layer${step.labels[place]}` : step.labels[place];
    const own = step.blocks.filter((b) => b.layer === place);
    const given = Object.fromEntries(own.map((b) => [b.param, view(model.theta, b)]));
    const mask = drawn[place];
    if (mask) given.mask = mask;
    Object.assign(given, layerConstants(tables, layer));
    return new Scope(label, layerEquations(tables, layer, dropout), given, layerFunctions(tables, layer));
  });
}

/** @type {(tables: Tables, layer: any, training: boolean) => {[name: string]: Tree}} */
function layerEquations(tables, layer, training) {
  /** @type {{[option: string]: boolean}} */
  const options = { bias: layer.bias !== false, training };
  const fits = (/** @type {[any, any]} */ [own]) => Object.entries(own).every(([k, v]) => options[k] === v);
  return tables.layers[layer.kind].equations.find(fits)[1];
}

/** @type {(tables: Tables, layer: any) => {[name: string]: NDArray}} */
function layerConstants(tables, layer) {
  const fields = Object.entries(layer).filter(([, v]) => typeof v === "number");
  const scope = new Scope("constants", {}, scalars(Object.fromEntries(fields)));
  const entries = Object.entries(tables.layers[layer.kind].constants);
  return Object.fromEntries(entries.map(([name, tree]) => [name, scope.evaluate(/** @type {Tree} */ (tree))]));
}

/** @type {(tables: Tables, layer: any) => {[name: string]: import("./scope.mjs").Operation}} */
function layerFunctions(tables, layer) {
  if (!layer.activation) return {};
  const entry = activationEntry(tables, layer.activation);
  const { constants } = layer.activation;
  return { f: operation(entry.f, constants), df: operation(entry.df, constants) };
}

/** @type {(tables: Tables, activation: any) => any} the table's entry, or a user's own */
export const activationEntry = (tables, activation) => activation.entry ?? tables.activations[activation.name];

/** @type {(tables: Tables, model: Model) => any} */
export const lossEntry = (tables, model) => model.network.loss.entry ?? tables.losses[model.network.loss.name];

/** @type {(tables: Tables, model: Model) => any} */
export const optimizerEntry = (tables, model) => (model.optimizer ? tables.optimizers[model.optimizer.name] : { slots: [] });

/** @type {(step: Step, batch: any) => Scope} */
function lossScope({ tables, model }, batch) {
  const entry = lossEntry(tables, model);
  const { constants } = model.network.loss;
  /** @type {{[name: string]: NDArray}} */
  const given = { t: batch.t, n: scalar(batch.x.s[0]), ...scalars(constants) };
  if (batch.weight) given.weight = batch.weight;
  const functions = Object.entries(entry.functions).map(([name, f]) => [name, operation(/** @type {any} */ (f), {})]);
  return new Scope("loss", batch.weight ? entry.weighted : entry.equations, given, Object.fromEntries(functions));
}

/** @type {(penalty: {[name: string]: number}) => boolean} */
const penalizes = (penalty) => Object.values(penalty).some((value) => value !== 0);

/** @type {(names: string[], quantity: string) => Tree} A.quantity + B.quantity + … */
const total = (names, quantity) =>
  names.map((name) => /** @type {Tree} */ (["dot", name, quantity])).reduce((sum, next) => ["+", sum, next]);

/** @type {(step: Step, batch: any) => void} */
function penaltyScope(step, batch) {
  const { penalty } = step.model.network;
  const decaying = step.blocks.filter((b) => b.decays).map((b) => b.name);
  if (!penalizes(penalty) || !decaying.length) return;
  const sums = { absolute: total(decaying, "absolute"), square: total(decaying, "square") };
  const equations = { ...sums, value: step.tables.penalty.value.value };
  step.penalty = new Scope("penalty", equations, { ...scalars(penalty), total: scalar(batch.total ?? batch.x.s[0]) });
}

/** @type {(step: Step) => void} */
function clipScope(step) {
  const clip = step.model.optimizer?.clip;
  if (clip?.kind !== "norm") return;
  const trained = step.blocks.filter((b) => b.trains).map((b) => b.name);
  const squares = trained.length ? total(trained, "squares") : 0;
  const equations = { norm: /** @type {Tree} */ (["call", "sqrt", [squares], {}]), factor: step.tables.clips.factor };
  step.clip = new Scope("clip", equations, { limit: scalar(clip.limit) });
}

/** @type {(step: Step, block: Block) => Scope} gradient, penalty, clipping, update in this order */
function arrayScope({ tables, model }, block) {
  const { optimizer, network } = model;
  const penalized = penalizes(network.penalty) && block.decays;
  const equations = penalized ? { ...tables.penalty.arrays } : { dC: ["name", "d"] };
  if (!optimizer) return new Scope(block.name, equations);
  const { equations: rule, slots } = optimizerEntry(tables, model);
  const frozen = [["w_new", ["name", "w"]], ...slots.map((/** @type {string} */ s) => [`${s}_new`, ["name", s]])];
  const clipping = optimizer.clip ? tables.clips[optimizer.clip.kind] : { g: ["name", "dC"] };
  Object.assign(equations, clipping, block.trains ? rule : Object.fromEntries(frozen));
  return new Scope(block.name, equations, optimizer.clip ? { limit: scalar(optimizer.clip.limit) } : {});
}

/** @type {(step: Step) => void} */
function bindOptimizerState(step) {
  const { model, tables } = step;
  const { slots, decaying } = optimizerEntry(tables, model);
  const k = model.state.step + 1;
  for (const block of step.blocks) {
    const { values } = step.arrays[block.name];
    Object.assign(values, { learning_rate: scalar(rateAt(model.optimizer.learning_rate, k)), k: scalar(k) });
    for (const [name, value] of Object.entries(model.optimizer.constants)) {
      values[name] = scalar(decaying.includes(name) && !block.decays ? 0 : value);
    }
    slots.forEach((/** @type {string} */ slot, /** @type {number} */ i) => {
      values[slot] = model.state.slots[i] ? view(model.state.slots[i], block) : array(block.shape, new Float64Array(block.stop - block.start));
    });
  }
}

/** @type {(rate: number | {tree: Tree}, k: number) => number} the learning rate of update k */
export const rateAt = (rate, k) =>
  typeof rate === "number" ? rate : new Scope("schedule", {}, { k: scalar(k) }).evaluate(rate.tree).d[0];

// ---- links ----

/** @type {(step: Step, batch: {x: NDArray}) => void} */
function linkLayers(step, batch) {
  const { layers, loss, cost, penalty } = step;
  const bottom = new Scope("input", {}, { a: batch.x, z: batch.x });
  const last = layers[layers.length - 1];
  step.input = bottom;
  layers.forEach((scope, i) => {
    const [below, above] = [layers[i - 1] ?? bottom, layers[i + 1]];
    scope.links = { x: [below, "a"], da: above ? [above, "dx"] : [loss, "do"], n: [loss, "n"] };
    scope.neighbors = { below, last, loss, input: bottom, ...step.arrays };
    if (above) scope.neighbors.above = above;
  });
  loss.links = { o: [last, "a"] };
  loss.neighbors = { last, input: bottom };
  cost.equations.value = "value" in penalty.equations ? ["+", ["name", "data"], ["name", "penalty"]] : ["name", "data"];
  cost.links = { data: [loss, "value"], penalty: [penalty, "value"] };
}

/** @type {(step: Step) => void} */
function linkArrays(step) {
  /** @type {{[param: string]: Scope}} */
  const previous = {};
  for (const block of step.blocks) {
    const [scope, layer] = [step.arrays[block.name], step.layers[block.layer]];
    scope.links = { w: [layer, block.param], d: [layer, `d${block.param}`], factor: [step.clip, "factor"] };
    for (const name of ["l1", "l2", "alpha", "total"]) scope.links[name] = [step.penalty, name];
    scope.neighbors = { layer, loss: step.loss, ...step.arrays };
    layer.links[`${block.param}_new`] = [scope, "w_new"];
    const below = previous[block.param];
    if (below) [scope.neighbors.below, below.neighbors.above] = [below, scope];
    previous[block.param] = scope;
  }
  step.penalty.neighbors = { ...step.arrays };
  step.clip.neighbors = { ...step.arrays };
}

// ---- replacements ----

/** @type {(step: Step, replace: Replacements) => void} equations used instead of the network's */
function applyReplacements(step, replace) {
  const used = new Set(replace.flatMap(([, , tree]) => namesIn(tree)));
  for (const [where, name, tree] of replace) {
    const addable = used.has(name) || (name.endsWith("_new") && used.has(name.slice(0, -4)));
    const scopes = scopesAt(step, where).filter((scope) => addable || name in scope.equations);
    if (!scopes.length) throw new Error(`there is no equation ${name} of ${where}`);
    for (const scope of scopes) {
      scope.equations[name] = tree;
      delete scope.values[name];
      if (name.endsWith("_new") && !scope.has(name.slice(0, -4))) scope.values[name.slice(0, -4)] = zero(scope);
    }
  }
}

/** @type {(step: Step, replace: Replacements, first: boolean) => void} the numbers that equations of mistakes name, in the scopes that lack them; as diagnosis/replay.py */
function addConstants(step, replace, first) {
  const { tables, model } = step;
  const used = new Set(replace.flatMap(([, , tree]) => namesIn(tree)));
  const [n, k] = [step.input.get("a").s[0], first ? 1 : model.state.step + 1];
  /** @type {{[name: string]: number}} */
  const numbers = { n, raw: n, k, outputs: widths(tables, model.network).slice(-1)[0] };
  if (model.optimizer) numbers.learning_rate = rateAt(model.optimizer.learning_rate, k);
  for (const scope of Object.values(step.scopes)) {
    for (const name of Object.keys(numbers)) if (used.has(name) && !scope.has(name)) scope.values[name] = scalar(numbers[name]);
  }
}

/** @type {(scope: Scope) => NDArray} a new state starts at 0, in an array of parameters at each entry */
const zero = (scope) => ("w" in scope.links ? array(scope.get("w").s, new Float64Array(scope.get("w").d.length)) : scalar(0));

/** @type {(tree: any) => string[]} every word in a tree */
function namesIn(tree) {
  return Array.isArray(tree) ? tree.flatMap(namesIn) : typeof tree === "string" ? [tree] : [];
}

/** @type {(step: Step, where: string) => Scope[]} the scopes that a replacement's place stands for */
function scopesAt(step, where) {
  const { layers } = step;
  /** @type {{[where: string]: Scope[]}} */
  const groups = {
    all: layers,
    hidden: layers.slice(0, -1),
    output: layers.slice(-1),
    "not-first": layers.slice(1),
    loss: [step.loss],
    penalty: [step.penalty],
    optimizer: Object.values(step.arrays),
  };
  const place = step.labels.indexOf(where);
  return groups[where] ?? (place >= 0 ? [layers[place]] : step.arrays[where] ? [step.arrays[where]] : []);
}
