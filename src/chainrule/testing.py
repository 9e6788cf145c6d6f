"""Assertions for tests of backpropagation that people write; their message is the diagnosis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

import chainrule.diagnosis
from chainrule.errors import InputError
from chainrule.explanation import Notation
from chainrule.network import Network
from chainrule.optimizers import Optimizer

__all__ = ["assert_backprop", "assert_gradient", "assert_layer", "assert_update"]


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
    run: str = "",
    loss: Any = None,
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
    run : str, optional
        A line that makes a file train, such as ``"model(X, Y, 4, 0.1)"``; it runs after the file.
    loss : loss of PyTorch, optional
        Which a module of PyTorch requires, such as ``nn.CrossEntropyLoss()``.
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
        run=run,
        loss=loss,
        notation=notation,
        seconds_call=seconds_call,
        seconds=seconds,
    )
    if not found.ok:
        raise AssertionError(found.to_text())


def assert_layer(
    backward: Callable[..., Any],
    forward: Callable[..., Any] | None = None,
    inputs: Sequence[Any] | Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
    hint: int = 4,
) -> None:
    """Raise AssertionError unless the backward function of one layer is right.

    The right gradients are derivatives of the forward function.

    Parameters
    ----------
    backward : callable
        Such as ``affine_backward(dout, cache)``, or a loss that returns its gradients too, such as
        ``softmax_loss(x, y) -> (loss, dx)``.
    forward : callable, optional
        Such as ``affine_forward(x, w, b) -> (out, cache)``. By default the function in the same
        file whose name has "forward" in place of "backward".
    inputs : sequence or mapping, optional
        The arguments of `forward`, such as ``[x, w, b]``. By default they are designed.
    strict : bool, default False
        Whether gradients must be the derivatives themselves, and not divided by the number of
        samples.
    hint : {1, 2, 3, 4}, default 4
        How much the message reveals: symptom, place, mistake, repair.

    Raises
    ------
    AssertionError
        If it is wrong or could not be judged. The message is the diagnosis.

    See Also
    --------
    chainrule.check : with ``forward=``, returns the diagnosis instead.

    Examples
    --------
    >>> from chainrule.testing import assert_layer
    >>> def affine_forward(x, w, b):
    ...     return x @ w + b, (x, w)
    >>> def affine_backward(dout, cache):
    ...     x, w = cache
    ...     return dout @ w.T, x.T @ dout, dout
    >>> assert_layer(affine_backward, affine_forward)
    Traceback (most recent call last):
        ...
    AssertionError: ✗ Wrong: the gradient dout is not summed ...
    """
    __tracebackhide__ = True
    _raise_unless_right(
        chainrule.diagnosis.check_layer(backward, forward, inputs, strict=strict), hint
    )


def assert_gradient(
    f: Callable[..., Any], gradient: Callable[..., Any], x: ArrayLike, *, hint: int = 4
) -> None:
    """Raise AssertionError unless a function returns the gradient of another.

    Parameters
    ----------
    f : callable
        Takes an array of any shape, and returns a number.
    gradient : callable
        Takes the array, and returns an array of its shape.
    x : array
        The point at which they are compared.
    hint : {1, 2, 3, 4}, default 4
        How much the message reveals: symptom, place, mistake, repair.

    Raises
    ------
    AssertionError
        If the gradient is wrong, or f has a kink at x. The message is the diagnosis.

    See Also
    --------
    chainrule.check_gradient : for many parameters; returns a report.

    Examples
    --------
    >>> from chainrule.testing import assert_gradient
    >>> assert_gradient(lambda w: (w**2).sum(), lambda w: 2 * w, [1.0, -3.0])
    """
    __tracebackhide__ = True
    _raise_unless_right(chainrule.diagnosis.check_gradient_function(f, gradient, x), hint)


def assert_update(update: Callable[..., Any], rule: str | None = None, *, hint: int = 4) -> None:
    """Raise AssertionError unless the update of an optimizer is right.

    Parameters
    ----------
    update : callable
        Such as ``adam(w, dw, config) -> (w, config)``, or
        ``update_parameters(parameters, grads, learning_rate) -> parameters``.
    rule : {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"}, optional
        By default it is found in the function's name.
    hint : {1, 2, 3, 4}, default 4
        How much the message reveals: symptom, place, mistake, repair.

    Raises
    ------
    AssertionError
        If it is wrong or could not be judged. The message is the diagnosis.

    Examples
    --------
    >>> from chainrule.testing import assert_update
    >>> def sgd(w, dw, config):
    ...     return w - config["learning_rate"] * dw, config
    >>> assert_update(sgd)
    """
    __tracebackhide__ = True
    _raise_unless_right(chainrule.diagnosis.check_update(update, rule), hint)


def _raise_unless_right(found: chainrule.diagnosis.Diagnosis, hint: int) -> None:
    """Raise AssertionError with the diagnosis as its message, unless it is right."""
    __tracebackhide__ = True
    if hint not in range(1, 5):
        raise InputError(f"hint={hint!r}: choose 1 (symptom), 2 (place), 3 (mistake) or 4 (repair)")
    if not found.ok:
        raise AssertionError(replace(found, hint=hint).to_text())
