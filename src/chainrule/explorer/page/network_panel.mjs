/** The panel of the network: layers, loss, penalty, optimizer, and every parameter, changed at once and undone. */

import { messages, numberGrid, numberInput, rebuild } from "./controls.mjs";
import { dense, optimizer } from "./datasets.mjs";
import { button, field, h, select } from "./dom.mjs";
import { changeLayer, changeLoss, checked, fitted, inWords, insertLayer, removeLayer, within } from "./editing.mjs";
import { blocks, initialize, labels } from "./network.mjs";
import { lossEntry, optimizerEntry } from "./wire.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./controls.mjs").Control} Control */
/** @typedef {{store: Store, attempt: import("./controls.mjs").Attempt, controls: Control[], edit: (label: string, change: (model: Model) => Model | void, merge?: boolean) => void}} Context */

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function networkPanel(store) {
  const { message, attempt } = messages(() => rebuild(body, build));
  const body = h("div");
  /** @type {Context} */
  const context = { store, attempt, controls: [], edit: (label, change, merge) => store.edit(label, (model) => checked(store.tables, change(model) ?? model), merge) };
  let [shape, known] = ["", store.start];
  const build = () => {
    context.controls = [];
    body.replaceChildren(layerList(context), lossFields(context), optimizerFields(context), parameters(context));
  };
  const update = (/** @type {import("./store.mjs").Change} */ what) => {
    if (what !== "model" && what !== "run") return;
    if (store.start !== known) message.replaceChildren();
    known = store.start;
    const now = signature(store.start);
    if (now !== shape) rebuild(body, build);
    else context.controls.forEach((control) => control.refresh());
    shape = now;
  };
  return { id: "network", title: "Network", element: h("div", { class: "learning" }, h("h2", {}, "Network"), message, body), update };
}

/** @type {(model: Model) => string} what the controls depend on, besides the numbers that they show */
function signature({ network, optimizer: rule, data, state }) {
  const layers = network.layers.map((/** @type {any} */ l) => [l.kind, l.units, l.activation?.name]);
  return JSON.stringify([network.inputs, layers, network.loss.name, rule?.name, rule?.clip?.kind, typeof rule?.learning_rate, data.x.length, state.seed]);
}

/**
 * A number of the model, inside its interval if it has one.
 * @type {(context: Context, label: string, name: string, get: (model: Model) => number, set: (model: Model, value: number) => Model | void, options?: {interval?: string, step?: number, whole?: boolean}) => HTMLElement}
 */
function numberField({ store, attempt, controls, edit }, label, name, get, set, { interval, step, whole } = {}) {
  const write = (/** @type {number} */ value, /** @type {boolean} */ merge) => {
    if (whole && !Number.isInteger(value)) throw new Error(`${label} = ${value}: must be a whole number.`);
    if (interval && !within(value, interval)) throw new Error(`${label} = ${value}: must be ${inWords(interval)}.`);
    edit(label, (model) => set(model, value), merge);
  };
  const input = numberInput(label, () => get(store.start), write, attempt, interval?.startsWith("(0") ? 0 : step, (to, from) => (interval ? fitted(to, from, interval) : to));
  controls.push(input);
  return field(name, input.element);
}

/** @type {(context: Context, of: string, entry: any, get: (model: Model) => {[name: string]: number}) => HTMLElement[]} the constants of an entry */
const constantFields = (context, of, entry, get) =>
  Object.keys(get(context.store.start) ?? {}).map((name) =>
    numberField(context, `${name} of ${of}`, name, (model) => get(model)[name], (model, value) => void (get(model)[name] = value), { interval: entry?.limits?.[name], step: 0.01 }));

// ---- layers ----

/** @type {(context: Context) => HTMLElement} */
function layerList(context) {
  const { store, edit, attempt } = context;
  const { tables, start } = store;
  const kind = select(["dense", "dropout", "layer-norm", "activation"], "dense", undefined, "kind");
  const names = labels(tables, start.network);
  const place = select([...names.map((name, i) => /** @type {[string, string]} */ ([String(i), `before layer ${name}`])), [String(names.length), "at the end"]], String(names.length - 1));
  const add = button("Add a layer", () => attempt(() => edit("add a layer", (model) => insertLayer(tables, model, +place.value, newLayer(context, kind.value)))), { "data-key": "add" });
  return h("div", {}, ...names.map((name, i) => layerFields(context, i, name)), h("div", { class: "row" }, field("New layer", kind), field("Place", place), add));
}

/** @type {(context: Context, kind: string) => any} */
function newLayer({ store: { tables } }, kind) {
  if (kind === "dense") return dense(tables, 4, "tanh");
  const activation = kind === "activation" && { activation: { name: "tanh", constants: {} } };
  return { kind, ...tables.layers[kind].defaults, ...activation };
}

/** @type {(context: Context, i: number, name: string) => HTMLElement} */
function layerFields(context, i, name) {
  const { store, edit, attempt } = context;
  const { tables } = store;
  const layer = store.start.network.layers[i];
  const own = (/** @type {Model} */ model) => model.network.layers[i];
  const units = layer.units && numberField(context, `units of layer ${name}`, "units", (model) => own(model).units, (model, units) => changeLayer(tables, model, i, { units }), { interval: "[1, 2000]", step: 1, whole: true });
  const activation = layer.activation && select([...new Set([...Object.keys(tables.activations), layer.activation.name])], layer.activation.name, (chosen) =>
    attempt(() => edit("activation", (model) => changeLayer(tables, model, i, { activation: { name: chosen, constants: { ...tables.activations[chosen].constants } } }))), `activation ${name}`);
  const numbers = Object.keys(tables.layers[layer.kind].limits).map((n) => numberField(context, `${n} of ${name}`, n, (model) => own(model)[n], (model, value) => void (own(model)[n] = value), { interval: tables.layers[layer.kind].limits[n] }));
  const constants = layer.activation ? constantFields(context, `layer ${name}`, tables.activations[layer.activation.name], (model) => own(model).activation.constants) : [];
  const remove = button("Remove", () => attempt(() => edit("remove a layer", (model) => removeLayer(tables, model, i))), { "aria-label": `Remove layer ${name}`, "data-key": `remove ${i}` });
  return h("fieldset", { class: "row" }, h("legend", {}, /^\d/.test(name) ? `Layer ${name}: ${layer.kind}` : name), units, activation && field("activation", activation), ...constants, ...numbers, remove);
}

// ---- loss and optimizer ----

/** @type {(context: Context) => HTMLElement} */
function lossFields(context) {
  const { store, edit, attempt } = context;
  const { tables, start } = store;
  const { name } = start.network.loss;
  const choice = select([...new Set([...Object.keys(tables.losses), name])], name, (chosen) => attempt(() => edit("loss", (model) => changeLoss(tables, model, chosen))), "loss");
  const constants = constantFields(context, name, lossEntry(tables, start), (model) => model.network.loss.constants);
  const penalty = constantFields(context, "the penalty", tables.penalty, (model) => model.network.penalty);
  return h("fieldset", { class: "row" }, h("legend", {}, "Loss and penalty"), field("loss", choice), ...constants, ...penalty);
}

/** @type {(context: Context) => HTMLElement} */
function optimizerFields(context) {
  const { store, edit, attempt } = context;
  const { tables, start } = store;
  const rule = start.optimizer;
  const choice = select([["", "none"], ...Object.keys(tables.optimizers).map((n) => /** @type {[string, string]} */ ([n, n]))], rule?.name ?? "", (name) =>
    attempt(() => edit("optimizer", (model) => ({ ...model, optimizer: name ? { ...optimizer(tables, name), clip: model.optimizer?.clip ?? null } : null, state: { ...model.state, slots: [] } }))), "optimizer");
  const fields = rule ? [rateField(context), ...constantFields(context, rule.name, optimizerEntry(tables, start), (model) => model.optimizer.constants), ...clipFields(context)] : [];
  return h("fieldset", { class: "row" }, h("legend", {}, "Optimizer"), field("optimizer", choice), ...fields);
}

/** @type {(context: Context) => HTMLElement} a number, in place of a schedule too */
function rateField(context) {
  const rate = context.store.start.optimizer.learning_rate;
  const get = (/** @type {Model} */ model) => (typeof model.optimizer.learning_rate === "number" ? model.optimizer.learning_rate : NaN);
  const set = (/** @type {Model} */ model, /** @type {number} */ value) => void (model.optimizer.learning_rate = value);
  if (typeof rate === "number") return numberField(context, "learning rate", "learning rate", get, set, { interval: "(0, inf)" });
  const constant = button("Use 0.1 instead", () => context.attempt(() => context.edit("learning rate", (model) => set(model, 0.1))));
  return h("p", {}, `learning rate: ${rate.words} `, constant);
}

/** @type {(context: Context) => HTMLElement[]} */
function clipFields(context) {
  const kind = context.store.start.optimizer.clip?.kind ?? "";
  const choice = select([["", "none"], ["norm", "by norm"], ["value", "by value"]], kind, (chosen) =>
    context.attempt(() => context.edit("clipping", (model) => void (model.optimizer.clip = chosen ? { kind: chosen, limit: 1 } : null))), "clip");
  const limit = kind && numberField(context, "limit of the clipping", "limit", (model) => model.optimizer.clip?.limit, (model, value) => void (model.optimizer.clip.limit = value), { interval: "(0, inf)" });
  return [field("clipping", choice), ...(limit ? [limit] : [])];
}

// ---- parameters ----

/** @type {(context: Context) => HTMLElement} */
function parameters(context) {
  const { store, edit, controls, attempt } = context;
  const all = blocks(store.tables, store.start.network);
  const holder = h("div");
  const show = (/** @type {string} */ name) => {
    const block = all.find((b) => b.name === name) ?? all[0];
    const [rows, columns] = block.shape.length > 1 ? block.shape : [1, block.shape[0]];
    const place = (/** @type {number} */ i, /** @type {number} */ j) => block.start + i * columns + j;
    const grid = numberGrid({
      caption: `${block.name}: rows are units, columns are ${block.shape.length > 1 ? "their inputs" : "their numbers"}`,
      rows, columns, attempt,
      row: (i) => (rows > 1 || block.shape.length > 1 ? `unit ${i + 1}` : ""),
      column: (j) => String(j + 1),
      label: (i, j) => `${block.name}[${block.shape.length > 1 ? `${i},${j}` : j}]`,
      get: (i, j) => store.record.theta[place(i, j)],
      set: (i, j, value, merge) => edit(block.name, (model) => void (model.theta[place(i, j)] = value), merge),
    });
    controls.splice(0, controls.length, ...controls.filter((c) => c.element.parentElement !== holder), grid);
    holder.replaceChildren(grid.element);
    store.view.array = block.name;
  };
  if (!all.length) return h("div");
  const choice = select(all.map((b) => b.name), all.some((b) => b.name === store.view.array) ? store.view.array : all[0].name, show, "array");
  show(choice.value);
  const draw = button("New first weights", () => attempt(() => edit("new weights", (model) => {
    const seed = (model.state.seed ?? 0) + 1;
    return { ...model, theta: [...initialize(store.tables, model.network, seed)], state: { step: 0, slots: [], seed } };
  })), { "data-key": "seed" });
  return h("fieldset", {}, h("legend", {}, "Weights and biases"), h("div", { class: "row" }, field("array", choice), draw, h("p", { class: "hint" }, `seed ${store.start.state.seed}`)), holder);
}
