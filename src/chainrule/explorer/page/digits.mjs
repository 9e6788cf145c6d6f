// How numbers are written: results rounded, substituted numbers with as many digits as needed.
// Halves are rounded away from zero after float64's noise is removed. Follows pages/digits.py.

import { erf, erfc } from "./functions.mjs";

/** @typedef {import("./typeset.mjs").Expression} Expression */

/**
 * How many digits a result has: significant ones, or decimal places, with or without their zeros.
 * @typedef {{significant: number, decimals: number | null, padded: boolean}} Digits
 */

const EXACT = 17;
const CLEAN = 15;

/**
 * The functions of a reader's calculator.
 * @type {Record<string, (...numbers: number[]) => number>}
 */
export const READERS = {
  abs: Math.abs,
  sgn: Math.sign,
  max: Math.max,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  erf,
  erfc,
};

/**
 * Write a result.
 * @param {number} value
 * @param {Digits} digits
 */
export function writeResult(value, { significant, decimals, padded }) {
  if (decimals === null || !Number.isFinite(value)) return writeNumber(value, significant);
  const units = rounded(Math.abs(value), -decimals);
  const text = fixed(units, decimals);
  return (value < 0 && units ? "-" : "") + (padded ? text : trim(text));
}

/**
 * Return a number with a count of significant digits, without trailing zeros.
 * @param {number} value
 * @param {number} count
 */
export function writeNumber(value, count) {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").toLowerCase();
  if (!value) return "0";
  const size = Math.abs(value);
  const place = clean(size).exponent - count + 1;
  const units = rounded(size, place);
  const sign = value < 0 ? "-" : "";
  if (size >= 1e-5 && size < 1e9) return sign + trim(fixed(units, -place));
  const text = String(units);
  return `${sign}${trim(`${text[0]}.${text.slice(1)}`)}e${text.length - 1 + place}`;
}

/**
 * Return how many digits to put into a line so that it recomputes, and whether it then does.
 * @param {Expression} tree
 * @param {number} value
 * @param {Digits} digits
 * @returns {[number, boolean]}
 */
export function chooseDigits(tree, value, digits) {
  const wanted = writeResult(value, digits);
  for (let count = Math.min(needed(value, digits) + 2, EXACT); count <= EXACT; count++) {
    if (recomputes(tree, count, wanted, digits)) return [count, true];
  }
  return [EXACT, false];
}

/**
 * Return whether a line of numbers, computed as printed, gives the printed result.
 * @param {Expression} tree
 * @param {number} count
 * @param {string} wanted
 * @param {Digits} digits
 */
export function recomputes(tree, count, wanted, digits) {
  try {
    return writeResult(computed(tree, count), digits) === wanted;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * Return the significant digits that a result of this size has.
 * @param {number} value
 * @param {Digits} digits
 */
function needed(value, { significant, decimals }) {
  if (decimals === null) return significant;
  const size = value && Number.isFinite(value) ? Math.floor(log10(Math.abs(value))) + 1 : 0;
  return Math.min(Math.max(decimals + size, 1), EXACT);
}

/**
 * Return a decimal logarithm, correctly rounded near powers of ten, where Math.log10 is not.
 * @param {number} size
 */
function log10(size) {
  const near = Math.round(Math.log10(size));
  const power = Number(`1e${near}`);
  const gap = (size - power) / power;
  return Math.abs(gap) < 1e-9 ? near + Math.log1p(gap) / Math.LN10 : Math.log10(size);
}

/**
 * Return the value of a line as a calculator computes it; RangeError where Python raises an error.
 * @param {Expression} tree
 * @param {number} count
 * @returns {number}
 */
function computed(tree, count) {
  const part = (/** @type {number} */ i) => computed(tree.parts[i], count);
  switch (tree.kind) {
    case "literal":
      return tree.value;
    case "negation":
      return -part(0);
    case "sum":
      return tree.parts.map((_, i) => part(i)).reduce((a, b) => a + b);
    case "choice":
      return part(part(0) ? 1 : 2);
    case "call":
      return finite((tree.compute ?? READERS[tree.name ?? ""])(...tree.parts.map((_, i) => part(i))));
    case "operation":
      return OPERATIONS[tree.symbol ?? ""](part(0), part(1));
    default:
      return Number(writeNumber(tree.value, count));
  }
}

/** @type {Record<string, (a: number, b: number) => number>} */
const OPERATIONS = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => finite(b ? a / b : NaN),
  "**": (a, b) => finite(b === 2 ? a * a : a ** b),
  "<": (a, b) => +(a < b),
  "<=": (a, b) => +(a <= b),
  ">": (a, b) => +(a > b),
  ">=": (a, b) => +(a >= b),
};

/** @param {number} value */
function finite(value) {
  if (!Number.isFinite(value)) throw new RangeError("not finite");
  return value;
}

/**
 * Return a size with 15 digits, halves to even: without the digits that come from rounding.
 * @param {number} size
 */
function clean(size) {
  const [mantissa, power] = size.toExponential(CLEAN - 1).split("e");
  const exponent = Number(power);
  let digits = mantissa.replace(".", "");
  // JavaScript rounds an exact half up.
  if (/[13579]$/.test(digits) && /5e/.test(size.toExponential(CLEAN))) {
    digits = String(exact(size, exponent - CLEAN + 1));
  }
  return { digits, exponent };
}

/**
 * Return a size in units of a power of ten, halves up.
 * @param {number} size
 * @param {number} place
 */
function rounded(size, place) {
  const { digits, exponent } = clean(size);
  const kept = exponent - place + 1;
  // More digits than are clean: those of the float64.
  if (kept > CLEAN) return exact(size, place);
  if (kept < 0) return 0n;
  return BigInt(digits.slice(0, kept) || 0) + (digits[kept] >= "5" ? 1n : 0n);
}

/**
 * Return the exact value of a float64 in units of a power of ten, halves to even.
 * @param {number} size
 * @param {number} place
 */
function exact(size, place) {
  let divisor = 1n;
  for (; !Number.isInteger(size); size *= 2) divisor *= 2n;
  let units = BigInt(size);
  if (place < 0) units *= 10n ** BigInt(-place);
  else divisor *= 10n ** BigInt(place);
  const whole = units / divisor;
  const twice = 2n * (units % divisor);
  return twice > divisor || (twice === divisor && whole % 2n) ? whole + 1n : whole;
}

/**
 * Return units of a power of ten as text with a count of decimal places.
 * @param {bigint} units
 * @param {number} decimals
 */
function fixed(units, decimals) {
  if (decimals <= 0) return String(units * 10n ** BigInt(-decimals));
  const text = String(units).padStart(decimals + 1, "0");
  return `${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
}

/** @param {string} text */
function trim(text) {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}
