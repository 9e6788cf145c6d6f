"""For the tests of people who write backpropagation: one assertion, whose message is the diagnosis.

It judges nothing itself; the diagnosis is made in chainrule.diagnosis.
"""

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

import chainrule.diagnosis
from chainrule.explanation import Notation
from chainrule.network import Network
from chainrule.optimizers import Optimizer

__all__ = ["assert_backprop"]


def assert_backprop(  # noqa: PLR0913 (the same as check has)
    attempt: Any,
    network: Network | Mapping[str, Any] | None = None,
    theta: ArrayLike | None = None,
    x: ArrayLike | None = None,
    t: ArrayLike | None = None,
    *,
    learning_rate: float | None = None,
    optimizer: str | Optimizer | None = None,
    strict: bool = False,
    hint: int = 4,
    function: str | None = None,
    notation: str | Notation = "plain",
    seconds_call: float = 10.0,
    seconds: float = 60.0,
) -> None:
    """Raise AssertionError unless somebody's backpropagation is right.

    Parameters
    ----------
    attempt : callable, class, str, Path or mapping
        A function such as ``gradients(weights, biases, x, t) -> (dW, db)`` or ``step``, a class
        that trains, the path of a file, or numbers by name, as `chainrule.check` takes them.
    network : Network or mapping, optional
        What it is about, or what is known of it, such as ``{"layers": [2, 3, 1], "activation":
        "tanh", "loss": "squared-error"}``. What is left out is found out, which takes longer.
    theta, x, t : array, optional
        Parameters, samples and targets to ask about; designed ones by default. Numbers need them.
    learning_rate : float, optional
    optimizer : str or Optimizer, optional
    strict : bool, default False
        Whether the loss's factor and the mean over samples must be as declared.
    hint : {1, 2, 3, 4}, default 4
        How much the message tells: symptom, place, mistake, repair.
    function : str, optional
        What to ask in a file, such as ``"step"`` or ``"Net.train"``.
    notation : str or Notation, default "plain"
        Whose names numbers go by, beside the keys.
    seconds_call, seconds : float
        How long a call, and the whole check, may take.

    Raises
    ------
    AssertionError
        If it is wrong, if it is not right in a way that has no name, or if it could not be run. The
        message is the diagnosis.
    InputError
        If what is declared makes no sense, or numbers have no network to belong to.
    UnknownNameError
        If a name is in no table.

    See Also
    --------
    chainrule.check : the same as a value.

    Examples
    --------
    A file for pytest, ``test_net.py``, beside a learner's ``net.py``:

    >>> from chainrule.testing import assert_backprop
    >>> def test_backprop():
    ...     from net import gradients
    ...     network = {"layers": [2, 3, 1], "activation": "logistic", "loss": "squared-error"}
    ...     assert_backprop(gradients, network)

    What pytest then shows of a wrong one is the diagnosis:

    >>> def gradients(weights, biases, x, t):  # of one linear layer
    ...     delta = x @ weights[0].T - t  # the bias is forgotten
    ...     return [delta.T @ x / len(x)], [delta.mean(axis=0)]
    >>> network = {"layers": [2, 1], "activation": "identity", "loss": "squared-error"}
    >>> assert_backprop(gradients, network, hint=1)
    Traceback (most recent call last):
        ...
    AssertionError: ✗ This is not right yet: ...
    """
    __tracebackhide__ = True  # pytest shows the line that calls, and the message
    found = chainrule.diagnosis.check(
        attempt,
        network,
        theta,
        x,
        t,
        learning_rate=learning_rate,
        optimizer=optimizer,
        strict=strict,
        hint=hint,
        function=function,
        notation=notation,
        seconds_call=seconds_call,
        seconds=seconds,
    )
    if not found.ok:
        raise AssertionError(found.to_text())
