"""The mistakes that can be named in one function, each with its formulas, reason and repair.

``{g}`` in a text is the name of the returned array, ``{x}`` that of its input.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from chainrule.diagnosis.catalogue import Mistake
from chainrule.diagnosis.layers.values import Array

# The gradients that a mistake gives, and a function that returns its entry.
Found: TypeAlias = tuple[Array, Callable[[], Mistake]]


def _mistake(id_: str, title: str, wrong: str, right: str, why: str, repair: str) -> Mistake:
    """Return a mistake; number 0 says that it is not in the catalogue of networks."""
    return Mistake(id_, 0, "gradient", title, wrong, right, why, repair)


ENTRIES = (
    _mistake(
        "nothing-computed",
        "the gradient {g} is None: nothing is computed yet",
        "{g} = None",
        "{g} = ...",
        "The starter code sets the gradients to None.",
        "Assign {g} before it is returned.",
    ),
    _mistake(
        "zero-gradient",
        "the gradient {g} is zero everywhere",
        "{g} = 0",
        "{g} = ...",
        "The array is created with zeros and never filled.",
        "Add what each output contributes to {g}.",
    ),
    _mistake(
        "input-returned",
        "the gradient {g} is {x} itself and not its gradient",
        "{g} = {x}",
        "{g} = ...",
        "The name without the d is returned.",
        "Return the gradient of {x}.",
    ),
    _mistake(
        "layer-sign",
        "the gradient {g} has the wrong sign",
        "{g} = -(...)",
        "{g} = ...",
        "A difference is taken in the wrong order, or the minus of a derivative is left out.",
        "Reverse the sign of {g}.",
    ),
    _mistake(
        "sum-not-mean",
        "the gradient {g} is not divided by the number of samples, although the loss is a mean",
        "{g} = ...",
        "{g} = ... / N",
        "The loss is divided by the number of samples, and its gradient is not.",
        "Divide {g} by the number of samples.",
    ),
    _mistake(
        "mean-not-sum",
        "the gradient {g} is divided by the number of samples",
        "{g} = ... / N",
        "{g} = ...",
        "The mean over the samples is in the upstream gradient already, once for all layers.",
        "Sum over the samples; do not divide.",
    ),
    _mistake(
        "divided-in-some-gradients",
        "{g} is divided by the number of samples, and {other} is not",
        "{other} = ...",
        "{other} = ... / m",
        "The mean belongs to all parameters of a layer alike, or to none.",
        "Divide both by the number of samples, or none of them.",
    ),
    _mistake(
        "layer-factor",
        "the gradient {g} is {factor} times the right gradient",
        "{g} = {factor} * ...",
        "{g} = ...",
        "A constant factor is left out or is there twice.",
        "Look for the factor {factor} in the line that computes {g}.",
    ),
    _mistake(
        "layer-transposed",
        "the gradient {g} is transposed: its shape is {theirs}, that of {x} {shape}",
        "{g} = (...).T",
        "{g} = ...",
        "The two factors of a matrix product are in the wrong order.",
        "Exchange the factors, so that {g} has the shape of {x}.",
    ),
    _mistake(
        "not-summed",
        "the gradient {g} is not summed over the axis along which {x} is broadcast",
        "{g} = ...",
        "{g} = (...).sum(axis={axis})",
        "{x} is used once for each sample, and each use contributes to its gradient.",
        "Sum over axis {axis}, so that {g} has the shape {shape} of {x}.",
    ),
    _mistake(
        "mean-over-broadcast-axis",
        "the gradient {g} is the mean over the axis along which {x} is broadcast, not the sum",
        "{g} = (...).mean(axis={axis})",
        "{g} = (...).sum(axis={axis})",
        "The mean over the samples is in the upstream gradient already.",
        "Sum over the axis.",
    ),
    _mistake(
        "summed-over-wrong-axis",
        "the gradient {g} is summed over the wrong axis: its shape is {theirs}, not {shape}",
        "{g} = d.sum(axis={axis})",
        "{g} = d.sum(axis={other})",
        "Which axis the samples are is easily confused.",
        "Sum over the other axis, so that {g} has the shape of {x}.",
    ),
    _mistake(
        "summed-over-everything",
        "the gradient {g} is summed over all axes, also over those that {x} has",
        "{g} = d.sum()",
        "{g} = d.sum(axis={axis})",
        "Without an axis, sum adds up all entries.",
        "Give the axis, so that {g} has the shape {shape} of {x}.",
    ),
    _mistake(
        "gradient-of-another-input",
        "the gradient {g} is the gradient of {other}, not of {x}",
        "{g} = d{other}",
        "{g} = d{x}",
        "Two inputs have similar names.",
        "Return the gradient of each input under its own name, in its own place.",
    ),
    _mistake(
        "weight-not-transposed",
        "the gradient {g} is multiplied by {other} the wrong way round",
        "{g} = dz @ {other}",
        "{g} = dz @ {other}.T",
        "The matrix is square, so that both products have the right shape.",
        "Use the transpose of what the forward pass multiplies by.",
    ),
    _mistake(
        "normalized-over-wrong-axis",
        "the gradient {g} takes its means over another axis than the forward pass",
        "dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / std, over axis {axis}",
        "the same over axis {other}",
        "Batch normalization and layer normalization differ only in the axis.",
        "Take the means over axis {other}.",
    ),
    _mistake(
        "flipped",
        "the gradient {g} is turned around: its entries are in reverse order along two axes",
        "{g} = (...)[::-1, ::-1]",
        "{g} = ...",
        "The kernel is turned where a convolution is meant, and a layer computes a correlation.",
        "Do not turn {g} around.",
    ),
    _mistake(
        "upstream-left-out",
        "the gradient {g} is computed without the upstream gradient",
        "{g} = f'(z)",
        "{g} = upstream * f'(z)",
        "The local derivative is only one factor of the chain rule.",
        "Multiply by the gradient of the output that is passed in.",
    ),
    _mistake(
        "mask-missing",
        "the mask is missing: {g} is passed on also where the layer's output is zero",
        "dz = upstream",
        "dz = upstream * mask",
        "The slope is zero where the layer returned zero.",
        "Multiply by the mask of the forward pass (for ReLU: z > 0).",
    ),
    _mistake(
        "mask-of-upstream",
        "the mask is taken from the upstream gradient and not from the layer's input",
        "dz = upstream * (upstream > 0)",
        "dz = upstream * (z > 0)",
        "ReLU is applied to the gradient, as if it were a value of the forward pass.",
        "Take the mask from the values of the forward pass.",
    ),
    _mistake(
        "slope-missing",
        "the gradient {g} is computed without the slope of {f}",
        "dz = upstream",
        "dz = upstream * {slope}",
        "The activation is a factor of the chain rule like any other.",
        "Multiply the upstream gradient by the slope {slope} first.",
    ),
    _mistake(
        "slope-wrong",
        "the slope of {f} is {theirs} in {g}",
        "dz = upstream * {theirs}",
        "dz = upstream * {slope}",
        "The formula of the slope takes the activation a = {f}(z).",
        "The slope is {slope}.",
    ),
    _mistake(
        "statistics-constant",
        "the gradient {g} treats the mean and the variance as constants",
        "dx = dxhat / std",
        "dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / std",
        "Both are computed from x, so x acts on the output in three ways.",
        "Add the gradients by way of the mean and of the variance.",
    ),
    _mistake(
        "variance-constant",
        "the gradient {g} treats the variance as a constant",
        "dx = (dxhat - mean(dxhat)) / std",
        "dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / std",
        "The variance is computed from x too.",
        "Add the gradient by way of the variance.",
    ),
    _mistake(
        "mean-constant",
        "the gradient {g} treats the mean as a constant",
        "dx = (dxhat - xhat * mean(dxhat * xhat)) / std",
        "dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / std",
        "The mean is computed from x too.",
        "Add the gradient by way of the mean.",
    ),
    _mistake(
        "scale-left-out",
        "the gradient {g} leaves out the factor gamma",
        "dxhat = upstream",
        "dxhat = upstream * gamma",
        "The normalized values are multiplied by gamma afterwards.",
        "Multiply the upstream gradient by gamma first.",
    ),
    _mistake(
        "not-normalized",
        "the gradient {g} uses {theirs} in place of the normalized values",
        "dgamma = sum(upstream * {theirs})",
        "dgamma = sum(upstream * xhat)",
        "Gamma multiplies the normalized values.",
        "Multiply the upstream gradient by xhat, then sum.",
    ),
    _mistake(
        "softmax-diagonal",
        "the gradient {g} uses only the diagonal of the softmax's derivatives",
        "ds = upstream * p * (1 - p)",
        "ds = p * (upstream - sum(upstream * p))",
        "Every score changes all probabilities of its row, not only its own.",
        "Subtract the sum of upstream * p over the row, then multiply by p.",
    ),
    _mistake(
        "target-not-subtracted",
        "the gradient {g} is the probabilities: the targets are not subtracted",
        "dx = p",
        "dx = p - one_hot(y)",
        "The 1 is subtracted at the right class only.",
        "Subtract 1 from the probability of each sample's right class.",
    ),
    _mistake(
        "right-class-left-out",
        "the gradient {g} leaves out the right class, which each violated margin pushes up",
        "dx[i, j] = 1 where the margin is violated",
        "dx[i, y[i]] -= the number of violated margins",
        "The score of the right class is in every margin.",
        "Subtract the number of violated margins at the right class.",
    ),
    _mistake(
        "penalty-left-out",
        "the gradient {g} differs from the right one by {factor} * {x}: its penalty is wrong",
        "{g} = ...",
        "{g} = ... + derivative of the penalty",
        "The penalty is added to the loss, and its derivative to the gradient.",
        "Add the derivative of the penalty: 2 * reg * W for reg * sum(W * W).",
    ),
    _mistake(
        "repeated-index-overwritten",
        "the gradient {g} keeps only the last of several contributions to the same row",
        "dW[x] = upstream",
        "np.add.at(dW, x, upstream)",
        "A word that occurs twice contributes twice; an assignment overwrites the first.",
        "Add the contributions with np.add.at; dW[x] += upstream adds only one of them too.",
    ),
)
TABLE = {entry.id: entry for entry in ENTRIES}


def mistake(id_: str, **words: Any) -> Mistake:
    """Return a mistake with the names of the arrays that it concerns.

    Parameters
    ----------
    id_ : str
    **words
        What replaces ``{g}``, ``{x}`` and the others.

    Returns
    -------
    Mistake
    """
    entry = TABLE[id_]
    texts = ("title", "wrong", "right", "why", "repair")
    return replace(entry, **{text: getattr(entry, text).format(**words) for text in texts})
