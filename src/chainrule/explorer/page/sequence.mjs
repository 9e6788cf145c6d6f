/** The numbers of a step in the order of a calculation by hand, and moving from one to the next. */

import { indices, size } from "./arrays.mjs";
import { contents, refer } from "./contents.mjs";
import { origin } from "./expand.mjs";
import { refKey } from "./store.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {{section: string, ref: Ref, whole: boolean}} Item one number, or a whole array of a large network */
/** @typedef {{items: Item[], places: Map<string, number>, samples: number, mistake: any}} Sequence */
/** @typedef {"quantity" | "sample" | "stage" | "update" | "epoch"} Unit */

// Of more numbers, whole arrays are shown at once.
const MOST = 3000;
// Other names for numbers that have their own place, as the page leaves them out.
const ALIASES = ["o", "p", "da", "dC", "g"];
/** @type {{[section: string]: string}} */
export const STAGES = { forward: "forward pass", error: "error", backward: "backward pass", update: "update" };
/** @type {WeakMap<object, Sequence>} by the model at which a run starts */
const KNOWN = new WeakMap();

/** @type {(store: Store) => Sequence} */
export function sequence(store) {
  const samples = store.count(store.at);
  const known = KNOWN.get(store.start);
  if (known && known.samples === samples && known.mistake === store.mistake) return known;
  const all = contents(store.step).filter(([section]) => section !== "given");
  const arrays = all.filter(([, scope, name]) => !renamed(scope, name));
  const whole = arrays.reduce((sum, [, scope, name]) => sum + size(scope.get(name).s), 0) > MOST;
  const entries = (/** @type {import("./scope.mjs").Scope} */ scope, /** @type {string} */ name) => {
    const { s } = scope.get(name);
    return (whole ? [s.map(() => 0)] : indices(s)).map((index) => ({ scope: scope.label, name, index }));
  };
  const items = arrays.flatMap(([section, scope, name]) => entries(scope, name).map((ref) => ({ section, ref, whole })));
  // the order of the page: sample by sample, then what is of all of them
  const rank = (/** @type {Item} */ { section, ref }) => Object.keys(STAGES).indexOf(section) * (samples + 1) + (sampleOf(store, ref) ?? samples);
  if (!whole && samples > 1) items.sort((a, b) => rank(a) - rank(b));
  const places = new Map(items.map((item, i) => [placeKey(item.ref, whole), i]));
  // a number that repeats another is reached with it
  for (const [, scope, name] of all) {
    const there = renamed(scope, name);
    for (const ref of there ? entries(scope, name) : []) places.set(placeKey(ref, whole), places.get(placeKey({ ...ref, ...there }, whole)) ?? -1);
  }
  const found = { items, places, samples, mistake: store.mistake };
  KNOWN.set(store.start, found);
  return found;
}

/** @type {(scope: import("./scope.mjs").Scope, name: string) => {scope: string, name: string} | null} what a name only repeats */
function renamed(scope, name) {
  const [there, own] = origin(scope, name);
  return ALIASES.includes(name) && (there !== scope || own !== name) ? { scope: there.label, name: own } : null;
}

/** @type {(store: Store, ref: Ref) => Ref} the number itself, in place of one that only repeats it */
export function repeated({ step }, ref) {
  const scope = step.scopes[ref.scope];
  return { ...ref, ...(scope?.has(ref.name) && renamed(scope, ref.name)) };
}

/** @type {(store: Store, ref: Ref | null) => number | undefined} the sample that a number is of, if it is not of all */
export function sampleOf({ step }, ref) {
  const scope = ref && (ref.scope === "input" ? step.input : step.scopes[ref.scope]);
  return scope && refer(step, scope, ref.name.replace("_new", ""), ref.index).sampled ? ref.index[0] : undefined;
}

/** @type {(ref: Ref, whole: boolean) => string} */
const placeKey = (ref, whole) => (whole ? `${ref.scope}.${ref.name}` : refKey(ref));

/** @type {(store: Store) => number} how many numbers of the step are shown */
export const shownCount = (store) => Math.min(store.cursor, sequence(store).items.length);

/** @type {(store: Store) => Item | undefined} the number that was shown last; undefined at the end of a step */
export const current = (store) => (Number.isFinite(store.cursor) ? sequence(store).items[store.cursor - 1] : undefined);

/** @type {(store: Store, ref: Ref) => boolean} whether the calculation has come to a number */
export function reached(store, ref) {
  if (store.cursor === Infinity) return true;
  const { items, places } = sequence(store);
  return (places.get(placeKey(ref, items[0]?.whole)) ?? -1) < store.cursor;
}

/** @type {(store: Store, item: Item, unit: Unit) => string} what is the same for the numbers of one step of a unit */
function group(store, { section, ref, whole }, unit) {
  if (unit === "stage") return section;
  return unit === "quantity" || whole ? refKey(ref) : `${section} ${sampleOf(store, ref)}`;
}

/** @type {(store: Store, unit: Unit, way: 1 | -1) => boolean} step forward or back; false if there is no further step */
export function move(store, unit, way) {
  if (unit === "update" || unit === "epoch") return moveRun(store, way * (unit === "epoch" ? store.updates : 1), Infinity);
  const { items } = sequence(store);
  const ends = items.flatMap((item, i) => (items[i + 1] && group(store, item, unit) === group(store, items[i + 1], unit) ? [] : [i + 1]));
  // a run begins with its first number
  const fresh = store.cursor === Infinity && way > 0 && store.at === store.start.state.step;
  const at = fresh ? 0 : shownCount(store);
  const next = way > 0 ? ends.find((end) => end > at) : ends.filter((end) => end < at).pop();
  if (next === undefined && (way > 0 || store.at > store.start.state.step)) return moveRun(store, way, way > 0 ? ends[0] : Infinity);
  if (next === undefined && !at) return false;
  store.show(next ?? 0);
  return true;
}

/** @type {(store: Store, updates: number, cursor: number) => boolean} */
function moveRun(store, updates, cursor) {
  const before = { at: store.at, cursor: store.cursor };
  store.cursor = cursor;
  if (updates > 0) store.advance(updates);
  else store.go(store.at + updates);
  if (store.at === before.at) store.show(updates < 0 ? cursor : before.cursor);
  return store.at !== before.at;
}
