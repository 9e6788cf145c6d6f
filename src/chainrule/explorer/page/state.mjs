/**
 * The state of a page as text, and back: whatever is read is checked and copied, entry by entry.
 * An error says in a sentence what is wrong with a text.
 */

import { fault } from "./editing.mjs";
import { OPERATORS } from "./functions.mjs";
import { blocks, widths } from "./network.mjs";
import { timeOfPass, timeOfUpdate } from "./estimates.mjs";
import { wire } from "./wire.mjs";
import { LEVELS } from "./words.mjs";

/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {{step: number, theta: number[], slots: number[][]}} Point of a run */
/** @typedef {{model: Model, at: number, mistake: string, origin: Model, now: Point | null}} State where the run begins, how far it is, the key of a mistake, where a reset goes; `now` if the run is too long to make it again */
/** @typedef {(value: any, at: string) => any} Check returns a copy of a value that is as it should be */

const SCHEMA = "chainrule.live/1";
// Numbers at most; updates that are made again when a state is opened.
const MOST = 1e6;
const [PARAMETERS, UPDATES] = [250000, 2000];
// Nanoseconds at most, as estimates.mjs estimates them: of one pass, and of the updates that are made again.
const [PASS, REPLAY] = [1e9, 5e8];
const TOO_LARGE = "a pass over its network and samples would take seconds";

/** @type {(words: string) => never} */
function refuse(words) {
  throw new Error(words);
}

// ---- checks ----

/** @type {(low?: number, high?: number, whole?: boolean) => Check} */
const number = (low = -Infinity, high = Infinity, whole = false) => (value, at) =>
  Number.isFinite(value) && value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : refuse(`${at} is not ${whole ? "a whole" : "a"} number${low > -Infinity ? ` from ${low}` : ""}${high < Infinity ? ` to ${high}` : ""}`);

/** @type {(low: number, high: number) => Check} */
const whole = (low, high) => number(low, high, true);

/** @type {Check} */
const flag = (value, at) => (typeof value === "boolean" ? value : refuse(`${at} is neither true nor false`));

/** @type {(most?: number) => Check} */
const text = (most = 500) => (value, at) => (typeof value === "string" && value.length <= most ? value : refuse(`${at} is not a text of at most ${most} letters`));

/** @type {(table: object) => Check} one of the names of a table */
const name = (table) => (value, at) => (typeof value === "string" && Object.hasOwn(table, value) ? value : refuse(`${at} has an unknown name`));

/** @type {(item: Check, most?: number) => Check} */
const list = (item, most = MOST) => (value, at) => (Array.isArray(value) && value.length <= most ? value.map((v, i) => item(v, `${at}[${i}]`)) : refuse(`${at} is not a list of at most ${most} entries`));

/** @type {(item: Check) => Check} nothing, or something */
const maybe = (item) => (value, at) => (value === null || value === undefined ? null : item(value, at));

/** @type {(value: any, at: string) => [string, any][]} */
function entries(value, at) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(`${at} is not an object`);
  return Object.entries(value).map(([key, v]) => (key in {} ? refuse(`${at} has a word that is not allowed`) : [key, v]));
}

/** @type {(fields: {[name: string]: Check}) => Check} these fields; others are left out */
const record = (fields) => (value, at) => {
  const given = Object.fromEntries(entries(value, at));
  return Object.fromEntries(Object.entries(fields).map(([key, check]) => [key, check(given[key], `${at}.${key}`)]));
};

/** @type {(item: Check) => Check} */
const mapped = (item) => (value, at) => Object.fromEntries(entries(value, at).map(([key, v]) => [key, item(v, `${at}.${key}`)]));

/** @type {Check} a word that no object has as a name of its own */
const word = (value, at) => (value in {} ? refuse(`${at} has a word that is not allowed`) : text(100)(value, at));

/** @type {(...items: Check[]) => Check} a list of so many entries, each with its check */
const tuple = (...items) => (value, at) => (Array.isArray(value) && value.length === items.length ? items.map((item, i) => item(value[i], `${at}[${i}]`)) : refuse(`${at} is not a list of ${items.length} entries`));

/** @type {Check} a part of an index */
const place = maybe((value, at) => (Array.isArray(value) ? list(maybe(number()), 2) : number())(value, at));

/** @type {Check} an option of a function, such as an axis */
const option = maybe((value, at) => (typeof value === "boolean" ? value : number()(value, at)));

/** @type {(depth?: number) => Check} an equation, as explorer/trees.py describes it */
const tree = (depth = 40) => (value, at) => {
  if (typeof value === "number") return number()(value, at);
  if (!depth) refuse(`${at} is nested too deeply`);
  const part = tree(depth - 1);
  const kind = Array.isArray(value) ? value[0] : "";
  /** @type {{[kind: string]: Check[]}} */
  const kinds = { name: [word], dot: [word, word], neg: [part], T: [part], index: [part, list(place, 9)], call: [word, list(part, 9), mapped(option)] };
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : kind === "@" || Object.hasOwn(OPERATORS, kind) ? [part, part] : refuse(`${at} is not an equation`);
  return tuple(text(), ...known)(value, at);
};

const equations = mapped(tree());
const definition = record({ arguments: list(word, 9), lets: list(tuple(word, tree()), 1000), value: tree() });
const limits = mapped(text(60));

// ---- the model ----

/** @type {{[table: string]: Check}} what a user's own function has */
const OWN = {
  activations: record({ formula: maybe(tree()), dformula: maybe(tree()), f: definition, df: definition, constants: mapped(number()), python: text(60), limits }),
  losses: record({ equations, weighted: equations, constants: mapped(number()), functions: mapped(definition), python: text(60), owns_link: flag, classes: flag, domain: record({ low: maybe(number()), high: maybe(number()), sums: flag }), limits }),
};

/** @type {{[name: string]: Check}[]} what the kinds of initializers have */
const KINDS = [{ variance: tree(), distribution: name({ uniform: 1, normal: 1 }) }, { low: number(), high: number() }, { value: number() }, { gain: number() }];

/** @type {Check} an initializer, as explorer/tables.py describes it */
const initializer = (value, at) => {
  const given = Object.fromEntries(entries(value, at));
  const kind = KINDS.find((own) => Object.keys(own).every((key) => key in given));
  return kind ? record({ python: text(20), ...kind })(value, at) : refuse(`${at} is not an initializer`);
};

/** @type {Check} a name of a quantity with placeholders, as Python's Notation takes it */
const pattern = (value, at) => {
  const filled = text(100)(value, at).replace(/<(u|k|l|n|v|N|K|V|jk|0|w|own|da|q|s,?)>/g, "0");
  const good = /^([^<>{}]|[_^]\{([^<>{}]|[_^]\{[^<>{}]*\})*\})+$/.test(filled);
  // these names are parts of others, and would be parts of themselves
  const circular = /\.(W|b|gain|da|dx|dinput)$/.test(at) && /<(own|da)>/.test(value);
  return good && !circular ? value : refuse(`${at} is not a pattern of names`);
};

const notation = record({
  ...{ patterns: mapped(pattern), residual: name({ "o-t": 1, "t-o": 1 }), half: flag, count_from: whole(0, 1), first_layer: whole(0, 1e6) },
  ...{ negated: list(text(20), 100), about: text(), signs: mapped(text(20)), name: text() },
});

/** @type {(tables: Tables, table: string) => Check} a registered entry with its constants, or a user's own with its equations */
const chosen = (tables, table) => (value, at) => {
  const own = value?.entry !== undefined;
  return record({ name: own ? text(60) : name(tables[table]), constants: mapped(number()), ...(own && { entry: OWN[table] }) })(value, at);
};

/** @type {(tables: Tables) => Check} */
const layer = (tables) => (value, at) => {
  const kind = name(tables.layers)(value?.kind, `${at}.kind`);
  /** @type {{[name: string]: Check}} */
  const fields = { eps: number(0), rate: number(0, 0.999999), units: whole(1, 10000), bias: flag, trainable: (v, where) => (Array.isArray(v) ? list(text(9), 9) : flag)(v, where), activation: chosen(tables, "activations"), initializer, bias_initializer: initializer };
  /** @type {{[kind: string]: string[]}} */
  const required = { dense: ["units", "activation"], activation: ["activation"], dropout: ["rate"], "layer-norm": ["eps"] };
  const needed = required[kind] ?? [];
  const given = Object.keys(fields).filter((key) => needed.includes(key) || Object.hasOwn(value, key));
  return { kind, ...record(Object.fromEntries(given.map((key) => [key, fields[key]])))(value, at) };
};

const rows = list(list(number(), 10000), 5000);

/** @type {(tables: Tables) => {[name: string]: Check}} */
const fields = (tables) => ({
  network: record({ inputs: whole(1, 10000), layers: list(layer(tables), 50), loss: chosen(tables, "losses"), penalty: record({ l1: number(0), l2: number(0), alpha: number(0) }) }),
  theta: list(number(), PARAMETERS),
  data: (value, at) => ({
    ...record({ x: rows, t: rows, weight: maybe(list(number(0), 5000)), total: maybe(number(0)), validation: maybe(record({ x: rows, t: rows })), classes: maybe(list(text(100), 1000)), names: maybe(record({ x: list(text(100), 10000), t: list(text(100), 10000) })) })(value, at),
    ...(value?.side === undefined ? {} : { side: whole(1, 100)(value.side, `${at}.side`) }),
  }),
  optimizer: maybe(record({ name: name(tables.optimizers), constants: mapped(number()), learning_rate: (v, at) => (typeof v === "number" ? number()(v, at) : record({ words: text(), tree: tree() })(v, at)), clip: maybe(record({ kind: name({ norm: 1, value: 1 }), limit: number(0) })) })),
  state: record({ step: whole(0, 1e9), slots: list(list(number(), PARAMETERS), 9), seed: whole(0, 2 ** 53) }),
  notation: (v, at) => (typeof v === "string" ? name(tables.notations)(v, at) : notation(v, at)),
  digits: record({ significant: whole(1, 17), decimals: maybe(whole(0, 17)), padded: flag }),
  title: text(),
  source: text(),
  batch_size: maybe(whole(1, 5000)),
  level: maybe(name(Object.fromEntries(LEVELS.map((level) => [level, 1])))),
});

/** @type {(tables: Tables, given: any) => Model} a copy of a model, which can be computed */
export function checkModel(tables, given) {
  const model = record(fields(tables))(given, "the state");
  const { network, data, theta, state } = model;
  const all = widths(tables, network);
  const size = blocks(tables, network).reduce((sum, b) => sum + b.stop - b.start, 0);
  if (!network.layers.length || !data.x.length) refuse("the state has no layer, or no sample");
  if (theta.length !== size) refuse(`the network has ${size} parameters, but ${theta.length} are given`);
  if (state.slots.some((/** @type {number[]} */ slot) => slot.length !== size)) refuse("the optimizer's state does not fit the network");
  const parts = [data, ...(data.validation ? [data.validation] : [])];
  for (const { x, t } of parts) fitting(x, t, all[0], all[all.length - 1]);
  if (data.weight && data.weight.length !== data.x.length) refuse("there is not one weight for each sample");
  if (data.total === null) delete data.total;
  const found = fault(tables, model);
  if (found) refuse(found);
  if (timeOfPass(tables, model) > PASS) refuse(TOO_LARGE);
  compute(tables, model);
  return model;
}

/** @type {(x: number[][], t: number[][], inputs: number, outputs: number) => void} */
function fitting(x, t, inputs, outputs) {
  const fits = x.length === t.length && x.every((row) => row.length === inputs) && t.every((row) => row.length === outputs);
  if (!fits) refuse(`the samples do not have ${inputs} inputs and ${outputs} targets each`);
}

/** @type {(tables: Tables, model: Model) => void} whatever cannot be computed is found here, and not while it is drawn */
function compute(tables, model) {
  try {
    const step = wire(tables, model);
    for (const scope of Object.values(step.scopes)) Object.keys(scope.equations).forEach((key) => scope.get(key));
    step.join("dC");
    if (model.optimizer) step.join("w_new");
    if (!Number.isFinite(step.value)) refuse("its error is not a number");
  } catch (error) {
    refuse(`the network cannot be computed: ${/** @type {Error} */ (error).message}`);
  }
}

// ---- text ----

/** @type {(tables: Tables, model: Model) => number} updates that a state may have, which opening it makes again */
const mostUpdates = (tables, model) => Math.min(UPDATES, Math.floor(REPLAY / timeOfUpdate(tables, model)));

/** @type {(model: Model) => Point} as plain lists */
const pointOf = ({ theta, state: { step, slots } }) => ({ step, theta: [...theta], slots: slots.map((/** @type {ArrayLike<number>} */ slot) => Array.from(slot)) });

/** @type {(store: import("./store.mjs").Store) => string} */
export function stateText({ tables, start, origin, model, at, mistake, view }) {
  if (timeOfPass(tables, start) > PASS) refuse(TOO_LARGE);
  const { theta, step, slots } = pointOf(start);
  const plain = { ...start, notes: undefined, notation: view.notation ?? start.notation, digits: view.digits ?? start.digits, level: view.level ?? start.level, theta, state: { ...start.state, step, slots } };
  const long = at - step > mostUpdates(tables, start);
  return JSON.stringify({ schema: SCHEMA, model: plain, at, mistake: mistake?.id ?? "", ...(origin !== start && { origin: pointOf(origin) }), ...(long && { now: pointOf(model) }) });
}

/** @type {(model: Model, given: any, at: string, least: number) => Point | null} a point of the run of a model */
function pointAt({ theta: { length } }, given, at, least) {
  const point = maybe(record({ step: whole(least, 1e10), theta: list(number(), PARAMETERS), slots: list(list(number(), PARAMETERS), 9) }))(given, at);
  if (point && [point.theta, ...point.slots].some((all) => all.length !== length)) refuse(`${at} does not fit the network`);
  return point;
}

/** @type {(tables: Tables, words: string) => State} */
export function readState(tables, words) {
  /** @type {any} */
  let given;
  try {
    given = JSON.parse(words);
  } catch {
    refuse("it is not JSON");
  }
  if (given?.schema !== SCHEMA) refuse(`it is not a saved state; its schema should be ${SCHEMA}`);
  const model = checkModel(tables, given.model);
  const { step } = model.state;
  const now = pointAt(model, given.now, "now", step);
  const at = now ? now.step : whole(step, 1e10)(given.at, "at");
  const most = mostUpdates(tables, model);
  if (!now && at - step > most) refuse(`it would make ${at - step} updates again, which takes too long; here there may be ${most}`);
  const reached = (/** @type {Point} */ { theta, ...state }) => ({ ...model, theta, state: { ...model.state, ...state } });
  const first = pointAt(model, given.origin, "origin", 0);
  for (const point of [now, first]) if (point) compute(tables, reached(point));
  return { model, at, mistake: text(100)(given.mistake, "mistake"), origin: first ? reached(first) : model, now };
}
