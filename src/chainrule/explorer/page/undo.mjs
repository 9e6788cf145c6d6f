/** Undo and redo, which every change by the reader is said with. */

import { button, h } from "./dom.mjs";
import { say } from "./say.mjs";
import { lossText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function history(store) {
  const go = (/** @type {"undo" | "redo"} */ way) => {
    const [last] = (way === "undo" ? store.done : store.undone).slice(-1);
    if (!last) return say(`There is nothing to ${way}.`);
    store[way]();
    say(`${way === "undo" ? "Undone" : "Done again"}: ${last.label}. ${lossText(store)}`);
  };
  const undo = button("Undo", () => go("undo"));
  const redo = button("Redo", () => go("redo"));
  const off = button("Switch the mistake off", () => store.switchMistake(null), { class: "main" });
  const element = h("div", { class: "row history", role: "group", "aria-label": "Changes" }, undo, redo, off);
  document.addEventListener("keydown", (event) => {
    const { target, key, ctrlKey, metaKey, shiftKey } = event;
    if (!(ctrlKey || metaKey) || !(target instanceof Element) || !target.closest("#live") || isTyped(target)) return;
    const way = { z: shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()];
    if (!way) return;
    event.preventDefault();
    go(/** @type {"undo" | "redo"} */ (way));
  });
  const name = (/** @type {HTMLButtonElement} */ one, /** @type {string} */ word, /** @type {{label: string}[]} */ list) => {
    const last = list[list.length - 1];
    one.textContent = last ? `${word} ${last.label}` : word;
    one.disabled = !last;
  };
  let known = store.start;
  const update = (/** @type {import("./app.mjs").Change} */ what) => {
    // it stands in the player's first row, which is on the page from the first update on
    if (element.parentElement?.id === "live") element.parentElement.querySelector(".player .row")?.append(element);
    name(undo, "Undo", store.done);
    name(redo, "Redo", store.undone);
    off.hidden = !store.mistake;
    if (what === "model" && store.start !== known && store.done.length) say(`Changed: ${store.done[store.done.length - 1].label}. ${lossText(store)}`);
    known = store.start;
  };
  return { id: "history", title: "Changes", element, update };
}

/** @type {WeakSet<Element>} fields with a text that was not taken yet */
const TYPED = new WeakSet();
document.addEventListener("input", ({ target }) => target instanceof Element && TYPED.add(target));
document.addEventListener("change", ({ target }) => target instanceof Element && TYPED.delete(target));

/** @type {(target: Element) => boolean} whether the browser's own undo is wanted: in text that is not a change of the network */
function isTyped(target) {
  if (target instanceof HTMLInputElement && target.getAttribute("role") === "spinbutton") return target.value !== target.getAttribute("aria-valuetext");
  return target.matches("textarea, input[type=text]") || TYPED.has(target);
}
