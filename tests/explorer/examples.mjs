/** Writes steps, or runs of so many updates, as explain's JSON. Standard input: {tables, models: [model], updates}. Output: a list of documents. */

import { readFileSync } from "node:fs";
import { exampleOf } from "../../src/chainrule/explorer/page/example.mjs";
import { Store } from "../../src/chainrule/explorer/page/store.mjs";

const { tables, models, updates = 0 } = JSON.parse(readFileSync(0, "utf8"));
const documents = models.map((model) => {
  const store = new Store(tables, model);
  store.advance(updates);
  return exampleOf(store, model.notes ?? undefined, updates ? store.records : undefined);
});
console.log(JSON.stringify(documents));
