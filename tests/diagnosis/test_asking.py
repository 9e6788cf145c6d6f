"""Programs that earlier versions misread: optional targets, closures, constants of their own.

Each has one true verdict, which `check` must return.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from chainrule import SGD, LeakyReLU, UnknownNameError, check, mlp, problem
from chainrule.activations import Custom
from chainrule.cli import app
from chainrule.diagnosis import Diagnosis, checking
from chainrule.diagnosis.options import SEARCH, CheckOptions
from chainrule.engine import wire
from tests.rows import more

MAZUR = problem("mazur")
MAZUR_DATA = MAZUR.data()[:2]
COURSE = Path(__file__).parent / "programs" / "course"


def logistic(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def backprop(
    f: Callable[[Any], Any], df: Callable[[Any], Any], *, sums_matrix: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradients of ½ Σ (a − t)² for layers of one activation.

    With `sums_matrix`, its loss is wrong.
    """

    def gradients(weights: Any, biases: Any, x: Any, t: Any) -> Any:
        a, zs = [x], []
        for W, b in zip(weights, biases, strict=True):
            zs.append(a[-1] @ W.T + b)
            a.append(f(zs[-1]))
        d = (a[-1] - t) * df(zs[-1]) / len(x)
        dW, db = [], []
        for i in reversed(range(len(weights))):
            dW.insert(0, d.T @ a[i])
            db.insert(0, d.sum(axis=0))
            if i:
                d = d @ weights[i] * df(zs[i - 1])
        e = a[-1] - t
        loss = np.sum(e @ e.T) if sums_matrix else np.sum(e * e)
        return dW, db, loss / 2 / len(x)

    return gradients


def dlogistic(z: Any) -> Any:
    return logistic(z) * (1 - logistic(z))


# ---- declared networks ---------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [0.1, 0.3])
def test_a_leaky_relu_of_any_slope_can_be_declared(slope):
    attempt = backprop(lambda z: np.where(z > 0, z, slope * z), lambda z: np.where(z > 0, 1, slope))
    net = mlp(2, 4, 3, activation=LeakyReLU(slope), loss="squared-error")
    for known in (net, {"activation": LeakyReLU(slope)}, {"activation": f"leaky-relu({slope})"}):
        assert check(attempt, known).ok


@pytest.mark.full_only  # a search to the end, as of every unknown mistake
def test_a_leaky_relu_of_another_slope_than_declared_is_not_right():
    slope = 0.1
    attempt = backprop(lambda z: np.where(z > 0, z, slope * z), lambda z: np.where(z > 0, 1, slope))
    assert not check(attempt, {"activation": LeakyReLU(0.2), "loss": "squared-error"}).ok


def test_a_custom_activation_can_be_declared():
    arctan = Custom("arctan", np.arctan)
    net = mlp(2, 4, 3, activation=arctan, loss="squared-error")
    assert check(backprop(np.arctan, lambda z: 1 / (1 + z * z)), net).ok
    found = check(backprop(np.arctan, lambda z: 1 + 0 * z), net)
    assert found.verdict == "wrong", found.sentence


WITH_LEAKY_RELU = """
import numpy as np
from chainrule import LeakyReLU, mlp
NETWORK = mlp(2, 4, 3, activation=[LeakyReLU(0.1), "identity"], loss="squared-error")
def gradients(weights, biases, x, t):
    (W1, W2), (b1, b2) = weights, biases
    z = x @ W1.T + b1
    h = np.where(z > 0, z, 0.1 * z)
    d2 = (h @ W2.T + b2 - t) / len(x)
    d1 = d2 @ W2 * np.where(z > 0, 1, 0.1)
    return [d1.T @ x, d2.T @ h], [d1.sum(0), d2.sum(0)]
"""


def test_a_file_may_declare_a_network_object(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(WITH_LEAKY_RELU, encoding="utf-8")
    assert check(path).ok


RIGHT = """
import numpy as np
s = lambda z: 1 / (1 + np.exp(-z))
f = lambda z: {f}
df = lambda z: {df}
def gradients(weights, biases, x, t):
    (W1, W2), (b1, b2) = weights, biases
    z = x @ W1.T + b1
    o = f(z) @ W2.T + b2
    d2 = ({error}) / len(x)
    d1 = d2 @ W2 * df(z)
    return [d1.T @ x, d2.T @ f(z)], [d1.sum(0), d2.sum(0)]
"""
LOGISTIC = ("s(z)", "s(z) * (1 - s(z))")
LEAKY = ("np.where(z > 0, z, 0.01 * z)", "np.where(z > 0, 1, 0.01)")
SILU = ("z * s(z)", "s(z) + z * s(z) * (1 - s(z))")
SQUARED_ERROR = "(f(o) - t) * df(o)"
SOFTMAX = "np.exp(o) / np.exp(o).sum(axis=1, keepdims=True) - t"


@pytest.mark.parametrize(
    ("key", "name", "meant", "functions", "error"),
    [
        pytest.param(
            *("loss", "BCE", "logistic-cross-entropy", LOGISTIC, "s(o) - t"),
            marks=pytest.mark.full_only,
        ),
        ("loss", "categorical_crossentropy", "softmax-cross-entropy", LOGISTIC, SOFTMAX),
        more("activation", "lrelu", "leaky-relu", LEAKY, SQUARED_ERROR),
        pytest.param(
            "activation", "swish", "silu", SILU, SQUARED_ERROR, marks=pytest.mark.full_only
        ),
    ],
    ids=["BCE", "categorical_crossentropy", "lrelu", "swish"],
)
def test_names_of_other_libraries_are_accepted(key, name, meant, functions, error, tmp_path):
    path = tmp_path / "net.py"
    f, df = functions
    path.write_text(RIGHT.format(f=f, df=df, error=error), encoding="utf-8")
    found = check(path, {key: name})
    assert found.ok, found.sentence
    assert meant in found.network
    assert found.sentence == check(path, {key: meant}).sentence
    result = CliRunner().invoke(app, ["check", str(path), f"--{key}", name])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("name", "meant"), [("mse", "squared-error"), ("ce", "softmax-cross")])
def test_names_that_mean_something_similar_are_answered_with_the_difference(name, meant, tmp_path):
    with pytest.raises(UnknownNameError, match=f"unknown loss '{name}': .*{meant}"):
        check(backprop(logistic, dlogistic), {"loss": name})
    (tmp_path / "net.py").write_text(WITH_LEAKY_RELU, encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(tmp_path / "net.py"), "--loss", name])
    assert result.exit_code == 2
    assert f"unknown loss '{name}'" in " ".join(result.output.split())
    assert meant in result.output


@pytest.mark.parametrize(
    ("file", "activation", "mistakes"),
    [
        ("two_layer_net.py", "relu", []),
        ("two_layer_net_no_mask.py", "relu", ["hidden-slope-missing"]),
        ("two_layer_net_twice_n.py", "relu", ["mean-twice"]),
        ("softmax_loss.py", "tanh", []),
        ("softmax_loss_no_slope.py", "tanh", ["hidden-slope-missing"]),
    ],
)
def test_programs_that_take_class_numbers_are_checked_as_declared(file, activation, mistakes):
    known = {"layers": [2, 4, 3], "activation": activation, "loss": "softmax-cross-entropy"}
    found = check(COURSE / file, known)  # test_programs.py checks the same file undeclared
    assert found.verdict == ("wrong" if mistakes else "right")
    assert [f.mistake.id for f in found.mistakes] == mistakes
    assert any(text.startswith("loss, dW2") for text in found.tested) or mistakes


# ---- state ---------------------------------------------------------------------------------------


def momentum_in_closure() -> Callable[..., Any]:
    """Return a step with momentum whose velocities are variables of a closure."""
    velocity: dict[int, Any] = {}

    def step(weights: Any, biases: Any, x: Any, t: Any, learning_rate: float) -> Any:
        dW, db, _ = backprop(logistic, dlogistic)(weights, biases, x, t)
        new: list[Any] = []
        for i, (old, g) in enumerate(zip([*weights, *biases], [*dW, *db], strict=True)):
            velocity[i] = 0.9 * velocity.get(i, 0) - learning_rate * g
            new.append(old + velocity[i])
        return new[: len(weights)], new[len(weights) :]

    return step


def test_variables_of_a_closure_are_restored():
    found = check(momentum_in_closure(), {"activation": "logistic", "loss": "squared-error"})
    assert found.ok, found.sentence
    assert "momentum" in found.convention["optimizer"]


class KeepsData:
    """Keeps its data, like a program that has been copied very often."""

    def __init__(self, x: Any, y: Any) -> None:
        self.input, self.y = x, y
        self.W1 = np.random.rand(x.shape[1], 4)  # noqa: NPY002 (as in the original)
        self.W2 = np.random.rand(4, y.shape[1])  # noqa: NPY002
        self.output = np.zeros(y.shape)

    def feedforward(self) -> None:
        self.layer1 = logistic(self.input @ self.W1)
        self.output = logistic(self.layer1 @ self.W2)

    def backprop(self) -> None:
        d2 = (self.y - self.output) * self.output * (1 - self.output)
        d1 = (d2 @ self.W2.T) * self.layer1 * (1 - self.layer1)
        self.W1 += self.input.T @ d1
        self.W2 += self.layer1.T @ d2


def test_data_in_the_constructor_are_not_mistaken_for_random_numbers():
    found = check(KeepsData)
    assert found.ok, found.sentence


def test_random_numbers_that_no_seed_fixes_are_reported_as_such():
    def gradients(weights: Any, biases: Any, x: Any, t: Any) -> Any:
        dW, db, _ = backprop(logistic, dlogistic)(weights, biases, x, t)
        return [g * np.random.default_rng().random() for g in dW], db

    found = check(gradients)
    assert found.verdict == "could-not-run"
    assert "random numbers that no seed fixes" in found.sentence


class Dropping:
    """Drops hidden units, the same ones for all samples of a call."""

    def __init__(self, n_in: int, n_hidden: int, n_out: int, keep: float = 0.9) -> None:
        self.W1, self.b1 = np.random.rand(n_in, n_hidden), np.zeros(n_hidden)  # noqa: NPY002
        self.W2, self.b2 = np.random.rand(n_hidden, n_out), np.zeros(n_out)  # noqa: NPY002
        self.keep = keep

    def train(self, X: Any, y: Any) -> None:
        h = logistic(X @ self.W1 + self.b1)
        mask = (np.random.rand(h.shape[1]) < self.keep) / self.keep  # noqa: NPY002
        o = logistic(h * mask @ self.W2 + self.b2)
        d2 = (o - y) * o * (1 - o) / len(X)
        d1 = d2 @ self.W2.T * mask * h * (1 - h)
        self.W2 -= 0.5 * (h * mask).T @ d2
        self.b2 -= 0.5 * d2.sum(0)
        self.W1 -= 0.5 * X.T @ d1
        self.b1 -= 0.5 * d1.sum(0)


class KeepsAll(Dropping):
    """Draws a mask that keeps all units."""

    def __init__(self, n_in: int, n_hidden: int, n_out: int) -> None:
        super().__init__(n_in, n_hidden, n_out, keep=1.0)


def dropping(weights: Any, biases: Any, x: Any, t: Any) -> Any:
    (W1, W2), (b1, b2) = weights, biases
    h = logistic(x @ W1.T + b1)
    mask = (np.random.rand(h.shape[1]) < 0.9) / 0.9  # noqa: NPY002
    o = logistic(h * mask @ W2.T + b2)
    d2 = (o - t) * o * (1 - o) / len(x)
    d1 = d2 @ W2 * mask * h * (1 - h)
    return [d1.T @ x, d2.T @ (h * mask)], [d1.sum(0), d2.sum(0)]


@pytest.mark.parametrize("attempt", [Dropping, dropping])
def test_a_mask_that_is_equal_for_two_seeds_is_still_random(attempt):
    assert (np.random.RandomState(1).rand(4) < 0.9).all()
    assert (np.random.RandomState(2).rand(4) < 0.9).all()
    found = check(attempt)
    assert found.verdict == "could-not-run", found.sentence
    assert "it draws random numbers" in found.sentence


def test_random_numbers_that_change_nothing_are_accepted():
    found = check(KeepsAll)
    assert found.ok, found.sentence


class TwoMethods(Dropping):
    """Draws random numbers in one method, and returns gradients from another."""

    def gradients(self, X: Any, y: Any) -> Any:
        h = logistic(X @ self.W1 + self.b1)
        o = logistic(h @ self.W2 + self.b2)
        d2 = (o - y) * o * (1 - o) / len(X)
        d1 = d2 @ self.W2.T * h * (1 - h)
        return X.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)


def test_a_method_without_random_numbers_is_called_instead():
    found = check(TwoMethods)
    assert found.ok, found.sentence
    assert "not called, because it draws random numbers: train(x, t)" in found.remarks


# ---- penalties declared by default values --------------------------------------------------------


def with_penalty(factor: float, *, loss: bool = False, biases: bool = False) -> Any:
    """Return gradients with a penalty whose factor is the default value of a parameter."""

    def gradients(weights: Any, bs: Any, x: Any, t: Any, reg: float = 1e-2) -> Any:
        dW, db, data = backprop(logistic, dlogistic)(weights, bs, x, t)
        dW = [g + 2 * factor * reg * W for g, W in zip(dW, weights, strict=True)]
        db = [g + 2 * factor * reg * b for g, b in zip(db, bs, strict=True)] if biases else db
        squares = sum(float(np.sum(W * W)) for W in weights)
        return (dW, db, data + factor * reg * squares) if loss else (dW, db)

    return gradients


KNOWN = {"activation": "logistic", "loss": "squared-error", "layers": [2, 4, 3]}


@pytest.mark.parametrize("loss", [False, True])
@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_a_default_value_declares_the_factor_of_a_penalty(factor, loss):
    found = check(with_penalty(factor, loss=loss), KNOWN)
    assert found.ok, found.sentence
    assert found.convention["penalty"] == f"{factor * 1e-2:g} Σw², from a number in the program"
    assert not found.remarks


def test_a_mistake_is_named_in_the_presence_of_a_penalty():
    found = check(with_penalty(0.5, biases=True), KNOWN)
    assert [f.mistake.id for f in found.mistakes] == ["bias-regularized"], found.sentence


def test_an_unused_default_is_not_reported_as_a_penalty():
    found = check(with_penalty(0.0), KNOWN)
    assert found.ok
    assert "penalty" not in found.convention


def test_a_penalty_only_in_the_loss_is_unknown():
    def gradients(weights: Any, biases: Any, x: Any, t: Any, reg: float = 1e-2) -> Any:
        dW, db, loss = with_penalty(1.0, loss=True)(weights, biases, x, t, reg)
        return [g - 2 * reg * W for g, W in zip(dW, weights, strict=True)], db, loss

    found = check(gradients, KNOWN)
    assert found.verdict == "unknown", found.sentence
    assert any("a penalty that the gradients do not have" in text for text in found.remarks)


class Regularized(Dropping):
    """Makes steps with weight decay."""

    def __init__(self, n_in: int, n_hidden: int, n_out: int, lam: float = 0.02) -> None:
        super().__init__(n_in, n_hidden, n_out, keep=1.0)
        self.lam = lam

    def train(self, X: Any, y: Any) -> None:
        W1, W2 = self.W1.copy(), self.W2.copy()
        super().train(X, y)
        self.W1 -= 0.5 * self.lam * W1
        self.W2 -= 0.5 * self.lam * W2


def test_an_attribute_declares_the_weight_decay_of_a_class():
    found = check(Regularized, {"learning_rate": 0.5, **KNOWN})
    assert found.ok, found.sentence
    assert found.convention["penalty"].startswith("0.01 Σw²")


# ---- optional arguments --------------------------------------------------------------------------


def test_an_optional_argument_is_not_mistaken_for_the_targets():
    def gradients(weights: Any, biases: Any, x: Any, t: Any, mask: Any = None) -> Any:
        dW, db, _ = backprop(logistic, dlogistic)(weights, biases, x, t)
        return [g * mask for g in dW] if mask is not None else dW, db

    found = check(gradients)
    assert found.ok, found.sentence
    assert found.convention["arguments"] == "(weights, biases, x, t)"


# ---- sentences -----------------------------------------------------------------------------------


def test_an_exception_of_several_lines_is_reported_in_one_sentence():
    def gradients(weights: Any, biases: Any, x: Any, t: Any) -> Any:
        raise ValueError("first.\n\n  second.\nthird.")

    sentence = check(gradients, KNOWN).sentence
    assert "ValueError: first, line" in sentence
    assert "second" not in sentence
    assert ".." not in sentence


def test_a_file_without_functions_is_reported(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("x = 3\n", encoding="utf-8")
    sentence = check(path).sentence
    assert "the file defines no functions or classes" in sentence
    assert "none" not in sentence


def test_entries_of_a_single_sample_have_one_index():
    with pytest.raises(ValueError, match=r"such as p\[0\]$"):
        check({"p": [1, 2, 3]}, MAZUR.network, MAZUR.theta(), *MAZUR_DATA)


# ---- numbers -------------------------------------------------------------------------------------


def reported_weights() -> Mapping[str, str]:
    """Return new weights of the 2-2-2 example with nine decimals; the last one of w3 is wrong."""
    batch = MAZUR.network.batch(MAZUR.theta(), *MAZUR_DATA)
    step = wire(MAZUR.network, MAZUR.theta(), batch, SGD(0.5))
    weights = [v for n in (1, 2) for v in np.ravel(step.arrays[f"W{n}"]["w_new"])]
    reported = {f"w{i}+": f"{v:.9f}" for i, v in enumerate(weights, 1)}
    return {**reported, "w3+": f"{weights[2] + 4e-9:.9f}"}


@pytest.mark.full_only  # a search to the end, as of every unknown mistake
def test_a_wrong_last_digit_is_unknown():
    found = check(
        reported_weights(),
        MAZUR.network,
        MAZUR.theta(),
        *MAZUR_DATA,
        learning_rate=0.5,
        notation="mazur",
    )
    assert found.verdict == "unknown"


def test_a_loss_that_sums_a_matrix_is_named_on_the_half_adder():
    half_adder = problem("half-adder")
    x, t, _ = half_adder.data()
    attempt = backprop(logistic, dlogistic, sums_matrix=True)
    found = check(attempt, half_adder.network, half_adder.theta(0), x, t)
    assert [f.mistake.id for f in found.mistakes] == ["loss-table"], found.sentence


@pytest.mark.parametrize(
    ("seconds", "tracing", "left"), [(60.0, 45.0, 15.0), (60.0, 59.0, 10.0), (5.0, 4.0, 5.0)]
)
def test_asking_has_the_time_that_tracing_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, tracing: float, left: float
):
    clock, asked = [0.0], list[CheckOptions]()

    def trace(*_: object) -> checking.Traced:
        clock[0] += tracing
        return checking.NOT_TRACED

    def ask(path: Path, options: CheckOptions, *_: object) -> Diagnosis:
        asked.append(options)
        return Diagnosis("could-not-run", path.name)

    monkeypatch.setattr(checking, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(checking, "_traced", trace)
    monkeypatch.setattr(checking, "_asked_instead", ask)
    check(tmp_path / "net.py", seconds=seconds)
    assert asked[0].seconds == pytest.approx(left)
    assert asked[0].time_limit.seconds == pytest.approx(SEARCH * left)
