// Typesets expressions as math for LaTeX and, between dollar signs, for Markdown.
// Follows pages/tex_math.py.

import { parseName } from "./markup.mjs";
import { signedTerms } from "./typeset.mjs";

/** @typedef {import("./markup.mjs").Piece} Piece */
/** @typedef {import("./markup.mjs").Run} Run */

/**
 * `keys`: whether names are this package's keys, which stand upright and in one piece.
 * `markdown`: whether a Markdown parser reads it first.
 * `letters`, `special`: LaTeX commands by character, which Python exports.
 * @typedef {object} Style
 * @property {boolean} keys
 * @property {boolean} markdown
 * @property {Record<string, string>} letters
 * @property {Record<string, string>} special
 */

/** @type {Record<string, string>} */
const RAISED = { "²": "2", "³": "3", "¹": "1", "⁺": "+", "⁻": "-", ᵀ: "\\top" };
/** @type {Record<string, string>} */
const HATS = { "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0307": "dot", "\u0308": "ddot" };
/** @type {Record<string, string>} */
const OPERATIONS = { "*": "\\cdot", "@": "\\thinspace", "⊙": "\\odot", "<": "\\lt", "<=": "\\le" };
Object.assign(OPERATIONS, { ">": "\\gt", ">=": "\\ge" });
/** @type {Record<string, string>} */
const FUNCTIONS = { log: "\\ln", tanh: "\\tanh", max: "\\max", exp: "\\exp" };
const HALF = "\\tfrac{1}{2}";
const TOKEN = new RegExp(
  [
    "(?<key>[A-Za-z][A-Za-z0-9_]*\\[[0-9,]*\\]|[A-Za-z]+[0-9]*_[A-Za-z0-9_]+|",
    "[A-Za-z]+[0-9]+(?![\\p{L}\\p{N}_.]))|(?<letter>[\\p{L}\\p{N}_][\u0302\u0303\u0304\u0307\u0308])",
    "|(?<word>[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]+)|(?<text> .*)|(?<other>.)",
  ].join(""),
  "gu",
);
// Characters; a wider fraction, root or exponent would not fit.
const WIDE = 52;
const HIGH = 16;

const isLetter = (/** @type {string | undefined} */ sign) => /^\p{L}/u.test(sign ?? "");
const isWordSign = (/** @type {string} */ text) => /^[\p{L}\p{N}]$/u.test(text);

/**
 * Return the setter of a style.
 * @param {Style} style
 * @returns {import("./typeset.mjs").Setter}
 */
export function texSetter(style) {
  const { markdown } = style;
  const gap = markdown ? "" : "\\allowbreak";
  /** @type {import("./typeset.mjs").Setter} */
  const setter = {
    stacked: true,
    name: (markup) =>
      style.keys && !markup.includes("{") ? key(markup, style) : pieces(parseName(markup), 0, style),
    number(text) {
      const found = text.match(/^(-?\d+(?:\.\d+)?)(?:e(-?\d+))?$/);
      if (!found) return text === "½" ? HALF : words(text, style);
      return found[2] ? `${found[1]}{\\cdot}10^{${found[2]}}` : found[1];
    },
    fence,
    negation: (inner) => `-${inner}`,
    operation(symbol, left, right) {
      if (symbol === "*" && left === HALF) return `${left} ${right}`;
      return `${left} ${OPERATIONS[symbol] ?? symbol} ${right}`;
    },
    fraction,
    power,
    call: (name, parts) => call(name, parts.join(markdown ? ", " : ",\\allowbreak "), style),
    total: (terms) => signedTerms(setter, terms),
    rest: (count) => `\\text{(${count} further terms)}`,
    choice: (condition, yes, no) =>
      `${yes}${gap}\\text{ if }${condition}${gap}\\text{ else }${no}`,
  };
  return setter;
}

// ---- names ----

/**
 * Return a key or an identifier, upright and unbroken.
 * @param {string} text
 * @param {Style} style
 */
function key(text, { markdown }) {
  // The low line looks like an underscore, which neither Markdown nor KaTeX allows in text.
  return `\\texttt{${text.replaceAll("_", markdown ? "\u02cd" : "\\_")}}`;
}

/**
 * @param {Piece[]} name
 * @param {number} depth
 * @param {Style} style
 * @returns {string}
 */
function pieces(name, depth, style) {
  const set = (/** @type {Piece[]} */ part) => pieces(part, depth, style);
  return joined(
    name.map((p) => ("top" in p ? `\\frac{${set(p.top)}}{${set(p.bottom)}}` : run(p, depth, style))),
  );
}

/**
 * @param {Run} run
 * @param {number} depth
 * @param {Style} style
 */
function run({ base, below, above }, depth, style) {
  const end = base.match(/[²³¹⁺⁻ᵀ]*$/)?.[0] ?? "";
  const letters = base.slice(0, base.length - end.length).normalize("NFC");
  const shown = joined([...letters.matchAll(TOKEN)].map((found) => token(found, depth, style)));
  const raised = [...end].map((sign) => RAISED[sign]).join("") + pieces(above, depth + 1, style);
  const low = pieces(below, depth + 1, style);
  const script = low && subscript(shown, low, style);
  return (shown || "{}") + script + (raised && `^${braced(raised)}`);
}

/**
 * Return a subscript of a base.
 * @param {string} base
 * @param {string} script
 * @param {Style} style
 */
function subscript(base, script, { markdown }) {
  const bare = script.length === 1 && isWordSign(base.slice(-1));
  return `${markdown && !bare ? " " : ""}_${braced(script)}`;
}

/**
 * @param {RegExpMatchArray} found
 * @param {number} depth
 * @param {Style} style
 */
function token(found, depth, style) {
  const text = found[0];
  const groups = found.groups ?? {};
  if (groups.key) return depth && !text.includes("[") ? text : key(text, style);
  const ascii = /^[A-Za-z]+$/.test(text);
  if (groups.word && ascii) return text.length === 1 ? text : `\\math${depth ? "rm" : "it"}{${text}}`;
  const hat = groups.word || groups.letter ? hatted(text) : "";
  if (hat) return hat;
  return groups.word || groups.text ? words(text, style) : sign(text, style);
}

/**
 * @param {string} text
 * @param {Style} style
 */
function sign(text, style) {
  if (text in style.letters) return `\\${style.letters[text]}`;
  if ("'′".includes(text)) return "'";
  if (text in RAISED) return `^${braced(RAISED[text])}`;
  if (text === "−") return "-";
  if (text === "|") return "\\vert ";
  return /^[0-9.,:;()[\]+\-=/!]$/.test(text) ? text : words(text, style);
}

/**
 * Return a letter with its accent, such as x̂, or an empty string for other letters.
 * @param {string} text
 */
function hatted(text) {
  const [letter, accent, ...others] = text.normalize("NFD");
  return accent in HATS && !others.length ? `\\${HATS[accent]}{${letter}}` : "";
}

/**
 * Return words within math.
 * @param {string} text
 * @param {Style} style
 */
function words(text, { markdown, letters, special }) {
  if (markdown) return `\\text{${text.replace(/[\\{}$%&#~^_*<>`|]/g, "?")}}`;
  const escaped = (/** @type {string} */ c) => special[c] ?? (letters[c] ? `$\\${letters[c]}$` : c);
  const shown = text.trim().split(/\s+/).join(" ").normalize("NFC");
  return `\\text{${text.startsWith(" ") ? " " : ""}${[...shown].map(escaped).join("")}}`;
}

// ---- expressions ----

/** @param {string} inner */
const fence = (inner) => (inner.includes("\\frac") ? `\\Bigl(${inner}\\Bigr)` : `(${inner})`);

/**
 * @param {string} top
 * @param {string} bottom
 */
function fraction(top, bottom) {
  // Three numbers above each other are too small to read.
  const stacked = (top + bottom).includes("\\frac");
  if (!stacked && Math.max(length(top), length(bottom)) <= WIDE) return `\\frac{${top}}{${bottom}}`;
  return `${closed(top)} / ${closed(bottom)}`;
}

/**
 * Return an operand of an inline division, in parentheses where it needs them.
 * @param {string} inner
 */
const closed = (inner) => (/^-| ([+/-]|\\[a-z]+) /.test(inner) ? fence(inner) : inner);

/**
 * @param {string} base
 * @param {string} exponent
 */
function power(base, exponent) {
  const fenced = /^(\(|\\Bigl\()/.test(base) && base.endsWith(")");
  const simple = !(base.endsWith(")") || base.includes("^") || base.includes("\\frac"));
  return `${fenced || simple ? base : fence(base)}^${braced(exponent)}`;
}

/**
 * @param {string} name
 * @param {string} inner
 * @param {Style} style
 */
function call(name, inner, style) {
  if (name === "transpose") return power(inner, "\\top");
  if (name === "abs") return `\\lvert ${inner}\\rvert`;
  if (name === "exp" && length(inner) <= HIGH && !inner.includes("\\frac")) {
    return `\\mathrm{e}^{${inner}}`;
  }
  if (name === "sqrt") return length(inner) <= WIDE ? `\\sqrt{${inner}}` : `${fence(inner)}^{1/2}`;
  return functionName(name, style) + fence(inner);
}

/**
 * Return a function's name, with its prime or the range of its sum.
 * @param {string} name
 * @param {Style} style
 */
function functionName(name, style) {
  const [word, over] = name.split(" over ");
  const stem = word.replace(/′+$/, "");
  const plain = /^[A-Za-z]+$/.test(stem) ? `\\mathrm{${stem}}` : key(stem, style);
  const shown = (FUNCTIONS[stem] ?? plain) + "'".repeat(word.length - stem.length);
  return over ? shown + subscript(shown, `\\text{${over}}`, style) : shown;
}

/**
 * Return a subscript or superscript, in braces if it has several characters.
 * @param {string} text
 */
const braced = (text) => (isWordSign(text) ? text : `{${text}}`);

/**
 * Return the parts joined, with a space between a command and a following letter.
 * @param {string[]} parts
 */
function joined(parts) {
  return parts.reduce(
    (text, part) => text + (/\\[A-Za-z]+$/.test(text) && isLetter(part[0]) ? " " : "") + part,
    "",
  );
}

/**
 * Return the approximate width of typeset math in characters.
 * @param {string} tex
 */
function length(tex) {
  let shown = bare(tex);
  for (let found; (found = shown.match(/\\frac\{([^{}]*)\}\{([^{}]*)\}/)); ) {
    const [all, top, bottom] = found;
    shown = bare(shown.replace(all, () => (bottom.length > top.length ? bottom : top)));
  }
  return shown.replace(/[{}\s_^]/g, "").length;
}

/**
 * Return math without fonts and inner braces, with one character for any other command.
 * @param {string} tex
 */
function bare(tex) {
  tex = tex.replace(/\\(?:math[a-z]+|text[a-z]*|hat|Big[lr]|allowbreak|sqrt)(?![A-Za-z])/g, "");
  tex = tex.replace(/\\(?!frac)(?:[A-Za-z]+|.)/g, "x");
  for (let before = ""; before !== tex; ) {
    before = tex;
    tex = tex.replace(/(?<!\\frac)(?<!\})\{([^{}]*)\}/g, "$1");
  }
  return tex;
}
