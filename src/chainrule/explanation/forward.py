"""The forward pass of one sample, with names of inputs and outputs, for pages about predictions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.explanation.build import look
from chainrule.explanation.contents import forward_names, refer
from chainrule.explanation.diagram import draw_network
from chainrule.explanation.notation import Notation
from chainrule.explanation.record import ExampleRecord, ExampleStep
from chainrule.explanation.setup import Setup
from chainrule.explanation.work import Writer, drawn, quantity, shape
from chainrule.network import Network
from chainrule.pages import Drawing, Quantity
from chainrule.wiring import Step

Array: TypeAlias = NDArray[Any]
Units: TypeAlias = Mapping[int, Sequence[int]]  # of layers by their position

MOST_TERMS = 6  # of a sum, the largest ones; the others are added up
MARKS = str.maketrans({"{": "(", "}": ")", "<": "(", ">": ")"})  # which markup uses otherwise


class Names(NamedTuple):
    """What inputs and predictions are called.

    Attributes
    ----------
    inputs, outputs : sequence of str
    """

    inputs: Sequence[str]
    outputs: Sequence[str]


class ForwardPass(NamedTuple):
    """The forward pass of a sample.

    Attributes
    ----------
    drawing : Drawing
    quantities : tuple of Quantity
        The numbers of the chosen units, with their formulas, then the predictions.
    """

    drawing: Drawing
    quantities: tuple[Quantity, ...]


def explain_forward(
    network: Network,
    theta: Array,
    x: ArrayLike,
    names: Names,
    units: Units,
    notation: str | Notation = "plain",
    digits: int | None = None,
    decimals: int | None = None,
) -> ForwardPass:
    """Work out the forward pass of one sample, without a target.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
    x : array (inputs,)
    names : Names
    units : mapping of int to sequence of int
        Which units of each layer are worked out, by the position of the layer; others all.
    notation : str or Notation
    digits, decimals : int, optional

    Returns
    -------
    ForwardPass

    Raises
    ------
    InputError
        If a number is not finite.
    """
    point = theta.astype(np.float64)
    t = 0 if network.loss.classes else np.zeros(network.outputs)  # no number shown depends on it
    setup = Setup(network, point, network.batch(point, x, np.asarray(t)), None)
    style = look(notation, digits, decimals)
    writer = Writer(setup, style.notation, style.results, MOST_TERMS)
    step = writer.wired(setup.state)
    add_names(writer, step, names)
    worked = tuple(quantities(writer, step, units))
    seen = ExampleStep(1, float(step.value), None, drawn=drawn(writer, step))
    record = ExampleRecord("", "", setup, {}, "scalars", None, *style, (seen,))
    return ForwardPass(without_targets(draw_network(record, seen)), worked)


def add_names(writer: Writer, step: Step, names: Names) -> None:
    """Give the inputs and the predictions their names."""
    inputs = step.layers[0].neighbors["input"]
    for i, name in enumerate(names.inputs):
        writer.names[refer(step, inputs, "a", (0, i))] = name.translate(MARKS)
    for k, name in enumerate(names.outputs):
        writer.names[refer(step, step.loss, "p", (0, k))] = name.translate(MARKS)


def quantities(writer: Writer, step: Step, units: Units) -> Iterator[Quantity]:
    """Yield the numbers of the chosen units of each layer, then the predictions."""
    for position, scope in enumerate(step.layers):
        chosen = units.get(position)
        for name in forward_names(scope):
            for index in np.ndindex(*shape(scope, name)):
                if chosen is None or not index or index[-1] in chosen:
                    yield quantity(writer, step, "forward", scope, name, index, {}, ())
    for index in np.ndindex(*np.shape(step.loss["p"])):
        yield quantity(writer, step, "error", step.loss, "p", index, {}, ())


def without_targets(drawing: Drawing) -> Drawing:
    """Return a drawing without the column of the targets."""
    nodes = tuple(node for node in drawing.nodes if node.kind != "target")
    right = max(node.x for node in nodes) + drawing.radius
    edges = tuple(edge for edge in drawing.edges if edge.kind != "target")
    captions = tuple(c for c in drawing.captions if c.text != "targets")
    widest = max((c.x + 4 * len(c.text) for c in captions), default=right)
    return replace(
        drawing,
        width=max(right, widest) + 10,
        nodes=nodes,
        edges=edges,
        captions=captions,
        description=drawing.description.replace(", targets", ""),
    )
