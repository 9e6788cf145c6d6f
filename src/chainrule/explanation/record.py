"""Records of a worked example: its steps, and the numbers of each step with their lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from chainrule.errors import InputError, unknown
from chainrule.explanation.notation import Notation, Places
from chainrule.explanation.setup import Setup
from chainrule.pages import Digits, Matrix, Quantity, Table

Level: TypeAlias = Literal["scalars", "matrices", "summary"]
LEVELS: tuple[Level, ...] = ("scalars", "matrices", "summary")


@dataclass(frozen=True)
class ExampleStep:
    """One training step, from the forward pass to the new weights.

    Parameters
    ----------
    number : int
        Counted from 1, or from the number of updates before the first step.
    loss_before, loss_after : float
        C at the old and at the new parameters; the second is None without an optimizer.
    quantities : tuple of Quantity
        In the order of a calculation by hand.
    matrices : tuple of Matrix
        At the level matrices, in place of `quantities`.
    tables : tuple of Table
        At the level summary, in place of `quantities`.
    drawn : tuple of Quantity
        The numbers in the picture of the network, if they are not among `quantities`.
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
            raise InputError(
                f"no quantity {name!r}, because this level shows none; choose the level scalars"
            )
        raise unknown("quantity", name, {n for q in self.quantities for n in (q.key, q.name)})


@dataclass(frozen=True)
class ErratumFigure:
    """A published figure and the correct one, both recomputed.

    Parameters
    ----------
    place : str
    step : int
    published : str or None
        As printed; None if the example differs from the published one.
    right : float
    mistaken : float or None
        The figure computed with the mistake in the equations.
    cause : str
    """

    place: str
    step: int
    published: str | None
    right: float
    mistaken: float | None
    cause: str


@dataclass(frozen=True, eq=False)
class ExampleRecord:
    """The content of a worked example, as plain records.

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
        Pairs of a number of steps, including those before the first, and the error after them,
        without dropout; empty for a single step.
    errata : tuple of ErratumFigure
    compiled_updates : int
        How many of the updates between the steps shown the compiled engine made.
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
    compiled_updates: int = 0

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
