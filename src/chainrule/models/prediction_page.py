"""The explanation of one prediction, as a document."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from chainrule.explanation import ForwardPass
from chainrule.pages import (
    Document,
    Heading,
    Item,
    Listing,
    Page,
    Paragraph,
    Table,
    Worked,
    four_digits,
    json_number,
    slug,
)

MOST_INPUTS = 30  # columns in the table
ABOUT = (
    "Gradient × input says how much a small change of an input, in proportion to its distance from "
    "the mean of the training rows, would move the prediction; it says nothing about causes."
)


class Influence(NamedTuple):
    """How a column of the table moves a prediction.

    Attributes
    ----------
    column : str
    value : object
        As it is in the table.
    features : tuple of str
        The inputs of the network that the column becomes.
    x, slopes, numerical : tuple of float
        Of each of them its value, ∂p/∂x by backpropagation, and by the complex step, which needs
        forward passes only.
    confirmed : bool
        Whether these two agree.
    per_unit : float or None
        Of a number the change of its input when the column grows by 1.
    """

    column: str
    value: Any
    features: tuple[str, ...]
    x: tuple[float, ...]
    slopes: tuple[float, ...]
    numerical: tuple[float, ...]
    confirmed: bool
    per_unit: float | None

    @property
    def product(self) -> float:
        """Gradient × input, summed over the inputs of the column."""
        return sum(slope * x for slope, x in zip(self.slopes, self.x, strict=True))

    @property
    def slope(self) -> float | None:
        """The derivative of the prediction by the column, in its unit; None for categories."""
        if self.per_unit is not None:
            return self.slopes[0] * self.per_unit
        return self.slopes[0] if len(self.slopes) == 1 else None


class UnitShare(NamedTuple):
    """How a hidden unit moves a prediction.

    Attributes
    ----------
    layer : str
    unit : int
    a, slope, product : float
        Its output, ∂p/∂a, and their product.
    """

    layer: str
    unit: int
    a: float
    slope: float
    product: float


@dataclass(frozen=True, repr=False)
class Explanation(Document):
    """Why a model predicts what it does for one row.

    Parameters
    ----------
    source, place : str
        What messages call the table and the row.
    target : str
    label : str
        The class that is explained; empty for a number.
    value : float
        Its probability, or the predicted number.
    probabilities : tuple of (str, float)
    influences : tuple of Influence
        The strongest first.
    units : tuple of UnitShare
        The strongest of each hidden layer.
    forward : ForwardPass
    scale : float
        What the network's output is multiplied with, for a number in its own unit.
    divided : bool
        Whether the probabilities are the outputs divided by their sum.
    """

    source: str
    place: str
    target: str
    label: str
    value: float
    probabilities: tuple[tuple[str, float], ...]
    influences: tuple[Influence, ...]
    units: tuple[UnitShare, ...]
    forward: ForwardPass
    scale: float = 1.0
    divided: bool = False

    @property
    def explained(self) -> str:
        """What the explanation is about."""
        return f"p({self.label})" if self.label else self.target

    @property
    def confirmed(self) -> bool:
        """Whether every derivative was confirmed numerically."""
        return all(one.confirmed for one in self.influences)

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        said = f"{self.label} ({self.value:.1%})" if self.label else f"{self.value:.6g}"
        title = f"{self.source}, {self.place}: {self.target} = {said}"
        items = [*self._summary(), *self._inputs(), *self._units(), *self._forward()]
        return Page(title, tuple(items), about=ABOUT)

    def _summary(self) -> list[Item]:
        if not self.probabilities:
            return []
        order = sorted(self.probabilities, key=lambda pair: -pair[1])
        listed = ", ".join(f"{name} {p:.1%}" for name, p in order[:6])
        more = len(order) - 6
        return [Paragraph(f"Probabilities: {listed}" + (f", {more} more." if more > 0 else "."))]

    def _inputs(self) -> list[Item]:
        header = (
            "column",
            "value",
            f"∂ {self.explained} / ∂ column",
            "gradient × input",
            "checked",
        )
        rows = tuple(
            (
                one.column,
                short(one.value),
                slope_text(one),
                signed(one.product),
                "✓" if one.confirmed else "≠",
            )
            for one in self.influences[:MOST_INPUTS]
        )
        checked = (
            "Every derivative was checked numerically, with forward passes only."
            if self.confirmed
            else "Where ≠ stands, the numerical derivative is another one: the row is at a kink."
        )
        return [
            Heading(f"What moves {self.explained}", 2, "inputs"),
            Paragraph(
                "By column, the strongest first. Gradient × input is summed over the inputs that a "
                f"column becomes. {checked}"
            ),
            Listing(Table("Columns", header, rows), rows),
        ]

    def _units(self) -> list[Item]:
        if not self.units:
            return []
        items: list[Item] = [Heading("The strongest units", 2, "units")]
        header = ("unit", "output a", f"∂ {self.explained} / ∂a", "product")
        for layer, group in groupby(self.units, lambda one: one.layer):
            rows = tuple(
                (f"a{layer}[{u.unit}]", four_digits(u.a), signed(u.slope), signed(u.product))
                for u in group
            )
            items.append(Listing(Table(f"Layer {layer}", header, rows), rows))
        return items

    def _forward(self) -> list[Item]:
        items: list[Item] = [Heading("The forward pass", 2, "forward"), self.forward.drawing]
        items.append(
            Paragraph(
                "The numbers of the strongest units, in the names of the columns. Numbers are "
                "standardized, categories are 1 or 0. Small terms of a sum are added up."
            )
        )
        worked = (Worked(q, q.lines, f"forward-{slug(q.key)}") for q in self.forward.quantities)
        return [*items, *worked, *self._division()]

    def _division(self) -> list[Item]:
        if not self.divided:
            return []
        return [
            Paragraph(
                "The loss trains each output by itself, so they need not add up to 1. A "
                "probability is an output divided by the sum of all outputs (equal for all classes "
                f"if that sum is not positive): {self.explained} = {four_digits(self.value)}."
            )
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values, ready for JSON."""
        return {
            "schema": "chainrule.explanation/1",
            "source": self.source,
            "row": self.place,
            "target": self.target,
            "class": self.label or None,
            "value": json_number(self.value),
            "probabilities": dict(self.probabilities),
            "columns": [
                {**one._asdict(), "value": plain(one.value), "product": one.product}
                for one in self.influences
            ],
            "units": [one._asdict() for one in self.units],
            "forward": [
                {
                    "key": q.key,
                    "name": q.name,
                    "formula": q.formula,
                    "substituted": q.substituted,
                    "value": json_number(q.value),
                }
                for q in self.forward.quantities
            ],
        }

    def __repr__(self) -> str:
        strongest = ", ".join(one.column for one in self.influences[:3])
        return (
            f"<Explanation of {self.explained} = {self.value:.4g}: {strongest}; print() shows it>"
        )


def signed(value: float) -> str:
    """Return a number with its sign as it is printed."""
    return f"{'−' if value < 0 else '+'}{four_digits(abs(value))}" if value else "0"


def short(value: object) -> str:
    """Return a value of a table as it is printed."""
    return f"{value:.6g}" if isinstance(value, float) else f"{value!s:.24}"


def plain(value: object) -> Any:
    """Return a value of a table as JSON has it."""
    return value if isinstance(value, str | int | float | bool) else str(value)


def slope_text(one: Influence) -> str:
    """Return the derivative by a column; of categories, that of the present one."""
    if one.slope is not None:
        return signed(one.slope)
    present = [slope for slope, x in zip(one.slopes, one.x, strict=True) if x]
    return signed(present[0]) if present else "0"
