// The arrays of the page: shapes, broadcasting, products and reductions.

import assert from "node:assert/strict";
import { test } from "node:test";

import { array, broadcastTo, concat, elementwise, entry, fromRows, index, matmul, reduce, scalar, toRows, transpose } from "../../src/chainrule/explorer/page/arrays.mjs";

const a = fromRows([[1, 2, 3], [4, 5, 6]]);
const add = (x, y) => x + y;

test("rows become an array and rows again", () => {
  assert.deepEqual(a.s, [2, 3]);
  assert.deepEqual(toRows(a), [[1, 2, 3], [4, 5, 6]]);
  assert.equal(entry(a, [1, 0]), 4);
});

test("a product of matrices", () => {
  assert.deepEqual(toRows(matmul(a, transpose(a))), [[14, 32], [32, 77]]);
});

test("a row, a column and a scalar are spread over a matrix", () => {
  assert.deepEqual(toRows(elementwise(add, a, array([3], [10, 20, 30]))), [[11, 22, 33], [14, 25, 36]]);
  assert.deepEqual(toRows(elementwise(add, a, fromRows([[10], [20]]))), [[11, 12, 13], [24, 25, 26]]);
  assert.deepEqual(toRows(elementwise(add, scalar(1), a)), [[2, 3, 4], [5, 6, 7]]);
  assert.deepEqual([...broadcastTo(scalar(7), [2, 2]).d], [7, 7, 7, 7]);
});

test("shapes that do not fit are refused", () => {
  assert.throws(() => elementwise(add, a, array([2], [1, 2])));
  assert.throws(() => matmul(a, a));
});

test("sums over all entries, rows and columns", () => {
  assert.equal(reduce("sum", a, {}).d[0], 21);
  assert.deepEqual([...reduce("sum", a, { axis: 0 }).d], [5, 7, 9]);
  assert.deepEqual(reduce("sum", a, { axis: 1, keepdims: true }).s, [2, 1]);
});

test("entries, slices and new axes", () => {
  assert.deepEqual([...index(a, [1]).d], [4, 5, 6]);
  assert.deepEqual(index(array([2], [1, 2]), [[null, null], null]).s, [2, 1]);
  assert.deepEqual(toRows(index(a, [[null, null], [1, null]])), [[2, 3], [5, 6]]);
  assert.deepEqual(toRows(concat(a, a)), [[1, 2, 3, 1, 2, 3], [4, 5, 6, 4, 5, 6]]);
});
