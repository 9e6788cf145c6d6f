/** The panel with the arithmetic of the chosen number: formula, numbers, result, and what it is made of. */

import { writeNumber } from "./digits.mjs";
import { button, field, h, select } from "./dom.mjs";
import { isSmall } from "./layout.mjs";
import { arrays, matrices, summary } from "./levels.mjs";
import { elements, flow, inline, MATHML } from "./mathml.mjs";
import { agrees } from "./numerical.mjs";
import { blockOf, isDense, layerOf } from "./paths.mjs";
import { rowOf, rowsOf } from "./rows.mjs";
import { say } from "./say.mjs";
import { reached, repeated, sequence } from "./sequence.mjs";
import { refKey, sameRef } from "./store.mjs";
import { texSetter } from "./tex.mjs";
import { inNumbers, inSymbols } from "./typeset.mjs";
import { wire } from "./wire.mjs";
import { LEVELS, isHidden, levelOf, looks, nameText, valueText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {import("./rows.mjs").Row} Row */

const [MOST_TERMS, MOST_LINKS, MOST_ROWS] = [12, 24, 600];
const EVERY = 8;
/** @type {{[formula: string]: boolean}} LaTeX, and Markdown with LaTeX between dollar signs */
const FORMATS = { LaTeX: false, Markdown: true };

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function arithmetic(store) {
  const place = h("div", { class: "worked", "aria-live": "off" });
  const copied = h("textarea", { readonly: true, rows: 4, hidden: true, "aria-label": "The copied text" });
  const { row, update: updateChoices } = choices(store);
  const whole = h("div");
  const element = h("div", { class: "arithmetic" }, row, place, h("div", { class: "row" }, ...copyButtons(store, copied)), copied, whole);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") /** @type {HTMLElement | null} */ (document.querySelector(".network-picture [tabindex='0']"))?.focus();
  });
  /** @type {import("./wire.mjs").Step | null} the step whose tables are shown */
  let written = null;
  const writeLevel = (/** @type {import("./app.mjs").Change} */ what) => {
    const level = levelOf(store);
    // arrays and tables are of the whole step, whatever is chosen in it
    if (what === "selection" || (what === "cursor" && level === "summary" && written === store.step)) return;
    written = store.playing ? null : store.step;
    whole.replaceChildren(...(level === "matrices" ? matrices(store) : level === "summary" ? summary(store) : []));
  };
  let frames = 0;
  const update = (/** @type {import("./app.mjs").Change} */ what) => {
    if (what === "hover" || (store.playing && frames++ % EVERY)) return;
    copied.hidden = true;
    if (what === "model" || what === "view") updateChoices();
    place.replaceChildren(...shown(store));
    writeLevel(what);
  };
  return { id: "arithmetic", title: "Arithmetic", element, update };
}

/** @type {(store: Store) => {row: HTMLElement, update: () => void}} level, notation and digits */
function choices(store) {
  const names = Object.keys(store.tables.notations).map((name) => /** @type {[string, string]} */ ([name, name]));
  const levels = select(LEVELS, "", (level) => store.look({ level }));
  const own = h("option", { value: "" }, "own");
  const notations = select(names, "", (name) => store.look({ notation: name || null }));
  const change = () => store.look({ digits: { significant: Math.max(2, Math.min(15, Math.round(Number(count.value)) || 4)), decimals: null, padded: false } });
  const count = h("input", { type: "number", min: 2, max: 15, on: { change } });
  const update = () => {
    const { notation, digits } = looks(store);
    if (typeof store.start.notation === "string") own.remove();
    else notations.prepend(own);
    notations.value = typeof notation === "string" ? notation : "";
    levels.value = levelOf(store);
    count.value = String(digits.significant);
  };
  return { row: h("div", { class: "row" }, field("Level", levels), field("Notation", notations), field("Significant digits", count)), update };
}

// ---- rows ----

/** @type {(store: Store) => Row[]} of the chosen number and of those that belong to it */
function rows(store) {
  const { selection, tables } = store;
  if (!selection) return [];
  const { model, step } = batchStep(store);
  const options = { ...looks(store), most: MOST_TERMS, numerical: isSmall(store) && !store.playing, replace: store.mistake?.replace };
  const refs = [selection, ...related(store, selection).filter((ref) => reached(store, ref))].map((ref) => repeated(store, ref));
  const found = refs.map((ref) => rowOf(step, tables, model, ref, options));
  return found.flatMap((row, i) => (row && found.findIndex((other) => other?.key === row.key) === i ? [row] : []));
}

/** @type {(store: Store) => {model: any, step: import("./wire.mjs").Step}} with the samples of the update alone, which numerical derivatives use */
function batchStep(store) {
  const { model, step } = store;
  const data = store.samples(store.at);
  if (data === model.data || store.mistake) return { model, step };
  const part = { ...model, data };
  return { model: part, step: wire(store.tables, part) };
}

/** @type {(store: Store, ref: Ref) => Ref[]} a weight's gradient and update, a unit's net input, output and δ */
function related({ step, start }, { scope, name, index }) {
  const layer = layerOf(step, scope);
  const block = blockOf(step, scope, name);
  if (block) return [{ scope, name: `d${name}`, index }, ...(start.optimizer ? [{ scope: block.name, name: "w_new", index }] : [])];
  if (scope === "loss" && name === "t") return [{ scope, name: "terms", index }, { scope, name: "do", index }];
  if (layer < 0 || name !== "a") return [];
  const names = isDense(step.layers[layer]) ? ["z", "a", "da", "delta"] : ["a", "da", "dx"];
  return names.map((own) => ({ scope, name: own, index }));
}

/** @type {(store: Store) => HTMLElement[]} */
function shown(store) {
  if (!store.selection) return [h("p", {}, "Choose a unit, a weight or a line of mathematics: its formula stands here, with its numbers.")];
  const found = rows(store);
  const given = !found.length && h("p", { tabIndex: -1, "data-focus": "" }, `${nameText(store, store.selection)} = ${valueText(store, store.selection)}: given.`);
  return [...(given ? [given] : found.map((row) => rowElement(store, row))), ...links(store, found, given ? [store.selection] : found.map((row) => row.place))];
}

/** @type {(store: Store, row: Row) => HTMLElement} */
function rowElement(store, row) {
  const hidden = row.place && isHidden(store, row.place);
  const lines = hidden ? [] : row.lines.flatMap((line) => {
    const symbols = lineElement("symbols", flow(inSymbols(line.tree, MATHML)));
    if (line.substituted === null) return [symbols];
    return [symbols, lineElement("numbers", flow(inNumbers(line.tree, substitute(store, line), MATHML)), line.exact ? "" : " (full precision carried)")];
  });
  const result = h("div", { class: "line result" }, h("span", { class: "eq" }, "="), h("strong", {}, hidden ? "?" : row.shown.replace("-", "−")), !hidden && row.numerical && numericalNote(row));
  return h("div", { class: "quantity", role: "group", "aria-label": row.plain, tabIndex: -1, "data-focus": "" }, h("div", { class: "name" }, elements(inline(MATHML.name(row.name)))), h("div", { class: "lines" }, ...lines, result));
}

/** @type {(store: Store, line: import("./rows.mjs").Line) => (value: number, leaf: import("./typeset.mjs").Expression) => string} a number of a line, or ? while it is hidden */
const substitute = (store, { count }) => (value, { place }) => (place && isHidden(store, place) ? "?" : writeNumber(value, count));

/** @type {(kind: string, markup: string, note?: string) => HTMLElement} */
const lineElement = (kind, markup, note = "") => h("div", { class: `line ${kind}` }, h("span", { class: "eq" }, "="), h("span", { class: "set" }, elements(markup), note));

/** @type {(row: Row) => HTMLElement} */
function numericalNote({ value, numerical }) {
  const { value: other, shown: text } = /** @type {{value: number, shown: string}} */ (numerical);
  const good = agrees(value, other);
  return h("span", { class: "annotation" }, `numerically ${text.replace("-", "−")} `, h("span", { class: good ? "good" : "bad" }, good ? "✓ agrees" : "≠ differs"));
}

// ---- links ----

/** @type {WeakMap<object, Map<string, Ref[]>>} what uses each number, by what stays the same with the equations */
const USERS = new WeakMap();

/** @type {(store: Store, found: Row[], places: (Ref | null)[]) => HTMLElement[]} the numbers that the rows are made of, and those that use them, from their places */
function links(store, found, places) {
  const own = places.map(refKey);
  const made = unique(found.flatMap((row) => row.places)).filter((ref) => exists(store)(ref) && !own.includes(refKey(ref)));
  const used = unique(own.flatMap((key) => users(store).get(key) ?? [])).filter((ref) => exists(store)(ref) && !own.includes(refKey(ref)) && reached(store, ref));
  return [list(store, "Made of", made), list(store, "Used by", used)].filter((one) => one !== null);
}

/** @type {(refs: (Ref | null | undefined)[]) => Ref[]} */
const unique = (refs) => [...new Map(refs.flatMap((ref) => (ref ? [[refKey(ref), ref]] : []))).values()];

/** @type {(store: Store) => (ref: Ref) => boolean} parts of the chain rule have rows in Python's pages, but no value of their own */
const exists = ({ step }) => ({ scope, name }) => scope === "input" || Boolean(step.scopes[scope]?.has(name));

/** @type {(store: Store) => Map<string, Ref[]>} */
function users(store) {
  const key = sequence(store);
  const known = USERS.get(key) ?? new Map();
  if (!USERS.has(key) && !key.items[0].whole && key.items.length <= MOST_ROWS) {
    for (const row of rowsOf(store.step, store.tables, store.model, looks(store))) {
      // what only repeats a number does not use it
      for (const place of row.place && sameRef(row.place, repeated(store, row.place)) ? row.places : []) known.set(refKey(place), [...(known.get(refKey(place)) ?? []), row.place]);
    }
  }
  USERS.set(key, known);
  return known;
}

/** @type {(store: Store, title: string, refs: Ref[]) => HTMLElement | null} */
function list(store, title, refs) {
  if (!refs.length) return null;
  const items = refs.slice(0, MOST_LINKS).map((ref) => h("li", {}, button(`${nameText(store, ref)} = ${valueText(store, ref)}`, () => {}, { class: "link", on: { click: () => store.select(ref), pointerenter: () => store.point(ref), pointerleave: () => store.point(null), focus: () => store.point(ref), blur: () => store.point(null) } })));
  return h("div", { class: "links" }, h("h2", {}, title), h("ul", {}, ...items, refs.length > MOST_LINKS && h("li", {}, `and ${refs.length - MOST_LINKS} more`)));
}

// ---- copying ----

/** @type {(store: Store, area: HTMLTextAreaElement) => HTMLElement[]} */
function copyButtons(store, area) {
  return Object.entries(FORMATS).map(([format, markdown]) =>
    button(`Copy as ${format}`, () => {
      area.value = [...rows(store), ...(levelOf(store) === "matrices" ? arrays(store) : [])].map((row) => source(store, row, markdown)).join("\n\n");
      area.hidden = !area.value;
      area.select();
      const done = navigator.clipboard?.writeText(area.value) ?? Promise.reject();
      done.then(() => say(`Copied as ${format}.`), () => say("The text is selected below, to be copied."));
    }),
  );
}

/** @type {(store: Store, row: Row | import("./matrices.mjs").Matrix, markdown: boolean) => string} */
function source(store, row, markdown) {
  const setter = texSetter({ keys: looks(store).notation === "plain", markdown, ...store.tables.tex });
  const line = ("lines" in row ? sidesOf(store, row, setter) : [setter.name(row.name), ...(row.tree ? [inSymbols(row.tree, setter)] : [])]).join(" = ");
  return markdown ? `$${line}$` : `\\[ ${line} \\]`;
}

/** @type {(store: Store, row: Row, setter: ReturnType<typeof texSetter>) => string[]} a name, and what it equals */
function sidesOf(store, { name, lines, place, shown: text }, setter) {
  const hidden = place && isHidden(store, place);
  const sides = (hidden ? [] : lines).flatMap((line) => [inSymbols(line.tree, setter), ...(line.substituted === null ? [] : [inNumbers(line.tree, substitute(store, line), setter)])]);
  return [setter.name(name), ...sides, hidden ? "?" : setter.number(text)];
}
