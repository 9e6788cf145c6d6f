// The numbers of a step, each with its name, its lines and its result. Follows explanation/work.py.

import { array, entry as at, indices } from "./arrays.mjs";
import { PIECES, routes, several } from "./chain.mjs";
import { contents, refer } from "./contents.mjs";
import { chooseDigits, writeNumber, writeResult } from "./digits.mjs";
import { describe, named, origin } from "./expand.mjs";
import { applyNotation, negated, shorten } from "./habits.mjs";
import { plainName } from "./markup.mjs";
import { widths } from "./network.mjs";
import { key, nameOf } from "./notation.mjs";
import { numericalDerivative } from "./numerical.mjs";
import { Scope } from "./scope.mjs";
import { computes, inNumbers, inSymbols, leaves } from "./typeset.mjs";
import { lossEntry, wire } from "./wire.mjs";

/** @typedef {import("./digits.mjs").Digits} Digits */
/** @typedef {import("./notation.mjs").Notation} Notation */
/** @typedef {import("./notation.mjs").Places} Places */
/** @typedef {import("./typeset.mjs").Expression} Expression */
/** @typedef {import("./typeset.mjs").Ref} Ref */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {{scope: string, name: string, index: number[]}} Place where a number is in the scopes */

/**
 * How rows are written: by default as the model says, without numerical derivatives, with all terms.
 * With `most`, sums show as many of their largest terms, and those of the number `focus`.
 * `replace` are the replacements that the step was wired with.
 * @typedef {object} Options
 * @property {string | Notation} [notation]
 * @property {Digits} [digits]
 * @property {boolean} [numerical]
 * @property {number} [most]
 * @property {Place} [focus]
 * @property {import("./wire.mjs").Replacements} [replace]
 */

/**
 * A formula, and the formula with its numbers; `substituted` is null where it is another name.
 * @typedef {{kind: string, tree: Expression, formula: string, substituted: string | null, count: number, exact: boolean}} Line
 */

/**
 * One number. `name` is in markup, `plain` is text; `leaves` are the numbers that its lines use, and
 * `place` and `places` say where it and they are in the scopes.
 * @typedef {object} Row
 * @property {string} section
 * @property {string} key
 * @property {Ref} ref
 * @property {string} name
 * @property {string} plain
 * @property {number} value
 * @property {string} shown
 * @property {number} sign −1 where the notation defines the name with the opposite sign
 * @property {Line[]} lines
 * @property {Ref[]} leaves
 * @property {Place | null} place
 * @property {Place[]} places
 * @property {{value: number, shown: string} | null} numerical
 */

/**
 * Writes the numbers of a step in a notation, with given digits.
 * @typedef {object} Writer
 * @property {Step} step
 * @property {Notation} notation
 * @property {Digits} digits
 * @property {Places} places
 * @property {Options} options
 * @property {string[]} pieces the parts of the chain rule that have rows of their own
 * @property {Scope | null} derived another derivation of do
 * @property {(ref: Ref) => string} name
 * @property {(leaf: Expression) => Ref} refer
 */

// Up to this number of samples, each path of the chain rule has its own row, if there are not more.
const FEW_SAMPLES = 6;
const MOST_PATHS = 300;
// Up to this number of classes, the Jacobian of a softmax is written out.
const SMALL = 6;

/**
 * Return every number of a step with its lines.
 * @param {Step} step
 * @param {Tables} tables
 * @param {Model} model
 * @param {Options} [options]
 * @returns {Row[]}
 */
export function rowsOf(step, tables, model, options = {}) {
  const writer = writerOf(step, tables, model, options);
  const rows = plan(writer).flatMap(([section, scope, name]) =>
    indices(shapeOf(scope, name)).map((index) => quantity(writer, section, scope, name, index)),
  );
  const before = rows.filter((row) => row.section !== "update");
  return bySample([...before, ...deltas(writer), ...rows.slice(before.length)], writer.places.samples);
}

/**
 * Return the row of one number; undefined if the step has none. It expands nothing else.
 * @param {Step} step
 * @param {Tables} tables
 * @param {Model} model
 * @param {Ref | Place} wanted
 * @param {Options} [options]
 * @returns {Row | undefined}
 */
export function rowOf(step, tables, model, wanted, options = {}) {
  const writer = writerOf(step, tables, model, { numerical: true, ...options });
  const { index } = wanted;
  for (const [section, scope, name] of plan(writer)) {
    const shape = shapeOf(scope, name);
    const same = "scope" in wanted
      ? wanted.scope === scope.label && wanted.name === name
      : isOf(wanted, refer(step, scope, name, shape.map(() => 0)));
    const inside = index.length === shape.length && shape.every((n, i) => index[i] < n);
    if (same && inside) return quantity(writer, section, scope, name, index);
  }
  if ("scope" in wanted) return elsewhere(step, tables, model, wanted, options);
  const alone = wanted.quantity === "delta_sample" ? deltas(writer) : [];
  return alone.find(({ ref }) => isOf(wanted, ref) && ref.index.join() === index.join());
}

/** @type {(a: Ref, b: Ref) => boolean} */
const isOf = (a, b) => a.quantity === b.quantity && a.layer === b.layer;

/**
 * Return the row of a number that another scope has, such as a layer's x.
 * @param {Step} step
 * @param {Tables} tables
 * @param {Model} model
 * @param {Place} place
 * @param {Options} options
 * @returns {Row | undefined}
 */
function elsewhere(step, tables, model, { scope: label, name, index }, options) {
  const scope = label === "input" ? step.input : step.scopes[label];
  if (!scope?.has(name)) return undefined;
  const [owner, there] = origin(scope, name);
  const moved = owner !== scope || there !== name;
  return moved ? rowOf(step, tables, model, { scope: owner.label, name: there, index }, options) : undefined;
}

/**
 * Return what writes the numbers of a step.
 * @param {Step} step
 * @param {Tables} tables
 * @param {Model} model
 * @param {Options} [options]
 * @returns {Writer}
 */
export function writerOf(step, tables, model, options = {}) {
  describe(step);
  const chosen = options.notation ?? model.notation;
  const notation = typeof chosen === "string" ? tables.notations[chosen] : chosen;
  const places = placesOf(step);
  const digits = options.digits ?? model.digits;
  const few = places.samples <= FEW_SAMPLES && (places.widths.at(-1) ?? 0) <= SMALL;
  return {
    ...{ step, notation, places, digits, options },
    derived: few ? derivation(step, places) : null,
    pieces: pieces(step, places.samples, notation),
    name: (ref) => nameOf(notation, ref, places),
    refer: ({ scope, name, index }) => refer(step, scope, name ?? "", index ?? []),
  };
}

/** @type {(step: Step) => Places} */
function placesOf({ tables, model, labels, blocks, loss }) {
  const { owns_link: link, classes } = lossEntry(tables, model);
  const samples = loss.get("n").d[0];
  return { labels, blocks, widths: widths(tables, model.network), link, classes, samples };
}

/**
 * Return which parts of the chain rule have rows of their own.
 * @param {Step} step
 * @param {number} samples
 * @param {Notation} notation
 */
function pieces({ layers }, samples, notation) {
  const single = samples === 1 && notation.patterns.local ? ["local"] : [];
  if (samples > FEW_SAMPLES) return ["slope", ...single];
  const sizes = layers.filter(several).map((s) => PIECES.path.shape(s).reduce((a, b) => a * b, 1));
  return ["slope", ...single, ...(sizes.reduce((a, b) => a + b, 0) <= MOST_PATHS ? ["path"] : [])];
}

/**
 * Return the arrays of a step, and those of the other derivation before do.
 * @param {Writer} writer
 * @returns {import("./contents.mjs").Item[]}
 */
function plan({ step, pieces: parts, derived }) {
  return contents(step, parts).flatMap((item) => {
    if (!derived || item[1] !== step.loss || item[2] !== "do") return [item];
    const others = ["dp", "J"].filter((name) => name in derived.equations);
    return [...others.map((name) => /** @type {typeof item} */ ([item[0], derived, name])), item];
  });
}

/**
 * Return rows sorted by sample within each section, those of all samples together last.
 * @param {Row[]} rows
 * @param {number} samples
 */
function bySample(rows, samples) {
  const sections = ["given", "forward", "error", "backward", "update"];
  const rank = (/** @type {Row} */ { section, ref }) =>
    sections.indexOf(section) * (samples + 1) +
    (section === "given" ? 0 : ref.sampled ? ref.index[0] : samples);
  return samples > 1 ? rows.sort((a, b) => rank(a) - rank(b)) : rows;
}

/** @type {(scope: Scope, name: string) => number[]} of an array or a part of the chain rule */
const shapeOf = (scope, name) => (name in PIECES ? PIECES[name].shape(scope) : scope.get(name).s);

// ---- rows ----

/**
 * Return one number with its lines.
 * @param {Writer} writer
 * @param {string} section
 * @param {Scope} scope
 * @param {string} name
 * @param {number[]} index
 * @returns {Row}
 */
function quantity(writer, section, scope, name, index) {
  const { step, derived, notation } = writer;
  const ref = refer(step, scope, name, index);
  const sign = notation.negated.includes(ref.quantity) ? -1 : 1;
  const piece = PIECES[name]?.expression(scope, index);
  const value = piece ? piece.value : at(scope.get(name), index);
  const write = (/** @type {string} */ kind, /** @type {Expression} */ tree) => line(writer, kind, tree, value, sign);
  /** @type {Line[]} */
  const lines = [];
  if (section !== "given") {
    const own = scope === derived ? "derivation" : "equation";
    const others = scope === derived ? [] : routes(scope, name, index, writer.pieces);
    lines.push(...others.map((tree) => write("chain", tree)), write(own, piece ?? named(scope, name, index)));
  }
  if (derived && scope === step.loss && name === "do") {
    const other = write("derivation", named(derived, name, index));
    if (other.exact) lines.push(other);
  }
  return { ...row(writer, section, ref, value, lines), place: { scope: scope.label, name, index } };
}

/**
 * @param {Writer} writer
 * @param {string} section
 * @param {Ref} ref
 * @param {number} value
 * @param {Line[]} lines
 * @returns {Row}
 */
function row({ step, name: nameOfRef, notation, places, digits, options }, section, ref, value, lines) {
  const name = nameOfRef(ref);
  const sign = notation.negated.includes(ref.quantity) ? -1 : 1;
  const shown = (/** @type {number} */ number) => writeResult(sign * number, digits);
  const derivative = options.numerical ? numericalDerivative(step, ref, options.replace) : null;
  const used = lines.flatMap(({ tree }) => leaves(tree, "symbol"));
  return {
    ...{ section, ref, name, value, sign, lines },
    key: key(ref, places),
    plain: plainName(name),
    shown: shown(value),
    leaves: used.map((symbol) => /** @type {Ref} */ (symbol.ref)),
    place: null,
    places: used.map((symbol) => /** @type {Place} */ (symbol.place)),
    numerical: derivative === null ? null : { value: derivative, shown: shown(derivative) },
  };
}

/**
 * Return a line for a number, with enough digits substituted to recompute the result.
 * @param {Writer} writer
 * @param {string} kind
 * @param {Expression} expanded
 * @param {number} value
 * @param {number} sign
 * @returns {Line}
 */
function line({ options, notation, digits, refer: of, name }, kind, expanded, value, sign) {
  const { most, focus } = options;
  const keep = (/** @type {Expression} */ leaf) =>
    leaf.scope.label === focus?.scope && leaf.name === focus?.name && `${leaf.index}` === `${focus?.index}`;
  const short = most ? shorten(expanded, most, keep) : expanded;
  const positive = applyNotation(short, of, name, notation);
  const tree = sign < 0 ? negated(positive) : positive;
  const formula = inSymbols(tree);
  // Another name for the same number: nothing to substitute.
  if (!computes(tree)) return { kind, tree, formula, substituted: null, count: 17, exact: true };
  const [count, exact] = chooseDigits(tree, sign * value, digits);
  const substituted = inNumbers(tree, (number) => writeNumber(number, count));
  return { kind, tree, formula, substituted, count, exact };
}

// ---- other derivations, and the deltas of each sample ----

/**
 * Return the scope of another derivation of do, or null if these numbers have none.
 * @param {Step} step
 * @param {Places} places
 */
function derivation({ tables, model, loss }, { widths: all }) {
  const known = tables.derivations[model.network.loss.name];
  if (!known) return null;
  const { slope, ...equations } = known;
  const weighted = ["*", ["index", ["name", "weight"], [[null, null], null]], slope];
  const k = all.at(-1) ?? 0;
  const eye = array([1, k, k], Array.from({ length: k * k }, (_, i) => +(i % (k + 1) === 0)));
  const scope = new Scope("derivation", equations, { eye });
  scope.equations.do = ["/", loss.has("weight") ? weighted : slope, ["name", "n"]];
  for (const name of ["p", "t", "n", "o", "weight"]) if (loss.has(name)) scope.links[name] = [loss, name];
  const names = Object.keys(scope.equations);
  return names.every((name) => scope.get(name).d.every(Number.isFinite)) ? scope : null;
}

/**
 * Return delta_sample: the deltas of each sample in a step of its own, without its weight.
 * @param {Writer} writer
 * @returns {Row[]}
 */
function deltas(writer) {
  const { step, options } = writer;
  const n = writer.places.samples;
  if (n === 1 && !step.loss.has("weight")) return [];
  return Array.from({ length: n }).flatMap((_, sample) => {
    const { layers } = single(step, sample, options.replace);
    const found = layers.map((scope, i) => {
      const values = scope.has("delta") ? [...scope.get("delta").d] : [];
      return values.map((value, unit) => {
        const ref = { quantity: "delta_sample", layer: step.labels[i], index: [sample, unit], sampled: true };
        return row(writer, "backward", ref, value, []);
      });
    });
    return found.reverse().flat();
  });
}

/**
 * Return the step of one sample, with its rows of the dropout masks.
 * @param {Step} step
 * @param {number} sample
 * @param {import("./wire.mjs").Replacements} [replace]
 */
function single(step, sample, replace) {
  const own = (/** @type {import("./arrays.mjs").NDArray} */ { s, d }) =>
    array([1, s[1]], d.slice(sample * s[1], (sample + 1) * s[1]));
  const data = { x: own(step.input.values.a), t: own(step.loss.values.t), weight: null, total: 1 };
  const masked = step.layers.filter((scope) => scope.has("mask"));
  const values = Object.fromEntries(masked.map((s) => [s.label, { mask: own(s.get("mask")) }]));
  return wire(step.tables, step.model, { data, values, replace, dropout: masked.length > 0 });
}
