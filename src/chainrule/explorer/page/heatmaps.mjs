/** A large network as SVG: each vector and weight matrix as a map of colors, with one chosen number. */

import { h, s } from "./dom.mjs";
import { partOf, shownSample } from "./lighting.mjs";
import { reached } from "./sequence.mjs";
import { say } from "./say.mjs";
import { sameRef } from "./store.mjs";
import { nameText, shortText, valueText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {import("./lighting.mjs").Light} Light */
/** @typedef {{title: string, layer: number, param: string, rows: number, columns: number, name: () => string, scope: string, refOf: (place: number, name: string) => Ref}} Kind what a map shows: the units or a parameter of a layer, the inputs (layer −1), or the targets (after the last) */
/** @typedef {{kind: Kind, group: SVGGElement, image: SVGImageElement, mark: SVGRectElement, lit: SVGRectElement, caption: SVGTextElement, most: SVGTextElement, x: number, width: number, height: number, place: number, known: any, followed: Ref | null}} MapPart */

const [TOP, SIDE, NARROW, BELOW, CAPTION, GAP] = [40, 200, 26, 62, 88, 14];
// Steps of the scale of colors, and its width.
const [STEPS, SCALE] = [81, 160];
const [PLUS, MINUS] = [[31, 95, 168], [179, 64, 42]];

/** @type {(store: Store, editor: import("./number_editor.mjs").Editor) => import("./drawing.mjs").Drawing} */
export function drawMaps(store, editor) {
  let x = 16;
  const maps = kindsOf(store).map((kind) => {
    const made = mapOf(kind, x);
    x += Math.max(made.width, CAPTION) + GAP;
    return made;
  });
  const height = TOP + SIDE + BELOW;
  const svg = s("svg", { class: "network-picture maps", viewBox: `0 0 ${x} ${height}`, width: x, height, role: "graphics-document", "aria-roledescription": "network", "aria-label": "The network as maps of its numbers; arrow keys move in a map and to the next, E changes a number" }, ...maps.map((m) => m.group), scale(height - 24));
  listen(store, svg, maps, editor);
  maps[0].group.tabIndex = 0;
  return { svg, parts: [], refresh: (light) => maps.forEach((map) => refresh(store, map, light)) };
}

/** @type {(y: number) => SVGGElement} the colors, from the smallest number of a map to the largest */
function scale(y) {
  const image = s("image", { x: 90, y, width: SCALE, height: 14, preserveAspectRatio: "none", href: colors(Float64Array.from({ length: STEPS }, (_, i) => (2 * i) / (STEPS - 1) - 1), STEPS, 1) });
  const label = (/** @type {number} */ x, /** @type {string} */ text) => s("text", { class: "caption", x, y: y + 13 }, text);
  return s("g", {}, label(16, "below 0"), image, label(100 + SCALE, "above 0; below each map: the size of its full color"));
}

// ---- what is shown ----

/** @type {(store: Store) => Kind[]} */
function kindsOf(store) {
  const { layers, input, loss } = store.step;
  const vector = (/** @type {string} */ scope, /** @type {number} */ layer, /** @type {number} */ n, /** @type {string} */ title, /** @type {() => string} */ name) => {
    const side = Math.sqrt(n);
    const columns = scope === "input" && Number.isInteger(side) ? side : 1;
    return { title, layer, param: "", rows: n / columns, columns, name, scope, refOf: (/** @type {number} */ place, /** @type {string} */ own) => ({ scope, name: own, index: [shownSample(store), place] }) };
  };
  const late = (/** @type {string} */ scope, /** @type {string} */ early, /** @type {string} */ later, /** @type {number[]} */ index) => Number.isFinite(store.cursor) && reached(store, { scope, name: later, index }) ? later : early;
  const parameter = (/** @type {number} */ layer, /** @type {string} */ param) => {
    const { label, values } = layers[layer];
    const { s: [rows, columns] } = values[param];
    const refOf = (/** @type {number} */ place, /** @type {string} */ name) => ({ scope: label, name, index: columns ? [Math.floor(place / columns), place % columns] : [place] });
    return { title: param + label.replace("layer", ""), layer, param, rows, columns: columns ?? 1, scope: label, name: () => late(label, param, `d${param}`, columns ? [0, 0] : [0]), refOf };
  };
  return [
    vector("input", -1, input.get("a").s[1], "inputs", () => "a"),
    ...layers.flatMap(({ label, values, equations }, i) => {
      const back = "delta" in equations ? "delta" : "da";
      const units = vector(label, i, store.step.scopes[label].get("a").s[1], label, () => late(label, "a", back, [0, 0]));
      return [...["W", "b"].filter((param) => param in values).map((param) => parameter(i, param)), units];
    }),
    vector("loss", layers.length, loss.get("t").s[1], "targets", () => "t"),
  ];
}

/** @type {(kind: Kind, x: number) => MapPart} */
function mapOf(kind, x) {
  const { rows, columns } = kind;
  const long = Math.max(rows, columns);
  const width = columns === 1 ? NARROW : Math.max(NARROW, (SIDE * columns) / long);
  const height = Math.max(NARROW, (SIDE * rows) / long);
  const image = s("image", { x, y: TOP, width, height, preserveAspectRatio: "none" });
  const [mark, lit] = [s("rect", { class: "mark" }), s("rect", { class: "path" })];
  const [caption, most] = [s("text", { class: "caption", x, y: 22 }), s("text", { class: "caption", x, y: TOP + height + 18 })];
  const group = s("g", { class: "map", role: "graphics-symbol", tabIndex: -1 }, caption, most, s("rect", { class: "around", x, y: TOP, width, height }), image, lit, mark);
  return { kind, group, image, mark, lit, caption, most, x, width, height, place: 0, known: null, followed: null };
}

/** @type {(map: MapPart, rect: SVGRectElement, place: number[], margin: number) => void} put a frame around rows and columns of a map, from row and column on */
function frame({ kind, x, width, height }, rect, [row, column, rows, columns], margin) {
  const [w, h] = [width / kind.columns, height / kind.rows];
  const box = { x: x + column * w - margin, y: TOP + row * h - margin, width: Math.max(columns * w, 2) + 2 * margin, height: Math.max(rows * h, 2) + 2 * margin };
  for (const [key, value] of Object.entries(box)) rect.setAttribute(key, String(value));
}

/** @type {(store: Store, map: MapPart, light?: Light) => void} */
function refresh(store, map, light) {
  const { kind, caption, group, mark, most } = map;
  const name = kind.name();
  const found = (kind.scope === "input" ? store.step.input : store.step.scopes[kind.scope]).get(name);
  const n = kind.rows * kind.columns;
  const from = found.d.length === n ? 0 : shownSample(store) * n;
  if (store.selection !== map.followed) {
    map.followed = store.selection;
    map.place = placeOf(kind, partOf(store, store.selection)) ?? map.place;
  }
  frame(map, mark, [Math.floor(map.place / kind.columns), map.place % kind.columns, 1, 1], 1);
  if (light) showPath(store, map, light);
  const ref = kind.refOf(map.place, name);
  group.classList.toggle("chosen", sameRef(ref, store.selection));
  group.setAttribute("aria-label", `${kind.title}, ${name}, ${kind.rows} by ${kind.columns}; ${nameText(store, ref)} = ${valueText(store, ref)}`);
  const title = ["a", "t", kind.param].includes(name) ? kind.title : name + kind.title.replace(/^(W|b|layer)/, "");
  write(caption, `${title} ${kind.columns > 1 ? `${kind.rows}×${kind.columns}` : kind.rows}`);
  if (map.known === found) return;
  map.known = found;
  const numbers = found.d.subarray(from, from + n);
  map.image.setAttribute("href", colors(numbers, kind.columns, kind.rows));
  write(most, numbers.some(Boolean) ? `±${shortText(store, largest(numbers))}` : "all 0");
}

/** @type {(kind: Kind, chosen: string) => number | undefined} the place of a part of the picture in a map that has it */
function placeOf({ layer, param, columns }, chosen) {
  const [, kind, own, one, two] = chosen.match(/^(\w)(?:(-?\d+),)?(\d+)(?:,(\d+))?$/) ?? [];
  if (kind === "t" ? own !== undefined || param || layer <= 0 : kind !== (param.toLowerCase() || "u") || +own !== layer) return undefined;
  return two === undefined ? +one : +one * columns + +two;
}

/** @type {(store: Store, map: MapPart, light: Light) => void} frame what is on the paths of the number that is lit */
function showPath({ step }, map, { start, first, chosen }) {
  const { kind, lit } = map;
  const { layer, param, rows, columns } = kind;
  const one = (/** @type {number} */ place) => [Math.floor(place / columns), place % columns, 1, 1];
  const wide = step.layers.findIndex((scope, i) => start && i > start.layer && ["W", "gain"].some((name) => name in scope.values));
  const own = placeOf(kind, chosen);
  const [, from] = chosen.match(/^w.*,(\d+)$/) ?? [];
  /** @type {number[] | null} */
  let place = null;
  if (start && own !== undefined) place = one(own);
  else if (start && !param && from && first.length && layer === start.layer - 1) place = one(+from);
  else if (start && layer >= start.layer && !param) place = wide < 0 || layer < wide ? one(start.unit) : [0, 0, rows, columns];
  else if (start && layer > start.layer && param === "W") place = layer === wide ? [0, start.unit, rows, 1] : [0, 0, rows, columns];
  lit.style.display = place ? "" : "none";
  if (place) frame(map, lit, place, 3);
}

/** @type {(element: Element, text: string) => void} */
const write = (element, text) => void (element.textContent !== text && (element.textContent = text));

/** @type {(numbers: Float64Array) => number} */
const largest = (numbers) => numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);

/** @type {(numbers: Float64Array, columns: number, rows: number) => string} the address of a picture, a pixel for each number */
function colors(numbers, columns, rows) {
  const canvas = h("canvas", { width: columns, height: rows });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(columns, rows);
  const most = largest(numbers);
  numbers.forEach((value, i) => pixels.data.set([...(value < 0 ? MINUS : PLUS), (255 * Math.abs(value)) / most], 4 * i));
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

// ---- focus and choice ----

/** @type {(store: Store, ref: Ref | null, open: boolean) => void} choose a number and show its arithmetic, with the focus if it is opened */
export function openArithmetic(store, ref, open) {
  store.select(ref);
  if (ref) document.getElementById("tab-arithmetic")?.click();
  if (open) document.getElementById("panel-arithmetic")?.focus();
}

/** @type {(store: Store, svg: SVGSVGElement, maps: MapPart[], editor: import("./number_editor.mjs").Editor) => void} */
function listen(store, svg, maps, editor) {
  const found = (/** @type {Event} */ event) => maps.findIndex((m) => m.group.contains(/** @type {Node} */ (event.target)));
  const refOf = (/** @type {MapPart} */ map) => map.kind.refOf(map.place, map.kind.name());
  const choose = (/** @type {MapPart} */ map, /** @type {boolean} */ open) => openArithmetic(store, refOf(map), open);
  const show = (/** @type {MapPart} */ map) => {
    for (const { group } of maps) group.tabIndex = group === map.group ? 0 : -1;
    map.group.focus();
    refresh(store, map);
    say(map.group.getAttribute("aria-label") ?? "");
  };
  svg.addEventListener("click", (event) => {
    const map = maps[found(event)];
    if (!map) return;
    map.place = placeAt(svg, map, event);
    show(map);
    choose(map, false);
  });
  svg.addEventListener("pointermove", (event) => {
    const map = maps[found(event)];
    store.point(map ? map.kind.refOf(placeAt(svg, map, event), map.kind.name()) : null);
  });
  svg.addEventListener("pointerleave", () => store.point(null));
  svg.addEventListener("dblclick", (event) => {
    const map = maps[found(event)];
    if (map) editor.open(refOf(map), map.mark);
  });
  svg.addEventListener("keydown", (event) => {
    const at = found(event);
    if (at < 0) return;
    if (editor.key(event, refOf(maps[at]), maps[at].mark)) return event.preventDefault();
    const next = step(maps, at, event.key);
    if (next) show(next);
    else if (event.key === "Enter" || event.key === " ") choose(maps[at], event.key === "Enter");
    else return;
    event.preventDefault();
  });
}

/** @type {(svg: SVGSVGElement, map: MapPart, event: MouseEvent) => number} */
function placeAt(svg, { kind, x, width, height }, event) {
  const box = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.width / box.width;
  const part = (/** @type {number} */ value, /** @type {number} */ n) => Math.max(0, Math.min(n - 1, Math.floor(value * n)));
  const column = part(((event.clientX - box.left) * scale - x) / width, kind.columns);
  return part(((event.clientY - box.top) * scale - TOP) / height, kind.rows) * kind.columns + column;
}

/** @type {(maps: MapPart[], at: number, key: string) => MapPart | undefined} the next map, or this one after a move in it */
function step(maps, at, key) {
  const map = maps[at];
  const { rows, columns } = map.kind;
  const [row, column] = [Math.floor(map.place / columns), map.place % columns];
  const [dy, dx] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [0, 0];
  if ((!dx && !dy) || row + dy < 0 || row + dy >= rows) return undefined;
  if (column + dx < 0 || column + dx >= columns) return maps[at + dx];
  map.place = (row + dy) * columns + column + dx;
  return map;
}
