/**
 * One equation of a step as a line of the NumPy program that explain writes.
 * It follows Python's explanation/programs/in_numpy.py.
 */

import { optimizerEntry } from "./wire.mjs";

/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {import("./scope.mjs").Tree} Tree */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {{step: Step, inside: boolean}} Context inside the function of an optimizer with moving averages, names have no label */
/** @typedef {[string, number]} Text an expression, and how tightly it holds together */

const [COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM] = [0, 1, 2, 3, 4, 9];
/** @type {{[symbol: string]: number}} */
const TIGHTNESS = { "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "@": PRODUCT, "**": POWER };
const OWN_FUNCTIONS = ["logistic", "softplus", "normal", "erf", "erfc"];
/** @type {{[name: string]: string}} */
const LOSS_NAMES = { terms: "error", value: "loss" };

/** @type {(step: Step, scope: Scope, name: string, tree: Tree) => string} such as "da1 = delta2 @ W2" */
export function programLine(step, scope, name, tree) {
  const { slots, equations } = optimizerEntry(step.tables, step.model);
  const inside = slots.length > 0 && scope.label in step.arrays && name in equations;
  const left = inside ? name : identifier(step, scope, name);
  return `${left} = ${written({ step, inside }, scope, tree)[0]}`;
}

/** @type {(step: Step, scope: Scope, name: string) => string} a quantity's key without an index */
function identifier(step, scope, name) {
  const { label } = scope;
  if (label in step.arrays) return ofArray(label, name);
  if (label === "input") return "x";
  if (label === "loss") return name === "do" ? `d${identifier(step, step.layers[step.layers.length - 1], "a")}` : LOSS_NAMES[name] ?? name;
  if (!step.layers.includes(scope)) return name === "value" ? label : name;
  if (name === "dx") return `d${identifier(step, ...scope.links.x)}`;
  return name + (/^layer\d/.test(label) ? label.slice(5) : `_${label}`);
}

/** @type {(label: string, name: string) => string} */
function ofArray(label, name) {
  if (name === "w" || name === "d") return name === "w" ? label : `d${label}`;
  const [, stem, after = ""] = /** @type {string[]} */ (name.match(/^(.*?)(_new)?$/));
  return stem === "w" ? label + after : `${stem}_${label}${after}`;
}

/** @type {(context: Context, from: Scope, called: string) => Text} the program's name for a name of a scope */
function named({ step, inside }, from, called) {
  if (inside) return [called, ATOM];
  const [scope, name] = from.resolve(called);
  if (name in scope.values) return given(step, scope, name);
  const tree = scope.equations[name];
  const own = step.layers.includes(scope) && (name === "a" || name === "delta");
  if (!own && Array.isArray(tree) && tree[0] === "name") return named({ step, inside }, scope, tree[1]);
  return [identifier(step, scope, name), ATOM];
}

/** @type {(step: Step, scope: Scope, name: string) => Text} */
function given(step, scope, name) {
  const value = scope.values[name];
  if (name === "n" || value.s.length) return [name === "n" ? name : identifier(step, scope, name), ATOM];
  if (value.d[0] === 0) return ["0", ATOM];
  return [step.layers.includes(scope) ? identifier(step, scope, name) : name === "k" ? "step" : name, ATOM];
}

/** @type {(context: Context, scope: Scope, tree: Tree) => Text} */
function written(context, scope, tree) {
  if (typeof tree === "number") return [String(tree), tree < 0 ? SIGN : ATOM];
  const [kind, first, second, third] = tree;
  const text = (/** @type {Tree} */ t) => written(context, scope, t);
  const part = (/** @type {Tree} */ t, /** @type {number} */ around) => fenced(text(t), around);
  if (kind === "name") return named(context, scope, first);
  if (kind === "dot") return named(context, scope.neighbor(first), second);
  if (kind === "neg") return [`-${part(first, SIGN)}`, SIGN];
  if (kind === "T") return [`${part(first, ATOM)}.T`, ATOM];
  if (kind === "index") return [`${part(first, ATOM)}[${second.map(place).join(", ")}]`, ATOM];
  if (kind === "call") return called(context.step, scope, first, second.map((/** @type {Tree} */ t) => part(t, 0)), third);
  return operation(kind, text(first), text(second));
}

/** @type {(text: Text, around: number) => string} in parentheses where the surroundings bind tighter */
const fenced = ([text, mine], around) => (mine < around ? `(${text})` : text);

/** @type {(symbol: string, left: Text, right: Text) => Text} without factors of 1, and factors and terms of 0 */
function operation(symbol, left, right) {
  const [product, less] = [symbol === "*" || symbol === "/", symbol === "-"];
  if (product && (left[0] === "0" || right[0] === "1")) return left;
  if (symbol === "*" && (right[0] === "0" || left[0] === "1")) return right;
  if ((symbol === "+" || less) && right[0] === "0") return left;
  if (symbol === "+" && left[0] === "0") return right;
  const mine = TIGHTNESS[symbol] ?? COMPARISON;
  const power = symbol === "**";
  return [`${fenced(left, mine + +power)} ${symbol} ${fenced(right, mine + +!power)}`, mine];
}

/** @type {(part: number | null | [number | null, number | null]) => string} */
function place(part) {
  if (part === null) return "None";
  return Array.isArray(part) ? part.map((end) => end ?? "").join(":") : String(part);
}

/** @type {(step: Step, scope: Scope, name: string, parts: string[], options: {[name: string]: any}) => Text} */
function called(step, scope, name, parts, options) {
  const activation = step.model.network.layers[step.layers.indexOf(scope)]?.activation;
  if (activation && (name === "f" || name === "df")) {
    if (activation.name === "identity") return name === "f" ? [parts[0], ATOM] : ["1", ATOM];
    const function_ = activation.name.replaceAll("-", "_");
    return [`${name === "df" ? "d" : ""}${function_}(${parts.join(", ")})`, ATOM];
  }
  if (name === "concat") return [`np.concatenate((${parts.join(", ")}), axis=1)`, ATOM];
  const words = Object.entries(options).filter(([, v]) => v !== null).map(([n, v]) => `${n}=${v === true ? "True" : v}`);
  return [`${OWN_FUNCTIONS.includes(name) ? "" : "np."}${name}(${[...parts, ...words].join(", ")})`, ATOM];
}
