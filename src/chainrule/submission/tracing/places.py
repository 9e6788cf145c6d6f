"""Places in a program's source where numbers arise, and the events at which they do."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

DESCENT_RATE = 0.01  # of the gradient descent that takes the place of SciPy's minimizers
Kind: TypeAlias = Literal[
    "value", "use", "argument", "loop", "before", "update", "container", "repeated", "seed"
]


class Event(NamedTuple):
    """One time at which a program passes a place.

    Parameters
    ----------
    code : int
        The number of the place.
    turn : int
        How many times the program had passed it before.
    """

    code: int
    turn: int


@dataclass(frozen=True)
class Place:
    """A place in the source where a number arises.

    Parameters
    ----------
    line : int
        From 1.
    text : str
        Its source, in one line.
    name : str
        The name that the program gives to the number, or an empty string.
    kind : str
        ``"value"``, the result of an expression; ``"use"``, a name that is read; ``"argument"``, a
        parameter of a function; ``"loop"``, a loop variable; ``"before"`` and ``"update"``, a
        variable before and after an augmented assignment; ``"container"``, an array after some of
        its elements have been replaced; ``"repeated"``, passed only if some elements that are
        updated together are the same, which then counts once; ``"seed"``, the number of an object
        whose gradient is set to 1, with which a reverse pass begins.
    op : str
        The operation of an expression: ``"Add"``, ``"Sub"``, ``"MatMult"``, ``"call"``, ….
    parts : tuple of int
        The numbers of the places of its operands; -1 for one that is not recorded.
    sources : tuple of int
        The places in the expression that read the variable to which it is assigned.
    function : str
        The name of the function that it is in, or an empty string.
    file : str
        The module that it is in, or an empty string for the program itself.
    """

    line: int
    text: str
    name: str = ""
    kind: Kind = "value"
    op: str = ""
    parts: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()
    function: str = ""
    file: str = ""

    @property
    def shown(self) -> str:
        """The learner's name of the number, or its source."""
        return self.name or self.text
