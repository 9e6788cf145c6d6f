"""Questions to a submission and its answers, in this package's standard layout.

Samples are rows, W is (out, in) and b is (out,). A `Layout` describes how the submission itself
stores its arrays.
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
    """Return the samples of call number `call`, which differ to expose cached values."""
    return x * (1 - 0.1 * call) if call else x


@dataclass(frozen=True, eq=False)
class Question:
    """A network with its parameters and data, which a submission is called with.

    Parameters
    ----------
    W : tuple of array (out, in)
    b : tuple of array (out,)
    x : array (n, d)
    t : array (n, k)
    rate : float
        The learning rate of a step.
    calls : int, default 1
        The number of consecutive calls. Each call of a step continues from the parameters that
        the previous one returned; other calls get different samples, see `samples_of_call`.
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
        """Return the question of call number `call`, if calls do not continue from each other."""
        return replace(self, x=samples_of_call(self.x, call))


@dataclass(frozen=True)
class Layout:
    """How a submission stores its arrays, and how it is called.

    Parameters
    ----------
    form : str
        ``"function"`` or ``"class"``.
    arguments : str
        The arguments, as shown in reports: ``"(weights, biases, x, t)"``,
        ``"(W1, b1, W2, b2, x, t)"``.
    weights : str
        ``"(out, in)"`` or ``"(in, out)"``.
    samples : str
        ``"rows"``, ``"columns"``, or ``"one at a time"``.
    bias : str
        ``"separate"``, ``"first"`` or ``"last"`` (input of the weights), or ``"none"``.
    lists : bool
        Whether it uses lists or tuples instead of arrays.
    dtype : str
        ``"float64"``, or ``"float32"`` if its answers are not more precise than that.
    classes : bool
        Whether targets are class numbers instead of one-hot rows.
    details : mapping
        What is needed to call it in the same way again; plain values.
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
    """What a submission answered to one question, interpreted in one layout.

    Parameters
    ----------
    kind : {"gradients", "step", "forward"}
    layout : Layout
    answers : tuple of dict
        The arrays of each call by name, in the standard layout: ``dW1``, ``db1``; ``W1_new``,
        ``b1_new``; ``a1`` (n, units) and ``p`` (n, k), the output; ``loss``, if a single number is
        returned with them. An array of an unexpected shape is kept as it was returned.
    rate : float or None
        The learning rate that was passed; None if the submission has its own.
    own : dict of str to float
        The submission's own numbers by name, such as default arguments and attributes.
    changed : tuple of str
        The arguments that it modified, such as ``"x"`` or ``"weights"``.
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
    """Why a submission gave no answer.

    Parameters
    ----------
    fault : str
        One of `Fault`.
    text : str
        A sentence that says what happened and where.
    detail : str
        The lines of the traceback that lie in the learner's file, or what was tried.
    """

    fault: Fault
    text: str
    detail: str = ""
