"""Long distances between the steps shown: which engine makes them, and that the numbers agree."""

import json

import jsonschema
import numpy as np
import pytest

from chainrule import OPTIMIZERS, DivergenceError, explain, mlp, problem
from chainrule.compiled import choice
from chainrule.explanation import Setup, example_schema
from chainrule.explanation import trajectory as module
from chainrule.explanation.trajectory import LONG, WORTH, trajectory
from tests.rows import few_rows

RULES = few_rows([name for name in OPTIMIZERS if name != "lbfgs"], "adam")
X = np.random.default_rng(0).normal(size=(6, 3))
T = np.random.default_rng(1).normal(size=(6, 2))
NET = mlp(3, 4, 2, activation="tanh", loss="squared-error", dropout=0.2)
SENTENCE = "of the updates between the steps shown are made by the compiled engine"


def made_of(name: str, steps: int = 1) -> Setup:
    """Return the setup of a problem."""
    return explain(problem(name), steps=steps).setup


def error_between(setup: Setup, ends: list[int]) -> float:
    """Return how much θ differs between the engines, relative to the distance from the start."""
    compiled, reference = (trajectory(setup, ends, e) for e in ("compiled", "reference"))
    assert compiled.compiled > 0 == reference.compiled
    assert list(compiled.states) == list(reference.states) == [0, *ends]
    start = setup.state.theta
    return max(
        np.abs(compiled.states[n].theta - reference.states[n].theta).max()
        / np.abs(reference.states[n].theta - start).max()
        for n in ends
    )


@pytest.mark.parametrize("name", few_rows(["xor", "half-adder", "mazur"], "xor"))
def test_compiled_updates_agree_to_nine_digits(name: str):
    assert error_between(made_of(name), [LONG, 4 * LONG]) < 1e-9


@pytest.mark.parametrize("rule", RULES)
def test_every_optimizer_and_dropout_agree(rule: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LONG", 20)
    setup = explain(NET, NET.initialize(3), X, T, OPTIMIZERS[rule], seed=7).setup
    assert error_between(setup, [1, 25, 30, 60]) < 1e-9


def test_an_example_with_many_steps_is_compiled_between_those_shown():
    last = WORTH + 2 * LONG + 2
    example = explain("xor", steps=last, show_steps=[1, last - 1, last])
    before, shown = example.steps[-2:]
    assert example.compiled_updates == WORTH + LONG  # not the first 1,000 and the last two
    for name, array in example.setup.network.layout.views(example.setup.theta).items():
        for index in np.ndindex(*array.shape):
            place = ",".join(map(str, index))
            new = before[f"{name}_new[{place}]"]
            given = next(q for q in shown.quantities if q.key == f"{name}[{place}]")
            assert new.value == given.value  # bit for bit
    text = " ".join(example.to_text().split())
    assert f"{example.compiled_updates:,} {SENTENCE}" in text
    content = json.loads(example.to_json())
    jsonschema.validate(content, json.loads(example_schema()))
    assert content["compiled_updates"] == example.compiled_updates


def test_few_steps_and_a_missing_package_leave_it_to_the_reference_engine(
    monkeypatch: pytest.MonkeyPatch,
):
    example = explain("mazur", steps=1200)
    assert example.compiled_updates == 0
    assert SENTENCE not in " ".join(example.to_text().split())
    assert "compiled_updates" not in example.to_dict()
    monkeypatch.setattr(module, "WORTH", LONG)
    setup = made_of("xor")
    assert trajectory(setup, [LONG]).compiled == LONG
    monkeypatch.setattr(choice, "installed", lambda name: name != "numba")
    made = trajectory(setup, [LONG])
    assert made.compiled == 0
    reference = trajectory(setup, [LONG], "reference")
    assert made.states[LONG].theta.tobytes() == reference.states[LONG].theta.tobytes()


def test_divergence_names_the_update(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LONG", 5)
    monkeypatch.setattr(module, "WORTH", 5)
    net = mlp(3, 4, 2, activation="relu", loss="squared-error", output="identity")
    with pytest.raises(DivergenceError, match=r"is not finite .*; first at .* Lower the learning"):
        explain(net, net.initialize(3), 10 * X, T, "sgd", steps=2000)
