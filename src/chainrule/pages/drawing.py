"""A drawing of a network: the positions of its units and connections, and their labels.

SVG and TikZ are written from it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chainrule.pages.markup import Name, Ratio

NodeKind: TypeAlias = Literal["input", "unit", "output", "prediction", "target", "bias", "gap"]
EdgeKind: TypeAlias = Literal["weight", "bias", "same", "target"]

LETTER = 7.4  # the average width of a character, in units of the drawing


@dataclass(frozen=True)
class Node:
    """A unit, an input, a bias, a target, or the gap in a wide layer.

    Parameters
    ----------
    key : str
        Unique in the picture; edges name it.
    kind : {"input", "unit", "output", "prediction", "target", "bias", "gap"}
    x, y : float
        Its center, y downwards.
    label : str
        Its name, in the markup of notations.
    value : str
        Its number as it is printed; empty where it has none.
    """

    key: str
    kind: NodeKind
    x: float
    y: float
    label: str = ""
    value: str = ""


@dataclass(frozen=True)
class Edge:
    """A line from one node to another, with its weight.

    Parameters
    ----------
    start, end : str
        Keys of nodes.
    kind : {"weight", "bias", "same", "target"}
        ``"same"`` hands a number on without a weight.
    label : str
        The weight's name, in markup; empty where the notation's names are too long.
    value : str
        Its number as it is printed; empty where there are too many for labels.
    negative : bool
    strength : float
        The weight's size over the largest of the picture, from 0 to 1.
    x, y : float
        The center of the label.
    """

    start: str
    end: str
    kind: EdgeKind
    label: str = ""
    value: str = ""
    negative: bool = False
    strength: float = 0.0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Caption:
    """The heading above a column of nodes."""

    text: str
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """The nodes, edges and captions of a drawing, and its size.

    Parameters
    ----------
    width, height : float
    radius : float
        Of units; a bias is only its text.
    nodes : tuple of Node
    edges : tuple of Edge
    captions : tuple of Caption
    title, description : str
        For those who do not see it.
    legend : str
        What lines and numbers mean, for those who do.
    """

    width: float
    height: float
    radius: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    captions: tuple[Caption, ...]
    title: str
    description: str
    legend: str

    def node(self, key: str) -> Node:
        """Return the node with this key."""
        return next(node for node in self.nodes if node.key == key)


def letters(name: Name) -> float:
    """Return about how many letters wide a name is set; scripts are smaller."""
    total = 0.0
    for part in name:
        if isinstance(part, Ratio):
            total += letters(part.top) + letters(part.bottom) + 1
        else:
            total += len(part.base) + 0.75 * (letters(part.below) + letters(part.above))
    return total
