/** Factors of the chain rule, as the layers' equations give them, and the paths that they lie on. */

import { array } from "./arrays.mjs";
import { Scope } from "./scope.mjs";

/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {{layer: number, unit: number}} Place a unit; layer 0 is the first above the inputs, which are layer -1 */
/** @typedef {{places: Place[], factors: number[], product: number}} Path from a number to the cost */

const MOST = 64;
/** @type {WeakMap<Scope, Map<string, Scope>>} */
const PROBES = new WeakMap();

/** @type {(scope: Scope, name: string, unit: number) => Scope} a layer into which 1 comes back for one unit, 0 for the others */
function probe(scope, name, unit) {
  const known = PROBES.get(scope) ?? new Map();
  PROBES.set(scope, known);
  const key = name + unit;
  if (!known.has(key)) {
    const [n, k] = scope.get("a").s;
    const one = array([n, k], Float64Array.from({ length: n * k }, (_, i) => +(i % k === unit)));
    const copy = new Scope(scope.label, scope.equations, { ...scope.values, [name]: one }, scope.functions);
    known.set(key, Object.assign(copy, { links: scope.links, neighbors: scope.neighbors }));
  }
  return known.get(key);
}

/** @type {(scope: Scope, name: string, sample: number, i: number) => number} */
const at = (scope, name, sample, i) => {
  const { s, d } = scope.get(name);
  return d[sample * s[1] + i];
};

/** @type {(step: Step, label: string) => number} the layer of a scope, or of a parameter array; -1 for others */
export const layerOf = (step, label) => step.blocks.find((b) => b.name === label)?.layer ?? step.layers.findIndex((l) => l.label === label);

/** @type {(step: Step, scope: string, param: string) => import("./network.mjs").Block | undefined} a layer's array of parameters */
export const blockOf = (step, scope, param) => step.blocks.find((b) => b.param === param && b.layer === layerOf(step, scope));

/** @type {(step: Step, ref: Ref) => string} the parameter that a number is one of, or the gradient or new value of; "" for others */
export const paramOf = (step, { scope, name }) => step.blocks.find((b) => b.name === scope)?.param ?? name.match(/^d?([Wb])(_new)?$/)?.[1] ?? "";

/** @type {(scope: Scope) => boolean} whether a layer has weights between its inputs and units */
export const isDense = (scope) => "delta" in scope.equations;

/** @type {(step: Step, sample: number, place: Place) => number} the factor of a unit, ∂a/∂z; 1 where the layer has no z */
export function unitFactor(step, sample, { layer, unit }) {
  const scope = step.layers[layer];
  return isDense(scope) ? at(probe(scope, "da", unit), "delta", sample, unit) : 1;
}

/** @type {(step: Step, sample: number, layer: number, from: number, to: number) => number} the factor of a line: a weight, or ∂a/∂x */
export function edgeFactor(step, sample, layer, from, to) {
  const scope = step.layers[layer];
  return at(probe(scope, isDense(scope) ? "delta" : "da", to), "dx", sample, from);
}

/** @type {(step: Step, sample: number, unit: number) => number} ∂C/∂o */
export const lossFactor = (step, sample, unit) => at(step.loss, "do", sample, unit);

/** @type {(step: Step, layer: number, from: number) => number[]} the units that a unit leads to */
function targets(step, layer, from) {
  const [, width] = step.layers[layer].get("a").s;
  const kind = step.model.network.layers[layer].kind;
  return kind === "dense" || kind === "layer-norm" ? Array.from({ length: width }, (_, k) => k) : [from];
}

/** @type {(step: Step, sample: number, start: Place) => Path[]} from the output of a unit to the cost */
export function pathsFrom(step, sample, { layer, unit }) {
  /** @type {Path[]} */
  let open = [{ places: [{ layer, unit }], factors: [], product: 1 }];
  for (let next = layer + 1; next < step.layers.length && open.length <= MOST; next++) {
    open = open.flatMap((path) => {
      const from = path.places[path.places.length - 1].unit;
      return targets(step, next, from).map((to) => extended(path, { layer: next, unit: to }, [edgeFactor(step, sample, next, from, to), ...own(step, sample, { layer: next, unit: to })]));
    });
  }
  return open.map((path) => extended(path, null, [lossFactor(step, sample, path.places[path.places.length - 1].unit)]));
}

/** @type {(step: Step, sample: number, start: Place) => Path[]} the paths of a large network, those through the same unit of the next layer as one, which ends with its δ; the largest first */
export function nextUnits(step, sample, { layer, unit }) {
  const next = step.layers[layer + 1];
  if (!next) return pathsFrom(step, sample, { layer, unit });
  if (!isDense(next)) return [];
  const [W, delta] = [next.get("W"), next.get("delta")];
  const all = Array.from({ length: W.s[0] }, (_, k) => extended({ places: [{ layer, unit }], factors: [], product: 1 }, { layer: layer + 1, unit: k }, [W.d[k * W.s[1] + unit], delta.d[sample * W.s[0] + k]]));
  return all.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
}

/** @type {(path: Path, place: Place | null, factors: number[]) => Path} */
const extended = ({ places, factors, product }, place, more) => ({
  places: place ? [...places, place] : places,
  factors: [...factors, ...more],
  product: more.reduce((a, b) => a * b, product),
});

/** @type {(step: Step, sample: number, place: Place) => number[]} the factor of a unit, unless it is always 1 */
const own = (step, sample, place) => (isDense(step.layers[place.layer]) && hasSlope(step, place.layer) ? [unitFactor(step, sample, place)] : []);

/** @type {(step: Step, layer: number) => boolean} */
export const hasSlope = (step, layer) => (step.model.network.layers[layer].activation?.name ?? "identity") !== "identity";

/**
 * The unit at which the paths of a number begin, and its own factors before them.
 * @type {(step: Step, sample: number, ref: Ref) => {start: Place, first: number[]} | null}
 */
export function origin(step, sample, ref) {
  const { scope, name, index } = ref;
  const [layer, param] = [layerOf(step, scope), paramOf(step, ref)];
  if (scope === "loss" && ["do", "o", "p"].includes(name)) return { start: { layer: step.layers.length - 1, unit: index[1] }, first: [] };
  if (layer < 0 && scope !== "input") return null;
  const [to = 0, from = 0] = param ? index : index.slice(1);
  if (!param) return { start: { layer: name === "dx" ? layer - 1 : layer, unit: to }, first: ["z", "delta"].includes(name) ? own(step, sample, { layer, unit: to }) : [] };
  if (!isDense(step.layers[layer])) return { start: { layer, unit: to }, first: [param === "W" ? at(step.layers[layer], "xhat", sample, to) : 1] };
  return { start: { layer, unit: to }, first: [...(param === "W" ? [at(step.layers[layer], "x", sample, from)] : []), ...own(step, sample, { layer, unit: to })] };
}
