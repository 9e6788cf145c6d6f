"""The functions that make a worked example: of a network, or of a problem that has a name."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.batch import check_finite
from chainrule.descriptions import check_int, check_type
from chainrule.errors import InputError
from chainrule.explanation.build import Array, choose_steps, look, make, pair, start
from chainrule.explanation.errata import errata_steps, figures
from chainrule.explanation.example import WorkedExample
from chainrule.explanation.notation import Notation
from chainrule.explanation.record import Level
from chainrule.explanation.setup import Setup
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.problems import Problem
from chainrule.problems import problem as problem_named

Explain = Callable[..., WorkedExample]

EXCHANGE = "chainrule.exchange"  # comes later in the import order, so it is loaded by its name


def also_of_models(explain: Explain) -> Explain:
    """Return a function that also explains models: by their method `explain`, or in `exchange`."""

    @wraps(explain)
    def explain_any(network: Any, *given: Any, **settings: Any) -> WorkedExample:
        if isinstance(network, str | Problem | Network):
            return explain(network, *given, **settings)
        own: Explain | None = getattr(network, "explain", None)
        if own is not None:
            return own(*given, **settings)
        if is_foreign(network):
            return import_module(EXCHANGE).explain_foreign(network, *given, **settings)
        return explain(network, *given, **settings)

    return explain_any


def is_foreign(thing: Any) -> bool:
    """Return whether an object is a model of PyTorch or scikit-learn."""
    roots = {cls.__module__.partition(".")[0] for cls in type(thing).__mro__}
    return bool(roots & {"torch", "sklearn"})


@also_of_models
def explain(  # noqa: PLR0913 (what a document says is chosen by name)
    network: Network | Problem | str | Any,
    theta: ArrayLike | Any = None,
    x: ArrayLike | None = None,
    t: ArrayLike | None = None,
    optimizer: str | Optimizer | LBFGS | None = None,
    *,
    steps: int = 1,
    show_steps: Iterable[int] | None = None,
    sample_weight: ArrayLike | None = None,
    state: State | None = None,
    parameter: str | None = None,
    level: Level | None = None,
    notation: str | Notation | None = None,
    digits: int | None = None,
    decimals: int | None = None,
    seed: int = 0,
    title: str | None = None,
    source: str | None = None,
) -> WorkedExample:
    """Work out a training step: every number, its formula, and the formula with numbers.

    Parameters
    ----------
    network : Network, Problem or str
        A network, which requires `x`, `t`, and `theta` or `state`; or a problem or its name, such
        as ``"mazur"``, which has its own data, parameters and optimizer. Of a `TableModel`, as in
        ``explain(model, row)``, the prediction for a row is explained. Of PyTorch's modules,
        ``explain(module, x, t, loss=…, optimizer=…)`` works out their own step, and of
        scikit-learn's estimators ``explain(mlp, X, y)``; of a pipeline without targets, as in
        ``explain(pipeline, X, row=7)``, the prediction for a row.
    theta : array (parameters,), optional
        The parameters; not needed with `state`. Of a model the row: a mapping of its columns to
        values, or a table.
    x : array (n, inputs), or (inputs,) for one sample
    t : array (n, outputs), (outputs,) for one sample, or (n,) classes or single targets
    optimizer : str, Optimizer or LBFGS, optional
        Without one, the example ends at the gradient. L-BFGS's step has a result and no formula.
    steps : int, default 1
        How many steps to make, all on the same samples.
    show_steps : iterable of int, optional
        Which steps to work out, counted from 1; by default the first and the last.
    sample_weight : array (n,), optional
        Sample weights.
    state : State, optional
        The state of a run, such as ``run.state``: the example begins with the next step. The state
        contains θ, the optimizer's moving averages, the number of updates made, and the seed.
    parameter : str, optional
        Derive this parameter only, such as ``"W2[7,3]"`` (counted from 0) or, by the notation's
        name, ``"w5"``; for networks of any size.
    level : {"scalars", "matrices", "summary"}, optional
        Every number with its line; every array with its equation; or tables. By default, the most
        detailed level that fits the size of the step.
    notation : str or Notation, optional
        One of ``"plain"``, ``"mazur"``, ``"nielsen"``, ``"rumelhart"``, ``"russell-norvig"``, or a
        `Notation`; by default that of the problem's source, and ``"plain"`` for a network.
    digits : int, optional
        Significant digits: by default 9 of results, 4 of the entries of matrices and tables.
    decimals : int, optional
        Decimal places instead.
    seed : int, default 0
        Seed of dropout masks, and of a problem's first weights if they are random.
    title, source : str, optional
        The title of the document, and where the example was published.

    Returns
    -------
    WorkedExample

    Raises
    ------
    InputError
        If arguments do not fit each other, are not finite, or the document would be too long.
    UnknownNameError
        If there is no problem, optimizer, notation, level or parameter of a given name.
    """
    if isinstance(network, str | Problem):
        chosen = problem_named(network) if isinstance(network, str) else network
        own = {"theta": theta, "x": x, "t": t, "optimizer": optimizer, "state": state}
        own |= {"sample_weight": sample_weight, "title": title, "source": source}
        _reject(chosen.name, [name for name, value in own.items() if value is not None])
        return explain_problem(
            chosen,
            steps=steps,
            show_steps=show_steps,
            parameter=parameter,
            level=level,
            notation=notation,
            digits=digits,
            decimals=decimals,
            seed=seed,
        )
    check_type(network, Network, "network", "give a Network, a Problem, or a problem's name")
    if x is None or t is None:
        raise InputError(f"{'x' if x is None else 't'}=None: a network needs inputs and targets")
    rule, search = pair(optimizer)
    point, done, slots, drawn_from, *_ = start(network, theta, state, rule, seed)
    batch = network.batch(point, x, t, sample_weight)
    check_finite(batch.x, "x")
    shown, count = choose_steps(steps, show_steps, rule), check_int(steps, "steps")
    drawn = state is None and is_drawn(network, point, seed)
    setup = Setup(network, point, batch, rule, count, drawn_from, search, done, slots, drawn)
    style = look(notation or "plain", digits, decimals)
    title, source = title or "Worked example", source or ""
    return make(setup, shown, style, level, parameter, title, source)[0]


def _reject(name: str, given: list[str]) -> None:
    """Raise InputError for arguments that a problem determines."""
    if given:
        raise InputError(
            f"{', '.join(given)}: the problem {name!r} has its own; leave out the argument, or "
            "change the problem with dataclasses.replace"
        )


def is_drawn(network: Network, theta: Array, seed: int) -> bool:
    """Return whether parameters are the random ones that the network draws from a seed."""
    drawn = network.initialize(seed)
    return np.array_equal(theta, drawn) and not np.array_equal(drawn, network.initialize(seed + 1))


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
    """Work out a problem, with the errata of its source; the same as ``explain(problem)``.

    Parameters
    ----------
    problem : Problem
    steps : int, default 1
    show_steps : iterable of int, optional
        Which steps to work out; by default the first and the last.
    parameter, level : str, optional
        As in `explain`.
    notation : str or Notation, optional
        By default that of the problem's source.
    digits : int, optional
        Significant digits of results; by default 9, unless the problem's source has others.
    decimals : int, optional
        Decimal places instead; by default those of the problem's source.
    seed : int, default 0
        Seed of the first weights, if the problem has none.

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
    theta, seed = problem.theta(seed), check_int(seed, "seed", 0)
    batch = problem.network.batch(theta, *problem.data())
    drawn = not np.array_equal(theta, problem.theta(seed + 1))
    count = check_int(steps, "steps")
    setup = Setup(problem.network, theta, batch, rule, count, seed, search, drawn=drawn)
    style = look(notation or problem.notation, digits, decimals, problem.decimals)
    also = errata_steps(problem, setup)
    title, source = problem.title, problem.source
    example, states = make(setup, shown, style, level, parameter, title, source, also)
    return replace(example, errata=figures(problem, setup, states))
