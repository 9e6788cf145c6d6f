"""One prediction, explained: the forward pass by names, and which inputs move the prediction."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Preparation, Table
from chainrule.derivatives import complex_step
from chainrule.descriptions import check_int
from chainrule.errors import InputError, unknown
from chainrule.estimators import prediction_parts
from chainrule.explanation import ForwardNames, ForwardPass, Notation, explain_forward
from chainrule.layers import Dense
from chainrule.models.prediction_page import Explanation, Influence, UnitShare
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

FEW_UNITS = 8  # of a hidden layer that are worked out
AGREES = 1e-9  # relative difference up to which a numerical derivative confirms another one


class Point(NamedTuple):
    """A network at one sample, and the output whose prediction is explained.

    Attributes
    ----------
    network : Network
    theta : array (parameters,), float64
    x : array (inputs,), float64
    output : int
        The position among the network's outputs.
    sign : float
        −1 if the prediction is 1 minus that output: the first of two classes.
    divided : bool
        Whether a class's probability is its output's share in the sum of all: those of a loss that
        trains each output by itself do not add up to 1.
    """

    network: Network
    theta: Array
    x: Array
    output: int
    sign: float
    divided: bool = False

    def prediction(self, x: Array) -> Any:
        """Return the prediction for inputs x, (inputs,), without an offset."""
        params = self.network.params(self.theta)
        return self.predicted(self.network.forward(params, x[np.newaxis])[-1].a[0])

    def predicted(self, o: Array) -> Any:
        """Return the prediction for the last layer's outputs o, (outputs,), without an offset."""
        p = self.network.loss.predict(o[np.newaxis])[0]  # (outputs,)
        if not self.divided:
            return self.sign * p[self.output]
        return p[self.output] / p.sum() if p.sum().real > 0 else 1 / len(p) + 0 * p[0]

    def gradients(self) -> tuple[Array, list[Array], list[Array]]:
        """Return ∂p/∂x (inputs,), and of each layer ∂p/∂a and a, (units,), by backpropagation."""
        params = self.network.params(self.theta)
        saved = self.network.forward(params, self.x[np.newaxis])
        link = complex_step(self.predicted, saved[-1].a[0])  # (outputs,)
        grads = self.network.backward(params, saved, link[np.newaxis])
        below = [grad.dx[0] for grad in grads]  # ∂p by the input of each layer
        return below[0], [*below[1:], link], [one.a[0] for one in saved]


def explain_prediction(
    preparation: Preparation,
    estimator: Any,
    table: Table,
    row: int,
    output: Any = None,
    notation: str | Notation = "plain",
    digits: int | None = None,
    decimals: int | None = None,
) -> Explanation:
    """Explain the prediction for a row of a table.

    Parameters
    ----------
    preparation : Preparation
    estimator : MLPClassifier or MLPRegressor
    table : Table
    row : int
        Counted from 0.
    output : str, int or bool, optional
        The class whose probability is explained; by default the one that is predicted. Of several
        numbers that are predicted at once, which one, counted from 0.
    notation, digits, decimals
        As in `chainrule.explain`.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If there is no such row, or a value of it cannot be used.
    UnknownNameError
        If there is no such class.
    """
    one = row_of(table, row)
    X = preparation.transform(one)
    classes = preparation.known_target.classes
    predict = estimator.predict_proba if classes else estimator.predict
    p = np.atleast_1d(np.asarray(predict(X))[0])  # (classes,), or (numbers,)
    chosen = choose(classes, p, output)
    network, theta = estimator.network_, estimator.theta_.astype(np.float64)
    place, sign = (0, 2.0 * chosen - 1) if network.outputs == 1 and classes else (chosen, 1.0)
    divided = network.outputs > 1 and shares_a_sum(estimator)
    point = Point(network, theta, X[0].astype(np.float64), place, sign, divided)
    slopes, by_layer, passed = point.gradients()
    scale = 1.0 if classes else preparation.known_target.scale
    value = float((p if classes else preparation.known_target.restore(p))[chosen])
    column = preparation.known_target.column
    return Explanation(
        source=table.source,
        place=table.place(row),
        target=column if classes or len(p) == 1 else f"{column}[{chosen}]",
        label=str(classes[chosen]) if classes else "",
        value=value,
        probabilities=tuple(zip(map(str, classes), map(float, p), strict=True)) if classes else (),
        influences=influences(preparation, one, point, slopes, scale),
        units=unit_shares(point, by_layer, passed, scale),
        forward=forward(preparation, point, by_layer, passed, notation, digits, decimals),
        divided=divided,
        scale=scale,
    )


def row_of(table: Table, row: int) -> Table:
    """Return a table with one row of another."""
    row = check_int(row, "row", 0)
    if not 0 <= row < len(table):
        raise InputError(
            f"{table.source} has no row {row}; give a number from 0 to {len(table) - 1:,}"
        )
    return table.slice(row, row + 1)


def shares_a_sum(estimator: Any) -> bool:
    """Return whether an estimator divides outputs by their sum: of classes that exclude another."""
    labels = prediction_parts(estimator).labels
    return (
        labels is not None and labels.kind != "multilabel" and not estimator.network_.loss.classes
    )


def choose_number(numbers: int, output: Any) -> int:
    """Return which of several numbers that are predicted at once is explained."""
    if numbers == 1:
        return 0
    if isinstance(output, bool) or not isinstance(output, int) or not 0 <= output < numbers:
        raise InputError(
            f"output={output!r}: {numbers} numbers are predicted at once; give the one to explain, "
            f"from 0 to {numbers - 1}"
        )
    return output


def choose(classes: Sequence[Any], p: Array, output: Any) -> int:
    """Return the position of the class, or of the number, that is explained."""
    if not classes:
        return choose_number(len(p), output)
    if output is None:
        return int(np.argmax(p))
    names = [str(one) for one in classes]
    if str(output) not in names:
        raise unknown("class", str(output), names)
    return names.index(str(output))


# ---- inputs -------------------------------------------------------------------------------------


def influences(
    preparation: Preparation, row: Table, point: Point, slopes: Array, scale: float
) -> tuple[Influence, ...]:
    """Return how each column moves the prediction, the strongest first."""
    numbers = complex_step(point.prediction, point.x) * scale  # from forward passes alone
    found: list[Influence] = []
    first = 0
    for column in preparation.columns:
        names = [feature.name for feature in column.features()]
        here = slice(first, first + len(names))
        x, slope = point.x[here], slopes[here] * scale
        numerical = tuple(map(float, numbers[here]))
        value = row[column.name].values[0].as_py()
        found.append(
            Influence(
                column.name,
                "missing" if value is None else value,
                tuple(names),
                tuple(map(float, x)),
                tuple(map(float, slope)),
                numerical,
                agreeing(slope, numerical),
                1 / float(getattr(column, "scale", 1.0)) if column.kind == "number" else None,
            )
        )
        first += len(names)
    return tuple(sorted(found, key=lambda one: -abs(one.product)))


def agreeing(slopes: Array, numerical: Sequence[float]) -> bool:
    """Return whether numerical derivatives confirm others."""
    size = max(float(np.abs(slopes).max(initial=0.0)), 1e-9)
    return bool(np.abs(slopes - np.array(numerical)).max(initial=0.0) <= AGREES * size)


# ---- units --------------------------------------------------------------------------------------


def hidden_places(network: Network) -> list[int]:
    """Return the positions of the layers that are the last before the next dense one."""
    dense = [i for i, layer in enumerate(network.layers) if isinstance(layer, Dense)]
    return [place - 1 for place in dense[1:]]


def unit_shares(
    point: Point, by_layer: list[Array], passed: list[Array], scale: float
) -> tuple[UnitShare, ...]:
    """Return the units of each hidden layer that move the prediction most."""
    shares: list[UnitShare] = []
    for place in hidden_places(point.network):
        product = by_layer[place] * passed[place] * scale  # (units,)
        for unit in np.argsort(-np.abs(product), kind="stable")[:FEW_UNITS]:
            a, slope = float(passed[place][unit]), float(by_layer[place][unit]) * scale
            label = point.network.labels[place]
            shares.append(UnitShare(label, int(unit), a, slope, float(product[unit])))
    return tuple(shares)


def forward(
    preparation: Preparation,
    point: Point,
    by_layer: list[Array],
    passed: list[Array],
    notation: str | Notation,
    digits: int | None,
    decimals: int | None,
) -> ForwardPass:
    """Return the forward pass of the units that move the prediction most."""
    network, target = point.network, preparation.known_target
    units: dict[int, list[int]] = {}
    first = 0
    for last in hidden_places(network):
        strongest = np.argsort(-np.abs(by_layer[last] * passed[last]), kind="stable")[:FEW_UNITS]
        units |= {place: sorted(map(int, strongest)) for place in range(first, last + 1)}
        first = last + 1
    outputs = output_names(target, network.outputs, "output" if point.divided else "p")
    names = ForwardNames(preparation.feature_names, outputs)
    return explain_forward(network, point.theta, point.x, names, units, notation, digits, decimals)


def output_names(target: Any, outputs: int, word: str) -> list[str]:
    """Return what the predictions of a network are called; those of classes by a word."""
    if not target.classes and outputs > 1:
        return [f"{target.column}[{k}]" for k in range(outputs)]
    if not target.classes:
        return [f"{target.column} (standardized)" if target.scale != 1 else target.column]
    classes = target.classes[1:] if outputs == 1 else target.classes
    return [f"{word}({name})" for name in classes]
