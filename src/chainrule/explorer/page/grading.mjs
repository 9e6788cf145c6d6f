/** Answers of a learner: whether a number is right within the digits asked, and what a wrong one may come from. */

import { unsuited } from "./catalogue.mjs";
import { wire } from "./wire.mjs";

/** @typedef {{value: number, place: number}} Answer a number, and the power of ten of its last digit */
/** @typedef {[number, string]} Cause a wrong number, and a sentence on it */

// Significant digits that a wrong answer needs before it can be explained.
const NEEDED = 3;
const FEW = `Not right. Give at least ${NEEDED} significant digits: fewer do not show where it comes from.`;

/** @type {(text: string) => Answer | null} null if it is not a number */
export function parseAnswer(text) {
  const plain = text.trim().replace(/[−–]/, "-").replace(",", ".").toLowerCase();
  const found = plain.match(/^[+-]?(?:\d+\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/);
  if (!found || !Number.isFinite(Number(plain))) return null;
  return { value: Number(plain), place: Number(found[3] ?? 0) - (found[1] ?? found[2]).length };
}

/** @type {(value: number, digits: number) => number} the power of ten of the last of so many significant digits */
const placeOf = (value, digits) => (value ? Math.floor(Math.log10(Math.abs(value))) : 0) - digits + 1;

/** @type {(a: number, b: number, place: number, units?: number) => boolean} whether numbers differ by at most half a unit of a digit */
const near = (a, b, place, units = 0.5) => Math.abs(a - b) <= units * 10 ** place * (1 + 1e-6);

/** @type {(value: number) => number} the power of ten of the first digit */
const firstPlace = (value) => placeOf(value, 1);

/** @type {(answer: Answer, value: number, digits: number) => "right" | "short" | "wrong"} short: right as far as it goes */
export function grade(answer, value, digits) {
  const place = placeOf(value, digits);
  if (near(answer.value, value, place)) return "right";
  return answer.place > place && answer.place <= firstPlace(value) && near(answer.value, value, answer.place) ? "short" : "wrong";
}

/** @type {(answer: Answer) => number} significant digits; 0 has none */
const digitsOf = ({ value, place }) => (value ? firstPlace(value) - place + 1 : 0);

/** @type {(answer: Answer, value: number, digits: number, units?: number) => boolean} whether an answer is a number in the digits that it has, three or more, or 0 is 0 */
function matches(answer, value, digits, units) {
  if (!value || !answer.value) return value === answer.value;
  const place = Math.min(Math.max(answer.place, placeOf(value, digits)), placeOf(value, NEEDED));
  return near(answer.value, value, place, units);
}

/** @type {(answer: Answer, value: number, digits: number, causes: Iterable<Cause>) => string} what a wrong answer is; "" if nothing is known */
export function explain(answer, value, digits, causes) {
  if (digitsOf(answer) < NEEDED) return FEW;
  if (matches(answer, -value, digits)) return "The size is right, but the sign is not.";
  if (matches(answer, value, digits, 1.6)) return "Only the last digit differs: a number was rounded on the way. Carry one more digit.";
  /** @type {Cause | undefined} */
  let first;
  for (const cause of causes) {
    const [wrong] = cause;
    if (near(wrong, value, placeOf(value, digits)) || !matches(answer, wrong, digits)) continue;
    first ??= cause;
    if (digitsOf(answer) >= digits) break;
    if (!near(wrong, first[0], placeOf(wrong, digits))) return `Not right. Several mistakes give these few digits: give ${digits}.`;
  }
  return first?.[1] ?? (near(answer.value, value, 0, Math.abs(value) / 50) ? "It is close: numbers were probably rounded too early." : "");
}

/**
 * The numbers that mistakes of the catalogue give, those of mistakes made in the quantity itself first.
 * @param {import("./catalogue.mjs").Variant[]} variants
 * @param {import("./wire.mjs").Step} step
 * @param {any} options as wire takes them
 * @param {(step: import("./wire.mjs").Step) => number} read the number asked for
 * @param {(place: string, name: string) => boolean} own whether an equation is the quantity's own
 * @returns {Generator<Cause>}
 */
export function* mistaken(variants, { tables, model, loss }, options, read, own) {
  const [samples, outputs] = loss.get("t").s;
  const possible = variants.filter(({ entry }) => !unsuited(entry, samples, outputs));
  const local = possible.filter(({ replace }) => replace.some(([where, name]) => own(where, name)));
  for (const { replace, title } of new Set([...local, ...possible])) {
    const value = attempt(() => read(wire(tables, model, { ...options, replace })));
    if (value !== undefined) yield [value, `This is the value if ${title}.`];
  }
}

/** @type {<T>(compute: () => T) => T | undefined} undefined where something cannot be computed */
export function attempt(compute) {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

/** @type {(value: number, samples: number) => Cause[]} */
export const factors = (value, samples) => [
  [2 * value, "This is twice the value: is a ½ missing?"],
  [value / 2, "This is half the value: is there a ½ too many?"],
  [value * samples, "This is the sum over the samples, not their mean."],
  [value / samples, "This is divided by the number of samples once more."],
];
