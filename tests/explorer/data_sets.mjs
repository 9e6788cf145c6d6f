/** Prints the models of the page's presets. Standard input: the tables. */

import { readFileSync } from "node:fs";
import { presets } from "../../src/chainrule/explorer/page/datasets.mjs";

const tables = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Object.fromEntries(presets(tables).map((one) => [one.id, one.make(1)]))));
