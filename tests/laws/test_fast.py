"""A fast version of the laws, which takes less than three seconds and catches a wrong sign.

Mutation testing runs only this file. The expected values are computed with Python numbers,
independently of the engine. Newly registered classes are tested by the other laws.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS, ELU, LeakyReLU
from chainrule.batch import normalize_weights
from chainrule.derivatives import central_difference, complex_step, elementwise_derivative
from chainrule.gradcheck import check_gradient
from chainrule.initializers import INITIALIZERS, Constant, Glorot, He, LeCun, Orthogonal, Uniform
from chainrule.layers import LAYERS, ActivationLayer, Dense, Dropout, LayerNorm, dropout_mask
from chainrule.loops import Batches, State, run_epoch
from chainrule.losses import LOSSES, Huber, Quantile, one_hot
from chainrule.metrics import METRICS
from chainrule.multilayer import mlp
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    ClipNorm,
    ClipValue,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from chainrule.penalties import Penalty
from chainrule.schedules import (
    SCHEDULES,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    Schedule,
    StepDecay,
    WarmUp,
)
from chainrule.training import EarlyStopping, train
from chainrule.wiring import Replacements, wire
from tests.laws.gradient_table import worst_error
from tests.laws.nets import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    PAIRS,
    PENALTY,
    STACKS,
    VARIANTS,
    Array,
    case,
    exact_fit,
    same_bits,
    tuned,
)
from tests.laws.test_equation import assert_agree
from tests.laws.test_nan import undetected

exp, log, sqrt, tanh, erf, pi = math.exp, math.log, math.sqrt, math.tanh, math.erf, math.pi


def near(values: float | Iterable[float]) -> object:
    """Return an approximation of the numbers up to rounding."""
    expected = list(values) if isinstance(values, Iterable) else values
    return pytest.approx(expected, rel=1e-12, abs=1e-15)


# ---- schedules ----------------------------------------------------------------------------------

RATES: list[tuple[Schedule, dict[int, float]]] = [
    (ConstantRate(0.1), {1: 0.1, 2: 0.1, 99: 0.1}),
    (StepDecay(0.8, 0.5, 2), {1: 0.8, 2: 0.8, 3: 0.4, 4: 0.4, 5: 0.2}),
    (StepDecay(0.8), {1: 0.8, 1000: 0.8, 1001: 0.08, 2001: 0.008}),
    (ExponentialDecay(0.8, 0.5), {1: 0.8, 2: 0.4, 3: 0.2}),
    (ExponentialDecay(0.8), {1: 0.8, 2: 0.7992}),
    (InverseScaling(0.8, 2.0), {1: 0.8, 2: 0.2, 4: 0.05}),
    (InverseScaling(0.8), {1: 0.8, 4: 0.4, 16: 0.2}),
    (CosineDecay(0.8, 5, 0.2), {1: 0.8, 2: 0.5 + 0.3 * sqrt(0.5), 3: 0.5, 5: 0.2, 9: 0.2}),
    (CosineDecay(0.8, 3), {1: 0.8, 2: 0.4, 3: 0.0, 4: 0.0}),
    (WarmUp(4, StepDecay(0.8, 0.5, 2)), {1: 0.2, 2: 0.4, 4: 0.8, 5: 0.8, 6: 0.8, 7: 0.4}),
    (WarmUp(2, ExponentialDecay(0.8, 0.5)), {1: 0.4, 2: 0.8, 3: 0.8, 4: 0.4}),
    (WarmUp(2, 0.8), {1: 0.4, 2: 0.8, 3: 0.8}),
]


@pytest.mark.parametrize(("schedule", "rates"), RATES, ids=repr)
def test_schedules(schedule, rates):
    assert [schedule(k) for k in rates] == near(rates.values())
    assert type(schedule) in SCHEDULES.values()


# ---- optimizers: three steps of one weight, by hand ---------------------------------------------

GRADIENTS = (0.5, -0.25, 1.0)


def hand_sgd(w: float) -> float:
    for g in GRADIENTS:
        w -= 0.1 * g
    return w


def hand_momentum(w: float) -> float:
    velocity = 0.0
    for g in GRADIENTS:
        velocity = 0.8 * velocity - 0.1 * g
        w += velocity
    return w


def hand_nesterov(w: float) -> float:
    velocity = 0.0
    for g in GRADIENTS:
        before, velocity = velocity, 0.8 * velocity - 0.1 * g
        w += (1 + 0.8) * velocity - 0.8 * before
    return w


def hand_rmsprop(w: float) -> float:
    mean_square = 0.0
    for g in GRADIENTS:
        mean_square = 0.7 * mean_square + 0.3 * g**2
        w -= 0.1 * g / (sqrt(mean_square) + 0.01)
    return w


def hand_adam(w: float, decay: float = 0.0) -> float:
    mean = mean_square = 0.0
    for k, g in enumerate(GRADIENTS, start=1):
        mean = 0.7 * mean + 0.3 * g
        mean_square = 0.9 * mean_square + 0.1 * g**2
        unbiased = sqrt(mean_square / (1 - 0.9**k))
        w -= 0.1 * decay * w + 0.1 * mean / (1 - 0.7**k) / (unbiased + 0.01)
    return w


def hand_adamw(w: float) -> float:
    return hand_adam(w, decay=0.2)


HANDS: list[tuple[Optimizer, Callable[[float], float]]] = [
    (SGD(0.1), hand_sgd),
    (Momentum(0.1, 0.8), hand_momentum),
    (Nesterov(0.1, 0.8), hand_nesterov),
    (RMSProp(0.1, 0.7, 0.01), hand_rmsprop),
    (Adam(0.1, 0.7, 0.9, 0.01), hand_adam),
    (AdamW(0.1, 0.7, 0.9, 0.01, 0.2), hand_adamw),
]
ONE = mlp(1, 1, activation="identity", loss="squared-error").layout  # a weight, and a bias


@pytest.mark.parametrize(("rule", "hand"), HANDS)
def test_optimizers(rule, hand):
    theta, state = np.array([2.0, -3.0]), rule.start(np.zeros(2), ONE)
    for k, g in enumerate(GRADIENTS):
        theta, state = rule.step(theta, np.array([g, 2 * g]), state)
        assert state.step == k + 1
    assert theta[0] == near(hand(2.0))
    if isinstance(rule, AdamW):  # a bias does not decay
        rule = replace(rule, decay=0.0)
        bias, state = np.array([2.0, -3.0]), rule.start(np.zeros(2), ONE)
        for g in GRADIENTS:
            bias, state = rule.step(bias, np.array([g, 2 * g]), state)
        assert theta[1] == bias[1]


def test_names():
    assert set(F) <= set(ACTIVATIONS)
    assert set(LOSS_HANDS) <= set(LOSSES)
    assert set(VARIANCES) <= set(INITIALIZERS)
    assert {"dense", "layer-norm", "activation", "dropout"} <= set(LAYERS)
    assert {"constant", "step", "exponential", "inverse-scaling"} <= set(SCHEDULES)
    assert {"cosine", "warm-up"} <= set(SCHEDULES)
    assert {"sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs"} <= set(OPTIMIZERS)
    assert {"accuracy", "r2"} <= set(METRICS)
    named = {**ACTIVATIONS, **LOSSES, **OPTIMIZERS}
    assert [value.name for value in named.values()] == list(named)
    assert [kind.kind for kind in LAYERS.values()] == list(LAYERS)


def test_defaults():
    assert [repr(rule) for rule in OPTIMIZERS.values()][:7] == [
        "SGD(learning_rate=0.1, clip=None)",
        "Momentum(learning_rate=0.01, momentum=0.9, clip=None)",
        "Nesterov(learning_rate=0.01, momentum=0.9, clip=None)",
        "RMSProp(learning_rate=0.001, rho=0.9, eps=1e-08, clip=None)",
        "Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, eps=1e-08, clip=None)",
        "AdamW(learning_rate=0.001, beta1=0.9, beta2=0.999, eps=1e-08, decay=0.01, clip=None)",
        "LBFGS(memory=10, tolerance=1e-08)",
    ]
    assert repr(Dropout()) == "Dropout(rate=0.5)"
    assert repr(LayerNorm()) == "LayerNorm(eps=1e-05, trainable=True)"
    assert repr(Penalty()) == "Penalty(l1=0.0, l2=0.0, alpha=0.0)"
    assert repr(EarlyStopping()) == "EarlyStopping(patience=10, min_delta=0.0, monitor='loss')"
    assert [repr(a) for a in (LeakyReLU(), ELU())] == ["LeakyReLU(slope=0.01)", "ELU(alpha=1.0)"]
    assert [repr(a) for a in (Huber(), Quantile())] == ["Huber(width=1.0)", "Quantile(level=0.5)"]


@pytest.mark.parametrize("name", PAIRS)
def test_frozen_entries(name):
    rule = tuned(name, clip=ClipNorm(0.1))
    drawn = case(trainable=("W",), penalty=PENALTY)
    layout = drawn.network.layout
    state = rule.start(drawn.theta, layout)
    theta = drawn.theta
    for _ in range(2):
        theta, state = rule.step(theta, drawn.trace().gradient, state)
    assert same_bits(theta[~layout.trainable], drawn.theta[~layout.trainable])
    assert (theta[layout.trainable] != drawn.theta[layout.trainable]).all()
    assert not any(slot[~layout.trainable].any() for slot in state.slots)


# ---- clipping -----------------------------------------------------------------------------------


def test_clipping_values():
    g = np.array([-3.0, -0.5, 0.0, 0.5, 3.0, np.nan])
    assert ClipValue(0.5)(g, ONE)[:5].tolist() == [-0.5, -0.5, 0.0, 0.5, 0.5]
    assert np.isnan(ClipValue(0.5)(g, ONE)[5])


def test_clipping_the_norm():
    g = np.array([3.0, -4.0])
    assert ClipNorm(1.0)(g, ONE).tolist() == near([0.6, -0.8])
    assert ClipNorm(5.0)(g, ONE).tolist() == [3.0, -4.0]
    assert ClipNorm(6.0)(g, ONE).tolist() == [3.0, -4.0]


# ---- initializers -------------------------------------------------------------------------------

SHAPE = (75, 225)  # out, in
VARIANCES = {
    "glorot": 2 / 300,
    "glorot-normal": 2 / 300,
    "he": 2 / 225,
    "he-uniform": 2 / 225,
    "lecun": 1 / 225,
    "lecun-uniform": 1 / 225,
    "uniform": 1 / 3,
    "constant": 0.0,
    "orthogonal": 1 / 225,
}
BOUNDED = {"glorot", "he-uniform", "lecun-uniform", "uniform"}


@pytest.mark.parametrize("name", VARIANCES)
def test_initializers(name):
    drawn = INITIALIZERS[name](np.random.default_rng(1), SHAPE)
    variance = VARIANCES[name]
    assert drawn.shape == SHAPE
    assert drawn.dtype == np.float64
    assert abs(drawn.mean()) <= 4 * sqrt(variance / drawn.size)
    assert drawn.var() == pytest.approx(variance, rel=0.04)  # four standard deviations
    bound = sqrt(3 * variance)
    if name in BOUNDED:
        assert 0.999 * bound < np.abs(drawn).max() <= bound
    elif variance:
        assert np.abs(drawn).max() > 1.5 * bound


def test_initializers_with_constants():
    rng = np.random.default_rng(0)
    drawn = Uniform(2.0, 2.5)(rng, (1000,))
    assert 2.0 <= drawn.min() < 2.01
    assert 2.49 < drawn.max() < 2.5
    assert Constant(0.3)(rng, (2, 2)).tolist() == [[0.3, 0.3], [0.3, 0.3]]
    for shape in ((3, 5), (5, 3), (4, 4)):
        q = Orthogonal(2.0)(rng, shape)
        few = q @ q.T if shape[0] <= shape[1] else q.T @ q
        assert np.allclose(few, 4 * np.eye(min(shape)), atol=1e-14)
    same_law = (Glorot("uniform"), He("normal"), LeCun("normal"))
    assert same_law == (Glorot(), He(), LeCun())


def test_orthogonal_matrices_are_uniform():
    # with the signs that QR returns, the mean of the first entry would be far from 0
    corner = [Orthogonal()(np.random.default_rng(i), (2, 2))[0, 0] for i in range(300)]
    assert abs(np.mean(corner)) < 4 * sqrt(0.5 / 300)


# ---- activations --------------------------------------------------------------------------------

HALF_PI = sqrt(2 / pi)


def normal(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2


def sigma(z: float) -> float:
    return 1 / (1 + exp(-z))


def gelu_inner(z: float) -> float:
    return HALF_PI * (z + 0.044715 * z**3)


SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772
F: dict[str, Callable[[float], float]] = {
    "identity": lambda z: z,
    "logistic": sigma,
    "tanh": tanh,
    "relu": lambda z: max(z, 0.0),
    "leaky-relu": lambda z: max(z, 0.01 * z),
    "elu": lambda z: z if z > 0 else exp(z) - 1,
    "selu": lambda z: SCALE * (z if z > 0 else ALPHA * (exp(z) - 1)),
    "gelu": lambda z: z * normal(z),
    "gelu-tanh": lambda z: z / 2 * (1 + tanh(gelu_inner(z))),
    "silu": lambda z: z * sigma(z),
    "softplus": lambda z: log(1 + exp(z)),
}
DF: dict[str, Callable[[float], float]] = {
    "identity": lambda _: 1.0,
    "logistic": lambda z: sigma(z) * sigma(-z),
    "tanh": lambda z: 1 / math.cosh(z) ** 2,
    "relu": lambda z: 1.0 if z > 0 else 0.0,
    "leaky-relu": lambda z: 1.0 if z > 0 else 0.01,
    "elu": lambda z: 1.0 if z > 0 else exp(z),
    "selu": lambda z: SCALE * (1.0 if z > 0 else ALPHA * exp(z)),
    "gelu": lambda z: normal(z) + z * exp(-(z**2) / 2) / sqrt(2 * pi),
    "gelu-tanh": lambda z: (
        (1 + tanh(gelu_inner(z))) / 2
        + z / 2 / math.cosh(gelu_inner(z)) ** 2 * HALF_PI * (1 + 3 * 0.044715 * z**2)
    ),
    "silu": lambda z: sigma(z) * (1 + z * sigma(-z)),
    "softplus": sigma,
}
Z = [-3.0, -1.0, -0.25, 0.0, 0.5, 1.0, 3.5]


@pytest.mark.parametrize("name", F)
def test_activations(name):
    f, z = ACTIVATIONS[name], np.array(Z)
    a = f(z)
    assert a.tolist() == near(F[name](v) for v in Z)
    assert f.derivative(z, a).tolist() == near(DF[name](v) for v in Z)
    single = f(z.astype("float32"))
    assert single.dtype == f.derivative(z.astype("float32"), single).dtype == np.float32
    assert np.isfinite(f(np.array([-1e4, 1e4]))).all()
    with np.errstate(all="ignore"):
        assert not np.isfinite(f(np.array([np.nan, np.inf, -np.inf]))).any()


def test_constants_of_activations():
    z = np.array([-2.0, 0.0, 2.0])
    assert LeakyReLU(0.25)(z).tolist() == [-0.5, 0.0, 2.0]
    assert LeakyReLU(0.25).derivative(z, z).tolist() == [0.25, 0.25, 1.0]
    assert ELU(0.5)(z).tolist() == near([0.5 * (exp(-2) - 1), 0.0, 2.0])
    assert ELU(0.5).derivative(z, ELU(0.5)(z)).tolist() == near([0.5 * exp(-2), 0.5, 1.0])


# ---- losses -------------------------------------------------------------------------------------

O = np.array([[0.5, -1.5], [2.0, 0.25], [-0.75, 3.0]])  # noqa: E741 (the raw output)
T = np.array([[1.0, 0.0], [0.25, 0.75], [0.0, 1.0]])
WEIGHT = np.array([0.5, 2.0, 0.5])


def by_hand(
    term: Callable[[float, float], float], slope: Callable[[float, float], float]
) -> tuple[Array, Array]:
    """Return terms and slopes of every output."""
    pairs = list(zip(O.ravel().tolist(), T.ravel().tolist(), strict=True))
    terms = np.array([term(o, t) for o, t in pairs]).reshape(O.shape)
    return terms, np.array([slope(o, t) for o, t in pairs]).reshape(O.shape)


def softmax_rows() -> Array:
    """Return p of every row."""
    return np.array([[exp(v) / sum(map(exp, row)) for v in row] for row in O.tolist()])


def softmax_cross_entropy() -> tuple[Array, Array]:
    p = softmax_rows()
    return -T * np.log(p), p - T


def softmax_squared_error() -> tuple[Array, Array]:
    p = softmax_rows()
    slopes = np.zeros_like(p)
    for i in range(3):
        for j in range(2):
            for k in range(2):
                jacobian = p[i, k] * ((j == k) - p[i, j])  # ∂p_k/∂o_j
                slopes[i, j] += (p[i, k] - T[i, k]) * jacobian
    return (p - T) ** 2 / 2, slopes


LOSS_HANDS: dict[str, tuple[Array, Array]] = {
    "squared-error": by_hand(lambda o, t: (o - t) ** 2 / 2, lambda o, t: o - t),
    "absolute-error": by_hand(lambda o, t: abs(o - t), lambda o, t: math.copysign(1, o - t)),
    "huber": by_hand(
        lambda o, t: (o - t) ** 2 / 2 if abs(o - t) <= 1 else abs(o - t) - 0.5,
        lambda o, t: max(-1.0, min(1.0, o - t)),
    ),
    "quantile": by_hand(lambda o, t: abs(o - t) / 2, lambda o, t: math.copysign(0.5, o - t)),
    "poisson": by_hand(lambda o, t: exp(o) - t * o, lambda o, t: exp(o) - t),
    "logistic-cross-entropy": by_hand(
        lambda o, t: -t * log(sigma(o)) - (1 - t) * log(sigma(-o)), lambda o, t: sigma(o) - t
    ),
    "softmax-cross-entropy": softmax_cross_entropy(),
    "softmax-squared-error": softmax_squared_error(),
}


@pytest.mark.parametrize("name", LOSS_HANDS)
def test_losses(name):
    loss, (terms, slopes) = LOSSES[name], LOSS_HANDS[name]
    assert np.allclose(loss.terms(O, T), terms, rtol=1e-12, atol=1e-15)
    assert float(loss.value(O, T)) == near(terms.sum() / 3)
    assert np.allclose(loss.gradient(O, T), slopes / 3, rtol=1e-12, atol=1e-15)
    w = WEIGHT[:, None]
    assert float(loss.value(O, T, WEIGHT)) == near((w * terms).sum() / 3)
    assert np.allclose(loss.gradient(O, T, WEIGHT), w * slopes / 3, rtol=1e-12, atol=1e-15)


def test_links():
    for name in LOSS_HANDS:
        loss = LOSSES[name]
        p = {
            "poisson": np.exp(O),
            "logistic-cross-entropy": 1 / (1 + np.exp(-O)),
            "softmax-cross-entropy": softmax_rows(),
            "softmax-squared-error": softmax_rows(),
        }.get(name, O)
        assert loss.owns_link == (p is not O)
        assert np.allclose(loss.predict(O), p, rtol=1e-14)
        assert loss.classes == name.startswith("softmax")
        assert "weight" not in " ".join(loss.equations().values())
    far = np.array([[1e4, -1e4], [0.0, 0.0]])
    assert LOSSES["softmax-cross-entropy"].predict(far).tolist() == [[1.0, 0.0], [0.5, 0.5]]
    assert LOSSES["softmax-cross-entropy"].value(far[:1], np.array([[0.0, 1.0]])) == 2e4


def test_constants_of_losses():
    o, t = np.array([[3.0, -1.0, 0.5]]), np.zeros((1, 3))
    assert Huber(2.0).terms(o, t).tolist() == [[4.0, 0.5, 0.125]]
    assert Huber(2.0).slopes(o, t).tolist() == [[2.0, -1.0, 0.5]]
    assert Huber(2.0).slopes(-o, t).tolist() == [[-2.0, 1.0, -0.5]]
    assert Quantile(0.75).terms(o, t).tolist() == [[0.75, 0.75, 0.125]]
    assert Quantile(0.75).slopes(o, t).tolist() == [[0.25, -0.75, 0.25]]
    for name in ("absolute-error", "quantile", "huber"):
        assert LOSSES[name].slopes(t, t).tolist() == [[0.0, 0.0, 0.0]]
        assert LOSSES[name].terms(t, t).tolist() == [[0.0, 0.0, 0.0]]


def test_class_numbers():
    assert one_hot([2, 0, 1], 3).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    with pytest.raises(ValueError, match="class 3"):
        one_hot([0, 3], 3)


# ---- layers -------------------------------------------------------------------------------------

X = np.array([[1.0, 2.0, 4.0], [0.5, -1.0, 3.0]])


def test_dense():
    params = {"W": np.array([[1.0, 0.5, -1.0], [2.0, -1.0, 0.25]]), "b": np.array([0.5, -2.0])}
    layer = Dense(2, LeakyReLU(0.5))
    saved = layer.forward(params, X)
    assert saved.z.tolist() == [[-1.5, -1.0], [-2.5, 0.75]]
    assert saved.a.tolist() == [[-0.75, -0.5], [-1.25, 0.75]]
    grads = layer.backward(params, saved, np.array([[1.0, 2.0], [-2.0, 3.0]]))
    assert grads.delta.tolist() == [[0.5, 1.0], [-1.0, 3.0]]
    assert grads.dW.tolist() == [[0.0, 2.0, -1.0], [2.5, -1.0, 13.0]]
    assert grads.db.tolist() == [-0.5, 4.0]
    assert grads.dx.tolist() == [[2.5, -0.75, -0.25], [5.0, -3.5, 1.75]]


def test_dense_without_bias():
    layer = Dense(1, "identity", bias=False)
    assert layer.shapes(3) == {"W": (1, 3)}
    assert layer.forward({"W": np.ones((1, 3))}, X).a.tolist() == [[7.0], [2.5]]


def test_layer_norm():
    params = {"W": np.array([1.0, 2.0, -1.0]), "b": np.array([0.5, 0.0, 1.0])}
    layer, row = LayerNorm(0.25), X[0].tolist()
    mean = sum(row) / 3
    variance = sum((v - mean) ** 2 for v in row) / 3
    hat = [(v - mean) / sqrt(variance + 0.25) for v in row]
    saved = layer.forward(params, X)
    assert saved.xhat[0].tolist() == near(hat)
    assert saved.a[0].tolist() == near([hat[0] + 0.5, 2 * hat[1], 1 - hat[2]])
    da = np.array([[1.0, -0.5, 2.0], [0.0, 0.0, 0.0]])
    grads = layer.backward(params, saved, da)
    assert grads.dW.tolist() == near([hat[0], -0.5 * hat[1], 2 * hat[2]])
    assert grads.db.tolist() == [1.0, -0.5, 2.0]
    inner = [1.0, -1.0, -2.0]  # da · W
    along = sum(a * b for a, b in zip(inner, hat, strict=True)) / 3
    dx = [(d + 2 / 3 - h * along) / sqrt(variance + 0.25) for d, h in zip(inner, hat, strict=True)]
    assert grads.dx[0].tolist() == near(dx)
    assert not grads.dx[1].any()


def test_dropout():
    layer, mask = Dropout(0.75), np.array([[1, 0, 1], [0, 1, 1]], np.uint8)
    saved = layer.forward({}, X, mask)
    assert saved.a.tolist() == [[4.0, 0.0, 16.0], [0.0, -4.0, 12.0]]
    assert layer.backward({}, saved, X).dx.tolist() == saved.a.tolist()
    resting = layer.forward({}, X)
    assert resting.a is X
    assert layer.backward({}, resting, X).dx is X
    assert "mask" in layer.equations()["a"]
    assert layer.equations(training=False) == {"a": "x", "dx": "da"}


def test_activation_layer():
    layer = ActivationLayer(LeakyReLU(0.5))
    saved = layer.forward({}, X)
    assert saved.a.tolist() == [[1.0, 2.0, 4.0], [0.5, -0.5, 3.0]]
    assert layer.backward({}, saved, 2 * X).dx.tolist() == [[2.0, 4.0, 8.0], [1.0, -1.0, 6.0]]


# ---- the hash behind dropout --------------------------------------------------------------------


def splitmix(key: int) -> int:
    """Return splitmix64's next number, in Python integers."""
    bits = 2**64 - 1
    key = (key + 0x9E3779B97F4A7C15) & bits
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & bits
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & bits
    return key ^ (key >> 31)


def test_dropout_hash_is_splitmix():
    assert splitmix(0) == 0xE220A8397B1DCDAF  # the published first number of seed 0


def test_dropout_masks():
    seed, step, layer, rate = 2**63 + 5, 11, 2, 0.3
    mask = dropout_mask(seed, step, layer, (4, 6), rate)
    for sample in range(4):
        for unit in range(6):
            key = 0
            for part in (seed, step, layer, sample, unit):
                key = splitmix((key + part) % 2**64)
            assert mask[sample, unit] == (key >= rate * 2**64)
    assert mask.dtype == np.uint8
    golden = dropout_mask(0, 0, 0, (8, 8), 0.5)
    assert np.packbits(golden).tobytes().hex() == "5e6e7840d206792f"


# ---- penalty and weights ------------------------------------------------------------------------


def test_penalty():
    penalty, w = Penalty(l1=0.1, l2=0.2, alpha=3.0), np.array([[1.0, -2.0], [0.0, 0.5]])
    value = 0.1 * 3.5 + 0.2 * 5.25 + 3.0 * 5.25 / (2 * 10)
    assert float(penalty.value([w], 10.0)) == near(value)
    assert float(penalty.value([w[0], w[1]], 10.0)) == near(value)
    slopes = [s * 0.1 + 0.4 * v + 0.3 * v for s, v in ((1, 1.0), (-1, -2.0), (0, 0.0), (1, 0.5))]
    assert penalty.gradient(w, 10.0).ravel().tolist() == near(slopes)
    assert [bool(p) for p in (Penalty(), Penalty(1), Penalty(0, 1), Penalty(0, 0, 1))] == [
        False,
        True,
        True,
        True,
    ]


def test_sample_weights():
    weight, total = normalize_weights([1.0, 2.0, 5.0], 3, "float64")
    assert weight is not None
    assert weight.tolist() == near([0.375, 0.75, 1.875])
    assert total == 8.0
    assert normalize_weights(None, 3, "float64") == (None, 3.0)


# ---- the passes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_ACTIVATIONS)
def test_gradient_of_activations(name):
    assert worst_error(case(name, layers="activation", width=2, rows=2)) < 1e-12


@pytest.mark.parametrize("name", ALL_LOSSES)
def test_gradient_of_losses(name):
    drawn = case(loss=name, layers="single", weighted=True, penalty=PENALTY)
    assert worst_error(drawn) < 1e-12


@pytest.mark.parametrize("name", STACKS)
def test_gradient_of_layers(name):
    assert worst_error(case(layers=name, rows=2)) < 1e-12


@pytest.mark.parametrize("name", PAIRS)
def test_equations_of_optimizers(name):
    drawn = case(layers="all", weighted=True, penalty=PENALTY, trainable=("W",), dtype="float32")
    assert_agree(drawn, tuned(name, learning_rate=WarmUp(2, 0.05), clip=ClipNorm(0.5)))
    assert_agree(case(layers="single"), tuned(name, clip=ClipValue(0.05)))


@pytest.mark.parametrize("name", ALL_LOSSES)
def test_equations_of_losses(name):
    assert_agree(case(loss=name, layers="single", weighted=True), SGD(0.1))
    assert_agree(case(loss=name, layers="single"), SGD(0.1))
    assert_agree(exact_fit(name), SGD(0.1))


@pytest.mark.parametrize(("activation", "loss"), VARIANTS)
def test_with_other_constants(activation, loss):
    drawn = case(activation, loss, "single", rows=8)
    assert worst_error(drawn) < 1e-12
    assert_agree(drawn, SGD(0.1))


def test_nan():
    assert undetected(case("relu", layers="all", width=2, rows=2)) == []


# Exactly at a kink, such as with zero biases, value and gradient use the same slope.


def test_kinks_of_activations():
    z = np.zeros(2)
    for f in (*ACTIVATIONS.values(), ELU(0.5)):
        assert elementwise_derivative(f, z).tolist() == near(f.derivative(z, f(z)).tolist())


@pytest.mark.parametrize("name", LOSSES)
def test_kinks_of_losses(name):
    loss, t = LOSSES[name], np.array([[0.25, 0.75]])
    slopes = complex_step(lambda o: loss.value(o[None], t), t[0])
    assert slopes.tolist() == near(loss.gradient(t, t)[0])


def test_kinks_of_the_penalty():
    drawn = case(layers="single", penalty=PENALTY)
    theta = drawn.theta.copy()
    theta[::2] = 0.0
    drawn = drawn._replace(theta=theta)
    assert worst_error(drawn) < 1e-12
    assert_agree(drawn, SGD(0.05))


MAZUR = mlp(2, 2, 2, activation="logistic", loss="squared-error", train_biases=False)
THETA = MAZUR.pack(
    W=[[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]], b=[[0.35] * 2, [0.60] * 2]
)
NEW_WEIGHTS = [
    0.149780716132763,
    0.199561432265526,
    0.249751143632370,
    0.299502287264739,
    0.35,
    0.35,
    0.358916479717885,
    0.408666186076233,
    0.511301270238738,
    0.561370121107989,
    0.60,
    0.60,
]


def test_mazur():
    batch = MAZUR.batch(THETA, [0.05, 0.10], [0.01, 0.99])
    trace = MAZUR.run(THETA, batch)
    assert float(trace.value) == pytest.approx(0.2983711087600027, rel=0, abs=1e-15)
    step = wire(MAZUR, THETA, batch, SGD(0.5))
    assert step.theta_new.tolist() == pytest.approx(NEW_WEIGHTS, rel=0, abs=1e-15)
    wrong = wire(MAZUR, THETA, batch, SGD(0.5), replace={("not-first", "dx"): "delta @ W_new"})
    assert f"{wrong.theta_new[0]:.12f}" == "0.149817638561"


@pytest.mark.parametrize(
    ("where", "reached"),
    [
        ("all", [0, 1, 2]),
        ("hidden", [0, 1]),
        ("output", [2]),
        ("not-first", [1, 2]),
        (2, [1]),
        ("3", [2]),
    ],
)
def test_places_of_equations(where, reached):
    drawn = case()
    step = wire(drawn.network, drawn.theta, drawn.batch, replace={(where, "delta"): "da"})
    assert [i for i in range(3) if step.layers[i].equations["delta"] == "da"] == reached
    assert [step.scope(f"layer{i}") for i in (1, 2, 3)] == list(step.layers)
    assert step.penalty["value"] == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "above.delta @ above.W * df(z, a)",
        "above.dx * df(below.a @ W.T + b, a)",
        "da * df(input.a @ W1.w.T + b1.w, a) + 0 * last.a * loss.value",
    ],
)
def test_equations_see_their_neighbors(text):
    drawn = case()
    right = wire(drawn.network, drawn.theta, drawn.batch)
    other = wire(drawn.network, drawn.theta, drawn.batch, replace={("1", "delta"): text})
    assert same_bits(other.gradient, right.gradient)


def test_equations_with_state():
    # momentum, added to gradient descent as an additional state
    added: Replacements = {
        ("optimizer", "u_new"): "0.8 * u - learning_rate * g",
        ("optimizer", "w_new"): "w + u_new",
        ("1", "kept_new"): "kept + 1",
        ("1", "dx"): "delta @ W * (kept_new / kept_new)",
    }
    drawn, rule = case(), Momentum(0.1, momentum=0.8)
    network, theta, memory = drawn.network, drawn.theta, {}
    state = rule.start(theta, network.layout)
    for k in range(3):
        step = wire(network, theta, drawn.batch, SGD(0.1), replace=added, values=memory)
        theta, state = rule.step(theta, network.run(theta, drawn.batch).gradient, state)
        assert same_bits(step.theta_new, theta)
        memory = step.memory()
        assert memory["layer1"]["kept"] == k + 1
        assert same_bits(memory["b1"]["u"], network.layout.blocks[1].view(state.slots[0]))


def test_trace_is_consistent():
    drawn = case(layers="all", weighted=True, penalty=PENALTY)
    trace = drawn.trace()
    assert trace.value == trace.data_loss + trace.penalty
    assert trace.penalty > 0
    weight = drawn.batch.weight
    assert weight is not None
    assert float(trace.data_loss) == near(float((weight[:, None] * trace.terms).sum() / 4))
    assert same_bits(drawn.value(drawn.theta), trace.value)


# ---- training -----------------------------------------------------------------------------------


def test_three_updates_by_hand():
    # one weight, no bias: w − learning rate · mean of (w x − t) x over the batch
    network = mlp(1, 1, activation="identity", loss="squared-error", bias=False)
    x, t = [[1.0], [2.0], [3.0]], [2.0, 1.0, -1.0]
    w, losses = 0.5, []
    for rows in ((0, 1), (2,)):
        errors = [w * x[i][0] - t[i] for i in rows]
        losses.append(sum(e * e / 2 for e in errors))
        w -= 0.1 * sum(e * x[i][0] for e, i in zip(errors, rows, strict=True)) / len(rows)
    run = train(network, x, t, SGD(0.1), theta=[0.5], epochs=1, batch_size=2, shuffle=False)
    record = run.finish()
    assert run.theta.tolist() == near([w])
    assert record.loss == near(sum(losses) / 3)
    assert (record.epoch, record.step, record.learning_rate) == (1, 2, 0.1)


def test_batches():
    batches = Batches(4)
    assert [batches.count(n) for n in (1, 4, 5, 8, 9)] == [1, 1, 2, 2, 3]
    order = batches.order(9, 3, 1)
    assert sorted(order) == list(range(9))
    assert order.tolist() != batches.order(9, 3, 2).tolist()
    data = MAZUR.batch(THETA, np.arange(18.0).reshape(9, 2), np.ones((9, 2)), np.arange(1.0, 10.0))
    parts = [batches.take(data, order, place) for place in range(3)]
    assert np.array_equal(np.concatenate([part.x for part in parts]), data.x[order])
    given = (order + 1.0).tolist()
    sums = [sum(given[:4]), sum(given[4:8]), sum(given[8:])]
    assert [part.total for part in parts] == near(sums)
    assert batches.take(data._replace(weight=None), order, 2).total == 1.0


def test_stopped_and_continued():
    network = mlp(2, 3, 1, activation="tanh", loss="squared-error", dropout=0.3)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(7, 2)), rng.normal(size=7)
    # `epoch` is the reference engine's, so both runs are too: each engine has its own last bits
    settings: dict[str, Any] = {"batch_size": 3, "seed": 5, "engine": "reference"}
    whole = train(network, x, t, Adam(0.01), epochs=4, **settings)
    whole.finish()
    half = train(network, x, t, Adam(0.01), epochs=4, **settings)
    for state in run_epoch(network, Adam(0.01), half.data, half.settings.batches, half.state):
        kept = State.from_dict(state.to_dict())
        assert (
            kept.to_dict().keys()
            == state.to_dict().keys()
            == set(State._fields)
            - {
                "slots",
                "best_score",
                "best_theta",
            }
            | {"slot0", "slot1"}
        )
        rest = train(network, x, t, Adam(0.01), epochs=4 - kept.epoch, state=kept, **settings)
        rest.finish()
        assert same_bits(rest.theta, whole.theta)
        losses = [r.loss for r in whole.history]
        assert [r.loss for r in rest.history] == losses[kept.epoch :]
    assert whole.state.step == 12
    masks = network.masks(4, MaskSeed(5, 1))
    assert masks[1] is not None
    assert same_bits(masks[1], dropout_mask(5, 1, 1, (4, 3), 0.3))


def test_early_stopping():
    network = mlp(1, 1, activation="identity", loss="squared-error", bias=False)
    settings: dict[str, Any] = {"theta": [0.0], "epochs": 50, "validation": ([[1.0]], [0.35])}
    run = train(network, [[1.0]], [1.0], SGD(0.1), early_stopping=EarlyStopping(3), **settings)
    run.finish()
    # w = 1 − .9^k: .1, .19, .271, .3439 (the best), .40951, .468559, .5217031
    assert run.reason == "early stopping"
    assert run.state.epoch == 7
    assert run.theta.tolist() == near([0.3439])
    assert [r.validation_loss for r in run.history][:2] == near([0.25**2 / 2, 0.16**2 / 2])


def test_metrics():
    accuracy, r2 = METRICS["accuracy"], METRICS["r2"]
    one = np.array([[0.4], [0.6], [0.9], [0.1], [0.2]])
    assert accuracy(one, np.array([[0.0], [1.0], [0.0], [1.0], [0.0]])) == 0.6
    rows = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    assert accuracy(rows, np.eye(3)[[1, 0, 0, 2]]) == 0.5
    p, t = (
        np.array([[1.0, 0.0], [2.0, 2.0], [4.0, 1.0]]),
        np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 2.0]]),
    )
    assert r2(p, t) == near((1 - 1 / 2 + 1 - 2 / 2) / 2)
    assert r2(t, t) == 1.0


# ---- derivatives --------------------------------------------------------------------------------


def test_complex_step():
    assert complex_step(lambda w: w[0] ** 3 * w[1], np.array([2.0, 5.0])).tolist() == [60.0, 8.0]


def test_central_difference():
    smooth = central_difference(math.sin, 1.0)
    assert abs(smooth.value - math.cos(1.0)) <= smooth.error < 1e-9
    assert not smooth.kink
    assert central_difference(lambda x: abs(x - 1.0), 1.0 + 1e-4).kink


def test_check_gradient():
    def value(w: Array) -> Array:
        return np.sum(w**4)

    theta = np.array([0.5, -1.0, 2.0])
    right = 4 * theta**3
    assert check_gradient(value, right, theta).ok
    for i in range(3):
        wrong = right.copy()
        wrong[i] *= 1 + 1e-6
        report = check_gradient(value, wrong, theta)
        assert not report.ok
        assert report.worst.name == f"theta[{i}]"
    assert MAZUR.check_gradient(THETA, [0.05, 0.10], [0.01, 0.99]).ok


def test_networks():
    network = Network(3, (Dense(4, "relu"), LayerNorm(), Dropout(), Dense(2, "tanh")), "huber")
    assert network.widths == (3, 4, 4, 4, 2)
    assert network.labels == ("1", "2", "dropout1", "3")
    blocks = [(b.name, b.shape, b.start, b.stop) for b in network.layout.blocks]
    assert blocks == [
        ("W1", (4, 3), 0, 12),
        ("b1", (4,), 12, 16),
        ("W2", (4,), 16, 20),
        ("b2", (4,), 20, 24),
        ("W3", (2, 4), 24, 32),
        ("b3", (2,), 32, 34),
    ]
    assert network.layout.trainable.all()
    first = network.views(network.initialize(0))
    assert first["W2"].tolist() == [1.0] * 4
    assert not any(first[name].any() for name in ("b1", "b2", "b3"))
    stacked = mlp(2, 3, 1, activation="tanh", loss="huber", dropout=0.2, layer_norm=True)
    kinds = (Dense(3, "tanh"), LayerNorm(), Dropout(0.2), Dense(1, "tanh"))
    assert stacked.layers == kinds
    assert mlp(2, 3, 1, activation="tanh", loss="huber").layers == (kinds[0], kinds[3])
    frozen = Network(3, (LayerNorm(trainable=("W",)), Dense(1, "tanh", trainable=())), "huber")
    assert frozen.layout.trainable.tolist() == [True] * 3 + [False] * 7
