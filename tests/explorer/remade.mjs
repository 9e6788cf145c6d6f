/**
 * Switches mistakes on, and changes the network under them.
 * Standard input: {tables, square, wide}: a network of square matrices, and one of others.
 * Output: the labels of the mistake, or null, after each change.
 */

import { readFileSync } from "node:fs";
import { variants } from "../../src/chainrule/explorer/page/catalogue.mjs";
import { mistakeOf } from "../../src/chainrule/explorer/page/mistakes.mjs";
import { Store } from "../../src/chainrule/explorer/page/store.mjs";

const { tables, square, wide } = JSON.parse(readFileSync(0, "utf8"));
const store = new Store(tables, square);
const first = variants(tables, square).find(({ entry }) => entry.id === "not-transposed");
store.switchMistake(mistakeOf(tables, first));
const seen = [store.step.value === store.rightStep.value, store.mistake?.id ?? null];
const wrong = () => [...store.step.gradient].join() !== [...store.rightStep.gradient].join();
seen.push(wrong());
store.edit("a weight", (model) => void (model.theta[0] += 1));
seen.push(store.mistake?.id ?? null, wrong());
store.begin("another network", wide);
seen.push(store.mistake?.id ?? null, wrong());
store.undo();
seen.push(store.mistake?.id ?? null);
console.log(JSON.stringify(seen));
