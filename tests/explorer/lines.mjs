/**
 * Writes every equation of a step as a line of a program.
 * Standard input: {tables, cases: [model]}. Output: for each case a list of lines.
 */

import { readFileSync } from "node:fs";
import { programLine } from "../../src/chainrule/explorer/page/program_line.mjs";
import { wire } from "../../src/chainrule/explorer/page/wire.mjs";

const { tables, cases } = JSON.parse(readFileSync(0, "utf8"));
const isAlias = (tree) => Array.isArray(tree) && tree[0] === "name";
const lines = (step, scope) =>
  Object.entries(scope.equations)
    .filter(([, tree]) => !isAlias(tree))
    .map(([name, tree]) => programLine(step, scope, name, tree));
console.log(
  JSON.stringify(
    cases.map((model) => {
      const step = wire(tables, model);
      return Object.values(step.scopes).flatMap((scope) => lines(step, scope));
    }),
  ),
);
