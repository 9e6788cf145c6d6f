"""Every registered elementwise function compiles to vector code and equals its array form.

Arithmetic, comparison and square root follow IEEE 754 both in NumPy and in compiled code, and
without fastmath nothing is contracted or reordered: a function of these has the same bits.
Functions such as exp and erf differ: NumPy's vector versions have errors of up to 4 ulp in float32,
our polynomials for erf and erfc, too, and the compiled ones of less than 3, mostly 1. A result may
therefore differ from NumPy's by as much as NumPy's result changes if each of these calls has an
error of ±6 ulp, plus 4 ulp of the largest term for subsequent rounding. Activations are also
compared with mpmath.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import cycle, product
from types import FunctionType
from typing import Any, TypeAlias

import mpmath
import numba
import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS, SELU_ALPHA, SELU_SCALE, Custom, leaky_relu, relu
from chainrule.compiled.codegen.translation import translate
from chainrule.compiled.codegen.vocabulary import OPTIONS, OVERLOADS
from chainrule.elementwise import VOCABULARY, exp, real, sqrt, tanh, where
from chainrule.errors import InputError
from chainrule.losses import LOSSES, huber
from chainrule.optimizers import OPTIMIZERS, Optimizer, sgd_rule
from tests.compiled.parts import from_python

Function: TypeAlias = Callable[..., Any]
Dtype: TypeAlias = type[np.floating]
Arguments: TypeAlias = tuple[Any, ...]  # arrays (n,), and constants

NOT_ELEMENTWISE = {"softmax-cross-entropy", "softmax-squared-error"}  # they depend on whole rows
NO_RULE = {"lbfgs"}  # runs in SciPy

ULPS = 6
EXACT = {"real", "sqrt", "where"}
INEXACT = [function for name, function in VOCABULARY.items() if name not in EXACT]

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def ignore_floating_point_warnings() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


# ---- the functions and their arguments ----------------------------------------------------------


def functions() -> Iterator[tuple[str, Any]]:
    """Yield the registered functions, labeled by table, name and part."""
    for name, activation in ACTIVATIONS.items():
        yield f"activation {name} f", activation.f
        yield f"activation {name} df", activation.df
    for name in LOSSES.keys() - NOT_ELEMENTWISE:
        yield f"loss {name} f", LOSSES[name].f
        yield f"loss {name} df", LOSSES[name].df
    for name in OPTIMIZERS.keys() - NO_RULE:
        yield f"optimizer {name} rule", getattr(OPTIMIZERS[name], "rule", None)


FUNCTIONS = dict(sorted(functions()))
RULES = [label for label in FUNCTIONS if label.startswith("optimizer")]


def arguments(label: str, dtype: Dtype) -> Arguments:
    """Return the arrays of one precision and the Python numbers to call a function with."""
    table, name, part = label.split()
    if table == "activation":
        z, a = numbers(dtype), ACTIVATIONS[name](numbers(dtype))
        return (z, *([a] if part == "df" else []), *ACTIVATIONS[name].constants.values())
    if table == "loss":
        o, t = shuffled(dtype, 2)
        return o, np.where(np.abs(t) < 5, np.abs(t) % 1, t), *LOSSES[name].constants.values()
    optimizer = OPTIMIZERS[name]
    assert isinstance(optimizer, Optimizer)
    w, g, decays, *slots = shuffled(dtype, 3 + len(optimizer.slots))
    return w, g, *map(np.abs, slots), *optimizer.constants(3, decays).values()


def numbers(dtype: Dtype) -> np.ndarray:
    """Return numbers of all kinds: common ones, tails, the extremes, infinities and NaN."""
    info = np.finfo(dtype)
    near = [0, info.smallest_subnormal, info.smallest_normal, info.eps, 1e-3, 0.5, 1]
    far = [18, 40, 87, 88.5, 104, 709, 746, 1e9, info.max, math.inf]
    special = np.array([*near, *far], dtype)
    common = np.linspace(-12, 12, 1001, dtype=dtype)
    return np.concatenate([special, -special, [dtype(math.nan)], common])


def shuffled(dtype: Dtype, count: int) -> Iterator[np.ndarray]:
    """Yield the numbers `count` times, each time in a different order."""
    random = np.random.default_rng(5)
    return (random.permutation(numbers(dtype)) for _ in range(count))


# ---- results of the array form and the compiled form --------------------------------------------


def results(returned: Any) -> tuple[Any, ...]:
    """Return the results of an update rule, or the one result of another function, as a tuple."""
    return returned if isinstance(returned, tuple) else (returned,)


def run_arrays(function: Function, given: Arguments) -> np.ndarray:
    """Return the results (results, n) of the array form, whose constants are Python numbers."""
    return np.array(results(function(*(x if np.ndim(x) else python_number(x) for x in given))))


def python_number(x: float | np.floating) -> float:
    return x.item() if isinstance(x, np.floating) else x


def run_compiled(function: Function, dtype: Dtype, given: Arguments) -> np.ndarray:
    """Return the results (results, n) of the compiled form, all of which must have the dtype."""
    loop, y = compiled_loop(function, dtype, given)
    loop(y, *given)
    assert returned(function, dtype) == {numba.from_dtype(np.dtype(dtype))}
    return y


def returned(function: Function, dtype: Dtype) -> set[numba.types.Type]:
    """Return the types that the compiled form has returned so far, single or in a tuple."""
    kinds = [s.return_type for s in translate(function, dtype).compiled.nopython_signatures]
    return {kind.dtype if isinstance(kind, numba.types.UniTuple) else kind for kind in kinds}


def compiled_loop(function: Function, dtype: Dtype, given: Arguments) -> tuple[Any, np.ndarray]:
    """Return a compiled loop over arrays, and an array for its results."""
    once = function(*given)
    count = len(once) if isinstance(once, tuple) else 0
    loop = cached_loop(function, dtype, tuple(np.ndim(x) > 0 for x in given), count)
    return loop, np.empty((count or 1, len(given[0])), dtype)


@cache
def cached_loop(function: Function, dtype: Dtype, arrays: tuple[bool, ...], count: int) -> Any:
    """Return a loop over arrays and constants, for a tuple of `count` results; 0 is one result."""
    targets = [f"y[{k}, i]" for k in range(count or 1)]
    names = [f"x{k}" for k in range(len(arrays))]
    items = [f"{x}[i]" if array else x for x, array in zip(names, arrays, strict=True)]
    text = (
        f"def loop(y, {', '.join(names)}):\n"
        f"    for i in range(y.shape[1]):\n"
        f"        {', '.join(targets)}{',' * bool(count)} = f({', '.join(items)})"
    )
    namespace: dict[str, Any] = {"f": translate(function, dtype).compiled}
    exec(text, namespace)  # noqa: S102  the text above
    return numba.njit(namespace["loop"], **OPTIONS)


def assert_close(actual: np.ndarray, expected: np.ndarray, allowed: np.ndarray) -> None:
    """Compare results with NumPy's, including dtype, infinities, NaN and the signs of zeros."""
    assert actual.dtype == expected.dtype
    distance = np.abs(actual - expected)
    both_nan = np.isnan(actual) & np.isnan(expected)
    same = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
    near = (distance <= allowed) & (distance > 0)
    bad = ~(both_nan | same | near)
    assert list(zip(actual[bad].tolist(), expected[bad].tolist(), strict=True)) == []
    ulps = (distance[near] / np.spacing(np.abs(expected[near]))).max(initial=0)
    share = (distance[near] / allowed[near]).max(initial=0)
    print(f"{ulps:.3g} ulp, {share:.0%} of the tolerance")


# ---- tolerances ---------------------------------------------------------------------------------


def allowance(function: Function, dtype: Dtype, given: Arguments) -> np.ndarray:
    """Return the tolerance (results, n) of a comparison with NumPy; 0 for exact functions."""

    def change(factors: Iterable[Any]) -> np.ndarray:
        moved = run_arrays(perturbed(function, dtype, cycle(factors)), given)
        return np.nan_to_num(np.abs(moved - expected), nan=0, posinf=math.inf)

    expected = run_arrays(function, given)
    error = ULPS * np.finfo(dtype).eps
    signs = product((-1, 1), repeat=4)  # for four calls; further calls repeat them
    spread = np.max([change([1 + sign * error for sign in row]) for row in signs], axis=0)
    size = np.maximum(np.abs(expected), change([0]))  # the largest term, if terms cancel
    rounding = 4 * np.spacing(size)
    return spread + rounding if spread.any() else spread


def perturbed(function: Function, dtype: Dtype, factors: Iterator[float]) -> Function:
    """Return a function whose inexact functions are multiplied by the next factors."""
    code, names = function.__code__, dict(function.__globals__)
    for name in code.co_names:
        called = names.get(name)
        if called is not None and called in INEXACT:
            names[name] = multiplied(called, dtype, factors)
        elif isinstance(called, FunctionType) and called not in OVERLOADS:
            names[name] = perturbed(called, dtype, factors)
    return FunctionType(code, names)


def multiplied(function: Function, dtype: Dtype, factors: Iterator[float]) -> Function:
    return lambda x: function(x) * dtype(next(factors))


# ---- all registered functions -------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(NOT_ELEMENTWISE))
def test_softmax_losses_are_not_elementwise(name: str):
    for function in (LOSSES[name].f, LOSSES[name].df):
        assert function is not None
        with pytest.raises(InputError, match=r"calls np\.max"):
            translate(function, np.float64)


def test_optimizers_without_a_rule():
    without = {name for name, one in OPTIMIZERS.items() if not isinstance(one, Optimizer)}
    assert without == NO_RULE


def test_exactly_the_vocabulary_is_overloaded():
    assert set(OVERLOADS) == set(VOCABULARY.values())


@pytest.mark.every_value(label=FUNCTIONS, dtype=[np.float32, np.float64])
def test_compiled_equals_array_form(label: str, dtype: Dtype):
    function, given = FUNCTIONS[label], arguments(label, dtype)
    # Constants have the kernel's dtype and no round values; k, the number of an update, is an int.
    given = tuple(dtype(0.9993 * x) if isinstance(x, float) else x for x in given)
    allowed = allowance(function, dtype, given)
    assert_close(run_compiled(function, dtype, given), run_arrays(function, given), allowed)


@pytest.mark.parametrize("label", RULES)
def test_constants_in_double_precision_do_not_widen(label: str):
    function, given = FUNCTIONS[label], arguments(label, np.float32)
    allowed = allowance(function, np.float32, given)
    assert_close(run_compiled(function, np.float32, given), run_arrays(function, given), allowed)


@dtypes
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_passes(name: str, dtype: Dtype):
    one = ACTIVATIONS[name]
    constants = map(dtype, one.constants.values())
    assert math.isnan(from_python(translate(one.f, dtype).compiled)(dtype(math.nan), *constants))


@dtypes
@pytest.mark.parametrize("name", ["logistic", "tanh"])
def test_infinity_gives_nan_instead_of_saturation(name: str, dtype: Dtype):
    f = from_python(translate(ACTIVATIONS[name].f, dtype).compiled)
    assert [math.isnan(f(dtype(z))) for z in (-math.inf, math.inf)] == [True, True]


def cube(z):
    return z**3  # a product, not a call of pow


@pytest.mark.every_value(label=FUNCTIONS, dtype=[np.float32, np.float64])
def test_loop_is_vectorized_without_calls(label: str, dtype: Dtype):
    text = loop_text(FUNCTIONS[label], dtype, arguments(label, dtype))
    number, other = ("float", "double") if dtype is np.float32 else ("double", "float")
    assert re.search(rf"<\d+ x {number}>", text)
    called = set(re.findall(r"call [^@\n]*@([\w.]+)", text))
    assert {name for name in called if not re.match(r"llvm\.(sqrt|is\.fpclass)\.", name)} <= {
        "llvm.pow.f64"  # Adam's beta1**k, once before the loop
    }
    assert "pow" not in "".join(re.findall(r"call <.*", text))
    if not called & {"llvm.pow.f64"}:
        assert re.search(rf"\b{other}\b|fpext|fptrunc", text) is None


@pytest.mark.parametrize("function", [relu, leaky_relu, huber, sgd_rule, cube])
def test_loop_is_vectorized_in_single_precision(function: Function):
    x, constant = np.ones(9, np.float32), np.float32(0.3)
    kinds = inspect.signature(function).parameters.values()
    given = tuple(constant if kind.annotation is float else x for kind in kinds)
    text = loop_text(function, np.float32, given)
    assert "cpython" not in text
    assert re.search("double|fpext|fptrunc|pow", text) is None
    assert re.search(r"<\d+ x float>", text)


def loop_text(function: Function, dtype: Dtype, given: Arguments) -> str:
    """Return the LLVM code of a compiled loop whose constants have the arrays' precision."""
    loop, y = compiled_loop(function, dtype, given)
    given = tuple(dtype(x) if isinstance(x, float) else x for x in given)
    loop(y, *given)
    text = loop.inspect_llvm(tuple(map(numba.typeof, (y, *given))))
    body = re.search(r"^define .*?^}", text, re.MULTILINE | re.DOTALL)
    assert body is not None
    return body[0]


# ---- activations compared with mpmath ------------------------------------------------------------

# In units in the last place of max(|f|, |z f'|), an error that rounding z alone may cause.
LIMIT = 4
# Some formulas of f' need more, also in NumPy: two terms of gelu cancel, and for 1 − s near 1 the
# error of s, about one unit, is multiplied by z, up to 37, and by 1 + 0.134 z².
NEEDED = {"gelu": 8, "silu": 28, "gelu-tanh": 64}


@dtypes
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_exact_to_rounding(name: str, dtype: Dtype):
    one, z = ACTIVATIONS[name], probes(dtype)
    assert one.df is not None
    constants = tuple(map(dtype, one.constants.values()))
    (a,) = run_compiled(one.f, dtype, (z, *constants))
    (slopes,) = run_compiled(one.df, dtype, (z, a, *constants))
    with mpmath.workprec(220):
        for x, value, slope in zip(z.tolist(), a, slopes, strict=True):
            (f, size), (df, slope_size) = exact_values(name, x, constants)
            assert abs(float(value) - f) <= LIMIT * unit(size, dtype), x
            assert abs(float(slope) - df) <= NEEDED.get(name, LIMIT) * unit(slope_size, dtype), x


def exact_values(
    name: str, x: float, constants: Arguments
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return f(x) and f'(x), each with the size to which its error is relative."""
    one, z, given = ACTIVATIONS[name], mpmath.mpf(x), tuple(map(float, constants))
    f, df = with_mpmath(one.f), with_mpmath(one.df)
    a = f(z, *given)
    slope = df(z, a, *given)
    by_z = z * rise(lambda z: df(z, f(z, *given), *given), z)
    by_a = a * rise(lambda a: df(z, a, *given), a)  # a is rounded
    return (a, max(abs(a), abs(z * slope))), (slope, max(map(abs, (slope, by_z, by_a))))


def probes(dtype: Dtype) -> np.ndarray:
    """Return numbers from some binades, and numbers of common magnitudes."""
    info, random = np.finfo(dtype), np.random.default_rng(6)
    exponents = np.arange(info.minexp - info.nmant, 12, 12 if dtype is np.float32 else 90)
    spread = [random.uniform(-1, 1, 25) * scale for scale in (2, 6, 25, 110)]
    few = np.ldexp(random.uniform(1, 2, exponents.size), exponents)
    return np.concatenate([few, -few, *spread]).astype(dtype)


def rise(f: Function, x: Any) -> Any:
    """Return f'(x) by a difference whose error is below the working precision."""
    h = mpmath.mpf(2) ** -60 * (abs(x) or 1)
    return (f(x + h) - f(x - h)) / (2 * h)


def unit(size: Any, dtype: Dtype) -> float:
    """Return the unit in the last place of a size.

    Below 512 times the smallest normal number, a factor of the result may have underflowed before
    it was multiplied by z and its powers.
    """
    least = 512 * np.finfo(dtype).smallest_normal
    return float(np.spacing(max(dtype(float(size)), least)))


@cache
def with_mpmath(function: Any) -> Function:
    """Return a function that runs the same code on mpmath numbers."""
    names = {name: value for name, value in function.__globals__.items() if name in DIGITS}
    names = {**function.__globals__, **{name: DIGITS[name] for name in names}}
    for name in function.__code__.co_names:
        if isinstance(names.get(name), FunctionType) and name not in DIGITS:
            names[name] = with_mpmath(names[name])
    return FunctionType(function.__code__, names)


with mpmath.workprec(220):
    DIGITS: dict[str, Any] = {
        **{name: getattr(mpmath, name) for name in VOCABULARY if name not in {"where", "real"}},
        "where": lambda condition, x, y: x if condition else y,
        "real": lambda x: x,
        "SQRT_HALF": mpmath.sqrt(mpmath.mpf(0.5)),
        "SQRT_2_PI": mpmath.sqrt(2 * mpmath.pi),
        "SQRT_2_OVER_PI": mpmath.sqrt(2 / mpmath.pi),
        "SELU_SCALE": mpmath.mpf(SELU_SCALE),
        "SELU_ALPHA": mpmath.mpf(SELU_ALPHA),
    }


# ---- the vocabulary and custom functions --------------------------------------------------------


def run_scalars(function: Function, dtype: Dtype, *columns: np.ndarray) -> np.ndarray:
    """Return the results (n,) of the compiled form, called from Python."""
    scalar = from_python(translate(function, dtype).compiled)
    y = np.array([scalar(*row) for row in zip(*columns, strict=True)], dtype)
    assert returned(function, dtype) == {numba.from_dtype(np.dtype(dtype))}
    return y


@dtypes
@pytest.mark.parametrize("function", INEXACT)
def test_vocabulary(function: Function, dtype: Dtype):
    def plain(x):
        return function(x)

    x = numbers(dtype)
    expected = plain(x)
    assert_close(run_scalars(plain, dtype, x), expected, ULPS * np.spacing(np.abs(expected)))


COEFFICIENTS = (0.25, -0.5, 1, 0.1)
GAIN = 1.7


def piecewise(z):
    """Use local names, constants of the module, and a loop over a tuple."""
    s = 0.0
    for c in COEFFICIENTS:
        s = s * z + c
    return where(real(z) > 0, GAIN * s - 2, np.pi / 3 * z**2 + exp(-z))


def scaled(factor: float) -> Function:
    return lambda z: tanh(factor * z)


CUSTOM = [
    Custom("piecewise", piecewise),
    Custom("by-lambda", lambda z: z / sqrt(1 + z * z), lambda z, _: 1 / sqrt(1 + z * z) ** 3),
    Custom("closure", scaled(1.5)),
    Custom("ufunc", lambda z: np.sin(3 * z)),
]


@dtypes
@pytest.mark.parametrize("custom", CUSTOM, ids=[custom.name for custom in CUSTOM])
def test_custom_activations(custom: Custom, dtype: Dtype):
    z = np.linspace(-3, 3, 101, dtype=dtype)
    a = custom(z)
    allowed = 8 * np.finfo(dtype).eps * (1 + np.abs(a))
    assert_close(run_scalars(custom.f, dtype, z), a, allowed)
    if custom.df is not None:
        slope = custom.derivative(z, a)
        assert_close(run_scalars(custom.df, dtype, z, a), slope, allowed)


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (lambda z: np.clip(z, 0, 1), r"calls np\.clip, .* use one of erf, erfc, exp, "),
        (lambda z: z.clip(0, 1), r"calls z\.clip, "),
        (lambda z: abs(1 - z), "calls abs, "),
        (np.exp, "is not available"),
        (FunctionType(compile("0", "<typed>", "eval"), {}), "is not available"),
    ],
)
def test_other_functions_are_rejected(function: Function, fault: str):
    with pytest.raises(InputError, match=fault):
        translate(function, np.float32)
