/**
 * Compares the page's rows with Python's.
 * Standard input: {tables, cases: [{name, model, level, want, typeset, digits, values}]}: `want` are
 * rows as `foundRow` and `foundMatrix` return them; `values` are Python's, {label: {name: [shape, numbers]}}.
 * `focus` is the parameter that a derivation with the rows `refs` is about.
 * `replace` are equations of a mistake; then the rows are not compared.
 * Output: a JSON list of {name, rows, differences: [[found, wanted], …], numerical: [[key, value], …]}.
 */

import { readFileSync } from "node:fs";
import { array } from "../../src/chainrule/explorer/page/arrays.mjs";
import { writeNumber, writeResult } from "../../src/chainrule/explorer/page/digits.mjs";
import { MATHML, flow } from "../../src/chainrule/explorer/page/mathml.mjs";
import { corners, matricesOf } from "../../src/chainrule/explorer/page/matrices.mjs";
import { rowOf, rowsOf } from "../../src/chainrule/explorer/page/rows.mjs";
import { tablesOf } from "../../src/chainrule/explorer/page/summary.mjs";
import { texSetter } from "../../src/chainrule/explorer/page/tex.mjs";
import { inNumbers, inSymbols } from "../../src/chainrule/explorer/page/typeset.mjs";
import { wire } from "../../src/chainrule/explorer/page/wire.mjs";

const MOST = 5;
const { tables, cases } = JSON.parse(readFileSync(0, "utf8"));
const SETTERS = [
  MATHML,
  texSetter({ ...tables.tex, keys: false, markdown: false }),
  texSetter({ ...tables.tex, keys: true, markdown: true }),
];

function typeset({ tree, substituted, count }) {
  const write = (value) => writeNumber(value, count);
  const formulas = SETTERS.map((setter) => inSymbols(tree, setter));
  const numbers = SETTERS.map((setter) => substituted && inNumbers(tree, write, setter));
  return [...formulas, flow(formulas[0]), ...numbers];
}

function foundRow({ section, key, name, plain, shown, sign, lines }, also) {
  const written = lines.map((line) => [
    ...[line.kind, line.formula, line.substituted, line.exact],
    ...(also ? typeset(line) : []),
  ]);
  return [section, key, name, plain, shown, sign, written, also ? SETTERS.map((s) => s.name(name)) : []];
}

function foundMatrix({ section, key, name, sign, formula, tree, shown }, digits) {
  const set = tree ? SETTERS.map((setter) => inSymbols(tree, setter)) : [];
  return [section, key, name, sign, formula, set, corners(shown, (value) => writeResult(value, digits))];
}

function wired({ model, values, replace = [] }) {
  const step = wire(tables, model, { replace });
  for (const [label, own] of Object.entries(values ?? {})) {
    for (const [name, [shape, numbers]] of Object.entries(own)) {
      const { equations, results } = step.scopes[label];
      results.set(equations[name], array(shape, numbers));
    }
  }
  return step;
}

const LEVELS = {
  // A delta of one sample alone is from a step of its own, which has the page's numbers.
  scalars: (step, rows, also, { values }) =>
    rows.map((row) => {
      const own = values && row.ref.quantity === "delta_sample";
      return foundRow(own ? { ...row, shown: "" } : row, also);
    }),
  matrices: (step, rows, also, { model, digits }) =>
    matricesOf(step, tables, model).map((matrix) => foundMatrix(matrix, digits)),
  // The rows of a derivation, each for itself.
  parameter: (step, rows, also, { model, refs, focus }) =>
    refs.map((ref) => {
      const { plain, section, shown, lines } = rowOf(step, tables, model, ref, { most: 5, focus, numerical: false });
      return [plain, shown, section === "given" ? [] : lines.map((l) => [l.kind, l.formula, l.substituted, l.exact])];
    }),
  summary: (step, rows, also, { model, digits }) =>
    tablesOf(step, tables, model, { digits }).map(({ title, header, rows: cells, remark }) => [title, header, cells, remark]),
};

function compare(given) {
  const step = wired(given);
  const numerical = Boolean(given.numerical);
  const rows = given.level === "scalars" ? rowsOf(step, tables, given.model, { numerical }) : [];
  const found = LEVELS[given.level](step, rows, given.typeset, given).map((row) => JSON.stringify(row));
  const wanted = given.replace ? found : given.want.map((row) => JSON.stringify(row));
  const pairs = Array.from({ length: Math.max(found.length, wanted.length) }, (_, i) => [found[i], wanted[i]]);
  const single = given.numerical ? rows.flatMap((row) => alone(step, given.model, row)) : [];
  return {
    name: given.name,
    rows: found.length,
    differences: [...pairs, ...single].filter(([a, b]) => a !== b).slice(0, MOST),
    numerical: rows.filter((row) => row.numerical).map((row) => [row.key, row.numerical.value]),
  };
}

/** The row of one number, by its reference and by its place, beside the same one of all rows. */
function alone(step, model, row) {
  const text = JSON.stringify(row);
  const found = [row.ref, row.place].filter(Boolean).map((wanted) => rowOf(step, tables, model, wanted));
  return found.map((one) => [JSON.stringify(one), text]);
}

console.log(JSON.stringify(cases.map(compare)));
