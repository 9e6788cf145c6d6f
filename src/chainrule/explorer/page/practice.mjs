/** The panel for practice: numbers are hidden, and the reader works them out. */

import { array, position } from "./arrays.mjs";
import { variants } from "./catalogue.mjs";
import { contents } from "./contents.mjs";
import { writeNumber } from "./digits.mjs";
import { button, field, h, select } from "./dom.mjs";
import { named, origin } from "./expand.mjs";
import { attempt, explain, factors, grade, mistaken, parseAnswer } from "./grading.mjs";
import { shownSample } from "./lighting.mjs";
import { scopeAt, signedValue } from "./mistakes.mjs";
import { timeOfPass } from "./estimates.mjs";
import { origin as begin } from "./paths.mjs";
import { rowOf } from "./rows.mjs";
import { sampleOf, sequence } from "./sequence.mjs";
import { refKey, valueOf } from "./store.mjs";
import { largestOf } from "./summary.mjs";
import { inNumbers, leaves, pretty } from "./typeset.mjs";
import { wire } from "./wire.mjs";
import { isHidden, nameText, notation } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./store.mjs").Ref} Ref */
/** @typedef {import("./wire.mjs").Step} Step */
/** @typedef {import("./typeset.mjs").Expression} Expression */
/** @typedef {{ref: Ref, text: string, state: "" | "right" | "own" | "shown", tries: number, hints: number}} Question */

// Questions; numbers that one is made of to be worked out by hand, and weights of a unit, in a large network.
const [MOST, TERMS, WEIGHTS] = [60, 24, 3];
// Nanoseconds for the mistakes that a wrong answer is compared with.
const SLOW = 1e9;
/** @type {[string, string][]} */
const CHOICES = [["backward", "the backward pass"], ["forward", "the forward pass"], ["error", "the error"], ["update", "the update"], ["all", "everything"], ["number", "the chosen number"]];
const ORDER = ["forward", "error", "backward", "update"];

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function practice(store) {
  const own = new Practice(store);
  return { id: "practice", title: "Practice", element: own.element, update: () => {} };
}

/** @type {(step: Step, refs: Ref[]) => Set<string>} the keys of numbers under each of their names */
export function keysOf(step, refs) {
  const keys = new Set(refs.map(refKey));
  for (const scope of Object.values(step.scopes)) {
    for (const name of [...Object.keys(scope.equations), ...Object.keys(scope.links)]) {
      const [owner, there] = attempt(() => origin(scope, name)) ?? [];
      const same = refs.filter((ref) => ref.scope === owner?.label && ref.name === there);
      for (const { index } of same) keys.add(refKey({ scope: scope.label, name, index }));
    }
  }
  return keys;
}

/** @type {(submit: () => void, ...parts: Node[]) => HTMLFormElement} */
const form = (submit, ...parts) => h("form", { on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), submit()) } }, ...parts);

class Practice {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Question[]} */
    this.questions = [];
    /** @type {Ref[]} */
    this.hidden = [];
    this.at = 0;
    this.what = select(CHOICES, "backward", () => {});
    this.digits = h("input", { type: "number", min: 1, max: 12, value: 4 });
    this.input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false" });
    this.prompt = field("", this.input);
    this.message = h("p", { role: "status", class: "says" });
    this.extra = h("div", { class: "row" });
    this.hints = h("ol", { class: "hints" });
    this.score = h("p", { class: "score" });
    this.list = h("ul", { class: "answers" });
    this.settings = form(() => this.start(), field("Hide", this.what), field("Significant digits asked", this.digits), h("button", { type: "submit", class: "main" }, "Start"));
    this.questionForm = form(() => this.check(), this.score, this.prompt, h("div", { class: "row" }, h("button", { type: "submit", class: "main" }, "Check"), button("Hint", () => this.hint()), button("Later", () => this.next()), button("Stop", () => this.stop("Stopped. All numbers are shown again."))));
    this.questionForm.hidden = true;
    this.element = h("div", { class: "practice" }, h("p", {}, "Work numbers out by hand. They are hidden in the picture and on the page until you give them."), this.settings, this.questionForm, this.message, this.extra, this.hints, this.list);
    store.subscribe((what) => void (["model", "run", "mistake"].includes(what) && this.questions.length && this.stop("The numbers have changed, so practice has ended.")));
  }

  // ---- begin and end ----

  start() {
    const { store } = this;
    if (store.mistake) store.switchMistake(null);
    const [refs, hidden] = this.chosen();
    const large = sequence(store).items[0]?.whole && this.what.value !== "number";
    const advice = this.what.value === "number" ? "First choose a number in the picture that is computed from others." : large ? "No number of this unit is made of few others in this stage; choose another stage." : "This stage has no numbers here.";
    if (!refs.length) return this.report(advice);
    this.questions = refs.slice(0, MOST).map((ref) => ({ ref, text: "", state: "", tries: 0, hints: 0 }));
    this.hidden = hidden;
    /** @type {{[label: string]: {[name: string]: import("./arrays.mjs").NDArray}}} */
    this.values = {};
    this.at = -1;
    this.show(true);
    this.report(large ? "Asked are numbers of one unit, those that are made of few others; choose another unit in the picture before the start." : "");
    this.next();
  }

  /** @type {() => [Ref[], Ref[]]} what is asked for, and what is hidden: later stages, too */
  chosen() {
    const { store } = this;
    const { value } = this.what;
    const { items } = sequence(store);
    const all = (items[0]?.whole ? this.ofUnit() : items).filter(({ ref }) => this.isComputed(ref));
    if (value === "number") {
      const ref = store.selection && this.home(store.selection);
      return ref && this.isComputed(ref) ? [[ref], [ref]] : [[], []];
    }
    const first = Math.max(0, ORDER.indexOf(value));
    const later = all.filter(({ section }) => ORDER.indexOf(section) >= first).map(({ ref }) => ref);
    return [all.filter(({ section }) => value === "all" || section === value).map(({ ref }) => ref), later];
  }

  /** @type {() => import("./sequence.mjs").Item[]} of a large network: numbers of the chosen unit, or of the first output, which are made of few others */
  ofUnit() {
    const { store } = this;
    const step = store.rightStep;
    const sample = shownSample(store);
    const { start } = (store.selection && begin(step, sample, store.selection)) ?? { start: { layer: step.layers.length - 1, unit: 0 } };
    const layer = Math.max(0, start.layer);
    const unit = start.layer < 0 ? 0 : start.unit;
    const x = step.layers[layer].get("x");
    const inputs = largestOf(x.d.subarray(sample * x.s[1], (sample + 1) * x.s[1]).map(Math.abs), WEIGHTS);
    const own = [step.layers[layer].label, ...step.blocks.filter((b) => b.layer === layer).map((b) => b.name), ...(layer === step.layers.length - 1 ? ["loss"] : [])];
    return contents(step).filter(([section, scope]) => section !== "given" && own.includes(scope.label)).flatMap(([section, scope, name]) => {
      const { s } = scope.get(name);
      const sampled = sampleOf(store, { scope: scope.label, name, index: s.map(() => 0) }) !== undefined;
      const places = sampled ? [[sample, unit]] : s.length === 2 ? inputs.map((i) => [unit, i]) : [s.length ? [unit] : []];
      const few = places.filter((index) => leaves(named(scope, name, index), "leaf").length <= TERMS);
      return few.map((index) => ({ section, ref: { scope: scope.label, name, index }, whole: false }));
    });
  }

  /** @type {(ref: Ref) => Ref} where a number is computed */
  home({ scope: label, name, index }, step = this.store.rightStep) {
    const [scope, there] = origin(label === "input" ? step.input : step.scopes[label], name);
    return { scope: scope.label, name: there, index };
  }

  /** @type {(ref: Ref) => boolean} whether a number has an equation, and is no other name of one */
  isComputed(ref) {
    const home = this.home(ref);
    return refKey(home) === refKey(ref) && !(home.name in (this.store.rightStep.scopes[home.scope]?.values ?? { [home.name]: 0 }));
  }

  /** @type {(words: string) => void} */
  stop(words) {
    this.questions = [];
    this.show(false);
    this.report(words);
    this.store.look({ hidden: null });
  }

  /** @type {(active: boolean) => void} */
  show(active) {
    this.settings.hidden = active;
    this.questionForm.hidden = !active;
    document.documentElement.classList.toggle("practicing", active);
    this.list.replaceChildren();
    this.hints.replaceChildren();
  }

  /** @type {(words: string, ...more: Node[]) => void} */
  report(words, ...more) {
    this.message.textContent = words;
    this.extra.replaceChildren(...more);
  }

  // ---- one question ----

  /** @type {Question} */
  get question() {
    return this.questions[this.at];
  }

  /** Ask for the next number that is open. */
  next() {
    const { length } = this.questions;
    const order = this.questions.map((_, i) => (this.at + 1 + i) % length);
    const open = order.find((i) => !this.questions[i].state);
    this.list.replaceChildren(...this.questions.filter(({ state }) => state).map((q) => this.done(q)));
    this.score.textContent = this.words();
    if (open === undefined) return this.stop(`${this.words()} All numbers are shown again.`);
    this.at = open;
    this.hide();
    const label = /** @type {HTMLElement} */ (this.prompt.firstChild);
    label.textContent = `${nameText(this.store, this.question.ref)} =`;
    this.input.value = this.question.text;
    this.hints.replaceChildren();
    this.store.select(this.question.ref);
    this.input.focus();
  }

  /** @type {(q: Question) => HTMLElement} */
  done({ ref, text, state }) {
    const words = { "": "", right: "✓", own: "your number", shown: "shown" }[state];
    return h("li", {}, `${nameText(this.store, ref)} = ${text} ${words}`);
  }

  words() {
    const count = (/** @type {(q: Question) => boolean} */ f) => this.questions.filter(f).length;
    const right = count((q) => q.state === "right");
    const alone = count((q) => q.state === "right" && !q.hints && q.tries === 1);
    return `${count((q) => q.state !== "")} of ${this.questions.length} done; ${right} right, ${alone} of them at once and without hints.`;
  }

  /** Hide everything that is not worked out yet. */
  hide() {
    const solved = new Set(this.questions.filter(({ state }) => state === "right" || state === "shown").map(({ ref }) => refKey(ref)));
    this.store.look({ hidden: keysOf(this.step, this.hidden.filter((ref) => !solved.has(refKey(ref)))) });
  }

  /** The step without a mistake, with the numbers that the learner goes on from. */
  get step() {
    const { store } = this;
    return wire(store.tables, store.model, this.options);
  }

  get options() {
    return { values: this.values, data: this.store.batch(this.store.at) };
  }

  check() {
    const { question, store } = this;
    const [answer, step, digits] = [parseAnswer(this.input.value), this.step, Number(this.digits.value) || 4];
    if (!answer) return this.report("Type a number, such as 0.25 or -1.5e-3.");
    const value = signedValue(store, question.ref, step);
    const mark = grade(answer, value, digits);
    if (mark === "short") return this.report(`Right as far as it goes. Give ${digits} significant digits.`);
    question.tries++;
    if (mark === "right") return this.settle("right", this.input.value, "Right.");
    const why = explain(answer, value, digits, this.causes(step, value));
    this.report(why || "Not yet. Try again, or take a hint.", button("Go on with my number", () => this.follow(answer.value)));
    this.input.select();
  }

  /** @type {(step: Step, value: number) => Generator<import("./grading.mjs").Cause>} what a wrong answer may come from */
  *causes(step, value) {
    const { store, options } = this;
    const { ref } = this.question;
    const read = (/** @type {Step} */ one) => signedValue(store, ref, one);
    const own = (/** @type {string} */ where, /** @type {string} */ name) => name === ref.name && scopeAt(step, where)?.label === ref.scope;
    const all = variants(store.tables, store.model);
    // in a large network all of them would take long, and the net inputs are computed once
    const slow = timeOfPass(store.tables, store.model) * all.length > SLOW;
    const backward = all.filter(({ replace }) => replace.every(([where, name]) => own(where, name) && name !== "z"));
    const z = Object.fromEntries(step.layers.filter((layer) => layer.has("z")).map((layer) => [layer.label, { z: layer.get("z"), ...this.values?.[layer.label] }]));
    yield* slow ? mistaken(backward, step, { ...options, values: { ...this.values, ...z } }, read, own) : mistaken(all, step, options, read, own);
    if (ref.name === "w_new") {
      const [w, rate] = [valueOf(step, { ...ref, name: "w" }), valueOf(step, { ...ref, name: "learning_rate", index: [] })];
      yield [w + (value - w) / rate, "The learning rate is missing."];
    }
    yield* factors(value, store.count(store.at));
    const { items } = sequence(store);
    for (const same of [true, false]) {
      for (const { ref: other } of items) {
        const related = other.name === ref.name || other.scope === ref.scope;
        if (related && (other.name === ref.name) === same) yield [signedValue(store, other, step), `This is ${nameText(store, other)}.`];
      }
    }
  }

  /** @type {(state: Question["state"], text: string, words: string) => void} */
  settle(state, text, words) {
    Object.assign(this.question, { state, text });
    this.report(words);
    this.next();
  }

  /** @type {(value: number) => void} go on from the learner's own number */
  follow(value) {
    const { question, step, store } = this;
    const { scope, name, index } = question.ref;
    const { s, d } = step.scopes[scope].get(name);
    const own = array(s, Float64Array.from(d));
    own.d[position(s, index)] = value * (signedValue(store, question.ref, step) / own.d[position(s, index)] < 0 ? -1 : 1);
    this.values = { ...this.values, [scope]: { ...this.values?.[scope], [name]: own } };
    this.settle("own", this.input.value, "The next numbers go on from yours.");
  }

  // ---- hints ----

  /** Give the next of four hints; the last is the answer. */
  hint() {
    const { question, store } = this;
    const { model, tables } = store;
    if (!question) return;
    question.hints++;
    const row = rowOf(this.step, tables, model, question.ref, { notation: notation(store), numerical: false });
    const line = row?.lines.find(({ kind }) => kind === "equation");
    const text = row && line ? this.hintText(question.hints, row, line.tree, line.formula) : "";
    this.hints.append(h("li", {}, text));
    if (question.hints < 4 && line) return;
    this.settle("shown", writeNumber((row?.value ?? NaN) * (row?.sign ?? 1), Number(this.digits.value)), text);
  }

  /** @type {(count: number, row: import("./rows.mjs").Row, tree: Expression, formula: string) => string} */
  hintText(count, row, tree, formula) {
    const used = [...new Set(leaves(tree, "symbol").map((leaf) => nameText(this.store, /** @type {Ref} */ (leaf.place))))];
    if (count === 1) return `It depends on ${used.join(", ") || "nothing else"}.`;
    if (count === 2) return `${row.plain} = ${pretty(formula)}`;
    const digits = Number(this.digits.value);
    if (count === 3) return `${row.plain} = ${pretty(this.numbers(tree, digits + 2))}, with one number left out`;
    return `${row.plain} = ${writeNumber(row.sign * row.value, digits)}`;
  }

  /** @type {(tree: Expression, digits: number) => string} a formula with its numbers but the last; what is hidden keeps its name */
  numbers(tree, digits) {
    const symbols = leaves(tree, "symbol");
    return inNumbers(tree, (value, leaf) => {
      if (leaf === symbols[symbols.length - 1]) return "…";
      return leaf.place && isHidden(this.store, leaf.place) ? nameText(this.store, leaf.place) : writeNumber(value, digits);
    });
  }
}
