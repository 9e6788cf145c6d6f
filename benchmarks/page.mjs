/**
 * Times the live page's evaluator in node: training steps a second of XOR and of 784-128-10.
 * Standard input: the tables as JSON. `python -m benchmarks.page` runs it.
 */

import { readFileSync } from "node:fs";
import { generator, initialize } from "../src/chainrule/explorer/page/network.mjs";
import { Store } from "../src/chainrule/explorer/page/store.mjs";
import { wire } from "../src/chainrule/explorer/page/wire.mjs";

const tables = JSON.parse(readFileSync(0, "utf8"));

/** @type {(units: number, activation: string) => any} */
const dense = (units, name) => ({ kind: "dense", units, activation: { name, constants: {} }, bias: true, trainable: true });

function model(inputs, layers, loss, optimizer, n) {
  const random = generator(1);
  const outputs = layers[layers.length - 1].units;
  const network = { inputs, layers, loss: { name: loss, constants: {} }, penalty: { l1: 0, l2: 0, alpha: 0 } };
  const x = Array.from({ length: n }, () => Array.from({ length: inputs }, random));
  const t = x.map((_, i) => Array.from({ length: outputs }, (_, j) => +(i % outputs === j)));
  const rule = { name: optimizer, constants: tables.optimizers[optimizer].constants, learning_rate: 0.1, clip: null };
  const theta = [...initialize(tables, network, 1)];
  return { network, theta, data: { x, t, weight: null }, optimizer: rule, state: { step: 0, slots: [], seed: 1 } };
}

/** @type {(run: () => void) => number} how often a second something runs, for about two seconds */
function rate(run) {
  for (let i = 0; i < 3; i++) run();
  const start = performance.now();
  let done = 0;
  for (; performance.now() - start < 2000; done++) run();
  return (1000 * done) / (performance.now() - start);
}

const large = model(784, [dense(128, "relu"), dense(10, "identity")], "softmax-cross-entropy", "sgd", 32);
const adam = { ...large, optimizer: { ...large.optimizer, name: "adam", constants: tables.optimizers.adam.constants } };
const xor = model(2, [dense(2, "tanh"), dense(1, "logistic")], "squared-error", "sgd", 4);
const stores = { "784-128-10, batch 32, sgd": large, "784-128-10, batch 32, adam": adam, "2-2-1, batch 4, sgd": xor };
console.log(`784-128-10, batch 32, forward and backward: ${rate(() => wire(tables, large).gradient).toFixed(1)} a second`);
for (const [name, one] of Object.entries(stores)) {
  const store = new Store(tables, one);
  console.log(`${name}, updates with their records: ${rate(() => store.update()).toFixed(1)} a second`);
}
