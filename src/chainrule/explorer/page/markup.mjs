// Names with subscripts and superscripts in a markup of their own: w^{2}_{11}, ∂E/∂w_{5}.
// Follows pages/markup.py.

/**
 * A run of letters with its scripts, or a derivative: a quantity over a variable.
 * @typedef {{base: string, below: Piece[], above: Piece[]}} Run
 * @typedef {{top: Piece[], bottom: Piece[]}} Ratio
 * @typedef {Run | Ratio} Piece
 */

/** @type {Record<string, string>} */
const RAISED = { "+": "⁺", "−": "⁻" };

/**
 * Return a name as pieces: "∂E/∂w_{5}" is a ratio of ∂E and ∂w with the subscript 5.
 * @param {string} name
 * @returns {Piece[]}
 */
export function parseName(name) {
  const found = name.match(/^(d|∂)(.+)\/\1([^/ ]+)(.*)$/);
  if (!found) return pieces(name);
  const [, sign, top, bottom, after] = found;
  return [{ top: pieces(sign + top), bottom: pieces(sign + bottom) }, ...pieces(after)];
}

/**
 * Return a name as one line of text: "w5", "net_h1", "w^2_11", "w5⁺".
 * @param {string} name
 * @returns {string}
 */
export function plainName(name) {
  let text = name.replace(/(?<![A-Za-z])([A-Za-zα-ωΑ-Ω])_\{(\d+)\}/g, "$1$2");
  text = text.replace(/\^\{([+−])\}/g, (_, sign) => RAISED[sign]);
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(/([_^])\{([^{}]*)\}/, "$1$2");
  }
  return text;
}

/**
 * Return runs of letters, each with its scripts.
 * @param {string} text
 * @returns {Run[]}
 */
function pieces(text) {
  /** @type {Run[]} */
  const runs = [];
  while (text) {
    const start = text.search(/[_^]\{/);
    const base = start < 0 ? text : text.slice(0, start);
    text = text.slice(base.length);
    /** @type {Record<string, Run[]>} */
    const scripts = {};
    while (/^[_^]\{/.test(text) && !(text[0] in scripts)) {
      const end = closing(text);
      scripts[text[0]] = pieces(text.slice(2, end));
      text = text.slice(end + 1);
    }
    runs.push({ base, below: scripts._ ?? [], above: scripts["^"] ?? [] });
  }
  return runs;
}

/**
 * Return the place of the brace that closes the first one.
 * @param {string} text
 */
function closing(text) {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    depth += +(text[i] === "{") - +(text[i] === "}");
    if (text[i] === "}" && !depth) return i;
  }
  return text.length;
}
