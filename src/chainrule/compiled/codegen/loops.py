"""Loops around elementwise formulas: an activation's, a loss's, an optimizer's rule.

The formulas are the reference engine's functions, translated. ``elementwise_kernels`` compiles the
loops and returns their addresses. Arrays are passed as pointers, each row of a matrix begins
`stride` entries after the one before it, and `k` holds constants.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numba
import numpy as np
from numba import types
from numba.np.unsafe import ndarray

from chainrule.compiled.cache.building import REORDERED, build, njit
from chainrule.compiled.cache.machine_code import Built
from chainrule.compiled.codegen.links import exponential, logarithm
from chainrule.compiled.codegen.translation import translate, translate_slope

Function: TypeAlias = Callable[..., Any]

carray: Any = vars(numba)["carray"]
to_fixed_tuple: Any = ndarray.to_fixed_tuple

# For rules: x / c may become x · (1/c), so that an update divides once instead of for every entry.
# This can change the last digit; NaN and infinity are preserved.
RECIPROCALS: Any = {
    "error_model": "numpy",
    "fastmath": {"contract", "arcp"},
    "forceinline": True,
}


def built(loop: Callable[..., Any], dtype: Any, shape: str) -> Built:
    """Build a loop; `shape` has p for a pointer, d for one to doubles, n for an integer."""
    number = types.CPointer(numba.from_dtype(np.dtype(dtype)))
    kinds = {"p": number, "d": types.CPointer(types.float64), "n": types.uint64}
    return build(loop, types.void(*[kinds[letter] for letter in shape]), fastmath=REORDERED)


# ---- activations --------------------------------------------------------------------------------


def built_activate(dtype: Any, count: int, f: Function) -> Built:
    """Build the forward loop of an activation."""
    return built(activate_loop(translate(f, dtype).compiled, count), dtype, "pppnnnd")


def activate_loop(f: Any, count: int) -> Callable[..., None]:
    """Return z += b, a = f(z) over rows."""

    def activate(z: Any, a: Any, b: Any, rows: Any, cols: Any, stride: Any, k: Any) -> None:
        size = rows * stride
        zs, out, bias = carray(z, size), carray(a, size), carray(b, cols)
        constants = to_fixed_tuple(carray(k, count), count)
        for r in range(rows):
            start = r * stride
            for c in range(cols):
                zs[start + c] += bias[c]
                out[start + c] = f(zs[start + c], *constants)

    return activate


def built_derive(dtype: Any, count: int, f: Function, df: Function | None) -> Built:
    """Build the backward loop of an activation; without a derivative, from the function's text."""
    if df is None:
        slope = slope_only(translate_slope(f, dtype).compiled)
    else:
        slope = translate(df, dtype).compiled
    return built(derive_loop(slope, count), dtype, "ppppnnnd")


def derive_loop(df: Any, count: int) -> Callable[..., None]:
    """Return da -> delta = da df(z, a) over rows, and their sum db."""

    def derive(da: Any, z: Any, a: Any, db: Any, rows: Any, cols: Any, stride: Any, k: Any) -> None:
        size = rows * stride
        delta, zs, out, sums = carray(da, size), carray(z, size), carray(a, size), carray(db, cols)
        constants = to_fixed_tuple(carray(k, count), count)
        for r in range(rows):
            start = r * stride
            for c in range(cols):
                slope = df(zs[start + c], out[start + c], *constants)
                delta[start + c] *= slope
                sums[c] += delta[start + c]

    return derive


def slope_only(slope: Any) -> Any:
    """Return df(z, a) from a slope that does not use a."""
    return njit(lambda z, _: slope(z), fastmath=False, error_model="numpy")


# ---- losses -------------------------------------------------------------------------------------
# An entry's weight is its row's times its column's, so samples can be rows or columns.


def built_terms(dtype: Any, count: int, f: Function, df: Function | None) -> Built:
    """Build the loop of an elementwise loss."""
    slope = translate_slope(f, dtype) if df is None else translate(df, dtype)
    loop = terms_loop(translate(f, dtype).compiled, slope.compiled, count)
    return built(loop, dtype, "pppppdnnd")


def terms_loop(f: Any, df: Any, count: int) -> Callable[..., None]:
    """Return do = weight df(o, t) over rows and columns; `total` grows by the weighted terms."""

    def terms(
        o: Any,
        t: Any,
        do: Any,
        row_weight: Any,
        col_weight: Any,
        total: Any,
        rows: Any,
        cols: Any,
        k: Any,
    ) -> None:
        size = rows * cols
        raw, ts, out = carray(o, size), carray(t, size), carray(do, size)
        rw, cw, sums = carray(row_weight, rows), carray(col_weight, cols), carray(total, 1)
        constants = to_fixed_tuple(carray(k, count), count)
        for r in range(rows):
            start = r * cols
            row = rw.dtype.type(0)
            for c in range(cols):
                weight = rw[r] * cw[c]
                row += weight * f(raw[start + c], ts[start + c], *constants)
                out[start + c] = weight * df(raw[start + c], ts[start + c], *constants)
            sums[0] += row

    return terms


@njit(fastmath=False, error_model="numpy")
def larger(x: Any, y: Any) -> Any:
    """Return the larger number; NaN is ignored here, and appears when it is subtracted later."""
    return x if x > y else y  # noqa: FURB136 (max treats NaN differently)


def exponentials_of(exp: Any) -> Any:
    """Return e^(o − the largest) of one sample's outputs into `out`, their sum, and the largest."""

    def exponentials(raw: Any, out: Any, start: Any, step: Any, outputs: Any) -> tuple[Any, Any]:
        largest, whole = raw[start], out.dtype.type(0)
        for c in range(outputs):
            largest = larger(raw[start + c * step], largest)
        for c in range(outputs):
            e = exp(raw[start + c * step] - largest)
            out[start + c * step] = e
            whole += e
        return whole, largest

    return njit(error_model="numpy", fastmath=REORDERED)(exponentials)


def built_softmax(dtype: Any, squared: bool, by_rows: bool) -> Built:  # noqa: FBT001 (of a key)
    """Build the loop of a loss of softmax; a sample is a row or a column."""
    exp, log = translate(exponential, dtype).compiled, translate(logarithm, dtype).compiled
    return built(softmax_loop(exp, log, squared=squared, by_rows=by_rows), dtype, "pppppdnnd")


def softmax_loop(exp: Any, log: Any, *, squared: bool, by_rows: bool) -> Callable[..., None]:
    """Return do and the loss for a softmax over the outputs of a sample, a row or a column."""
    exponentials = exponentials_of(exp)

    def terms(
        o: Any,
        t: Any,
        do: Any,
        row_weight: Any,
        col_weight: Any,
        total: Any,
        rows: Any,
        cols: Any,
        k: Any,
    ) -> None:
        size = rows * cols
        raw, ts, out = carray(o, size), carray(t, size), carray(do, size)
        rw, cw, sums = carray(row_weight, rows), carray(col_weight, cols), carray(total, 1)
        samples, outputs = (rows, cols) if by_rows else (cols, rows)
        step, skip = (numba.uint64(1), cols) if by_rows else (cols, numba.uint64(1))
        zero, half = rw.dtype.type(0), rw.dtype.type(0.5)
        for i in range(samples):
            weight = rw[i] * cw[0] if by_rows else rw[0] * cw[i]
            start = i * skip
            whole, largest = exponentials(raw, out, start, step, outputs)
            row, along, logarithm = zero, zero, log(whole)
            for c in range(outputs):
                at = start + c * step
                p = out[at] / whole + zero * raw[at]  # NaN and infinity show
                r = p - ts[at]
                term = half * r * r if squared else ts[at] * (logarithm - (raw[at] - largest))
                out[at] = p if squared else weight * r
                along += r * p
                row += term
            if squared:
                for c in range(outputs):
                    at = start + c * step
                    out[at] = weight * out[at] * (out[at] - ts[at] - along)
            sums[0] += weight * row

    return terms


def built_softmax_link(dtype: Any) -> Built:
    """Build the loop of softmax, the link."""
    return built(softmax_link(translate(exponential, dtype).compiled), dtype, "pppnnnd")


def softmax_link(exp: Any) -> Callable[..., None]:
    """Return p = softmax(o) over rows, with the parameters of an activation's loop."""
    exponentials = exponentials_of(exp)

    def link(o: Any, p: Any, b: Any, rows: Any, cols: Any, stride: Any, k: Any) -> None:
        raw, out = carray(o, rows * cols), carray(p, rows * cols)
        for r in range(rows):
            start = r * cols
            whole, _ = exponentials(raw, out, start, numba.uint64(1), cols)
            for at in range(start, start + cols):
                out[at] = out[at] / whole + out.dtype.type(0) * raw[at]  # NaN and infinity show

    return link


# ---- optimizers ---------------------------------------------------------------------------------


def built_update(dtype: Any, count: int, slots: int, rule: Function) -> Built:
    """Build the loop of a rule."""
    formula = njit(**RECIPROCALS)(translate(rule, dtype).compiled.py_func)
    make = (stateless_loop, one_slot_loop, two_slots_loop)[slots]
    return built(make(formula, count), dtype, "ppppnd")


def stateless_loop(rule: Any, count: int) -> Callable[..., None]:
    """Return w -> w_new of a rule without slots."""

    def update(w: Any, g: Any, s: Any, s2: Any, size: Any, k: Any) -> None:
        ws, gs = carray(w, size), carray(g, size)
        constants = to_fixed_tuple(carray(k, count), count)
        for i in range(size):
            ws[i] = rule(ws[i], gs[i], *constants)[0]

    return update


def one_slot_loop(rule: Any, count: int) -> Callable[..., None]:
    """Return w, s -> w_new, s_new."""

    def update(w: Any, g: Any, s: Any, s2: Any, size: Any, k: Any) -> None:
        ws, gs, slot = carray(w, size), carray(g, size), carray(s, size)
        constants = to_fixed_tuple(carray(k, count), count)
        for i in range(size):
            ws[i], slot[i] = rule(ws[i], gs[i], slot[i], *constants)

    return update


def two_slots_loop(rule: Any, count: int) -> Callable[..., None]:
    """Return w, s, s2 -> w_new, s_new, s2_new."""

    def update(w: Any, g: Any, s: Any, s2: Any, size: Any, k: Any) -> None:
        ws, gs, slot, slot2 = carray(w, size), carray(g, size), carray(s, size), carray(s2, size)
        constants = to_fixed_tuple(carray(k, count), count)
        for i in range(size):
            ws[i], slot[i], slot2[i] = rule(ws[i], gs[i], slot[i], slot2[i], *constants)

    return update
