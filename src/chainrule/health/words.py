# pyright: strict
"""The words that findings share: numbers, shares, layers and lists, as sentences have them.

They judge nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

MOST = 5  # names in a list


class Names(NamedTuple):
    """What columns and classes are called; without names they go by their numbers, from 0.

    Attributes
    ----------
    columns : sequence of str, optional
        Of X.
    classes : sequence, optional
        Their labels.
    """

    columns: Sequence[str] | NDArray[Any] | None = None
    classes: Sequence[Any] | NDArray[Any] | None = None

    def column(self, place: int) -> str:
        """Return what sentences call a column."""
        return str(place) if self.columns is None else f"'{self.columns[place]}'"

    def label(self, place: int) -> str:
        """Return what sentences call a class."""
        return str(place) if self.classes is None else repr_of(self.classes[place])


UNNAMED = Names()


def number(value: float) -> str:
    """Return a number with three digits: ``"0.0125"``, ``"1,050"``, ``"1.2e+09"``."""
    short = f"{value:.3g}"
    return f"{float(short):,.0f}" if 1e3 <= abs(value) < 1e6 else short


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{number(100 * share)} %"


def counted(count: int, what: str) -> str:
    """Return how many: ``"1 reason"``, ``"2 reasons"``."""
    return f"{count:,} {what}{'s' * (count > 1)}"


def named(label: str) -> str:
    """Return what sentences call the layer of a label: ``"layer 1"``, ``"activation1"``."""
    return f"layer {label}" if label.isdigit() else label


def listed(texts: Sequence[str]) -> str:
    """Return texts with commas, and an "and" before the last; how many more, of a long list."""
    if len(texts) > MOST + 1:  # "and 1 more" would be no shorter
        return f"{', '.join(texts[:MOST])} and {len(texts) - MOST} more"
    return ", ".join(texts[:-1]) + " and " * (len(texts) > 1) + texts[-1]


def columns(places: Sequence[int], names: Names) -> str:
    """Return columns by what they are called: ``"column 3"``, ``"columns 'age' and 'bmi'"``."""
    called = [names.column(place) for place in places]
    return f"column{'s' * (len(places) > 1)} {listed(called)}"


def repr_of(label: Any) -> str:
    """Return a class's label as people write it: 1 and 'no', whatever NumPy made of them."""
    return repr(label.item() if hasattr(label, "item") else label)
