// Expands one entry of an array equation into a scalar expression. Follows explanation/expand.py.

import { array, entry as at, indices, isReduction } from "./arrays.mjs";
import { READERS } from "./digits.mjs";
import { call, choice, literal, negation, operation, sum } from "./typeset.mjs";
import { activationEntry, lossEntry } from "./wire.mjs";

/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {import("./scope.mjs").Tree} Tree */
/** @typedef {import("./typeset.mjs").Expression} Expression */
/** @typedef {{name: string, formula: Tree | null, constants: {[name: string]: number}}} Textbook */
/** @typedef {{tree: Tree, safe: boolean}} Written */

// Relative difference at which a textbook formula equals the stable one.
const CLOSE = 1e-13;

/** @type {WeakMap<Scope, {[name: string]: Textbook}>} textbook formulas by the names of functions */
const TEXTBOOKS = new WeakMap();
/** @type {WeakMap<Scope, Map<Tree, Written>>} calls with the textbook formula in their place */
const WRITTEN = new WeakMap();

/**
 * Make the textbook formulas of a step's functions known to the expansion.
 * @param {import("./wire.mjs").Step} step
 */
export function describe({ tables, model, layers, loss }) {
  layers.forEach((scope, i) => {
    const { activation } = model.network.layers[i];
    if (!activation) return;
    const { formula, dformula } = activationEntry(tables, activation);
    const f = { name: activation.name, formula, constants: activation.constants };
    TEXTBOOKS.set(scope, { f, df: { ...f, formula: dformula } });
  });
  const known = ["logistic", "softplus"].filter((name) => name in lossEntry(tables, model).functions);
  const books = known.map((name) => [name, { ...tables.activations[name], name }]);
  TEXTBOOKS.set(loss, Object.fromEntries(books));
}

/** @type {(scope: Scope, name: string) => Textbook | undefined} */
export const textbook = (scope, name) => TEXTBOOKS.get(scope)?.[name];

/**
 * Return the equation of one entry, or a leaf if the name only refers to another.
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @returns {Expression}
 */
export function named(scope, name, index) {
  const [owner, there] = scope.resolve(name);
  if (owner !== scope || there in owner.values) return leaf(scope, name, index);
  return expand(scope, scope.equations[name], index);
}

/**
 * Return the scope and name a value comes from, past links and equations that only rename.
 * @param {Scope} from
 * @param {string} called
 * @returns {[Scope, string]}
 */
export function origin(from, called) {
  const [scope, name] = from.resolve(called);
  const tree = name in scope.values ? 0 : scope.equations[name];
  return Array.isArray(tree) && tree[0] === "name" ? origin(scope, tree[1]) : [scope, name];
}

/**
 * Return the trees that a tree is made of.
 * @param {Tree} tree
 * @returns {Tree[]}
 */
export function operands(tree) {
  if (!Array.isArray(tree) || tree[0] === "name" || tree[0] === "dot") return [];
  if (tree[0] === "call") return tree[2];
  return tree[0] === "index" ? [tree[1]] : tree.slice(1);
}

/**
 * Return one entry of a named quantity.
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @returns {Expression}
 */
function leaf(scope, name, index) {
  const [owner, there] = origin(scope, name);
  const numbers = owner.get(there);
  return leafOf(owner, there, fit(index, numbers.s), at(numbers, fit(index, numbers.s)));
}

/**
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @param {number} value
 * @returns {Expression}
 */
export const leafOf = (scope, name, index, value) =>
  ({ kind: "leaf", parts: [], scope, name, index, value });

/**
 * Return the entry of an operand that broadcasting pairs with an entry of the result.
 * @param {number[]} index
 * @param {number[]} shape
 */
const fit = (index, shape) =>
  shape.length ? index.slice(-shape.length).map((i, k) => (shape[k] === 1 ? 0 : i)) : [];

// ---- the expansion ----

/**
 * Return the scalar expression of one entry of an array expression.
 * @param {Scope} scope
 * @param {Tree} tree
 * @param {number[]} wanted
 * @returns {Expression}
 */
function expand(scope, tree, wanted) {
  if (typeof tree === "number") return literal(tree);
  const numbers = scope.evaluate(tree);
  const index = fit(wanted, numbers.s);
  const value = at(numbers, index);
  const [kind, first, second] = tree;
  const part = (/** @type {number} */ i) => expand(scope, tree[i], index);
  switch (kind) {
    case "name":
      return leaf(scope, first, index);
    case "T":
      return expand(scope, first, index.reverse());
    case "dot":
      return leaf(scope.neighbor(first), second, index);
    case "index":
      return expand(scope, first, through(second, index));
    case "call":
      return called(scope, tree, index, value);
    case "neg":
      return negation(part(1), value);
    case "@":
      return product(scope, tree, index, value);
    default:
      return divided(kind, part(1), part(2), value);
  }
}

/**
 * Return an operation, without a division by a count of 1.
 * @param {string} symbol
 * @param {Expression} left
 * @param {Expression} right
 * @param {number} value
 */
function divided(symbol, left, right, value) {
  const one = symbol === "/" && right.kind === "leaf" && right.name === "n" && right.value === 1;
  return one ? left : operation(symbol, left, right, value);
}

/**
 * Return one entry of a matrix product as a sum of products.
 * @param {Scope} scope
 * @param {Tree} tree
 * @param {number[]} index
 * @param {number} value
 */
function product(scope, tree, index, value) {
  const [left, right] = operands(tree);
  const terms = Array.from({ length: scope.evaluate(left).s[1] }, (_, i) => {
    const [a, b] = [expand(scope, left, [index[0], i]), expand(scope, right, [i, index[1]])];
    return operation("*", a, b, a.value * b.value);
  });
  return terms.length === 1 ? terms[0] : sum(terms, value);
}

/**
 * Return the index into an array of an entry of its subscript.
 * @param {any[]} places
 * @param {number[]} index
 */
function through(places, index) {
  const rest = [...index];
  const inner = places.flatMap((place) => {
    if (typeof place === "number") return [place];
    const own = rest.shift() ?? 0;
    return place ? [own + (place[0] ?? 0)] : [];
  });
  return [...inner, ...rest];
}

/**
 * Return the expression of a function call.
 * @param {Scope} scope
 * @param {any} tree
 * @param {number[]} index
 * @param {number} value
 */
function called(scope, tree, index, value) {
  const [, name, parts] = tree;
  if (isReduction(name)) return reduction(scope, tree, index, value);
  const several = () => parts.map((/** @type {Tree} */ part) => expand(scope, part, index));
  if (name === "where") return choice(several(), value);
  // The mark of a constant of an activation, which Python prints as a float.
  if (name === "real") return { ...literal(value), float: true };
  const book = textbook(scope, name);
  if (!book) return call(name, several(), value, scope.functions[name] && computing(scope, name));
  if (book.name in READERS && name !== "df") return call(book.name, several().slice(0, 1), value);
  const formula = equal(scope, tree, index, value, book);
  if (formula) return expand(scope, formula, index);
  const shown = book.name.replace(/[^\p{L}\p{N}_]/gu, "_");
  if (name !== "df") return call(shown, several(), value, computing(scope, name));
  const f = computing(scope, "f");
  const df = computing(scope, "df");
  return call(`d${shown}`, several().slice(0, 1), value, (z) => df(z, f(z)));
}

/**
 * Return a function of arrays as a function of numbers.
 * @param {Scope} scope
 * @param {string} name
 * @returns {(...numbers: number[]) => number}
 */
const computing = (scope, name) => (...numbers) =>
  scope.functions[name](...numbers.map((x) => array([1, 1], [x]))).d[0];

/**
 * Return a sum, mean or maximum over an axis, with all of its terms.
 * @param {Scope} scope
 * @param {any} tree
 * @param {number[]} index
 * @param {number} value
 */
function reduction(scope, [, name, [inner], options], index, value) {
  const { axis = null, keepdims = false } = options;
  const { s } = scope.evaluate(inner);
  const after = index.slice(axis + +keepdims);
  const places = axis === null ? indices(s) : indices([s[axis]]).map((i) => [...index.slice(0, axis), ...i, ...after]);
  const terms = places.map((place) => expand(scope, inner, place));
  if (terms.length === 1) return terms[0];
  if (name === "max") return call("max", terms, value);
  if (name === "sum") return sum(terms, value);
  return operation("/", sum(terms, value * terms.length), literal(terms.length), value);
}

// ---- functions, as textbooks write them ----

/**
 * Return a call's textbook formula if it gives the value of the stable one.
 * @param {Scope} scope
 * @param {any} tree
 * @param {number[]} index
 * @param {number} value
 * @param {Textbook} book
 */
function equal(scope, tree, index, value, book) {
  if (book.formula === null) return null;
  const { tree: formula, safe } = written(scope, tree, book);
  if (!safe) return null;
  const numbers = scope.evaluate(formula);
  const gap = Math.abs(at(numbers, fit(index, numbers.s)) - value);
  return gap <= CLOSE * Math.abs(value) ? formula : null;
}

/**
 * Return a call with its textbook formula in its place, and whether that computes without overflow.
 * @param {Scope} scope
 * @param {any} tree
 * @param {Textbook} book
 * @returns {Written}
 */
function written(scope, tree, { formula, constants }) {
  const known = WRITTEN.get(scope) ?? new Map();
  WRITTEN.set(scope, known);
  if (!known.has(tree)) {
    const [z, a] = tree[2];
    const marked = Object.entries(constants).map(([name, value]) => [name, ["call", "real", [value], {}]]);
    const found = substituted(formula ?? 0, { z, a, ...Object.fromEntries(marked) });
    known.set(tree, { tree: found, safe: safe(scope, found) });
  }
  return known.get(tree);
}

/**
 * Return a tree with names replaced by trees.
 * @param {Tree} tree
 * @param {{[name: string]: Tree}} names
 * @returns {Tree}
 */
function substituted(tree, names) {
  if (!Array.isArray(tree)) return tree;
  const change = (/** @type {Tree} */ part) => substituted(part, names);
  if (tree[0] === "name") return names[tree[1]] ?? tree;
  if (tree[0] === "call") return ["call", tree[1], tree[2].map(change), tree[3]];
  return [tree[0], ...operands(tree).map(change)];
}

/** @type {(scope: Scope, tree: Tree) => boolean} whether no part is infinite, as e^−z at large −z */
const safe = (scope, tree) =>
  !scope.evaluate(tree).d.some((x) => Math.abs(x) === Infinity) &&
  operands(tree).every((part) => safe(scope, part));
