/** Answers of a learner: whether a number is right within the digits asked, and what a wrong one may come from. */

import { wire } from "./wire.mjs";

/** @typedef {{value: number, place: number}} Answer a number, and the power of ten of its last digit */
/** @typedef {[number, string]} Cause a wrong number, and a sentence on it */

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

/** @type {(answer: Answer, value: number, digits: number) => "right" | "short" | "wrong"} short: right as far as it goes */
export function grade(answer, value, digits) {
  const place = placeOf(value, digits);
  if (near(answer.value, value, place)) return "right";
  return answer.place > place && near(answer.value, value, answer.place) ? "short" : "wrong";
}

/** @type {(answer: Answer, value: number, digits: number, causes: Iterable<Cause>) => string} what a wrong answer is; "" if nothing is known */
export function explain(answer, value, digits, causes) {
  const place = placeOf(value, digits);
  if (near(answer.value, -value, Math.max(answer.place, place))) return "The size is right, but the sign is not.";
  if (near(answer.value, value, Math.max(answer.place, place), 1.6)) return "Only the last digit differs: a number was rounded on the way. Carry one more digit.";
  for (const [wrong, words] of causes) {
    const same = near(answer.value, wrong, Math.max(answer.place, placeOf(wrong, digits)));
    if (same && !near(wrong, value, place)) return words;
  }
  return near(answer.value, value, 0, Math.abs(value) / 50) ? "It is close: numbers were probably rounded too early." : "";
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
export function* mistaken(variants, { tables, model }, options, read, own) {
  const local = variants.filter(({ replace }) => replace.some(([where, name]) => own(where, name)));
  for (const { replace, title } of new Set([...local, ...variants])) {
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
