/** The panel of learning: losses, surfaces or curves, units, sizes, confusions, pictures and weights. */

import { toRows } from "./arrays.mjs";
import { button, counted, field, h, s, select } from "./dom.mjs";
import { chart, chartFrame, classColor, mark, mix, numbers, paint, palette, picture, sketch } from "./plot.mjs";
import { say } from "./say.mjs";
import { accuracy, classNames, classOf, classifies, confusion, grid, passOf, predict, rangeOf, sizes } from "./training.mjs";
import { isLossHidden } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {{element: HTMLElement, draw: () => void}} Picture */

// Pixels across a surface, points of a curve, units shown of a layer, pictures shown.
const [SIDE, POINTS, UNITS, SHOWN] = [48, 120, 16, 12];
// Milliseconds of a frame for updates.
const FRAME = 5;

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function learningPanel(store) {
  const body = h("div", { class: "pictures" });
  const element = h("div", { class: "learning" }, h("h2", {}, "Learning"), trainer(store), body);
  /** @type {Picture[]} */
  let pictures = [];
  const losses = lossPicture(store);
  const draw = paced(() => [losses, ...pictures].forEach((one) => one.draw()));
  let isOld = false;
  const update = (/** @type {import("./store.mjs").Change} */ what) => {
    if (what === "model") {
      pictures = suitable(store);
      body.replaceChildren(losses.element, ...pictures.map((one) => one.element));
    }
    const isRun = ["model", "run", "mistake"].includes(what);
    // while updates follow one another, the losses are drawn as seldom as the other pictures
    if (store.playing) isOld ||= isRun;
    else if (isOld || isRun || what === "view") {
      losses.draw();
      isOld = false;
    }
    if (isRun) draw();
  };
  return { id: "learning", title: "Learning", element, update };
}

/** @type {(store: Store) => Picture[]} the pictures that a network and its data have */
function suitable(store) {
  const { network, data } = store.start;
  const wide = network.inputs > 15 && Number.isInteger(Math.sqrt(network.inputs));
  const made = [
    network.inputs < 3 && surface(store), network.inputs < 3 && unitSurfaces(store), classifies(store.start) && confusions(store),
    data.side && digitPictures(store), wide && weightImages(store), sizePicture(store),
  ];
  return made.filter((one) => typeof one === "object");
}

/** @type {(draw: () => void) => () => void} draw soon, and so seldom that four fifths of the time are left for the rest */
function paced(draw) {
  let [waiting, free] = [false, 0];
  const run = () => {
    waiting = false;
    const begun = performance.now();
    draw();
    free = performance.now() + 4 * (performance.now() - begun);
  };
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => requestAnimationFrame(run), Math.max(0, free - performance.now()));
  };
}

/** @type {(title: string, ...parts: import("./dom.mjs").Child[]) => HTMLElement} */
const figure = (title, ...parts) => h("figure", {}, h("figcaption", {}, title), ...parts);

/** @type {(make: () => HTMLElement) => {element: HTMLElement, draw: () => void}} the same numbers, computed only while they are open */
function table(make) {
  const holder = h("div");
  const draw = () => element.open && holder.replaceChildren(make());
  const element = h("details", { on: { toggle: draw } }, h("summary", {}, "Numbers"), holder);
  return { element, draw };
}

// ---- training ----

/** @type {(store: Store) => HTMLElement} makes many updates, some in every frame, until it is stopped */
function trainer(store) {
  const count = select(["100", "1000", "10000", "100000"], "1000");
  const status = h("p", { class: "hint", role: "status" });
  let [left, drawing, next] = [0, 0, 0];
  const frame = () => {
    // updates take longer the longer pictures take, so that these are not most of the work
    const end = performance.now() + Math.max(FRAME, Math.min(2 * drawing, 4 * FRAME));
    let fine = left > 0;
    do fine = fine && --left >= 0 && store.update();
    while (fine && left && performance.now() < end);
    const updated = performance.now();
    store.emit("run");
    drawing = performance.now() - updated;
    if (!fine && left > 0) status.textContent = store.start.optimizer ? "Stopped: a parameter is no longer finite; choose a smaller learning rate." : "There is no optimizer; choose one under Network.";
    if (fine && left) next = requestAnimationFrame(frame);
    else store.halt();
  };
  const finish = () => {
    left = 0;
    cancelAnimationFrame(next);
    go.textContent = "Train";
    status.textContent ||= `${counted(store.at, "update")} done.`;
  };
  const go = button("Train", () => {
    if (left) return store.halt();
    store.run(finish, true);
    left = +count.value;
    status.textContent = "";
    // what was said before is no longer true
    say("");
    go.textContent = "Stop";
    frame();
  });
  return h("div", { class: "row" }, field("Updates", count), go, button("Start again", () => store.reset()), status);
}

// ---- losses ----

/** @type {(store: Store) => Picture} */
function lossPicture(store) {
  const svg = chartFrame("Loss by updates");
  const words = h("p", { class: "hint" });
  let log = false;
  const scale = select([["", "linear"], ["log", "logarithmic"]], "", (value) => {
    log = value === "log";
    draw();
  });
  const few = () => {
    const { items } = store.curve;
    return items.filter((_, i) => i % Math.ceil(items.length / 20) === 0 || i === items.length - 1);
  };
  const rows = table(() => numbers(["update", "training", "validation"], few().map((p) => [String(p.step), p.loss, p.validation]), "Loss by updates"));
  const draw = () => {
    rows.element.hidden = isLossHidden(store);
    if (rows.element.hidden) {
      svg.replaceChildren();
      words.textContent = "The loss is hidden for practice.";
      return svg.setAttribute("aria-label", words.textContent);
    }
    const { items } = store.curve;
    const last = items[items.length - 1];
    const held = store.start.data.validation?.x.length ? [{ name: "validation", kind: "second", points: items.map((p) => /** @type {[number, number]} */ ([p.step, p.validation])) }] : [];
    chart(svg, [{ name: "training", points: items.map((p) => [p.step, p.loss]) }, ...held], { log, x: "updates", at: store.at });
    words.textContent = `After ${counted(last.step, "update")}: ${last.loss.toPrecision(4)}${held.length ? ` in training (solid line), ${last.validation.toPrecision(4)} in validation (dashed)` : ""}.`;
    svg.setAttribute("aria-label", `Loss by updates. ${words.textContent}`);
    rows.draw();
  };
  return { element: figure("Loss", svg, words, field("scale", scale), rows.element), draw };
}

// ---- surfaces and curves ----

/** @type {(store: Store) => [number, number][]} */
const ranges = ({ start: { data, network } }) => Array.from({ length: network.inputs }, (_, k) => rangeOf([...data.x, ...(data.validation?.x ?? [])], k));

/** @type {(store: Store) => number[][]} points all over the inputs, as pixels or along a line */
const points = (store) => grid(ranges(store), store.start.network.inputs === 2 ? SIDE : POINTS);

/** @type {(store: Store) => Picture} what the network says everywhere, with the samples */
function surface(store) {
  return store.start.network.inputs === 2 ? plane(store) : curve(store);
}

/** @type {(store: Store) => Picture} */
function curve(store) {
  const svg = chartFrame("Prediction by the input");
  const rows = table(() => {
    const x = grid(ranges(store), 12);
    return numbers(["x", "prediction"], predict(store.tables, store.model, x).map((p, i) => [x[i][0].toPrecision(3), ...p]), "Prediction by the input");
  });
  const draw = () => {
    const { data } = store.start;
    const x = points(store);
    const p = predict(store.tables, store.model, x);
    const dots = [data, data.validation ?? { x: [], t: [] }].flatMap((part, i) => part.x.flatMap((/** @type {number[]} */ row, /** @type {number} */ n) => part.t[n].map((/** @type {number} */ t) => [row[0], t, i ? "hollow" : "dot"])));
    chart(svg, p[0].map((_, k) => ({ name: `output ${k + 1}`, points: p.map((row, i) => [x[i][0], row[k]]) })), { dots, x: "x" });
    rows.draw();
  };
  return { element: figure("Prediction (line) and samples (dots; open ones: validation)", svg, rows.element), draw };
}

/** @type {(store: Store) => Picture} */
function plane(store) {
  const canvas = h("canvas", { role: "img", "aria-label": "What the network says for each pair of inputs" });
  const marks = s("svg", { viewBox: "0 0 300 300", class: "marks", "aria-hidden": "true" });
  const [across, up] = ranges(store);
  const classes = classifies(store.start);
  const extent = rangeOf(store.start.data.t, 0);
  placeMarks(store, marks, [across, up], (t) => (classes ? classOf(t) : valueColor(t[0], extent)));
  const rows = table(() => {
    const x = grid([across, up], 5);
    return numbers(["x1, x2", "prediction"], predict(store.tables, store.model, x).map((p, i) => [x[i].map((v) => v.toPrecision(3)).join(", "), ...p]), "Predictions");
  });
  const draw = () => {
    const colors = palette(canvas);
    const p = predict(store.tables, store.model, points(store));
    paint(canvas, SIDE, SIDE, (i) => (classes ? outputColor(p[i], colors) : mix(colors.paper, valueColor(p[i][0], extent), 0.6)));
    rows.draw();
  };
  const text = `x1 from ${across.map((v) => v.toFixed(2)).join(" to ")}, x2 from ${up.map((v) => v.toFixed(2)).join(" to ")}; open marks are for validation${classes ? "" : "; from blue for low to orange for high values of the first output"}`;
  return { element: figure("What the network says, and the samples", h("div", { class: "plane" }, canvas, marks), h("p", { class: "hint" }, text), rows.element), draw };
}

/** @type {(p: number[], colors: import("./plot.mjs").Palette) => import("./plot.mjs").Color} the class, the paler the less sure */
function outputColor(p, { paper }) {
  const k = classOf(p);
  const sure = p.length === 1 ? 2 * Math.abs(p[0] - 0.5) : p[k];
  return mix(paper, classColor(k), 0.1 + 0.45 * Math.min(sure, 1));
}

/** @type {(value: number, extent: [number, number]) => import("./plot.mjs").Color} of a number in a range */
const valueColor = (value, [low, high]) => mix(classColor(0), classColor(1), Math.max(0, Math.min(1, (value - low) / (high - low))));

/** @type {(store: Store, svg: SVGSVGElement, ranges: [number, number][], kindOf: (t: number[]) => number | import("./plot.mjs").Color) => void} a mark for each sample, of its class or color */
function placeMarks({ start: { data } }, svg, [across, up], kindOf) {
  const at = (/** @type {number} */ v, /** @type {[number, number]} */ [low, high]) => (300 * (v - low)) / (high - low);
  for (const [part, hollow] of [[data, false], [data.validation, true]]) {
    part?.x?.forEach((/** @type {number[]} */ row, /** @type {number} */ i) => svg.append(mark(at(row[0], across), 300 - at(row[1], up), kindOf(part.t[i]), hollow)));
  }
}

/** @type {(store: Store) => Picture} the activation of each hidden unit everywhere */
function unitSurfaces(store) {
  const holder = h("div");
  const surfaces = store.start.network.inputs === 2;
  const rows = table(() => numbers(["unit", "least", "largest"], units(store).map((u) => [u.name, u.low, u.high]), "Activations of the hidden units"));
  const draw = () => {
    const colors = palette(holder);
    const all = units(store).map(({ name, values, low, high }) => {
      const text = `unit ${name}: from ${low.toPrecision(3)} to ${high.toPrecision(3)}`;
      const drawn = surfaces ? picture(values, colors, SIDE, text, Math.max(Math.abs(low), Math.abs(high)) || 1) : sketch(values, text);
      return h("div", {}, drawn, h("span", {}, name));
    });
    holder.replaceChildren(...(all.length ? all : ["There is no hidden layer."]));
    rows.draw();
  };
  holder.className = "tiles";
  return { element: figure(surfaces ? "Hidden units: blue above 0, red below" : "Hidden units by the input", holder, rows.element), draw };
}

/** @type {(store: Store) => {name: string, values: number[], low: number, high: number}[]} */
function units(store) {
  const { layers } = passOf(store.tables, store.model, points(store));
  return layers.slice(0, -1).flatMap((layer) => {
    const a = layer.get("a");
    const [n, k] = a.s;
    return Array.from({ length: Math.min(k, UNITS) }, (_, j) => {
      const values = Array.from({ length: n }, (_, i) => a.d[i * k + j]);
      return { name: `${layer.label.replace("layer", "")}.${j + 1}`, values, low: values.reduce((x, y) => Math.min(x, y)), high: values.reduce((x, y) => Math.max(x, y)) };
    });
  });
}

// ---- sizes, confusions ----

/** @type {(store: Store) => Picture} bars and the numbers in one table */
function sizePicture(store) {
  const body = h("tbody");
  const bar = (/** @type {number} */ value, /** @type {number} */ most) => {
    const inner = h("span", { class: "bar", "aria-hidden": "true" });
    inner.style.width = `${(100 * value) / (most || 1) || 0}%`;
    return h("td", {}, inner, Number.isNaN(value) ? "none" : value.toPrecision(3));
  };
  const draw = () => {
    const all = sizes(store.step);
    const most = (/** @type {"activations" | "gradients"} */ key) => all.reduce((a, one) => Math.max(a, one[key] || 0), 0);
    body.replaceChildren(...all.map((one) => h("tr", {}, h("th", { scope: "row" }, one.label.replace("layer", "layer ")), bar(one.activations, most("activations")), bar(one.gradients, most("gradients")))));
  };
  const head = h("tr", {}, ...["layer", "activations", "gradients of weights"].map((t) => h("th", { scope: "col" }, t)));
  return { element: figure("Sizes by layer (root mean square)", h("div", { class: "live-wide" }, h("table", { class: "bars" }, h("thead", {}, head), body))), draw };
}

/** @type {(store: Store) => Picture} */
function confusions(store) {
  const [words, holder] = [h("p", { class: "hint" }), h("div", { class: "live-wide", tabIndex: 0, role: "group", "aria-label": "Right and wrong" })];
  const { validation } = store.start.data;
  const choice = select(validation?.x.length ? ["training", "validation"] : ["training"], validation?.x.length ? "validation" : "training", () => draw());
  const draw = () => {
    const { model, tables, start } = store;
    const counts = confusion(tables, model, choice.value === "training" ? start.data : validation);
    const names = classNames(start);
    const rows = counts.map((row, i) => h("tr", {}, h("th", { scope: "row" }, names[i] ?? i), ...row.map((n, j) => h("td", { class: i === j ? "right" : n ? "wrong" : "" }, n))));
    const head = h("tr", {}, h("td"), ...names.map((name) => h("th", { scope: "col" }, name)));
    words.textContent = `${(100 * accuracy(counts)).toFixed(1)}% are right; rows are the true classes, columns what the network says.`;
    holder.replaceChildren(h("table", { class: "confusion" }, h("thead", {}, head), h("tbody", {}, ...rows)));
  };
  return { element: figure("Right and wrong", field("samples", choice), words, holder), draw };
}

// ---- pictures and weights ----

/** @type {(store: Store) => Picture} samples held out, those first that are read wrong */
function digitPictures(store) {
  const holder = h("div", { class: "tiles" });
  const part = store.start.data.validation?.x.length ? store.start.data.validation : store.start.data;
  const names = classNames(store.start);
  const right = part.t.map((/** @type {number[]} */ t) => classOf(t));
  /** @type {{read: number[], order: number[]}} */
  let { read, order } = { read: [], order: [] };
  const rows = table(() => numbers(["sample", "true", "read as"], order.map((i) => [String(i + 1), names[right[i]], names[read[i]]]), "Samples and what the network reads"));
  const draw = () => {
    const colors = palette(holder);
    read = predict(store.tables, store.model, part.x).map(classOf);
    order = read.map((_, i) => i).sort((a, b) => +(read[a] === right[a]) - +(read[b] === right[b]));
    rows.draw();
    holder.replaceChildren(...order.slice(0, SHOWN).map((i) => {
      const fine = read[i] === right[i];
      const text = fine ? `✓ ${names[read[i]]}` : `✗ ${names[right[i]]} read as ${names[read[i]]}`;
      return h("div", { class: fine ? "" : "wrong" }, picture(part.x[i], { ...colors, plus: colors.ink }, store.start.data.side, `sample ${i + 1}: ${text}`, 1), h("span", {}, text));
    }));
  };
  return { element: figure("Samples and what the network reads (wrong ones first)", holder, rows.element), draw };
}

/** @type {(store: Store) => Picture} the weights of each unit of the first layer, as the inputs lie */
function weightImages(store) {
  const holder = h("div", { class: "tiles" });
  const side = Math.sqrt(store.start.network.inputs);
  const weights = () => (store.step.layers[0].has("W") ? toRows(store.step.layers[0].get("W")).slice(0, UNITS) : []);
  const rows = table(() => numbers(["unit", ...weights()[0]?.map((_, k) => String(k + 1)) ?? []], weights().map((w, i) => [String(i + 1), ...w]), "Weights of the first units, by input"));
  const draw = () => {
    const colors = palette(holder);
    const W = weights();
    rows.draw();
    const least = (/** @type {number[]} */ w) => [Math.min(...w), Math.max(...w)].map((v) => v.toPrecision(2)).join(" to ");
    holder.replaceChildren(...W.map((w, i) => h("div", {}, picture(w, colors, side, `weights of unit ${i + 1}, from ${least(w)}`), h("span", {}, String(i + 1)))));
  };
  return { element: figure("Weights of the first units: blue above 0, red below", holder, rows.element), draw };
}
