/** How long a pass and an update take, estimated from the sizes of a network and its samples. */

import { widths } from "./network.mjs";
import { SAMPLES } from "./store.mjs";

/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./network.mjs").Tables} Tables */

// Nanoseconds of a layer, of a parameter, and of a sample's product and unit; measured with node.
const [LAYER, PARAMETER, PRODUCT, UNIT] = [60000, 140, 6, 230];

/** @type {(tables: Tables, model: Model) => number} nanoseconds of a sample */
function timeOfSample(tables, { network, theta }) {
  const { layers, loss } = network;
  const units = widths(tables, network).reduce((a, b) => a + b, 0);
  // a user's own function takes the longer the more it computes, about a nanosecond for each letter
  const own = JSON.stringify([loss.entry, layers.map((/** @type {any} */ layer) => layer.activation?.entry)]);
  return PRODUCT * theta.length + (UNIT + own.length) * units;
}

/** @type {(tables: Tables, model: Model) => number} nanoseconds of a pass over all samples */
export const timeOfPass = (tables, model) => timeOfSample(tables, model) * model.data.x.length;

/** @type {(tables: Tables, model: Model) => number} nanoseconds of an update, with the losses that the curve shows */
export function timeOfUpdate(tables, model) {
  const { network, theta, data, batch_size: size } = model;
  const used = Math.min(size ?? Infinity, data.x.length);
  const drawn = (size ? Math.min(SAMPLES, data.x.length) : 0) + Math.min(SAMPLES, data.validation?.x.length ?? 0);
  return LAYER * network.layers.length + PARAMETER * theta.length + timeOfSample(tables, model) * (used + drawn);
}
