/** Controls for numbers: typed, moved by arrow keys or dragged, one by one or in a table with pages. */

import { ambiguity } from "./datasets.mjs";
import { button, h } from "./dom.mjs";

/** @typedef {(value: number, merge: boolean) => void} Write sets a number; `merge` in the middle of a movement */
/** @typedef {{element: HTMLElement, refresh: () => unknown}} Control */
/** @typedef {(change: () => void) => boolean} Attempt makes a change, or shows in a sentence why not */

/** @type {(value: number) => string} */
export const shown = (value) => String(+value.toPrecision(6)).replace("-", "−");

/** @type {(value: number) => string} as attributes of numbers are read */
const withoutExponent = (value) => (!/e/.test(String(value)) ? String(value) : Math.abs(value) < 1 ? value.toFixed(20) : String(BigInt(value)));

/** @type {(text: string) => number} */
const read = (text) => Number(ambiguity(text.trim()) ? NaN : text.trim().replace("−", "-").replace(",", ".") || NaN);

/** @type {(refresh: () => void) => {message: HTMLElement, attempt: Attempt}} a place for sentences; `refresh` shows the state before */
export function messages(refresh) {
  const message = h("p", { class: "live-message", role: "alert" });
  const attempt = (/** @type {() => void} */ change) => {
    message.textContent = "";
    try {
      change();
      return true;
    } catch (error) {
      refresh();
      message.textContent = error instanceof Error ? error.message : String(error);
      return false;
    }
  };
  return { message, attempt };
}

/**
 * A number: typed (Enter or leaving), changed by arrow keys (Shift: ten steps), or dragged sideways.
 * A step of 0 is one in the second digit; `fit` says where a movement ends that would lead too far.
 * @type {(label: string, get: () => number, set: Write, attempt: Attempt, step?: number, fit?: (to: number, from: number) => number) => {element: HTMLInputElement, refresh: () => unknown}}
 */
export function numberInput(label, get, set, attempt, step = 0.05, fit = (/** @type {number} */ to) => to) {
  const element = h("input", { type: "text", inputmode: "decimal", role: "spinbutton", autocomplete: "off", class: "number", "aria-label": label, "data-key": label });
  const refresh = () => {
    element.value = shown(get());
    element.removeAttribute("aria-invalid");
    element.setAttribute("aria-valuenow", withoutExponent(get()));
    element.setAttribute("aria-valuetext", element.value);
  };
  const write = (/** @type {number} */ value, merge = false) => attempt(() => {
    if (!Number.isFinite(value)) element.setAttribute("aria-invalid", "true");
    if (!Number.isFinite(value)) throw new Error(`${label}: ${ambiguity(element.value.trim()) || `“${element.value.slice(0, 40)}” is not a number; type one such as 0.25.`}`);
    set(+value.toPrecision(12), merge);
  });
  const move = (/** @type {number} */ from, /** @type {number} */ steps, /** @type {boolean} */ merge) => {
    const to = fit(+(from + steps * (step || 10 ** (Math.floor(Math.log10(from)) - 1))).toPrecision(12), from);
    if (to !== get()) write(to, merge) && refresh();
  };
  const commit = () => element.value !== shown(get()) && write(read(element.value)) && refresh();
  element.addEventListener("change", commit);
  element.addEventListener("keydown", (event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Escape") refresh();
    if (!way) return;
    event.preventDefault();
    move(get(), way * (event.shiftKey ? 10 : 1), event.repeat);
  });
  element.addEventListener("pointerdown", (down) => {
    const from = get();
    dragged(element, down, (steps, merge) => move(from, steps, merge));
  });
  refresh();
  return { element, refresh: () => (document.activeElement === element && element.value !== element.getAttribute("aria-valuetext")) || refresh() };
}

/** @type {(element: Element, down: PointerEvent, move: (steps: number, merge: boolean) => void) => void} while the pointer is down: four pixels sideways are a step */
export function dragged(element, down, move) {
  let [last, moved] = [0, false];
  const drag = (/** @type {PointerEvent} */ event) => {
    const steps = Math.trunc((event.clientX - down.clientX) / 4);
    if (steps === last) return;
    if (!moved) element.setPointerCapture(down.pointerId);
    move(steps, moved);
    [last, moved] = [steps, true];
  };
  const up = () => {
    document.removeEventListener("pointermove", drag);
    for (const type of ENDS) document.removeEventListener(type, up);
  };
  document.addEventListener("pointermove", drag);
  for (const type of ENDS) document.addEventListener(type, up);
}

const ENDS = ["pointerup", "pointercancel"];

/** @type {(parent: HTMLElement, build: () => void) => void} build again what is inside, with the focus where it was */
export function rebuild(parent, build) {
  const active = document.activeElement;
  const key = active instanceof HTMLElement && parent.contains(active) ? active.dataset.key : undefined;
  build();
  const same = key && [.../** @type {NodeListOf<HTMLElement>} */ (parent.querySelectorAll("[data-key]"))].find((e) => e.dataset.key === key);
  if (same) same.focus();
}

/** @typedef {{caption: string, rows: number, columns: number, row: (i: number) => string, column: (j: number) => string, label: (i: number, j: number) => string, get: (i: number, j: number) => number, set: (i: number, j: number, value: number, merge: boolean) => void, attempt: Attempt, first?: number[]}} Grid */

/** @type {(grid: Grid, height?: number, width?: number) => Control} a table of numbers, at most `height` rows and `width` columns at once */
export function numberGrid(grid, height = 8, width = 8) {
  const element = h("div", { class: "live-grid" });
  const first = grid.first ?? [0, 0];
  /** @type {Control[]} */
  let inputs = [];
  const build = () => {
    const all = (/** @type {number} */ k, /** @type {number} */ n, /** @type {number} */ most) => Array.from({ length: Math.min(most, n - first[k]) }, (_, i) => first[k] + i);
    const [rows, columns] = [all(0, grid.rows, height), all(1, grid.columns, width)];
    inputs = [];
    const cell = (/** @type {number} */ i, /** @type {number} */ j) => {
      const input = numberInput(grid.label(i, j), () => grid.get(i, j), (v, merge) => grid.set(i, j, v, merge), grid.attempt);
      inputs.push(input);
      return h("td", {}, input.element);
    };
    const head = h("tr", {}, h("td"), ...columns.map((j) => h("th", { scope: "col" }, grid.column(j))));
    const body = rows.map((i) => h("tr", {}, h("th", { scope: "row" }, grid.row(i)), ...columns.map((j) => cell(i, j))));
    const table = h("table", {}, h("caption", {}, grid.caption), h("thead", {}, head), h("tbody", {}, ...body));
    element.replaceChildren(h("div", { class: "live-wide" }, table), pager("Rows", 0, grid.rows, height), pager("Columns", 1, grid.columns, width));
  };
  const pager = (/** @type {string} */ word, /** @type {number} */ k, /** @type {number} */ n, /** @type {number} */ most) => {
    if (n <= most) return "";
    const go = (/** @type {number} */ by) => () => {
      first[k] = Math.max(0, Math.min(first[k] + by, Math.floor((n - 1) / most) * most));
      rebuild(element, build);
    };
    const text = `${word} ${first[k] + 1} to ${Math.min(first[k] + most, n)} of ${n}`;
    return h("p", { class: "live-pager" }, button("◂", go(-most), { "aria-label": `${word} before`, "data-key": `${word}-` }), ` ${text} `, button("▸", go(most), { "aria-label": `${word} after`, "data-key": `${word}+` }));
  };
  build();
  return { element, refresh: () => inputs.forEach((input) => input.refresh()) };
}
