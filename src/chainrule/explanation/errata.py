"""Published figures beside the right ones: both are recomputed, never typed.

The mistake is put back into the equations and the example runs again; where its figures end up is
what the publication printed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.equations import parse
from chainrule.explanation.record import ErratumFigure
from chainrule.explanation.setup import Setup
from chainrule.explanation.work import refuse, wired
from chainrule.loops import State
from chainrule.optimizers import Optimizer, OptimizerState
from chainrule.problems import PROBLEMS, Erratum, Problem
from chainrule.wiring import Step, bind_optimizer_state, wire

Replace = Mapping[tuple[str | int, str], str]


def errata_steps(problem: Problem, setup: Setup) -> set[int]:
    """Return after how many updates the errata that are reached need the right state."""
    reached = reached_by(problem, setup)
    return {e.step for e in reached} | {e.at_step for e in reached if e.at_step is not None}


def reached_by(problem: Problem, setup: Setup) -> list[Erratum]:
    """Return the errata that the steps reach; a search has no equations for a mistake."""
    return [e for e in problem.errata if e.step <= setup.steps and setup.rule is not None]


def figures(problem: Problem, setup: Setup, right: dict[int, State]) -> tuple[ErratumFigure, ...]:
    """Return the errata that the steps of a problem reach, figures recomputed.

    Parameters
    ----------
    problem : Problem
    setup : Setup
        Its data, and how many steps are made.
    right : dict of int to State
        The right states after the updates that `errata_steps` names.

    Returns
    -------
    tuple of ErratumFigure
        The published figure is kept only while the problem is the published one.
    """
    reached = reached_by(problem, setup)
    wrong: dict[tuple[Any, ...], dict[int, State]] = {}
    for e in reached:
        if e.replace and (cause := tuple(e.replace.items())) not in wrong:
            last = max(other.step for other in reached if other.replace == e.replace)
            wrong[cause] = mistaken_trajectory(setup, right[0], e.replace, last)
    original = is_published(problem)
    return tuple(_figure(setup, e, right, wrong, original=original) for e in reached)


def is_published(problem: Problem) -> bool:
    """Tell whether a problem is still the one that was published."""
    known = PROBLEMS.get(problem.name)
    same = ("network", "x", "t", "weights", "biases", "optimizer", "sample_weight")
    return known is not None and all(getattr(known, n) == getattr(problem, n) for n in same)


def mistaken_trajectory(
    setup: Setup, state: State, mistake: Replace, steps: int
) -> dict[int, State]:
    """Return the states after each update by the equations with a mistake in them."""
    network, rule = setup.network, setup.rule
    states = {0: state}
    if rule is None:
        return states
    step = wire(network, state.theta, setup.batch, rule, replace=mistake)
    for done in range(1, steps + 1):
        _set(step, rule, state)
        with np.errstate(all="ignore"):  # a figure that is not finite is refused below
            state = State(step.theta_new, done, step.slots_new(rule), state.seed)
        states[done] = state
    return states


def _set(step: Step, rule: Optimizer, state: State) -> None:
    """Give a wired step the parameters and the memory of a state, and let it forget the last."""
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
    """Return the figure that an erratum is about, at a state."""
    step = wired(replace(setup, rule=None), state)
    for (label, name), decimals in e.rounded.items() if rounded else ():
        step.scope(label).values[name] = np.round(step.scope(label)[name], decimals)
    with np.errstate(all="ignore"):
        value = float(step.scope(e.scope).evaluate(parse(e.equation)))
    return refuse(value, e.place)
