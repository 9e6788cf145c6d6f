"""What a learner's program is asked, and what it answers, in this package's own layout.

Rows are samples, W is (out, in), b is (out,). How the program itself has its arrays is written down
in a `Layout`; nothing here judges an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Kind: TypeAlias = Literal["gradients", "step", "forward"]
Fault: TypeAlias = Literal[
    "exception",
    "endless",
    "non-deterministic",
    "made-by-chance",
    "no-layout",
    "not-found",
    "memory",
]


def samples_of_call(x: Array, call: int) -> Array:
    """Return the samples of a later call, so that values kept from an earlier one show."""
    return x * (1 - 0.1 * call) if call else x


@dataclass(frozen=True, eq=False)
class Question:
    """One network with its numbers, as a program is asked about it.

    Parameters
    ----------
    W : tuple of array (out, in)
    b : tuple of array (out,)
    x : array (n, d)
    t : array (n, k)
    rate : float
        The learning rate of a step.
    calls : int, default 1
        How many calls in a row: of a step each goes on from what the one before returned, of
        others each has a little less input, as `samples_of_call` says.
    """

    W: tuple[Array, ...]
    b: tuple[Array, ...]
    x: Array
    t: Array
    rate: float
    calls: int = 1

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs and of every layer's units."""
        return (self.x.shape[1], *(len(b) for b in self.b))

    def at(self, call: int) -> "Question":
        """Return what a later call is asked that does not go on from the one before."""
        return replace(self, x=samples_of_call(self.x, call))


@dataclass(frozen=True)
class Layout:
    """How a program has its arrays.

    Parameters
    ----------
    form : str
        ``"function"`` or ``"class"``.
    arguments : str
        What stands where, for people: ``"(weights, biases, x, t)"``, ``"(W1, b1, W2, b2, x, t)"``.
    weights : str
        ``"(out, in)"`` or ``"(in, out)"``.
    samples : str
        ``"rows"``, ``"columns"``, or ``"one at a time"``.
    bias : str
        ``"separate"``, ``"first"`` or ``"last"`` (a part of the weights), or ``"none"``.
    lists : bool
        Whether it has plain lists instead of arrays.
    dtype : str
        ``"float64"``, or ``"float32"`` where its answers are no more precise.
    classes : bool
        Whether targets are class numbers instead of one-hot rows.
    details : mapping
        What the reader needs to call it again; plain values.
    """

    form: str
    arguments: str
    weights: str = "(out, in)"
    samples: str = "rows"
    bias: str = "separate"
    lists: bool = False
    dtype: str = "float64"
    classes: bool = False
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, eq=False)
class Reading:
    """What a program answered to one question, in one layout.

    Parameters
    ----------
    kind : {"gradients", "step", "forward"}
    layout : Layout
    answers : tuple of dict
        Of each call the arrays by name, in our layout: ``dW1``, ``db1``; ``W1_new``, ``b1_new``;
        ``a1`` (n, units) and ``p`` (n, k), the output; ``loss``, if a number is handed out beside
        them. An array that does not have the shape it should is kept as it came.
    rate : float or None
        The learning rate that was handed over; None where the program has its own.
    own : dict of str to float
        Numbers of the program's own that may matter, by name: defaults, attributes, constants.
    changed : tuple of str
        Arguments that it changed, such as ``"x"`` or ``"weights"``.
    remarks : tuple of str
        Sentences for the report.
    """

    kind: Kind
    layout: Layout
    answers: tuple[Mapping[str, Array], ...]
    rate: float | None
    own: Mapping[str, float] = field(default_factory=dict[str, float])
    changed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a program could not be asked.

    Parameters
    ----------
    fault : str
        One of `Fault`.
    text : str
        A sentence that says what happened, and where.
    detail : str
        The traceback's own lines in the learner's file, or what was tried.
    """

    fault: Fault
    text: str
    detail: str = ""
