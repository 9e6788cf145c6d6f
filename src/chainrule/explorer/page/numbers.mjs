/** A table of the same numbers as in the picture. */

import { h } from "./dom.mjs";
import { shownSample } from "./lighting.mjs";
import { isDense } from "./paths.mjs";
import { reached } from "./sequence.mjs";
import { lossName, nameText, valueText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */

const MOST = 200;

/** @type {(store: Store) => {element: HTMLElement, update: () => void}} written only while it is open */
export function numbersTable(store) {
  const place = h("div", { class: "box", tabIndex: 0, role: "group", "aria-label": "Numbers of the picture" });
  const update = () => element.open && place.replaceChildren(...tables(store));
  const element = h("details", { class: "numbers-table", on: { toggle: update } }, h("summary", {}, "The same numbers as a table"), place);
  return { element, update };
}

/** @type {(store: Store) => HTMLElement[]} */
function tables(store) {
  const { step } = store;
  const sample = shownSample(store);
  const units = step.layers.flatMap(({ label, equations }, i) => {
    const [, width] = step.layers[i].get("a").s;
    return Array.from({ length: width }, (_, k) => ["z", "a", isDense(step.layers[i]) ? "delta" : "da"].map((name) => (name === "z" && !("z" in equations) ? null : { scope: label, name, index: [sample, k] })));
  });
  const weights = step.blocks.flatMap(({ name, layer, param, shape }) => {
    const { label } = step.layers[layer];
    const all = Array.from({ length: shape[0] }, (_, j) => (shape.length > 1 ? Array.from({ length: shape[1] }, (_, i) => [j, i]) : [[j]])).flat().slice(0, MOST);
    return all.map((index) => [{ scope: label, name: param, index }, { scope: label, name: `d${param}`, index }, store.start.optimizer ? { scope: name, name: "w_new", index } : null]);
  });
  return [table(store, "Units", ["net input", "output", "δ"], units, 1), table(store, "Parameters", ["value", `∂${lossName(store)}`, "new"], weights, 0)];
}

/** @type {(store: Store, caption: string, heads: string[], rows: (Ref | null)[][], named: number) => HTMLElement} */
function table(store, caption, heads, rows, named) {
  const cell = (/** @type {Ref | null} */ ref, /** @type {number} */ i) => h("td", {}, ref && (reached(store, ref) || (i === 0 && !named)) ? valueText(store, ref) : "");
  const shown = rows.slice(0, MOST);
  const body = shown.map((refs) => h("tr", {}, h("th", { scope: "row" }, nameText(store, /** @type {Ref} */ (refs[named]))), ...refs.map(cell)));
  const note = rows.length > MOST ? `${caption}: the first ${MOST} of ${rows.length}` : caption;
  return h("table", {}, h("caption", {}, note), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "name"), ...heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, ...body));
}
