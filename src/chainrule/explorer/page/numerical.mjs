// Numerical derivatives to compare with the equations: central differences, extrapolated.
// Follows explanation/numerical.py, which can take complex steps.

import { lossEntry, wire } from "./wire.mjs";

/** @typedef {import("./typeset.mjs").Ref} Ref */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {(theta: number) => number} Line the cost along one parameter */

// Relative difference up to which a derivative counts as confirmed.
const GOOD = 1e-9;
const NUDGE = 1e-4;
const STEPS = [0.03, 0.003, 0.0003];

/**
 * Return whether a numerical derivative confirms a value.
 * @param {number} value
 * @param {number} numerical
 */
export const agrees = (value, numerical) =>
  Math.abs(numerical - value) <= GOOD * Math.max(Math.abs(value), Math.abs(numerical), 1e-6);

/**
 * Return the numerical derivative of a gradient's entry, null for other numbers and at a kink.
 * @param {Step} step
 * @param {Ref} ref
 * @param {import("./wire.mjs").Replacements} [replace]
 */
export function numericalDerivative(step, { quantity, layer, index }, replace) {
  const [, penalized, param] = quantity.match(/^d(C_)?([Wb])$/) ?? [];
  const block = step.blocks.find((b) => b.name === param + layer);
  if (!block || (penalized && !Object.keys(step.penalty.equations).length)) return null;
  const place = block.start + index.reduce((sum, i, k) => sum * block.shape[k] + i, 0);
  const line = costAlong(step, place, !penalized, replace);
  const at = step.model.theta[place];
  const corner = penalized && step.model.network.penalty.l1 && !step.model.theta.every(Boolean);
  if ((corner || atKink(step)) && hasKink(line, at)) return null;
  return derivative(line, at);
}

/**
 * Return the cost, or its part without the penalty, as a function of one parameter.
 * @param {Step} step
 * @param {number} place
 * @param {boolean} bare
 * @param {import("./wire.mjs").Replacements} [replace]
 * @returns {Line}
 */
function costAlong({ tables, model, layers }, place, bare, replace) {
  const dropout = layers.some((scope) => scope.has("mask"));
  return (value) => {
    const theta = [...model.theta];
    theta[place] = value;
    const moved = wire(tables, { ...model, theta }, { replace, dropout });
    return bare ? moved.loss.get("value").d[0] : moved.value;
  };
}

/**
 * Return the derivative with the smallest estimate of its error, of several steps.
 * @param {Line} line
 * @param {number} at
 */
function derivative(line, at) {
  let best = [NaN, Infinity];
  for (const size of STEPS) {
    const found = extrapolated(line, at, size * Math.max(1, Math.abs(at)));
    if (!(found[1] >= best[1])) best = found;
    if (best[1] <= GOOD * 0.01 * Math.abs(best[0])) break;
  }
  return best[0];
}

/**
 * Return central differences of three steps, extrapolated to a step of 0, and their error.
 * @param {Line} line
 * @param {number} at
 * @param {number} h
 */
function extrapolated(line, at, h) {
  const [a, b, c] = [h, h / 2, h / 4].map((s) => (line(at + s) - line(at - s)) / (at + s - (at - s)));
  const [ab, bc] = [b + (b - a) / 3, c + (c - b) / 3];
  return [bc + (bc - ab) / 15, Math.abs(bc - ab)];
}

/**
 * Return whether a net input or an error lies exactly on a kink of its function.
 * @param {Step} step
 */
function atKink({ layers, loss, model, tables }) {
  const bent = (/** @type {{activation?: {name: string}}} */ { activation }) =>
    ["relu", "leaky-relu", "selu"].includes(activation?.name ?? "");
  const zero = (/** @type {import("./scope.mjs").Scope} */ scope) => scope.get(scope.has("z") ? "z" : "x").d.includes(0);
  const { o, t } = { o: loss.get("o").d, t: loss.get("t").d };
  const sharp = ["absolute-error", "quantile"].includes(model.network.loss.name) && lossEntry(tables, model);
  return layers.some((s, i) => bent(model.network.layers[i]) && zero(s)) || (sharp && o.some((x, i) => x === t[i]));
}

/**
 * Return whether the slopes to the left and to the right differ: then the second difference is
 * proportional to the step, and not to its square.
 * @param {Line} line
 * @param {number} at
 */
function hasKink(line, at) {
  const middle = line(at);
  const [wide, narrow] = [NUDGE, NUDGE / 10].map((size) => {
    const h = size * Math.max(1, Math.abs(at));
    return Math.abs(line(at + h) - 2 * middle + line(at - h));
  });
  return narrow > 0.03 * wide && narrow > 1e-13 * Math.max(1, Math.abs(middle));
}
