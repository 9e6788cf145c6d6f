/** What follows from a network's description: widths, labels, the layout of θ, first weights. */

import { array } from "./arrays.mjs";
import { Scope } from "./scope.mjs";
import { scalar, size } from "./arrays.mjs";

/** @typedef {import("./arrays.mjs").NDArray} NDArray */
/** @typedef {{name: string, layer: number, param: string, shape: number[], start: number, stop: number, decays: boolean, trains: boolean}} Block */
/** @typedef {{[key: string]: any}} Tables what explorer/tables.py exports */
/** @typedef {{[key: string]: any}} Layer */
/** @typedef {{inputs: number, layers: Layer[], loss: any, penalty: {[name: string]: number}}} Network */

/** @type {(tables: Tables, network: Network) => number[]} of the inputs and of every layer */
export function widths(tables, network) {
  const found = [network.inputs];
  for (const layer of network.layers) {
    found.push(tables.layers[layer.kind].own_width ? layer.units : found[found.length - 1]);
  }
  return found;
}

/** @type {(tables: Tables, network: Network) => string[]} "1", "2", …, "dropout1" */
export function labels(tables, network) {
  /** @type {{[kind: string]: number}} */
  const seen = {};
  return network.layers.map((layer) => {
    const kind = Object.keys(tables.layers[layer.kind].shapes).length ? "" : layer.kind;
    seen[kind] = (seen[kind] ?? 0) + 1;
    return `${kind}${seen[kind]}`;
  });
}

/** @type {(tables: Tables, network: Network) => Block[]} the position of each array in θ */
export function blocks(tables, network) {
  /** @type {Block[]} */
  const found = [];
  const [wide, names] = [widths(tables, network), labels(tables, network)];
  network.layers.forEach((layer, place) => {
    const entry = tables.layers[layer.kind];
    for (const [param, sides] of Object.entries(entry.shapes)) {
      if (param === "b" && layer.bias === false) continue;
      const shape = sides.map((/** @type {string} */ side) => wide[place + (side === "out" ? 1 : 0)]);
      const start = found.length ? found[found.length - 1].stop : 0;
      const trains = Array.isArray(layer.trainable) ? layer.trainable.includes(param) : layer.trainable !== false;
      const decays = entry.weights.includes(param);
      found.push({ name: `${param}${names[place]}`, layer: place, param, shape, start, stop: start + size(shape), decays, trains });
    }
  });
  return found;
}

/** @type {(theta: ArrayLike<number>, block: Block) => NDArray} shares the numbers of a Float64Array */
export const view = (theta, { shape, start, stop }) =>
  array(shape, theta instanceof Float64Array ? theta.subarray(start, stop) : Array.prototype.slice.call(theta, start, stop));

// ---- random numbers ----

const MASK = (1n << 64n) - 1n;

/** @type {(key: bigint) => bigint} scatters 64 bits: the finalizer of splitmix64 */
function mix(key) {
  key = (key + 0x9e3779b97f4a7c15n) & MASK;
  key = ((key ^ (key >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  key = ((key ^ (key >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return key ^ (key >> 31n);
}

/** @type {(seed: number) => () => number} numbers in [0, 1), the same for the same seed */
export function generator(seed) {
  let key = BigInt(seed);
  return () => {
    key = (key + 1n) & MASK;
    return Number(mix(mix(key)) >> 11n) / 2 ** 53;
  };
}

/** @type {(random: () => number) => number} of mean 0 and variance 1 (Box, Muller 1958) */
export const normal = (random) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/**
 * The dropout mask of each layer, null where there is none: the same as Python's.
 * @type {(tables: Tables, network: Network, n: number, seed: number, step: number) => (NDArray | null)[]}
 */
export function masks(tables, network, n, seed, step) {
  const wide = widths(tables, network);
  return network.layers.map((layer, place) => {
    if (layer.kind !== "dropout") return null;
    const key = [seed, step, place].reduce((k, part) => mix(k + BigInt(part)), 0n);
    const threshold = BigInt(layer.rate * 2 ** 64);
    const mask = new Float64Array(n * wide[place]);
    for (let i = 0; i < n; i++) {
      const sample = mix((key + BigInt(i)) & MASK);
      for (let j = 0; j < wide[place]; j++) {
        mask[i * wide[place] + j] = +(mix((sample + BigInt(j)) & MASK) >= threshold);
      }
    }
    return array([n, wide[place]], mask);
  });
}

// ---- first weights ----

/** @type {(tables: Tables, network: Network, seed: number) => Float64Array} drawn by the page's own generator */
export function initialize(tables, network, seed) {
  const random = generator(seed);
  const all = blocks(tables, network);
  const theta = new Float64Array(all.length ? all[all.length - 1].stop : 0);
  for (const block of all) {
    const layer = network.layers[block.layer];
    const own = block.param === "W" ? layer.initializer : layer.bias_initializer;
    const drawn = own ?? tables.layers[layer.kind].initializers[block.param];
    theta.set(draw(random, drawn, block.shape), block.start);
  }
  return theta;
}

/** @type {(random: () => number, drawn: any, shape: number[]) => Float64Array} */
function draw(random, drawn, shape) {
  const numbers = new Float64Array(size(shape));
  if ("value" in drawn) return numbers.fill(drawn.value);
  if ("low" in drawn) return numbers.map(() => drawn.low + (drawn.high - drawn.low) * random());
  if ("gain" in drawn) return orthogonal(random, shape, drawn.gain);
  const fans = { fan_in: scalar(shape[shape.length - 1]), fan_out: scalar(shape[0]) };
  const variance = new Scope("initializer", {}, fans).evaluate(drawn.variance).d[0];
  if (drawn.distribution === "normal") return numbers.map(() => Math.sqrt(variance) * normal(random));
  const bound = Math.sqrt(3 * variance);
  return numbers.map(() => (2 * random() - 1) * bound);
}

/** @type {(random: () => number, shape: number[], gain: number) => Float64Array} rows or columns of length `gain`, at right angles (Gram, Schmidt) */
function orthogonal(random, [rows, columns], gain) {
  const [few, many] = [Math.min(rows, columns), Math.max(rows, columns)];
  /** @type {number[][]} */
  const found = [];
  while (found.length < few) {
    let next = Array.from({ length: many }, () => normal(random));
    for (const one of [...found, ...found]) {
      const along = one.reduce((sum, x, i) => sum + x * next[i], 0);
      next = next.map((x, i) => x - along * one[i]);
    }
    const length = Math.hypot(...next);
    found.push(next.map((x) => x / length));
  }
  const at = (/** @type {number} */ i, /** @type {number} */ j) => (rows <= columns ? found[i][j] : found[j][i]);
  return Float64Array.from({ length: rows * columns }, (_, k) => gain * at(Math.floor(k / columns), k % columns));
}
