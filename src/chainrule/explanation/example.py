"""The worked example as a document: steps, and in each every number with the line it comes from.

It is plain data that renderers read; how it is computed is not written here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from chainrule.errors import unknown
from chainrule.explanation.notation import Notation, Places, Ref, key


@dataclass(frozen=True)
class Quantity:
    """One number of a step: what it is, the formula, the numbers put in, the result.

    Parameters
    ----------
    ref : Ref
        What it is.
    key : str
        Such as ``"dW2[0,1]"``; indices count from 0.
    name : str
        What the notation calls it, such as ``"∂E/∂w5"``.
    section : str
        ``"given"``, ``"forward"``, ``"error"``, ``"backward"`` or ``"update"``.
    value : float
    shown : str
        The result as it is printed.
    formula, substituted : str or None
        The line in symbols and in numbers; None for what is given, and the second also where the
        first is only another name.
    exact : bool
        Whether `substituted` recomputes to `shown` with few digits; otherwise it carries all.
    numerical : float or None
        The numerical derivative beside a gradient.
    """

    ref: Ref
    key: str
    name: str
    section: str
    value: float
    shown: str
    formula: str | None = None
    substituted: str | None = None
    exact: bool = True
    numerical: float | None = None


@dataclass(frozen=True)
class ExampleStep:
    """One training step, from the forward pass to the new weights.

    Parameters
    ----------
    number : int
        From 1.
    loss_before, loss_after : float
        C at the old and at the new parameters; the second is None without an optimiser.
    quantities : tuple of Quantity
        In the order in which a person computes them.
    """

    number: int
    loss_before: float
    loss_after: float | None
    quantities: tuple[Quantity, ...]

    def __getitem__(self, name: str) -> Quantity:
        """Return a quantity by its key or its name; a weight's own name means its update."""
        found = [q for q in self.quantities if name in (q.key, q.name)]
        computed = [q for q in found if q.section != "given"]
        if found and not computed and found[0].ref.quantity in ("W", "b"):
            updated = found[0].ref._replace(quantity=f"{found[0].ref.quantity}_new")
            computed = [q for q in self.quantities if q.ref == updated]
        if found:
            return (computed or found)[0]
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


@dataclass(frozen=True)
class WorkedExample:
    """The complete worked example of a network: a document with renderers.

    Parameters
    ----------
    title, source : str
    description : dict
        The network, its data and its optimiser, in plain values.
    places : Places
    notation : Notation
    steps : tuple of ExampleStep
        Those that are shown.
    errata : tuple of ErratumFigure
    """

    title: str
    source: str
    description: dict[str, Any]
    places: Places
    notation: Notation
    steps: tuple[ExampleStep, ...]
    errata: tuple[ErratumFigure, ...] = field(default=())

    def __getitem__(self, name: str) -> Quantity:
        """Return a quantity of the first step shown, by key or name.

        Raises
        ------
        UnknownNameError
            If there is none; the message offers the nearest.
        """
        return self.steps[0][name]

    def __iter__(self) -> Iterator[ExampleStep]:
        return iter(self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the document in plain values, after the schema ``chainrule.example/1``."""
        return {
            "schema": "chainrule.example/1",
            "title": self.title,
            "source": self.source,
            **self.description,
            "steps": [_step(step, self.places) for step in self.steps],
            "errata": [vars(e).copy() for e in self.errata],
        }

    def to_json(self) -> str:
        """Return the document as JSON text, after the schema ``chainrule.example/1``."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def print(self, console: Console | None = None, *, compact: bool = False) -> None:
        """Print the document to a terminal.

        Parameters
        ----------
        console : rich.console.Console, optional
        compact : bool, default False
            One line for each number instead of three.
        """
        from chainrule.explanation.terminal import render

        render(self, console or Console(), compact=compact)


def _step(step: ExampleStep, places: Places) -> dict[str, Any]:
    return {
        "step": step.number,
        "loss_before": step.loss_before,
        "loss_after": step.loss_after,
        "quantities": [_quantity(q, places) for q in step.quantities],
    }


def _quantity(q: Quantity, places: Places) -> dict[str, Any]:
    """Return a quantity as a row: what it is, its place, its name and its lines."""
    ref = q.ref
    row: dict[str, Any] = {"quantity": ref.quantity, "key": key(ref, places)}
    if ref.layer:
        row["layer"] = int(ref.layer) if ref.layer.isdigit() else ref.layer
    row |= _index(ref) | {"name": q.name, "section": q.section}
    if q.formula is not None:
        row["formula"] = q.formula
    if q.substituted is not None:
        row |= {"substituted": q.substituted, "exact": q.exact}
    row |= {"value": q.value, "shown": q.shown}
    return row if q.numerical is None else {**row, "numerical": q.numerical}


def _index(ref: Ref) -> dict[str, int]:
    if ref.sampled:
        return dict(zip(("sample", "unit", "unit2"), ref.index, strict=False))
    names = ("to", "from") if len(ref.index) == 2 else ("unit",)
    return dict(zip(names, ref.index, strict=False))
