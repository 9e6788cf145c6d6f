"""Verdicts: conventions are tried before mistakes, and one convention has to explain everything.

The functions here are written without the engine, as learners write them.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, ChainruleError, Momentum, check, explain_problem, mlp, problem
from chainrule.engine import wire
from chainrule.problems.mazur import UPDATED_WEIGHTS

Lists = list[Any]
DECLARED = {"layers": [2, 4, 3], "activation": "logistic", "loss": "squared-error"}


KEPT: dict[int, Any] = {}  # state between calls


def logistic(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def gradients_with(
    *, factor: float = 1.0, mean: int = 1, db: float = 1.0, hidden: float = 1.0
) -> Callable[..., tuple[Lists, Lists]]:
    """Return a function for the gradients of a logistic 2-layer network, with these factors."""

    def gradients(weights: Lists, biases: Lists, x: Any, t: Any) -> tuple[Lists, Lists]:
        (W1, W2), (b1, b2) = weights, biases
        h = logistic(x @ W1.T + b1)
        o = logistic(h @ W2.T + b2)
        d2 = factor * (o - t) * o * (1 - o) / len(x) ** mean
        d1 = hidden * (d2 @ W2) * h * (1 - h)
        return [d1.T @ x, d2.T @ h], [db * d1.sum(axis=0), db * d2.sum(axis=0)]

    return gradients


@pytest.mark.parametrize(
    ("options", "aspect"),
    [
        ({}, None),
        ({"mean": 0}, "scale"),
        ({"factor": 2.0}, "scale"),
        ({"factor": 0.5}, "scale"),
        ({"factor": 1 / 3}, "scale"),
        ({"factor": 2.0, "mean": 0}, "scale"),
        ({"factor": -1.0}, "sign"),
    ],
)
def test_one_global_factor_is_a_convention(options: dict[str, Any], aspect: str | None):
    made = check(gradients_with(**options), DECLARED)
    assert made.verdict == "right", made.sentence
    assert aspect is None or aspect in made.convention


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"mean": 0}, "sum-for-mean"),
        ({"factor": 2.0}, "lost-factor"),
        ({"mean": 2}, "mean-twice"),
    ],
)
def test_with_strict_conventions_are_mistakes(options: dict[str, Any], name: str):
    made = check(gradients_with(**options), DECLARED, strict=True)
    assert made.verdict == "wrong"
    assert [f.mistake.id for f in made.mistakes] == [name]


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({"db": 2.0}, 23),
        ({"db": -1.0}, 21),
        ({"hidden": 2.0}, 23),
        ({"hidden": -1.0}, 21),
        ({"db": 0.0}, 2),
        ({"mean": 2}, 20),
    ],
)
def test_factors_that_differ_are_mistakes(options: dict[str, Any], number: int):
    made = check(gradients_with(**options), DECLARED)
    assert made.verdict == "wrong", made.sentence
    (finding,) = made.mistakes
    assert number in [finding.mistake.number, *(a.mistake.number for a in finding.alternatives)]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"hidden": 0.9}, marks=pytest.mark.full_only),
        pytest.param({"db": 1.7}, marks=pytest.mark.full_only),
        {"factor": 3.3},
        pytest.param({"factor": 0.2}, marks=pytest.mark.full_only),
    ],
)
def test_other_factors_are_unknown(options: dict[str, Any]):
    made = check(gradients_with(**options), DECLARED)
    assert made.verdict == "unknown", made.sentence
    assert not made.mistakes
    assert made.first_wrong is not None
    assert "times the right one" in made.difference


def test_the_inferred_network_is_reported():
    made = check(gradients_with())
    assert made.verdict == "right"
    assert "logistic" in made.convention["activation"]
    assert "squared-error" in made.convention["loss"]


def test_gradients_without_biases_are_right_with_a_remark():
    def gradients(weights: Lists, biases: Lists, x: Any, t: Any) -> Lists:
        return gradients_with()(weights, biases, x, t)[0]

    made = check(gradients, DECLARED)
    assert made.verdict == "right", made.sentence
    assert any("biases" in remark for remark in made.remarks)


# ---- side effects and failures -------------------------------------------------------------------


def test_nan_is_a_mistake_of_the_catalogue():
    def gradients(weights: Lists, biases: Lists, x: Any, t: Any) -> tuple[Lists, Lists]:
        dW, db = gradients_with()(weights, biases, x, t)
        return [w / 0.0 - w / 0.0 for w in dW], db

    with np.errstate(all="ignore"):
        made = check(gradients, DECLARED)
    assert [f.mistake.number for f in made.mistakes] == [29]


def test_changed_arguments_are_a_remark_if_the_numbers_are_right():
    def gradients(weights: Lists, biases: Lists, x: Any, t: Any) -> tuple[Lists, Lists]:
        result = gradients_with()(weights, biases, x, t)
        x *= 0
        return result

    made = check(gradients, DECLARED)
    assert made.verdict == "right", made.sentence
    assert any("changes its arguments" in remark for remark in made.remarks)


def test_exceptions_endless_loops_and_random_numbers_could_not_be_run():
    def raising(weights: Lists, biases: Lists, x: Any, t: Any) -> None:
        raise ValueError("not today")

    def endless(weights: Lists, biases: Lists, x: Any, t: Any) -> None:
        while True:
            pass

    def random(weights: Lists, biases: Lists, x: Any, t: Any) -> tuple[Lists, Lists]:
        dW, db = gradients_with()(weights, biases, x, t)
        return [w * np.random.default_rng().uniform() for w in dW], db

    for attempt, word in ((raising, "not today"), (endless, "still running"), (random, "random")):
        made = check(attempt, DECLARED, seconds_call=0.5)
        assert made.verdict == "could-not-run", made.sentence
        assert word in made.sentence


def test_gradients_that_accumulate_between_calls_are_found():
    KEPT.clear()

    def gradients(weights: Lists, biases: Lists, x: Any, t: Any) -> tuple[Lists, Lists]:
        dW, db = gradients_with()(weights, biases, x, t)
        for place, array in enumerate([*dW, *db]):
            KEPT[place] = KEPT.get(place, 0) + array
        return [KEPT[0], KEPT[1]], [KEPT[2], KEPT[3]]

    made = check(gradients, DECLARED)
    assert [f.mistake.id for f in made.mistakes] == ["not-zeroed"], made.sentence


# ---- numbers -------------------------------------------------------------------------------------

MAZUR = problem("mazur")
NET, THETA = MAZUR.network, MAZUR.theta(0)
X, T, _ = MAZUR.data()


def updated(*, wrong: bool) -> dict[str, Any]:
    """Return the new weights of the 2-2-2 example, right or computed with updated weights."""
    batch = NET.batch(THETA, X, T)
    step = wire(NET, THETA, batch, SGD(0.5), replace=UPDATED_WEIGHTS if wrong else None)
    return {f"{name}_new": step.arrays[name]["w_new"] for name in ("W1", "W2")}


def as_texts(arrays: dict[str, Any], decimals: int) -> dict[str, str]:
    return {
        f"{name}[{','.join(map(str, place))}]": f"{value:.{decimals}f}"
        for name, array in arrays.items()
        for place, value in np.ndenumerate(array)
    }


@pytest.mark.parametrize("decimals", [12, 9, 6])
def test_updated_weights_are_found_in_reported_numbers(decimals: int):
    made = check(as_texts(updated(wrong=True), decimals), NET, THETA, X, T, learning_rate=0.5)
    assert [f.mistake.id for f in made.mistakes] == ["updated-weights"], made.sentence
    assert made.first_wrong is not None
    assert (made.first_wrong.quantity, made.first_wrong.layer) == ("dx", 2)


@pytest.mark.parametrize("decimals", [12, 9, 6, 4])
def test_right_numbers_are_right_in_every_rounding(decimals: int):
    made = check(as_texts(updated(wrong=False), decimals), NET, THETA, X, T, learning_rate=0.5)
    assert made.verdict == "right", made.sentence


def test_every_row_of_a_worked_example_is_right():
    rows = {
        q.key: q.shown for q in explain_problem(MAZUR).steps[0].quantities if q.section != "given"
    }
    made = check(rows, NET, THETA, X, T, learning_rate=0.5)
    assert made.verdict == "right", made.sentence


def test_fixed_biases_may_be_updated():
    batch = NET.batch(THETA, X, T)
    trained = mlp(2, 2, 2, activation="logistic", loss="squared-error")
    step = wire(trained, THETA, batch, SGD(0.5))
    numbers = {f"b{i}_new": step.arrays[f"b{i}"]["w_new"] for i in (1, 2)}
    numbers |= updated(wrong=False)
    assert check(numbers, NET, THETA, X, T, learning_rate=0.5).verdict == "right"
    fixed = updated(wrong=False) | {"b1_new": [0.35, 0.35], "b2_new": [0.6, 0.6]}
    assert check(fixed, NET, THETA, X, T, learning_rate=0.5).verdict == "right"


def test_a_loss_that_contradicts_the_gradient_is_a_lost_factor():
    net = mlp(2, 3, 2, activation="tanh", loss="squared-error")
    theta = net.initialize(3)
    x, t = np.array([[0.3, -0.7]]), np.array([[0.2, 0.9]])
    trace = net.trace(theta, x, t)
    arrays = net.views(trace.gradient)
    numbers = {f"d{name}": array for name, array in arrays.items()}
    agreed = check({**numbers, "loss": float(trace.value)}, net, theta, x, t)
    assert agreed.verdict == "right", agreed.sentence
    doubled = {name: 2 * array for name, array in numbers.items()}
    assert check({**doubled, "loss": 2 * float(trace.value)}, net, theta, x, t).verdict == "right"
    made = check({**numbers, "loss": 2 * float(trace.value)}, net, theta, x, t)
    assert made.verdict == "wrong"
    assert 23 in [f.mistake.number for f in made.mistakes]


def test_several_steps_of_momentum_in_reported_numbers():
    net = mlp(2, 3, 2, activation="tanh", loss="squared-error")
    theta = net.initialize(5)
    x, t = np.array([[0.3, -0.7], [0.5, 0.2]]), np.array([[0.2, 0.9], [0.4, -0.1]])
    batch = net.batch(theta, x, t)
    rule = Momentum(0.1)
    state = rule.start(theta, net.layout)
    rows = []
    for step in (1, 2):
        theta_new, state = rule.step(theta, net.run(theta, batch).gradient, state)
        for name, array in net.views(theta_new).items():
            for place, value in np.ndenumerate(array):
                key = f"{name}_new[{','.join(map(str, place))}]"
                rows.append({"step": step, "key": key, "value": float(value)})
        theta = theta_new
    text = json.dumps(rows)
    made = check_text(text, net, x, t, Momentum(0.1))
    assert made.verdict == "right", made.sentence


def check_text(text: str, net: Any, x: Any, t: Any, rule: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.json"
        path.write_text(text, encoding="utf-8")
        return check(path, net, net.initialize(5), x, t, optimizer=rule, learning_rate=0.1)


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check(3), "pass a function"),
        (lambda: check("nowhere.py"), "the file 'nowhere.py' does not exist"),
        (lambda: check({"dW1": [[1.0]]}), "pass network, theta, x and t"),
        (lambda: check(gradients_with(), {"layer": [2, 3]}), "layer"),
        (lambda: check(gradients_with(), {"layers": [2]}), "inputs and outputs"),
        (lambda: check(gradients_with(), {"activation": "sigmoidal"}), "sigmoidal"),
        (lambda: check(gradients_with(), {"loss": "mse"}), "mse"),
        (lambda: check(gradients_with(), hint=5), "hint"),
        (lambda: check(gradients_with(), learning_rate=-1.0), "positive"),
        (lambda: check(gradients_with(), optimizer="lbfgs"), "lbfgs"),
        (lambda: check(gradients_with(), seconds=0.0), "seconds=0.0"),
        (lambda: check(gradients_with(), NET, THETA), "x and t"),
    ],
)
def test_invalid_arguments_raise_errors(call: Callable[[], Any], words: str):
    with pytest.raises(ChainruleError) as error:
        call()
    assert words in str(error.value)
