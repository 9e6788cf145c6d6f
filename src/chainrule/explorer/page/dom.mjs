/** Making elements. Texts are set as text only, so that no name or number can become markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {{[name: string]: any}} Attributes `class`, `on` (listeners by event), attributes, or properties such as value */

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = ["value", "checked", "disabled", "hidden", "textContent", "htmlFor", "tabIndex"];

/** @type {(element: Element, attributes: Attributes, children: Child[]) => void} */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (PROPERTIES.includes(name)) Object.assign(element, { [name]: value });
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c))));
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  fill(element, attributes, children);
  return element;
}

/** @type {(n: number, word: string) => string} */
export const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

let count = 0;

/** @type {(word: string) => string} an id that the page does not have yet, for labels */
export const freshId = (word) => `live-${word}-${++count}`;

/** @type {(text: string, onClick: () => void, attributes?: Attributes) => HTMLButtonElement} */
export const button = (text, onClick, attributes = {}) => h("button", { type: "button", on: { click: onClick }, ...attributes }, text);

/** @type {(label: string, control: HTMLElement, attributes?: Attributes) => HTMLElement} a control with its label */
export function field(label, control, attributes = {}) {
  control.id ||= freshId("field");
  return h("div", { class: "field", ...attributes }, h("label", { htmlFor: control.id }, label), control);
}

/** @type {(options: [string, string][] | string[], value: string, onChange?: (value: string) => unknown, key?: string) => HTMLSelectElement} with a key where it is built again */
export function select(options, value, onChange, key) {
  const pairs = options.map((o) => (Array.isArray(o) ? o : [o, o]));
  const element = h("select", { "data-key": key, on: { change: () => onChange?.(element.value) } }, ...pairs.map(([v, text]) => h("option", { value: v }, text)));
  element.value = value;
  return element;
}
