# pyright: strict
"""Trials of remedies: a few updates from the beginning of the run, with one fault repaired.

A fault of the weights is often the consequence of another: a learning rate that is far too large
leaves dead units. The cause is what repairs the run when it is tried.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule.health.column_statistics import standardized
from chainrule.health.examinations import EXAMINATIONS
from chainrule.health.findings import Finding
from chainrule.health.learning_rates import good_rate, large_rate, trial_gain, with_rate
from chainrule.health.snapshot import MIN_DECREASE, RunSnapshot
from chainrule.initializers import Glorot
from chainrule.layers import Dense, Layer
from chainrule.network import Network
from chainrule.optimizers import Optimizer

Array: TypeAlias = NDArray[Any]

Repair: TypeAlias = Callable[[RunSnapshot, Optimizer], tuple[RunSnapshot, Optimizer]]


def rank_by_trial(run: RunSnapshot, causes: list[Finding]) -> list[Finding]:
    """Return causes in the order of a report: those first whose repair makes the run learn.

    Those that cannot be tried come next, and those whose repair did not help last. Causes of one
    kind alone, and L-BFGS, which has no updates of a fixed size, need no trial.
    """
    rule = run.optimizer
    if not isinstance(rule, Optimizer) or len({finding.id for finding in causes}) < 2:
        return causes
    start = run.beginning or run
    if not (start.finite and run.history):
        return causes
    ranks = {name: rank(start, rule, name) for name in {finding.id for finding in causes}}
    return sorted(causes, key=lambda finding: ranks[finding.id])


def rank(start: RunSnapshot, rule: Optimizer, name: str) -> int:
    """Return 0 if the repair of a fault makes the run learn, 1 if none is tried, 2 if it does not.

    A fault of the weights that the run did not begin with is the consequence of another one.
    """
    if name in OF_WEIGHTS and not began_with(start, name):
        return 2
    if name not in REPAIRS:
        return 1
    repaired, with_rule = REPAIRS[name](start, rule)
    gain = trial_gain(repaired, with_rule)
    least = repaired.bounds.least if repaired.bounds else 0.0
    error = float(repaired.network.value(repaired.theta, repaired.subset)) - least
    return 0 if gain > MIN_DECREASE * error else 2


def began_with(start: RunSnapshot, name: str) -> bool:
    """Return whether the run began with a fault of its weights."""
    return any(EXAMINATIONS[name].examine(start))


def rate_behind_weights(run: RunSnapshot, causes: list[Finding]) -> list[Finding]:
    """Return the finding of a large rate, if it alone explains faults of the weights.

    A run that learns something is not failing, so that its rate has not been examined yet.
    """
    rule, start = run.optimizer, run.beginning
    if not isinstance(rule, Optimizer) or start is None or not causes:
        return []
    if any(f.id not in OF_WEIGHTS or began_with(start, f.id) for f in causes):
        return []
    found = list(large_rate(run, rule))
    return found if rank(start, rule, "rate-too-large") == 0 else []


# ---- repairs ------------------------------------------------------------------------------------


def other_rate(start: RunSnapshot, rule: Optimizer) -> tuple[RunSnapshot, Optimizer]:
    """Return the run with a good learning rate."""
    return start, with_rate(rule, good_rate(start, rule) or 1e-3)


def scaled_inputs(start: RunSnapshot, rule: Optimizer) -> tuple[RunSnapshot, Optimizer]:
    """Return the run with standardized inputs."""
    return replace(start, batch=start.batch._replace(x=standardized(start.batch.x))), rule


def scaled_targets(start: RunSnapshot, rule: Optimizer) -> tuple[RunSnapshot, Optimizer]:
    """Return the run with standardized targets."""
    return replace(start, batch=start.batch._replace(t=standardized(start.batch.t))), rule


def other_weights(start: RunSnapshot, rule: Optimizer) -> tuple[RunSnapshot, Optimizer]:
    """Return the run with usual random weights, drawn anew."""
    layers = tuple(with_usual_weights(layer) for layer in start.network.layers)
    network: Network = replace(start.network, layers=layers)
    return replace(start, network=network, theta=network.initialize(1)), rule


def with_usual_weights(layer: Layer) -> Layer:
    """Return a layer that is initialized as Glorot recommends."""
    return replace(layer, initializer=Glorot()) if isinstance(layer, Dense) else layer


OF_WEIGHTS = (
    "symmetric-weights",
    "saturated-units",
    "dead-units",
    "vanishing-gradient",
    "exploding-gradient",
)
REPAIRS: dict[str, Repair] = {
    "inputs-not-scaled": scaled_inputs,
    "constant-inputs": scaled_inputs,
    "targets-not-scaled": scaled_targets,
    "symmetric-weights": other_weights,
    "saturated-units": other_weights,
    "dead-units": other_weights,
    "exploding-gradient": other_weights,
    "rate-too-large": other_rate,
    "rate-too-small": other_rate,
}
