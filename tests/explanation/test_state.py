"""Examples that continue from the state of a run: their step is the next step of the run.

Every new parameter and every new moving average is compared, within rounding.
"""

import json
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest

from chainrule import (
    LBFGS,
    SGD,
    Adam,
    InputError,
    Momentum,
    Network,
    StepDecay,
    explain,
    mlp,
    train,
)
from chainrule.explanation import WorkedExample, example_schema
from chainrule.explanation.programs import numpy_program
from chainrule.loops import State
from chainrule.schedules import WarmUp
from tests.laws.nets import ALL_SCHEDULES, PAIRS, tuned

X = np.random.default_rng(0).normal(size=(12, 3))
T = np.random.default_rng(1).normal(size=(12, 2))
NETS = {
    "plain": mlp(3, 4, 2, activation="tanh", loss="squared-error", output="identity"),
    "dropout": mlp(3, 4, 2, activation="tanh", loss="squared-error", dropout=0.4, layer_norm=True),
}
NET = NETS["plain"]
WEIGHTS = np.linspace(0.5, 2.0, 4)


def begun(net: Network, rule: Any, dtype: Any = np.float64, **more: Any) -> State:
    """Return the state of a run after two epochs of four batches."""
    run = train(net, X.astype(dtype), T, rule, epochs=2, batch_size=3, seed=5, **more)
    run.finish()
    return run.state


def after(net: Network, rule: Any, state: State, epochs: int = 1, **more: Any) -> State:
    """Return the state after further updates on the first four samples."""
    run = train(net, X[:4], T[:4], rule, epochs=epochs, state=state, **more)
    run.finish()
    return run.state


def same(doc: WorkedExample, place: int, vector: Any, quantity: str = "") -> None:
    """Compare what a step has of new parameters, or averages, with a vector of them."""
    step = doc.steps[place]
    for name, array in doc.setup.network.views(vector).items():
        label = f"{quantity}_{name}" if quantity else name
        for index in np.ndindex(array.shape):
            key = f"{label}_new[{','.join(map(str, index))}]"
            assert step[key].value == pytest.approx(array[index], rel=1e-12, abs=1e-15), key


@pytest.mark.every_value(
    net=NETS, rule=PAIRS, schedule=["number", *ALL_SCHEDULES], weighted=[False, True], steps=[1, 3]
)
def test_the_step_is_the_next_of_the_run(net, rule, schedule, weighted, steps):
    rule = tuned(rule, learning_rate=ALL_SCHEDULES.get(schedule, 0.02))
    weights = WEIGHTS if weighted else None
    state = begun(NETS[net], rule)
    doc = explain(
        NETS[net],
        None,
        X[:4],
        T[:4],
        rule,
        state=state,
        steps=steps,
        sample_weight=weights,
        level="scalars",
    )
    wanted = after(NETS[net], rule, state, steps, sample_weight=weights)
    same(doc, -1, wanted.theta)
    for slot, vector in zip(rule.slots, wanted.slots, strict=True):
        same(doc, -1, vector, slot)
    assert [step.number for step in doc] == [9, 11][: len(doc.steps)]
    assert doc.setup.state.step == 8


def test_moving_averages_and_step_number_are_those_of_the_state():
    rule = Adam(StepDecay(0.1, 0.5, 3))
    state = begun(NET, rule)
    doc = explain(NET, state.theta, X[:4], T[:4], rule, state=state, notation="plain")
    m, v = (NET.views(slot)["W1"] for slot in state.slots)
    assert doc["m_W1[1,2]"].value == m[1, 2]
    assert doc["v_W1[1,2]"].value == v[1, 2]
    assert doc["k"].value == 9
    assert doc["learning_rate"].value == 0.025
    text = " ".join(doc.to_text().split())
    assert "Step 9" in text
    assert "Updates made before: 8. The parameters and the optimizer's memory are those" in text
    assert "for every parameter" not in text
    assert f"m_W1[1,2] = {doc['m_W1[1,2]'].shown}" in text


def test_every_format_counts_earlier_updates(tmp_path):
    rule = Momentum(0.02)
    state = begun(NET, rule)
    doc = explain(NET, None, X[:4], T[:4], rule, state=state, steps=5, show_steps=[2, 5])
    assert [step for step, _ in doc.history] == [8, 9, 10, 13]
    assert [step.number for step in doc] == [10, 13]
    found = json.loads(doc.to_json())
    jsonschema.validate(found, json.loads(example_schema()))
    assert [step["step"] for step in found["steps"]] == [10, 13]
    assert set(doc.to_frame()["step"]) == {10, 13}
    for text in (doc.to_text(), doc.to_html(), doc.to_markdown(), doc.to_latex()):
        assert "Step 10" in text
        assert "Step 13" in text
        assert "Step 1<" not in text
    assert "for step in range(9, last + 2):" in doc.to_numpy()


@pytest.mark.parametrize("level", ["matrices", "summary"])
def test_other_levels(level):
    state = begun(NET, Adam(0.02))
    doc = explain(NET, None, X[:4], T[:4], Adam(0.02), state=state, level=level)
    wanted = after(NET, Adam(0.02), state)
    value = NET.value(wanted.theta, NET.batch(wanted.theta, X[:4], T[:4]))
    assert doc.steps[0].loss_after == pytest.approx(value, rel=1e-12)
    one = explain(NET, None, X[:4], T[:4], Adam(0.02), state=state, parameter="W1[1,2]")
    assert one["W1_new[1,2]"].value == pytest.approx(NET.views(wanted.theta)["W1"][1, 2], rel=1e-12)


def test_a_float32_state_is_explained_in_float64():
    state = begun(NET, Adam(0.02), np.float32)
    assert state.theta.dtype == np.float32
    doc = explain(NET, state.theta, X[:4], T[:4], Adam(0.02), state=state)
    exactly = state._replace(
        theta=state.theta.astype(float), slots=tuple(s.astype(float) for s in state.slots)
    )
    same(doc, 0, after(NET, Adam(0.02), exactly, engine="reference").theta)


def test_without_an_optimizer_the_masks_are_those_of_the_next_step():
    net = NETS["dropout"]
    state = begun(net, SGD(0.1))
    doc = explain(net, None, X[:4], T[:4], state=state, seed=99)
    whole = explain(net, None, X[:4], T[:4], SGD(0.1), state=state)
    fresh = explain(net, state.theta, X[:4], T[:4], seed=5)
    drawn = [
        [q.value for q in d.steps[0].quantities if q.key.startswith("mask")]
        for d in (doc, whole, fresh)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert doc.steps[0].number == 9


def test_lbfgs_begins_at_the_parameters_of_the_state():
    state = begun(NET, SGD(0.1))
    doc = explain(NET, None, X[:4], T[:4], LBFGS(), state=state)
    wanted = explain(NET, state.theta, X[:4], T[:4], LBFGS())
    assert doc.steps[0].loss_after == wanted.steps[0].loss_after


def test_a_state_before_the_first_update_changes_nothing():
    rule = Adam(WarmUp(3, 0.1))
    theta = NET.initialize(2)
    fresh = explain(NET, theta, X[:4], T[:4], rule, seed=4)
    begins = train(NET, X, T, rule, theta=theta, seed=4).state
    for text in ("to_text", "to_numpy", "to_pytorch", "to_json"):
        one, two = (
            getattr(doc, text)()
            for doc in (fresh, explain(NET, None, X[:4], T[:4], rule, state=begins))
        )
        assert one == two


def test_a_state_in_the_middle_of_an_epoch():
    state = begun(NET, Momentum(0.02))._replace(batch=3)
    assert explain(NET, None, X[:4], T[:4], Momentum(0.02), state=state).steps[0].number == 9


STATE = begun(NET, Adam(0.02))


@pytest.mark.parametrize(
    ("theta", "rule", "state", "message"),
    [
        (None, "adam", None, "theta=None: give parameters, or a state such as run.state"),
        (NET.initialize(0), "adam", STATE, "theta and the state's theta differ"),
        (None, "adam", STATE.theta, "give the state of a run, such as run.state"),
        (None, "momentum", STATE, "the state has 2 moving averages, but momentum has 1"),
        (None, "adam", STATE._replace(theta=STATE.theta[1:]), "theta has shape"),
        (None, "adam", STATE._replace(slots=(STATE.theta[1:],) * 2), "has shape"),
        (
            None,
            "adam",
            STATE._replace(step=-1),
            "state.step = -1: must be an integer",
        ),
        (None, "adam", STATE._replace(seed=0.5), "state.seed = 0.5"),
        (None, "adam", STATE._replace(slots=(STATE.theta * np.nan,) * 2), "the state's average"),
        (None, None, STATE._replace(theta=STATE.theta * np.inf), "theta"),
    ],
)
def test_invalid_states_raise_errors(theta, rule, state, message):
    with pytest.raises(InputError, match=message):
        explain(NET, theta, X[:4], T[:4], rule, state=state)


def test_programs_with_non_finite_numbers_raise_errors():
    setup = explain(NET, None, X[:4], T[:4], Adam(0.02), state=STATE).setup
    with pytest.raises(InputError, match="a moving average"):
        numpy_program(replace(setup, slots=(STATE.theta * np.nan,) * 2))
