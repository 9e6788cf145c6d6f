"""What a worked example contains: its steps, and for each the numbers with their lines.

The records hold data only; `WorkedExample` adds the page and its formats.
"""

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
            raise InputError(
                f"no quantity {name!r}, because this level shows none; choose the level scalars"
            )
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
