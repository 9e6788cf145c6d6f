/** A limited number of entries of a long run: every n-th, a larger n the longer the run is; and those that are to be kept. */

/** @template {{step: number, kept?: boolean}} T */
export class History {
  /**
   * @param {T} first
   * @param {number} limit
   */
  constructor(first, limit) {
    this.limit = limit;
    this.spacing = 1;
    /** @type {T[]} by step */
    this.items = [first];
  }

  /** @type {(step: number, make: () => T) => void} keep what `make` returns if it is its turn, and new */
  add(step, make) {
    const first = this.items[0].step;
    if (step <= this.items[this.items.length - 1].step || (step - first) % this.spacing) return;
    this.items.push(make());
    if (this.items.length <= this.limit) return;
    this.spacing *= 2;
    this.items = this.items.filter((item) => item.kept || (item.step - first) % this.spacing === 0);
  }
}
