/** Writes steps as explain's JSON. Standard input: {tables, models: [model]}. Output: a list of documents. */

import { readFileSync } from "node:fs";
import { exampleOf } from "../../src/chainrule/explorer/page/example.mjs";
import { Store } from "../../src/chainrule/explorer/page/store.mjs";

const { tables, models } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(models.map((model) => exampleOf(new Store(tables, model), model.notes ?? undefined))));
