"""The states of a worked example: after given numbers of updates, by either engine.

Short distances are computed by the reference engine, so that a step that is shown leads to the
state after it bit for bit; long ones by the compiled engine.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from chainrule import loops
from chainrule.compiled import describe, training
from chainrule.explanation.setup import Setup
from chainrule.loops import Batches, State
from chainrule.optimizers import Optimizer

if TYPE_CHECKING:
    from chainrule.compiled import Training

# Both depend on the settings alone, so that the same example has the same numbers wherever Numba
# is installed. Below them, the reference engine takes less time than loading the kernels.
LONG = 1_000  # updates between two states from which on the compiled engine makes them
WORTH = 10_000  # such updates in total; a published example of 10,000 steps stays as it was


class Trajectory(NamedTuple):
    """States of an example by the number of updates, and how many updates were compiled."""

    states: dict[int, State]
    compiled: int = 0


def trajectory(setup: Setup, wanted: Iterable[int], engine: str = "auto") -> Trajectory:
    """Return the states after given numbers of updates.

    Parameters
    ----------
    setup : Setup
    wanted : iterable of int
        Numbers of updates; 0 is always among the states.
    engine : {"auto", "compiled", "reference"}
        Of the long distances between two of the states.

    Raises
    ------
    DivergenceError
        If a loss, gradient or θ is not finite.
    """
    states = {0: setup.state}
    if setup.rule is None:
        return Trajectory(states)
    ends = sorted({0, *wanted})
    gaps = list(pairwise(ends))
    run = prepared(setup, setup.rule, [stop - start for start, stop in gaps], engine)
    compiled = 0
    for start, stop in gaps:
        if run is not None and stop - start >= LONG:
            states[stop] = compiled_updates(run, states[start], stop - start)
            compiled += stop - start
        else:
            states[stop] = reference_updates(setup, setup.rule, states[start], stop - start)
    return Trajectory(states, compiled)


def prepared(setup: Setup, rule: Optimizer, gaps: list[int], engine: str) -> "Training | None":
    """Return the compiled engine for the long distances, or None if it makes none of them."""
    batch, total = setup.batch, sum(gap for gap in gaps if gap >= LONG)
    if engine == "auto" and total < WORTH:
        return None
    choice = describe(setup.network, rule, rows=len(batch.x), engine=engine)
    if choice.engine != "compiled":
        return None
    return training(setup.network, rule, batch, Batches(), choice)


def reference_updates(setup: Setup, rule: Optimizer, state: State, count: int) -> State:
    """Return the state after further updates, by the hand-written passes."""
    for _ in range(count):
        state = loops.update(setup.network, rule, setup.batch, state)
    return state


def compiled_updates(run: "Training", state: State, count: int) -> State:
    """Return the state after further updates, by the compiled engine."""
    # The example counts its updates as batches, and the engine as epochs of a single batch.
    begun = state._replace(batch=0, epoch=state.step)
    *_, (after, _) = run.epochs(begun, state.step + count)
    return state._replace(
        theta=after.theta, step=after.step, slots=after.slots, batch=state.batch + count
    )
