// The factors and paths of the chain rule, taken from the equations. Follows explanation/chain.py.
// The equation of ∂C/∂v contains products with an adjoint ∂C/∂u; the other factor of such a product
// is ∂u/∂v. So no derivative has to be written down a second time.

import { entry as at } from "./arrays.mjs";
import { leafOf, named, operands, textbook } from "./expand.mjs";
import { literal, operation, sum } from "./typeset.mjs";

/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {import("./scope.mjs").Tree} Tree */
/** @typedef {import("./typeset.mjs").Expression} Expression */
/** @typedef {[Expression, Expression]} Pair an adjoint and the product of the other factors */

const ADJOINTS = ["delta", "da", "dx", "do", "dxhat", "dp"];

/**
 * Return (adjoint, other factor) of each term of a sum of products; none for other forms.
 * @param {Expression} tree
 * @returns {Pair[]}
 */
export function factors(tree) {
  const pairs = (tree.kind === "sum" ? tree.parts : [tree]).map(split);
  return pairs.every((pair) => pair !== null) ? /** @type {Pair[]} */ (pairs) : [];
}

/**
 * @param {Expression} term
 * @returns {Pair | null}
 */
function split(term) {
  if (term.kind === "leaf" && ADJOINTS.includes(term.name ?? "")) return [term, literal(1)];
  if (term.symbol !== "*") return null;
  const [left, right] = term.parts;
  const first = split(left);
  if (first) return [first[0], times(first[1], right)];
  const second = split(right);
  return second && [second[0], times(left, second[1])];
}

/** @param {Expression} tree */
const isOne = (tree) => tree.kind === "literal" && tree.value === 1;

/**
 * @param {Expression} left
 * @param {Expression} right
 */
function times(left, right) {
  if (isOne(left)) return right;
  return isOne(right) ? left : multiplied(left, right);
}

/**
 * @param {Expression} left
 * @param {Expression} right
 */
const multiplied = (left, right) => operation("*", left, right, left.value * right.value);

/** @type {(tree: Tree, test: (part: any) => boolean) => boolean} whether a part passes the test */
const contains = (tree, test) => test(tree) || operands(tree).some((part) => contains(part, test));

// ---- parts with rows of their own ----

/**
 * Return the name whose equation contains the activation's derivative; empty if that is 1.
 * @param {Scope} scope
 */
export function sloping(scope) {
  const f = textbook(scope, "f");
  if (!f || f.name === "identity") return "";
  const names = Object.keys(scope.equations);
  return names.find((name) => contains(scope.equations[name], (t) => t[0] === "call" && t[1] === "df")) ?? "";
}

/**
 * Return ∂a/∂z of one unit.
 * @param {Scope} scope
 * @param {number[]} index
 */
function slope(scope, index) {
  return factors(named(scope, sloping(scope), index))[0]?.[1] ?? literal(1);
}

/**
 * Return whether a layer passes its delta back through a weight matrix.
 * @param {Scope} scope
 */
const sumsProducts = ({ equations }) =>
  "delta" in equations && contains(equations.dx, (t) => t[0] === "name" && t[1] === "delta");

/**
 * Return whether more than one path leads from a hidden unit through this layer.
 * @param {Scope} scope
 */
export function several(scope) {
  const inner = scope.neighbors.below !== scope.neighbors.input;
  return inner && sumsProducts(scope) && factors(named(scope, "dx", [0, 0])).length > 1;
}

/**
 * A part of a chain rule: its expression, the name of its scope that it precedes, its shape.
 * @typedef {object} Part
 * @property {(scope: Scope, index: number[]) => Expression} expression
 * @property {(scope: Scope) => string} belongs
 * @property {(scope: Scope) => number[]} shape
 */

/** @type {Record<string, Part>} */
export const PIECES = {
  slope: { expression: slope, belongs: sloping, shape: (scope) => scope.get(sloping(scope)).s },
  // ∂z/∂w of one weight for one sample: (sample, to, from)
  local: {
    expression: (scope, [sample, ...place]) => factors(named(scope, "dW", place))[sample]?.[1] ?? literal(1),
    belongs: (scope) => (sumsProducts(scope) && factors(named(scope, "dW", [0, 0])).length ? "dW" : ""),
    shape: (scope) => [scope.get("delta").s[0], ...scope.get("dW").s],
  },
  // The contribution of one unit to ∂C/∂x of one input: (sample, input, unit)
  path: {
    expression: (scope, [sample, from, unit]) => multiplied(...factors(named(scope, "dx", [sample, from]))[unit]),
    belongs: (scope) => (several(scope) ? "dx" : ""),
    shape: (scope) => [...scope.get("dx").s, scope.get("delta").s[1]],
  },
};

// ---- a derivative as the product of its factors ----

/**
 * Return the chain rule of one entry in terms of the factors that have rows of their own.
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @param {string[]} pieces the keys of PIECES that have rows
 * @returns {Expression[]} one, or none if it would repeat the equation
 */
export function routes(scope, name, index, pieces) {
  const own = pieces.includes("slope") ? sloping(scope) : "";
  if (own && name === own) return sloped(scope, own, index);
  if (own && ["dW", "db"].includes(name) && sumsProducts(scope)) return weight(scope, name, index, pieces);
  return name === "dx" && pieces.includes("path") && several(scope) ? paths(scope, index) : [];
}

/**
 * Return each adjoint of one unit times the slope of its activation.
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 */
function sloped(scope, name, index) {
  const factor = leafOf(scope, "slope", index, slope(scope, index).value);
  return factors(named(scope, name, index)).map(([adjoint]) => multiplied(adjoint, factor));
}

/**
 * Return ∂C/∂w as Σ over samples of ∂C/∂a · ∂a/∂z · ∂z/∂w.
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @param {string[]} pieces
 */
function weight(scope, name, index, pieces) {
  const listed = pieces.includes("local") && name === "dW";
  const terms = factors(named(scope, name, index)).flatMap(([delta, other], sample) => {
    const factor = listed ? leafOf(scope, "local", [sample, ...index], other.value) : other;
    return sloped(scope, "delta", delta.index ?? []).map((product) => times(product, factor));
  });
  return terms.length < 2 ? terms : [sum(terms, at(scope.get(name), index))];
}

/**
 * Return ∂C/∂a of a unit as the sum of the contributions of the next layer's units.
 * @param {Scope} scope
 * @param {number[]} index
 */
function paths(scope, index) {
  const leaves = factors(named(scope, "dx", index)).map(([adjoint, other], unit) =>
    leafOf(scope, "path", [...index, unit], adjoint.value * other.value),
  );
  return leaves.length ? [sum(leaves, at(scope.get("dx"), index))] : [];
}
