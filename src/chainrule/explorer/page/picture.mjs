/** The picture of the network, in the center of the instrument: focus, choice and what lights up with them. */

import { field, h } from "./dom.mjs";
import { drawNetwork } from "./drawing.mjs";
import { isSmall } from "./layout.mjs";
import { light, shownSample } from "./lighting.mjs";
import { current, sampleOf } from "./sequence.mjs";
import { drawMaps, openArithmetic } from "./heatmaps.mjs";
import { numberEditor } from "./number_editor.mjs";
import { numbersTable } from "./numbers.mjs";
import { pathWords } from "./path_words.mjs";
import { looks } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./drawing.mjs").Drawing} Drawing */
/** @typedef {import("./drawing.mjs").Part} Part */
/** @typedef {import("./app.mjs").Change} Change */

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function picture(store) {
  const frame = h("div", { class: "frame", role: "group", "aria-label": "The network, a picture that scrolls" });
  const words = h("div", { class: "paths" });
  const table = numbersTable(store);
  const sample = sampleField(store);
  const editor = numberEditor(store, frame);
  const element = h("figure", { class: "picture" }, sample.element, frame, editor.message, words, table.element);
  let [known, drawing] = ["", /** @type {Drawing | null} */ (null)];
  const update = (/** @type {Change} */ what) => {
    if (what === "selection") followSample(store);
    const signature = signatureOf(store);
    if (signature !== known) {
      known = signature;
      drawing = isSmall(store) ? drawNetwork(store) : drawMaps(store, editor);
      frame.replaceChildren(drawing.svg);
      // maps have listeners of their own
      if (drawing.parts.length) listen(store, drawing, editor);
    }
    const lit = light(store);
    drawing?.svg.setAttribute("data-way", lit.way);
    drawing?.refresh(lit);
    pathWords(store, words, lit);
    sample.update();
    if (what !== "hover") table.update();
  };
  return { id: "picture", title: "Picture", element, update };
}

/** @type {(store: Store) => void} the sample of the chosen number is shown; a whole array is of all */
function followSample(store) {
  // what the pointer rests on may be of another sample
  store.hover = null;
  if (!current(store)?.whole) store.view.sample = sampleOf(store, store.selection) ?? store.view.sample;
}

/** @type {(store: Store) => string} the same as long as the same elements are drawn */
function signatureOf(store) {
  const { network } = store.start;
  const shown = [network.inputs, network.layers.map((/** @type {any} */ l) => [l.kind, l.units, l.activation?.name, l.bias]), network.loss.name];
  return JSON.stringify([shown, looks(store).notation, store.count(store.at) > 1]);
}

/** @type {(store: Store) => {element: HTMLElement, update: () => void}} which of several samples is shown */
function sampleField(store) {
  const show = () => {
    const sample = Math.max(0, Math.min(Math.round(Number(input.value)) - 1 || 0, store.count(store.at) - 1));
    const { selection } = store;
    input.value = String(sample + 1);
    store.hover = null;
    store.look({ sample });
    // the chosen number is that of the same name, of this sample
    if (selection && sampleOf(store, selection) !== undefined) store.select({ ...selection, index: [sample, ...selection.index.slice(1)] });
  };
  const input = h("input", { type: "number", min: 1, on: { change: show } });
  const element = field("Sample shown", input);
  const update = () => {
    const n = store.count(store.at);
    element.hidden = n < 2;
    input.max = String(n);
    if (document.activeElement !== input) input.value = String(shownSample(store) + 1);
  };
  return { element, update };
}

// ---- focus and choice ----

/** @type {(store: Store, drawing: Drawing, editor: import("./number_editor.mjs").Editor) => void} */
function listen(store, { svg, parts }, editor) {
  const focusable = parts.filter((p) => p.list >= 0);
  if (focusable.length) focusable[0].group.tabIndex = 0;
  const found = (/** @type {Event} */ event) => parts.find((p) => [p.group, p.over].some((g) => g?.contains(/** @type {Node} */ (event.target))));
  const point = (/** @type {Event} */ event) => store.point(found(event)?.ref() ?? null);
  svg.addEventListener("pointerover", point);
  svg.addEventListener("pointerleave", () => store.point(null));
  svg.addEventListener("focusin", point);
  svg.addEventListener("focusout", () => store.point(null));
  svg.addEventListener("click", (event) => choose(store, found(event), focusable, false));
  svg.addEventListener("pointerdown", (event) => {
    const part = found(event);
    if (part) editor.drag(event, part.ref());
  });
  svg.addEventListener("dblclick", (event) => {
    const part = found(event);
    if (part) editor.open(part.ref(), labelOf(part));
  });
  svg.addEventListener("keydown", (event) => {
    const part = found(event);
    if (!part) return;
    if (editor.key(event, part.ref(), labelOf(part))) return event.preventDefault();
    const next = neighbor(focusable, part, event.key);
    if (next) focus(focusable, next);
    else if (event.key === "Enter" || event.key === " ") choose(store, part, focusable, event.key === "Enter");
    else return;
    event.preventDefault();
  });
}

/** @type {(part: Part) => Element} where its number stands */
const labelOf = ({ group, over }) => (over ?? group).querySelector("text.value") ?? group;

/** @type {(focusable: Part[], part: Part) => void} */
function focus(focusable, part) {
  for (const { group } of focusable) group.tabIndex = group === part.group ? 0 : -1;
  part.group.focus();
}

/** @type {(store: Store, part: Part | undefined, focusable: Part[], open: boolean) => void} */
function choose(store, part, focusable, open) {
  if (part && focusable.includes(part)) focus(focusable, part);
  openArithmetic(store, part?.ref() ?? null, open);
}

/** @type {(focusable: Part[], part: Part, key: string) => Part | undefined} the arrow keys move in a column, and from column to column */
function neighbor(focusable, part, key) {
  const lists = [...new Set(focusable.map((p) => p.list))].sort((a, b) => a - b);
  const members = (/** @type {number} */ list) => focusable.filter((p) => p.list === list);
  const own = members(part.list);
  const place = own.indexOf(part);
  if (key === "ArrowDown" || key === "ArrowUp") return own[place + (key === "ArrowDown" ? 1 : -1)];
  if (key === "Home") return members(lists[0])[0];
  if (key === "End") return members(lists[lists.length - 1])[0];
  const way = { ArrowRight: 1, ArrowLeft: -1 }[key];
  const other = way && lists[lists.indexOf(part.list) + way];
  if (other === undefined) return undefined;
  const there = members(other);
  return there[Math.min(there.length - 1, Math.floor((place / own.length) * there.length))];
}
