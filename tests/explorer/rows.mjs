/**
 * Compares the page's rows with Python's.
 * Standard input: {tables, cases: [{name, model, want: [row, …]}]}, a row as `found` returns it.
 * Output: a JSON list of {name, rows, differences: [[found, wanted], …]} with at most 5 differences.
 */

import { readFileSync } from "node:fs";
import { writeNumber } from "../../src/chainrule/explorer/page/digits.mjs";
import { MATHML } from "../../src/chainrule/explorer/page/mathml.mjs";
import { corners, matricesOf } from "../../src/chainrule/explorer/page/matrices.mjs";
import { rowsOf } from "../../src/chainrule/explorer/page/rows.mjs";
import { texSetter } from "../../src/chainrule/explorer/page/tex.mjs";
import { inNumbers, inSymbols } from "../../src/chainrule/explorer/page/typeset.mjs";
import { wire } from "../../src/chainrule/explorer/page/wire.mjs";

const { tables, cases } = JSON.parse(readFileSync(0, "utf8"));

const SETTERS = [
  MATHML,
  texSetter({ ...tables.tex, keys: false, markdown: false }),
  texSetter({ ...tables.tex, keys: true, markdown: true }),
];

function typeset({ tree, substituted, count }) {
  const write = (value) => writeNumber(value, count);
  return SETTERS.flatMap((setter) => [
    inSymbols(tree, setter),
    substituted === null ? null : inNumbers(tree, write, setter),
  ]);
}

function found({ section, key, name, plain, shown, sign, lines }, set) {
  const written = lines.map((line) => [
    line.kind,
    line.formula,
    line.substituted,
    line.exact,
    ...(set ? typeset(line) : []),
  ]);
  const names = set ? SETTERS.map((setter) => setter.name(name)) : [];
  return [section, key, name, plain, shown, sign, written, names];
}

function foundMatrix({ section, key, name, sign, formula, tree, shown }, digits) {
  const set = tree ? SETTERS.map((setter) => inSymbols(tree, setter)) : [];
  return [section, key, name, sign, formula, set, corners(shown, digits)];
}

const LEVELS = {
  scalars: (step, { model, set }) => rowsOf(step, tables, model).map((row) => found(row, set)),
  matrices: (step, { model, digits }) =>
    matricesOf(step, tables, model).map((matrix) => foundMatrix(matrix, digits)),
};

function compare({ name, want, level = "scalars", ...given }) {
  const step = wire(tables, given.model);
  const rows = LEVELS[level](step, given).map((row) => JSON.stringify(row));
  const wanted = want.map((row) => JSON.stringify(row));
  const differences = [];
  for (let i = 0; i < Math.max(rows.length, wanted.length) && differences.length < 5; i++) {
    if (rows[i] !== wanted[i]) differences.push([rows[i] ?? "", wanted[i] ?? ""]);
  }
  return { name, rows: rows.length, differences };
}

console.log(JSON.stringify(cases.map(compare)));
