// An expression in the habits of a notation: its names, ½, t − o, its signs, no needless 1.
// Follows explanation/apply_notation.py.

import { call, choice, leaves, literal, negation, operation, sum } from "./typeset.mjs";

/** @typedef {import("./typeset.mjs").Expression} Expression */
/** @typedef {import("./typeset.mjs").Ref} Ref */
/** @typedef {import("./notation.mjs").Notation} Notation */

/**
 * Return an expression with symbols for leaves, as a notation writes it.
 * @param {Expression} tree
 * @param {(leaf: Expression) => Ref} refer
 * @param {(ref: Ref) => string} name
 * @param {Notation} notation
 * @returns {Expression}
 */
export function applyNotation(tree, refer, name, notation) {
  /** @type {(part: Expression) => Expression} */
  const change = (part) => {
    if (part.kind === "leaf") return part.name === "eye" ? literal(part.value) : named(part);
    return simple(habit(rebuilt(part, change), notation));
  };
  const named = (/** @type {Expression} */ leaf) => {
    const { value, scope, index = [] } = leaf;
    const ref = refer(leaf);
    const minus = notation.negated.includes(ref.quantity);
    const place = { scope: scope.label, name: leaf.name ?? "", index };
    const symbol = { ...symbolOf(ref, name(ref), minus ? -value : value), place };
    return minus ? negation(symbol, value) : symbol;
  };
  return change(tree);
}

/**
 * @param {Ref} ref
 * @param {string} name
 * @param {number} value
 * @returns {Expression}
 */
export const symbolOf = (ref, name, value) => ({ kind: "symbol", parts: [], ref, name, value });

/**
 * Return minus an expression, without two signs in a row.
 * @param {Expression} tree
 */
export const negated = (tree) => simple(negation(tree, -tree.value));

/**
 * Return an expression with shortened sums: the largest terms, then the total of the rest.
 * @param {Expression} tree
 * @param {number} most
 * @param {(leaf: Expression) => boolean} keep whether a leaf's term stays, however small it is
 * @returns {Expression}
 */
export function shorten(tree, most, keep = () => false) {
  tree = rebuilt(tree, (part) => shorten(part, most, keep));
  if (tree.kind !== "sum" || tree.parts.length <= most + 1) return tree;
  const order = [...tree.parts].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const largest = order.slice(0, most).filter((term, i) => term.value || !i);
  const others = order.slice(largest.length);
  const kept = (/** @type {Expression} */ term) => leaves(term, "leaf").some(keep);
  const left = others.filter((term) => !kept(term));
  const value = left.reduceRight((total, term) => total + term.value, 0);
  const rest = /** @type {Expression} */ ({ kind: "rest", parts: [], count: left.length, value });
  return sum([...largest, ...others.filter(kept), rest], tree.value);
}

/**
 * @param {Expression} tree
 * @param {(part: Expression) => Expression} change
 * @returns {Expression}
 */
const rebuilt = (tree, change) =>
  tree.parts.length ? { ...tree, parts: tree.parts.map(change) } : tree;

// ---- habits ----

/**
 * Return o − t as −(t − o), a division by 2 as ½ times.
 * @param {Expression} tree
 * @param {Notation} notation
 */
function habit(tree, { residual, half }) {
  if (tree.kind !== "operation") return tree;
  const [left, right] = tree.parts;
  if (residual === "t-o") {
    if (tree.symbol === "-" && isOne(left, "p", "o", "a") && isOne(right, "t")) {
      return negation(operation("-", right, left, -tree.value), tree.value);
    }
    const squared = tree.symbol === "**" && left.kind === "negation" && is(right, 2);
    if (squared) return { ...tree, parts: [left.parts[0], right] };
  }
  if (!half || tree.symbol !== "/" || !is(right, 2)) return tree;
  return operation("*", literal(0.5, "½"), left, tree.value);
}

/**
 * @param {Expression} tree
 * @param {number} value
 */
const is = (tree, value) => tree.kind === "literal" && tree.value === value;

/**
 * @param {Expression} tree
 * @param {string[]} quantities
 */
const isOne = (tree, ...quantities) => quantities.includes(tree.ref?.quantity ?? "");

// ---- signs and ones ----

/**
 * Return an expression without needless ones, with one sign at most before a product.
 * @param {Expression} tree
 */
const simple = (tree) => recognized(signs(bare(tree)));

/**
 * Return an expression without factors of 1 and terms of 0.
 * @param {Expression} tree
 */
function bare(tree) {
  const { symbol, parts, value } = tree;
  const [left, right] = parts;
  // A penalty that is off is 0; 0 · x only carries a NaN of x on.
  const off = (/** @type {Expression} */ t) => is(t, 0) || (isOne(t, "l1", "l2", "alpha") && t.value === 0);
  if (symbol === "*" || symbol === "/") {
    if (off(left) || (symbol === "*" && off(right))) return literal(0);
    if (symbol === "*" && is(left, 1)) return right;
    return is(right, 1) ? left : tree;
  }
  if (symbol === "+" && (is(left, 0) || is(right, 0))) return is(right, 0) ? left : right;
  return symbol === "-" && is(left, 0) ? negation(right, value) : tree;
}

/**
 * @param {Expression} a
 * @param {Expression} b
 */
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Return a choice between signs as |x| or sgn x, and π by its name.
 * @param {Expression} tree
 */
function recognized(tree) {
  if (is(tree, Math.PI)) return literal(Math.PI, "π");
  if (tree.kind !== "choice" || !is(tree.parts[0].parts[1] ?? tree, 0)) return tree;
  const [{ symbol, parts }, yes, no] = tree.parts;
  const [x] = parts;
  if (symbol === "<" && yes.kind === "negation" && same(x, no) && same(x, yes.parts[0])) {
    return call("abs", [x], tree.value);
  }
  return symbol === ">" && is(yes, 1) && isMinus(no, x) ? call("sgn", [x], tree.value) : tree;
}

/**
 * Return whether an expression is −1 if x < 0 else 0.
 * @param {Expression} tree
 * @param {Expression} x
 */
function isMinus({ kind, parts: [below, minus, none] }, x) {
  if (kind !== "choice" || below.symbol !== "<" || minus.kind !== "negation") return false;
  return same(below.parts[0], x) && is(below.parts[1], 0) && is(minus.parts[0], 1) && is(none, 0);
}

/**
 * Return an expression whose signs stand in front of products, sums and choices.
 * @param {Expression} tree
 * @returns {Expression}
 */
function signs(tree) {
  const { kind, parts, value } = tree;
  const minus = parts.map((part) => part.kind === "negation");
  const without = () => parts.map((part, i) => (minus[i] ? part.parts[0] : part));
  const pulled = () => negation({ ...tree, parts: without(), value: -value }, value);
  switch (kind) {
    case "operation":
      return signsOf(tree, minus, without, pulled);
    case "negation":
      if (minus[0]) return parts[0].parts[0];
      if (parts[0].kind !== "choice") return tree;
      return signedChoice(tree, parts[0]);
    case "call": {
      const linear = /^(transpose|sum over|mean over)/.test(tree.name ?? "");
      return parts.length === 1 && minus[0] && linear ? pulled() : tree;
    }
    case "sum":
      return minus.every(Boolean) ? negation(sum(parts.map(negated), -value), value) : tree;
    default:
      return tree;
  }
}

/**
 * @param {Expression} tree
 * @param {boolean[]} minus
 * @param {() => Expression[]} without
 * @param {() => Expression} pulled
 */
function signsOf(tree, minus, without, pulled) {
  const symbol = tree.symbol ?? "";
  if (["*", "/", "@", "⊙"].includes(symbol)) {
    if (minus[0] && minus[1]) return { ...tree, parts: without() };
    return minus[0] || minus[1] ? pulled() : tree;
  }
  if (!minus[1] || !"+-".includes(symbol)) return tree;
  return { ...tree, symbol: symbol === "+" ? "-" : "+", parts: [tree.parts[0], tree.parts[1].parts[0]] };
}

/**
 * Return minus a choice as a choice, if one of its cases has a sign.
 * @param {Expression} tree
 * @param {Expression} cases
 */
function signedChoice(tree, { parts: [condition, yes, no] }) {
  const signed = yes.kind === "negation" || no.kind === "negation";
  return signed ? choice([condition, negated(yes), negated(no)], tree.value) : tree;
}
