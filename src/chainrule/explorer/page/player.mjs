/** The toolbar: stepping forward and back, playing, and going through the history of the run. */

import { button, field, h, select } from "./dom.mjs";
import { helpDialog, onKeys } from "./keys.mjs";
import { say, region } from "./say.mjs";
import { STAGES, current, move, sequence, shownCount } from "./sequence.mjs";
import { isLossHidden, nameText, numberText, valueText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./sequence.mjs").Unit} Unit */

/** @type {[Unit, string][]} */
const UNITS = [["quantity", "one number"], ["sample", "sample"], ["stage", "stage"], ["update", "update"], ["epoch", "epoch"]];
// Steps a second while playing: of numbers, samples and stages, and of updates and epochs.
/** @type {{[speed: string]: [number, number]}} */
const SPEEDS = { slow: [1, 4], medium: [4, 60], fast: [20, 600], fastest: [60, 1e9] };
const FRAME = 9;

/** @type {(store: Store) => import("./app.mjs").Panel} */
export function player(store) {
  const own = new Player(store);
  onKeys(own.actions());
  return { id: "player", title: "Player", element: own.element, update: () => own.update() };
}

class Player {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Unit} */
    this.unit = "quantity";
    this.speed = "medium";
    this.frame = 0;
    this.units = select(UNITS, this.unit, (unit) => void (this.unit = /** @type {Unit} */ (unit)));
    this.playing = button("Play", () => this.toggle(), { class: "play", "aria-pressed": "false" });
    this.history = h("input", { type: "range", "aria-label": "Update of the run", on: { input: () => this.scrub() } });
    this.where = h("output", { class: "where" });
    this.batch = field("Samples per update", select(["all"], "all", (size) => store.setBatchSize(size === "all" ? null : Number(size))));
    this.help = helpDialog(this.actions());
    this.element = h("div", { class: "player", role: "group", "aria-label": "Player" }, ...this.controls());
  }

  controls() {
    const speeds = select(Object.keys(SPEEDS), this.speed, (speed) => void (this.speed = speed));
    return [
      h("div", { class: "row" }, button("Reset", () => this.reset()), button("Back", () => this.step(-1)), button("Step", () => this.step(1), { class: "main" }), field("by", this.units), this.playing, field("speed", speeds), this.batch, button("Keys", () => this.help.showModal(), { "aria-haspopup": "dialog" })),
      h("div", { class: "row" }, this.history, this.where),
      region,
      this.help,
    ];
  }

  /** @type {() => import("./keys.mjs").Action[]} */
  actions() {
    const by = (/** @type {Unit} */ unit) => () => void (this.units.value = this.unit = unit);
    return [
      ["l", "step forward", () => this.step(1)],
      ["j", "step back", () => this.step(-1)],
      ["k", "play or pause", () => this.toggle()],
      ["r", "the same start again", () => this.reset()],
      ...UNITS.map(([unit, words], i) => /** @type {import("./keys.mjs").Action} */ ([String(i + 1), `step by ${words}`, by(unit)])),
      ["?", "these keys", () => this.help.showModal()],
    ];
  }

  reset() {
    this.stop();
    this.store.reset();
    say("The same start again.");
  }

  scrub() {
    // stopping writes the present place into the slider
    const wanted = Number(this.history.value);
    this.stop();
    this.store.cursor = Infinity;
    this.store.go(wanted);
  }

  /** @type {(way: 1 | -1) => boolean} */
  step(way) {
    const { store } = this;
    const moved = move(store, this.unit, way);
    const item = current(store);
    if (item) follow(store, item.ref);
    say(moved ? this.words() : stuck(store, way));
    return moved;
  }

  /** What the present place is, in words. */
  words() {
    const { store, unit } = this;
    const item = current(store);
    if (!item) return `Update ${store.at}: C = ${isLossHidden(store) ? "?" : numberText(store, store.record.loss)}`;
    const number = item.whole ? `the array ${item.ref.name} of ${item.ref.scope}` : `${nameText(store, item.ref)} = ${valueText(store, item.ref)}`;
    return `${unit === "stage" ? `End of the ${STAGES[item.section]}: ` : ""}${number}`;
  }

  // ---- playing ----

  toggle() {
    if (this.frame) return this.stop();
    let [before, owed] = [performance.now(), 1];
    const next = (/** @type {number} */ now) => {
      const [numbers, updates] = SPEEDS[this.speed];
      const run = this.unit === "update" || this.unit === "epoch";
      // the time of the first frame may lie before the key
      owed = Math.min(owed + (Math.max(0, now - before) / 1000) * (run ? updates : numbers), 1e9);
      before = now;
      const goes = owed < 1 || (run ? this.train(owed) : this.walk(owed));
      if (run && owed > 20) owed = 0;
      else owed %= 1;
      if (goes && this.frame) this.frame = requestAnimationFrame(next);
      else this.stop();
    };
    this.frame = requestAnimationFrame(next);
    this.store.playing = this.unit === "update" || this.unit === "epoch";
    this.update();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.store.playing = false;
    // panels that left out frames show the last state
    this.store.emit("cursor");
  }

  /** @type {(steps: number) => boolean} */
  walk(steps) {
    for (let i = 1; i <= steps; i++) if (!this.step(1)) return false;
    return true;
  }

  /** @type {(steps: number) => boolean} as many updates as were asked for and a frame has time for */
  train(steps) {
    const { store } = this;
    const end = performance.now() + FRAME;
    let goes = Boolean(store.start.optimizer);
    store.cursor = Infinity;
    const wanted = steps * (this.unit === "epoch" ? store.updates : 1);
    for (let i = 1; goes && i <= wanted && performance.now() < end; i++) goes = store.update();
    store.emit("run");
    if (!goes) say(stuck(store, 1));
    return goes;
  }

  // ---- what is shown ----

  update() {
    const { store, history } = this;
    this.playing.textContent = this.frame ? "Pause" : "Play";
    this.playing.setAttribute("aria-pressed", String(Boolean(this.frame)));
    Object.assign(history, { min: String(store.start.state.step), max: String(Math.max(store.reached, store.start.state.step + 1)), value: String(store.at), disabled: !store.start.optimizer });
    const item = current(store);
    const place = item ? `${STAGES[item.section]}, number ${shownCount(store)} of ${sequence(store).items.length}` : "whole step";
    this.where.textContent = `Update ${store.at}${store.updates > 1 ? ` (epoch ${Math.floor((store.at - store.start.state.step) / store.updates)})` : ""} · C = ${isLossHidden(store) ? "?" : numberText(store, store.record.loss)} · ${place}`;
    history.setAttribute("aria-valuetext", `update ${store.at}`);
    batchChoices(store, this.batch);
  }
}

/** @type {(store: Store, ref: import("./store.mjs").Ref) => void} the picture and the arithmetic follow the steps */
function follow(store, ref) {
  const sampled = ref.index.length === 2 && !/^d?[Wb](_new)?$/.test(ref.name) && !store.step.arrays[ref.scope];
  if (sampled) store.view.sample = ref.index[0];
  store.select(ref);
}

/** @type {(store: Store, way: number) => string} why there is no further step */
function stuck(store, way) {
  if (way < 0) return "This is the start of the run.";
  return store.start.optimizer ? "The numbers are no longer finite; the run ends here." : "There is no optimizer, so no update; choose one in the panel Network.";
}

/** @type {(store: Store, element: HTMLElement) => void} */
function batchChoices(store, element) {
  const n = store.start.data.x.length;
  element.hidden = n < 2;
  const control = /** @type {HTMLSelectElement} */ (element.querySelector("select"));
  const own = store.batchSize;
  const sizes = ["all", ...[...new Set([1, 2, 4, 8, 16, 32, 64, 128, own ?? 1])].filter((size) => size < n || size === own).sort((a, b) => a - b).map(String)];
  if (sizes.join() !== [...control.options].map((o) => o.value).join()) control.replaceChildren(...sizes.map((size) => h("option", { value: size }, size)));
  control.value = String(store.batchSize ?? "all");
}
