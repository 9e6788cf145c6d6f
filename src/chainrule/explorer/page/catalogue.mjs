/**
 * The catalogue of mistakes, applied to the layers of a given network.
 * It mirrors Python's diagnosis/hypotheses.py; explorer/mistakes.py exports the entries.
 */

import { labels as labelsOf } from "./network.mjs";

/** @typedef {import("./scope.mjs").Tree} Tree */
/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {{[name: string]: any}} Form the fields of Python's Form that are not empty */
/** @typedef {{id: string, stage: string, title: string, wrong: string, right: string, why: string, repair: string, forms: Form[]}} Entry */
/** @typedef {{key: string, entry: Entry, form: Form, labels: string[], replace: [string, string, Tree][], title: string, wrong: string, right: string, why: string, repair: string}} Variant a form in certain layers, with its texts */

/** @type {(names: string | undefined) => string[]} */
const words = (names) => names?.split(" ") ?? [];

// ---- which layers ----

/** @type {(tables: Tables, model: Model) => {label: string, layer: any}[]} */
const dense = (tables, { network }) =>
  labelsOf(tables, network)
    .map((label, i) => ({ label, layer: network.layers[i] }))
    .filter(({ layer }) => layer.kind === "dense");

/** @type {(form: Form, tables: Tables, model: Model) => string[][]} the sets of layers that a form's `where` stands for */
function layerChoices(form, tables, model) {
  const all = dense(tables, model);
  const [hidden, output] = [all.slice(0, -1), all.slice(-1)];
  /** @type {{[stem: string]: typeof all}} */
  const groups = { all, hidden, output, "not-first": all.slice(1), first: all.slice(0, 1) };
  const stem = form.where.replace("*", "");
  const chosen = [groups[stem]];
  if (form.where.endsWith("*")) {
    if (stem === "all") chosen.push(hidden, output);
    chosen.push(...groups[stem].map((one) => [one]));
  }
  const wanted = words(form.for_activations);
  const kept = chosen.map((some) => some.filter(({ layer }) => !wanted.length || wanted.includes(layer.activation.name)));
  const lists = kept.filter((some) => some.length).map((some) => some.map(({ label }) => label));
  return [...new Map(lists.map((some) => [some.join(), some])).values()];
}

/** @type {(form: Form, chosen: string[], tables: Tables, model: Model) => Variant["replace"]} a form's equations for the chosen layers */
function replacements(form, chosen, tables, model) {
  const all = dense(tables, model);
  /** @type {{[key: string]: [string, string, Tree]}} */
  const found = {};
  const add = (/** @type {string} */ where, /** @type {{[name: string]: Tree}} */ equations = {}) => {
    for (const [name, tree] of Object.entries(equations)) found[`${where}.${name}`] = [where, name, tree];
  };
  add("loss", form.loss);
  for (const label of chosen) {
    const place = all.findIndex((one) => one.label === label);
    add(label, form.layer);
    if (all[place + 1]) add(all[place + 1].label, form.above);
    add(`W${label}`, form.weights);
    if (all[place].layer.bias !== false) add(`b${label}`, form.biases);
  }
  const without = all.filter(({ layer }) => layer.bias === false).map(({ label }) => label);
  return Object.values(found).filter(([where, name]) => !(without.includes(where) && name === "db"));
}

// ---- which forms ----

/** @type {(form: Form, model: Model) => string} what a form needs and the model does not have; "" if it applies */
function lacks(form, { network, optimizer }) {
  const rules = words(form.for_optimizers);
  const losses = words(form.for_losses);
  if (losses.length && !losses.includes(network.loss.name)) return `the loss ${losses.join(" or ")}`;
  if (rules.length && !rules.includes(optimizer?.name)) return `the optimizer ${rules.join(" or ")}`;
  return form.needs_update && !optimizer ? "an optimizer" : "";
}

/** @type {(form: Form) => string} what kind of layer a form needs */
function kindOfLayer({ where = "", for_activations: activations }) {
  if (activations) return `a layer with ${words(activations).join(", ")}`;
  return where.startsWith("hidden") || where.startsWith("not-first") ? "a hidden layer" : "other layers";
}

/** @type {(entry: Entry, model: Model) => string} why no form of an entry applies */
export function reasonAgainst({ forms }, model) {
  const reasons = forms.map((form) => lacks(form, model) || kindOfLayer(form));
  return `it needs ${[...new Set(reasons)].slice(0, 3).join(", or ")}`;
}

/** @type {(why: string) => string} in words, why a step with a mistake lacks a name */
export function reasonFor(why) {
  if (why.startsWith("penalty")) return "it needs a penalty";
  return /name b$/.test(why) ? "it needs biases" : "it needs layers of other kinds, or in another order";
}

/** @type {(entry: Entry, samples: number, outputs: number) => string} why a mistake does not happen with so many samples and outputs; "" if it does */
export const unsuited = ({ id }, samples, outputs) => (id === "silent-broadcasting" && (samples < 2 || outputs > 1) ? "it needs two samples or more, and one output" : "");

/** @type {(tables: Tables, model: Model) => Variant[]} every form of every mistake in every choice of layers, without duplicates */
export function variants(tables, model) {
  /** @type {Map<string, Variant>} */
  const found = new Map();
  for (const entry of /** @type {Entry[]} */ (tables.mistakes)) {
    entry.forms.forEach((form, i) => {
      if (lacks(form, model)) return;
      for (const labels of choices(form, tables, model)) {
        const replace = replacements(form, labels, tables, model);
        if (form.where && !replace.length) continue;
        const signature = entry.id + JSON.stringify(replace.map((r) => JSON.stringify(r)).sort());
        const key = [entry.id, i, ...labels].join("/");
        if (!found.has(signature)) found.set(signature, { key, entry, form, labels, replace, ...texts(entry, form, labels, tables, model) });
      }
    });
  }
  return [...found.values()];
}

/** @type {(form: Form, tables: Tables, model: Model) => string[][]} */
const choices = (form, tables, model) => (form.where ? layerChoices(form, tables, model) : [[]]);

// ---- texts ----

/** @type {(entry: Entry, form: Form, labels: string[], tables: Tables, model: Model) => {title: string, wrong: string, right: string, why: string, repair: string}} those of an entry, with a form's own */
function texts(entry, form, labels, tables, model) {
  const numbered = labelsOf(tables, model.network).filter((label) => /^\d+$/.test(label));
  const { title, wrong, right, why, repair } = { ...entry, ...form.words };
  const full = inLayers(title, labels, labels.length === numbered.length) + (form.note ? ` (${form.note})` : "");
  return { title: full, wrong, right, why, repair };
}

/** @type {(title: string, layers: string[], everywhere: boolean) => string} a title with the layers that it names */
function inLayers(title, layers, everywhere) {
  const several = layers.length > 1;
  const list = several ? `${layers.slice(0, -1).join(", ")} and ${layers[layers.length - 1]}` : layers[0];
  const which = everywhere ? "every layer" : layers.length ? `layer${several ? "s" : ""} ${list}` : "a layer";
  return title
    .replaceAll("{layers}", which)
    .replaceAll("{of_layers}", everywhere || !layers.length ? "" : ` of ${which}`)
    .replaceAll("{is}", several && !everywhere ? "are" : "is");
}
