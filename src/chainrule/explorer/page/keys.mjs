/** Keys of the instrument. They work only while the focus is inside of it and in no field for text. */

import { button, h } from "./dom.mjs";

/** @typedef {[string, string, () => void]} Action a key, what it does in words, and what it calls */

/** @type {[string, string][]} */
const OTHERS = [
  ["arrows", "in the picture: to the next unit, weight or layer; in a list of tabs: to the next"],
  ["Enter", "in the picture: open the arithmetic of the number"],
  ["e", "in the picture: change the number, or the bias of a unit; Enter takes it"],
  ["Alt ↑ ↓", "in the picture: change the number by a step, with Shift by ten"],
  ["Escape", "in the arithmetic: back to the picture"],
];

/** @type {(actions: Action[]) => void} */
export function onKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const { target, key, ctrlKey, metaKey, altKey } = event;
    if (!(target instanceof Element) || !target.closest("#live") || ctrlKey || metaKey || altKey) return;
    if (target.closest("textarea, select, dialog, [contenteditable], input:not([type=range])")) return;
    const action = actions.find(([name]) => name === key);
    if (!action) return;
    event.preventDefault();
    action[2]();
  });
}

/** @type {(actions: Action[]) => HTMLDialogElement} */
export function helpDialog(actions) {
  const rows = [...actions, ...OTHERS].map(([key, words]) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key)), h("td", { class: "words" }, words)));
  const dialog = h("dialog", { class: "help", "aria-label": "Keys" }, h("h2", {}, "Keys"), h("p", {}, "They work while the focus is in the instrument, and not while you type."), h("table", {}, h("tbody", {}, ...rows)), button("Close", () => dialog.close()));
  return dialog;
}
