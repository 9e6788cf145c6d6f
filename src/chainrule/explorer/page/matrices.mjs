// Each array of a step with its equation: the level of larger networks.
// Follows explanation/matrices.py and pages/cells.py.

import { arrayName } from "./array_names.mjs";
import { contents, refer } from "./contents.mjs";
import { origin, textbook } from "./expand.mjs";
import { applyNotation, negated, symbolOf } from "./habits.mjs";
import { key } from "./notation.mjs";
import { writerOf } from "./rows.mjs";
import { call, choice, inSymbols, literal, negation, operation } from "./typeset.mjs";

/** @typedef {import("./arrays.mjs").NDArray} NDArray */
/** @typedef {import("./rows.mjs").Writer} Writer */
/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {import("./scope.mjs").Tree} Tree */
/** @typedef {import("./typeset.mjs").Expression} Expression */
/** @typedef {import("./wire.mjs").Step} Step */

/**
 * One array: `shown` has the sign of the notation's name; `formula` is empty for a given array;
 * `place` says where it is in the scopes.
 * @typedef {object} Matrix
 * @property {string} section
 * @property {string} key
 * @property {string} name
 * @property {number} sign
 * @property {string} formula
 * @property {Expression | null} tree
 * @property {NDArray} shown
 * @property {{scope: string, name: string}} place
 */

// Rows and columns of a large matrix that are shown, half of them from each end.
const CORNER = 6;
const MOST_ROWS = 12;
const MOST_COLUMNS = 10;
/** @type {Record<string, string>} */
const OVER = { 0: "samples", 1: "units", null: "all" };

/**
 * Return every array of a step that is not only another name.
 * @param {Step} step
 * @param {import("./network.mjs").Tables} tables
 * @param {import("./wire.mjs").Model} model
 * @param {import("./rows.mjs").Options} [options]
 * @returns {Matrix[]}
 */
export function matricesOf(step, tables, model, options = {}) {
  const writer = writerOf(step, tables, model, options);
  return contents(step).flatMap(([section, scope, name]) => {
    const [owner, there] = origin(scope, name);
    const own = section === "given" || (owner === scope && there === name);
    return own ? [matrix(writer, section, scope, name)] : [];
  });
}

/**
 * Return the rows of an array as they are written; null where a large one leaves numbers out.
 * @template T
 * @param {NDArray} array
 * @param {(value: number, place: number) => T} write
 * @returns {(T | null)[][]}
 */
export function corners({ s, d }, write) {
  const [rows, columns] = [s.length > 1 ? s[0] : 1, s.at(-1) ?? 1];
  return ends(rows, MOST_ROWS).map((i) =>
    ends(columns, MOST_COLUMNS).map((k) =>
      i === null || k === null ? null : write(d[i * columns + k], i * columns + k),
    ),
  );
}

/**
 * @param {number} size
 * @param {number} most
 */
function ends(size, most) {
  const all = Array.from({ length: size }, (_, i) => i);
  return size <= most ? all : [...all.slice(0, CORNER / 2), null, ...all.slice(-CORNER / 2)];
}

/**
 * Return one array with its equation.
 * @param {Writer} writer
 * @param {string} section
 * @param {Scope} scope
 * @param {string} name
 * @returns {Matrix}
 */
function matrix(writer, section, scope, name) {
  const { s, d } = scope.get(name);
  const ref = refOf(writer, scope, name);
  const sign = writer.notation.negated.includes(ref.quantity) ? -1 : 1;
  const tree = section === "given" ? null : equation(writer, scope, name, sign);
  return {
    ...{ section, sign, tree },
    key: key(ref, writer.places),
    name: arrayName(writer.notation, ref, writer.places),
    formula: tree ? inSymbols(tree) : "",
    place: { scope: scope.label, name },
    shown: sign < 0 ? { s, d: d.map((x) => -x) } : { s, d },
  };
}

/**
 * Return the equation of an array, as the notation writes it.
 * @param {Writer} writer
 * @param {Scope} scope
 * @param {string} name
 * @param {number} sign
 */
function equation(writer, scope, name, sign) {
  const read = reader(writer, scope)(scope.equations[name]);
  const tree = applyNotation(read, writer.refer, writer.name, writer.notation);
  return sign < 0 ? negated(tree) : tree;
}

/**
 * Return the reference of a whole array; a number common to all layers has no layer.
 * @param {Writer} writer
 * @param {Scope} scope
 * @param {string} name
 */
function refOf({ step }, scope, name) {
  const block = step.blocks.find((b) => b.name === scope.label);
  const place = block ? block.layer : step.layers.indexOf(scope);
  const common = place < 0 || (block && name in scope.values && !scope.values[name].s.length);
  return { ...refer(step, scope, name, []), layer: common ? "" : step.labels[place] };
}

/**
 * Return what reads an equation as an expression whose symbols are whole arrays.
 * @param {Writer} writer
 * @param {Scope} scope
 * @returns {(tree: Tree) => Expression}
 */
function reader(writer, scope) {
  /** @type {(tree: Tree) => Expression} */
  const read = (tree) => {
    if (typeof tree === "number") return literal(tree);
    const [kind, first, second, options] = tree;
    if (kind === "name") return symbol(writer, scope, first);
    if (kind === "dot") return symbol(writer, scope.neighbor(first), second);
    if (kind === "T") return call("transpose", [read(first)], NaN);
    if (kind === "index") return read(first);
    if (kind === "neg") return negation(read(first), NaN);
    if (kind === "call") return called(scope, first, second.map(read), options);
    const both = [first, second].every((side) => scope.evaluate(side).d.length > 1);
    return operation(kind === "*" && both ? "⊙" : kind, read(first), read(second), NaN);
  };
  return read;
}

/**
 * @param {Writer} writer
 * @param {Scope} scope
 * @param {string} name
 */
function symbol(writer, scope, name) {
  const [owner, there] = origin(scope, name);
  const ref = refOf(writer, owner, there);
  const found = symbolOf(ref, arrayName(writer.notation, ref, writer.places), NaN);
  return writer.notation.negated.includes(ref.quantity) ? negation(found, NaN) : found;
}

/**
 * @param {Scope} scope
 * @param {string} name
 * @param {Expression[]} parts
 * @param {{axis?: number | null}} options
 */
function called(scope, name, parts, options) {
  if (name === "where") return choice(parts, NaN);
  if (options.axis !== undefined) return call(`${name} over ${OVER[`${options.axis}`]}`, parts, NaN);
  const book = ["f", "df"].includes(name) && textbook(scope, name);
  return book ? call(book.name + (name === "df" ? "′" : ""), parts.slice(0, 1), NaN) : call(name, parts, NaN);
}
