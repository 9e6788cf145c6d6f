// The arrays of a step in the order of a calculation by hand, and the reference of each entry.
// Follows explanation/contents.py.

import { PIECES } from "./chain.mjs";
import { optimizerEntry } from "./wire.mjs";

/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {import("./typeset.mjs").Ref} Ref */
/** @typedef {[string, Scope, string]} Item section, scope and name of an array */

/** @type {Record<string, string>} */
const LOSS_NAMES = { terms: "error", value: "loss" };
// The only optimizer constant that differs between arrays.
const OWN = "decay";
const PENALTY_SUMS = ["absolute", "square"];
const BEFORE = ["sign", "dpenalty", "dC", "squares"];

/**
 * Return all arrays of a step; `pieces` are the parts of the chain rule that have rows.
 * @param {Step} step
 * @param {string[]} [pieces]
 * @returns {Item[]}
 */
export function contents(step, pieces = []) {
  const { layers, loss, model } = step;
  const items = (/** @type {string} */ section, /** @type {Scope} */ scope, /** @type {string[]} */ names) =>
    names.map((name) => /** @type {Item} */ ([section, scope, name]));
  return [
    ...given(step).flatMap(([scope, names]) => items("given", scope, names)),
    ...layers.filter((scope) => scope.has("mask")).flatMap((scope) => items("given", scope, ["mask"])),
    ...layers.flatMap((scope) => items("forward", scope, forwardNames(scope))),
    ...errors(step).flatMap(([scope, names]) => items("error", scope, names)),
    ...items("backward", loss, ["do"]),
    ...[...layers].reverse().flatMap((scope) => items("backward", scope, backwardNames(scope, pieces))),
    ...(model.optimizer ? updates(step) : []).flatMap(([scope, names]) => items("update", scope, names)),
  ];
}

/**
 * @param {Scope} scope
 * @param {(name: string) => boolean} keep
 */
const scalars = ({ values }, keep) =>
  Object.keys(values).filter((name) => !values[name].s.length && keep(name));

/**
 * Return inputs, targets, parameters, and the optimizer's constants and memory.
 * @param {Step} step
 * @returns {[Scope, string[]][]}
 */
function given(step) {
  const { layers, loss, penalty, blocks, tables, model } = step;
  const used = (/** @type {string} */ n) => n !== "value" && (n !== "n" || loss.get("n").d[0] > 1);
  /** @type {[Scope, string[]][]} */
  const found = [[step.input, ["a"]], [loss, loss.has("weight") ? ["t", "weight"] : ["t"]]];
  for (const block of blocks) found.push([layers[block.layer], [block.param]]);
  for (const scope of [...layers, loss, penalty]) found.push([scope, scalars(scope, used)]);
  if (!model.optimizer) return found;
  const { equations, slots } = optimizerEntry(tables, model);
  const arrays = Object.values(step.arrays);
  // k is shown last, by the optimizers that use it.
  const last = Object.values(equations).some((tree) => JSON.stringify(tree).includes('["name","k"]')) ? ["k"] : [];
  if (arrays.length) found.push([arrays[0], [...scalars(arrays[0], (n) => n !== OWN && n !== "k"), ...last]]);
  for (const scope of arrays) found.push([scope, OWN in scope.values ? [OWN, ...slots] : slots]);
  return found;
}

/**
 * Return the names of a layer's forward pass, in order: those up to its output a.
 * @param {Scope} scope
 */
function forwardNames({ equations }) {
  const order = Object.keys(equations);
  return order.slice(0, order.indexOf("a") + 1);
}

/**
 * Return the names of a layer's backward pass, each after the parts of the chain rule before it.
 * @param {Scope} scope
 * @param {string[]} pieces
 */
function backwardNames(scope, pieces) {
  const names = Object.keys(scope.equations).slice(forwardNames(scope).length);
  const before = (/** @type {string} */ name) => pieces.filter((p) => PIECES[p].belongs(scope) === name);
  return ["da", ...names.flatMap((name) => [...before(name), name])];
}

/**
 * Return outputs, predictions, the errors and their mean, then the penalty.
 * @param {Step} step
 * @returns {[Scope, string[]][]}
 */
function errors(step) {
  const { loss, penalty, blocks, arrays, cost } = step;
  const own = Object.keys(loss.equations).filter((name) => name !== "do");
  const sums = Object.keys(penalty.equations);
  if (!sums.length) return [[loss, ["o", ...own]]];
  const idle = unused(step);
  const shown = (/** @type {string[]} */ names) => names.filter((name) => !idle.includes(name));
  const decaying = blocks.filter((b) => b.decays).map((b) => arrays[b.name]);
  return [
    [loss, ["o", ...own]],
    ...decaying.map((scope) => /** @type {[Scope, string[]]} */ ([scope, shown(PENALTY_SUMS)])),
    [penalty, shown(sums)],
    [cost, ["value"]],
  ];
}

/**
 * Return the names that the penalty does not use because their factors are 0.
 * @param {Step} step
 */
function unused({ model }) {
  const { l1, l2, alpha } = model.network.penalty;
  return [...(l1 ? [] : ["absolute", "sign"]), ...(l2 || alpha ? [] : ["square"])];
}

/**
 * Return the penalized gradients, then the clipping of all of them, then each array's update.
 * @param {Step} step
 * @returns {[Scope, string[]][]}
 */
function updates(step) {
  const idle = unused(step);
  const names = (/** @type {Scope} */ scope, /** @type {(name: string) => boolean} */ keep) =>
    Object.keys(scope.equations).filter(keep);
  /** @type {[Scope, string[]][]} */
  const found = step.blocks.map((block) => {
    const shown = BEFORE.filter((n) => !idle.includes(n) && (block.trains || n !== "squares"));
    const scope = step.arrays[block.name];
    return [scope, names(scope, (n) => shown.includes(n))];
  });
  found.push([step.clip, Object.keys(step.clip.equations)]);
  for (const scope of Object.values(step.arrays)) {
    found.push([scope, names(scope, (n) => ![...BEFORE, ...PENALTY_SUMS].includes(n))]);
  }
  return found;
}

// ---- references ----

/**
 * Return the reference of one entry of an array.
 * @param {Step} step
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @returns {Ref}
 */
export function refer(step, scope, name, index) {
  const { label } = scope;
  const sampled = index.length > 0;
  if (label in step.arrays) return ofArray(step, scope, name, index);
  if (label === "input") return { quantity: "x", layer: "", index, sampled };
  if (label === "loss" || label === "derivation") {
    return { quantity: LOSS_NAMES[name] ?? name, layer: "", index, sampled };
  }
  if (["cost", "penalty", "clip"].includes(label)) {
    return { quantity: name === "value" && label !== "clip" ? label : name, layer: "", index, sampled: false };
  }
  const own = step.blocks.some((b) => step.layers[b.layer] === scope && b.param === name.replace(/^d/, ""));
  return { quantity: name, layer: label.replace(/^layer/, ""), index, sampled: sampled && !own };
}

/**
 * @param {Step} step
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @returns {Ref}
 */
function ofArray(step, scope, name, index) {
  const constant = name in scope.values && !scope.values[name].s.length && name !== OWN;
  if (constant) return { quantity: name, layer: "", index: [], sampled: false };
  const { param, layer } = step.blocks.filter((b) => b.name === scope.label)[0];
  /** @type {Record<string, string>} */
  const known = { w: param, d: `d${param}`, w_new: `${param}_new` };
  const [, stem, after] = name.match(/^(.*?)(_new)?$/) ?? [];
  return { quantity: known[name] ?? `${stem}_${param}${after ?? ""}`, layer: step.labels[layer], index, sampled: false };
}
