/** A step at two of explain's levels: each array with its equation, and tables of means and spreads. */

import { writeResult } from "./digits.mjs";
import { button, h } from "./dom.mjs";
import { elements, flow, inline, MATHML } from "./mathml.mjs";
import { corners, matricesOf } from "./matrices.mjs";
import { plainName } from "./markup.mjs";
import { numbers } from "./plot.mjs";
import { STAGES, reached } from "./sequence.mjs";
import { tablesOf } from "./summary.mjs";
import { inSymbols } from "./typeset.mjs";
import { cellDigits, isChanged, isHidden, looks } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./matrices.mjs").Matrix} Matrix */

/** @type {(store: Store) => import("./rows.mjs").Options} */
const options = (store) => ({ notation: looks(store).notation, digits: cellDigits(store), replace: store.mistake?.replace });

/** @type {(matrix: Matrix, i: number) => import("./store.mjs").Ref} the number at a place of an array, row by row */
function refOf({ place, shown: { s } }, i) {
  const index = s.map((n, k) => Math.floor(i / s.slice(k + 1).reduce((a, b) => a * b, 1)) % n);
  return { ...place, index };
}

/** @type {(store: Store) => Matrix[]} the arrays that the calculation has come to */
export const arrays = (store) =>
  matricesOf(store.step, store.tables, { ...store.model, data: store.samples(store.at) }, options(store)).filter((matrix) => matrix.section === "given" || reached(store, refOf(matrix, 0)));

/** @type {(store: Store) => HTMLElement[]} the level matrices */
export function matrices(store) {
  const all = arrays(store);
  return all.flatMap((matrix, i) => [
    ...(all[i - 1]?.section === matrix.section ? [] : [h("h2", {}, STAGES[matrix.section] ?? matrix.section)]),
    matrixElement(store, matrix),
  ]);
}

/** @type {(store: Store, matrix: Matrix) => HTMLElement} its name chooses its first number; pointing chooses any */
function matrixElement(store, matrix) {
  const name = plainName(matrix.name);
  const rows = corners(matrix.shown, (value, i) => {
    const ref = refOf(matrix, i);
    const text = isHidden(store, ref) ? "?" : writeResult(value, cellDigits(store)).replace("-", "−");
    return h("td", { "data-place": i }, text, isChanged(store, ref) && h("strong", {}, " ≠"));
  });
  const at = (/** @type {Event} */ { target }) => {
    const cell = target instanceof Element ? target.closest("td")?.dataset.place : undefined;
    return cell === undefined ? null : refOf(matrix, Number(cell));
  };
  const on = {
    click: (/** @type {Event} */ event) => at(event) && store.select(at(event)),
    pointerover: (/** @type {Event} */ event) => store.point(at(event)),
    pointerleave: () => store.point(null),
  };
  const choose = button("", () => store.select(refOf(matrix, 0)), { class: "link", "aria-label": `Choose ${name}` });
  choose.append(elements(inline(MATHML.name(matrix.name))));
  const formula = matrix.tree && h("div", { class: "line" }, h("span", { class: "eq" }, "="), h("span", { class: "set" }, elements(flow(inSymbols(matrix.tree, MATHML)))));
  const table = h("table", { class: "array", on }, h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => cell ?? h("td", {}, "…"))))));
  return h("div", { class: "quantity", role: "group", "aria-label": name }, choose, h("div", { class: "lines" }, formula, table));
}

/** @type {(store: Store) => HTMLElement[]} the level summary, once updates do not follow one another */
export function summary(store) {
  if (store.playing || store.view.hidden?.size) return [h("p", {}, store.playing ? "The tables are written when the run stops." : "The tables are hidden for practice.")];
  const model = { ...store.model, data: store.samples(store.at) };
  return tablesOf(store.step, store.tables, model, options(store)).flatMap(({ title, header, rows, remark }) => [
    numbers(header, rows.map((row) => row.map((cell) => cell.replace(/^-/, "−"))), title),
    h("p", {}, remark),
  ]);
}
