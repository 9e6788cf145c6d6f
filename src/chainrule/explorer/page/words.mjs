/** The names of numbers in the chosen notation, and the numbers in the chosen digits. */

import { refer } from "./contents.mjs";
import { writeResult } from "./digits.mjs";
import { plainName, parseName } from "./markup.mjs";
import { widths } from "./network.mjs";
import { nameOf } from "./notation.mjs";
import { refKey, valueOf } from "./store.mjs";
import { lossEntry } from "./wire.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {[string, number][]} Raised parts of a name, each with its level: below the line -1, on it 0, above it 1 */

/** @type {(store: Store) => any} */
export function notation(store) {
  const chosen = store.view.notation ?? store.start.notation;
  return typeof chosen === "string" ? store.tables.notations[chosen] : chosen;
}

/** @type {(store: Store, ref: Ref) => string} a name in markup */
export function markupOf(store, { scope, name, index }) {
  const { step, tables } = store;
  const { classes, owns_link: link } = lossEntry(tables, store.start);
  const { labels, blocks } = step;
  const places = { labels, blocks, widths: widths(tables, store.start.network), link, classes, samples: store.rows(store.at).length };
  return nameOf(notation(store), refer(step, scope === "input" ? step.input : step.scopes[scope], name, index), places);
}

/** @type {(store: Store, ref: Ref) => string} */
export const nameText = (store, ref) => plainName(markupOf(store, ref));

/** @type {(store: Store, value: number) => string} */
export const numberText = (store, value) => writeResult(value, store.view.digits ?? store.start.digits).replace("-", "−");

/** @type {(store: Store, ref: Ref) => string} a number, or a question mark while the reader is asked for it */
export const valueText = (store, ref) => (isHidden(store, ref) ? "?" : numberText(store, valueOf(store.step, ref)));

/** @type {(store: Store, ref: Ref) => boolean} whether a number is hidden for practice */
export const isHidden = (store, ref) => Boolean(store.view.hidden?.has(refKey(ref)));

/** @type {(markup: string) => Raised} */
export const raised = (markup) => parseName(markup).flatMap((piece) => ("top" in piece ? [...levels(piece.top), ["/", 0], ...levels(piece.bottom)] : levels([piece])));

/** @type {(pieces: any[], level?: number) => any[]} */
const levels = (pieces, level = 0) =>
  pieces.flatMap(({ base, below, above }) => [[base, level], ...levels(below, -1), ...levels(above, 1)]);
