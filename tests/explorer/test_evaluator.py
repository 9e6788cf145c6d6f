"""The page computes the engine's numbers: every registered entry, wired and evaluated in node.

A difference is measured against the size of the largest terms of the sum that the number is. The
engine's own tests compare the equations with the hand-written passes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    ActivationLayer,
    Adam,
    ClipNorm,
    ClipValue,
    CosineDecay,
    Custom,
    Dense,
    Dropout,
    ExponentialDecay,
    InverseScaling,
    LayerNorm,
    Network,
    Optimizer,
    Penalty,
    StepDecay,
    WarmUp,
    mlp,
)
from chainrule.elementwise import Number, erf, exp, expm1, log1p, real, tanh, where
from chainrule.explanation.setup import Setup
from chainrule.explorer.model import setup_model
from chainrule.explorer.tables import tables
from chainrule.loops import OptimizerState
from chainrule.network import MaskSeed
from chainrule.optimizers import SGD
from chainrule.schedules import SCHEDULES
from chainrule.wiring import Step, wire
from tests.explorer.node import run_node

LOG_2 = float(np.log(2))
CLOSE = 1e-12  # of the largest Σ|terms|: node's exp and tanh may differ from NumPy's by an ulp
RULES = {name: rule for name, rule in OPTIMIZERS.items() if isinstance(rule, Optimizer)}
CLIPS = {"unclipped": None, "by norm": ClipNorm(0.05), "by value": ClipValue(0.01)}
PENALTIES = {"none": Penalty(), "l1": Penalty(l1=0.01), "all": Penalty(0.01, 0.02, 0.1)}
RATES = {
    "constant": 0.05,
    "step": StepDecay(0.1, 0.5, 2),
    "exponential": ExponentialDecay(0.1, 0.9),
    "inverse-scaling": InverseScaling(0.1),
    "cosine": CosineDecay(0.1, 4, 0.01),
    "warm-up": WarmUp(3, StepDecay(0.1, 0.5, 3)),
}


def clipped(rule: Optimizer, clip: ClipNorm | ClipValue | None) -> Optimizer:
    """Return an optimizer with a clipping."""
    own: dict[str, Any] = {**rule.numbers, "clip": clip}
    return type(rule)(**own)


def network(activation: str, loss: str, penalty: str = "none", *, layers: str = "plain") -> Network:
    """Return a small network with a registered entry in each place."""
    if layers == "plain":
        return mlp(3, 4, 2, activation=activation, loss=loss, penalty=PENALTIES[penalty])
    several = (
        Dense(4, activation),
        LayerNorm(),
        ActivationLayer(activation),
        Dropout(0.3),
        Dense(3, activation, bias=False, trainable=False),
        Dense(2, "identity", trainable=("W",)),
    )
    return Network(3, several, loss, PENALTIES[penalty])


def case(
    name: str, net: Network, rule: Optimizer | None, *, weighted: bool = False, steps: int = 2
) -> dict[str, Any]:
    """Return a model some steps into a run, with the numbers that Python's wiring gives."""
    rng = np.random.default_rng(3)
    theta, n, k = net.initialize(7), 4, net.outputs
    x, t = rng.normal(size=(n, net.inputs)), rng.uniform(size=(n, k))
    batch = net.batch(theta, x, t / t.sum(1, keepdims=True), [1, 2, 0.5, 1] if weighted else None)
    state = OptimizerState(0, (), net.layout) if rule is None else rule.start(theta, net.layout)
    for done in range(steps):
        if rule is None:
            break
        step = wire(net, theta, batch, rule, state, mask_seed=MaskSeed(5, done))
        theta, state = step.theta_new, state._replace(step=done + 1, slots=step.slots_new(rule))
    setup = Setup(net, theta, batch, rule, seed=5, done=state.step, slots=state.slots)
    step = wire(net, theta, batch, rule, state, mask_seed=MaskSeed(5, state.step))
    return {"name": name, "model": setup_model(setup), "want": wanted(step)}


def wanted(step: Step) -> dict[str, Any]:
    """Return every number of a step, with the size that a difference is compared with."""
    found: dict[str, Any] = {}
    for label, scope in step.scopes.items():
        for name in scope.equations:
            value = np.asarray(scope[name], float)
            found[f"{label}.{name}"] = [list(value.shape), plain(value), [scale(step, value)]]
    return found


def plain(value: np.ndarray[Any, Any]) -> list[Any]:
    return ["nan" if np.isnan(v) else v for v in value.ravel().tolist()]


def scale(step: Step, value: np.ndarray[Any, Any]) -> float:
    """Return the size of the terms of a quantity's sums."""
    return float(max(np.nanmax(np.abs(value), initial=0.0), 1e-300))


def compared(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how far node's numbers are from Python's in each case."""
    rows = run_node("compare.mjs", {"tables": tables(), "cases": cases})
    assert len(rows) == len(cases)
    assert all(row["error"] or row["numbers"] > 50 for row in rows)
    return rows


def differences(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the comparisons that are not within the tolerance."""
    return [row for row in compared(cases) if row["error"] or row["worst"] > CLOSE]


def of_rules() -> list[dict[str, Any]]:
    """Return a case for each optimizer and clipping."""
    net = network("tanh", "huber", "all", layers="all")
    return [
        case(f"{name}, {clip}", net, clipped(rule, limit))
        for name, rule in RULES.items()
        for clip, limit in CLIPS.items()
    ]


def of_schedules() -> list[dict[str, Any]]:
    """Return a case for each schedule and each of its first updates."""
    net = network("tanh", "squared-error")
    return [case(r, net, SGD(rate), steps=k) for r, rate in RATES.items() for k in range(7)]


ENTRIES: dict[str, Callable[[], list[dict[str, Any]]]] = {  # cases, by what they vary
    "activations": lambda: [
        case(a, network(a, "squared-error", layers="all"), SGD(0.1)) for a in ACTIVATIONS
    ],
    "losses, and with sample weights": lambda: [
        case(loss, network("tanh", loss), Adam(0.01), weighted=weighted)
        for loss in LOSSES
        for weighted in (False, True)
    ],
    "optimizers and clippings": of_rules,
    "penalties": lambda: [case(p, network("relu", "poisson", p), None) for p in PENALTIES],
    "schedules": of_schedules,
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_every_entry(kind: str) -> None:
    assert not differences(ENTRIES[kind]())


def test_every_product(full: bool) -> None:
    for activation in ACTIVATIONS if full else ["logistic"]:
        every = products(activation)
        assert not differences([make() for make in (every if full else every[::7])])


def products(activation: str) -> list[Callable[[], dict[str, Any]]]:
    """Return functions that make a case for each loss, optimizer and clipping."""
    return [
        partial(
            case,
            f"{activation}, {loss}, {name}, {clip}",
            network(activation, loss, "l1", layers="all"),
            clipped(RULES[name], limit),
        )
        for loss in LOSSES
        for name in RULES
        for clip, limit in CLIPS.items()
    ]


def test_every_schedule_has_a_rate() -> None:
    assert set(RATES) == set(SCHEDULES)


def soft_step(z: Number) -> Number:
    doubled = 2 * z
    return where(real(z) > 0, tanh(doubled), log1p(exp(z)) - LOG_2 + 0.5 * erf(z))


def bent(z: Number) -> Number:
    return z + 0.5 * np.exp(-z * z)


def dbent(z: Number, a: Number) -> Number:
    return 1 - z * np.exp(-z * z)


OWN = [
    Custom("ratio", lambda z: tanh(2 * z) / (1 + z**2)),
    Custom("soft-step", soft_step),
    Custom("bent", bent, dbent),
    Custom("root", lambda z: (1 + z * z) ** 0.5 - expm1(-0.1 * z) + z),
]


@pytest.mark.parametrize("own", OWN, ids=lambda own: own.name)
def test_functions_of_a_users_own(own: Custom) -> None:
    net = Network(3, (Dense(4, own), Dense(2, "identity")), "squared-error")
    assert not differences([case(own.name, net, SGD(0.1))])


def test_a_wrong_equation_is_noticed() -> None:
    one = case("replaced", network("tanh", "squared-error"), SGD(0.1))
    one["replace"] = [["1", "delta", ["name", "da"]]]
    assert [row["where"] for row in differences([one])]


def test_the_page_shows_the_same_wrong_numbers() -> None:
    net = network("tanh", "squared-error")
    one = case("replaced", net, SGD(0.1))
    setup = one["model"]
    theta = np.array(setup["theta"])
    batch = net.batch(theta, setup["data"]["x"], setup["data"]["t"])
    mistake: dict[tuple[str | int, str], str] = {("1", "delta"): "da"}
    rule = SGD(0.1)
    state = OptimizerState(2, (), net.layout)
    one["want"] = wanted(wire(net, theta, batch, rule, state, replace=mistake))
    one["replace"] = [["1", "delta", ["name", "da"]]]
    assert not differences([one])
