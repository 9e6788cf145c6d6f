"""The worked example as a document: steps, and in each every number with the line it comes from.

It is plain data that renderers read; how it is computed is not written here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray
from rich.console import Console

from chainrule.errors import InputError, missing, unknown
from chainrule.explanation.digits import Digits
from chainrule.explanation.notation import Notation, Places, Ref
from chainrule.explanation.setup import Setup
from chainrule.explanation.tree import Expression

Level: TypeAlias = Literal["scalars", "matrices", "summary"]
Kind: TypeAlias = Literal["chain", "equation", "derivation"]
LEVELS: tuple[Level, ...] = ("scalars", "matrices", "summary")


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

    kind: Kind
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
    beside: str = ""
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
    """

    key: str
    markup: str
    section: str
    array: NDArray[Any]
    formula: str = ""
    tree: Expression | None = None
    remark: str = ""


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


@dataclass(frozen=True)
class ExampleStep:
    """One training step, from the forward pass to the new weights.

    Parameters
    ----------
    number : int
        From 1; of the first, one more than the updates of the state that it begins at.
    loss_before, loss_after : float
        C at the old and at the new parameters; the second is None without an optimizer.
    quantities : tuple of Quantity
        In the order in which a person computes them.
    matrices : tuple of Matrix
        Instead, at the level of matrices.
    tables : tuple of Table
        Instead, at the level of a summary.
    drawn : tuple of Quantity
        What the picture of the network shows, where that is not among the quantities.
    """

    number: int
    loss_before: float
    loss_after: float | None
    quantities: tuple[Quantity, ...] = ()
    matrices: tuple[Matrix, ...] = ()
    tables: tuple[Table, ...] = ()
    drawn: tuple[Quantity, ...] = ()

    def __getitem__(self, name: str) -> Quantity:
        """Return a quantity by its key or its name; a weight's own name means its update."""
        by_key = [q for q in self.quantities if q.key == name]
        found = by_key or [q for q in self.quantities if q.name == name]
        computed = [q for q in found if q.section != "given"]
        if found and not computed and found[0].ref.quantity in ("W", "b"):
            updated = found[0].ref._replace(quantity=f"{found[0].ref.quantity}_new")
            computed = [q for q in self.quantities if q.ref == updated]
        if found:
            return (computed or found)[0]
        if not self.quantities:
            raise InputError(f"no quantity {name!r}: this level has none; ask for level='scalars'")
        raise unknown("quantity", name, {n for q in self.quantities for n in (q.key, q.name)})


@dataclass(frozen=True)
class ErratumFigure:
    """A published figure beside the right one, both recomputed.

    Parameters
    ----------
    place : str
    step : int
    published : str or None
        As printed; None where the example is not the published one any more.
    right : float
    mistaken : float or None
        What the mistake gives, put back into the equations.
    cause : str
    """

    place: str
    step: int
    published: str | None
    right: float
    mistaken: float | None
    cause: str


@dataclass(frozen=True, eq=False)
class WorkedExample:
    """The complete worked example of a network: a document with renderers.

    Parameters
    ----------
    title, source : str
    setup : Setup
        The network, its first parameters, its data, its optimizer.
    description : dict
        The same in plain values.
    level : {"scalars", "matrices", "summary"}
    parameter : str or None
        The key of the one parameter whose derivation this is.
    notation : Notation
    digits, cells : Digits
        Of results, and of the entries of matrices and tables.
    steps : tuple of ExampleStep
        Those that are shown.
    history : tuple of (int, float)
        The error after so many steps, those of a state before them included; where there are
        several.
    errata : tuple of ErratumFigure
    """

    title: str
    source: str
    setup: Setup
    description: dict[str, Any]
    level: Level
    parameter: str | None
    notation: Notation
    digits: Digits
    cells: Digits
    steps: tuple[ExampleStep, ...]
    history: tuple[tuple[int, float], ...] = ()
    errata: tuple[ErratumFigure, ...] = field(default=())

    def __getitem__(self, name: str) -> Quantity:
        """Return a quantity of the first step shown, by key or name.

        Raises
        ------
        UnknownNameError
            If there is none; the message offers the nearest.
        InputError
            If the document is a summary or one of matrices.
        """
        return self.steps[0][name]

    def __iter__(self) -> Iterator[ExampleStep]:
        return iter(self.steps)

    @property
    def places(self) -> Places:
        """What names depend on."""
        return Places(self.setup.network, len(self.setup.batch.x))

    # ---- renderers: each is loaded when it is used ----------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the document in plain values, after the schema ``chainrule.example/1``."""
        from chainrule.explanation.pages.rows import plain_values

        return plain_values(self)

    def to_json(self) -> str:
        """Return the document as JSON text, after the schema ``chainrule.example/1``."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def to_frame(self) -> Any:
        """Return the numbers as a pandas DataFrame, a row each; at a summary, a row a figure.

        Raises
        ------
        MissingPackageError
            If pandas is not installed.
        """
        try:
            import pandas as pd  # pyright: ignore[reportMissingTypeStubs] (only here)
        except ImportError:
            raise missing("pandas", "to_frame()", "frames") from None
        from chainrule.explanation.pages.rows import frame_rows

        return pd.DataFrame(frame_rows(self))

    def to_text(self, width: int = 80, *, compact: bool = False) -> str:
        """Return the document as plain text, folded to a width."""
        from chainrule.explanation.pages.terminal import as_text

        return as_text(self, width, compact=compact)

    def to_markdown(self) -> str:
        """Return the document as Markdown, its lines as math between dollar signs."""
        from chainrule.explanation.pages.markdown import render

        return render(self)

    def to_latex(self) -> str:
        """Return the document as LaTeX source that pdflatex compiles."""
        from chainrule.explanation.pages.latex import render

        return render(self)

    def to_html(self) -> str:
        """Return the document as one HTML page that asks nothing of anywhere."""
        from chainrule.explanation.pages.html import render

        return render(self)

    def to_numpy(self) -> str:
        """Return a short NumPy program that recomputes the example from scratch.

        Raises
        ------
        InputError
            If the network has a function of yours whose source cannot be had.
        """
        from chainrule.explanation.programs import numpy_program

        return numpy_program(self.setup, self.title)

    def to_pytorch(self) -> str:
        """Return a short PyTorch program that recomputes the example from scratch.

        Raises
        ------
        InputError
            If the network has a function of yours whose source cannot be had.
        """
        from chainrule.explanation.programs import pytorch_program

        return pytorch_program(self.setup, self.title)

    def save(self, path: str | Path, form: str | None = None) -> None:
        """Write the document to a file, whole or not at all.

        Parameters
        ----------
        path : str or Path
        form : str, optional
            One of `FORMATS`; by default what the path's ending says.

        Raises
        ------
        InputError
            If the ending says no format, or the file cannot be written.
        UnknownNameError
            If there is no such format.
        """
        from chainrule.explanation.pages.files import save

        save(self, Path(path), form)

    def print(self, console: Console | None = None, *, compact: bool = False) -> None:
        """Print the document to a terminal.

        Parameters
        ----------
        console : rich.console.Console, optional
            Standard output by default.
        compact : bool
            One line for each number instead of three.
        """
        from chainrule.explanation.pages.terminal import render

        render(self, console or Console(highlight=False, emoji=False), compact=compact)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        numbers = sum(len(step.quantities) for step in self.steps)
        what = f"{self.parameter}, " if self.parameter else ""
        return (
            f"<WorkedExample {self.title!r}: {what}{self.level}, {len(self.steps)} step(s), "
            f"{numbers} numbers; print() shows it, save() writes it>"
        )

    def _repr_html_(self) -> str:
        from chainrule.explanation.pages.html import fragment

        return fragment(self)
