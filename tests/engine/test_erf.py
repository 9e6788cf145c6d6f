"""The error functions compared with mpmath, over every binade of both precisions."""

import importlib.util
import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import mpmath
import numpy as np
import pytest

from chainrule import elementwise
from chainrule.elementwise import erf, erfc

Function: TypeAlias = Callable[[Any], Any]

SCRIPT = Path(__file__).parents[2] / "tools" / "fit_erf.py"

REAL = [np.float32, np.float64]
COMPLEX = [np.complex64, np.complex128]
EXACT: dict[Function, Function] = {erf: mpmath.erf, erfc: mpmath.erfc}
LIMIT: dict[Function, int] = {erf: 2, erfc: 4}  # in units in the last place

both_functions = pytest.mark.parametrize("function", [erf, erfc])
real_dtypes = pytest.mark.parametrize("dtype", REAL)
complex_dtypes = pytest.mark.parametrize("dtype", COMPLEX)


@pytest.fixture(autouse=True)
def raise_all_errors_but_underflow() -> Iterator[None]:
    with np.errstate(all="raise", under="ignore"):
        yield


def ulps(function: Function, x: np.ndarray) -> float:
    """Return the largest error of function(x), in units in the last place of the result."""
    values = function(x)
    assert values.dtype == x.dtype
    assert values.shape == x.shape
    with mpmath.workdps(30):
        return max(map(error, [EXACT[function]] * x.size, x, values))


def error(exact: Function, x: np.floating, value: np.floating) -> float:
    """Return the error of one value; x is limited to 30, beyond which the value is constant."""
    truth = exact(mpmath.mpf(min(max(float(x), -30.0), 30.0)))
    unit = np.spacing(abs(x.dtype.type(float(truth))))
    return float(abs(float(value) - truth) / mpmath.mpf(float(unit)))


def neighbors(points: Sequence[float], dtype: type[np.floating], reach: int = 4) -> np.ndarray:
    """Return the points, the numbers next to them, and the negatives of all."""
    below = above = np.array(points, dtype)
    found = [below]
    for _ in range(reach):
        below, above = np.nextafter(below, dtype(-np.inf)), np.nextafter(above, dtype(np.inf))
        found += [below, above]
    return with_negatives(np.concatenate(found))


def with_negatives(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, -x])


# ---- accuracy -----------------------------------------------------------------------------------


@both_functions
@real_dtypes
def test_every_binade(function: Function, dtype: type[np.floating]):
    info = np.finfo(dtype)
    least = info.minexp - info.nmant  # the exponent of the smallest subnormal number
    fractions = np.array([1, 1.6180339887, 2 - info.eps], dtype)
    x = [np.ldexp(fractions, exponent) for exponent in range(least, info.maxexp)]
    assert ulps(function, with_negatives(np.concatenate(x))) <= LIMIT[function]


@both_functions
@real_dtypes
def test_where_the_values_change(function: Function, dtype: type[np.floating]):
    random = np.random.default_rng(20)
    edges = [0.0, 0.25, 0.5, 0.875, 1.0, 2.0, 4.0, 8.0, 16.0, 28.5]
    x = np.concatenate([random.uniform(*ends, 400) for ends in pairwise(edges)])
    assert ulps(function, with_negatives(x.astype(dtype))) <= LIMIT[function]


@both_functions
@real_dtypes
def test_boundaries(function: Function, dtype: type[np.floating]):
    branches = [0.875, 28.0]
    rounding = [2.0**-8, 2.0**-7, 2.0**-22, 2.0**-21, 4.0, 16.0]  # of the leading half of x
    halvings = [float(mpmath.erfinv(1 - 2.0**-k)) for k in range(1, 6)]  # of erfc
    x = neighbors(branches + rounding + halvings, dtype)
    assert ulps(function, x) <= LIMIT[function]


@pytest.mark.parametrize(("dtype", "ends"), [(np.float32, (9.0, 10.1)), (np.float64, (26.5, 27.3))])
def test_underflow(dtype: type[np.floating], ends: tuple[float, float]):
    x = np.linspace(*ends, 1001, dtype=dtype)
    assert erfc(x[0]) > np.finfo(dtype).smallest_normal
    assert erfc(x[-1]) == 0
    assert ulps(erfc, x) <= LIMIT[erfc]


@real_dtypes
def test_special_values(dtype: type[np.floating]):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    np.testing.assert_array_equal(erf(x), np.array([0, 0, 1, -1, np.nan], dtype))
    np.testing.assert_array_equal(erfc(x), np.array([1, 1, 0, 2, np.nan], dtype))
    assert np.signbit(erf(x[:2])).tolist() == [False, True]
    assert not np.signbit(erfc(dtype(np.inf)))


@real_dtypes
def test_erf_is_odd(dtype: type[np.floating]):
    x = np.linspace(0, 7, 1001, dtype=dtype)
    np.testing.assert_array_equal(erf(-x), -erf(x))


# ---- types --------------------------------------------------------------------------------------


@both_functions
@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX])
def test_scalars_and_empty_arrays_keep_their_dtype(function: Function, dtype: type[np.inexact]):
    for x in np.array([-30, -0.3, 0, 0.3, 2, 30], dtype):
        assert function(x).dtype == dtype
        assert function(x) == function(np.array([x]))[0]
    empty = function(np.zeros((0, 3), dtype))
    assert (empty.shape, empty.dtype) == ((0, 3), dtype)


@both_functions
def test_python_numbers_give_double_precision(function: Function):
    assert function(0.3) == function(np.float64(0.3))
    assert function(2) == function(np.float64(2))


# ---- the complex step ---------------------------------------------------------------------------


@both_functions
@complex_dtypes
def test_complex_step(function: Function, dtype: type[np.complexfloating]):
    real = np.finfo(dtype).dtype.type
    x = neighbors([*np.linspace(0, 5, 201), 0.875], real, reach=1)
    step = real(1e-20)
    values = function(x + dtype(1j) * step)
    assert values.dtype == dtype
    sign = 1 if function is erf else -1
    slopes = np.array([sign * slope(t) for t in x.tolist()])
    eps = float(np.finfo(real).eps)
    np.testing.assert_allclose(values.real, function(x), rtol=8 * eps, atol=0)
    np.testing.assert_allclose(values.imag / float(step), slopes, rtol=8 * eps, atol=0)


def slope(x: float) -> float:
    """Return the derivative of erf."""
    with mpmath.workdps(30):
        return float(2 * mpmath.exp(-(mpmath.mpf(x) ** 2)) / mpmath.sqrt(mpmath.pi))


@both_functions
@complex_dtypes
def test_complex_step_at_large_arguments(function: Function, dtype: type[np.complexfloating]):
    most = np.finfo(dtype).max
    x = np.array([-np.inf, -most, -40, 40, most, np.inf], np.finfo(dtype).dtype)
    z = x.astype(dtype)
    z.imag = 1e-20
    np.testing.assert_array_equal(function(z).real, function(x))
    np.testing.assert_array_equal(function(z).imag, 0)


# ---- the coefficients ---------------------------------------------------------------------------


def test_coefficients_equal_the_fitted_ones():
    spec = importlib.util.spec_from_file_location("fit_erf", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.source() in inspect.getsource(elementwise)
