/**
 * Arrays of numbers with a shape, and the operations that equations are made of.
 * Shapes broadcast as in NumPy. An operation returns a new array and changes none.
 */

/** @typedef {{s: number[], d: Float64Array}} NDArray a shape and the numbers, row by row */
/** @typedef {number | null | [number | null, number | null]} Part a part of an index */
/** @typedef {{axis?: number | null, keepdims?: boolean}} Axis */

/** @type {(shape: number[]) => number} */
export const size = (shape) => shape.reduce((product, n) => product * n, 1);

/** @type {(shape: number[], data: ArrayLike<number>) => NDArray} */
export const array = (shape, data) => ({
  s: shape,
  d: data instanceof Float64Array ? data : Float64Array.from(data),
});

/** @type {(value: number) => NDArray} */
export const scalar = (value) => array([], [value]);

/** @type {(rows: number[][]) => NDArray} (n, k) from rows of k numbers */
export function fromRows(rows) {
  const k = rows[0]?.length ?? 0;
  const data = new Float64Array(rows.length * k);
  rows.forEach((row, i) => data.set(row, i * k));
  return array([rows.length, k], data);
}

/** @type {(a: NDArray) => number[][]} */
export const toRows = (a) => {
  const [n, k] = a.s;
  return Array.from({ length: n }, (_, i) => [...a.d.subarray(i * k, (i + 1) * k)]);
};

/** @type {(a: NDArray, index: number[]) => number} the number at an index */
export const entry = (a, index) => a.d[position(a.s, index)];

/** @type {(shape: number[], index: number[]) => number} where a number stands in the data */
export const position = (shape, index) => shape.reduce((sum, n, k) => sum * n + index[k], 0);

/** @type {(shape: number[]) => number[][]} every index of a shape, row by row */
export const indices = (shape) =>
  shape.reduce(
    (/** @type {number[][]} */ all, n) =>
      all.flatMap((index) => Array.from({ length: n }, (_, i) => [...index, i])),
    [[]],
  );

// ---- elementwise ----

/** @type {(a: number[], b: number[]) => number[]} the shape that two shapes broadcast to */
function broadcast(a, b) {
  if (a.length === b.length && a.every((n, k) => n === b[k])) return a;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, k) => {
    const m = a[k - rank + a.length] ?? 1;
    const n = b[k - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) throw new Error(`shapes (${a}) and (${b}) do not fit`);
    return m === 1 ? n : m;
  });
}

/** @type {(shape: number[], to: number[]) => number[]} how far one step on each axis leads */
function strides(shape, to) {
  const result = new Array(to.length).fill(0);
  let step = 1;
  for (let k = shape.length - 1; k >= 0; k--) {
    result[to.length - shape.length + k] = shape[k] === 1 ? 0 : step;
    step *= shape[k];
  }
  return result;
}

/** @type {(a: NDArray, shape: number[]) => Float64Array} the numbers of an array, broadcast */
function spread(a, shape) {
  const total = size(shape);
  if (a.d.length === total) return a.d;
  if (a.d.length === 1) return new Float64Array(total).fill(a.d[0]);
  const result = new Float64Array(total);
  const step = strides(a.s, shape);
  const last = shape.length - 1;
  const columns = shape[last];
  for (let row = 0; row * columns < total; row++) {
    let from = 0;
    for (let k = last - 1, rest = row; k >= 0; k--) {
      from += (rest % shape[k]) * step[k];
      rest = Math.floor(rest / shape[k]);
    }
    for (let j = 0; j < columns; j++) result[row * columns + j] = a.d[from + j * step[last]];
  }
  return result;
}

/**
 * Apply a function of numbers to each entry of arrays that broadcast.
 * @type {(f: (...numbers: number[]) => number, ...arrays: NDArray[]) => NDArray}
 */
export function elementwise(f, ...arrays) {
  const shape = arrays.map((one) => one.s).reduce(broadcast);
  const [a, b, c] = arrays.map((one) => spread(one, shape));
  const result = new Float64Array(size(shape));
  if (c) for (let i = 0; i < result.length; i++) result[i] = f(a[i], b[i], c[i]);
  else if (b) for (let i = 0; i < result.length; i++) result[i] = f(a[i], b[i]);
  else for (let i = 0; i < result.length; i++) result[i] = f(a[i]);
  return array(shape, result);
}

/**
 * The same for the operators that most equations consist of, without a call for each entry; null for others.
 * @type {(symbol: string, a: NDArray, b: NDArray) => NDArray | null}
 */
export function arithmetic(symbol, a, b) {
  if (!"+-*/".includes(symbol)) return null;
  const shape = broadcast(a.s, b.s);
  const [x, y, result] = [spread(a, shape), spread(b, shape), new Float64Array(size(shape))];
  const n = result.length;
  if (symbol === "+") for (let i = 0; i < n; i++) result[i] = x[i] + y[i];
  else if (symbol === "-") for (let i = 0; i < n; i++) result[i] = x[i] - y[i];
  else if (symbol === "*") for (let i = 0; i < n; i++) result[i] = x[i] * y[i];
  else for (let i = 0; i < n; i++) result[i] = x[i] / y[i];
  return array(shape, result);
}

/** @type {(a: NDArray, shape: number[]) => NDArray} */
export function broadcastTo(a, shape) {
  if (broadcast(a.s, shape).join() !== shape.join()) throw new Error(`shape (${a.s}) does not fit (${shape})`);
  return array(shape, spread(a, shape));
}

// ---- matrices ----

/** @type {(a: NDArray, b: NDArray) => NDArray} (n, k) @ (k, m) -> (n, m); a vector is one row on the left, one column on the right */
export function matmul(a, b) {
  if (a.s.length === 1) return array(b.s.slice(1), matmul(array([1, ...a.s], a.d), b).d);
  if (b.s.length === 1) return array(a.s.slice(0, 1), matmul(a, array([...b.s, 1], b.d)).d);
  if (a.s.length !== 2 || b.s.length !== 2 || a.s[1] !== b.s[0]) {
    throw new Error(`shapes (${a.s}) and (${b.s}) do not fit a matrix product`);
  }
  const [n, k] = a.s;
  const m = b.s[1];
  const result = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < k; p++) {
      const factor = a.d[i * k + p];
      for (let j = 0, at = i * m, from = p * m; j < m; j++) result[at + j] += factor * b.d[from + j];
    }
  }
  return array([n, m], result);
}

/** @type {(a: NDArray) => NDArray} (n, m) -> (m, n); vectors stay as they are */
export function transpose(a) {
  if (a.s.length < 2) return a;
  const [n, m] = a.s;
  const result = new Float64Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) result[j * n + i] = a.d[i * m + j];
  return array([m, n], result);
}

/** @type {(...arrays: NDArray[]) => NDArray} side by side: (n, i), (n, j), … -> (n, i + j + …) */
export function concat(...arrays) {
  const rows = arrays.map(toRows);
  return fromRows(rows[0].map((_, i) => rows.flatMap((one) => one[i])));
}

// ---- reductions ----

/** @type {{[name: string]: [(a: number, b: number) => number, number]}} */
const REDUCTIONS = {
  sum: [(a, b) => a + b, 0],
  mean: [(a, b) => a + b, 0],
  max: [(a, b) => (b > a || Number.isNaN(b) ? b : a), -Infinity],
};

/** @type {(name: string) => boolean} */
export const isReduction = (name) => name in REDUCTIONS;

/** @type {(name: string, a: NDArray, options: Axis) => NDArray} a sum, mean or maximum */
export function reduce(name, a, { axis = null, keepdims = false }) {
  const [combine, start] = REDUCTIONS[name];
  const k = axis ?? 0;
  const [before, n, after] =
    axis === null || !a.s.length
      ? [1, a.d.length, 1]
      : [size(a.s.slice(0, k)), a.s[k], size(a.s.slice(k + 1))];
  const result = new Float64Array(before * after).fill(start);
  for (let i = 0; i < before; i++) {
    for (let p = 0; p < n; p++) {
      for (let j = 0; j < after; j++) {
        result[i * after + j] = combine(result[i * after + j], a.d[(i * n + p) * after + j]);
      }
    }
  }
  if (name === "mean") for (let i = 0; i < result.length; i++) result[i] /= n;
  const others = keepdims ? a.s.map((m, i) => (i === k ? 1 : m)) : a.s.filter((_, i) => i !== k);
  return array(axis === null ? [] : others, result);
}

// ---- indices ----

/** @type {(a: NDArray, parts: Part[]) => NDArray} a[parts], as in NumPy */
export function index(a, parts) {
  /** @type {number[][]} */
  const taken = [];
  /** @type {number[]} */
  const shape = [];
  let axis = 0;
  for (const part of parts) {
    if (part === null) shape.push(1);
    else taken.push(places(part, a.s[axis++], shape));
  }
  for (; axis < a.s.length; axis++) taken.push(places([null, null], a.s[axis], shape));
  let found = [0];
  taken.forEach((own, k) => {
    found = found.flatMap((from) => own.map((i) => from * a.s[k] + i));
  });
  return array(shape, found.map((i) => a.d[i]));
}

/** @type {(part: number | [number | null, number | null], n: number, shape: number[]) => number[]} */
function places(part, n, shape) {
  const from = (/** @type {number} */ i) => (i < 0 ? i + n : i);
  if (typeof part === "number") {
    if (from(part) < 0 || from(part) >= n) throw new Error(`index ${part} is not below ${n}`);
    return [from(part)];
  }
  const [lower, upper] = [from(part[0] ?? 0), Math.min(from(part[1] ?? n), n)];
  const all = Array.from({ length: Math.max(upper - lower, 0) }, (_, i) => lower + i);
  shape.push(all.length);
  return all;
}
