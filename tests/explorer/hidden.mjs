/** Lists the keys of numbers under each of their names. Standard input: {tables, model, refs}. */

import { readFileSync } from "node:fs";
import { keysOf } from "../../src/chainrule/explorer/page/practice.mjs";
import { wire } from "../../src/chainrule/explorer/page/wire.mjs";

const { tables, model, refs } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify([...keysOf(wire(tables, model), refs)].sort()));
