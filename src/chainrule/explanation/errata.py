"""Errata of published examples: the printed figure, the correct one, and how the mistake gives it.

All figures are recomputed: the mistake is put back into the equations, and the example runs again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.equations import parse
from chainrule.explanation.record import ErratumFigure
from chainrule.explanation.setup import Setup
from chainrule.explanation.work import require_finite, wired
from chainrule.loops import State
from chainrule.optimizers import Optimizer, OptimizerState
from chainrule.problems import PROBLEMS, Erratum, Problem
from chainrule.wiring import Step, bind_optimizer_state, wire

Replace = Mapping[tuple[str | int, str], str]


def errata_steps(problem: Problem, setup: Setup) -> set[int]:
    """Return after which updates the correct states are needed for the errata."""
    reached = errata_within(problem, setup)
    return {e.step for e in reached} | {e.at_step for e in reached if e.at_step is not None}


def errata_within(problem: Problem, setup: Setup) -> list[Erratum]:
    """Return the errata within the steps made; none for L-BFGS, which has no equations."""
    return [e for e in problem.errata if e.step <= setup.steps and setup.rule is not None]


def figures(problem: Problem, setup: Setup, right: dict[int, State]) -> tuple[ErratumFigure, ...]:
    """Return the errata within the steps made, with recomputed figures.

    Parameters
    ----------
    problem : Problem
    setup : Setup
        The problem's data and the number of steps.
    right : dict of int to State
        The correct states after the updates that `errata_steps` returns.

    Returns
    -------
    tuple of ErratumFigure
        The published figures are None if the problem differs from the published one.
    """
    reached = errata_within(problem, setup)
    wrong: dict[tuple[Any, ...], dict[int, State]] = {}
    for e in reached:
        if e.replace and (cause := tuple(e.replace.items())) not in wrong:
            last = max(other.step for other in reached if other.replace == e.replace)
            wrong[cause] = mistaken_trajectory(setup, right[0], e.replace, last)
    original = is_published(problem)
    return tuple(_figure(setup, e, right, wrong, original=original) for e in reached)


def is_published(problem: Problem) -> bool:
    """Return whether a problem is unchanged from the published one."""
    known = PROBLEMS.get(problem.name)
    same = ("network", "x", "t", "weights", "biases", "optimizer", "sample_weight")
    return known is not None and all(getattr(known, n) == getattr(problem, n) for n in same)


def mistaken_trajectory(
    setup: Setup, state: State, mistake: Replace, steps: int
) -> dict[int, State]:
    """Return the states after each update by equations that contain a mistake."""
    network, rule = setup.network, setup.rule
    states = {0: state}
    if rule is None:
        return states
    step = wire(network, state.theta, setup.batch, rule, replace=mistake)
    for done in range(1, steps + 1):
        _set_state(step, rule, state)
        with np.errstate(all="ignore"):  # figures that are not finite are rejected below
            state = State(step.theta_new, done, step.slots_new(rule), state.seed)
        states[done] = state
    return states


def _set_state(step: Step, rule: Optimizer, state: State) -> None:
    """Set a wired step's parameters and optimizer memory, and clear its old results."""
    for block in step.network.layout.blocks:
        step.layers[block.layer].values[block.param] = block.view(state.theta)
    bind_optimizer_state(step, rule, OptimizerState(state.step, state.slots, step.network.layout))
    for scope in step.scopes.values():
        scope.clear_results()


def _figure(
    setup: Setup,
    e: Erratum,
    right: dict[int, State],
    wrong: dict[tuple[Any, ...], dict[int, State]],
    *,
    original: bool,
) -> ErratumFigure:
    mistaken = None
    if e.replace:
        mistaken = _value(setup, e, wrong[tuple(e.replace.items())][e.step])
    elif e.at_step is not None:
        mistaken = _value(setup, e, right[e.at_step])
    elif e.rounded:
        mistaken = _value(setup, e, right[e.step], rounded=True)
    published = e.published if original else None
    value = _value(setup, e, right[e.step])
    return ErratumFigure(e.place, e.step, published, value, mistaken, e.cause)


def _value(setup: Setup, e: Erratum, state: State, *, rounded: bool = False) -> float:
    """Return an erratum's figure, evaluated at a state."""
    step = wired(replace(setup, rule=None), state)
    for (label, name), decimals in e.rounded.items() if rounded else ():
        step.scope(label).values[name] = np.round(step.scope(label)[name], decimals)
    with np.errstate(all="ignore"):
        value = float(step.scope(e.scope).evaluate(parse(e.equation)))
    return require_finite(value, e.place)
