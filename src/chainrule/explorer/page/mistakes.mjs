/** The panel of mistakes: any entry of the catalogue that applies, right beside wrong. */

import { broadcastTo, indices } from "./arrays.mjs";
import { reasonAgainst, reasonFor, unsuited, variants } from "./catalogue.mjs";
import { contents, refer } from "./contents.mjs";
import { button, field, h } from "./dom.mjs";
import { origin } from "./expand.mjs";
import { initialize, widths } from "./network.mjs";
import { attempt } from "./grading.mjs";
import { chart, chartFrame, numbers } from "./plot.mjs";
import { programLine } from "./program_line.mjs";
import { Store, valueOf } from "./store.mjs";
import { different, isHidden, nameText, notation, numberText } from "./words.mjs";
import { wire } from "./wire.mjs";

/** @typedef {import("./catalogue.mjs").Entry} Entry */
/** @typedef {import("./catalogue.mjs").Variant} Variant */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./network.mjs").Tables} Tables */

// Rows of the comparison, and updates of the two runs, of small and of large networks.
const MOST = 40;
const [UPDATES, FEW_UPDATES, LARGE] = [100, 10, 2e4];
/** @type {{[stage: string]: string}} */
const STAGES = { forward: "Forward pass", loss: "Loss", delta: "Deltas", gradient: "Gradients", update: "Update", training: "Training" };
// Numbers of units that forms add; their equations are no lines of a program.
const AUXILIARY = ["shape", "inputs", "units"];

// ---- a mistake in a step ----

/** @type {(step: Step, where: string) => import("./scope.mjs").Scope} the scope of a replaced equation */
export const scopeAt = (step, where) => step.scopes[where] ?? step.layers[step.labels.indexOf(where)];

/** @type {(variant: Variant, right: Step, wrong: Step) => [string, string][]} the lines of a program that change: right, wrong */
export function linesOf({ replace }, right, wrong) {
  const pairs = replace.filter(([, name]) => !AUXILIARY.includes(name)).map(([where, name, tree]) => {
    const own = scopeAt(right, where).equations[name];
    const before = own === undefined ? "" : programLine(right, scopeAt(right, where), name, own);
    return /** @type {[string, string]} */ ([before, programLine(wrong, scopeAt(wrong, where), name, tree)]);
  });
  return [...new Map(pairs.map((pair) => [pair.join(), pair])).values()];
}

/** @type {(right: Step, wrong: Step) => {refs: Ref[], count: number}} the first numbers that differ, in the order of a calculation by hand, and how many do */
export function differences(right, wrong) {
  /** @type {Ref[]} */
  const refs = [];
  let count = 0;
  for (const [, scope, name] of contents(right).filter(([section, from, n]) => section !== "given" && isHome(from, n))) {
    const a = scope.get(name);
    const b = broadcastTo(wrong.scopes[scope.label].get(name), a.s);
    indices(a.s).forEach((index, i) => {
      if (different(a.d[i], b.d[i]) && count++ < MOST) refs.push({ scope: scope.label, name, index });
    });
  }
  return { refs, count };
}

/** @type {(scope: import("./scope.mjs").Scope, name: string) => boolean} whether a name is no other name of an array */
function isHome(scope, name) {
  const [owner, there] = origin(scope, name);
  return owner === scope && there === name;
}

/** @type {(store: Store, ref: Ref, step: Step) => number} as the notation defines the number's name, some with the opposite sign */
export function signedValue(store, ref, step) {
  const scope = ref.scope === "input" ? step.input : step.scopes[ref.scope];
  const { quantity } = refer(step, scope, ref.name, ref.index);
  return valueOf(step, ref) * (notation(store).negated.includes(quantity) ? -1 : 1);
}

/** @type {(tables: Tables, model: Model, replace: Variant["replace"]) => string} why a step cannot be computed with a mistake; "" if it can */
export function failure(tables, model, replace) {
  try {
    const step = wire(tables, model, { replace });
    const numbers = [step.value, ...step.gradient, ...(model.optimizer ? step.theta_new : [])];
    return numbers.some(Number.isNaN) ? "its numbers are not finite" : "";
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

/** @type {(model: Model) => (tables: Tables, variant: Variant) => string} why a mistake is impossible in a network, in words; "" if it is possible, or only its shapes do not fit */
export const impossible = ({ network, data, batch_size: size, ...model }) => (tables, { entry, replace }) => {
  const samples = Math.min(data.x.length, size ?? Infinity);
  const unfit = unsuited(entry, samples, data.t[0].length);
  if (unfit) return unfit;
  // whether every name is there does not depend on the sizes, which are small here
  const layers = network.layers.map((/** @type {any} */ layer) => (layer.units ? { ...layer, units: 2 } : layer));
  const small = { ...network, inputs: 2, layers };
  const outputs = widths(tables, small).pop() ?? 0;
  const why = failure(tables, { ...model, network: small, theta: initialize(tables, small, 1), state: { ...model.state, slots: [] }, data: { x: [[1, 0.5]], t: [new Array(outputs).fill(0.5)] } }, replace);
  return /^there is no|has no/.test(why) ? reasonFor(why) : "";
};

/** @type {(tables: Tables, variant: Variant) => import("./store.mjs").Mistake} as the store switches it on */
export function mistakeOf(tables, variant) {
  const remake = (/** @type {Model} */ model) => {
    const same = variants(tables, model).find(({ key }) => key === variant.key);
    return same && !failure(tables, model, same.replace) ? mistakeOf(tables, same) : null;
  };
  return { id: variant.key, title: variant.title, replace: variant.replace, remake };
}

/** @type {(store: Store, variant: Variant | null, updates: number) => number[]} the losses of a run from the start, as it reports them */
export function lossesOf(store, variant, updates) {
  const run = new Store(store.tables, store.start);
  if (variant) run.switchMistake({ id: variant.key, title: "", replace: variant.replace });
  const losses = [run.record.loss];
  const after = variant?.form.loss_after_update;
  while (losses.length <= updates + +Boolean(after) && run.update()) losses.push(run.record.loss);
  return after ? losses.slice(1) : losses;
}

/** @type {(losses: number[], updates: number) => string} */
function tendency(losses, updates) {
  const [first, last] = [losses[0], losses[losses.length - 1]];
  if (losses.length <= updates || !Number.isFinite(last)) return `is not finite after ${losses.length} updates:`;
  return Math.abs(last - first) <= 1e-9 * Math.abs(first) ? "stays at" : last < first ? "falls to" : "rises to";
}

// ---- the panel ----

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function mistakes(store) {
  const own = new Mistakes(store);
  return { id: "mistakes", title: "Mistakes", element: own.element, update: (what) => own.update(what) };
}

class Mistakes {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Entry[]} */
    this.entries = store.tables.mistakes;
    /** @type {Variant[]} that apply to the present network */
    this.found = [];
    this.key = "";
    this.which = h("select", { on: { change: () => this.begin(this.of(this.which.value)) } });
    this.form = h("select", { on: { change: () => this.choose(this.found.find((v) => v.key === this.form.value)) } });
    this.others = field("How and where", this.form);
    this.note = h("p", { role: "status" });
    this.body = h("div", {});
    this.element = h("div", { class: "mistakes" }, field("Switch a mistake on", this.which), this.others, this.note, this.body);
    /** @type {HTMLElement} */
    this.curves = h("div", {});
  }

  /** @type {(what: import("./store.mjs").Change) => void} */
  update(what) {
    if (what === "cursor" || what === "selection") return;
    if (what === "model" || !this.found.length) this.list();
    this.show(what !== "run");
  }

  /** @type {(id: string) => Variant[]} */
  of(id) {
    return this.found.filter(({ entry }) => entry.id === id);
  }

  /** @type {Variant | undefined} the one that is switched on */
  get chosen() {
    return this.found.find(({ key }) => key === this.store.mistake?.id);
  }

  /** List what applies to the present network. */
  list() {
    const { tables, start } = this.store;
    // what is possible does not depend on the parameters, which change often
    const key = JSON.stringify([start.network, start.optimizer, start.data.x.length, start.batch_size]);
    if (key === this.key) return;
    this.key = key;
    const every = variants(tables, start);
    const against = impossible(start);
    const reasons = new Map(every.map((variant) => [variant, against(tables, variant)]));
    this.found = every.filter((variant) => !reasons.get(variant));
    const applies = this.entries.filter(({ id }) => this.of(id).length);
    const groups = Object.entries(STAGES).map(([stage, label]) => {
      const own = applies.filter((entry) => entry.stage === stage);
      return own.length && h("optgroup", { label }, ...own.map(({ id }) => h("option", { value: id }, capital(this.of(id)[0].entry.title.replace(/\{.*?\}/g, "a layer")))));
    });
    this.which.replaceChildren(h("option", { value: "" }, "none"), .../** @type {Node[]} */ (groups.filter(Boolean)));
    this.missing = this.entries.filter((entry) => !applies.includes(entry)).map((entry) => {
      const refused = every.find((variant) => variant.entry === entry);
      return `${entry.title}: ${refused ? reasons.get(refused) : reasonAgainst(entry, start)}`;
    });
  }

  /** @type {(forms: Variant[]) => void} take the first form that gives numbers, or else the first */
  begin(forms) {
    const { tables, start } = this.store;
    this.choose(forms.find(({ replace }) => !failure(tables, start, replace)) ?? forms[0]);
  }

  /** @type {(variant: Variant | undefined) => void} */
  choose(variant) {
    const { store } = this;
    const why = variant && failure(store.tables, store.start, variant.replace);
    if (why) this.refused = { variant, why };
    else this.refused = null;
    store.switchMistake(variant && !why ? mistakeOf(store.tables, variant) : null);
  }

  /** @type {(curves: boolean) => void} */
  show(curves) {
    const variant = this.chosen ?? this.refused?.variant;
    this.which.value = variant?.entry.id ?? "";
    this.others.hidden = !variant || this.of(variant.entry.id).length < 2;
    if (variant) this.forms(variant);
    this.note.textContent = this.words(variant);
    if (this.chosen && curves) this.curves = runs(this.store, this.chosen);
    const parts = this.chosen ? [...explained(this.store, this.chosen), this.curves, h("h2", {}, "The numbers that change"), compared(this.store, this.chosen)] : [];
    this.body.replaceChildren(...parts, ...this.notHere());
  }

  /** @type {(variant: Variant) => void} */
  forms(variant) {
    const { tables, start } = this.store;
    const right = wire(tables, start);
    const options = this.of(variant.entry.id).map((one) => h("option", { value: one.key }, formText(one, right, tables, start)));
    this.form.replaceChildren(...options);
    this.form.value = variant.key;
  }

  /** @type {(variant: Variant | undefined) => string} */
  words(variant) {
    if (!variant) return this.store.mistake ? "" : "The numbers are right. Choose a mistake to see what it changes.";
    if (this.chosen) return `Switched on: ${variant.title}.`;
    const why = this.refused?.why ?? "";
    const words = /^shape|index/.test(why) ? "Here this program stops with an error, so that the mistake is noticed" : "This cannot be computed here";
    return `${words}: ${why}. The numbers shown are right.`;
  }

  /** @type {() => Node[]} */
  notHere() {
    const { missing } = this;
    if (!missing?.length) return [];
    return [h("details", {}, h("summary", {}, `${missing.length} mistakes that this network does not allow`), h("ul", {}, ...missing.map((text) => h("li", {}, text))))];
  }
}

/** @type {(text: string) => string} */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @type {(variant: Variant, right: Step, tables: Tables, model: Model) => string} a form by its lines of code */
function formText(variant, right, tables, model) {
  const lines = attempt(() => linesOf(variant, right, wire(tables, model, { replace: variant.replace })));
  return lines?.map(([, wrong]) => wrong).join("; ") || variant.title;
}

/** @type {(store: Store, variant: Variant) => Node[]} the line of code, and why */
function explained(store, variant) {
  const lines = linesOf(variant, store.rightStep, store.step);
  const line = (/** @type {string} */ mark, /** @type {string} */ text) => text && h("div", { class: mark }, `${mark}: ${text}`);
  const code = lines.flatMap(([right, wrong]) => [line("right", right), line("wrong", wrong)]);
  const words = lines.length ? code : [line("right", variant.right), line("wrong", variant.wrong)];
  return [
    h("h2", {}, lines.length ? "The line of code" : "In formulas"),
    h("pre", { class: "code", tabIndex: 0 }, ...words),
    h("p", {}, `${variant.why} ${variant.repair}`),
  ];
}

/** @type {(store: Store, variant: Variant) => HTMLElement} */
function compared(store, variant) {
  const { rightStep, step } = store;
  if (variant.form.loss_after_update) return h("p", {}, "Only the loss that is reported: it belongs to the update before.");
  const { refs, count } = differences(rightStep, step);
  if (!refs.length) return h("p", {}, variant.form.needs_second_call ? "None in the first update. Step on to the next one." : "None with these numbers: this mistake would not be noticed here.");
  const cells = (/** @type {Ref} */ ref) => [rightStep, step].map((one) => h("td", {}, isHidden(store, ref) ? "?" : numberText(store, signedValue(store, ref, one))));
  const rows = refs.map((ref) => h("tr", {}, h("th", { scope: "row" }, button(nameText(store, ref), () => store.select(ref), { class: "link" })), ...cells(ref)));
  const head = h("tr", {}, ...["Number", "Right", "Wrong"].map((text) => h("th", { scope: "col" }, text)));
  const more = count > MOST && h("p", {}, `and ${count - MOST} more`);
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)), more);
}

// ---- two runs ----

/** @type {(store: Store, variant: Variant) => HTMLElement} whether the loss still falls */
function runs(store, variant) {
  if (!store.start.optimizer) return h("p", {}, "Without an optimizer there are no updates to compare.");
  const updates = store.start.theta.length * store.start.data.x.length > LARGE ? FEW_UPDATES : UPDATES;
  const both = [lossesOf(store, null, updates), lossesOf(store, variant, updates)];
  const [right, wrong] = both.map((losses) => `${tendency(losses, updates)} ${numberText(store, losses[losses.length - 1])}`);
  const words = `In ${updates} updates from the start, the right loss ${right}; with the mistake, it ${wrong}.${wrong.startsWith("falls") ? " A falling loss does not show that the gradients are right." : ""}`;
  const svg = chartFrame(words);
  chart(svg, both.map((losses, i) => ({ name: "", kind: i ? "second" : "", points: losses.map((loss, k) => [k, loss]) })), { x: "updates" });
  const every = both[0].map((_, k) => k).filter((k) => k % (updates / 10) === 0);
  const rows = every.map((k) => [String(k), ...both.map((losses) => numberText(store, losses[k] ?? NaN))]);
  const table = h("details", {}, h("summary", {}, "These losses as a table"), numbers(["Updates", "Right", "Wrong"], rows, "Losses"));
  return h("div", { class: "learning" }, h("h2", {}, "Does the loss still fall?"), h("p", {}, words), svg, h("p", { class: "hint" }, "Right: solid line; wrong: dashed."), table);
}
