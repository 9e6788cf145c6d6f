"""Numbers, arrays and tables of a page, as plain records.

Each number carries the lines that lead to it, in symbols and with the numbers substituted.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from chainrule.pages.tree import Expression, Ref

LineKind: TypeAlias = Literal["chain", "equation", "derivation"]
GOOD = 1e-9  # relative: a numerical derivative this near is printed with a tick


@dataclass(frozen=True)
class Line:
    """One way to a number: the formula in symbols, and the numbers put in.

    Parameters
    ----------
    kind : {"chain", "equation", "derivation"}
        The chain rule in its factors; the equation that ran; or another way, which gives the same
        within rounding and did not run.
    tree : Expression
        What renderers set.
    formula : str
        In one line of text.
    substituted : str or None
        With numbers; None where the formula is only another name.
    count : int
        How many significant digits were put in.
    exact : bool
        Whether `substituted` recomputes to the printed result; otherwise it carries all digits.
    """

    kind: LineKind
    tree: Expression
    formula: str
    substituted: str | None = None
    count: int = 17
    exact: bool = True


@dataclass(frozen=True)
class Quantity:
    """One number of a step: what it is, the lines that give it, the result.

    Parameters
    ----------
    ref : Ref
        What it is.
    key : str
        Such as ``"dW2[0,1]"``; indices count from 0.
    name : str
        What the notation calls it, such as ``"∂E/∂w5"``.
    markup : str
        The same with its subscripts and superscripts marked, such as ``"∂E/∂w_{5}"``.
    section : str
        ``"given"``, ``"forward"``, ``"error"``, ``"backward"`` or ``"update"``.
    value : float
        Of the key.
    shown : str
        The result as it is printed, of the name.
    sign : int
        −1 where the notation defines the name with the opposite sign.
    lines : tuple of Line
        None for what is given.
    numerical : float or None
        The numerical derivative beside a gradient.
    beside : str
        The same as it is printed, of the name.
    remark : str
        A sentence where a learner stumbles.
    """

    ref: Ref
    key: str
    name: str
    markup: str
    section: str
    value: float
    shown: str
    sign: int = 1
    lines: tuple[Line, ...] = ()
    numerical: float | None = None
    numerical_text: str = ""
    remark: str = ""

    @property
    def equation(self) -> Line | None:
        """The line of the equation that ran."""
        return next((line for line in self.lines if line.kind == "equation"), None)

    @property
    def formula(self) -> str | None:
        """The equation that ran, in symbols; None for what is given."""
        return self.equation.formula if self.equation else None

    @property
    def substituted(self) -> str | None:
        """The equation that ran, with the numbers put in."""
        return self.equation.substituted if self.equation else None

    @property
    def exact(self) -> bool:
        """Whether every line recomputes to `shown` with few digits."""
        return all(line.exact for line in self.lines)


@dataclass(frozen=True, eq=False)
class Matrix:
    """One array of a step, whole: its equation in matrices, and its numbers.

    Parameters
    ----------
    key : str
        Such as ``"dW2"``.
    markup : str
        Its name.
    section : str
    array : array
    formula : str
        In one line of text; empty for what is given.
    tree : Expression or None
        The same, for renderers.
    remark : str
    sign : int
        −1 where the notation defines the name with the opposite sign.
    """

    key: str
    markup: str
    section: str
    array: NDArray[Any]
    formula: str = ""
    tree: Expression | None = None
    remark: str = ""
    sign: int = 1

    @property
    def shown(self) -> NDArray[Any]:
        """The numbers as they are printed, of the name."""
        return -self.array if self.sign < 0 else self.array


@dataclass(frozen=True)
class Table:
    """Numbers in rows under a heading each, with a sentence that says how to read them.

    Parameters
    ----------
    title, remark : str
    header : tuple of str
    rows : tuple of tuple
        Texts and numbers.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | float | int, ...], ...]
    remark: str = ""


def agrees(value: float, numerical: float) -> bool:
    """Return whether a numerical derivative confirms a value."""
    return abs(numerical - value) <= GOOD * max(abs(value), abs(numerical), 1e-6)


def numerical_note(q: Quantity) -> tuple[str, bool] | None:
    """Return a numerical derivative as it is printed, and whether it confirms the number."""
    return None if q.numerical is None else (q.numerical_text, agrees(q.value, q.numerical))
