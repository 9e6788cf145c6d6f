/**
 * Lists the mistakes that apply to a network, and computes two training steps with each of them.
 * Standard input: {tables, cases: [model], every}; the steps of every so many are computed.
 * Output: for each case a list of {id, labels, title, replace, steps: [[numbers], …] | null, error}.
 */

import { readFileSync } from "node:fs";
import { variants } from "../../src/chainrule/explorer/page/catalogue.mjs";
import { Store } from "../../src/chainrule/explorer/page/store.mjs";

const { tables, cases, every } = JSON.parse(readFileSync(0, "utf8"));


/** The loss, the gradient, and the parameters after the update, of so many steps. */
function computed(model, replace, count) {
  const store = new Store(tables, model);
  store.switchMistake({ id: "", title: "", replace });
  const steps = [];
  for (let i = 0; i < count; i++) {
    const { step } = store;
    const update = model.optimizer ? step.theta_new : [];
    steps.push([step.value, ...step.gradient, ...update].map((v) => (Number.isFinite(v) ? v : String(v))));
    if (!model.optimizer || i === count - 1 || !store.update()) break;
  }
  return steps;
}

function told({ entry, labels, title, replace }, i, model) {
  const row = { id: entry.id, labels, title, replace, steps: null, error: "" };
  try {
    if (i % every === 0) row.steps = computed(model, replace, 2);
  } catch (error) {
    row.error = String(error.message);
  }
  return row;
}

console.log(JSON.stringify(cases.map((model) => variants(tables, model).map((v, i) => told(v, i, model)))));
