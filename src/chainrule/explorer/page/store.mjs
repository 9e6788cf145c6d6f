/**
 * What the page shows: a run of training steps from a starting model, and where the reader is in it.
 * Panels read it, call its methods, and are informed of every change.
 */

import { History } from "./history.mjs";
import { costOn } from "./training.mjs";
import { batchOf, optimizerEntry, wire } from "./wire.mjs";

/** @typedef {import("./wire.mjs").Model} Model */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {import("./network.mjs").Tables} Tables */
/** @typedef {{scope: string, name: string, index: number[]}} Ref a number: scope label, name, index */
/** @typedef {{[label: string]: {[name: string]: import("./arrays.mjs").NDArray}}} Memory */
/** @typedef {{step: number, theta: Float64Array | number[], slots: (Float64Array | number[])[], loss: number, memory?: Memory, kept?: boolean}} Record a state after `step` updates, the loss before the next, and what a mistake keeps from step to step */
/** @typedef {{id: string, title: string, replace: import("./wire.mjs").Replacements, remake?: (model: Model) => Mistake | null}} Mistake `remake` makes it in another network, if it applies there */
/** @typedef {{label: string, start: Model, at: number, origin: Model}} Edit what was before a change */
/** @typedef {"model" | "run" | "cursor" | "selection" | "mistake" | "view" | "hover"} Change what is different now */

/** @typedef {{step: number, loss: number, validation: number, kept?: boolean}} Point of the loss curve; validation is NaN without such data */

// Records and changes at most, numbers in them at most, and the samples that a point of the curve goes by.
const KEPT = 400;
const CHANGES = 100;
const NUMBERS = 5e6;
// Numbers of the updates that are made again at most to go to a place of the run.
const REPLAYED = 1e6;
export const SAMPLES = 500;

export class Store {
  /**
   * @param {Tables} tables
   * @param {Model} model
   */
  constructor(tables, model) {
    this.tables = tables;
    /** @type {Model} where the run begins; never changed in place */
    this.start = model;
    this.at = 0;
    /** @type {number} how many quantities of the step are shown; Infinity for all */
    this.cursor = Infinity;
    /** @type {Ref | null} */
    this.selection = null;
    /** @type {Ref | null} the number that is pointed at, which lights up like the chosen one */
    this.hover = null;
    /** whether updates follow one another without a key */
    this.playing = false;
    /** @type {(() => void) | null} ends what makes steps by itself: the player, or a training */
    this.running = null;
    /** @type {Model} where the reset goes: the start of the run, with the changes that were made since */
    this.origin = model;
    /** @type {Mistake | null} */
    this.mistake = null;
    /** @type {{[name: string]: any}} choices of panels, such as the notation */
    this.view = {};
    /** @type {Edit[]} */
    this.done = [];
    /** @type {Edit[]} */
    this.undone = [];
    /** @type {Set<(what: Change) => void>} */
    this.listeners = new Set();
    /** @type {Step | null} the present step */
    this.wired = null;
    /** @type {Step | null} the same without the mistake */
    this.rightWired = null;
    /** @type {Record} */
    this.current = this.first();
    this.history = this.newHistory();
    /** @type {History<Point>} */
    this.curve = new History({ step: 0, loss: NaN, validation: NaN }, KEPT);
    this.restart();
  }

  // ---- listeners ----

  /** @type {(listener: (what: Change) => void) => () => void} returns what ends it */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** @type {(what: Change) => void} */
  emit(what) {
    if (!["cursor", "selection", "view", "hover"].includes(what)) this.wired = this.rightWired = null;
    for (const listener of this.listeners) listener(what);
  }

  // ---- the present step ----

  /** @type {Model} the network with the parameters at the present step */
  get model() {
    const { theta, slots, step } = this.record;
    return { ...this.start, theta, state: { ...this.start.state, step, slots } };
  }

  /** @type {Step} the present step, with the mistake if one is switched on */
  get step() {
    this.wired ??= this.wireAt(this.model, this.mistake);
    return this.wired;
  }

  /** @type {Step} the same step without the mistake */
  get rightStep() {
    this.rightWired ??= this.mistake ? this.wireAt(this.model, null) : this.step;
    return this.rightWired;
  }

  /** @type {(model: Model, mistake: Mistake | null) => Step} */
  wireAt(model, mistake) {
    const values = mistake ? this.record.memory : undefined;
    return wire(this.tables, model, { replace: mistake?.replace, values, data: this.batch(model.state.step) });
  }

  // ---- data ----

  /** @type {number | null} samples of an update; null for all */
  get batchSize() {
    return this.start.batch_size ?? null;
  }

  /** Number of updates in an epoch. */
  get updates() {
    return this.batchSize ? Math.ceil(this.start.data.x.length / this.batchSize) : 1;
  }

  /** @type {(step: number) => [number, number]} the first sample of an update, and the one after its last */
  range(step) {
    const n = this.start.data.x.length;
    if (!this.batchSize) return [0, n];
    const first = ((step - this.start.state.step) % this.updates) * this.batchSize;
    return [first, Math.min(first + this.batchSize, n)];
  }

  /** @type {(step: number) => number} how many samples an update uses */
  count(step) {
    const [first, after] = this.range(step);
    return after - first;
  }

  /** @type {(step: number) => number[]} the numbers of the samples that an update uses */
  rows(step) {
    const [first, after] = this.range(step);
    return Array.from({ length: after - first }, (_, i) => first + i);
  }

  /** @type {(step: number) => any} the data of an update */
  samples(step) {
    const { data } = this.start;
    const [first, after] = this.range(step);
    if (after - first === data.x.length) return data;
    const part = (/** @type {any[]} */ all) => all.slice(first, after);
    return { x: part(data.x), t: part(data.t), weight: data.weight && normalized(part(data.weight)) };
  }

  /** @type {(step: number) => ReturnType<typeof batchOf>} the same as arrays */
  batch(step) {
    return batchOf({ ...this.start, data: this.samples(step) });
  }

  // ---- the run ----

  /** @type {Record} */
  get record() {
    return this.current;
  }

  /** @type {() => Record} the state at which the run begins */
  first() {
    const { theta, state } = this.start;
    return { step: state.step, theta, slots: this.slotsOf(), loss: NaN };
  }

  /** Begin the run again at the starting model. */
  restart() {
    this.current = this.first();
    this.at = this.current.step;
    this.wired = this.rightWired = null;
    this.current.loss = this.step.value;
    this.history = this.newHistory();
    this.curve = new History(this.curvePoint(), this.batchSize ? KEPT / 4 : KEPT);
  }

  /** @type {() => History<Record>} some states of the run; the others are computed again from them */
  newHistory() {
    const size = this.start.theta.length * (1 + this.current.slots.length);
    return new History(this.current, Math.max(16, Math.min(KEPT, NUMBERS / size)));
  }

  /** The kept states of the run, by step. */
  get records() {
    return this.history.items;
  }

  /** @type {() => Point} the losses at the present step, of all samples */
  curvePoint() {
    const { validation, ...data } = this.start.data;
    const cost = (/** @type {any} */ rows) => costOn(this.tables, this.model, rows, SAMPLES, this.mistake?.replace);
    const loss = this.batchSize ? cost(data) : this.current.loss;
    return { step: this.at, loss, validation: validation?.x.length ? cost(validation) : NaN };
  }

  slotsOf() {
    const { slots } = optimizerEntry(this.tables, this.start);
    const { theta, state } = this.start;
    return slots.map((/** @type {string} */ _, /** @type {number} */ i) => state.slots[i] ?? new Float64Array(theta.length));
  }

  /** Go back to the start of the run; changes that were made on the way are kept. */
  reset() {
    this.halt();
    const moves = this.start !== this.origin;
    this.start = this.origin;
    this.restart();
    this.cursor = Infinity;
    this.emit(moves ? "model" : "run");
  }

  /** @type {(stop: () => void, playing: boolean) => void} something makes steps by itself from now on, until `stop` ends it */
  run(stop, playing) {
    this.halt();
    Object.assign(this, { running: stop, playing });
    if (playing) this.cursor = Infinity;
    this.emit("cursor");
  }

  /** End what makes steps by itself. */
  halt() {
    const stop = this.running;
    Object.assign(this, { running: null, playing: false });
    stop?.();
    // panels that left out frames show the last state
    if (stop) this.emit("cursor");
  }

  /** @type {(updates?: number) => boolean} make updates; false where the numbers are no longer finite */
  advance(updates = 1) {
    let finite = true;
    for (let i = 0; i < updates && finite; i++) finite = this.update();
    this.emit("run");
    return finite;
  }

  /** Make one update, without informing anyone; false without an optimizer, and where the numbers are no longer finite. */
  update() {
    if (!this.start.optimizer) return false;
    const { step } = this;
    const theta = step.theta_new;
    if (!theta.every(Number.isFinite)) return false;
    const memory = this.mistake ? step.memory() : undefined;
    this.current = { step: this.at + 1, theta, slots: step.slots_new, loss: NaN, memory };
    this.at++;
    this.wired = this.rightWired = null;
    this.current.loss = this.step.value;
    this.history.add(this.at, () => this.current);
    this.curve.add(this.at, () => this.curvePoint());
    return true;
  }

  /** @type {(step: number) => void} go to the state after a number of updates, computed again if it was not kept */
  go(step) {
    const wanted = Math.max(step, this.start.state.step);
    this.current = this.records.filter((r) => r.step <= wanted).pop() ?? this.records[0];
    this.at = this.current.step;
    this.wired = this.rightWired = null;
    // the past of a run that was opened is not kept: it would take long to make it again
    const near = wanted - this.at < Math.max(this.history.spacing, REPLAYED / this.start.theta.length);
    while (near && this.at < wanted && this.update());
    this.emit("run");
  }

  /** @type {(record: {step: number, theta: number[], slots: number[][]}) => void} go on from a later state of the run */
  resume(record) {
    this.current = { ...record, loss: NaN, kept: true };
    this.at = record.step;
    this.wired = this.rightWired = null;
    this.current.loss = this.step.value;
    this.history.items.push(this.current);
    this.curve.items.push({ ...this.curvePoint(), kept: true });
    this.emit("run");
  }

  /** The last step that the run has reached. */
  get reached() {
    return Math.max(this.at, this.records[this.records.length - 1].step);
  }

  // ---- changes by the reader ----

  /**
   * Change the model at the present step, which becomes the start of a new run.
   * With `merge`, the change is undone together with the one before, as one movement of the pointer.
   * @type {(label: string, change: (model: Model) => Model | void, merge?: boolean) => void}
   */
  edit(label, change, merge = false) {
    const changed = (/** @type {Model} */ model) => {
      const draft = structuredClone({ ...model, theta: [...model.theta], state: { ...model.state, slots: model.state.slots.map((/** @type {number[]} */ slot) => [...slot]) } });
      return change(draft) ?? draft;
    };
    const next = changed(this.model);
    this.begin(label, next, merge, this.start === this.origin && this.at === this.start.state.step ? next : changed(this.origin));
  }

  /** @type {(label: string, model: Model, merge?: boolean, origin?: Model) => void} begin a run at another model; can be undone */
  begin(label, model, merge = false, origin = model) {
    const before = { label, start: this.start, at: this.at, origin: this.origin };
    const { mistake } = this;
    Object.assign(this, { start: model, origin });
    try {
      this.remake(model);
      this.restart();
    } catch (error) {
      Object.assign(this, { mistake, start: before.start, origin: before.origin });
      this.restart();
      this.go(before.at);
      throw error;
    }
    if (!merge || !this.done.length) this.done = [...this.done, before].slice(-Math.max(8, Math.min(CHANGES, NUMBERS / (numbersIn(model) * (origin === model ? 1 : 2)))));
    this.undone = [];
    this.emit("model");
  }

  /** @type {(model: Model) => void} keep the mistake in another network, or switch it off */
  remake(model) {
    if (this.mistake?.remake) this.mistake = this.mistake.remake(model);
  }

  undo() {
    this.swap(this.done, this.undone);
  }

  redo() {
    this.swap(this.undone, this.done);
  }

  /** @type {(from: Edit[], to: Edit[]) => void} */
  swap(from, to) {
    const entry = from.pop();
    if (!entry) return;
    to.push({ label: entry.label, start: this.start, at: this.at, origin: this.origin });
    Object.assign(this, { start: entry.start, origin: entry.origin });
    this.remake(entry.start);
    this.restart();
    if (entry.at !== this.at) this.go(entry.at);
    this.emit("model");
  }

  /** @type {(selection: Ref | null) => void} */
  select(selection) {
    this.selection = selection;
    this.emit("selection");
  }

  /** @type {(ref: Ref | null) => void} */
  point(ref) {
    if (refKey(ref) === refKey(this.hover)) return;
    this.hover = ref;
    this.emit("hover");
  }

  /** @type {(cursor: number) => void} */
  show(cursor) {
    this.cursor = cursor;
    this.emit("cursor");
  }

  /** @type {(mistake: Mistake | null) => void} switch a mistake on or off; the run begins again */
  switchMistake(mistake) {
    this.mistake = mistake;
    this.restart();
    this.emit("mistake");
  }

  /** @type {(size: number | null) => void} samples of an update from now on */
  setBatchSize(size) {
    this.edit("samples per update", (model) => void (model.batch_size = size));
  }

  /** @type {(choices: {[name: string]: any}) => void} */
  look(choices) {
    Object.assign(this.view, choices);
    this.emit("view");
  }
}

/** @type {(model: Model) => number} how many numbers a model keeps: parameters, moving averages, samples */
function numbersIn({ theta, state, data }) {
  const samples = data.x.length + (data.validation?.x.length ?? 0);
  return theta.length * (1 + state.slots.length) + samples * (data.x[0].length + data.t[0].length);
}

/** @type {(weight: number[]) => number[]} of mean 1 */
function normalized(weight) {
  const mean = weight.reduce((a, b) => a + b, 0) / weight.length;
  return weight.map((w) => w / (mean || 1));
}

/** @type {(ref: Ref | null) => string} a text that is the same for the same number */
export const refKey = (ref) => (ref ? `${ref.scope}.${ref.name}[${ref.index.join()}]` : "");

/** @type {(a: Ref | null, b: Ref | null) => boolean} */
export const sameRef = (a, b) => refKey(a) === refKey(b);

/** @type {(step: Step, ref: Ref) => number} the value of a number of a step */
export function valueOf(step, { scope, name, index }) {
  const found = (scope === "input" ? step.input : step.scopes[scope]).get(name);
  return found.d[index.reduce((sum, i, k) => sum * found.s[k] + (found.s[k] === 1 ? 0 : i), 0)];
}
