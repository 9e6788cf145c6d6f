// Expressions and names in presentation MathML. Follows pages/mathml.py.
// Browsers do not break a formula over lines. So the places where it may break are marked here, and
// `flow` splits it there into several formulas, which wrap like words.

import { parseName } from "./markup.mjs";

/** @typedef {import("./markup.mjs").Piece} Piece */

// Where a line may break: before a term, and before a factor.
const LOOSE = "\x1e";
const TIGHT = "\x1f";
const BREAKS = /[\x1e\x1f]/g;
// Letters up to which a line is one formula, and from which a numerator is written in the line.
const SHORT = 30;
const LONG = 26;
const TOKEN = new RegExp(
  [
    "(?<space>\\s.*)",
    "(?<key>[\\p{L}\\p{Nl}\\p{No}_][\\p{L}\\p{N}_]*\\[[^\\]]*\\])",
    "(?<number>\\p{Nd}[\\p{Nd}.,]*)",
    "(?<letters>[\\p{L}\\p{Nl}\\p{No}][\\p{L}\\p{N}_]*[\\u0300-\\u036f]?['′]?)",
    "(?<sign>.)",
  ].join("|"),
  "gu",
);
const [TIMES, NOTHING, APPLY] = ["⋅", "\u2062", "\u2061"];
/** @type {Record<string, string>} */
const SIGNS = { "<": "&lt;", "<=": "≤", ">": "&gt;", ">=": "≥", "-": "−", "*": TIMES };
const FENCES = /^<mo form="prefix" stretchy="false">\(|^<mrow><mo form="prefix">\(/;
const HALF = "<mfrac><mn>1</mn><mn>2</mn></mfrac>";
const GAP = `<mo lspace="0.17em" rspace="0.17em">${NOTHING}</mo>`;
/** @type {Record<string, string>} */
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };

const infix = (/** @type {string} */ sign) => `<mo form="infix">${sign}</mo>`;
const prefix = (/** @type {string} */ sign) => `<mo form="prefix">${sign}</mo>`;
const postfix = (/** @type {string} */ sign) => `<mo form="postfix">${sign}</mo>`;
const word = (/** @type {string} */ text) => `<mtext>\u00a0${text}\u00a0</mtext>`;
const escape = (/** @type {string} */ text) => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]);
const whole = (/** @type {string} */ text) => text.replace(BREAKS, "");

/**
 * Typesets an expression; breaks are marked in sums and products at the top level.
 * @type {import("./typeset.mjs").Setter}
 */
export const MATHML = {
  stacked: true,
  name: (markup) => row(nameOf(parseName(markup))),
  number(text) {
    if (text === "½") return HALF;
    const [mantissa, exponent] = text.split("e");
    const minus = mantissa.startsWith("-") ? prefix("−") : "";
    const digits = `${minus}<mn>${escape(mantissa.replace("-", ""))}</mn>`;
    if (!exponent) return row(digits);
    return row(`${digits}<mo>×</mo><msup><mn>10</mn>${row(MATHML.number(exponent))}</msup>`);
  },
  fence(inner) {
    if (/<mfrac|<munder/.test(inner)) {
      return `<mrow>${prefix("(")}${whole(inner)}${postfix(")")}</mrow>`;
    }
    inner = inner.replaceAll(LOOSE, TIGHT);
    const fixed = 'stretchy="false"';
    return `<mo form="prefix" ${fixed}>(</mo>${inner}<mo form="postfix" ${fixed}>)</mo>`;
  },
  negation: (inner) => prefix("−") + inner,
  operation(symbol, left, right) {
    if (symbol === "@") return left + TIGHT + GAP + right;
    if (symbol === "*" && left === HALF) return `${left}<mo>${NOTHING}</mo>${right}`;
    return left + ("+-".includes(symbol) ? LOOSE : TIGHT) + infix(SIGNS[symbol] ?? symbol) + right;
  },
  fraction(top, bottom) {
    if (!top.includes(LOOSE) || letters(top) <= LONG) return `<mfrac>${row(top)}${row(bottom)}</mfrac>`;
    return MATHML.fence(top) + TIGHT + infix("/") + (isBase(bottom) ? bottom : MATHML.fence(bottom));
  },
  power(base, exponent) {
    base = isBase(base) || FENCES.test(base) ? base : MATHML.fence(base);
    return `<msup>${row(base)}${row(exponent)}</msup>`;
  },
  call(name, parts) {
    const first = whole(parts[0]);
    if (name === "exp") return `<msup><mi>e</mi>${row(first)}</msup>`;
    if (name === "sqrt") return `<msqrt>${first}</msqrt>`;
    if (name === "abs") return `<mrow>${prefix("|")}${first}${postfix("|")}</mrow>`;
    if (name === "transpose") {
      return `<msup>${row(isSingle(first) ? first : MATHML.fence(first))}<mi>T</mi></msup>`;
    }
    const inner = parts.map(whole).join(infix(",") + TIGHT);
    return `${functionName(name)}<mo>${APPLY}</mo>${MATHML.fence(inner)}`;
  },
  total([[less, first], ...others]) {
    const signed = others.map(([minus, term]) => LOOSE + infix(minus ? "−" : "+") + term);
    return (less ? MATHML.negation(first) : first) + signed.join("");
  },
  rest: (count) => `<mtext>… ${count.toLocaleString("en-US")} further terms</mtext>`,
  choice: (condition, yes, no) =>
    yes + LOOSE + word("if") + condition + LOOSE + word("else") + no,
};

// ---- on the page ----

/**
 * Return markup as one formula, which does not break.
 * @param {string} text
 */
export const inline = (text) => `<math>${whole(text)}</math>`;

/**
 * Return markup as a sequence of formulas, between which a line may break.
 * @param {string} text
 */
export function flow(text) {
  if (letters(text) <= SHORT) return inline(text);
  const factors = (/** @type {string} */ term) =>
    term.split(TIGHT).map((part) => `<math>${part}</math>`).join("");
  return text.split(LOOSE).map((term) => `<span class="term">${factors(term)}</span>`).join("");
}

/**
 * Return markup of this module as elements; text stays text, whatever it contains.
 * @param {string} markup
 * @returns {DocumentFragment}
 */
export function elements(markup) {
  /** @type {any[]} */
  const open = [document.createDocumentFragment()];
  for (const [, close, name, attributes, text] of markup.matchAll(/<(\/?)(\w+)([^>]*)>|([^<]+)/g)) {
    if (text) open[0].append(unescape(text));
    else if (close) open.shift();
    else open.unshift(open[0].appendChild(element(name, attributes)));
  }
  return open[0];
}

/** @param {string} text */
const unescape = (text) =>
  Object.entries(ESCAPES).reduceRight((shown, [sign, code]) => shown.replaceAll(code, sign), text);

/**
 * @param {string} name
 * @param {string} attributes
 */
function element(name, attributes) {
  const space = name === "span" ? "1999/xhtml" : "1998/Math/MathML";
  const made = document.createElementNS(`http://www.w3.org/${space}`, name);
  for (const [, key, value] of attributes.matchAll(/(class|form|stretchy|.space)="([^"]*)"/g)) {
    made.setAttribute(key, value);
  }
  return made;
}

// ---- names ----

/**
 * @param {Piece[]} name
 * @returns {string}
 */
function nameOf(name) {
  return name.map((piece) => ("top" in piece ? ratio(piece) : run(piece))).join("");
}

/** @param {import("./markup.mjs").Ratio} ratio */
const ratio = ({ top, bottom }) => `<mfrac>${row(nameOf(top))}${row(nameOf(bottom))}</mfrac>`;

/**
 * Return a run of letters; its scripts belong to the last of them.
 * @param {import("./markup.mjs").Run} run
 */
function run({ base, below, above }) {
  const tokens = [...base.matchAll(TOKEN)].map(token);
  let last = tokens.pop() ?? "<mrow></mrow>";
  const scripts = [below, above].filter((script) => script.length);
  const tag = `m${below.length ? "sub" : ""}${above.length ? "sup" : ""}`;
  const set = scripts.map((script) => row(nameOf(script))).join("");
  if (set) last = `<${tag}>${last}${set}</${tag}>`;
  return tokens.join("") + last;
}

/** @param {RegExpMatchArray} found */
function token(found) {
  const text = escape(found[0]);
  const { space, number, letters: several, key } = found.groups ?? {};
  if (space) return `<mtext>\u00a0${text.trim()}</mtext>`;
  if (number) return `<mn>${text}</mn>`;
  if (several || key) return `<mi>${text.replaceAll(ESCAPES["'"], "′")}</mi>`;
  if (text === "∂") return '<mo form="prefix" rspace="0">∂</mo>';
  return `<mo stretchy="false" lspace="0" rspace="0">${text}</mo>`;
}

/**
 * Return a function's name, with the range of a sum or mean below it.
 * @param {string} name
 */
function functionName(name) {
  const [what, over] = name.split(" over ");
  const letter = what === "sum" && over ? "<mo>∑</mo>" : `<mi>${escape(what)}</mi>`;
  return over ? `<munder>${letter}<mtext>${over}</mtext></munder>` : letter;
}

// ---- elements ----

/**
 * Return markup as one element.
 * @param {string} text
 */
function row(text) {
  text = whole(text);
  return isSingle(text) ? text : `<mrow>${text}</mrow>`;
}

/**
 * Return the end of the first element; 0 if there is none.
 * @param {string} text
 */
function firstEnd(text) {
  let depth = 0;
  for (const tag of text.matchAll(/<(\/?)[^>]*>/g)) {
    depth += tag[1] ? -1 : 1;
    if (!depth) return tag.index + tag[0].length;
  }
  return 0;
}

const isSingle = (/** @type {string} */ text) => text !== "" && firstEnd(text) === text.length;

// Elements that can have an exponent without parentheses.
const isBase = (/** @type {string} */ text) => /^<(mn|mi|msub)>/.test(text) && isSingle(text);

/**
 * Return the approximate width in letters; a fraction is as wide as its wider part.
 * @param {string} text
 */
function letters(text) {
  text = whole(text);
  for (let found; (found = text.match(/<mfrac>((?:(?!<mfrac>).)*?)<\/mfrac>/)); ) {
    const end = firstEnd(found[1]);
    const [top, bottom] = [plain(found[1].slice(0, end)), plain(found[1].slice(end))];
    text = text.replace(found[0], () => (bottom.length > top.length ? bottom : top));
  }
  return plain(text).length;
}

/** @param {string} text */
function plain(text) {
  const signs = text.replace(/<mo form="infix">(.)<\/mo>/g, " $1 ");
  return signs.replace(/<[^>]*>/g, "").replace(/&\w+;/g, "&");
}
