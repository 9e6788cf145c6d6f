/** Prints how many changes can be undone after many of them, in networks of so many hidden units, each with a number of changes. */

import { readFileSync } from "node:fs";
import { modelFor } from "../../src/chainrule/explorer/page/datasets.mjs";
import { Store } from "../../src/chainrule/explorer/page/store.mjs";

const { tables, cases } = JSON.parse(readFileSync(0, "utf8"));
const recipe = { activation: "tanh", loss: "squared-error", rate: 0.1 };
const kept = cases.map(([n, changes]) => {
  const store = new Store(tables, modelFor(tables, { x: [[1, 2, 3]], t: [[1]] }, { ...recipe, hidden: [n] }, 1, ""));
  store.advance();
  for (let i = 0; i < changes; i++) store.edit("a weight", (model) => void (model.theta[0] = i));
  return store.done.length;
});
console.log(JSON.stringify(kept));
