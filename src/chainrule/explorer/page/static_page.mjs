/** The lines of mathematics below the instrument: they light up their numbers in the picture, as long as they are of the same numbers. */

import { refer } from "./contents.mjs";
import { h } from "./dom.mjs";
import { litRef } from "./lighting.mjs";
import { key } from "./notation.mjs";
import { sequence } from "./sequence.mjs";
import { refKey } from "./store.mjs";
import { placesOf } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */

/** @type {(store: Store) => import("./app.mjs").Panel} it has no element of its own but a note above the page */
export function staticPage(store) {
  const exported = store.start;
  const lines = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main .quantity[id]")]);
  const main = document.querySelector("main");
  const note = h("strong");
  const element = h("p", { class: "stale", hidden: true }, note);
  const heading = document.querySelector("header h1");
  const title = heading?.textContent ?? "";
  const steps = new Set(lines.map((line) => Number(line.id.match(/^step-(\d+)/)?.[1])));
  const refs = refsByAnchor(store);
  const now = () => store.at - exported.state.step + 1;
  const refOf = (/** @type {Event} */ event) => {
    const line = event.target instanceof Element ? event.target.closest("main .quantity[id]") : null;
    const [, step, name] = line?.id.match(/^step-(\d+)-(.*)$/) ?? [];
    return store.start === exported && Number(step) === now() ? (refs.get(name) ?? null) : null;
  };
  for (const type of ["pointerover", "focusin", "pointerleave", "focusout", "click"]) main?.addEventListener(type, (event) => {
    const ref = /leave|out/.test(type) ? null : refOf(event);
    if (type !== "click") store.point(ref);
    else if (ref) store.select(ref);
  });
  rove(lines, (line) => line.click());
  const anchors = new Map([...refs].map(([name, ref]) => [refKey(ref), name]));
  const update = () => {
    const lit = store.start === exported ? `step-${now()}-${anchors.get(refKey(litRef(store)))}` : "";
    for (const line of lines) if (line.classList.contains("lit") !== (line.id === lit)) line.classList.toggle("lit", line.id === lit);
    // it is part of the page, so that it is printed with it
    if (element.parentElement?.id === "live") main?.prepend(element);
    const edited = store.start !== exported;
    const shown = [...steps].join(", ");
    element.hidden = !edited && (!steps.size || steps.has(now()));
    const words = edited ? `Below are the numbers of the file${title && ` “${title}”`}, from before your changes.` : `Below ${steps.size > 1 ? "are the steps" : "is step"} ${shown} of the file; above is step ${now()}.`;
    note.textContent = element.hidden ? "" : words;
    if (heading && store.start.title) document.title = heading.textContent = store.start.title;
    document.body.classList.toggle("edited", edited);
  };
  return { id: "static", title: "Page", element, update };
}

/** @type {(store: Store) => Map<string, Ref>} the ends of anchors, such as dW2-0-1 */
function refsByAnchor(store) {
  const { step } = store;
  const places = placesOf(store);
  return new Map(sequence(store).items.map(({ ref }) => {
    const written = key(refer(step, step.scopes[ref.scope], ref.name, ref.index), places);
    return [written.replace(/[[\],]+/g, "-").replace(/-$/, ""), ref];
  }));
}

/** @type {(lines: HTMLElement[], open: (line: HTMLElement) => void) => void} one line takes the focus; arrow keys move it */
function rove(lines, open) {
  lines.forEach((line, i) => {
    line.tabIndex = i ? -1 : 0;
    line.addEventListener("keydown", (event) => {
      const next = lines[i + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? NaN)];
      if (event.target !== line || (!next && event.key !== "Enter")) return;
      event.preventDefault();
      if (!next) return open(line);
      line.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  });
}
