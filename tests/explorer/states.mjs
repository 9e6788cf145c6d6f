/**
 * Reads states of a page, and writes them again.
 * Standard input: {tables, texts: [text], updates}. Output: for each text {error} or {model, again}:
 * the model that was read, and whether writing and reading it gives the same. With updates, also
 * {long}: what is read of a state that was written after so many and a change.
 */

import { readFileSync } from "node:fs";
import { pack, unpack } from "../../src/chainrule/explorer/page/packing.mjs";
import { readState, stateText } from "../../src/chainrule/explorer/page/state.mjs";
import { Store } from "../../src/chainrule/explorer/page/store.mjs";

const { tables, texts, updates = 0 } = JSON.parse(readFileSync(0, "utf8"));
const rows = [];
for (const text of texts) {
  try {
    const { model } = readState(tables, text);
    const written = stateText(new Store(tables, model));
    const again = readState(tables, await unpack(await pack(written), 1e6));
    rows.push({ model, again: JSON.stringify(again.model) === JSON.stringify(model), ...(updates && { long: long(model) }) });
  } catch (error) {
    rows.push({ error: String(error.message), kind: error.name });
  }
}
/** A run that is changed on the way and goes on: what is saved of it, what is read, and what opening it gives. */
function long(model) {
  const store = new Store(tables, model);
  store.advance(2);
  store.edit("a weight", (draft) => void (draft.theta[0] += 1));
  store.advance(updates);
  const { origin, now, ...read } = readState(tables, stateText(store));
  const other = new Store(tables, read.model);
  other.begin("open", read.model, false, origin);
  if (now) other.resume(now);
  const [here, losses] = [[...other.model.theta], [other.record.loss, store.record.loss]];
  other.go(read.model.state.step);
  const first = [...other.model.theta];
  other.go(updates + 1);
  const between = other.at;
  other.reset();
  return { at: read.at, now: now && here, same: JSON.stringify(here) === JSON.stringify([...store.model.theta]), losses, between, first, origin: [...other.model.theta], start: [...store.start.theta] };
}

console.log(JSON.stringify(rows));
