/**
 * Compares the page's evaluator with Python's numbers.
 * Standard input: {tables, cases: [{name, model, options, want: {"scope.name": [shape, numbers, scale]}}]}.
 * Output: a JSON list of {name, numbers, worst, where, error}; worst is relative to `scale`.
 */

import { readFileSync } from "node:fs";
import { array } from "../../src/chainrule/explorer/page/arrays.mjs";
import { wire } from "../../src/chainrule/explorer/page/wire.mjs";

const { tables, cases } = JSON.parse(readFileSync(0, "utf8"), (_, v) => (v === "nan" ? NaN : v));

function compare({ name, model, want, replace, values }) {
  const result = { name, numbers: 0, identical: 0, worst: 0, where: "", error: "" };
  try {
    const memory = mapped(values ?? {}, (own) => mapped(own, ([shape, data]) => array(shape, data)));
    const step = wire(tables, model, { replace: replace ?? [], values: memory });
    for (const [key, [shape, numbers, scales]] of Object.entries(want)) {
      const [label, quantity] = key.split(/\.(?=[^.]*$)/);
      const found = step.scopes[label].get(quantity);
      if (found.s.join() !== shape.join()) throw new Error(`${key}: shape ${found.s}, not ${shape}`);
      numbers.forEach((right, i) => measure(result, key, found.d[i], right, scales[i] ?? scales[0]));
    }
  } catch (error) {
    result.error = String(error.stack ?? error);
  }
  return result;
}

const mapped = (object, f) => Object.fromEntries(Object.entries(object).map(([k, v]) => [k, f(v)]));

function measure(result, key, found, right, scale) {
  result.numbers++;
  if (Object.is(found, right) || found === right) result.identical++;
  const gap = Math.abs(found - right) / Math.max(scale, 1e-300);
  if (!(gap <= result.worst) && found !== right && !(Number.isNaN(found) && Number.isNaN(right))) {
    result.worst = Number.isNaN(gap) ? Infinity : gap;
    result.where = key;
  }
}

console.log(JSON.stringify(cases.map(compare)));
