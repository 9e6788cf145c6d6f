"""What a diagnosis says: the verdict, the mistakes with their arithmetic, the convention.

These are plain values; how they are found stands in judge.py, how they are shown in report/.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from chainrule.diagnosis.catalogue import Mistake

Verdict: TypeAlias = Literal["right", "wrong", "unknown", "could-not-run"]


@dataclass(frozen=True)
class Place:
    """A quantity: what it is and its layer, such as the dW of layer 2.

    Parameters
    ----------
    quantity : str
        As keys have it: ``"z"``, ``"delta"``, ``"dW"``, ``"W_new"``, ``"loss"``.
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
    """A number of the learner's beside the right one.

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
        Plain text; `substituted` may be empty where there is nothing to put in.
    """

    key: str
    formula: str
    substituted: str
    result: str


@dataclass(frozen=True)
class Finding:
    """One mistake found, and what fits equally well.

    Parameters
    ----------
    mistake : Mistake
        Its entry: ``id``, ``number``, ``title``, ``wrong``, ``right``, ``why``, ``repair``.
    layers : tuple of int
        The layers it is in, from 1; empty where it belongs to none.
    alternatives : tuple of Finding
    wrong, right : Arithmetic or None
        The smallest telling example: the learner's arithmetic, and the repaired one.
    falls : bool or None
        Whether the loss still falls with it on the network that was looked at; None if not tried.
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


@dataclass(frozen=True)
class CheckResult:
    """What a check found, as plain records; `Diagnosis` adds the page and its formats.

    Parameters
    ----------
    verdict : {"right", "wrong", "unknown", "could-not-run"}
    sentence : str
        The verdict in one sentence.
    convention : mapping of str to str
        What the attempt does its own way, in words, by aspect: ``weights``, ``samples``, ``bias``,
        ``scale``, ``sign``, ``learning rate``, ``updates``, ``activation``, ``loss``.
    first_wrong : Place or None
        The first quantity that is wrong, in the order in which they are computed.
    difference : str
        How it differs, where no mistake has a name: ratio, sign, transposed, entries.
    mistakes : tuple of Finding
        They hold together; what fits equally well is among a finding's alternatives.
    comparisons : tuple of Comparison
        The learner's numbers beside the right ones, the smallest telling examples.
    tested : tuple of str
        What else was tested and found right.
    remarks : tuple of str
    network : str
        The network that was looked at, in words.
    source : str
        Where the attempt comes from, such as ``"net.py: step"``.
    seconds : float
    hint : int
        How much to show: 1 symptom, 2 place, 3 mistake, 4 repair.
    compared, differ : int
        How many numbers were compared, and how many of them differ; 0 where nobody counted.
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

    @property
    def ok(self) -> bool:
        """Whether the attempt is right."""
        return self.verdict == "right"
