/**
 * Mounts the instrument: a toolbar, the picture, and panels beside it, one of them open at a time.
 * A panel is what a function `(store) => {id, title, element, update}` returns.
 */

import { h } from "./dom.mjs";
import { FIXED, PANELS } from "./panels.mjs";
import { Store } from "./store.mjs";

/** @typedef {import("./store.mjs").Change} Change */
/** @typedef {{id: string, title: string, element: HTMLElement, update: (what: Change) => void}} Panel */

/** @type {(root: HTMLElement, tables: any, model: any) => Store} */
export function mount(root, tables, model) {
  const store = new Store(tables, model);
  const fixed = FIXED.map((make) => make(store));
  const panels = PANELS.map((make) => make(store));
  root.append(...fixed.map((panel) => panel.element), tabs(panels));
  const refresh = (/** @type {Change} */ what) => {
    const focused = document.activeElement;
    // taken now, because what is removed has no place
    const place = /** @type {HTMLElement | null | undefined} */ (focused?.closest("#live [role=tabpanel], #live .player"));
    for (const panel of [...fixed, ...panels.filter(({ element }) => !element.hidden)]) panel.update(what);
    const own = /** @type {HTMLElement | null | undefined} */ (place?.querySelector(".history button:enabled, [data-focus]"));
    if (isLost(focused)) (own ?? place)?.focus({ preventScroll: true });
  };
  store.subscribe(refresh);
  refresh("model");
  return store;
}

/** @type {(focused: Element | null) => boolean} whether an update took the focus away with its element, and gave it to no other */
const isLost = (focused) => [focused, document.body].includes(document.activeElement) && (!focused?.isConnected || focused.matches(":disabled") || focused.closest("[hidden]") !== null);

/** @type {(panels: Panel[]) => HTMLElement} tabs with roving focus; arrow keys move between them */
function tabs(panels) {
  const list = h("div", { role: "tablist", "aria-label": "Panels", class: "tabs" });
  const buttons = panels.map((panel, i) => tab(panel, i, open));
  list.append(...buttons);
  list.addEventListener("keydown", (event) => {
    const at = buttons.findIndex((b) => b.tabIndex === 0);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    open((next + buttons.length) % buttons.length);
    buttons.find((b) => b.tabIndex === 0)?.focus();
  });
  /** @type {(chosen: number) => void} */
  function open(chosen) {
    panels.forEach((panel, i) => {
      panel.element.hidden = i !== chosen;
      buttons[i].setAttribute("aria-selected", String(i === chosen));
      buttons[i].tabIndex = i === chosen ? 0 : -1;
    });
    panels[chosen].update("model");
  }
  if (panels.length) open(0);
  return h("div", { class: "panels" }, list, ...panels.map((panel) => panel.element));
}

/** @type {(panel: Panel, i: number, open: (i: number) => void) => HTMLButtonElement} */
function tab(panel, i, open) {
  panel.element.id = `panel-${panel.id}`;
  panel.element.setAttribute("role", "tabpanel");
  panel.element.tabIndex = -1;
  panel.element.setAttribute("aria-labelledby", `tab-${panel.id}`);
  return h("button", { type: "button", role: "tab", id: `tab-${panel.id}`, "aria-controls": `panel-${panel.id}`, on: { click: () => open(i) } }, panel.title);
}
