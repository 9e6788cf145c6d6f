"""The records of a diagnosis: the verdict, the mistakes with their arithmetic, the convention.

`verdicts` creates them, and the package `report` shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from chainrule.diagnosis.catalogue import Mistake

Verdict: TypeAlias = Literal["right", "wrong", "unknown", "could-not-run"]


@dataclass(frozen=True)
class Place:
    """A quantity: what it is and its layer, such as the dW of layer 2.

    Parameters
    ----------
    quantity : str
        As in keys: ``"z"``, ``"delta"``, ``"dW"``, ``"W_new"``, ``"loss"``.
    layer : int or None
    step : int
        Which call or step in a row, from 1.
    """

    quantity: str
    layer: int | None = None
    step: int = 1

    @property
    def name(self) -> str:
        """The key of the whole array, such as ``"W1_new"``."""
        number = "" if self.layer is None else str(self.layer)
        stem = self.quantity.removesuffix("_new")
        return f"{stem}{number}_new" if stem != self.quantity else f"{stem}{number}"


@dataclass(frozen=True)
class Comparison:
    """A number of the attempt, and the right one.

    Parameters
    ----------
    key : str
        Such as ``"dW1[0,1]"``.
    theirs, right : float
    """

    key: str
    theirs: float
    right: float


@dataclass(frozen=True)
class Arithmetic:
    """One number worked out: formula, numbers put in, result.

    Parameters
    ----------
    key : str
    formula, substituted, result : str
        Plain text; `substituted` is empty if the formula has no quantities.
    """

    key: str
    formula: str
    substituted: str
    result: str


@dataclass(frozen=True)
class Finding:
    """One mistake that was found, and alternatives that explain the numbers equally well.

    Parameters
    ----------
    mistake : Mistake
        Its entry: ``id``, ``number``, ``title``, ``wrong``, ``right``, ``why``, ``repair``.
    layers : tuple of int
        The layers in which it is made, from 1; empty if it belongs to no layer.
    alternatives : tuple of Finding
    wrong, right : Arithmetic or None
        The smallest example that shows it: the attempt's arithmetic, and the right one.
    falls : bool or None
        Whether training with it still reduces the loss on this network; None if not tried.
    distinguishing_input : str
        A further input that would distinguish the alternatives: a few words, such as "a batch of
        two samples", or a whole sentence with its full stop.
    """

    mistake: "Mistake"
    layers: tuple[int, ...] = ()
    alternatives: tuple["Finding", ...] = ()
    wrong: Arithmetic | None = None
    right: Arithmetic | None = None
    falls: bool | None = None
    distinguishing_input: str = ""


class SourceLine(NamedTuple):
    """A line of a program's source, with its number in the file or in the notebook's cell."""

    number: int
    text: str
    faulty: bool


@dataclass(frozen=True)
class SourceFault:
    """A place in a program's source whose numbers are wrong.

    Parameters
    ----------
    line : int
        In the program as it ran, from 1.
    where : str
        The same in words, such as ``"line 24"`` or ``"code cell 3, line 7"``.
    name : str
        The learner's name of the numbers, or their source.
    theirs, right : str
        The first of the numbers, and what they should be; `right` may be empty.
    meaning : str
        What the right numbers are.
    new_weights : str
        The weights that were used after their update by mistake, or an empty string.
    lines : tuple of SourceLine
        The line with those around it.
    """

    line: int
    where: str
    name: str
    theirs: str
    right: str
    meaning: str = ""
    new_weights: str = ""
    lines: tuple[SourceLine, ...] = ()

    @property
    def sentence(self) -> str:
        """The fault in one sentence, without its full stop."""
        should = f" and should be {self.right}" if self.right else ""
        what = f", {self.meaning}" if self.meaning and self.right else ""
        new = f"; it is computed with the new {self.new_weights}" if self.new_weights else ""
        return f"{self.name} in {self.where} is {self.theirs}{should}{what}{new}"


@dataclass(frozen=True)
class CheckResult:
    """What a check found, as plain records; `Diagnosis` adds the page and its formats.

    Parameters
    ----------
    verdict : {"right", "wrong", "unknown", "could-not-run"}
    sentence : str
        The verdict in one sentence.
    convention : mapping of str to str
        The conventions of the attempt in words, by aspect: ``weights``, ``samples``, ``bias``,
        ``scale``, ``sign``, ``learning rate``, ``updates``, ``activation``, ``loss``.
    first_wrong : Place or None
        The first quantity that is wrong, in the order in which they are computed.
    difference : str
        How it differs if no known mistake explains it: ratio, sign, transposed, entries.
    mistakes : tuple of Finding
        They explain the numbers together; each has its own alternatives.
    comparisons : tuple of Comparison
        Numbers of the attempt and the right ones: the first that differ.
    tested : tuple of str
        What was tested and found right.
    remarks : tuple of str
    network : str
        The network that was used, in words.
    source : str
        Where the attempt comes from, such as ``"net.py: step"``.
    seconds : float
    hint : int
        How much to show: 1 symptom, 2 place, 3 mistake, 4 repair.
    compared, differ : int
        How many numbers were compared, and how many of them differ; 0 if they were not counted.
    faults : tuple of SourceFault
        The places in the source, in program order, if the program was traced.
    added : str
        Lines that were added to the program to make it train.
    """

    verdict: Verdict
    sentence: str
    convention: Mapping[str, str] = field(default_factory=dict[str, str])
    first_wrong: Place | None = None
    difference: str = ""
    mistakes: tuple[Finding, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    tested: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    network: str = ""
    source: str = ""
    seconds: float = 0.0
    hint: int = 4
    compared: int = 0
    differ: int = 0
    faults: tuple[SourceFault, ...] = ()
    added: str = ""

    @property
    def ok(self) -> bool:
        """Whether the attempt is right."""
        return self.verdict == "right"
