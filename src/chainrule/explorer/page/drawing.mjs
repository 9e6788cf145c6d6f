/** A small network as SVG: units, lines with their weights, targets. Its numbers are those of the present place in the step. */

import { s } from "./dom.mjs";
import { layout } from "./layout.mjs";
import { biasPart, linePart, shownSample, targetPart, unitPart } from "./lighting.mjs";
import { blockOf, isDense } from "./paths.mjs";
import { reached } from "./sequence.mjs";
import { valueOf } from "./store.mjs";
import { plainName } from "./markup.mjs";
import { briefText, isChanged, looks, markupOf, nameText, raised, shortText, valueText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {import("./lighting.mjs").Light} Light */
/** @typedef {{part: string, group: SVGGElement, over?: SVGGElement, ref: () => Ref, list: number, refresh: (light: Light) => void}} Part list: a column of parts, which the arrow keys move in */
/** @typedef {{svg: SVGSVGElement, parts: Part[], refresh: (light: Light) => void}} Drawing */

// Letters of a name that fit in a unit.
const LONGEST = 9;
// Behind a number that the mistake which is switched on has changed.
const CHANGED = " ≠";

/** @type {(markup: string) => SVGTSpanElement[]} a name with its subscripts and superscripts */
export function nameSpans(markup) {
  let before = 0;
  return raised(markup).map(([text, level]) => {
    const dy = (before - level) * 4;
    before = level;
    return s("tspan", { dy: dy || null, class: level ? "script" : null }, text);
  });
}

/** @type {(store: Store) => Drawing} */
export function drawNetwork(store) {
  const place = layout(store);
  const { columns, width, height } = place;
  const parts = columns.flatMap((column, c) => [...(c && c < columns.length - 1 ? lines(store, place, c) : []), ...column.ys.map((_, k) => node(store, place, c, k))]);
  const ends = columns[columns.length - 1].ys.map((_, k) => targetLine(place, k));
  const captions = columns.map(({ caption, x }) => s("text", { class: "caption", x, y: 15 }, caption));
  const svg = s("svg", { class: `network-picture ${place.full ? "" : "compact"}`, viewBox: `0 0 ${width} ${height}`, width, height, role: "graphics-document", "aria-roledescription": "network", "aria-label": "The network with its numbers; E changes the number in focus" });
  const behind = parts.filter((p) => p.part[0] === "w");
  svg.append(...captions, ...ends, ...behind.map((p) => p.group), ...behind.map((p) => p.over ?? s("g")), ...parts.filter((p) => !behind.includes(p)).map((p) => p.group));
  return { svg, parts, refresh: (light) => parts.forEach((part) => part.refresh(light)) };
}

// ---- texts ----

/** @type {(element: Element, text: string) => void} */
function write(element, text) {
  if (element.textContent === text) return;
  element.textContent = text;
  mark(element, "changed", text.endsWith(CHANGED));
}

/** @type {(group: Element, name: string, on: boolean) => void} */
const mark = (group, name, on) => void (group.classList.contains(name) !== on && group.classList.toggle(name, on));

/** @type {(x: number, y: number, name: string) => SVGTextElement} */
const label = (x, y, name) => s("text", { x, y, class: name });

/** @type {(store: Store, light: Light, part: string, name?: string) => string} the factor of a lit part */
const factor = (store, light, part, name = "× ") => (light.texts.get(part) ?? []).map((value) => name + shortText(store, value)).join(" ");

/** @type {(store: Store, ref: Ref, write?: (store: Store, value: number) => string) => string} */
const short = (store, ref, write = shortText) => valueText(store, ref, write) + (isChanged(store, ref) ? CHANGED : "");

/** @type {(store: Store, ref: Ref, before?: string, write?: (store: Store, value: number) => string) => string} a number if the calculation has come to it */
const ifReached = (store, ref, before = "", write = shortText) => (reached(store, ref) ? before + short(store, ref, write) : "");

/** @type {(group: SVGGElement, light: Light, part: string) => void} */
function markLit(group, light, part) {
  mark(group, "lit", light.texts.has(part));
  mark(group, "chosen", light.chosen === part);
}

// ---- lines ----

/** @type {(store: Store, place: import("./layout.mjs").Layout, c: number) => Part[]} the lines to a column, and its biases */
function lines(store, place, c) {
  const [from, to] = [place.columns[c - 1], place.columns[c]];
  const same = !["dense", "layer-norm"].includes(to.kind);
  const pairs = to.ys.flatMap((_, k) => (same ? [[k, k]] : from.ys.map((_, j) => [k, j])));
  const bias = to.kind !== "activation" && "b" in store.step.layers[c - 1].values;
  return [...pairs.map(([k, j]) => line(store, place, c, k, j)), ...(bias ? to.ys.map((_, k) => biasText(store, place, c, k)) : [])];
}

/** @type {(store: Store, place: import("./layout.mjs").Layout, c: number, k: number, j: number) => Part} */
function line(store, { columns, full, shares }, c, k, j) {
  const [from, to] = [columns[c - 1], columns[c]];
  const [part, scope] = [linePart(c - 1, k, j), store.step.layers[c - 1].label];
  const ends = { x1: from.x, y1: from.ys[j], x2: to.x, y2: to.ys[k] };
  const [edge, flow] = [s("line", { class: "edge", ...ends }), s("line", { class: "flow", ...ends })];
  const share = shares[c - 1];
  const [x, y] = [from.x + share * (to.x - from.x), from.ys[j] + share * (to.ys[k] - from.ys[j])];
  const texts = full ? [label(x, y - 10, "value"), label(x, y + 6, "under"), label(x, y + 21, "new")] : [label(x, y + 4, "under")];
  const group = s("g", {}, s("line", { class: "hit", ...ends }), edge, flow);
  // the halo of a lower line must not cover the subscripts of the upper one
  const over = s("g", { class: "over" }, ...[...texts].reverse());
  const weight = to.kind === "dense";
  const ref = () => (weight ? { scope, name: "W", index: [k, j] } : { scope, name: "a", index: [shownSample(store), k] });
  const refresh = (/** @type {Light} */ light) => {
    markLit(group, light, part);
    markLit(over, light, part);
    if (weight) strength(store, edge, valueOf(store.step, ref()), c - 1);
    const chip = factor(store, light, part);
    if (full && weight) weightTexts(store, texts, scope, [k, j], chip);
    else write(texts[full ? 1 : 0], chip);
    if (weight) describe(store, group, [ref(), { scope, name: "dW", index: [k, j] }]);
  };
  if (weight) Object.assign(group, { tabIndex: -1 });
  return { part, group, over, ref, list: weight ? 2 * c - 1 : -1, refresh };
}

/** @type {(store: Store, texts: Element[], scope: string, index: number[], chip: string, param?: string) => void} */
function weightTexts(store, texts, scope, index, chip, param = "W") {
  const ref = { scope, name: param, index };
  const named = looks(store).notation !== "plain";
  const own = short(store, ref);
  if (texts[0].getAttribute("data-text") !== own) {
    texts[0].setAttribute("data-text", own);
    texts[0].replaceChildren(...(named ? nameSpans(markupOf(store, ref)) : []), s("tspan", { dy: null, class: "number" }, ` ${own}`));
    settle(texts[0]);
  }
  const block = blockOf(store.step, scope, param);
  // with a penalty the derivative of the whole loss, once the calculation has come to it
  const whole = block ? ifReached(store, { scope: block.name, name: "dC", index }, "∂ ") : "";
  write(texts[1], chip || whole || ifReached(store, { scope, name: `d${param}`, index }, "∂ "));
  mark(texts[1], "factor", Boolean(chip));
  const next = block && store.start.optimizer ? { scope: block.name, name: "w_new", index } : null;
  write(texts[2], next && !chip ? ifReached(store, next, "→ ") : "");
}

/** @type {(text: Element) => void} bring a number back to the line after a subscript */
function settle(text) {
  const spans = [...text.children];
  const drop = spans.slice(0, -1).reduce((sum, span) => sum + Number(span.getAttribute("dy") ?? 0), 0);
  if (drop) spans[spans.length - 1].setAttribute("dy", String(-drop));
}

/** @type {WeakMap<Float64Array, number>} the largest weight of a matrix */
const LARGEST = new WeakMap();

/** @type {(store: Store, edge: SVGLineElement, value: number, layer: number) => void} the larger a weight the wider; a negative one dashed */
function strength(store, edge, value, layer) {
  const { d } = store.step.layers[layer].get("W");
  if (!LARGEST.has(d)) LARGEST.set(d, d.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9));
  const largest = LARGEST.get(d) ?? 1;
  edge.setAttribute("stroke-width", (0.8 + (3.2 * Math.abs(value)) / largest).toFixed(2));
  mark(edge, "negative", value < 0);
}

/** @type {(store: Store, place: import("./layout.mjs").Layout, c: number, k: number) => Part} */
function biasText(store, { columns, radius, full }, c, k) {
  const { x, ys } = columns[c];
  const [part, scope] = [biasPart(c - 1, k), store.step.layers[c - 1].label];
  const y = ys[k] + radius;
  const texts = full ? [label(x, y + 15, "value"), label(x, y + 31, "under"), label(x, y + 46, "new")] : [];
  const group = s("g", { class: "bias" }, ...[...texts].reverse());
  const ref = () => ({ scope, name: "b", index: [k] });
  const refresh = (/** @type {Light} */ light) => {
    markLit(group, light, part);
    if (full) weightTexts(store, texts, scope, [k], factor(store, light, part), "b");
    describe(store, group, [ref(), { scope, name: "db", index: [k] }]);
  };
  if (full) Object.assign(group, { tabIndex: -1 });
  return { part, group, ref, list: full ? 2 * c - 1 : -1, refresh };
}

// ---- units and targets ----

/** @type {(store: Store, place: import("./layout.mjs").Layout, c: number, k: number) => Part} */
function node(store, place, c, k) {
  return c === place.columns.length - 1 ? target(store, place, k) : unit(store, place, c, k);
}

/** @type {(store: Store, place: import("./layout.mjs").Layout, c: number, k: number) => Part} */
function unit(store, { columns, radius, full }, c, k) {
  const { x, ys, kind } = columns[c];
  const y = ys[k];
  const part = unitPart(c - 1, k);
  const scope = c ? store.step.layers[c - 1].label : "input";
  const at = (/** @type {string} */ name) => ({ scope, name, index: [shownSample(store), k] });
  const [name, value, delta, net] = [label(x, y - 5, "name"), label(x, y + (full ? 13 : 0), "value"), label(x, full ? y - radius - 5 : y + 13, "delta"), label(x, y - radius - 19, "net")];
  const group = s("g", { class: `unit ${kind}`, tabIndex: -1 }, s("circle", { cx: x, cy: y, r: radius }), ...(full ? [name, net] : []), value, delta);
  const dense = c > 0 && isDense(store.step.layers[c - 1]);
  const digits = full ? shortText : briefText;
  let known = "";
  const refresh = (/** @type {Light} */ light) => {
    markLit(group, light, part);
    const written = full ? markupOf(store, at("a")) : "";
    const markup = plainName(written).length <= LONGEST ? written : "";
    if (known !== markup) name.replaceChildren(...nameSpans((known = markup)));
    write(value, c ? ifReached(store, at("a"), "", digits) : short(store, at("a"), digits));
    const chip = factor(store, light, part);
    const back = c ? at(dense ? "delta" : "da") : null;
    write(delta, chip || (back ? ifReached(store, back, full ? (dense ? "δ " : "∂ ") : "", digits) : ""));
    mark(delta, "factor", Boolean(chip));
    write(net, dense && full ? ifReached(store, at("z"), "net ") : "");
    if (kind === "dropout") mark(group, "dropped", valueOf(store.step, at("mask")) === 0);
    describe(store, group, [at("a"), ...(back ? [back] : [])]);
  };
  return { part, group, ref: () => at("a"), list: 2 * c, refresh };
}

/** @type {(store: Store, place: import("./layout.mjs").Layout, k: number) => Part} a target, with its part of the error */
function target(store, { columns, radius, full }, k) {
  const { x, ys } = columns[columns.length - 1];
  const part = targetPart(k);
  const y = ys[k];
  const ref = () => ({ scope: "loss", name: "t", index: [shownSample(store), k] });
  const [value, error, chip] = [label(x, y + 4, "value"), label(x, y + radius + 14, "under"), label(x, y - radius - 5, "factor")];
  const box = s("rect", { x: x - radius, y: y - radius * 0.7, width: 2 * radius, height: 1.4 * radius, rx: 5 });
  const group = s("g", { class: "unit target", tabIndex: -1 }, box, value, error, chip);
  const refresh = (/** @type {Light} */ light) => {
    markLit(group, light, part);
    write(value, short(store, ref()));
    write(chip, factor(store, light, part));
    const own = store.step.loss.get("terms").s.length === 2 && store.step.loss.get("terms").s[1] === ys.length;
    const terms = { scope: "loss", name: "terms", index: [shownSample(store), k] };
    write(error, full && own ? ifReached(store, terms, "E ") : "");
    describe(store, group, [ref(), ...(own ? [terms] : [])]);
  };
  return { part, group, ref, list: 2 * (columns.length - 1), refresh };
}

/** @type {(place: import("./layout.mjs").Layout, k: number) => SVGLineElement} */
function targetLine({ columns }, k) {
  const [last, end] = columns.slice(-2);
  return s("line", { class: "compares", x1: last.x, y1: last.ys[k], x2: end.x, y2: end.ys[k] });
}

/** @type {(store: Store, group: SVGGElement, refs: Ref[]) => void} for screen readers: names and numbers, once updates do not follow one another */
function describe(store, group, refs) {
  if (store.playing && group.hasAttribute("aria-label")) return;
  const said = refs.filter((ref, i) => !i || reached(store, ref)).map((ref) => `${nameText(store, ref)} = ${valueText(store, ref)}`);
  const text = said.join(", ");
  if (group.getAttribute("aria-label") === text) return;
  group.setAttribute("role", "graphics-symbol");
  group.setAttribute("aria-label", text);
}
