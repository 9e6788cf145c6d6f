"""The gradient check: right gradients pass, wrong ones fail, and undecidable entries are unsure.

Some test functions are difficult on purpose, to provoke false alarms and undetected mistakes.
"""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from chainrule import (
    Dense,
    Dropout,
    GradientReport,
    Initializer,
    Layer,
    LayerNorm,
    Network,
    Penalty,
    check_gradient,
    gradcheck,
    mlp,
)
from chainrule.derivatives import Difference
from chainrule.errors import InputError
from chainrule.gradcheck import Entry
from chainrule.layers import DenseGradients, LayerNormGradients

Array: TypeAlias = Any
Value: TypeAlias = Callable[[Array], Any]
Gradient: TypeAlias = Callable[[Array], Array]

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
SHAPES = {"W": (3, 3), "b": (3,)}
THETA = RNG.normal(size=12)


# ---- a custom model: the mean over samples of ½ Σ (x Wᵀ + b − t)² --------------------------------


def residual(theta: Array) -> Array:
    W, b = theta[:9].reshape(3, 3), theta[9:]
    return X.astype(W.dtype) @ W.T + b - T.astype(W.dtype)


def value(theta: Array) -> Any:
    return np.sum(residual(theta) ** 2) / 2 / len(X)


def gradient(theta: Array) -> Array:
    delta = residual(theta) / len(X)
    return np.concatenate([(delta.T @ X).ravel(), np.sum(delta, axis=0)])


def transposed(g: Array) -> Array:
    return np.concatenate([g[:9].reshape(3, 3).T.ravel(), g[9:]])


# Changes that make a right gradient wrong, and the arrays that are wrong afterwards.
WRONG: dict[str, tuple[Gradient, set[str]]] = {
    "sign": (lambda g: -g, {"W", "b"}),
    "factor": (lambda g: (1 + 1e-4) * g, {"W", "b"}),
    "transposed": (transposed, {"W"}),
    "one entry": (lambda g: g + 1e-3 * np.eye(12)[5], {"W"}),
    "no bias": (lambda g: np.r_[g[:9], 0, 0, 0], {"b"}),
    "bias of the last sample": (lambda g: np.r_[g[:9], residual(THETA)[-1] / 6], {"b"}),
    "zero": (lambda g: 0 * g, {"W", "b"}),
    "NaN": (lambda g: np.where(np.arange(12) == 3, np.nan, g), {"W"}),
    "infinite": (lambda g: np.where(np.arange(12) == 10, np.inf, g), {"b"}),
}

# The same value computed in several ways, and the method that can be used for each.
STYLES: dict[str, tuple[Value, str]] = {
    "complex": (value, "complex step"),
    "maximum": (lambda w: np.sum(np.maximum(residual(w), -99) ** 2) / 12, "complex step"),
    "float": (lambda w: float(value(w)), "central differences"),
    "fsum": (lambda w: math.fsum(map(float, residual(w).ravel() ** 2)) / 12, "central differences"),
    "absolute": (lambda w: np.sum(np.abs(residual(w)) ** 2) / 12, "central differences"),
    "conjugate": (
        lambda w: (residual(w) * residual(w).conj()).sum().real / 12,
        "central differences",
    ),
    "norm": (lambda w: np.linalg.norm(residual(w)) ** 2 / 12, "central differences"),
    "real part": (lambda w: value(np.real(w)), "central differences"),
    "variance": (
        lambda w: (np.var(residual(w)) + np.mean(residual(w)) ** 2) * 1.5,
        "central differences",
    ),
}


def faulty(report: GradientReport) -> set[str]:
    """Return the arrays in which a report finds wrong entries."""
    return {e.name.split("[", maxsplit=1)[0] for e in report.entries if e.verdict == "wrong"}


@pytest.mark.parametrize("style", STYLES)
def test_right_gradients_pass(style: str):
    styled, method = STYLES[style]
    report = check_gradient(styled, gradient, THETA, arrays=SHAPES)
    assert report
    assert report.ok
    assert report.method == method
    assert {e.verdict for e in report.entries} == {"right"}
    assert [e.name for e in report.entries][::9] == ["W[0,0]", "b[0]"]
    assert len(report.entries) == report.total == 12


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_gradients_fail(style: str, mistake: str):
    wrong, arrays = WRONG[mistake]
    report = check_gradient(STYLES[style][0], lambda w: wrong(gradient(w)), THETA, arrays=SHAPES)
    assert not report
    assert not report.ok
    assert faulty(report) == arrays
    assert report.worst.verdict == "wrong"


def test_gradient_may_be_an_array_or_a_list():
    assert check_gradient(value, gradient(THETA), THETA)
    assert check_gradient(value, gradient(THETA).tolist(), THETA.tolist())
    assert not check_gradient(value, -gradient(THETA), THETA)


def test_theta_is_not_changed_by_functions_that_write_to_it():
    theta = THETA.copy()

    def overwriting(w: Array) -> Array:
        g = gradient(w)
        w[:] = 0
        return g

    assert check_gradient(value, overwriting, theta)
    np.testing.assert_array_equal(theta, THETA)


@pytest.mark.parametrize("place", range(40))
def test_complex_step_that_is_wrong_in_one_entry_is_not_used(place: int):
    theta = np.linspace(-2, 2, 40)

    def partly_absolute(w: Array) -> Any:
        return np.sum(w**3) + np.abs(w[place])

    right = 3 * theta**2 + np.sign(theta) * np.eye(40)[place]
    assert check_gradient(partly_absolute, right, theta)
    wrong = right + np.eye(40)[place - 1]
    assert faulty(check_gradient(partly_absolute, wrong, theta)) == {"theta"}


@pytest.mark.parametrize("error", [3e-6, 1e-4])
def test_complex_step_with_a_small_relative_error_is_not_used(error: float):
    """Central differences detect a wrong gradient that agrees with a wrong complex step."""
    theta = np.array([0.5, -1.25, 2.0])

    def value(w: Array) -> Any:  # its complex step is too large by a relative error
        return np.sum(w.real**3 + 1j * w.imag * 3 * w.real**2 * (1 + error))

    report = check_gradient(
        lambda w: value(w) if np.iscomplexobj(w) else value(w).real,
        3 * theta**2 * (1 + error),
        theta,
    )
    assert report.method == "central differences"
    assert [entry.verdict for entry in report.entries] == ["wrong"] * 3


def test_complex_step_that_agrees_with_central_differences_is_used():
    report = check_gradient(lambda w: np.sum(w**3), lambda w: 3 * w**2, [0.5, -1.25, 2.0])
    assert report.method == "complex step"
    assert report.ok


@pytest.mark.parametrize("array", ["W1", "b1", "W2"])
def test_complex_step_with_the_same_error_as_the_gradient_is_not_used(array: str):
    theta = np.linspace(-2, 2, 80)
    shapes = {"W1": (7, 10), "b1": (7,), "W2": (3, 1)}
    start, stop = {"W1": (0, 70), "b1": (70, 77), "W2": (77, 80)}[array]

    def penalized(w: Array) -> Any:
        return np.sum(w**3) + np.sum(np.abs(w[start:stop]))

    incomplete = 3 * theta**2  # like the complex step, for which |w| is constant
    assert faulty(check_gradient(penalized, incomplete, theta, arrays=shapes)) == {array}


# ---- tolerances ----------------------------------------------------------------------------------
# Each test fails if the tolerance in its docstring is increased by a factor of 1,000.


@pytest.mark.parametrize("share", [2e-5, 1e-4])
def test_complex_step_that_misses_a_small_term_is_not_used(share: float):
    """AGREE_RELATIVE: the complex step misses the slope of ``|w|``, a small part of the sum."""
    theta = np.linspace(0.5, 2, 6)

    def partly_absolute(w: Array) -> Any:
        return np.sum(w + share * np.abs(w))

    report = check_gradient(partly_absolute, np.full(6, 1 + share), theta)
    assert report.ok
    assert report.method == "central differences"
    assert faulty(check_gradient(partly_absolute, np.ones(6), theta)) == {"theta"}


def test_wide_error_bars_do_not_confirm_a_wrong_complex_step():
    """AGREE_ERRORS: rounding of a large constant widens the error bars, here to about 1e-8."""
    theta = np.array([0.7, 1.1, 1.6])

    def offset(w: Array) -> Any:
        return 1e6 + np.sum(w + 1e-5 * np.abs(w))

    report = check_gradient(offset, np.full(3, 1 + 1e-5), theta)
    assert min(e.error for e in report.entries) > 1e-9
    assert report.ok
    assert report.method == "central differences"


@pytest.mark.parametrize("wrap", [np.asarray, float], ids=["complex", "float"])
def test_relative_error_of_a_millionth_is_wrong(wrap: Callable[[Any], Any]):
    """RELATIVE: an error of a ten-millionth is allowed."""
    right = 3 * THETA**2
    report = check_gradient(lambda w: wrap(np.sum(w**3)), right * (1 + 1e-6), THETA)
    assert [e.verdict for e in report.entries] == ["wrong"] * 12


def test_error_in_a_small_derivative_next_to_a_large_one_is_wrong():
    """OF_ARRAY: the second derivative is a millionth of the first, and 1 % too large."""
    report = check_gradient(lambda w: w[0] + 1e-6 * w[1], [1.0, 1.01e-6], [0.3, 0.8])
    assert [e.verdict for e in report.entries] == ["right", "wrong"]


def test_differences_beyond_three_error_bars_are_wrong():
    """The error bars are about 1e-10 here, and the difference of 3e-7 is beyond them."""
    report = check_gradient(lambda w: float(1e4 + w[0]), [1 + 3e-7], [0.7])
    assert 6e-11 < report.entries[0].error < 6e-8
    assert [e.verdict for e in report.entries] == ["wrong"]


# ---- precision -----------------------------------------------------------------------------------

SINGLE: dict[str, Value] = {
    "returns float32": lambda w: value(w.astype(np.float32)),
    "returns a float": lambda w: float(value(w.astype(np.float32))),
    "float32 at the end": lambda w: float(np.float32(value(w))),
}


@pytest.mark.parametrize("style", SINGLE)
@pytest.mark.parametrize("seed", range(8))
def test_float32_gives_no_false_alarms_and_detects_mistakes(style: str, seed: int):
    theta = np.random.default_rng(seed).normal(size=12)
    report = check_gradient(SINGLE[style], gradient, theta, arrays=SHAPES)
    assert faulty(report) == set()
    assert report.notes[0] == "value computes in float32: few digits remain"
    assert min(e.error for e in report.entries) > 1e-7
    for mistake in ("sign", "zero", "no bias", "transposed"):
        wrong, arrays = WRONG[mistake]
        report = check_gradient(SINGLE[style], wrong(gradient(theta)), theta, arrays=SHAPES)
        assert faulty(report) == arrays


def test_slopes_lost_in_rounding_are_unsure():
    report = check_gradient(lambda w: np.float32(1 + 1e-6 * w[0]), [1e-6], [1.0])
    assert [e.verdict for e in report.entries] == ["unsure"]
    assert not report.ok
    assert str(report).startswith("gradient not judged: 1 of 1 entries by central differences")
    assert "1 entries have error bars too wide to judge; compute value in float64" in str(report)


def test_float32_theta_is_checked_in_float64():
    seen = []

    def recorded(w: Array) -> Any:
        seen.append(w.dtype)
        return value(w)

    report = check_gradient(recorded, gradient, THETA.astype(np.float32))
    assert report.ok
    assert report.method == "complex step"
    assert set(seen) == {np.dtype("float64"), np.dtype("complex128")}
    assert report.notes == (
        "theta was float32: checked in float64, since float32 leaves 3 or 4 digits",
    )


@pytest.mark.parametrize("factor", [1e-8, 1e-3, 1e3, 1e8])
@pytest.mark.parametrize("style", ["complex", "float"])
def test_scale_does_not_matter(factor: float, style: str):
    styled, _ = STYLES[style]
    right = factor * gradient(THETA)
    assert check_gradient(lambda w: factor * styled(w), right, THETA)
    assert not check_gradient(lambda w: factor * styled(w), (1 + 1e-4) * right, THETA)


@pytest.mark.parametrize("style", ["complex", "float"])
def test_large_parameters(style: str):
    styled, _ = STYLES[style]
    assert check_gradient(lambda w: styled(w / 1e6), gradient(THETA) / 1e6, THETA * 1e6)
    assert not check_gradient(lambda w: styled(w / 1e6), gradient(THETA) / 1e5, THETA * 1e6)


# ---- zeros and kinks -----------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [np.asarray, float], ids=["complex", "float"])
def test_zero_derivatives_with_zero_gradients_are_right(wrap: Callable[[Any], Any]):
    report = check_gradient(
        lambda w: wrap(np.exp(w[0]) + 0 * w[1] + (w[2] + 1 / 3) - w[2]),
        lambda w: np.array([np.exp(w[0]), 0.0, 0.0]),
        [0.3, 0.2, 0.1],
        arrays={"a": (1,), "dead": (1,), "canceled": (1,)},
    )
    assert [e.verdict for e in report.entries] == ["right"] * 3
    assert report.entries[1].relative == 0
    constant = check_gradient(lambda w: wrap(3.0 + 0 * w[0]), lambda w: 0 * w, [1.0, 2.0])
    assert constant.ok


def relu(w: Array) -> Array:
    return np.where(np.real(w) > 0, w, 0 * w)


def upper_relu(w: Array) -> Array:
    return np.where(np.real(w) < 0, 0 * w, w)


@pytest.mark.parametrize("wrap", [np.asarray, float], ids=["complex", "float"])
@pytest.mark.parametrize("f", [relu, upper_relu])
@pytest.mark.parametrize("at_kink", [0.0, 0.5, 1.0])
def test_any_slope_at_a_kink_is_accepted(
    wrap: Callable[[Any], Any], f: Callable[[Array], Array], at_kink: float
):
    theta = np.array([0.0, 1.5, -0.7, 0.0, 2.0])
    slopes = np.where(theta > 0, 1.0, np.where(theta < 0, 0.0, at_kink))
    report = check_gradient(lambda w: wrap(np.sum(f(w))), slopes, theta)
    assert report.ok
    assert {e.verdict for e in report.entries} <= {"right", "kink"}
    assert {e.verdict for e in report.entries[1:3]} == {"right"}
    kinks = sum(e.verdict == "kink" for e in report.entries)
    note = f"{kinks} entries lie at a kink, where there is no single slope: not judged"
    assert report.notes == ((note,) if kinks else ())
    wrong = slopes + np.eye(5)[1]
    assert not check_gradient(lambda w: wrap(np.sum(f(w))), wrong, theta)


def test_kinks_near_the_point_give_no_false_alarms():
    theta = np.array([1e-5, -1e-5, 3e-6, 0.8])
    report = check_gradient(lambda w: float(np.sum(np.abs(w))), np.sign(theta), theta)
    assert [e.verdict for e in report.entries] == ["kink", "kink", "kink", "right"]
    assert report.worst.name == "theta[3]"


def test_nan_at_a_kink_is_wrong():
    report = check_gradient(lambda w: float(np.sum(np.abs(w))), [math.nan, 1.0], [0.0, 1.0])
    assert faulty(report) == {"theta"}


def test_report_with_only_kinks_is_not_ok():
    report = check_gradient(lambda w: float(np.sum(np.abs(w))), [1.0, 1.0], [0.0, 0.0])
    assert not report.ok
    assert str(report).startswith("gradient not judged: 2 of 2 entries")


def test_steep_slopes_are_not_mistaken_for_kinks():
    def steep(w: Array) -> float:
        return float(np.sum(np.tanh(50 * np.real(w))))

    theta = np.array([0.01, 0.02, -0.005, 0.3])
    right = 50 / np.cosh(50 * theta) ** 2
    assert check_gradient(steep, right, theta)
    report = check_gradient(steep, 1.001 * right, theta)
    assert [e.verdict for e in report.entries[:3]] == ["wrong"] * 3


def test_domain_that_ends_nearby_gives_no_false_alarms():
    def root(w: Array) -> float:
        return float(np.sqrt(w[0])) if w[0] >= 0 else math.nan

    assert check_gradient(root, lambda w: 0.5 / np.sqrt(w), [0.01])
    assert faulty(check_gradient(root, [0.5 / math.sqrt(1e-9)], [1e-9])) == set()


# ---- networks ------------------------------------------------------------------------------------


class NonzeroUniform(Initializer):
    """Draws distinct numbers away from 0, since zeros could hide a mistake."""

    def __call__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return rng.uniform(0.2, 0.9, shape) * rng.choice([-1, 1], shape)


def net_of(*, penalty: Penalty | None = None, trainable: bool = True) -> Network:
    """Return a 3-4-4-2 network with every kind of layer."""
    layers: list[Layer] = [
        Dense(4, "tanh", NonzeroUniform(), NonzeroUniform(), trainable=trainable),
        LayerNorm(),
        Dropout(0.3),
        Dense(4, "softplus", NonzeroUniform(), NonzeroUniform()),
        Dense(2, "identity", NonzeroUniform(), NonzeroUniform()),
    ]
    return Network(3, tuple(layers), "squared-error", penalty or Penalty())


NET_X, NET_T = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
WEIGHTS = [1.0, 2.0, 0.5, 3.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "net",
    [
        net_of(),
        net_of(trainable=False),
        net_of(penalty=Penalty(l1=0.1, l2=0.2, alpha=0.3)),
        mlp(3, 4, 2, activation="relu", loss="huber", layer_norm=True, dropout=0.5),
    ],
    ids=["every layer", "frozen", "penalty", "mlp"],
)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_networks(net: Network, weights: list[float] | None, dtype: str):
    theta = net.initialize(1, dtype)
    before = theta.tobytes()
    report = net.check_gradient(theta, NET_X, NET_T, weights)
    times = 3 if net.penalty else 2
    assert report.ok, str(report)
    assert report.method == "complex step"
    assert report.total == times * net.layout.size
    assert len(report.entries) == report.total
    assert theta.tobytes() == before


def test_network_is_also_checked_after_some_steps_and_with_its_penalty():
    net = net_of(penalty=Penalty(l2=0.1))
    names = [e.name for e in net.check_gradient(net.initialize(0), NET_X, NET_T).entries]
    places = ["W1[0,0]", "b1[0]", "W2[0]", "b2[0]", "W3[0,0]", "b3[0]", "W4[0,0]", "b4[0]"]
    for where in ("", "after 10 steps ", "with penalty "):
        assert {f"{where}{place}" for place in places} <= set(names)


def test_relu_network_at_a_kink_passes():
    net = mlp(2, 4, 1, activation="relu", loss="squared-error", output="identity")
    x, t = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]  # z = 0 for the first sample
    for seed in range(5):
        assert net.check_gradient(net.initialize(seed), x, t).ok


def test_penalty_at_its_kink_passes():
    net = mlp(2, 2, activation="tanh", loss="squared-error", penalty=Penalty(l1=0.5))
    assert net.check_gradient(net.pack(W=[np.zeros((2, 2))]), [[1, 2]], [[0.1, 0.2]]).ok


class Pass(NamedTuple):
    """The inputs and the right gradients of a backward pass."""

    right: DenseGradients
    W: Array
    saved: Any
    da: Array


def dense_grads(name: str, wrong: Callable[[Pass], Array]) -> Callable[..., DenseGradients]:
    """Return a backward pass of Dense in which one gradient is wrong."""
    backward = Dense.backward

    def broken(self: Dense, params: Any, saved: Any, da: Array) -> DenseGradients:
        right = backward(self, params, saved, da)
        return right._replace(**{name: wrong(Pass(right, params["W"], saved, da))})

    return broken


BROKEN_DENSE: dict[str, Callable[..., DenseGradients]] = {
    "dW nearly right": dense_grads("dW", lambda p: p.right.dW * (1 + 1e-6)),
    "dW without the derivative": dense_grads("dW", lambda p: p.da.T @ p.saved.x),
    "dW from the output": dense_grads("dW", lambda p: p.right.dW * np.mean(p.saved.a)),
    "db of the last sample": dense_grads("db", lambda p: p.right.delta[-1]),
    "db forgotten": dense_grads("db", lambda p: 0 * p.right.db),
    "dx twice": dense_grads("dx", lambda p: 2 * p.right.dx),
    "dx without the derivative": dense_grads("dx", lambda p: p.da @ p.W),
    "dx through dW": dense_grads("dx", lambda p: p.right.delta @ p.right.dW),
    "NaN": dense_grads("dW", lambda p: p.right.dW * math.nan),
}


@pytest.mark.parametrize("mistake", BROKEN_DENSE)
def test_wrong_dense_layer_is_detected(mistake: str, monkeypatch: pytest.MonkeyPatch):
    net = mlp(3, 4, 4, 2, activation="tanh", loss="squared-error", initializer=NonzeroUniform())
    theta = net.initialize(0)
    assert net.check_gradient(theta, NET_X, NET_T)
    monkeypatch.setattr(Dense, "backward", BROKEN_DENSE[mistake])
    report = net.check_gradient(theta, NET_X, NET_T)
    assert not report
    arrays = {e.name[:2] for e in report.entries if e.verdict == "wrong" and "after" not in e.name}
    own = {"dW": {"W1", "W2", "W3"}, "db": {"b1", "b2", "b3"}, "NaN": {"W1", "W2", "W3"}}
    assert arrays == own.get(mistake[:3].strip(), {"W1", "b1", "W2", "b2"})


def test_wrong_backward_passes_of_other_layers_are_detected(monkeypatch: pytest.MonkeyPatch):
    net = net_of()
    theta = net.initialize(0)

    def without_means(self: LayerNorm, params: Any, saved: Any, da: Array) -> LayerNormGradients:
        dxhat = da * params["W"]
        return LayerNormGradients(
            dxhat, np.sum(da * saved.xhat, axis=0), np.sum(da, axis=0), saved.r * dxhat
        )

    with monkeypatch.context() as patch:
        patch.setattr(LayerNorm, "backward", without_means)
        assert faulty(net.check_gradient(theta, NET_X, NET_T)) >= {"W1", "b1"}
    right = Dropout.backward

    def without_mask(self: Dropout, params: Any, saved: Any, da: Array) -> Any:
        return right(self, params, saved._replace(mask=None), da)

    monkeypatch.setattr(Dropout, "backward", without_mask)
    assert faulty(net.check_gradient(theta, NET_X, NET_T)) >= {"W1", "b1", "W2", "b2"}


def test_wrong_penalty_is_distinguished_from_the_loss(monkeypatch: pytest.MonkeyPatch):
    net = net_of(penalty=Penalty(l2=1e-3))
    monkeypatch.setattr(
        Penalty, "gradient", lambda self, w, _: self.l2 * w
    )  # the factor 2 is missing
    report = net.check_gradient(net.initialize(0), NET_X, NET_T)
    assert faulty(report) == {"with penalty W1", "with penalty W3", "with penalty W4"}


def test_mistake_hidden_by_initial_zeros_is_found_after_some_steps(
    monkeypatch: pytest.MonkeyPatch,
):
    net = mlp(3, 4, 2, activation="tanh", loss="squared-error")
    W = [RNG.normal(size=(4, 3)), np.zeros((2, 4))]  # zeros pass no gradient to the layer below
    monkeypatch.setattr(Dense, "backward", BROKEN_DENSE["dx twice"])
    report = net.check_gradient(net.pack(W), NET_X, NET_T)
    assert faulty(report) == {"after 10 steps W1", "after 10 steps b1"}


def test_large_network_is_sampled_in_every_array():
    net = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
    theta = net.initialize(0)
    x, t = RNG.uniform(size=(64, 784)), RNG.integers(0, 10, 64)
    with threadpool_limits(1):  # CPU time of one thread, independent of other processes
        began = time.process_time()
        report = net.check_gradient(theta, x, t)
        seconds = time.process_time() - began
    assert report.ok
    for where in ("", "after 10 steps "):
        for array, most in {"W1": 24, "b1": 24, "W2": 24, "b2": 10}.items():
            assert sum(e.name.startswith(f"{where}{array}[") for e in report.entries) == most
    assert report.total == 2 * net.layout.size
    assert report.notes == ("checked on the first 32 of 64 samples, which is enough",)
    assert seconds < 3


def test_sampled_entries_depend_on_the_seed():
    net = mlp(20, 30, 2, activation="tanh", loss="squared-error")
    theta, x, t = net.initialize(0), RNG.normal(size=(4, 20)), np.zeros((4, 2))
    names = [
        [e.name for e in net.check_gradient(theta, x, t, seed=seed, entries=3).entries]
        for seed in (1, 1, 2)
    ]
    assert names[0] == names[1] != names[2]
    assert len(names[0]) == 2 * (3 + 3 + 3 + 2)


# ---- limits --------------------------------------------------------------------------------------
# Each limit is tested on both sides, with a central difference that is given here.


def central_differences(monkeypatch: pytest.MonkeyPatch, *given: tuple[float, float]) -> None:
    """Let the central differences of the entries have these values and error bars."""
    differences = iter([Difference(*pair, 0.1, kink=False) for pair in given])
    monkeypatch.setattr(gradcheck, "central_difference", lambda *_: next(differences))


@pytest.mark.parametrize(
    ("slope", "method"), [(1.25, "complex step"), (1.26, "central differences")]
)
def test_complex_step_is_used_up_to_ten_error_bars(
    monkeypatch: pytest.MonkeyPatch, slope: float, method: str
):
    central_differences(monkeypatch, (0.0, 0.125), (0.0, 0.125))
    report = check_gradient(lambda w: slope * w[0], [slope], [0.5])
    assert report.method == method


@pytest.mark.parametrize(("size", "confirmed"), [(3, 3), (40, 5)])
def test_complex_step_is_confirmed_at_about_four_entries_and_the_last(
    monkeypatch: pytest.MonkeyPatch, size: int, confirmed: int
):
    asked: list[float] = []

    def recorded(_f: object, x: float, *_: float) -> Difference:
        asked.append(x)
        return Difference(1.0, 0.0, 0.1, kink=False)

    monkeypatch.setattr(gradcheck, "central_difference", recorded)
    assert check_gradient(np.sum, np.ones(size), np.arange(size, dtype=float))
    assert len(asked) == confirmed


def verdicts_with(monkeypatch: pytest.MonkeyPatch, second: tuple[float, float]) -> list[str]:
    """Return the verdicts on two arrays of one entry, whose first derivative is 1."""
    central_differences(monkeypatch, (1.0, 0.0), second)
    shapes = {"W": (1,), "b": (1,)}
    report = check_gradient(lambda w: float(w[0]), [1.0, second[0]], [0.5, 0.5], arrays=shapes)
    return [e.verdict for e in report.entries]


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        ((1.0, 1e-3), "right"),
        ((1.0, 1.1e-3), "unsure"),
        ((1e-12, 1e-8), "right"),
        ((1e-12, 1.1e-8), "unsure"),
    ],
)
def test_error_bars_wider_than_their_limit_are_unsure(
    monkeypatch: pytest.MonkeyPatch, second: tuple[float, float], verdict: str
):
    assert verdicts_with(monkeypatch, second) == ["right", verdict]


@pytest.mark.parametrize(("gap", "verdict"), [(2.9e-4, "right"), (3.5e-4, "wrong")])
def test_a_difference_of_three_error_bars_is_allowed(
    monkeypatch: pytest.MonkeyPatch, gap: float, verdict: str
):
    central_differences(monkeypatch, (1.0, 1e-4))
    report = check_gradient(lambda w: float(w[0]), [1.0 + gap], [0.5])
    assert [e.verdict for e in report.entries] == [verdict]


def noise_of(monkeypatch: pytest.MonkeyPatch, values: Sequence[float]) -> float:
    """Return the rounding error that is found in the values along the line of twelve points."""
    found: list[float] = []

    def recorded(_f: object, _x: float, _scale: float, noise: float) -> Difference:
        found.append(noise)
        return Difference(0.0, 0.0, 0.1, kink=False)

    monkeypatch.setattr(gradcheck, "central_difference", recorded)
    following = iter(values)
    check_gradient(lambda _: next(following), [0.0], [0.5])
    return found[0]


def test_rounding_error_is_the_median_of_third_differences(monkeypatch: pytest.MonkeyPatch):
    values = np.zeros(12)
    values[3:] = [9, 1, 5, 3, 7, 2, 8, 4, 6]  # the third differences; 5 is their median
    for _ in range(3):
        values[1:] = np.cumsum(values[1:])
    assert sorted(np.diff(values, 3)) == pytest.approx(range(1, 10))
    expected = 5 / math.sqrt(20) / values[-1]
    for scale in (1.0, 0.5 / values[-1]):
        assert noise_of(monkeypatch, [*(scale * values), 1.0]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("constant", "least"), [(0.0, 2.0**-52), (1.0, 2.0**-52), (np.float32(1.0), 2.0**-23)]
)
def test_rounding_error_is_at_least_that_of_the_type(
    monkeypatch: pytest.MonkeyPatch, constant: float, least: float
):
    assert noise_of(monkeypatch, [constant] * 13) == least


def test_value_with_the_rounding_error_at_the_limit_is_not_called_float32(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(gradcheck, "_noise", lambda *_: gradcheck.ROUGH)
    assert check_gradient(lambda w: np.sum(w**2), [1.0], [0.5]).notes == ()


@pytest.mark.parametrize("wrong", [np.ones(2), 1j, np.nan, np.inf])
def test_value_must_be_one_finite_real_number(wrong: Any):
    for values in (itertools.repeat(wrong), itertools.chain([wrong], itertools.repeat(1.0))):
        with pytest.raises(InputError, match="one finite real number"):
            check_gradient(lambda _, following=values: next(following), [1.0], [0.5])


@pytest.mark.parametrize(("size", "checked"), [(300, 300), (301, 24)])
def test_every_entry_is_checked_of_up_to_300(size: int, checked: int):
    assert len(gradcheck.sample_entries({"W": (size,)}, 0, None)) == checked


def test_no_step_of_the_descent_moves_an_entry_by_more_than_a_tenth():
    for slope, moved in (([4.0, -2.0], [0.1, -0.05]), ([0.5, -0.25], [0.05, -0.025])):
        reached = gradcheck.descend(lambda _, g=slope: np.array(g), np.zeros(2), steps=3)
        np.testing.assert_allclose(reached, -3 * np.array(moved))
    stays = gradcheck.descend(lambda _: np.array([np.nan, 1.0]), np.ones(2))
    np.testing.assert_array_equal(stays, np.ones(2))


def test_numerical_gradient_is_nan_at_a_kink():
    found = gradcheck.numerical_gradient(
        lambda w: float(abs(w[0]) + w[1] ** 2), np.array([0.0, 1.5]), np.array([0.0, 3.0])
    )
    np.testing.assert_allclose(found, [np.nan, 3.0])


def test_merged_reports_have_the_method_of_the_first_and_say_how_many_samples_were_used():
    entry = Entry("W[0]", 1.0, 1.0, 0.0, 0.0, "right")
    reports = [GradientReport(method, (entry,), 1) for method in ("complex step", "other")]
    assert gradcheck.merge_reports(reports, (4, 4)) == GradientReport(
        "complex step", (entry, entry), 2
    )
    (note,) = gradcheck.merge_reports(reports, (4, 5)).notes
    assert note.startswith("checked on the first 4 of 5 samples")


# ---- the report ----------------------------------------------------------------------------------


def test_text_of_a_report():
    report = check_gradient(
        lambda w: np.sum(w**2), [2.0, 4.5, -6.0], [1.0, 2.0, 3.0], arrays={"W1": (1, 2), "b1": (1,)}
    )
    assert str(report) == (
        "gradient wrong: 3 of 3 entries by complex step, 2 wrong, worst relative error 2 at b1[0]\n"
        "  W1[0,1]: 4.5, numerically 4 ± 0\n"
        "  b1[0]: -6, numerically 6 ± 0"
    )
    right = check_gradient(lambda w: np.sum(w**2), [2.0, 4.0], [1.0, 2.0])
    head = "gradient right: 2 of 2 entries by complex step, 0 wrong, "
    assert str(right) == f"{head}worst relative error 0 at theta[0]"


def test_report_lists_ten_wrong_entries_and_every_note():
    theta = np.ones(30, np.float32)
    lines = str(check_gradient(lambda w: np.sum(w**2), np.zeros(30), theta)).splitlines()
    assert lines[0].startswith("gradient wrong: 30 of 30 entries by complex step, 30 wrong")
    assert lines[1] == "  theta[0]: 0, numerically 2 ± 0"
    assert lines[10] == "  theta[9]: 0, numerically 2 ± 0"
    assert lines[11] == (
        "  note: theta was float32: checked in float64, since float32 leaves 3 or 4 digits"
    )
    assert len(lines) == 12
