// Names of quantities: what this package's keys call them, and what the textbooks do.
// Follows explanation/notation.py; the patterns are those that Python exports.

/** @typedef {import("./typeset.mjs").Ref} Ref */
/** @typedef {{name: string, layer: number, shape: number[], start: number, stop: number}} Block */

/**
 * A way of writing; `patterns` has what each quantity is called, `signs` letters for words.
 * @typedef {object} Notation
 * @property {Record<string, string>} patterns
 * @property {string} residual
 * @property {boolean} half
 * @property {number} count_from
 * @property {number} first_layer
 * @property {string[]} negated
 * @property {Record<string, string>} signs
 */

/**
 * What names depend on: the network, its loss, and the number of samples.
 * @typedef {object} Places
 * @property {string[]} labels
 * @property {number[]} widths the inputs first
 * @property {Block[]} blocks
 * @property {boolean} link whether the loss has a link of its own
 * @property {boolean} classes
 * @property {number} samples
 */

const isNumber = (/** @type {string} */ label) => /^\d+$/.test(label);

/**
 * Return the key of a number, such as "dW2[0,1]"; a single sample has no index.
 * @param {Ref} ref
 * @param {Places} places
 */
export function key({ quantity, layer, index, sampled }, places, from = 0) {
  let name = quantity + layer;
  if (layer && !isNumber(layer)) name = `${quantity}_${layer}`;
  else if (quantity.endsWith("_new")) name = `${quantity.slice(0, -4)}${layer}_new`;
  const shown = sampled && places.samples === 1 ? index.slice(1) : index;
  return shown.length ? `${name}[${shown.map((i) => i + from)}]` : name;
}

/**
 * Return the name of a number in a notation, in markup.
 * @param {Notation} notation
 * @param {Ref} ref
 * @param {Places} places
 * @returns {string}
 */
export function nameOf(notation, ref, places) {
  const { patterns, count_from: from } = notation;
  ref = patterns.da ? below(ref, places) : ref;
  if (isNamed(notation) && (isNameless(ref) || (ref.quantity === "dx" && patterns.da))) {
    return elsewhere(notation, ref, places);
  }
  const pattern = patternOf(notation, ref, places);
  if (pattern === undefined) return key(ref, places, from);
  const name = pattern.replace(/<(.*?)>/g, (_, word) => part(word, notation, ref, places));
  const shown = ref.sampled && places.samples > 1 && !/<s,?>/.test(pattern);
  return shown ? `${name}(${ref.index[0] + from})` : name;
}

/** @param {Notation} notation */
export const isNamed = (notation) => Object.keys(notation.patterns).length > 0;

/** @param {Ref} ref */
export const isNameless = (ref) => Boolean(ref.layer) && !isNumber(ref.layer);

/**
 * Return the name of a number of a layer that has none of its own, such as dropout1.
 * @param {Notation} notation
 * @param {Ref} ref
 * @param {Places} places
 */
export function elsewhere({ count_from: from }, { quantity, layer, index, sampled }, places) {
  const units = (sampled ? index.slice(1) : index).map((i) => i + from).join(",");
  const sample = sampled && places.samples > 1 ? `(${index[0] + from})` : "";
  const word = quantity === "dx" ? "∂C/∂x" : quantity;
  return `${word}^{${layer}}${units && `_{${units}}`}${sample}`;
}

/**
 * Return the pattern of a quantity, or of what it belongs to.
 * @param {Notation} notation
 * @param {Ref} ref
 * @param {Places} places
 * @returns {string | undefined}
 */
export function patternOf({ patterns }, ref, places) {
  const belongs = belongsTo(ref);
  return patterns[kindOf(ref, places)] ?? (belongs && patterns[belongs[0]]);
}

/**
 * Return the text of a placeholder.
 * @param {string} word
 * @param {Notation} notation
 * @param {Ref} ref
 * @param {Places} places
 * @returns {string}
 */
export function part(word, notation, ref, places) {
  const { index, sampled } = ref;
  const from = notation.count_from;
  switch (word) {
    case "own": {
      const owner = ownerOf(ref);
      const whole = !owner.index.length && belongsTo(ref);
      return whole ? key(owner, places) : nameOf(notation, owner, places);
    }
    case "da":
      ref = { ...ref, quantity: "dx", index: index.slice(0, 2) };
      return nameOf(notation, ref, { ...places, samples: 1 });
    case "q": {
      const letter = belongsTo(ref)?.[1] ?? "";
      return notation.signs[letter] ?? letter;
    }
    case "s":
    case "s,":
      return places.samples > 1 && sampled ? index[0] + from + word.slice(1) : "";
    case "0":
      return from ? "0" : "b";
    case "w":
      return weight(ref, places, from);
    default:
      return unit(word, notation, ref, places);
  }
}

/**
 * Return the text of a placeholder for a unit or a layer.
 * @param {string} word
 * @param {Notation} notation
 * @param {Ref} ref
 * @param {Places} places
 */
function unit(word, { count_from: from, first_layer }, ref, places) {
  const [first = 0, second = 0] = ref.sampled ? ref.index.slice(1) : ref.index;
  const layer = numberOf(ref, places);
  // A path leads down to a unit of the layer below.
  const here = layer - +(ref.quantity === "path");
  const shown = [first + from, second + from];
  /** @type {Record<string, () => string | number>} */
  const texts = {
    u: () => shown[0],
    k: () => shown[1],
    jk: () => shown.join(Math.max(...shown) < 10 ? "" : ","),
    l: () => layer + first_layer,
    n: () => neuron(here, shown[0], places),
    v: () => neuron(layer, shown[1], places),
    N: () => counted(here, shown[0], places),
    K: () => counted(layer - 1, shown[1], places),
    V: () => counted(layer, shown[1], places),
  };
  return String(texts[word]());
}

/**
 * Return a layer's dx as what it is one layer down: the da of the units there.
 * @param {Ref} ref
 * @param {Places} places
 * @returns {Ref}
 */
export function below(ref, { labels }) {
  if (ref.quantity !== "dx") return ref;
  const place = labels.indexOf(ref.layer);
  const layer = place > 0 ? labels[place - 1] : "0";
  return isNumber(layer) ? { ...ref, quantity: place > 0 ? "da" : "dinput", layer } : ref;
}

/**
 * Return the pattern's name of a quantity, which depends on what else the network has.
 * @param {Ref} ref
 * @param {Places} places
 */
function kindOf({ quantity, layer, index }, { labels, link, classes }) {
  if (/^d?W(_new)?$/.test(quantity) && index.length === 1) return quantity.replace("W", "gain");
  if (quantity === "eps" && layer) return "epsilon";
  if (quantity === "p" && link) return "link";
  return quantity === "path" && (layer !== labels.at(-1) || classes) ? "through" : quantity;
}

/**
 * Return pattern and word of what belongs to a parameter, such as Adam's m_W_new.
 * @param {Ref} ref
 * @returns {[string, string] | undefined}
 */
function belongsTo({ quantity }) {
  const found = quantity.match(/^(\w+?)_[Wb](_new)?$/);
  return found ? [`slot${found[2] ?? ""}`, found[1]] : undefined;
}

/**
 * Return the parameter that a quantity belongs to.
 * @param {Ref} ref
 * @returns {Ref}
 */
export function ownerOf({ quantity, layer, index }) {
  if (quantity === "local") return { quantity: "W", layer, index: index.slice(1), sampled: false };
  return { quantity: quantity.includes("W") ? "W" : "b", layer, index, sampled: false };
}

/**
 * Return the layer's number; that of a layer without parameters is the one below it.
 * @param {Ref} ref
 * @param {Places} places
 */
export function numberOf({ quantity, layer }, { labels }) {
  if (isNumber(layer)) return Number(layer);
  const all = ["p", "t", "o", "do", "error", "s", "e"].includes(quantity);
  return labels.slice(0, all ? labels.length : Math.max(labels.indexOf(layer), 0)).filter(isNumber).length;
}

/**
 * Return a unit as i1, h1, h2.1 or o1.
 * @param {number} layer
 * @param {number} shown
 * @param {Places} places
 */
function neuron(layer, shown, places) {
  const begin = group(layer, places);
  return begin + (/^h\d/.test(begin) ? "." : "") + shown;
}

/**
 * Return what the names of a layer's units begin with: i, h, h2 or o.
 * @param {number} layer
 * @param {Places} places
 */
export function group(layer, { labels }) {
  const last = labels.filter(isNumber).length;
  if (!layer) return "i";
  return layer === last ? "o" : last === 2 ? "h" : `h${layer}`;
}

/**
 * Return a unit's number in the whole network, inputs first.
 * @param {number} layer
 * @param {number} shown
 * @param {Places} places
 */
export function counted(layer, shown, places) {
  for (let under = 0; under < layer; under++) shown += widthOf(under, places);
  return shown;
}

/**
 * Return how many units a layer with a number has; layer 0 is the inputs.
 * @param {number} layer
 * @param {Places} places
 */
export function widthOf(layer, { labels, widths }) {
  return widths.filter((_, i) => !i || isNumber(labels[i - 1])).at(layer) ?? 0;
}

/**
 * Return a weight's number in the whole network, row by row of each matrix.
 * @param {Ref} ref
 * @param {Places} places
 * @param {number} from
 */
function weight(ref, places, from) {
  const index = ref.sampled ? ref.index.slice(1) : ref.index;
  if (index.length !== 2) return "";
  const { before, block } = matrixOf(ref, places);
  return String(before + index[0] * block.shape[1] + index[1] + from);
}

/**
 * Return a layer's weight matrix, and how many weights the matrices below have.
 * @param {Ref} ref
 * @param {Places} places
 */
export function matrixOf({ layer }, { blocks }) {
  const block = /** @type {Block} */ (blocks.find((b) => b.name === `W${layer}`));
  const under = blocks.filter((b) => b.shape.length === 2 && b.layer < block.layer);
  return { block, before: under.reduce((total, b) => total + b.stop - b.start, 0) };
}
