/** Where the units, weights and targets of a small network stand in its picture. */

import { widths } from "./network.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {{kind: string, caption: string, x: number, ys: number[]}} Column */
/** @typedef {{columns: Column[], width: number, height: number, radius: number, full: boolean, shares: number[]}} Layout full: with every number written */

const [MOST_UNITS, MOST_LINES, MOST_LABELS, FULL_UNITS] = [16, 300, 9, 4];
const [HEAD, MOST_LAYERS] = [30, 4];

/** @type {(store: Store) => number[]} of inputs, layers and targets */
function sizes({ tables, start }) {
  const wide = widths(tables, start.network);
  return [...wide, wide[wide.length - 1]];
}

/** @type {(store: Store) => boolean} whether the network is drawn with lines, not with heat maps */
export function isSmall(store) {
  const wide = sizes(store);
  return Math.max(...wide) <= MOST_UNITS && Math.max(...wide.slice(1).map((n, i) => n * wide[i])) <= MOST_LINES;
}

/** @type {(store: Store) => Layout} */
export function layout(store) {
  const { layers } = store.start.network;
  const wide = sizes(store);
  const most = Math.max(...wide);
  const dense = layers.map((/** @type {any} */ l) => l.kind === "dense");
  const pairs = wide.slice(0, layers.length).map((n, i) => (dense[i] ? [n, wide[i + 1]] : [1, 1]));
  const full = most <= FULL_UNITS && layers.length <= MOST_LAYERS && pairs.every(([a, b]) => a * b <= MOST_LABELS);
  const radius = full ? 31 : 25;
  const slots = Math.max(...pairs.map(([a, b]) => 2 * Math.min(a, b) - 1));
  const spacing = full ? Math.max(160, 52 * slots) : most > 10 ? 53 : 60;
  const xs = [radius + 34];
  for (let i = 1; i < wide.length; i++) xs.push(xs[i - 1] + (full && dense[i - 1] ? distance(pairs[i - 1], radius) : full || dense[i - 1] ? 150 : 105));
  const captions = ["inputs", ...layers.map(caption(store.tables)), "targets"];
  const columns = wide.map((n, i) => ({
    kind: ["input", ...layers.map((/** @type {any} */ l) => l.kind), "target"][i],
    caption: captions[i],
    x: xs[i],
    ys: Array.from({ length: n }, (_, k) => HEAD + (most > 1 || !full ? spacing / 2 : 75) + spacing * (k + (most - n) / 2)),
  }));
  return { columns, radius, full, width: xs[xs.length - 1] + radius + 34, height: HEAD + spacing * most + 8, shares: pairs.map(share) };
}

/** @type {(tables: any) => (layer: any, place: number, all: any[]) => string} */
const caption = (tables) => (layer, place, all) => {
  const word = place === all.length - 1 ? "outputs" : layer.kind === "dense" ? `layer ${all.slice(0, place + 1).filter((l) => l.kind === "dense").length}` : layer.kind;
  const { name = "" } = layer.activation ?? {};
  return name ? `${word}: ${tables.summary.words[name] ?? name}` : word;
};

/** @type {(pair: number[]) => number} where labels stand on lines between two columns, so that they are at equal distances */
function share([one, other]) {
  const n = Math.min(one, other);
  const part = n === 1 ? 0.5 : (n - 1) / (2 * n - 1);
  return other <= one ? part : 1 - part;
}

/** @type {(pair: number[], radius: number) => number} */
const distance = (pair, radius) => Math.max(210, (radius + 52) / Math.min(share(pair), 1 - share(pair)));
