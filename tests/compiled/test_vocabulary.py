"""The accuracy of the compiled vocabulary against mpmath, over every binade of both precisions.

The translation of functions is tested in test_translation.py.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeAlias

import mpmath
import numba
import numpy as np
import pytest

from chainrule import elementwise
from chainrule.activations import logistic
from chainrule.compiled.codegen import vocabulary
from chainrule.compiled.codegen.translation import translate
from tools import fit_elementary

Function: TypeAlias = Callable[..., Any]
Dtype: TypeAlias = type[np.floating]

LIMIT = 3  # in units in the last place; the documented bound is 4

EXACT: dict[Function, Function] = {
    elementwise.erf: mpmath.erf,
    elementwise.erfc: mpmath.erfc,
    elementwise.exp: mpmath.exp,
    elementwise.expm1: mpmath.expm1,
    elementwise.log: mpmath.log,
    elementwise.log1p: mpmath.log1p,
    elementwise.sqrt: mpmath.sqrt,
    elementwise.tanh: mpmath.tanh,
    logistic: lambda x: 1 / (1 + mpmath.exp(-x)),
}
LEAST: dict[Function, float] = {elementwise.log: 0, elementwise.sqrt: 0, elementwise.log1p: -1}

functions = pytest.mark.parametrize("function", EXACT, ids=[f.__name__ for f in EXACT])
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def infinities_are_meant() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


@cache
def compiled_loop(function: Function, dtype: Dtype) -> Any:
    def called(x):  # the source, which NumPy's functions lack
        return function(x)

    f = translate(called, dtype).compiled

    def loop(x, y):
        for i in range(x.size):
            y[i] = f(x[i])

    return numba.njit(loop, **vocabulary.OPTIONS)


def run(function: Function, x: np.ndarray) -> np.ndarray:
    """Return the function's values (n,) from a loop over an array (n,)."""
    y = np.empty_like(x)
    compiled_loop(function, x.dtype.type)(x, y)
    return y


# ---- points -------------------------------------------------------------------------------------


def binades(dtype: Dtype) -> np.ndarray:
    """Return a number of each binade, including subnormals, with both signs if they matter."""
    info, random = np.finfo(dtype), np.random.default_rng(3)
    every, inner = np.arange(info.minexp - info.nmant, info.maxexp), np.arange(-40, 40)
    exponents = np.concatenate([every, inner, inner])
    fractions = random.uniform(1, 2, exponents.size) * random.choice([-1, 1], exponents.size)
    return np.ldexp(fractions.astype(dtype), exponents)


def boundaries(dtype: Dtype) -> np.ndarray:
    """Return the points at which the methods change, their neighbors, and the negatives."""
    info = np.finfo(dtype)
    least, most = math.log(info.smallest_subnormal), math.log(info.max)
    odd = np.arange(1, math.ceil(-least / math.log(2)), 1 if dtype is np.float32 else 9) + 0.5
    halves = odd * math.log(2)  # between two multiples of log 2, where the nearest one changes
    edges = [least, least - math.log(2), most, math.log(info.smallest_normal), *halves, *halves / 2]
    roots = 2.0 ** np.arange(-20, 20) * math.sqrt(0.5)  # where the logarithm's exponent changes
    names = ("EXP_LEAST", "EXP_MOST", "EXPM1_LEAST", "NORMAL", "LARGE", "ERFC_LAST")
    named = [getattr(vocabulary, name).of(dtype) for name in names]
    x = np.array([*edges, *roots, *(roots - 1), *named, 0.875, 4], dtype)
    return neighbors(np.concatenate([x, -x]), reach=2)


def neighbors(x: np.ndarray, reach: int) -> np.ndarray:
    """Return numbers and their neighbors."""
    below, above, found = x, x, [x]
    for _ in range(reach):
        below, above = np.nextafter(below, -np.inf), np.nextafter(above, np.inf)
        found += [below, above]
    return np.concatenate(found).astype(x.dtype)


def where_values_change(dtype: Dtype) -> np.ndarray:
    """Return numbers near 0, near ±1, and up to the largest whose exponential is finite."""
    info, random = np.finfo(dtype), np.random.default_rng(4)
    most = math.log(info.max)
    scales = [1, 4, 12, 29, most, -most * 1.1]
    near_one = 1 + random.uniform(-1, 1, 400) * 2.0 ** -random.uniform(1, info.nmant, 400)
    spread = [random.uniform(-1, 1, 400) * scale for scale in scales]
    return np.concatenate([near_one, -near_one, *spread]).astype(dtype)


# ---- accuracy -----------------------------------------------------------------------------------


@pytest.mark.every_value(
    points=[binades, boundaries, where_values_change],
    function=EXACT,
    dtype=[np.float32, np.float64],
)
def test_accuracy(points: Callable[[Dtype], np.ndarray], function: Function, dtype: Dtype):
    x = points(dtype)
    x = x[x > LEAST.get(function, -math.inf)]
    y = run(function, x)
    with mpmath.workprec(120):
        errors = [error(EXACT[function], *pair) for pair in zip(x, y, strict=True)]
    worst = int(np.argmax(errors))
    print(f"{errors[worst]:.3g} ulp at {x[worst]!r}")
    assert errors[worst] <= LIMIT


def error(exact: Function, x: np.floating, y: np.floating) -> float:
    """Return the error of one value in units in the last place of the true one."""
    info = np.finfo(x.dtype)
    # Far from 0 the values are constant, and mpmath would need all digits, except for logarithms.
    far = exact not in {mpmath.log, mpmath.log1p, mpmath.sqrt} and abs(x) > 1e4
    truth = exact(mpmath.mpf(math.copysign(1e4, x) if far else float(x)))
    if truth > mpmath.mpf(float(info.max)) * (1 + mpmath.mpf(float(info.eps)) / 4):
        return 0 if y == math.inf else math.inf
    unit = np.spacing(abs(x.dtype.type(float(truth))))
    return float(abs(mpmath.mpf(float(y)) - truth) / float(unit)) if np.isfinite(y) else math.inf


# ---- special values -----------------------------------------------------------------------------


@dtypes
@functions
def test_special_values_equal_numpys(function: Function, dtype: Dtype):
    least = np.finfo(dtype).smallest_subnormal
    # Enough of each for the vectorized part of the loop, and some for the remainder.
    x = np.tile(np.array([0, -0.0, np.inf, -np.inf, np.nan, least, -least], dtype), 11)
    actual, expected = run(function, x), function(x)
    np.testing.assert_array_equal(actual, expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(actual[number]), np.signbit(expected[number]))


@dtypes
def test_arguments_outside_the_domain(dtype: Dtype):
    x = np.array([-1, -2, np.nextafter(dtype(-1), dtype(-2)), -np.finfo(dtype).max], dtype)
    np.testing.assert_array_equal(run(elementwise.log, x), np.full(4, np.nan))
    np.testing.assert_array_equal(run(elementwise.sqrt, x), np.full(4, np.nan))
    np.testing.assert_array_equal(run(elementwise.log1p, x), [-np.inf, np.nan, np.nan, np.nan])


@dtypes
@pytest.mark.parametrize("function", [elementwise.tanh, elementwise.erf])
def test_odd_functions_are_odd(function: Function, dtype: Dtype):
    x = np.linspace(0, 9, 1001, dtype=dtype)
    np.testing.assert_array_equal(run(function, -x), -run(function, x))


# ---- machine code -------------------------------------------------------------------------------


@dtypes
@functions
def test_loops_are_vectorized_without_calls_or_tables(function: Function, dtype: Dtype):
    run(function, np.ones(9, dtype))
    (text,) = compiled_loop(function, dtype).inspect_llvm().values()
    body = re.search(r"^define .*?^}", text, re.MULTILINE | re.DOTALL)
    assert body is not None
    number, other = ("float", "double") if dtype is np.float32 else ("double", "float")
    assert re.search(rf"f(mul|div|add) .*<\d+ x {number}>|llvm\.sqrt\.v", body[0])
    assert re.search(rf"\b{other}\b|fpext|fptrunc|gather", body[0]) is None
    called = set(re.findall(r"call [^@\n]*@([\w.]+)", body[0]))
    assert {name for name in called if not re.match(r"llvm\.(sqrt|is\.fpclass)\.", name)} == set()


@dtypes
def test_the_callers_flags_do_not_affect_the_callee(dtype: Dtype):
    """Numba would pass the caller's flags to functions that are compiled at their first call."""
    magic = vocabulary.MAGIC.of(dtype)
    rounded = translate(lambda x: (x + magic) - magic, dtype).compiled

    def loop(x, y):
        for i in range(x.size):
            y[i] = rounded(x[i])

    x = np.linspace(-9, 9, 101, dtype=dtype)
    y = np.empty_like(x)
    numba.njit(loop, fastmath={"reassoc", "contract", "nsz"})(x, y)
    np.testing.assert_array_equal(y, np.rint(x))


# ---- the coefficients ---------------------------------------------------------------------------


def test_coefficients_equal_those_of_the_fit():
    assert fit_elementary.source() in inspect.getsource(vocabulary)
