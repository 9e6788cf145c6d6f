// Names of whole arrays: what the names of their entries have in common.
// Follows explanation/notation.py; only matrices.mjs uses them.

import { below, counted, elsewhere, group, isNamed, isNameless, key, matrixOf, numberOf, ownerOf, part, patternOf, widthOf } from "./notation.mjs";

/** @typedef {import("./notation.mjs").Notation} Notation */
/** @typedef {import("./notation.mjs").Places} Places */
/** @typedef {import("./typeset.mjs").Ref} Ref */

/**
 * Return the name of a whole array, in markup: what the names of its entries have in common.
 * @param {Notation} notation
 * @param {Ref} ref
 * @param {Places} places
 * @returns {string}
 */
export function arrayName(notation, ref, places) {
  const { patterns } = notation;
  ref = { ...ref, index: [], sampled: false };
  ref = patterns.da ? below(ref, places) : ref;
  if (isNamed(notation) && isNameless(ref)) return elsewhere(notation, ref, places);
  const pattern = patternOf(notation, ref, places);
  if (pattern === undefined || (ref.quantity === "dx" && patterns.da)) return key(ref, places);
  const filled = (/** @type {string} */ text) =>
    text.replace(/<(.*?)>/g, (_, word) => common(word, notation, ref, places)).replace(/[_^]\{,?\}/g, "");
  const bare = filled(pattern);
  // C_{1…2}, not C, which is the name of another quantity
  return Object.values(patterns).includes(bare) ? filled(pattern.replaceAll("<u>", "<U>")) : bare;
}

/**
 * Return what the entries of an array have in common in the place of a placeholder.
 * @param {string} word
 * @param {Notation} notation
 * @param {Ref} ref
 * @param {Places} places
 * @returns {string}
 */
function common(word, notation, ref, places) {
  const layer = numberOf(ref, places);
  const from = notation.count_from;
  if (word === "own") return arrayName(notation, ownerOf(ref), places);
  if ("q0l".includes(word)) return part(word, notation, ref, places);
  if (word === "n") return group(layer, places);
  if (word === "U") return span(0, widthOf(layer, places), from);
  if (word === "w") {
    const { before, block } = matrixOf(ref, places);
    return span(before, block.stop - block.start, from);
  }
  if (!"NK".includes(word)) return "";
  const under = layer - +(word === "K");
  return span(counted(under, 0, places), widthOf(under, places), from);
}

/**
 * Return a range of consecutive numbers, such as "1…4".
 * @param {number} first
 * @param {number} count
 * @param {number} from
 */
function span(first, count, from) {
  return [...new Set([first + from, first + count - 1 + from])].join("…");
}
