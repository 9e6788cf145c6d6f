"""Every elementwise function of the tables compiles as scalar code, to its array form's numbers.

How fast that code is, and what a fused engine makes of it, is not asked here.

Arithmetic, comparison and square root are IEEE's in NumPy and in compiled code alike, and without
fastmath nothing is contracted or reordered: a function made of these has the same bits. The others
(exp, erf, …) are not: NumPy's vector versions may err by 4 ulp in float32, our polynomials for erf
and erfc by as much, the C library by about 1. So a result may be as far from NumPy's as NumPy's own
moves when each call of these errs by 6 ulp, one way or the other, and by 4 ulp of its largest term
for the rounding of what follows.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, product
from types import FunctionType
from typing import Any, TypeAlias

import numba
import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS, Custom, leaky_relu, relu
from chainrule.elementwise import VOCABULARY, exp, real, sqrt, tanh, where
from chainrule.errors import InputError
from chainrule.losses import LOSSES, huber
from chainrule.optimizers import OPTIMIZERS, Optimizer, sgd_rule
from tests.engine.overloads import OVERLOADS, compile_elementwise, njit

Function: TypeAlias = Callable[..., Any]
Dtype: TypeAlias = type[np.floating]
Arguments: TypeAlias = tuple[Any, ...]  # arrays (n,), and constants

NOT_ELEMENTWISE = {"softmax-cross-entropy", "softmax-squared-error"}  # a row belongs together
NO_RULE = {"lbfgs"}  # SciPy's

ULPS = 6
EXACT = {"real", "sqrt", "where"}
INEXACT = [function for name, function in VOCABULARY.items() if name not in EXACT]

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def infinities_are_meant() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


# ---- the functions, and what they are called with -----------------------------------------------


def functions() -> Iterator[tuple[str, Any]]:
    """Yield the functions of the tables by table, name and part."""
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
    """Return arrays of one precision and Python numbers that a function takes."""
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
    """Yield them as often as asked for, each time in an order of its own."""
    random = np.random.default_rng(5)
    return (random.permutation(numbers(dtype)) for _ in range(count))


# ---- run both ways ------------------------------------------------------------------------------


def results(returned: Any) -> tuple[Any, ...]:
    """Return what a rule returns, or the one result of another function, as a tuple."""
    return returned if isinstance(returned, tuple) else (returned,)


def run_arrays(function: Function, given: Arguments) -> np.ndarray:
    """Return the results (results, n) of the array form, whose constants are Python numbers."""
    return np.array(results(function(*(x if np.ndim(x) else python_number(x) for x in given))))


def python_number(x: float | np.floating) -> float:
    return x.item() if isinstance(x, np.floating) else x


def run_compiled(function: Function, dtype: Dtype, given: Arguments) -> np.ndarray:
    """Return the results (results, n) of the compiled form, which must all be of the dtype."""
    loop, y = compiled_loop(function, dtype, given)
    loop(y, *given)
    assert returned(function, dtype) == {numba.from_dtype(np.dtype(dtype))}
    return y


def returned(function: Function, dtype: Dtype) -> set[numba.types.Type]:
    """Return the types that the compiled form has returned so far, alone or in a tuple."""
    kinds = [s.return_type for s in compile_elementwise(function, dtype).nopython_signatures]
    return {kind.dtype if isinstance(kind, numba.types.UniTuple) else kind for kind in kinds}


def compiled_loop(function: Function, dtype: Dtype, given: Arguments) -> tuple[Any, np.ndarray]:
    """Return a compiled loop over arrays, and an array for its results."""
    once = function(*given)
    targets = [f"y[{k}, i]" for k in range(len(results(once)))]
    names = [f"x{k}" for k in range(len(given))]
    items = [f"{x}[i]" if np.ndim(value) else x for x, value in zip(names, given, strict=True)]
    text = (
        f"def loop(y, {', '.join(names)}):\n"
        f"    for i in range(y.shape[1]):\n"
        f"        {', '.join(targets)}{',' * isinstance(once, tuple)} = f({', '.join(items)})"
    )
    namespace: dict[str, Any] = {"f": compile_elementwise(function, dtype)}
    exec(text, namespace)  # noqa: S102  the text above
    return njit(namespace["loop"]), np.empty((len(targets), len(given[0])), dtype)


def assert_close(actual: np.ndarray, expected: np.ndarray, allowed: np.ndarray) -> None:
    """Hold results to NumPy's, dtype, infinities, NaN and the signs of zeros included."""
    assert actual.dtype == expected.dtype
    distance = np.abs(actual - expected)
    both_nan = np.isnan(actual) & np.isnan(expected)
    same = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
    near = (distance <= allowed) & (distance > 0)
    bad = ~(both_nan | same | near)
    assert list(zip(actual[bad].tolist(), expected[bad].tolist(), strict=True)) == []
    ulps = (distance[near] / np.spacing(np.abs(expected[near]))).max(initial=0)
    share = (distance[near] / allowed[near]).max(initial=0)
    print(f"{ulps:.3g} ulp, {share:.0%} of what is allowed")


# ---- how far they may part ----------------------------------------------------------------------


def allowance(function: Function, dtype: Dtype, given: Arguments) -> np.ndarray:
    """Return how far results (results, n) may be from NumPy's, and 0 for exact functions."""

    def move(factors: Iterable[Any]) -> np.ndarray:
        moved = run_arrays(shaken(function, dtype, cycle(factors)), given)
        return np.nan_to_num(np.abs(moved - expected), nan=0, posinf=math.inf)

    expected = run_arrays(function, given)
    error = ULPS * np.finfo(dtype).eps
    signs = product((-1, 1), repeat=4)  # of four calls; further ones take turns
    spread = np.max([move([1 + sign * error for sign in row]) for row in signs], axis=0)
    size = np.maximum(np.abs(expected), move([0]))  # of what is summed, if it cancels
    rounding = 4 * np.spacing(size)
    return spread + rounding if spread.any() else spread


def shaken(function: Function, dtype: Dtype, factors: Iterator[float]) -> Function:
    """Return a function in which inexact functions are multiplied by the next factors."""
    code, names = function.__code__, dict(function.__globals__)
    for name in code.co_names:
        called = names.get(name)
        if called is not None and called in INEXACT:
            names[name] = multiplied(called, dtype, factors)
        elif isinstance(called, FunctionType) and called not in OVERLOADS:
            names[name] = shaken(called, dtype, factors)
    return FunctionType(code, names)


def multiplied(function: Function, dtype: Dtype, factors: Iterator[float]) -> Function:
    return lambda x: function(x) * dtype(next(factors))


# ---- the tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(NOT_ELEMENTWISE))
def test_softmax_losses_are_not_elementwise(name: str):
    for function in (LOSSES[name].f, LOSSES[name].df):
        assert function is not None
        with pytest.raises(InputError, match=r"calls np\.max"):
            compile_elementwise(function, np.float64)


def test_optimizers_without_a_rule():
    without = {name for name, one in OPTIMIZERS.items() if not isinstance(one, Optimizer)}
    assert without == NO_RULE


def test_the_vocabulary_is_overloaded_and_nothing_else():
    assert set(OVERLOADS) == set(VOCABULARY.values())


@dtypes
@pytest.mark.parametrize("label", FUNCTIONS)
def test_same_numbers(label: str, dtype: Dtype):
    function, given = FUNCTIONS[label], arguments(label, dtype)
    # Constants in the kernel's dtype, and not round; k, the number of an update, is an int.
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
    assert math.isnan(compile_elementwise(one.f, dtype)(dtype(math.nan), *constants))


@dtypes
@pytest.mark.parametrize("name", ["logistic", "tanh"])
def test_an_infinity_does_not_pass_for_saturation(name: str, dtype: Dtype):
    f = compile_elementwise(ACTIVATIONS[name].f, dtype)
    assert [math.isnan(f(dtype(z))) for z in (-math.inf, math.inf)] == [True, True]


def cube(z):
    return z**3  # a product, not a call of pow


@pytest.mark.parametrize("function", [relu, leaky_relu, huber, sgd_rule, cube])
def test_a_loop_is_in_single_precision_and_vectorised(function: Function):
    x, constant = np.ones(9, np.float32), np.float32(0.3)
    kinds = inspect.signature(function).parameters.values()
    given = tuple(constant if kind.annotation is float else x for kind in kinds)
    loop, y = compiled_loop(function, np.float32, given)
    loop(y, *given)
    (text,) = loop.inspect_llvm().values()
    body = re.search(r"^define .*?^}", text, re.MULTILINE | re.DOTALL)
    assert body is not None
    assert "cpython" not in body[0]
    assert re.search("double|fpext|fptrunc|pow", body[0]) is None
    assert re.search(r"<\d+ x float>", body[0])


# ---- the vocabulary, and users' functions -------------------------------------------------------


def run_scalars(function: Function, dtype: Dtype, *columns: np.ndarray) -> np.ndarray:
    """Return the results (n,) of the compiled form, called from Python."""
    scalar = compile_elementwise(function, dtype)
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
    """Hold what a text may hold: names of its own, numbers of a module, a loop over a tuple."""
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
        (lambda z: np.clip(z, 0, 1), r"calls np\.clip, .* vocabulary: erf, erfc, exp, "),
        (lambda z: z.clip(0, 1), r"calls z\.clip, "),
        (lambda z: abs(1 - z), "calls abs, "),
        (np.exp, "has no text"),
        (FunctionType(compile("0", "<typed>", "eval"), {}), "has no text"),
    ],
)
def test_other_functions_are_refused(function: Function, fault: str):
    with pytest.raises(InputError, match=fault):
        compile_elementwise(function, np.float32)
