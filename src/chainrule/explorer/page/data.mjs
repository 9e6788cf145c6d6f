/** The panel of the data: presets, the reader's own, training and validation, and a table of samples to edit. */

import { messages, numberGrid, rebuild } from "./controls.mjs";
import { MOST, modelOf, parseTable, presets, split, standardized, toData } from "./datasets.mjs";
import { button, counted, field, h, select } from "./dom.mjs";
import { changeLoss, checked, fault } from "./editing.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./controls.mjs").Attempt} Attempt */

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function dataPanel(store) {
  const { message, attempt } = messages(() => samples.update());
  const [preset, own, samples] = [presetChoice(store, attempt), ownData(store, attempt), sampleTable(store, attempt)];
  const element = h("div", { class: "learning" }, h("h2", {}, "Data"), preset.element, message, own.element, splitting(store, attempt), samples.element);
  let known = store.start;
  const update = (/** @type {import("./store.mjs").Change} */ what) => {
    if (what !== "model") return;
    if (store.start !== known) for (const said of [message, own.faults]) said.replaceChildren();
    known = store.start;
    preset.update();
    samples.update();
  };
  return { id: "data", title: "Data", element, update };
}

/** @type {(store: Store, label: string, model: Model) => void} begin at a model, shown in the notation and digits of now */
function begin(store, label, model) {
  const { notation, digits } = store.start;
  store.begin(label, checked(store.tables, { notation, digits, ...model }));
}

/** @type {(store: Store, attempt: Attempt) => {element: HTMLElement, update: () => void}} */
function presetChoice(store, attempt) {
  const all = presets(store.tables);
  const without = all.some((p) => p.id === "digits") ? "" : "The pictures of digits are left out, because scikit-learn was not installed where this page was made.";
  const choice = select(all.map((p) => /** @type {[string, string]} */ ([p.id, p.title])), all[0].id, () => use(choice.value));
  const use = (/** @type {string} */ id, seed = 1) => attempt(() => {
    const preset = all.find((p) => p.id === id);
    if (preset) begin(store, preset.title, preset.make(seed));
  });
  const again = button("Draw again", () => use(choice.value, (store.start.state.seed ?? 1) + 1), { title: "The same kind of data from the next seed" });
  const update = () => {
    const now = all.find((p) => p.title === store.start.title);
    choice.selectedIndex = now ? all.indexOf(now) : -1;
    again.disabled = !now?.drawn;
  };
  const element = h("div", { class: "row" }, field("Preset", choice), again, without && h("p", { class: "hint" }, without));
  return { element, update };
}

/** @type {(store: Store, attempt: Attempt) => {element: HTMLElement, faults: HTMLElement}} */
function ownData(store, attempt) {
  const text = h("textarea", { rows: 5, spellcheck: "false", placeholder: "x1, x2, y\n0, 0, 0\n0, 1, 1" });
  const targets = h("input", { type: "number", min: 1, max: 100, value: "1" });
  const kind = select([["auto", "numbers, or classes if they are words"], ["numbers", "numbers"], ["classes", "classes"]], "auto");
  const header = select([["auto", "found by itself"], ["yes", "column names"], ["no", "a sample"]], "auto");
  const separator = select([["", "found by itself"], [",", "comma"], [";", "semicolon"], ["\t", "tab"], [" ", "space"]], "");
  const scale = h("input", { type: "checkbox" });
  const faults = h("div", { class: "live-faults", role: "alert" });
  const refuse = (/** @type {string[]} */ lines) => faults.replaceChildren(...(lines.length ? [h("ul", {}, ...lines.map((line) => h("li", {}, line)))] : []));
  const use = () => attempt(() => {
    const table = parseTable(text.value, { separator: separator.value, header: { yes: true, no: false }[header.value] });
    const { data, faults: found } = toData(table, Math.max(1, Math.round(+targets.value) || 1), /** @type {any} */ (kind.value));
    const more = found.length > 6 ? [`… and ${found.length - 6} more.`] : [];
    refuse([...found.slice(0, 6), ...more]);
    if (data) begin(store, "own data", fitted(store, scale.checked ? standardized(data) : data));
  });
  const load = async (/** @type {File | undefined} */ file) => {
    if (!file) return;
    if (file.size > MOST.bytes) refuse([`The file has ${file.size} bytes, more than ${MOST.bytes}; leave rows out.`]);
    else {
      const words = await file.text();
      // what is no text in UTF-8 has such signs
      if (/[\0\ufffd]/.test(words)) return refuse([`“${file.name}” is not a text in UTF-8; save the table as CSV.`]);
      text.value = words;
      use();
    }
  };
  const chooser = h("input", { type: "file", accept: ".csv,.tsv,.txt", on: { change: () => load(chooser.files?.[0]) } });
  const element = h("details", { class: "own" }, h("summary", {}, "Your own data: type, paste, or drop a CSV file here"),
    field("One sample on each line, targets last", text), faults,
    h("div", { class: "row" }, field("Columns of targets", targets), field("Targets are", kind), field("First line is", header), field("Separator", separator), field("Scale inputs to mean 0, deviation 1", scale)),
    h("div", { class: "row" }, button("Use this data", use), field("CSV file", chooser)));
  onDrop((file) => {
    element.open = true;
    load(file);
  });
  return { element, faults };
}

/** @type {(load: (file: File) => void) => void} take a file that is dropped while the panel is open; elsewhere, it would replace the page */
function onDrop(load) {
  const isFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    const panel = document.getElementById("panel-data");
    if (file && !panel?.hidden && panel?.contains(/** @type {Node} */ (event.target))) load(file);
  });
}

/** @type {(store: Store, data: import("./datasets.mjs").Data) => Model} the present network if it suits new data, else one that does */
function fitted(store, data) {
  const { tables, model } = store;
  const own = { ...model, data, title: "Your data", source: "" };
  const same = data.x[0].length === model.network.inputs && !data.classes;
  if (same && !fault(tables, own)) return own;
  if (same && data.t[0].length === model.data.t[0].length && !fault(tables, changeLoss(tables, own, "squared-error"))) return changeLoss(tables, own, "squared-error");
  return modelOf(tables, data, model.state.seed || 1);
}

/** @type {(store: Store, attempt: Attempt) => HTMLElement} */
function splitting(store, attempt) {
  const share = select([["0", "none"], ["0.1", "10 %"], ["0.2", "20 %"], ["0.25", "25 %"], ["0.5", "50 %"]], "0.25");
  const seed = h("input", { type: "number", min: 0, max: 999999, value: "1" });
  const use = () => attempt(() => store.edit("split the data", (model) => checked(store.tables, { ...model, data: split(model.data, +share.value, Math.abs(Math.round(+seed.value))) })));
  return h("div", { class: "row" }, field("Samples for validation", share), field("Seed of the split", seed), button("Split", use));
}

/** @type {(store: Store, attempt: Attempt) => {element: HTMLElement, update: () => void}} */
function sampleTable(store, attempt) {
  const element = h("div");
  let [shape, first] = ["", [0, 0]];
  /** @type {import("./controls.mjs").Control | undefined} */
  let grid;
  const build = () => {
    const { x, t, validation, names, classes } = store.start.data;
    const inputs = x[0].length;
    const column = (/** @type {number} */ j) => (j < inputs ? names?.x[j] ?? `x${j + 1}` : names?.t[j - inputs] ?? classes?.[j - inputs] ?? `t${j - inputs + 1}`).slice(0, 24);
    const place = (/** @type {any} */ data, /** @type {number} */ j) => /** @type {[number[][], number]} */ (j < inputs ? [data.x, j] : [data.t, j - inputs]);
    grid = numberGrid({
      caption: `${counted(x.length, "sample")} for training${validation?.x.length ? `, ${validation.x.length} for validation` : ""}`,
      rows: x.length, columns: inputs + t[0].length, first, attempt,
      row: (i) => String(i + 1),
      column: (j) => (j < inputs ? column(j) : `target ${column(j)}`),
      label: (i, j) => `${j < inputs ? column(j) : `target ${column(j)}`} of sample ${i + 1}`,
      get: (i, j) => {
        const [rows, k] = place(store.start.data, j);
        return rows[i][k];
      },
      set: (i, j, value, merge) => store.edit("a sample", (model) => {
        const [rows, k] = place(model.data, j);
        rows[i][k] = value;
        return checked(store.tables, model);
      }, merge),
    }, 10, 8);
    const last = x.length - 1;
    const change = (/** @type {string} */ label, /** @type {(rows: number[][]) => unknown} */ how) => () => attempt(() => store.edit(label, ({ data }) => {
      for (const rows of [data.x, data.t]) how(rows);
      data.weight = null;
      delete data.total;
    }));
    const add = button("Add a sample", change("add a sample", (rows) => rows.push([...rows[last]])), { "data-key": "add" });
    const drop = button("Remove the last", change("remove a sample", (rows) => rows.pop()), { "data-key": "drop", disabled: !last });
    element.replaceChildren(grid.element, h("div", { class: "row" }, add, drop));
  };
  const update = () => {
    const { x, t, names, validation } = store.start.data;
    const now = JSON.stringify([x.length, x[0].length, t[0].length, names, validation?.x.length]);
    if (now !== shape && shape) first = [0, 0];
    if (now !== shape) rebuild(element, build);
    else grid?.refresh();
    shape = now;
  };
  return { element, update };
}
