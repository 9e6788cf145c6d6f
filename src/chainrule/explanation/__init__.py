"""Explain: the complete worked example of a network, from the engine's own equations.

``explain`` makes the document; renderers show it. Nothing is computed twice or in another way.
"""

from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files

from chainrule.descriptions import check_int
from chainrule.explanation.build import choose_steps, explain, look, make, pair
from chainrule.explanation.errata import errata_steps, figures
from chainrule.explanation.example import WorkedExample
from chainrule.explanation.notation import NOTATIONS, Notation
from chainrule.explanation.record import ErratumFigure, ExampleStep, Level
from chainrule.explanation.setup import Setup
from chainrule.explanation.single import one_number
from chainrule.problems import Problem

__all__ = [
    "NOTATIONS",
    "ErratumFigure",
    "ExampleStep",
    "Notation",
    "Setup",
    "WorkedExample",
    "example_schema",
    "explain",
    "explain_problem",
    "one_number",
]


def explain_problem(
    problem: Problem,
    *,
    steps: int = 1,
    show_steps: Iterable[int] | None = None,
    parameter: str | None = None,
    level: Level | None = None,
    notation: str | Notation | None = None,
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
    parameter, level : str, optional
        As `explain` has them.
    notation : str or Notation, optional
        That of the problem's source by default.
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
    rule, search = pair(problem.optimizer)
    shown = choose_steps(steps, show_steps, rule)
    theta = problem.theta(seed)
    batch = problem.network.batch(theta, *problem.data())
    setup = Setup(problem.network, theta, batch, rule, check_int(steps, "steps"), seed, search)
    chosen = look(notation or problem.notation, digits, decimals, problem.decimals)
    also = errata_steps(problem, setup)
    title, source = problem.title, problem.source
    example, states = make(setup, shown, chosen, level, parameter, title, source, also)
    return replace(example, errata=figures(problem, setup, states))


def example_schema() -> str:
    """Return the JSON Schema of ``chainrule.example/1``, as text."""
    return (
        files("chainrule.explanation").joinpath("example.schema.json").read_text(encoding="utf-8")
    )
