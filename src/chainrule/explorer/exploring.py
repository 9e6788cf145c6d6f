"""The function that makes the live page of a network or of a problem that has a name."""

from typing import Any

from numpy.typing import ArrayLike

from chainrule.explanation import explain
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.pages import LivePage
from chainrule.problems import Problem


def explore(
    network: Network | Problem | str = "mazur",
    theta: ArrayLike | None = None,
    x: ArrayLike | None = None,
    t: ArrayLike | None = None,
    optimizer: str | Optimizer | LBFGS | None = None,
    **options: Any,
) -> LivePage:
    """Return the live page of a training step: the worked example, whose equations run on it.

    A notebook shows it; ``open()`` shows it in the browser, ``save(path)`` writes it to a file.

    Parameters
    ----------
    network : Network, Problem or str, default "mazur"
        As in `explain`, like the following parameters.
    theta, x, t : array, optional
        The parameters, the samples and their targets.
    optimizer : str, Optimizer or LBFGS, optional
    **options
        The keyword arguments of `explain`, such as ``notation="nielsen"``.

    Returns
    -------
    LivePage

    Raises
    ------
    InputError
        If arguments do not fit each other, or are not finite.
    UnknownNameError
        If there is no problem, optimizer, notation, level or parameter of a given name.

    See Also
    --------
    explain : The worked example itself, with its numbers in Python.
    """
    return explain(network, theta, x, t, optimizer, **options).explore()
