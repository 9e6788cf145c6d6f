/**
 * Reads states of a page, and writes them again.
 * Standard input: {tables, texts: [text]}. Output: for each text {error} or {model, again}: the model
 * that was read, and whether writing and reading it gives the same.
 */

import { readFileSync } from "node:fs";
import { pack, unpack } from "../../src/chainrule/explorer/page/packing.mjs";
import { readState, stateText } from "../../src/chainrule/explorer/page/state.mjs";
import { Store } from "../../src/chainrule/explorer/page/store.mjs";

const { tables, texts } = JSON.parse(readFileSync(0, "utf8"));
const rows = [];
for (const text of texts) {
  try {
    const { model } = readState(tables, text);
    const written = stateText(new Store(tables, model));
    const again = readState(tables, await unpack(await pack(written), 1e6));
    rows.push({ model, again: JSON.stringify(again.model) === JSON.stringify(model) });
  } catch (error) {
    rows.push({ error: String(error.message), kind: error.name });
  }
}
console.log(JSON.stringify(rows));
