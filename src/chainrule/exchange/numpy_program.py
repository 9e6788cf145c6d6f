"""A model as a readable NumPy program that predicts the rows of a CSV file, without chainrule."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.data import BooleanColumn, CategoryColumn, NumberColumn, Preparation
from chainrule.errors import InputError
from chainrule.layers import ActivationLayer, Dense, Dropout, LayerNorm
from chainrule.losses import Loss
from chainrule.network import Network
from chainrule.visible import visible

Array: TypeAlias = NDArray[Any]

# The formula of each activation in NumPy, as f(z); constants are put in by name.
FORMULAS = {
    "identity": "z",
    "logistic": "0.5 * (1 + np.tanh(0.5 * z))",
    "tanh": "np.tanh(z)",
    "relu": "np.maximum(z, 0)",
    "leaky-relu": "np.where(z > 0, z, {slope!r} * z)",
    "elu": "np.where(z > 0, z, {alpha!r} * np.expm1(np.minimum(z, 0)))",
    "selu": (
        "1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))"
    ),
    "gelu": "0.5 * z * np.vectorize(math.erfc)(-z / math.sqrt(2))",
    "gelu-tanh": "0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))",
    "silu": "z * 0.5 * (1 + np.tanh(0.5 * z))",
    "softplus": "np.logaddexp(0, z)",
}
LINKS = {
    "logistic-cross-entropy": "0.5 * (1 + np.tanh(0.5 * o))",
    "poisson": "np.exp(o)",
}  # the prediction of raw outputs o, for losses with a link of their own; others predict o
SOFTMAX = "np.exp(o - o.max(axis=1, keepdims=True))\n    p = p / p.sum(axis=1, keepdims=True)"

PREPARING = '''# ---- from columns to inputs ----


def number(row, name, mean, scale, fill):
    """Return a standardized number; fill replaces missing ones."""
    if row[name] == "" and fill is None:
        raise SystemExit(f"column {name!r} has a missing value, and the model has nothing for it")
    return [(float(row[name] if row[name] != "" else fill) - mean) / scale]


def category(row, name, categories, fill):
    """Return 1 for the category of the row, and 0 for the others."""
    if row[name] == "" and fill is None:
        raise SystemExit(f"column {name!r} has a missing value, and the model has nothing for it")
    value = row[name] if row[name] != "" else fill
    return [float(value == one) for one in categories]


def boolean(row, name, fill):
    """Return 1 for true, and 0 for false."""
    if row[name] == "" and fill is None:
        raise SystemExit(f"column {name!r} has a missing value, and the model has nothing for it")
    value = row[name].lower() if row[name] != "" else str(fill).lower()
    return [float(value in ("true", "yes", "1", "t", "y"))]


def inputs(row):
    """Return the inputs of the network for a row."""
    return [
<columns>
    ]
'''

PROGRAM = '''"""Predict {target} for each row of a CSV file, with NumPy alone.

Run it with: python {file} rows.csv
The rows have a header with the names of the columns; an empty cell is a missing value.
"""

import csv
import math
import sys

import numpy as np

# ---- what was learned ----

{weights}

{preparing}

# ---- the network ----


def network(x):
    """Return the prediction for inputs x, (n, {inputs}): p, (n, {outputs})."""
    a = x
{layers}
    o = a
    p = {link}
    return p


def predictions(rows):
    """Return the header, and what is predicted for each row, a dict of texts by column."""
    p = network(np.array([inputs(row) for row in rows], dtype=np.{dtype}))
{output}
    return header, listed


def main(path):
    """Print a prediction for each row."""
    with open(path, newline="", encoding="utf-8") as file:
        header, listed = predictions(list(csv.DictReader(file)))
    csv.writer(sys.stdout).writerows([header, *listed])


if __name__ == "__main__":
    main(sys.argv[1])
'''


def numpy_program(preparation: Preparation, estimator: Any, name: str = "model.py") -> str:
    """Return a program that predicts the rows of a CSV file.

    Parameters
    ----------
    preparation : Preparation
    estimator : MLPClassifier or MLPRegressor
    name : str
        The name of its file, for its docstring.

    Returns
    -------
    str
        It prints ``prediction`` and the probability of each class as CSV; its numbers are those of
        the model within rounding.

    Raises
    ------
    InputError
        If a function of the network is the user's own.
    """
    net, theta = estimator.network_, estimator.theta_
    target = preparation.known_target
    return PROGRAM.format(
        target=in_docstring(repr(target.column)),
        file=in_docstring(name),
        weights="\n".join(weights(net, theta)),
        preparing=preparing(list(calls(preparation))),
        inputs=net.inputs,
        outputs=net.outputs,
        layers="\n".join(f"    {line}" for line in layer_lines(net)),
        link=link(net.loss),
        dtype=preparation.dtype,
        output="\n".join(f"    {line}" for line in output_lines(target, net)),
    )


def preparing(columns: list[str]) -> str:
    """Return the functions that prepare a row, with the calls for its columns."""
    return PREPARING.replace("<columns>", "\n".join(f"        *{call}," for call in columns))


def in_docstring(text: str) -> str:
    """Return a text of the user in such a way that it cannot end a docstring."""
    return visible(text).replace("\\", "/").replace('"', "'")


def weights(network: Network, theta: Array) -> Iterator[str]:
    """Yield the lines with the parameters, which read back exactly."""
    for name, array in network.views(theta).items():
        listed = np.array2string(
            array.astype(np.float64),
            separator=", ",
            threshold=array.size + 1,
            max_line_width=96,
            formatter={"float_kind": repr_of},
        )
        yield f"{name} = np.array(\n{listed}\n)"


def repr_of(value: Any) -> str:
    """Return the shortest text that reads back as the number."""
    return repr(float(value))


def calls(preparation: Preparation) -> Iterator[str]:
    """Yield the call that prepares each column."""
    for column in preparation.columns:
        if isinstance(column, NumberColumn):
            numbers = f"{column.mean!r}, {column.scale!r}, {column.fill!r}"
            yield f"number(row, {column.name!r}, {numbers})"
        elif isinstance(column, CategoryColumn):
            yield f"category(row, {column.name!r}, {list(column.categories)!r}, {column.fill!r})"
        elif isinstance(column, BooleanColumn):
            yield f"boolean(row, {column.name!r}, {column.fill!r})"


def layer_lines(network: Network) -> Iterator[str]:
    """Yield the lines of the forward pass."""
    for layer, label in zip(network.layers, network.labels, strict=True):
        if isinstance(layer, Dense):
            bias = f" + b{label}" if layer.bias else ""
            yield f"z = a @ W{label}.T{bias}  # layer {label}"
            yield f"a = {formula(layer.activation)}"
        elif isinstance(layer, ActivationLayer):
            yield f"z = a  # {label}"
            yield f"a = {formula(layer.activation)}"
        elif isinstance(layer, LayerNorm):
            yield f"c = a - a.mean(axis=1, keepdims=True)  # {label}"
            yield f"a = c / np.sqrt((c * c).mean(axis=1, keepdims=True) + {layer.eps!r})"
            yield f"a = a * W{label} + b{label}"
        elif not isinstance(layer, Dropout):  # which is switched off
            raise InputError(f"the layer {layer!r} has no form in this program; leave it out")


def formula(activation: Activation) -> str:
    """Return an activation as a line of NumPy."""
    if activation.name not in FORMULAS:
        raise InputError(
            f"the activation {activation.name!r} is your own, which the program cannot contain; "
            "choose one of chainrule.ACTIVATIONS"
        )
    return FORMULAS[activation.name].format(**activation.constants)


def link(loss: Loss) -> str:
    """Return how predictions follow from raw outputs."""
    return SOFTMAX if loss.classes else LINKS.get(loss.name, "o")


def output_lines(target: Any, network: Network) -> Iterator[str]:
    """Yield the lines that make the header, and a list of what is predicted for each row."""
    if not target.classes:
        yield 'header = ["prediction"]'
        yield f"listed = [[v * {target.scale!r} + {target.mean!r}] for v in p[:, 0].tolist()]"
        return
    if network.outputs == 1:
        yield "p = np.hstack([1 - p, p])"
    elif not network.loss.classes:
        yield "total = p.sum(axis=1, keepdims=True)  # each output was trained by itself"
        shares = f"p / np.where(total > 0, total, 1), 1 / {network.outputs}"
        yield f"p = np.where(total > 0, {shares})"
    yield f"classes = {list(target.classes)!r}"
    yield 'header = ["prediction", *(f"probability_{c}" for c in classes)]'
    yield "listed = [[classes[np.argmax(q)], *q.tolist()] for q in p]"
