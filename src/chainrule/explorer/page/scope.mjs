/**
 * The names of one layer, loss or parameter array, each with a value or an equation.
 * A name is looked up in `values`, then in `equations`, then through `links` in another scope; an
 * equation is evaluated when it is first needed, and its result is kept.
 */

import { arithmetic, array, concat, elementwise, index, isReduction, matmul, reduce, scalar, transpose } from "./arrays.mjs";
import { FUNCTIONS, OPERATORS } from "./functions.mjs";

/** @typedef {import("./arrays.mjs").NDArray} NDArray */
/** @typedef {number | [string, ...any[]]} Tree an equation: see explorer/trees.py */
/** @typedef {(...values: NDArray[]) => NDArray} Operation */
/** @typedef {{arguments: string[], lets: [string, Tree][], value: Tree}} Definition a function of arguments */

export class Scope {
  /**
   * @param {string} label
   * @param {{[name: string]: Tree}} equations
   * @param {{[name: string]: NDArray}} [values]
   * @param {{[name: string]: Operation}} [functions] besides those of functions.mjs
   */
  constructor(label, equations, values = {}, functions = {}) {
    this.label = label;
    this.equations = { ...equations };
    this.values = { ...values };
    this.functions = functions;
    /** @type {{[name: string]: [Scope, string]}} */
    this.links = {};
    /** @type {{[name: string]: Scope}} */
    this.neighbors = {};
    /** @type {Map<Tree, NDArray>} */
    this.results = new Map();
    /** @type {Set<string>} the equations of this scope that are being evaluated */
    this.running = new Set();
  }

  /** @type {(name: string) => boolean} */
  has(name) {
    return name in this.values || name in this.equations || name in this.links;
  }

  /** @type {(name: string) => [Scope, string]} the scope that has a name's value or equation */
  resolve(name) {
    if (name in this.values || name in this.equations) return [this, name];
    if (!(name in this.links)) throw new Error(`${this.label} has no name ${name}`);
    const [scope, there] = this.links[name];
    return scope.resolve(there);
  }

  /** @type {(name: string) => NDArray} */
  get(name) {
    const [scope, there] = this.resolve(name);
    return there in scope.values ? scope.values[there] : scope.run(there);
  }

  /** @type {(name: string) => NDArray} the value of an equation of this scope */
  run(name) {
    if (this.running.has(name)) throw new Error(`${this.label}.${name} depends on itself`);
    this.running.add(name);
    try {
      return this.evaluate(this.equations[name]);
    } finally {
      this.running.delete(name);
    }
  }

  /** @type {(name: string) => Scope} */
  neighbor(name) {
    if (!(name in this.neighbors)) throw new Error(`${this.label} has no neighbor ${name}`);
    return this.neighbors[name];
  }

  /** @type {(tree: Tree) => NDArray} the value of an expression, which is evaluated once */
  evaluate(tree) {
    if (typeof tree === "number") return scalar(tree);
    if (tree[0] === "name") return this.get(tree[1]);
    let found = this.results.get(tree);
    if (!found) {
      found = this.compute(tree);
      this.results.set(tree, found);
    }
    return found;
  }

  /** @type {(tree: [string, ...any[]]) => NDArray} */
  compute([kind, first, second, third]) {
    if (kind === "dot") return this.neighbor(first).get(second);
    if (kind === "call") return this.call(first, second.map((/** @type {Tree} */ a) => this.evaluate(a)), third);
    const left = this.evaluate(first);
    if (kind === "neg") return elementwise((x) => -x, left);
    if (kind === "T") return transpose(left);
    if (kind === "index") return index(left, second);
    const right = this.evaluate(second);
    if (kind === "@") return matmul(left, right);
    return arithmetic(kind, left, right) ?? elementwise(OPERATORS[kind], left, right);
  }

  /** @type {(name: string, values: NDArray[], options: object) => NDArray} */
  call(name, values, options) {
    if (name in this.functions) return this.functions[name](...values);
    if (isReduction(name)) return reduce(name, values[0], options);
    if (name === "concat") return concat(...values);
    if (!(name in FUNCTIONS)) throw new Error(`${this.label} has no function ${name}`);
    return elementwise(FUNCTIONS[name], ...values);
  }
}

/**
 * An elementwise function with its constants, as equations call it.
 * @type {(definition: Definition, constants: {[name: string]: number}) => Operation}
 */
export function operation(definition, constants) {
  const known = Object.fromEntries(Object.entries(constants).map(([n, v]) => [n, scalar(v)]));
  return (...values) => {
    const scope = new Scope("function", Object.fromEntries(definition.lets), known);
    definition.arguments.slice(0, values.length).forEach((name, i) => {
      scope.values[name] = values[i];
    });
    const found = scope.evaluate(definition.value);
    // a constant result, such as where(z > 0, 1, slope), has the shape of z
    return found.s.length ? found : elementwise((x) => x, array(values[0].s, new Float64Array(values[0].d.length).fill(found.d[0])));
  };
}
