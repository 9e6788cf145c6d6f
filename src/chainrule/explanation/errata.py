"""Published figures beside the right ones: both are recomputed, never typed.

The mistake is put back into the equations and the example runs again; where its figures end up is
what the publication printed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.batch import Batch
from chainrule.equations import parse
from chainrule.explanation.build import refuse, wired
from chainrule.explanation.example import ErratumFigure
from chainrule.loops import State
from chainrule.optimizers import OptimizerState
from chainrule.problems import PROBLEMS, Erratum, Problem
from chainrule.wiring import wire

Replace = Mapping[tuple[str | int, str], str]


def errata_steps(problem: Problem, steps: int) -> set[int]:
    """Return after how many updates the errata that `steps` steps reach need a state."""
    reached = [e for e in problem.errata if e.step <= steps]
    return {e.step for e in reached} | {e.at_step for e in reached if e.at_step is not None}


def figures(
    problem: Problem, batch: Batch, right: dict[int, State], steps: int
) -> tuple[ErratumFigure, ...]:
    """Return the errata that the first `steps` steps of a problem reach, figures recomputed.

    Parameters
    ----------
    problem : Problem
    batch : Batch
        Its data.
    right : dict of int to State
        The right states after the updates that `errata_steps` names.
    steps : int

    Returns
    -------
    tuple of ErratumFigure
        The published figure is kept only while the problem is the published one.
    """
    reached = [e for e in problem.errata if e.step <= steps]
    wrong: dict[tuple[Any, ...], dict[int, State]] = {}
    for e in reached:
        if e.replace and (cause := tuple(e.replace.items())) not in wrong:
            last = max(other.step for other in reached if other.replace == e.replace)
            wrong[cause] = mistaken_trajectory(problem, batch, right[0], e.replace, last)
    original = is_published(problem)
    return tuple(_figure(problem, batch, e, right, wrong, original=original) for e in reached)


def is_published(problem: Problem) -> bool:
    """Tell whether a problem is still the one that was published."""
    known = PROBLEMS.get(problem.name)
    same = ("network", "x", "t", "weights", "biases", "optimizer")
    return known is not None and all(getattr(known, n) == getattr(problem, n) for n in same)


def mistaken_trajectory(
    problem: Problem, batch: Batch, state: State, mistake: Replace, steps: int
) -> dict[int, State]:
    """Return the states after each update by the equations with a mistake in them."""
    network, rule = problem.network, problem.optimizer
    states = {0: state}
    for done in range(1, steps + 1):
        memory = OptimizerState(state.step, state.slots, network.layout)
        step = wire(network, state.theta, batch, rule, memory, replace=mistake)
        with np.errstate(all="ignore"):  # a figure that is not finite is refused below
            state = State(step.theta_new, done, step.slots_new(rule), state.seed)
        states[done] = state
    return states


def _figure(
    problem: Problem,
    batch: Batch,
    e: Erratum,
    right: dict[int, State],
    wrong: dict[tuple[Any, ...], dict[int, State]],
    *,
    original: bool,
) -> ErratumFigure:
    mistaken = None
    if e.replace:
        mistaken = _value(problem, batch, e, wrong[tuple(e.replace.items())][e.step])
    elif e.at_step is not None:
        mistaken = _value(problem, batch, e, right[e.at_step])
    elif e.rounded:
        mistaken = _value(problem, batch, e, right[e.step], rounded=True)
    published = e.published if original else None
    value = _value(problem, batch, e, right[e.step])
    return ErratumFigure(e.place, e.step, published, value, mistaken, e.cause)


def _value(
    problem: Problem, batch: Batch, e: Erratum, state: State, *, rounded: bool = False
) -> float:
    """Return the figure that an erratum is about, at a state."""
    step = wired(problem.network, batch, None, state)
    for (label, name), decimals in e.rounded.items() if rounded else ():
        step.scope(label).given[name] = np.round(step.scope(label)[name], decimals)
    with np.errstate(all="ignore"):
        value = float(step.scope(e.scope).evaluate(parse(e.equation)))
    return refuse(value, e.place)
