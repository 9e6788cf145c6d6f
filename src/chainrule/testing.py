"""One assertion for tests of backpropagation that people write; its message is the diagnosis."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

import chainrule.diagnosis
from chainrule.explanation import Notation
from chainrule.network import Network
from chainrule.optimizers import Optimizer

__all__ = ["assert_backprop"]


def assert_backprop(  # noqa: PLR0913 (the parameters of check)
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
    """Raise AssertionError unless an implementation of backpropagation is right.

    Parameters
    ----------
    attempt : callable, class, str, Path or mapping
        A function such as ``gradients(weights, biases, x, t) -> (dW, db)`` or ``step``, a class
        that trains, the path of a file, or numbers by name, as `chainrule.check` takes them.
    network : Network or mapping, optional
        The network, or what is known about it, such as ``{"layers": [2, 3, 1], "activation":
        "tanh", "loss": "squared-error"}``. What is omitted is inferred, which takes longer.
    theta, x, t : array, optional
        Parameters, samples and targets to use; designed ones by default. Numbers require them.
    learning_rate : float, optional
    optimizer : str or Optimizer, optional
    strict : bool, default False
        Whether the loss's factor and the mean over samples must be as declared.
    hint : {1, 2, 3, 4}, default 4
        How much the message reveals: symptom, place, mistake, repair.
    function : str, optional
        What to check in a file, such as ``"step"`` or ``"Net.train"``.
    notation : str or Notation, default "plain"
        The notation whose names numbers may have, in addition to the keys.
    seconds_call, seconds : float
        How long a call, and the whole check, may take.

    Raises
    ------
    AssertionError
        If it is wrong, by a known mistake or not, or if it could not be run. The message is the
        diagnosis.
    InputError
        If what is declared is invalid, or numbers have no network.
    UnknownNameError
        If a name is unknown.

    See Also
    --------
    chainrule.check : returns the diagnosis instead.

    Examples
    --------
    A file for pytest, ``test_net.py``, in the folder of a learner's ``net.py``:

    >>> from chainrule.testing import assert_backprop
    >>> def test_backprop():
    ...     from net import gradients
    ...     network = {"layers": [2, 3, 1], "activation": "logistic", "loss": "squared-error"}
    ...     assert_backprop(gradients, network)

    If it is wrong, pytest shows the diagnosis:

    >>> def gradients(weights, biases, x, t):  # of one linear layer
    ...     delta = x @ weights[0].T - t  # the bias is missing
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
