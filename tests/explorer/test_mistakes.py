"""The page makes the catalogue's mistakes as Python does: the same equations, the same numbers."""

import math
import re
from typing import Any

import numpy as np
import pytest

from chainrule import Adam, Dense, LayerNorm, Network, Optimizer, Penalty, mlp
from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.diagnosis.hypotheses import Variant, variants
from chainrule.diagnosis.replay import Replay, Setting
from chainrule.diagnosis.sessions import Session
from chainrule.equations import EquationError
from chainrule.errors import UnknownNameError
from chainrule.explanation.programs import numpy_program
from chainrule.explanation.setup import Setup
from chainrule.explorer.mistakes import catalogue
from chainrule.explorer.model import setup_model
from chainrule.explorer.tables import tables
from chainrule.explorer.trees import tree_of
from chainrule.optimizers import SGD, AdamW, Momentum
from chainrule.wiring import Step
from tests.explorer.node import run_node

CLOSE = 1e-12  # of the largest entry of an array

THREE = (Dense(3, "tanh"), Dense(3, "relu", bias=False), Dense(2, "logistic"))
NORMED = (Dense(3, "relu"), LayerNorm(), Dense(2, "tanh"), Dense(3, "identity"))
CASES: dict[str, tuple[Network, Optimizer | None]] = {
    "square": (mlp(2, 2, 2, activation="logistic", loss="squared-error"), SGD(0.5)),
    "three layers": (Network(2, THREE, "squared-error", Penalty(l2=0.1)), Momentum(0.1)),
    "softmax": (
        mlp(3, 3, 3, activation="relu", loss="softmax-cross-entropy"),
        Adam(0.01, eps=1e-3),
    ),
    "normed": (
        Network(3, NORMED, "softmax-squared-error", Penalty(alpha=0.1)),
        AdamW(0.01, eps=1e-3),
    ),
    "logistic loss": (mlp(2, 4, 1, activation="silu", loss="logistic-cross-entropy"), SGD(0.1)),
    "no optimizer": (mlp(2, 3, 2, activation="tanh", loss="squared-error"), None),
}


def setup(network: Network, rule: Optimizer | None, n: int = 3) -> Setup:
    """Return a setup with random data."""
    rng = np.random.default_rng(5)
    x, t = rng.normal(size=(n, network.inputs)), rng.uniform(size=(n, network.outputs))
    t = t / t.sum(1, keepdims=True) if network.outputs > 1 else t
    theta = network.initialize(4) + 0.1 * rng.normal(size=network.layout.size)
    return Setup(network, theta, network.batch(theta, x, t), rule)


@pytest.fixture(scope="module")
def page(full: bool) -> dict[str, list[dict[str, Any]]]:
    """Return what the page lists for each case; the steps of every sixth mistake, or of all."""
    models = [setup_model(setup(*case)) for case in CASES.values()]
    every = 1 if full else 6
    rows = run_node("variants.mjs", {"tables": tables(), "cases": models, "every": every})
    return dict(zip(CASES, rows, strict=True))


def test_every_mistake_with_equations_is_exported() -> None:
    exported = {entry["id"]: len(entry["forms"]) for entry in catalogue()}
    assert exported == {m.id: len(m.forms) for m in MISTAKES.values() if m.forms}


def test_every_mistake_applies_to_one_of_the_cases(page: dict[str, Any]) -> None:
    made = {row["id"] for rows in page.values() for row in rows}
    assert made == {m.id for m in MISTAKES.values() if m.forms}


@pytest.mark.parametrize("case", CASES)
def test_the_same_replacements_and_texts(page: dict[str, Any], case: str) -> None:
    wanted = [listed(v, CASES[case][0]) for v in variants(*CASES[case])]
    found = [{k: row[k] for k in ("id", "labels", "title", "replace")} for row in page[case]]
    assert found == wanted


def listed(variant: Variant, network: Network) -> dict[str, Any]:
    """Return a variant as the page lists it."""
    layers = [int(x) for x in variant.labels]
    everywhere = len(layers) == sum(label.isdigit() for label in network.labels)
    titled = variant.mistake.of_form(variant.form, layers, all_layers=everywhere)
    replace = [[where, name, tree_of(text)] for (where, name), text in variant.replace.items()]
    labels = list(variant.labels)
    return {"id": variant.mistake.id, "labels": labels, "title": titled.title, "replace": replace}


@pytest.mark.parametrize("case", CASES)
def test_the_same_wrong_numbers(page: dict[str, Any], case: str, full: bool) -> None:
    every = list(zip(variants(*CASES[case]), page[case], strict=True))
    compared = 0
    for variant, row in every if full else every[::6]:
        steps = wrong_steps(setup(*CASES[case]), variant)
        compared += steps is not None
        assert (row["steps"] is None) == (steps is None), (row["title"], row["error"])
        # the page's run ends where parameters are no longer finite
        for found, wanted in zip(row["steps"] or [], steps or [], strict=False):
            assert close(found, wanted), (row["title"], variant.replace)
    assert compared > (120 if full else 20)


def wrong_steps(given: Setup, variant: Variant) -> list[list[float]] | None:
    """Return loss, gradient and new parameters of two steps; None if they cannot be computed."""
    session = Session(given.batch.x, given.batch.t, given.theta, ((), ()), sequential=True)
    replay = Replay(Setting(given.network, given.rule), session, (variant,))
    count = 1 if given.rule is None else 2
    try:
        with np.errstate(all="ignore"):
            return [numbers(replay.steps(call)[0], given.rule) for call in range(count)]
    except (EquationError, UnknownNameError, ValueError):
        return None


def numbers(step: Step, rule: Optimizer | None) -> list[float]:
    update = [] if rule is None else step.theta_new.tolist()
    return [float(step.value), *step.gradient.tolist(), *update]


def close(found: list[Any], wanted: list[float]) -> bool:
    """Return whether numbers are equal within the tolerance; those not finite stand as texts."""
    values = [float(v.replace("Infinity", "inf")) if isinstance(v, str) else v for v in found]
    size = max((abs(v) for v in wanted if math.isfinite(v)), default=0.0)
    return np.allclose(values, wanted, rtol=0, atol=CLOSE * size, equal_nan=True)


def test_a_line_of_code_is_one_of_the_numpy_program() -> None:
    given = [setup(*case) for case in CASES.values()]
    rows = run_node("lines.mjs", {"tables": tables(), "cases": list(map(setup_model, given))})
    for one, lines in zip(given, rows, strict=True):
        program = "\n".join(line.split("#")[0] for line in numpy_program(one).splitlines())
        names = re.findall(r"^ *(\w+) = ", program, re.MULTILINE)
        assigned = [line for line in lines if line.split()[0] in names]
        assert not [line for line in assigned if not contains(program, line)]
        assert len(assigned) >= 12


def contains(program: str, line: str) -> bool:
    """Return whether a program has a line; a long one is in parentheses, on several lines."""
    left, right = "".join(line.split()).split("=", 1)
    text = "".join(program.split())
    return f"{left}={right}" in text or f"{left}=({right})" in text


def test_a_mistake_stays_on_where_it_can_be_made() -> None:
    square, wide = CASES["square"], (mlp(2, 3, 2, activation="tanh", loss="huber"), SGD(0.1))
    models = {"square": setup_model(setup(*square)), "wide": setup_model(setup(*wide))}
    same_loss, first, wrong, edited, still, other, none, undone = run_node(
        "remade.mjs", {"tables": tables(), **models}
    )
    assert same_loss
    assert first == edited == "not-transposed/0/2"
    assert wrong
    assert still
    assert (other, none, undone) == (None, False, None)
