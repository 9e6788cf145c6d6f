/** Changes of a network by the reader: what is kept of its parameters, and why a choice is impossible. */

import { blocks, initialize, widths } from "./network.mjs";
import { lossEntry } from "./wire.mjs";
import { loss } from "./datasets.mjs";

/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {import("./network.mjs").Network} Network */
/** @typedef {import("./network.mjs").Block} Block */

/** @type {number} as in the engine, but fit for a page */
const MOST = 250000;

/** @type {(into: Float64Array, to: Block, theta: ArrayLike<number>, from: Block) => void} copy the entries that both arrays have */
function overlap(into, to, theta, from) {
  const [rows, columns] = to.shape.length > 1 ? to.shape : [1, to.shape[0]];
  const [m, n] = from.shape.length > 1 ? from.shape : [1, from.shape[0]];
  for (let i = 0; i < Math.min(rows, m); i++) {
    for (let j = 0; j < Math.min(columns, n); j++) into[to.start + i * columns + j] = theta[from.start + i * n + j];
  }
}

/**
 * A model with another network, whose layer i was layer `origin[i]`; new parameters are drawn.
 * @type {(tables: Tables, model: Model, network: Network, origin?: number[]) => Model}
 */
export function refit(tables, model, network, origin = network.layers.map((_, i) => i)) {
  const [before, after] = [blocks(tables, model.network), blocks(tables, network)];
  const carried = (/** @type {ArrayLike<number>} */ theta, /** @type {Float64Array} */ into) => {
    for (const to of after) {
      const from = before.find((b) => b.layer === origin[to.layer] && b.param === to.param);
      if (from) overlap(into, to, theta, from);
    }
    return [...into];
  };
  const theta = carried(model.theta, initialize(tables, network, model.state.seed));
  const slots = model.state.slots.map((/** @type {number[]} */ slot) => carried(slot, new Float64Array(theta.length)));
  return { ...model, network, theta, state: { ...model.state, slots } };
}

/** @type {(tables: Tables, model: Model, place: number, layer: any) => Model} with a new layer before layer `place` */
export function insertLayer(tables, model, place, layer) {
  const layers = [...model.network.layers];
  const origin = layers.map((_, i) => i);
  layers.splice(place, 0, layer);
  origin.splice(place, 0, -1);
  return refit(tables, model, { ...model.network, layers }, origin);
}

/** @type {(tables: Tables, model: Model, place: number) => Model} without a layer */
export function removeLayer(tables, model, place) {
  const without = (/** @type {any} */ _, /** @type {number} */ i) => i !== place;
  const origin = model.network.layers.map((/** @type {any} */ _, /** @type {number} */ i) => i).filter(without);
  return refit(tables, model, { ...model.network, layers: model.network.layers.filter(without) }, origin);
}

/** @type {(tables: Tables, model: Model, place: number, change: object) => Model} with other fields of a layer */
export const changeLayer = (tables, model, place, change) =>
  refit(tables, model, { ...model.network, layers: model.network.layers.map((/** @type {any} */ l, /** @type {number} */ i) => (i === place ? { ...l, ...change } : l)) });

/** @type {(tables: Tables, model: Model, name: string) => Model} with another loss; the last layer is linear where the loss has its own link */
export function changeLoss(tables, model, name) {
  const layers = [...model.network.layers];
  const last = layers.length - 1;
  if (tables.losses[name].owns_link && layers[last].activation) layers[last] = { ...layers[last], activation: { name: "identity", constants: {} } };
  return { ...model, network: { ...model.network, layers, loss: loss(tables, name) } };
}

/** @type {(interval: string) => number[]} */
const bounds = (interval) => interval.slice(1, -1).split(",").map((b) => Number(b.replace("inf", "Infinity")));

/** @type {(to: number, from: number, interval: string) => number} where a movement ends that stays in an interval */
export function fitted(to, from, interval) {
  const [low, high] = bounds(interval);
  const near = Math.min(Math.max(to, low), high);
  return within(near, interval) ? near : from;
}

/** @type {(value: number, interval: string) => boolean} whether a number lies in an interval such as "[0, 1)" */
export function within(value, interval) {
  const [low, high] = bounds(interval);
  return (value > low || (interval[0] === "[" && value === low)) && (value < high || (interval.endsWith("]") && value === high));
}

/** @type {(interval: string) => string} an interval in words */
export function inWords(interval) {
  const [low, high] = interval.slice(1, -1).split(", ");
  const parts = [low !== "-inf" && `${interval[0] === "[" ? "at least" : "above"} ${low}`, high !== "inf" && `${interval.endsWith("]") ? "at most" : "below"} ${high}`];
  return parts.filter(Boolean).join(" and ");
}

/** @type {(tables: Tables, model: Model) => string} why the targets do not suit the loss; "" if they do */
export function targetFault(tables, model) {
  const { domain = {} } = lossEntry(tables, model);
  const { name } = model.network.loss;
  const [low, high] = [domain.low ?? -Infinity, domain.high ?? Infinity];
  for (const [part, t] of [["", model.data.t], [" of the validation part", model.data.validation?.t ?? []]]) {
    for (const [i, row] of t.entries()) {
      const k = row.findIndex((/** @type {number} */ v) => !(v >= low && v <= high));
      const where = `of sample ${i + 1}${part}`;
      if (k >= 0) return `Target ${row[k]} ${where} does not suit ${name}, whose targets are ${inWords(`[${low}, ${high}]`.replace("Infinity", "inf"))}.`;
      const sum = row.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
      if (domain.sums && Math.abs(sum - 1) > 1e-5) return `The targets ${where} sum to ${+sum.toPrecision(6)}; those of ${name} sum to 1, as one 1 for the class and zeros do.`;
    }
  }
  return "";
}

/** @type {(tables: Tables, model: Model) => string} why a network is impossible for its data; "" if it is not */
export function fault(tables, model) {
  const { layers, loss: { name } } = model.network;
  if (!layers.length) return "A network needs a layer.";
  const outputs = widths(tables, model.network).pop();
  const wanted = model.data.t[0].length;
  if (outputs !== wanted) return `The last layer has ${outputs} outputs, but each sample has ${wanted} ${wanted === 1 ? "target" : "targets"}; change the data, or layers below the last.`;
  if (lossEntry(tables, model).domain?.sums && wanted < 2) return `${name} needs two outputs or more, because the softmax of one output is always 1; logistic-cross-entropy is for one.`;
  if (model.theta.length > MOST) return `This network would have ${model.theta.length} parameters, more than ${MOST}; choose smaller layers.`;
  return targetFault(tables, model);
}

/** @type {(tables: Tables, model: Model) => Model} the model, if it is possible; an Error in one sentence otherwise */
export function checked(tables, model) {
  const found = fault(tables, model);
  if (found) throw new Error(found);
  return model;
}
