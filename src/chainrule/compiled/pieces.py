"""Formulas as compiled loops: an activation, a loss, an optimiser's rule, each behind an address.

The engine's kernels are compiled once for a precision and call these by address, so a new
activation compiles in a moment. The formulas are the reference's own functions; none stands here.

Addresses of arrays come as pointers; rows lie `stride` entries apart; `k` holds constants.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numba.np.unsafe import ndarray

from chainrule.activations import Activation, identity, logistic
from chainrule.compiled.cache import REORDERED, compile_address
from chainrule.compiled.translation import Translation, translate, translate_slope
from chainrule.elementwise import exp, log
from chainrule.losses import CustomLoss, Loss, SoftmaxCrossEntropy, SoftmaxSquaredError
from chainrule.optimizers import Optimizer

Dtype = type[np.floating[Any]]

carray: Any = vars(numba)["carray"]
to_fixed_tuple: Any = ndarray.to_fixed_tuple

# For rules: x / c may become x · (1/c), so that what an update divides every entry by is divided by
# once. It moves a last digit; NaN and infinity stay what they are.
RECIPROCALS: Any = {
    "error_model": "numpy", "fastmath": {"contract", "arcp"}, "forceinline": True,
}  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """Compiled loops by address, and what keeps them alive.

    Attributes
    ----------
    addresses : tuple of int
    owners : tuple
        Numba's objects.
    """

    addresses: tuple[int, ...]
    owners: tuple[Any, ...]


def compiled(loop: Callable[..., Any], dtype: Dtype, shape: str, key: str | None) -> Any:
    """Compile a loop; `shape` has p for a pointer, d for one to doubles, n for a whole number."""
    number = types.CPointer(numba.from_dtype(np.dtype(dtype)))
    kinds = {"p": number, "d": types.CPointer(types.float64), "n": types.uint64}
    signature = types.void(*[kinds[letter] for letter in shape])
    return compile_address(loop, signature, key, fastmath=REORDERED)


# ---- activations --------------------------------------------------------------------------------


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
    """Return df(z, a) of a slope that needs no a."""
    return numba.njit(lambda z, _: slope(z), fastmath=False, error_model="numpy")


@cache
def activation_piece(f: Activation, dtype: Dtype) -> Piece:
    """Return the loops of an activation: forward, backward.

    Raises
    ------
    InputError
        If it has no text, or calls what the vocabulary has not.
    """
    count = len(f.constants)
    forward = translate(f.f, dtype)
    if f.df is None:
        slope = translate_slope(f.f, dtype)
        backward, key = slope_only(slope.compiled), slope.key
    else:
        df = translate(f.df, dtype)
        backward, key = df.compiled, df.key
    loops = (
        compiled(activate_loop(forward.compiled, count), dtype, "pppnnnd", forward.key),
        compiled(derive_loop(backward, count), dtype, "ppppnnnd", key),
    )
    return Piece(tuple(loop.address for loop in loops), loops)


# ---- losses -------------------------------------------------------------------------------------
# The weight of an entry is its row's times its column's, so that samples may lie either way.


def terms_loop(f: Any, df: Any, count: int) -> Callable[..., None]:
    """Return do = weight df(o, t) over rows and columns; `total` grows by the weighted terms."""

    def terms(
        o: Any, t: Any, do: Any, row_weight: Any, col_weight: Any, total: Any,
        rows: Any, cols: Any, k: Any,
    ) -> None:  # fmt: skip
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


@numba.njit(fastmath=False, error_model="numpy")
def larger(x: Any, y: Any) -> Any:
    """Return the larger number; NaN never wins, and shows in what is subtracted from it."""
    return x if x > y else y  # noqa: FURB136 (max has its own ways with NaN)


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

    return numba.njit(error_model="numpy", fastmath=REORDERED)(exponentials)


def softmax_loop(exp: Any, log: Any, *, squared: bool, by_rows: bool) -> Callable[..., None]:
    """Return the same for a softmax over the outputs of a sample, which is a row or a column."""
    exponentials = exponentials_of(exp)

    def terms(
        o: Any, t: Any, do: Any, row_weight: Any, col_weight: Any, total: Any,
        rows: Any, cols: Any, k: Any,
    ) -> None:  # fmt: skip
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


def exponential(x: Any) -> Any:
    """Return e^x, as a text to translate."""
    return exp(x)


def logarithm(x: Any) -> Any:
    """Return log x, as a text to translate."""
    return log(x)


@cache
def loss_piece(loss: Loss, dtype: Dtype) -> Piece:
    """Return the loops of a loss: samples as rows, samples as columns.

    Raises
    ------
    InputError
        If it has no text, or calls what the vocabulary has not.
    """
    shape = "pppppdnnd"
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        parts = translate(exponential, dtype), translate(logarithm, dtype)
        squared = isinstance(loss, SoftmaxSquaredError)
        loops = [
            compiled(
                softmax_loop(*(part.compiled for part in parts), squared=squared, by_rows=by_rows),
                dtype, shape, f"{parts[0].key}{parts[1].key}{squared}{by_rows}",
            )
            for by_rows in (True, False)
        ]  # fmt: skip
        return Piece((loops[0].address, loops[1].address), tuple(loops))
    f, df = parts_of(loss, dtype)
    loop = terms_loop(f.compiled, df.compiled, len(loss.constants))
    one = compiled(loop, dtype, shape, joined(f.key, df.key))
    return Piece((one.address, one.address), (one,))


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


# The links of losses, by their equation of p.
LINKS: dict[str, Callable[..., Any]] = {
    "o": identity, "exp(o)": exponential, "logistic(o)": logistic,
}  # fmt: skip


@cache
def link_piece(loss: Loss, dtype: Dtype) -> Piece:
    """Return the loop of a loss's link, with the parameters of an activation's."""
    shape = "pppnnnd"
    if isinstance(loss, SoftmaxCrossEntropy | SoftmaxSquaredError):
        part = translate(exponential, dtype)
        loop = compiled(softmax_link(part.compiled), dtype, shape, part.key)
    else:
        part = translate(LINKS[loss.link["p"]], dtype)
        loop = compiled(activate_loop(part.compiled, 0), dtype, shape, part.key)
    return Piece((loop.address,), (loop,))


def parts_of(loss: Loss, dtype: Dtype) -> tuple[Translation, Translation]:
    """Return the term and its slope by o, translated."""
    if not isinstance(loss, CustomLoss):
        return translate(loss.f, dtype), translate(loss.df, dtype)
    slope = (
        translate_slope(loss.term, dtype) if loss.dterm is None else translate(loss.dterm, dtype)
    )
    return translate(loss.term, dtype), slope


def joined(*keys: str | None) -> str | None:
    """Return the key of several parts, None where one has none."""
    return None if None in keys else "".join(str(key) for key in keys)


# ---- optimisers ---------------------------------------------------------------------------------


def stateless_loop(rule: Any, count: int) -> Callable[..., None]:
    """Return w -> w_new of a rule that keeps nothing."""

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


@cache
def rule_piece(optimizer: type[Optimizer], dtype: Dtype) -> Piece:
    """Return the loop of an optimiser's rule."""
    count = len(optimizer().constants(1, 1.0))
    rule = translate(optimizer.rule, dtype)
    formula = numba.njit(**RECIPROCALS)(rule.compiled.py_func)
    make = (stateless_loop, one_slot_loop, two_slots_loop)[len(optimizer.slots)]
    loop = compiled(make(formula, count), dtype, "ppppnd", rule.key)
    return Piece((loop.address,), (loop,))
