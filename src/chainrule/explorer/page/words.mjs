/** The names of numbers in the chosen notation, and the numbers in the chosen digits. */

import { refer } from "./contents.mjs";
import { writeNumber, writeResult } from "./digits.mjs";
import { plainName, parseName } from "./markup.mjs";
import { widths } from "./network.mjs";
import { nameOf } from "./notation.mjs";
import { refKey, valueOf } from "./store.mjs";
import { lossEntry } from "./wire.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {[string, number][]} Raised parts of a name, each with its level: below the line -1, on it 0, above it 1 */

/** @type {string[]} those of explain */
export const LEVELS = ["scalars", "matrices", "summary"];

const [SHORT, BRIEF] = [4, 2];

/** @type {(store: Store) => {notation: any, digits: any}} as chosen */
export const looks = ({ view, start }) => ({ notation: view.notation ?? start.notation, digits: view.digits ?? start.digits });

/** @type {(store: Pick<Store, "view" | "start">) => string} the level at which a step is written */
export const levelOf = ({ view, start }) => view.level ?? start.level ?? LEVELS[0];

/** @type {(store: Store) => any} the digits of arrays and tables: few, unless the reader has chosen */
export const cellDigits = ({ view, start: { digits } }) => view.digits ?? { significant: Math.min(SHORT, digits.significant), decimals: null, padded: false };

/** @type {(store: Store) => any} */
export function notation(store) {
  const chosen = looks(store).notation;
  return typeof chosen === "string" ? store.tables.notations[chosen] : chosen;
}

/** @type {(store: Store) => import("./notation.mjs").Places} what names depend on */
export function placesOf(store) {
  const { step, tables, start } = store;
  const { classes, owns_link: link } = lossEntry(tables, start);
  const { labels, blocks } = step;
  return { labels, blocks, widths: widths(tables, start.network), link, classes, samples: store.count(store.at) };
}

/** @type {(store: Store, ref: Ref) => import("./typeset.mjs").Ref} the number as notations know it */
const written = ({ step }, { scope, name, index }) => refer(step, scope === "input" ? step.input : step.scopes[scope], name, index);

/** @type {(store: Store, ref: Ref) => string} a name in markup */
export const markupOf = (store, ref) => nameOf(notation(store), written(store, ref), placesOf(store));

/** @type {(store: Store, ref: Ref) => string} */
export const nameText = (store, ref) => plainName(markupOf(store, ref));

/** @type {(store: Store, value: number) => string} */
export const numberText = (store, value) => writeResult(value, looks(store).digits).replace("-", "−");

/** @type {(store: Store) => string} what the notation calls the number that the gradients are of */
export const lossName = (store) => nameText(store, { scope: Object.keys(store.step.penalty.equations).length ? "cost" : "loss", name: "value", index: [] });

/** @type {(store: Store) => string} */
export const lossText = (store) => `${lossName(store)} = ${isLossHidden(store) ? "?" : numberText(store, store.record.loss)}`;

/** @type {(store: Store, value: number) => string} with few digits, for the picture */
export const shortText = (store, value) => writeNumber(value, Math.min(SHORT, looks(store).digits.significant)).replace("-", "−");

/** @type {(store: Store, value: number) => string} with two digits, for units that many others surround */
export const briefText = (_, value) => writeNumber(value, BRIEF).replace("-", "−");

/** @type {(store: Store, ref: Ref, write?: (store: Store, value: number) => string) => string} a number, or a question mark while the reader is asked for it */
export function valueText(store, ref, write = numberText) {
  if (isHidden(store, ref)) return "?";
  // some notations define δ with the opposite sign
  const sign = notation(store).negated.includes(written(store, ref).quantity) ? -1 : 1;
  return write(store, sign * valueOf(store.step, ref));
}

/** @type {(store: Store, ref: Ref) => boolean} whether a number is hidden for practice */
export const isHidden = (store, ref) => Boolean(store.view.hidden?.has(refKey(ref)));

/** @type {(store: Store) => boolean} whether the error is hidden for practice */
export const isLossHidden = (store) => ["loss", "cost"].some((scope) => isHidden(store, { scope, name: "value", index: [] }));

/** @type {(a: number, b: number) => boolean} beyond rounding */
export const different = (a, b) => !(Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))) && !Object.is(a, b);

/** @type {(store: Store, ref: Ref) => boolean} whether the mistake that is switched on changes a number */
export const isChanged = (store, ref) =>
  Boolean(store.mistake) && !isHidden(store, ref) && different(valueOf(store.step, ref), valueOf(store.rightStep, ref));

/** @type {(markup: string) => Raised} */
export const raised = (markup) => parseName(markup).flatMap((piece) => ("top" in piece ? [...levels(piece.top), ["/", 0], ...levels(piece.bottom)] : levels([piece])));

/** @type {(pieces: any[], level?: number) => any[]} */
const levels = (pieces, level = 0) =>
  pieces.flatMap(({ base, below, above }) => [[base, level], ...levels(below, -1), ...levels(above, 1)]);
