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
    """One derivation of a number: the formula in symbols, and with the numbers substituted.

    Parameters
    ----------
    kind : {"chain", "equation", "derivation"}
        The chain rule in its factors; the equation that ran; or another derivation, which gives the
        same number within rounding and did not run.
    tree : Expression
        The formula as an expression, which renderers typeset.
    formula : str
        The formula as one line of text.
    substituted : str or None
        The formula with its numbers; None where the formula is only another name.
    count : int
        The number of significant digits of the substituted numbers.
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
    """One number of a step: its name, the lines that derive it, and the result.

    Parameters
    ----------
    ref : Ref
        Identifies the number.
    key : str
        Such as ``"dW2[0,1]"``; indices count from 0.
    name : str
        Its name in the notation, such as ``"∂E/∂w5"``.
    markup : str
        The same with its subscripts and superscripts marked, such as ``"∂E/∂w_{5}"``.
    section : str
        ``"given"``, ``"forward"``, ``"error"``, ``"backward"`` or ``"update"``.
    value : float
        The value of the key's quantity.
    shown : str
        The result as it is printed after the name, so with the sign of `sign`.
    sign : int
        −1 where the notation defines the name with the opposite sign.
    lines : tuple of Line
        Empty for a given number.
    numerical : float or None
        The numerical derivative that is printed next to a gradient.
    numerical_text : str
        The same as it is printed, so with the sign of `sign`.
    remark : str
        An explanation, where learners often go wrong.
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
        """The equation that ran, in symbols; None for a given number."""
        return self.equation.formula if self.equation else None

    @property
    def substituted(self) -> str | None:
        """The equation that ran, with the numbers substituted."""
        return self.equation.substituted if self.equation else None

    @property
    def exact(self) -> bool:
        """Whether every line recomputes to `shown` with few digits."""
        return all(line.exact for line in self.lines)


@dataclass(frozen=True, eq=False)
class Matrix:
    """One whole array of a step: its equation in matrices, and its numbers.

    Parameters
    ----------
    key : str
        Such as ``"dW2"``.
    markup : str
        Its name.
    section : str
    array : array
    formula : str
        As one line of text; empty for a given array.
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
        """The numbers as they are printed, with the sign of `sign`."""
        return -self.array if self.sign < 0 else self.array


@dataclass(frozen=True)
class Table:
    """Rows of numbers with a heading for each column, and a sentence on how to read them.

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
