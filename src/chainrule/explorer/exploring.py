"""The function that makes the live page of a network or of a problem that has a name."""

from collections.abc import Iterable
from typing import Literal

from numpy.typing import ArrayLike

from chainrule.explanation import Notation, explain
from chainrule.explorer.data_sets import DATA_SET_LEVEL, preset, seed_of
from chainrule.loops import State
from chainrule.names import DATA_SETS
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.pages import LivePage
from chainrule.problems import Problem


def explore(  # noqa: PLR0913 (as explain)
    network: Network | Problem | str = "mazur",
    theta: ArrayLike | None = None,
    x: ArrayLike | None = None,
    t: ArrayLike | None = None,
    optimizer: str | Optimizer | LBFGS | None = None,
    *,
    steps: int = 1,
    show_steps: Iterable[int] | None = None,
    sample_weight: ArrayLike | None = None,
    state: State | None = None,
    parameter: str | None = None,
    level: Literal["scalars", "matrices", "summary"] | None = None,
    notation: str | Notation | None = None,
    digits: int | None = None,
    decimals: int | None = None,
    seed: int | None = None,
    title: str | None = None,
    source: str | None = None,
) -> LivePage:
    """Return the live page of a training step: the worked example, whose equations run on it.

    A notebook shows it; ``open()`` shows it in the browser, ``save(path)`` writes it to a file. The
    parameters are those of `explain`.

    Parameters
    ----------
    network : Network, Problem or str, default "mazur"
        The names are those of `explain`, and ``"spiral"``, ``"moons"``, ``"circles"`` and
        ``"regression"``.
    theta, x, t : array, optional
    optimizer : str, Optimizer or LBFGS, optional
    steps : int, default 1
    show_steps : iterable of int, optional
    sample_weight : array (n,), optional
    state : State, optional
    parameter : str, optional
    level : {"scalars", "matrices", "summary"}, optional
        Of the page below the live part.
    notation : str or Notation, optional
    digits, decimals : int, optional
    seed : int, optional
        By default 0, and 1 for ``"xor"``: from the first weights of seed 0, which `explain` has by
        default, its run stays in a local minimum.
    title, source : str, optional

    Returns
    -------
    LivePage

    Raises
    ------
    InputError
        If arguments do not fit each other, are not finite, or the document would be too long.
    UnknownNameError
        If there is no problem, optimizer, notation, level or parameter of a given name.

    See Also
    --------
    explain : The worked example itself, with its numbers in Python.
    """
    chosen = preset(network) if isinstance(network, str) else network
    if isinstance(chosen, Problem) and chosen.name in DATA_SETS and parameter is None:
        level = level or DATA_SET_LEVEL
    if seed is None:
        seed = seed_of(chosen.name) if isinstance(chosen, Problem) else 0
    return explain(
        chosen,
        theta,
        x,
        t,
        optimizer,
        steps=steps,
        show_steps=show_steps,
        sample_weight=sample_weight,
        state=state,
        parameter=parameter,
        level=level,
        notation=notation,
        digits=digits,
        decimals=decimals,
        seed=seed,
        title=title,
        source=source,
    ).explore()
