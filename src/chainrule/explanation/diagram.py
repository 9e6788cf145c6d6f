"""Lays out the picture of a network: positions of units, weights and labels, for any format."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from chainrule.explanation.record import ExampleRecord, ExampleStep
from chainrule.explanation.setup import activation_words
from chainrule.layers import Dense
from chainrule.pages import (
    LETTER,
    Caption,
    Drawing,
    Edge,
    Node,
    NodeKind,
    Quantity,
    cell,
    letters,
    parse_name,
)

Found: TypeAlias = dict[tuple[str, str, tuple[int, ...]], Quantity]

MOST_UNITS = 8  # of a layer that are all drawn
FIRST_UNITS = 4  # of a wider layer, before the gap; after it comes the last unit
MOST_LABELS = 16  # on the lines between two layers
LINE = 19.0  # the height of a line of text, in the picture's units
MARGIN = 10.0  # free space around a text
HEAD = 34.0  # for the captions above
LONG = 16.0  # the length of a bias's line


def draw_network(example: ExampleRecord, step: ExampleStep) -> Drawing:
    """Return the picture of an example's network, with the numbers of a step's first sample.

    Parameters
    ----------
    example : ExampleRecord
    step : ExampleStep

    Returns
    -------
    Drawing
    """
    return _Layout(example, step).drawing()


# ---- columns ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    """The nodes above each other that one layer has: which units, and what they are called."""

    caption: str
    kind: NodeKind
    label: str  # the layer's
    quantity: str
    width: int
    link: Literal["weight", "same", "target"] = "weight"  # to the column before it

    @property
    def units(self) -> list[int | None]:
        """Which units are drawn, None for the gap."""
        if self.width <= MOST_UNITS:
            return list(range(self.width))
        return [*range(FIRST_UNITS), None, self.width - 1]

    def key(self, unit: int | None) -> str:
        return f"{self.quantity}{self.label}[{'…' if unit is None else unit}]"


def _columns(example: ExampleRecord) -> Iterator[_Column]:
    network = example.setup.network
    yield _Column("inputs", "input", "", "x", network.inputs)
    rows = zip(network.layers, network.labels, network.widths[1:], strict=True)
    for layer, label, width in rows:
        last = label == network.labels[-1]
        activation = activation_words(layer)
        name = "outputs" if last else f"layer {label}" if label.isdigit() else layer.kind
        caption = f"{name}: {activation}" if activation else name
        link: Literal["weight", "same"] = "weight" if isinstance(layer, Dense) else "same"
        yield _Column(caption, "output" if last else "unit", label, "a", width, link)
    outputs = network.widths[-1]
    if network.loss.owns_link:
        kind = "softmax" if network.loss.classes else "predictions"
        yield _Column(kind, "prediction", "", "p", outputs, "same")
    yield _Column("targets", "target", "", "t", outputs, "target")


class _Layout:
    """Computes the layout of one picture."""

    def __init__(self, example: ExampleRecord, step: ExampleStep) -> None:
        self.example, self.step = example, step
        self.columns = list(_columns(example))
        self.found: Found = {
            (q.ref.quantity, q.ref.layer, q.ref.index): q
            for q in reversed((*step.quantities, *step.drawn))
        }
        weights = [abs(q.value) for key, q in self.found.items() if key[0] == "W"]
        self.largest = max(weights, default=0.0) or 1.0
        self.labeled = all(
            len(a.units) * len(b.units) <= MOST_LABELS for a, b in self.layers("weight")
        )
        self.radius = max(27.0, self.widest(self.inside()) / 2 + 5)
        self.step_y = self.spacing()
        self.places_x = list(self.places())

    def drawing(self) -> Drawing:
        """Return the complete drawing."""
        nodes = tuple(self.nodes())
        self.at = {node.key: node for node in nodes}
        edges = tuple(self.edges())
        captions = tuple(
            Caption(c.caption, x, HEAD / 2)
            for c, x in zip(self.columns, self.places_x, strict=True)
        )
        width = self.places_x[-1] + self.margin(self.columns[-1])
        return Drawing(
            width,
            self.height(),
            self.radius,
            nodes,
            edges,
            captions,
            "The network with its numbers",
            self.description(),
            self.legend(),
        )

    # ---- positions ------------------------------------------------------------------------------

    def layers(self, link: str) -> Iterator[tuple[_Column, _Column]]:
        """Yield neighboring columns that are joined by weights, or otherwise."""
        yield from ((a, b) for a, b in pairwise(self.columns) if b.link == link)

    def quantity(self, column: _Column, unit: int) -> Quantity | None:
        return self.found.get((column.quantity, column.label, (0, unit)))

    def weight(self, column: _Column, to: int, start: int) -> Quantity | None:
        return self.found.get(("W", column.label, (to, start)))

    def bias(self, column: _Column, unit: int) -> Quantity | None:
        dense = column.link == "weight" and column.quantity == "a"
        return self.found.get(("b", column.label, (unit,))) if dense else None

    def inside(self) -> Iterator[float]:
        """Yield the widths of the texts in the circles, in characters."""
        for column in self.columns:
            for unit in column.units:
                q = None if unit is None else self.quantity(column, unit)
                yield from () if q is None else (letters(parse_name(q.markup)), len(cell(q.value)))

    def widest(self, texts: Iterator[float]) -> float:
        return LETTER * max(texts, default=0)

    def spacing(self) -> float:
        """Return the distance of units, so that the labels between two layers have room.

        With n units on the smaller side a column of labels at the (n − 1)/(2n − 1)th part of the
        way has them at equal distances, 2n − 1 to the distance of units.
        """
        biases = any(key[0] == "b" for key in self.found)
        own = 2 * self.radius + (LONG + LINE + 2 if biases else 0) + MARGIN
        sizes = [min(len(a.units), len(b.units)) for a, b in self.layers("weight")]
        return max([own, *(LINE * max(2 * n - 1, 2) for n in sizes if self.labeled)])

    def places(self) -> Iterator[float]:
        """Yield the columns' x."""
        x = self.margin(self.columns[0])
        yield x
        for before, column in pairwise(self.columns):
            x += self.distance(before, column)
            yield x

    def margin(self, column: _Column) -> float:
        return max(self.radius, LETTER * len(column.caption) / 2) + MARGIN

    def distance(self, before: _Column, column: _Column) -> float:
        captions = LETTER * (len(before.caption) + len(column.caption)) / 2 + 2 * MARGIN
        if column.link != "weight":
            return max(captions, 2 * self.radius + 36)
        label = 0.0
        if self.labeled:
            parts = _share(before, column)
            nearer = min(parts, 1 - parts)
            label = (self.widest(self.texts(before, column)) / 2 + self.radius + MARGIN) / nearer
        return max(captions, label, 2 * self.radius + 110)

    def texts(self, before: _Column, column: _Column) -> Iterator[float]:
        """Yield the widths of the labels between two columns, in characters."""
        for start in before.units:
            for to in column.units:
                edge = self.edge(before, column, start, to)
                if edge is not None:
                    yield letters(parse_name(edge.label)) + 1 + len(edge.value)

    def height(self) -> float:
        most = max(len(column.units) for column in self.columns)
        return HEAD + most * self.step_y + MARGIN

    def y(self, column: _Column, place: int) -> float:
        most = max(len(c.units) for c in self.columns)
        top = HEAD + MARGIN / 2 + self.radius
        return top + self.step_y * (place + (most - len(column.units)) / 2)

    # ---- nodes and edges ------------------------------------------------------------------------

    def nodes(self) -> Iterator[Node]:
        for column, x in zip(self.columns, self.places_x, strict=True):
            for place, unit in enumerate(column.units):
                y = self.y(column, place)
                if unit is None:
                    yield Node(column.key(None), "gap", x, y, "", "…")
                    continue
                yield self.node(column, unit, x, y)
                if bias := self.bias(column, unit):
                    below = y + self.radius + LONG + LINE / 2
                    yield Node(bias.key, "bias", x, below, bias.markup, cell(bias.value))

    def node(self, column: _Column, unit: int, x: float, y: float) -> Node:
        q = self.quantity(column, unit)
        if q is None:
            return Node(column.key(unit), column.kind, x, y)
        return Node(column.key(unit), column.kind, x, y, q.markup, cell(q.value))

    def edges(self) -> Iterator[Edge]:
        for before, column in pairwise(self.columns):
            for start in before.units:
                for to in column.units:
                    edge = self.edge(before, column, start, to)
                    if edge is not None:
                        yield self.placed(edge, _share(before, column))
            for unit in column.units:
                bias = None if unit is None else self.bias(column, unit)
                if bias:
                    yield self.placed(self.weighted(bias, bias.key, column.key(unit), "bias"), 0.5)

    def edge(
        self, before: _Column, column: _Column, start: int | None, to: int | None
    ) -> Edge | None:
        """Return the line between two units, or None if they are not connected."""
        if start is None or to is None or (column.link != "weight" and start != to):
            return None
        ends = before.key(start), column.key(to)
        q = self.weight(column, to, start)
        if column.link != "weight" or q is None:
            kind = "same" if column.link == "weight" else column.link
            return Edge(*ends, kind)
        return self.weighted(q, *ends, "weight")

    def weighted(self, q: Quantity, start: str, end: str, kind: Literal["weight", "bias"]) -> Edge:
        shown = self.labeled and kind == "weight"
        short = shown and self.example.notation.name != "plain"
        return Edge(
            start,
            end,
            kind,
            q.markup if short else "",
            cell(q.value) if shown else "",
            negative=q.value < 0,
            strength=min(abs(q.value) / self.largest, 1.0),
        )

    def placed(self, edge: Edge, share: float) -> Edge:
        """Return an edge with its label a share of the way along it."""
        a, b = self.at[edge.start], self.at[edge.end]
        x, y = a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)
        return Edge(
            edge.start,
            edge.end,
            edge.kind,
            edge.label,
            edge.value,
            edge.negative,
            edge.strength,
            x,
            y,
        )

    # ---- in words -------------------------------------------------------------------------------

    def description(self) -> str:
        """Return a description of the picture in sentences."""
        widths = ", ".join(f"{c.caption} ({c.width})" for c in self.columns)
        return f"From left to right: {widths}. {self.legend()}"

    def legend(self) -> str:
        """Return an explanation of the picture's signs in sentences."""
        texts: list[str] = []
        if len(self.example.setup.batch.x) > 1:
            texts.append("The numbers in the units are those of the first sample.")
        if any(None in c.units for c in self.columns):
            texts.append("Of wide layers, only the first units and the last are drawn.")
        texts.append("The larger a weight, the wider its line; negative weights are dashed.")
        if not self.labeled:
            texts.append("There are too many weights to write them on the lines.")
        return " ".join(texts)


def _share(before: _Column, column: _Column) -> float:
    """Return the relative position of labels along the lines between two columns."""
    one, other = len(before.units), len(column.units)
    n = min(one, other)
    if n == 1:
        return 0.5
    share = (n - 1) / (2 * n - 1)
    return share if other <= one else 1 - share
