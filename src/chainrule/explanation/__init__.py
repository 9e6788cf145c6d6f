"""Explain: the complete worked example of a network, from the engine's own equations.

``explain`` makes the document; renderers show it. Nothing is computed twice or in another way.
"""

from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files

from chainrule.explanation.build import (
    Writer,
    check_size,
    choose_steps,
    document,
    explain,
    trajectory,
)
from chainrule.explanation.digits import Digits
from chainrule.explanation.errata import errata_steps, figures
from chainrule.explanation.example import ErratumFigure, ExampleStep, Quantity, WorkedExample
from chainrule.explanation.notation import notation
from chainrule.problems import Problem

__all__ = [
    "ErratumFigure",
    "ExampleStep",
    "Quantity",
    "WorkedExample",
    "example_schema",
    "explain",
    "explain_problem",
]


def explain_problem(
    problem: Problem,
    *,
    steps: int = 1,
    show_steps: Iterable[int] | None = None,
    digits: int | None = None,
    decimals: int | None = None,
    seed: int = 0,
) -> WorkedExample:
    """Work out a problem that has a name, with its errata.

    Parameters
    ----------
    problem : Problem
    steps : int, default 1
    show_steps : iterable of int, optional
        Which of them to work out; the first and the last by default.
    digits : int, optional
        Significant digits of results; 9 where the problem's source does not say otherwise.
    decimals : int, optional
        Digits behind the point instead; by default what the problem's source prints.
    seed : int, default 0
        Of the first weights, where the problem gives none.

    Returns
    -------
    WorkedExample

    Raises
    ------
    InputError
        If a number is out of range.
    """
    shown = choose_steps(steps, show_steps, problem.optimizer)
    batch = problem.network.batch(theta := problem.theta(seed), problem.x, problem.t)
    if digits is None and decimals is None:
        decimals = problem.decimals
    counts = Digits(Digits().significant if digits is None else digits, decimals)
    chosen = notation(problem.notation)
    writer = Writer(problem.network, batch, problem.optimizer, chosen, counts)
    check_size(writer, theta)
    wanted = [*(s - 1 for s in shown), *errata_steps(problem, steps)]
    states = trajectory(problem.network, problem.optimizer, batch, theta, wanted, seed)
    example = document(writer, [states[s - 1] for s in shown], problem.title, problem.source)
    return replace(example, errata=figures(problem, batch, states, steps))


def example_schema() -> str:
    """Return the JSON Schema of ``chainrule.example/1``, as text."""
    return (
        files("chainrule.explanation").joinpath("example.schema.json").read_text(encoding="utf-8")
    )
