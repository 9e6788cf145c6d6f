/** Numbers that are changed in the picture: typed there, moved by arrow keys, or dragged sideways. */

import { dragged, messages, numberInput } from "./controls.mjs";
import { field, h } from "./dom.mjs";
import { checked } from "./editing.mjs";
import { blockOf, layerOf, paramOf } from "./paths.mjs";
import { nameText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {{message: HTMLElement, open: (ref: Ref, at: Element) => boolean, key: (event: KeyboardEvent, ref: Ref, at: Element) => boolean, drag: (event: PointerEvent, ref: Ref) => void}} Editor where a function returns a boolean: whether the number can be changed */

// What a movement changes, as in the tables of numbers.
const STEP = 0.05;

/** @type {(store: Store, ref: Ref) => Ref | null} the number that the reader gives: an input, a target, a parameter, or the bias of a unit */
function given({ step }, ref) {
  const { scope, name, index } = ref;
  if (scope === "input") return ref;
  if (scope === "loss") return ["t", "terms"].includes(name) ? { scope, name: "t", index } : null;
  const label = step.layers[layerOf(step, scope)]?.label;
  const param = paramOf(step, ref);
  const own = { scope: label, name: param || "b", index: param ? index : index.slice(1) };
  return label && blockOf(step, label, own.name) ? own : null;
}

/** @type {(store: Store, model: Model, ref: Ref) => [number[], number]} the list of a model that has a number, and its place */
function placeOf(store, { theta, data }, { scope, name, index: [one, two] }) {
  const rows = { input: data.x, loss: data.t }[scope];
  if (rows) return [rows[store.range(store.at)[0] + one], two];
  const { start, shape } = /** @type {import("./network.mjs").Block} */ (blockOf(store.step, scope, name));
  return [theta, start + (two === undefined ? one : one * shape[1] + two)];
}

/** @type {(store: Store, frame: HTMLElement) => Editor} its field stands in the frame, over the number */
export function numberEditor(store, frame) {
  /** @type {import("./controls.mjs").Control | undefined} */
  let input;
  const { message, attempt } = messages(() => input?.refresh());
  const get = (/** @type {Ref} */ ref) => {
    const [list, i] = placeOf(store, store.model, ref);
    return list[i];
  };
  const set = (/** @type {Ref} */ ref, /** @type {number} */ value, /** @type {boolean} */ merge) =>
    store.edit(nameText(store, ref), (model) => {
      const [list, i] = placeOf(store, model, ref);
      list[i] = value;
      return checked(store.tables, model);
    }, merge);
  const move = (/** @type {Ref} */ ref, /** @type {number} */ from, /** @type {number} */ steps, /** @type {boolean} */ merge) =>
    attempt(() => set(ref, +(from + STEP * steps).toPrecision(12), merge));
  const open = (/** @type {Ref} */ shown, /** @type {Element} */ at) => {
    const ref = given(store, shown);
    if (!ref) return false;
    const back = /** @type {HTMLElement | null} */ (document.activeElement);
    const made = (input = numberInput(nameText(store, ref), () => get(ref), (value, merge) => set(ref, value, merge), attempt));
    const box = h("div", { class: "editor" }, field(nameText(store, ref), made.element));
    made.element.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") made.element.dispatchEvent(new Event("change"));
      if (key === "Escape" || (key === "Enter" && !message.textContent)) back?.focus({ preventScroll: true });
    });
    made.element.addEventListener("blur", () => box.remove());
    const [own, around] = [at.getBoundingClientRect(), frame.getBoundingClientRect()];
    frame.append(box);
    const place = (/** @type {number} */ middle, /** @type {number} */ size, /** @type {number} */ most) => `${Math.max(0, Math.min(middle - size / 2, most - size))}px`;
    box.style.left = place(own.x + own.width / 2 - around.x + frame.scrollLeft, box.offsetWidth, frame.scrollWidth);
    box.style.top = place(own.y + own.height / 2 - around.y, box.offsetHeight, frame.offsetHeight);
    made.element.select();
    return true;
  };
  return {
    message,
    open,
    key: (event, shown, at) => {
      const { key, altKey, shiftKey, repeat } = event;
      const way = altKey && { ArrowUp: 1, ArrowDown: -1 }[key];
      const ref = given(store, shown);
      if (!ref || (!way && !["e", "F2"].includes(key))) return false;
      if (way) move(ref, get(ref), way * (shiftKey ? 10 : 1), repeat);
      else open(ref, at);
      return true;
    },
    drag: (event, shown) => {
      const ref = given(store, shown);
      const from = ref ? get(ref) : 0;
      if (ref) dragged(/** @type {Element} */ (event.target), event, (steps, merge) => void move(ref, from, steps, merge));
    },
  };
}
