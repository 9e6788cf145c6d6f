"""The compiled matrix products, the package's and the BLAS's, against NumPy in double precision.

Their speed is not tested here.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from chainrule.compiled.kernels import blas, gemm
from tests.compiled.parts import from_python

OURS = gemm.forward_product, gemm.weight_product, gemm.input_product
BLAS = blas.forward_gemm, blas.weight_gemm, blas.input_gemm
KINDS: dict[str, Any] = {
    "ours": tuple(map(from_python, OURS)),
    "BLAS": tuple(map(from_python, BLAS)),
}
DTYPES = np.float32, np.float64
SAMPLES, SIZES, UNITS = (1, 2, 3, 4, 7, 64), (1, 3, 17, 64, 103, 785), (1, 2, 5, 13)
GRID = list(itertools.product(SAMPLES, SIZES, UNITS))

each_kind_and_dtype = pytest.mark.every_value(kind=KINDS, dtype=DTYPES)


class Matrix:
    """A matrix inside an array of sevens, with an offset before it and gaps after its rows."""

    def __init__(self, values, dtype, gap=3, offset=5):
        rows, columns = values.shape
        self.ld, self.offset = columns + gap, offset
        self.array = np.full(offset + rows * self.ld + 9, 7, dtype)
        self.inner = self.array[offset : offset + rows * self.ld].reshape(rows, self.ld)
        self.inner = self.inner[:, :columns]
        self.inner[:] = values

    @property
    def given(self):
        return self.array, self.offset, self.ld


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def slices(count):
    """Return slices of everything, an inner part and nothing."""
    return (0, count), (count // 3, count - count // 4), (count // 2, count // 2)


def check(result, before, area, expected, bound):
    """Compare within a bound inside the area, and exactly outside it."""
    assert np.all(np.abs(result.inner[area] - expected[area]) <= bound[area])
    result.inner[area] = 0
    before.inner[area] = 0
    np.testing.assert_array_equal(result.array, before.array)


def rounding(terms, length, dtype):
    """Return the error bound of a sum in any order: about n · eps · Σ|terms|."""
    return (length + 3) * np.finfo(dtype).eps * terms


@each_kind_and_dtype
def test_forward(kind, dtype):
    for n, d, m in GRID:
        x, w = Matrix(normal(n, d), dtype), Matrix(normal(m, d), dtype)
        x64, w64 = x.inner.astype(float), w.inner.astype(float)
        bound = rounding(abs(x64) @ abs(w64).T, d, dtype)
        for first, last in slices(m):
            z, before = (Matrix(np.full((n, m), np.nan), dtype) for _ in range(2))
            KINDS[kind][0](*x.given, *w.given, *z.given, n, d, first, last)
            check(z, before, np.s_[:, first:last], x64 @ w64.T, bound)


@each_kind_and_dtype
def test_weights(kind, dtype):
    for n, d, m in GRID:
        delta, x, W = (Matrix(normal(*s), dtype) for s in ((n, m), (n, d), (m, d)))
        delta64, x64, w64 = (each.inner.astype(float) for each in (delta, x, W))
        for (first, last), beta in zip(slices(m), (1.0, 0.5, 0.0), strict=True):
            w, before = (Matrix(W.inner, dtype) for _ in range(2))
            given = delta.given, x.given, w.given
            KINDS[kind][1](*itertools.chain(*given), n, d, first, last, dtype(-0.25), dtype(beta))
            expected = beta * w64 - 0.25 * delta64.T @ x64
            bound = rounding(abs(beta * w64) + abs(delta64).T @ abs(x64), n, dtype)
            check(w, before, np.s_[first:last], expected, bound)


@each_kind_and_dtype
def test_inputs(kind, dtype):
    for n, d, m in GRID:
        delta, w = Matrix(normal(n, m), dtype), Matrix(normal(m, d), dtype)
        delta64, w64 = delta.inner.astype(float), w.inner.astype(float)
        bound = rounding(abs(delta64) @ abs(w64), m, dtype)
        for first, last in slices(d):
            dx, before = (Matrix(np.full((n, d), np.nan), dtype) for _ in range(2))
            KINDS[kind][2](*delta.given, *w.given, *dx.given, n, m, first, last)
            check(dx, before, np.s_[:, first:last], delta64 @ w64, bound)


@each_kind_and_dtype
def test_beta_zero_ignores_the_old_values(kind, dtype):
    delta, x = Matrix(normal(5, 6), dtype), Matrix(normal(5, 41), dtype)
    w = Matrix(np.full((6, 41), np.nan), dtype)
    KINDS[kind][1](*delta.given, *x.given, *w.given, 5, 41, 0, 6, dtype(1), dtype(0))
    np.testing.assert_allclose(w.inner, delta.inner.T @ x.inner, rtol=1e-4, atol=1e-5)


@each_kind_and_dtype
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 9, 36])
def test_nan_and_infinity_propagate(kind, dtype, value, place):
    values = abs(normal(6, 37)) + 1
    values[2, place] = value
    x, w = Matrix(values, dtype), Matrix(np.ones((5, 37)), dtype)
    z, dx, W = (Matrix(np.zeros(shape), dtype) for shape in ((6, 5), (6, 37), (5, 37)))
    KINDS[kind][0](*x.given, *w.given, *z.given, 6, 37, 0, 5)
    np.testing.assert_array_equal(z.inner[2], value)
    assert np.isfinite(np.delete(z.inner, 2, axis=0)).all()
    delta = Matrix(np.ones((6, 5)), dtype)
    KINDS[kind][1](*delta.given, *x.given, *W.given, 6, 37, 0, 5, dtype(1), dtype(1))
    np.testing.assert_array_equal(W.inner[:, place], value)
    assert np.isfinite(np.delete(W.inner, place, axis=1)).all()
    KINDS[kind][2](*delta.given, *W.given, *dx.given, 6, 5, 0, 37)
    np.testing.assert_array_equal(dx.inner[:, place], value)
    assert np.isfinite(np.delete(dx.inner, place, axis=1)).all()


@each_kind_and_dtype
def test_results_do_not_depend_on_the_offset(kind, dtype):
    x, w = Matrix(normal(7, 785), dtype), Matrix(normal(13, 785), dtype)
    results = []
    for offset in (0, 1, 5):
        z = Matrix(np.zeros((7, 13)), dtype, offset=offset)
        KINDS[kind][0](*x.given, *w.given, *z.given, 7, 785, 0, 13)
        results.append(z.inner.tobytes())
    assert len(set(results)) == 1


def run(program: Path, environment=None):
    """Return what a program prints."""
    command = [sys.executable, str(program)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


OTHER_WIDTH = """
import numpy as np
from chainrule.compiled.kernels import simd

simd.BYTES, simd.REGISTERS = WIDTH, COUNT
from chainrule.compiled.kernels import gemm
from tests.compiled.parts import from_python

forward_product, input_product, weight_product = map(
    from_python, (gemm.forward_product, gemm.input_product, gemm.weight_product)
)
for n, d, m in (7, 113, 13), (3, 17, 5), (1, 1, 1), (4, 785, 8):
    x, w, delta = (np.arange(a * b) % 7 - 3.0 for a, b in ((n, d), (m, d), (n, m)))
    X, W, D = x.reshape(n, d), w.reshape(m, d), delta.reshape(n, m)
    z, dx, new = np.full(n * m, np.nan), np.full(n * d, np.nan), w.copy()
    forward_product(x, 0, d, w, 0, d, z, 0, m, n, d, 0, m)
    input_product(delta, 0, m, w, 0, d, dx, 0, d, n, m, 0, d)
    weight_product(delta, 0, m, x, 0, d, new, 0, d, n, d, 0, m, 0.5, 2.0)
    # With integers, the sums are exact in any order.
    np.testing.assert_array_equal(z.reshape(n, m), X @ W.T)
    np.testing.assert_array_equal(dx.reshape(n, d), D @ W)
    np.testing.assert_array_equal(new.reshape(m, d), 2 * W + 0.5 * D.T @ X)
"""


@pytest.mark.parametrize(
    ("width", "count"), [("16", "16"), pytest.param("64", "32", marks=pytest.mark.full_only)]
)
def test_vector_widths_of_other_processors(tmp_path: Path, width, count):
    program = tmp_path / "width.py"  # LLVM splits vectors that are too long
    program.write_text(OTHER_WIDTH.replace("WIDTH", width).replace("COUNT", count))
    root = str(Path(__file__).parents[2])
    run(program, {**os.environ, "NUMBA_OPT": "0", "PYTHONPATH": root})  # compiles faster


def test_own_products_pay_for_small_work_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gemm, "MANY_REGISTERS", False)
    assert gemm.pays(64, 784, 128)
    assert not gemm.pays(128, 784, 128)
    assert not gemm.pays(64, 784, 128, size=8)
    assert not gemm.pays(256, 8, 8)


def test_with_many_registers_own_products_pay_while_the_weights_stay_in_the_cache(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(gemm, "MANY_REGISTERS", True)
    assert gemm.pays(512, 784, 512)
    assert not gemm.pays(513, 784, 512)
    assert not gemm.pays(512, 784, 512, size=8)
    assert not gemm.pays(128, 1024, 1024)
