"""Builds worked examples: chooses the steps and the level, runs the training, writes each step."""

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule import loops
from chainrule.activations import Custom
from chainrule.batch import check_finite
from chainrule.descriptions import check_int, check_type
from chainrule.errors import InputError, unknown
from chainrule.explanation.contents import contents
from chainrule.explanation.example import WorkedExample
from chainrule.explanation.matrices import in_matrices
from chainrule.explanation.notation import Notation, key
from chainrule.explanation.notation_files import choose_notation
from chainrule.explanation.parameter import derive, find
from chainrule.explanation.record import LEVELS, ExampleStep, Level
from chainrule.explanation.searched import with_search
from chainrule.explanation.setup import Setup, activation_of
from chainrule.explanation.summary import summarize
from chainrule.explanation.trajectory import trajectory
from chainrule.explanation.work import Writer, work_out
from chainrule.layers import Layer
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer, optimizer
from chainrule.pages import Digits, Ref

Array: TypeAlias = NDArray[Any]

FEW_NUMBERS = 1_500  # in a step: up to here every scalar is written out, unless asked otherwise
SOME_NUMBERS = 12_000  # up to here every matrix is
MOST_NUMBERS = 20_000  # of scalars in one step, even if asked
MOST_STEPS = 10_000_000
RESULT, CELL = 9, 4  # significant digits of results, and of entries of matrices and tables
MOST_TERMS = 5  # of a sum, in the derivation of one parameter


def start(
    network: Network,
    theta: ArrayLike | None,
    state: State | None,
    rule: Optimizer | None,
    seed: int = 0,
) -> State:
    """Return where an example begins, in double precision; slots of zeros are left out."""
    if state is None:
        if theta is None:
            raise InputError("theta=None: give parameters, or a state such as run.state")
        return State(_double(network, theta, "theta"), 0, (), check_int(seed, "seed", 0))
    _check_state(network, theta, state, rule)
    point = _double(network, state.theta, "theta")
    slots = tuple(_double(network, slot, "the state's average") for slot in state.slots)
    remembered = slots if rule and any(slot.any() for slot in slots) else ()
    return State(point, state.step, remembered, state.seed)


def _check_state(
    network: Network, theta: ArrayLike | None, state: State, rule: Optimizer | None
) -> None:
    """Raise InputError for a state that fits neither θ nor network and optimizer."""
    check_type(state, State, "state", "give the state of a run, such as run.state")
    check_int(state.step, "state.step", 0)
    check_int(state.seed, "state.seed", 0)
    if rule is not None:  # wherever in an epoch it is: the samples are those given here
        loops.check_state(state._replace(batch=0), network, rule, loops.Batches(), 1)
    if theta is not None and not np.array_equal(theta, state.theta):
        raise InputError(
            "theta and the state's theta differ: give theta=None to begin at the state's, or "
            "state._replace(theta=theta)"
        )


def _double(network: Network, vector: ArrayLike, what: str) -> Array:
    """Return a vector of the network's parameters in double precision, checked to be finite."""
    return check_finite(network.layout.check(vector).astype(np.float64), what)


class Look(NamedTuple):
    """The style of a document: its notation, and the digits of results and of table entries."""

    notation: Notation
    results: Digits
    cells: Digits


def look(
    choice: str | Notation, digits: int | None, decimals: int | None, own: int | None = None
) -> Look:
    """Return the style of a document; `own` are the decimals of its source, used by default."""
    results = decimals if decimals is not None or digits is not None else own
    counts = [
        Digits(n if digits is None else digits, given, padded=decimals is not None)
        for n, given in ((RESULT, results), (CELL, decimals))
    ]
    return Look(choose_notation(choice), *counts)


def make(
    setup: Setup,
    shown: list[int],
    look: Look,
    level: Level | None,
    parameter: str | None,
    title: str,
    source: str,
    also: Iterable[int] = (),
) -> tuple[WorkedExample, dict[int, State]]:
    """Return the document of some steps of a setup, and the states on the way.

    Parameters
    ----------
    setup : Setup
    shown : list of int
        Which steps to work out, the first counted as 1.
    look : Look
    level, parameter, title, source
        As `explain` has them.
    also : iterable of int
        Numbers of further updates after which states are returned.
    """
    writer = Writer(setup, look.notation, look.results, MOST_TERMS if parameter else 10**9)
    level, parameter = _what(writer, level, parameter)
    milestones = _milestones(setup.steps) if setup.rule else []
    states, compiled = trajectory(setup, {*(s - 1 for s in shown), *milestones, *also})
    worked = tuple(_step(writer, states[s - 1], level, parameter) for s in shown)
    history = tuple((setup.done + n, _error(setup, states[n])) for n in milestones)
    _warn_of_unnamed(writer)
    description = describe(setup, states[shown[0] - 1].theta)
    example = WorkedExample(
        title,
        source,
        setup,
        description,
        level,
        parameter,
        *look,
        worked,
        history,
        compiled_updates=compiled,
    )
    return example, states


def _warn_of_unnamed(writer: Writer) -> None:
    """Warn of quantities for which the user's notation has no pattern."""
    missing = writer.notation.unnamed(writer.names, writer.setup.network)
    if missing:
        warnings.warn(
            f"the notation {writer.notation.name!r} has no pattern for {', '.join(missing)}: they "
            "keep their keys; add patterns for them, or start from a complete notation",
            UserWarning,
            stacklevel=4,  # the caller of explain
        )


def _step(writer: Writer, state: State, level: Level, parameter: str | None) -> ExampleStep:
    """Return a step at a level, or for one parameter."""
    step = _written(writer, state, level, parameter)
    search = writer.setup.search
    return step if search is None else with_search(writer, step, search, parameter)


def _written(writer: Writer, state: State, level: Level, parameter: str | None) -> ExampleStep:
    if parameter is not None:
        return derive(writer, state, parameter)
    return {"scalars": work_out, "matrices": in_matrices, "summary": summarize}[level](
        writer, state
    )


def _what(writer: Writer, level: Level | None, parameter: str | None) -> tuple[Level, str | None]:
    """Return the level, chosen by size if None, and the key of the parameter, if one is given."""
    if level is not None and level not in LEVELS:
        raise unknown("level", level, LEVELS)
    if parameter is not None:
        if level not in (None, "scalars"):
            raise InputError(
                f"level {level} cannot be combined with parameter {parameter}; remove one of them"
            )
        block, index = find(writer, str(parameter))
        label = writer.setup.network.labels[block.layer]
        return "scalars", key(Ref(block.param, label, index, sampled=False), writer.places)
    if level in ("matrices", "summary"):
        return level, None
    size = numbers(writer)
    if level == "scalars" and size > MOST_NUMBERS:
        raise InputError(
            f"this step has {size:,} numbers, more than the {MOST_NUMBERS:,} that the level "
            "scalars can show; choose the level matrices or summary, or one parameter such as "
            "W1[0,0]"
        )
    if level is not None:
        return level, None
    fits = (FEW_NUMBERS, SOME_NUMBERS)
    return LEVELS[sum(size > most for most in fits)], None


def numbers(writer: Writer) -> int:
    """Return how many numbers a step has."""
    step = writer.wired(writer.setup.state)
    with np.errstate(all="ignore"):
        return sum(np.size(s[name]) for _, s, name in contents(step, writer.setup.rule))


def choose_steps(steps: int, wanted: Iterable[int] | None, rule: Optimizer | None) -> list[int]:
    """Return the numbers of the steps to show: by default the first and the last."""
    last = check_int(steps, "steps")
    if last > 1 and rule is None:
        raise InputError(
            f"steps={last}: several steps need an optimizer with equations, such as SGD(0.5)"
        )
    if last > MOST_STEPS:
        raise InputError(f"steps={last}: at most {MOST_STEPS:,} are run in an example")
    if wanted is not None and not isinstance(wanted, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] (a user's)
        raise InputError(f"show_steps={wanted!r}: give a list, such as [1, 10]")
    shown = sorted({1, last} if wanted is None else {check_int(s, "a step") for s in wanted})
    if not shown or shown[-1] > last:
        raise InputError(f"show_steps={shown}: name steps from 1 to {last}")
    return shown


def pair(
    choice: str | Optimizer | LBFGS | None,
) -> tuple[Optimizer | None, LBFGS | None]:
    """Return (optimizer with equations, None) or (None, L-BFGS)."""
    chosen = None if choice is None else optimizer(choice)
    return (None, chosen) if isinstance(chosen, LBFGS) else (chosen, None)


# ---- the error between the steps ----------------------------------------------------------------


def _milestones(steps: int) -> list[int]:
    """Return the numbers of updates at which the error is listed: 0, 1, 2, 5, 10, …, the last."""
    if steps < 2:
        return []
    round_ones = (m * 10**e for e in range(len(str(steps))) for m in (1, 2, 5))
    return sorted({0, steps, *(n for n in round_ones if n < steps)})


def _error(setup: Setup, state: State) -> float:
    """Return the error without dropout: errors with a mask each cannot be compared."""
    with np.errstate(all="ignore"):
        return float(setup.network.value(state.theta, setup.batch))


# ---- in plain values ----------------------------------------------------------------------------


def describe(setup: Setup, theta: Array) -> dict[str, Any]:
    """Return the network, its parameters, data and optimizer in plain values."""
    network, batch, rule = setup.network, setup.batch, setup.rule or setup.search
    return {
        "network": {
            "inputs": network.inputs,
            "layers": [
                {"kind": layer.kind, "label": label, "units": width, "python": repr(layer)}
                | _source(layer)
                for layer, label, width in zip(
                    network.layers, network.labels, network.widths[1:], strict=True
                )
            ],
            "loss": network.loss.name,
            "python": repr(network),
        },
        "optimizer": None if rule is None else {"name": rule.name, "python": repr(rule)},
        "theta": {name: array.tolist() for name, array in network.views(theta).items()},
        "x": batch.x.tolist(),
        "t": batch.t.tolist(),
        "weights": None if batch.weight is None else batch.weight.tolist(),
    }


def _source(layer: Layer) -> dict[str, str]:
    """Return the source of a layer's custom activation, if it has one."""
    f = activation_of(layer)
    return {"source": f"{f.name}: {f.source}"} if isinstance(f, Custom) else {}
