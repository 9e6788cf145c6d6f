// Writes an expression as one line: with names or with numbers, as text, LaTeX or MathML.
// Follows pages/tree.py and pages/typeset.py.

import { plainName } from "./markup.mjs";

/**
 * Identifies one number: quantity, the layer's label, index, whether the index begins with a sample.
 * @typedef {{quantity: string, layer: string, index: number[], sampled: boolean}} Ref
 */

/**
 * A scalar expression. `parts` are its operands, in the order in which they are written.
 *
 * - literal: `value`, `mark` (a sign for it, such as ½), `float` (1.0 and not 1)
 * - leaf: one entry of a named quantity: `scope`, `name`, `index`
 * - symbol: a leaf with its name in a notation: `ref`, `name`, and `place` in the scopes
 * - rest: `count` omitted terms of a sum
 * - operation: `symbol` is + - * / ** @ ⊙ or a comparison
 * - call: `name`, and `compute` for a function that a calculator does not have
 * - negation, sum, choice (condition, yes, no)
 * @typedef {object} Expression
 * @property {"literal"|"leaf"|"symbol"|"rest"|"operation"|"negation"|"call"|"sum"|"choice"} kind
 * @property {Expression[]} parts
 * @property {number} value
 * @property {string} [mark]
 * @property {boolean} [float]
 * @property {string} [name]
 * @property {any} [scope]
 * @property {number[]} [index]
 * @property {Ref} [ref]
 * @property {{scope: string, name: string, index: number[]}} [place]
 * @property {number} [count]
 * @property {string} [symbol]
 * @property {(...numbers: number[]) => number} [compute]
 */

/**
 * How one format writes the parts of an expression; `stacked` fractions need no parentheses.
 * @typedef {object} Setter
 * @property {boolean} stacked
 * @property {(markup: string) => string} name
 * @property {(text: string) => string} number
 * @property {(inner: string) => string} fence
 * @property {(inner: string) => string} negation
 * @property {(symbol: string, left: string, right: string) => string} operation
 * @property {(top: string, bottom: string) => string} fraction
 * @property {(base: string, exponent: string) => string} power
 * @property {(name: string, parts: string[]) => string} call
 * @property {(terms: [boolean, string][]) => string} total
 * @property {(count: number) => string} rest
 * @property {(condition: string, yes: string, no: string) => string} choice
 */

const [CHOICE, COMPARISON, ADDITION, MINUS, PRODUCT, POWER, ATOM] = [0.1, 0.5, 1, 1.5, 2, 4, 9];
/** @type {Record<string, number>} */
const PRECEDENCE = { "+": ADDITION, "-": ADDITION, "*": PRODUCT, "/": PRODUCT, "**": POWER };
Object.assign(PRECEDENCE, { "@": PRODUCT, "⊙": PRODUCT });

/**
 * @param {number} value
 * @param {string} [mark]
 * @returns {Expression}
 */
export const literal = (value, mark = "") => ({ kind: "literal", parts: [], value, mark });

/**
 * @param {string} symbol
 * @param {Expression} left
 * @param {Expression} right
 * @param {number} value
 * @returns {Expression}
 */
export const operation = (symbol, left, right, value) => ({
  kind: "operation",
  symbol,
  parts: [left, right],
  value,
});

/**
 * @param {Expression} operand
 * @param {number} value
 * @returns {Expression}
 */
export const negation = (operand, value) => ({ kind: "negation", parts: [operand], value });

/**
 * @param {string} name
 * @param {Expression[]} parts
 * @param {number} value
 * @param {(...numbers: number[]) => number} [compute]
 * @returns {Expression}
 */
export const call = (name, parts, value, compute) => ({ kind: "call", name, parts, value, compute });

/**
 * @param {Expression[]} parts
 * @param {number} value
 * @returns {Expression}
 */
export const sum = (parts, value) => ({ kind: "sum", parts, value });

/**
 * @param {Expression[]} parts
 * @param {number} value
 * @returns {Expression}
 */
export const choice = (parts, value) => ({ kind: "choice", parts, value });

/**
 * Return whether an expression is more than a name, a negated name or a number.
 * @param {Expression} tree
 */
export function computes(tree) {
  const inner = tree.kind === "negation" ? tree.parts[0] : tree;
  return !["leaf", "symbol", "literal"].includes(inner.kind);
}

/**
 * Return the leaves of a kind, from left to right.
 * @param {Expression} tree
 * @param {string} kind
 * @returns {Expression[]}
 */
export function leaves(tree, kind) {
  return tree.kind === kind ? [tree] : tree.parts.flatMap((part) => leaves(part, kind));
}

/**
 * Return a number as Python writes it.
 * @param {number} value
 * @param {boolean} [float]
 */
export function pythonNumber(value, float = false) {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").toLowerCase();
  if (Number.isInteger(value) && !float) return String(value);
  const [mantissa, exponent] = value.toExponential().split("e");
  const fixed = value === 0 || (+exponent >= -4 && +exponent < 16);
  if (fixed) return Number.isInteger(value) ? `${value}.0` : String(value);
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/**
 * Return the terms of a sum in a row, each after its sign.
 * @param {Setter} setter
 * @param {[boolean, string][]} terms
 */
export function signedTerms(setter, [[less, first], ...others]) {
  const signed = others.map(([minus, term]) => (minus ? " - " : " + ") + term).join("");
  return (less ? setter.negation(first) : first) + signed;
}

/**
 * Python text, with * for a product.
 * @type {Setter}
 */
export const TEXT = {
  stacked: false,
  name: plainName,
  number: (text) => text,
  fence: (inner) => `(${inner})`,
  negation: (inner) => `-${inner}`,
  operation: (symbol, left, right) => left + (symbol === "*" ? "*" : ` ${symbol} `) + right,
  fraction: (top, bottom) => `${top} / ${bottom}`,
  power: (base, exponent) => `${base}**${exponent}`,
  call: (name, parts) => (name === "transpose" ? `${parts[0]}ᵀ` : `${name}(${parts.join(", ")})`),
  total: (terms) => signedTerms(TEXT, terms),
  rest: (count) => `[${count} further terms]`,
  choice: (condition, yes, no) => `${yes} if ${condition} else ${no}`,
};

/**
 * Return an expression in symbols.
 * @param {Expression} tree
 * @param {Setter} [setter]
 */
export function inSymbols(tree, setter = TEXT) {
  return show(tree, { setter, write: null });
}

/**
 * Return an expression with the numbers substituted, each written by `write`.
 * @param {Expression} tree
 * @param {(value: number, leaf: Expression) => string} write
 * @param {Setter} [setter]
 */
export function inNumbers(tree, write, setter = TEXT) {
  return show(tree, { setter, write });
}

/**
 * Return pretty text: · for products and ² for squares.
 * @param {string} line
 */
export function pretty(line) {
  const squared = line.replace(/\*\*2\b/g, "²").replaceAll("½*(", "½(");
  return squared.replaceAll("**", "^").replaceAll("*", " · ");
}

/** @typedef {{setter: Setter, write: ((value: number, leaf: Expression) => string) | null}} Style */

/**
 * Return the text of an expression, in parentheses if its surroundings bind tighter.
 * @param {Expression} tree
 * @param {Style} style
 * @param {number} [around]
 * @returns {string}
 */
function show(tree, style, around = 0) {
  const [text, mine] = set(tree, style);
  return mine < around ? style.setter.fence(text) : text;
}

/**
 * Return the text of an expression, and how tightly it holds together.
 * @param {Expression} tree
 * @param {Style} style
 * @returns {[string, number]}
 */
function set(tree, style) {
  const { setter } = style;
  const inner = (/** @type {number} */ around) => tree.parts.map((p) => show(p, style, around));
  switch (tree.kind) {
    case "literal":
      return [setter.number((!style.write && tree.mark) || pythonNumber(tree.value, tree.float)), ATOM];
    case "negation":
      return [setter.negation(inner(PRODUCT)[0]), MINUS];
    case "sum":
      return [setter.total(tree.parts.map((part) => term(part, style))), ADDITION];
    case "call":
      return [setter.call(tree.name ?? "", inner(0)), ATOM];
    case "choice":
      return [setter.choice(.../** @type {[string, string, string]} */ (inner(COMPARISON))), CHOICE];
    case "operation":
      return operated(tree, style);
    default:
      return named(tree, style);
  }
}

/**
 * Return whether a term of a sum is subtracted, and the term.
 * @param {Expression} tree
 * @param {Style} style
 * @returns {[boolean, string]}
 */
function term(tree, style) {
  const less = tree.kind === "negation";
  return [less, less ? show(tree.parts[0], style, PRODUCT) : show(tree, style, MINUS)];
}

/**
 * @param {Expression} tree
 * @param {Style} style
 * @returns {[string, number]}
 */
function named(tree, { setter, write }) {
  if (write) {
    const text = write(tree.value, tree);
    return [setter.number(text), text.startsWith("-") ? MINUS - 0.1 : ATOM];
  }
  return [tree.kind === "rest" ? setter.rest(tree.count ?? 0) : setter.name(tree.name ?? ""), ATOM];
}

/**
 * @param {Expression} tree
 * @param {Style} style
 * @returns {[string, number]}
 */
function operated(tree, style) {
  const { setter } = style;
  const symbol = tree.symbol ?? "";
  const mine = PRECEDENCE[symbol] ?? COMPARISON;
  const both = (/** @type {number} */ left, /** @type {number} */ right) =>
    /** @type {[string, string]} */ (tree.parts.map((p, i) => show(p, style, i ? right : left)));
  if (symbol === "/") {
    return [setter.fraction(...(setter.stacked ? both(0, 0) : both(mine, mine + 0.5))), mine];
  }
  if (symbol === "**") return [setter.power(...both(ATOM, setter.stacked ? 0 : ATOM)), mine];
  return [setter.operation(symbol, ...both("+-".includes(symbol) ? ADDITION : mine, mine + 0.5)), mine];
}
