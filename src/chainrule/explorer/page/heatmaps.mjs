/** A large network as SVG: each vector and weight matrix as a map of colors, with one chosen number. */

import { h, s } from "./dom.mjs";
import { shownSample } from "./lighting.mjs";
import { reached } from "./sequence.mjs";
import { say } from "./say.mjs";
import { sameRef } from "./store.mjs";
import { nameText, valueText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {{title: string, rows: number, columns: number, name: () => string, scope: string, refOf: (place: number, name: string) => Ref}} Kind what a map shows */
/** @typedef {{kind: Kind, group: SVGGElement, image: SVGImageElement, mark: SVGRectElement, caption: SVGTextElement, x: number, width: number, height: number, place: number, known: any}} MapPart */

const [TOP, SIDE, NARROW] = [40, 200, 26];
const [PLUS, MINUS] = [[31, 95, 168], [179, 64, 42]];

/** @type {(store: Store, editor: import("./number_editor.mjs").Editor) => import("./drawing.mjs").Drawing} */
export function drawMaps(store, editor) {
  const kinds = kindsOf(store);
  let x = 16;
  const maps = kinds.map((kind) => {
    const made = mapOf(kind, x);
    x += Math.max(made.width, 76) + 18;
    return made;
  });
  const svg = s("svg", { class: "network-picture maps", viewBox: `0 0 ${x} ${TOP + SIDE + 12}`, width: x, height: TOP + SIDE + 12, role: "graphics-document", "aria-roledescription": "network", "aria-label": "The network as maps of its numbers; arrow keys move in a map and to the next" }, ...maps.map((m) => m.group));
  listen(store, svg, maps, editor);
  maps[0].group.tabIndex = 0;
  return { svg, parts: [], refresh: () => maps.forEach((map) => refresh(store, map)) };
}

// ---- what is shown ----

/** @type {(store: Store) => Kind[]} */
function kindsOf(store) {
  const { layers, input } = store.step;
  const vector = (/** @type {string} */ scope, /** @type {number} */ n, /** @type {string} */ title, /** @type {() => string} */ name) => {
    const side = Math.sqrt(n);
    const columns = scope === "input" && Number.isInteger(side) ? side : 1;
    return { title, rows: n / columns, columns, name, scope, refOf: (/** @type {number} */ place, /** @type {string} */ own) => ({ scope, name: own, index: [shownSample(store), place] }) };
  };
  const late = (/** @type {string} */ scope, /** @type {string} */ early, /** @type {string} */ later, /** @type {number[]} */ index) => Number.isFinite(store.cursor) && reached(store, { scope, name: later, index }) ? later : early;
  return [
    vector("input", input.get("a").s[1], "inputs", () => "a"),
    ...layers.flatMap(({ label, values, equations }) => {
      const n = store.step.scopes[label].get("a").s[1];
      const back = "delta" in equations ? "delta" : "da";
      const units = vector(label, n, label, () => late(label, "a", back, [0, 0]));
      if (values.W?.s.length !== 2) return [units];
      const [rows, columns] = values.W.s;
      const refOf = (/** @type {number} */ place, /** @type {string} */ name) => ({ scope: label, name, index: [Math.floor(place / columns), place % columns] });
      return [{ title: `W${label.replace("layer", "")}`, rows, columns, scope: label, name: () => late(label, "W", "dW", [0, 0]), refOf }, units];
    }),
  ];
}

/** @type {(kind: Kind, x: number) => MapPart} */
function mapOf(kind, x) {
  const { rows, columns } = kind;
  const long = Math.max(rows, columns);
  const width = columns === 1 ? NARROW : Math.max(NARROW, (SIDE * columns) / long);
  const height = Math.max(NARROW, (SIDE * rows) / long);
  const image = s("image", { x, y: TOP, width, height, preserveAspectRatio: "none" });
  const mark = s("rect", { class: "mark" });
  const caption = s("text", { class: "caption", x, y: 22 });
  const group = s("g", { class: "map", role: "graphics-symbol", tabIndex: -1 }, caption, s("rect", { class: "around", x, y: TOP, width, height }), image, mark);
  return { kind, group, image, mark, caption, x, width, height, place: 0, known: null };
}

/** @type {(store: Store, map: MapPart) => void} */
function refresh(store, map) {
  const { kind, caption, group, mark } = map;
  const name = kind.name();
  const found = (kind.scope === "input" ? store.step.input : store.step.scopes[kind.scope]).get(name);
  const n = kind.rows * kind.columns;
  const from = found.d.length === n ? 0 : shownSample(store) * n;
  const [cw, ch] = [map.width / kind.columns, map.height / kind.rows];
  const [row, column] = [Math.floor(map.place / kind.columns), map.place % kind.columns];
  for (const [key, value] of Object.entries({ x: map.x + column * cw - 1, y: TOP + row * ch - 1, width: Math.max(cw, 2) + 2, height: Math.max(ch, 2) + 2 })) mark.setAttribute(key, String(value));
  const ref = kind.refOf(map.place, name);
  group.classList.toggle("chosen", sameRef(ref, store.selection));
  group.setAttribute("aria-label", `${kind.title}, ${name}, ${kind.rows} by ${kind.columns}; ${nameText(store, ref)} = ${valueText(store, ref)}`);
  caption.textContent = `${name === "a" ? kind.title : name + kind.title.replace(/^W|layer/, "")} ${kind.columns > 1 ? `${kind.rows}×${kind.columns}` : kind.rows}`;
  if (map.known !== found) paint(map, found.d.subarray(from, from + n));
  map.known = found;
}

/** @type {(map: MapPart, numbers: Float64Array) => void} */
function paint({ kind, image }, numbers) {
  const canvas = h("canvas", { width: kind.columns, height: kind.rows });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = context.createImageData(kind.columns, kind.rows);
  const largest = numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
  numbers.forEach((value, i) => pixels.data.set([...(value < 0 ? MINUS : PLUS), (255 * Math.abs(value)) / largest], 4 * i));
  context.putImageData(pixels, 0, 0);
  image.setAttribute("href", canvas.toDataURL());
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
