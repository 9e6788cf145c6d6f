"""Numerical derivatives: the complex step is exact; differences have reliable error estimates.

Expected values are computed with mpmath at 40 digits. Custom functions are validated with these
derivatives when they are created.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import mpmath
import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    Custom,
    CustomLoss,
    InputError,
    central_difference,
    complex_step,
    mlp,
)
from chainrule.derivatives import PROBES, elementwise_derivative
from chainrule.elementwise import real, where

Real: TypeAlias = Callable[[float], float]
Exact: TypeAlias = Callable[[Any], Any]

NAN = float("nan")
SMALLEST_STEP = 0.1 / 2**7


# ---- the complex step ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda z: z**3 - 2 * z, lambda z: 3 * z * z - 2),
        (np.exp, np.exp),
        (np.sin, np.cos),
        (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
        (np.arctan, lambda z: 1 / (1 + z * z)),
        (lambda z: np.log(2 + z * z), lambda z: 2 * z / (2 + z * z)),
        (lambda z: 1 / (3 + np.sin(z)), lambda z: -np.cos(z) / (3 + np.sin(z)) ** 2),
    ],
    ids=["cubic", "exp", "sin", "tanh", "arctan", "log", "quotient"],
)
def test_complex_step_is_exact_to_rounding(f: Exact, slope: Exact):
    z = np.linspace(-2, 2, 41)
    estimate, by_entry = elementwise_derivative(f, z), complex_step(lambda w: np.sum(f(w)), z)
    # 4 ulp of the larger terms: both formulas round a handful of times.
    np.testing.assert_allclose(estimate, slope(z), rtol=4e-16, atol=4e-15)
    np.testing.assert_array_equal(estimate, by_entry)


def test_complex_step_returns_entries_in_order_and_keeps_theta():
    theta = np.array([1.0, 2.0, 3.0])
    steps = complex_step(lambda w: w[0] * w[1] * w[2], theta, entries=[2, 0])
    np.testing.assert_array_equal(steps, [2.0, 6.0])
    np.testing.assert_array_equal(theta, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elementwise_derivative_keeps_shape_and_precision(dtype: str):
    z = np.ones((2, 3), dtype)
    slope = elementwise_derivative(lambda v: v * v, z)
    assert slope.dtype == dtype
    np.testing.assert_array_equal(slope, 2 * z)


# ---- central differences: smooth functions ------------------------------------------------------

SMOOTH: dict[str, tuple[Real, Exact]] = {
    "constant": (lambda _: 3.0, lambda _: mpmath.mpf(3)),
    "zero": (lambda _: 0.0, lambda _: mpmath.mpf(0)),
    "line": (lambda x: 2 * x + 1, lambda x: 2 * x + 1),
    "square": (lambda x: x * x, lambda x: x * x),
    "large curvature": (lambda x: 1e6 * x * x, lambda x: 10**6 * x * x),
    "tenth power": (lambda x: x**10, lambda x: x**10),
    "sin": (math.sin, mpmath.sin),
    "exp": (math.exp, mpmath.exp),
    "tanh": (math.tanh, mpmath.tanh),
    "steep tanh": (lambda x: math.tanh(50 * x), lambda x: mpmath.tanh(50 * x)),
    "logistic": (lambda x: 1 / (1 + math.exp(-x)), lambda x: 1 / (1 + mpmath.exp(-x))),
    "steep logistic": (
        lambda x: 1 / (1 + math.exp(-40 * x)),
        lambda x: 1 / (1 + mpmath.exp(-40 * x)),
    ),
    "softplus": (
        lambda x: math.log1p(math.exp(-abs(x))) + max(x, 0.0),
        lambda x: mpmath.log(1 + mpmath.exp(x)),
    ),
    "many waves": (lambda x: math.sin(100 * x), lambda x: mpmath.sin(100 * x)),
    "Runge's": (lambda x: 1 / (1 + 25 * x * x), lambda x: 1 / (1 + 25 * x * x)),
    "rounded corner": (
        lambda x: math.sqrt(x * x + 1e-3),
        lambda x: mpmath.sqrt(x * x + mpmath.mpf(1e-3)),
    ),
    "far above 0": (lambda x: 1e8 + math.sin(x), lambda x: 10**8 + mpmath.sin(x)),
}
POINTS = [
    *np.random.default_rng(0).uniform(-3, 3, 25).tolist(),
    *np.random.default_rng(1).normal(0, 0.05, 25).tolist(),
    *[0.0, 1e-9, 0.01, -0.1, 1.0],
]


def slope_of(f: Exact, x: float) -> float:
    """Return f'(x) of an exact function."""
    with mpmath.workdps(40):
        return float(mpmath.diff(f, mpmath.mpf(x)))


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions(name: str):
    f, exact = SMOOTH[name]
    for x in POINTS:
        estimate, true = central_difference(f, x), slope_of(exact, x)
        around = max(abs(f(x + 0.1)), abs(f(x - 0.1)))
        assert (
            abs(estimate.value - true) <= estimate.error
        )  # at most 0.3 of the error bar in all cases seen
        assert (
            estimate.error <= 1e-6 * abs(true) + 1e-12 * around / SMALLEST_STEP
        )  # the error bar is small enough
        assert not estimate.kink


@pytest.mark.parametrize("name", ["exp", "sin", "steep tanh", "Runge's"])
@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e4, 1e8])
@pytest.mark.parametrize("height", [1e-8, 1e8])
def test_scales(name: str, scale: float, height: float):
    f, exact = SMOOTH[name]
    for x in POINTS[20:30]:
        estimate = central_difference(lambda v: height * f(v / scale), x * scale, scale)
        true = slope_of(exact, x) * height / scale
        # 3 error bars, because x · scale / scale is not exactly x, which matters for steep
        # functions.
        assert abs(estimate.value - true) <= 3 * estimate.error
        assert estimate.error <= 1e-5 * height / scale
        assert estimate.step == pytest.approx(
            0.1 * scale / 2 ** round(math.log2(0.1 * scale / estimate.step))
        )
        assert not estimate.kink


@pytest.mark.parametrize("name", ["line", "sin", "exp", "logistic", "Runge's"])
def test_float32_has_wide_and_reliable_error_bars(name: str):
    f, exact = SMOOTH[name]
    for x in POINTS:
        estimate = central_difference(lambda v: float(np.float32(f(v))), x, noise=2.0**-23)
        true = slope_of(exact, x)
        assert abs(estimate.value - true) <= estimate.error
        assert 1e-7 * abs(f(x)) < estimate.error < 1e-2 * (1 + abs(f(x)))
        assert not estimate.kink


@pytest.mark.parametrize("far", [1e3, -1e5, 1e7])
@pytest.mark.parametrize("name", ["sin", "tanh", "Runge's"])
def test_arguments_far_from_zero_have_wider_error_bars(name: str, far: float):
    f, exact = SMOOTH[name]
    for x in POINTS[20:30]:
        estimate = central_difference(lambda v: f(v - far), far + x)
        true = slope_of(exact, far + x - far)
        assert abs(estimate.value - true) <= estimate.error <= 1e-9 * abs(far)
        assert not estimate.kink


@pytest.mark.parametrize("side", [1, -1])
def test_function_whose_domain_ends_nearby(side: int):
    estimate = central_difference(
        lambda x: math.log(side * x) if side * x > 0 else NAN, side * 0.02
    )
    assert abs(estimate.value - side * 50) <= estimate.error < 1e-3
    assert not estimate.kink


def test_function_without_values_has_an_infinite_error_bar():
    estimate = central_difference(lambda _: NAN, 1.0)
    assert math.isnan(estimate.value)
    assert estimate.error == math.inf
    assert not estimate.kink


# ---- central differences: kinks ------------------------------------------------------------------

BASES: dict[str, tuple[Real, Real]] = {
    "flat": (lambda _: 1.0, lambda _: 0.0),
    "line": (lambda x: 1 + x, lambda _: 1.0),
    "sin": (math.sin, math.cos),
    "exp": (lambda x: math.exp(3 * x), lambda x: 3 * math.exp(3 * x)),
}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("jump", [1.0, -1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("steps", [0, 0.1, 0.5, 0.67, 0.9, 1, 1.33, 1.8, 2])
def test_kinks_at_the_point_and_near_it_are_detected(
    base: str, jump: float, side: int, steps: float
):
    f, _ = BASES[base]
    for x in (0.21, -0.14, 0.0):
        corner = x + side * steps * SMALLEST_STEP
        assert central_difference(lambda v, c=corner: f(v) + jump * max(v - c, 0.0), x).kink


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("jump", [1.0, -1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("steps", [2.1, 2.5, 3, 5, 12, 50, 100, 127])
def test_distant_kinks_are_detected_or_within_the_error_bar(
    base: str, jump: float, side: int, steps: float
):
    f, df = BASES[base]
    for x in (0.21, -0.14, 0.0):
        corner = x + side * steps * SMALLEST_STEP
        estimate = central_difference(lambda v, c=corner: f(v) + jump * max(v - c, 0.0), x)
        true = df(x) + (jump if corner < x else 0.0)
        assert estimate.kink or abs(estimate.value - true) <= estimate.error


@pytest.mark.parametrize("base", BASES)
def test_kinks_beyond_the_steps_are_not_detected(base: str):
    f, df = BASES[base]
    for corner in (-0.5, 0.5):
        estimate = central_difference(lambda v, c=corner: f(v) + max(v - c, 0.0), 0.0)
        assert not estimate.kink
        assert abs(estimate.value - df(0.0) - (corner < 0)) <= estimate.error


def test_slope_at_a_kink_is_the_mean_of_both_sides():
    estimate = central_difference(abs, 0.0)
    assert (estimate.value, estimate.kink) == (0.0, True)


# ---- custom activations --------------------------------------------------------------------------


def softsign(z: Any) -> Any:
    return z / (1 + np.abs(z))


ACCEPTED = {
    "cube": Custom("cube", lambda z: z**3),
    "sine": Custom("sine", np.sin),
    "own-relu": Custom("own-relu", lambda z: where(real(z) > 0, z, 0 * z)),
    "maximum": Custom("maximum", lambda z: np.maximum(z, 0)),
    "softsign": Custom("softsign", softsign, lambda z, _: 1 / (1 + np.abs(z)) ** 2),
    "from-a": Custom("from-a", np.tanh, lambda _, a: 1 - a * a),
    "kinked": Custom("kinked", np.abs, lambda z, _: np.sign(z)),
    "shrink": Custom("shrink", lambda z: where(np.abs(real(z)) > 0.5, z, 0 * z)),
}


@pytest.mark.parametrize("f", ACCEPTED.values(), ids=ACCEPTED)
def test_valid_custom_activations(f: Custom):
    net = mlp(3, 4, 2, activation=f, loss="squared-error")
    theta = net.initialize(0)
    x, t = np.random.default_rng(0).normal(size=(2, 5, 3)), np.zeros((5, 2))
    assert net.check_gradient(theta, x[0], t)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_builtin_activations_are_valid_custom_activations(name: str):
    f = ACTIVATIONS[name]
    Custom(f"my-{name}", f, f.derivative)
    Custom(f"my-{name}", f)


def logistic(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize(
    ("f", "df", "words"),
    [
        (np.abs, None, ["at z = -2.9 is 0, but f rises by -1", "where(real(z) > 0"]),
        (softsign, None, ["the derivative at z = -2.9", "correct df", "where(real(z) > 0"]),
        (np.sin, lambda z, _: -np.cos(z), ["is 0.970958165, but f rises by -0.970958165"]),
        (np.sin, lambda z, _: np.cos(z) * (1 + 1e-7), ["the derivative at z = ", "correct df"]),
        (logistic, lambda z, _: z * (1 - z), ["is -11.31, but f rises by 0.0494"]),
        (logistic, lambda _, a: logistic(a) * (1 - logistic(a)), ["at z = -2.9", "correct df"]),
        (np.tanh, lambda z, _: 0 * z, ["is -0, but f rises by 0.012"]),
        (math.tanh, None, ["fails on an array", "NumPy or chainrule.elementwise"]),
        (np.cbrt, None, ["fails on an array", "give df where f takes no complex"]),
        (lambda z: np.exp(z, out=z), None, ["read-only", "fails on an array"]),
        (
            lambda _: 1.0,
            lambda z, _: 0 * z,
            ["f of 8 real numbers, -2.9 to 2.3, is array(1.)", "one for each"],
        ),
        (np.sum, None, ["f of 8 real numbers", "one for each"]),
        (np.log, None, ["nan", "finite real numbers"]),
        (lambda z: z > 0, None, ["True", "finite real numbers"]),
        (lambda z: z + 0j, None, ["j", "finite real numbers"]),
        (lambda z: z.astype(int), lambda z, _: 0 * z, ["array([-2, -1", "finite real numbers"]),
        (np.sin, lambda *_: 1.0, ["the derivative of 8 real numbers, -2.9 to 2.3, is array(1.)"]),
        (np.sin, lambda z, _: np.cos(z) / (z > 0), ["the derivative of 8", "inf"]),
        (lambda z: z - z.mean(), None, ["among other numbers", "without the others"]),
        (lambda z: np.exp(z) / np.sum(np.exp(z)), None, ["f(-2.9) is", "but 1 alone"]),
    ],
)
def test_invalid_custom_activations_are_rejected(f: Exact, df: Any, words: list[str]):
    with pytest.raises(InputError) as caught:
        Custom("mine", f, df)
    for word in ["mine: ", *words]:
        assert word in str(caught.value)


def test_probes_are_not_changed_by_functions_that_write_to_them():
    before = PROBES.copy()
    with pytest.raises(InputError):
        Custom("mine", lambda z: np.multiply(z, 2, out=z))
    np.testing.assert_array_equal(PROBES, before)


# ---- custom losses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        CustomLoss("fourth", lambda o, t: (o - t) ** 4),
        CustomLoss("fourth, both", lambda o, t: (o - t) ** 4, lambda o, t: 4 * (o - t) ** 3),
        CustomLoss("log-cosh", lambda o, t: np.log(np.cosh(o - t))),
        CustomLoss("absolute", lambda o, t: np.abs(o - t), lambda o, t: np.sign(o - t)),
        CustomLoss("gamma", lambda o, t: t * np.exp(-o) + o, target=2.0),
    ],
    ids=lambda loss: loss.name,
)
def test_valid_custom_losses(loss: CustomLoss):
    net = mlp(3, 4, 2, activation="tanh", loss=loss)
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert net.check_gradient(net.initialize(0), x, np.full((5, 2), 0.3))


@pytest.mark.parametrize(
    ("term", "dterm", "target", "words"),
    [
        (lambda o, t: np.abs(o - t), None, 0.5, ["is 0, but f rises by -1", "where(real(z) > 0"]),
        (lambda o, t: (o - t) ** 2, lambda o, t: o - t, 0.5, ["is -3.4, but f rises by -6.8"]),
        (lambda o, t: (o - t) ** 2, lambda o, t: 2 * (t - o), 0.5, ["is 6.8, but f rises by -6.8"]),
        (lambda o, t: np.sum((o - t) ** 2), None, 0.5, ["f of 8 real numbers", "one for each"]),
        (lambda o, t: np.log(t) * o, None, -1.0, ["nan", "finite real numbers"]),
        (lambda o, t: math.exp(o - t), None, 0.5, ["fails on an array", "elementwise"]),
    ],
)
def test_invalid_custom_losses_are_rejected(term: Any, dterm: Any, target: float, words: list[str]):
    with pytest.raises(InputError) as caught:
        CustomLoss("mine", term, dterm, target)
    for word in ["mine: ", *words]:
        assert word in str(caught.value)
