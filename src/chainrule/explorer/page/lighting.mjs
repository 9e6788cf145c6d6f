/** What lights up in the picture with a number: its counterpart, and the paths of the chain rule or the products that it is made of. */

import { isSmall } from "./layout.mjs";
import { current, sampleOf } from "./sequence.mjs";
import { refKey, valueOf } from "./store.mjs";
import { hasSlope, isDense, layerOf, nextUnits, origin, paramOf, pathsFrom, unitFactor } from "./paths.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {import("./paths.mjs").Path} Path */
/** @typedef {{way: "" | "back" | "forth", chosen: string, texts: Map<string, number[]>, paths: Path[], first: number[], start?: import("./paths.mjs").Place}} Light factors by part; `first` come before those of each path, which begin at `start` */

/** @type {(layer: number, unit: number) => string} the part of a unit; layer -1 is the inputs */
export const unitPart = (layer, unit) => `u${layer},${unit}`;
/** @type {(layer: number, to: number, from: number) => string} */
export const linePart = (layer, to, from) => `w${layer},${to},${from}`;
/** @type {(layer: number, to: number) => string} */
export const biasPart = (layer, to) => `b${layer},${to}`;
/** @type {(unit: number) => string} */
export const targetPart = (unit) => `t${unit}`;

/** @type {(store: Store) => Ref | null} the number that is lit: pointed at, or chosen */
export const litRef = (store) => store.hover ?? store.selection;

/** @type {(store: Store) => number} the sample that is shown, as its place in the batch; that of the number that is pointed at */
export const shownSample = (store) => Math.min(sampleOf(store, store.hover) ?? store.view.sample ?? 0, store.count(store.at) - 1);

/** @type {(store: Store, ref: Ref | null) => string} the part of the picture that shows a number */
export function partOf({ step }, ref) {
  if (!ref) return "";
  const { scope, name, index } = ref;
  const layer = layerOf(step, scope);
  const [one = 0, two = 0] = index;
  if (scope === "input") return unitPart(-1, two);
  if (scope === "loss") return ["o", "do", "p"].includes(name) ? unitPart(step.layers.length - 1, two) : targetPart(two);
  const param = paramOf(step, ref);
  if (layer < 0) return "";
  if (!param) return name === "dx" ? unitPart(layer - 1, two) : unitPart(layer, two);
  return param === "W" && index.length === 2 ? linePart(layer, one, two) : param === "b" ? biasPart(layer, one) : unitPart(layer, one);
}

/** @type {(store: Store) => Light} */
export function light(store) {
  const ref = litRef(store);
  /** @type {Light} */
  const found = { way: "", chosen: partOf(store, ref), texts: new Map(), paths: [], first: [] };
  if (!ref || !found.chosen) return found;
  const item = current(store);
  const stepping = item && refKey(item.ref) === refKey(ref);
  const begin = isSmall(store) ? null : origin(store.step, shownSample(store), ref);
  if (begin) Object.assign(found, { ...begin, paths: nextUnits(store.step, shownSample(store), begin.start) });
  if (!isSmall(store)) return found;
  if (stepping && item.section === "forward") feeds(store, ref, found);
  else if (!["t", "terms", "value", "p"].includes(ref.name) && !(stepping && item.section === "error")) traces(store, ref, found);
  return found;
}

/** @type {(store: Store, ref: Ref, found: Light) => void} the products that a net input is the sum of */
function feeds({ step }, { scope, name, index: [sample, unit] }, found) {
  const layer = layerOf(step, scope);
  if (name !== "z" || !isDense(step.layers[layer])) return;
  const { s } = step.layers[layer].get("W");
  found.way = "forth";
  for (let from = 0; from < s[1]; from++) {
    found.texts.set(linePart(layer, unit, from), [valueOf(step, { scope, name: "x", index: [sample, from] })]);
  }
}

/** @type {(store: Store, ref: Ref, found: Light) => void} */
function traces(store, ref, found) {
  const { step } = store;
  const sample = shownSample(store);
  const begin = origin(step, sample, ref);
  if (!begin) return;
  const { start, first } = begin;
  Object.assign(found, { way: "back", first, paths: pathsFrom(step, sample, start) });
  const slope = (/** @type {number} */ layer, /** @type {number} */ unit) => {
    if (isDense(step.layers[layer]) && hasSlope(step, layer)) found.texts.set(unitPart(layer, unit), [unitFactor(step, sample, { layer, unit })]);
  };
  if (found.chosen[0] !== "u") found.texts.set(found.chosen, first.length > 1 || found.chosen[0] === "w" ? [first[0]] : [1]);
  if (found.chosen[0] !== "u" || first.length) slope(start.layer, start.unit);
  for (const { places, factors } of found.paths) {
    let at = 0;
    for (let i = 1; i < places.length; i++) {
      const { layer, unit } = places[i];
      found.texts.set(linePart(layer, unit, places[i - 1].unit), [factors[at]]);
      at += isDense(step.layers[layer]) && hasSlope(step, layer) ? 2 : 1;
      slope(layer, unit);
    }
    found.texts.set(targetPart(places[places.length - 1].unit), [factors[factors.length - 1]]);
  }
}
