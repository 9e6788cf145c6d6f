# pyright: strict
"""Numbers, percentages, layer and column names as the sentences of findings show them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

MAX_LISTED = 5  # names in a list


class Names(NamedTuple):
    """Names of columns and classes; without them, sentences show their numbers, from 0.

    Attributes
    ----------
    columns : sequence of str, optional
        Column names of X.
    classes : sequence, optional
        Class labels.
    """

    columns: Sequence[str] | NDArray[Any] | None = None
    classes: Sequence[Any] | NDArray[Any] | None = None

    def column(self, index: int) -> str:
        """Return the name of a column as sentences show it."""
        return str(index) if self.columns is None else f"'{self.columns[index]}'"

    def label(self, index: int) -> str:
        """Return the label of a class as sentences show it."""
        return str(index) if self.classes is None else label_repr(self.classes[index])


UNNAMED = Names()


def format_number(value: float) -> str:
    """Return a number with three digits: ``"0.0125"``, ``"1,050"``, ``"1.2e+09"``."""
    short = f"{value:.3g}"
    return f"{float(short):,.0f}" if 1e3 <= abs(value) < 1e6 else short


def format_percent(share: float) -> str:
    """Return a share as a percentage: ``"12.5%"``."""
    return f"{format_number(100 * share)}%"


def pluralize(count: int, noun: str) -> str:
    """Return a count with its noun: ``"1 reason"``, ``"2 reasons"``."""
    return f"{count:,} {noun}{'s' * (count > 1)}"


def layer_name(label: str) -> str:
    """Return the name of a layer in sentences: ``"layer 1"``, ``"activation1"``."""
    return f"layer {label}" if label.isdigit() else label


def join_list(texts: Sequence[str]) -> str:
    """Join texts by commas and a final "and"; of a long list, count those that are left out."""
    if len(texts) > MAX_LISTED + 1:  # "and 1 more" would be no shorter
        return f"{', '.join(texts[:MAX_LISTED])} and {len(texts) - MAX_LISTED} more"
    return ", ".join(texts[:-1]) + " and " * (len(texts) > 1) + texts[-1]


def column_list(indices: Sequence[int], names: Names) -> str:
    """Return a list of columns: ``"column 3"``, ``"columns 'age' and 'bmi'"``."""
    listed = [names.column(index) for index in indices]
    return f"column{'s' * (len(indices) > 1)} {join_list(listed)}"


def label_repr(label: Any) -> str:
    """Return a class label as Python prints it, without NumPy's type: ``"1"``, ``"'no'"``."""
    return repr(label.item() if hasattr(label, "item") else label)
