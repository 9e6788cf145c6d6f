# pyright: strict
"""The words that findings share: numbers, shares, layers and lists, as sentences have them.

They judge nothing.
"""

from collections.abc import Sequence

MOST = 5  # names in a list


def number(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.3g} %"


def named(label: str) -> str:
    """Return what sentences call the layer of a label: ``"layer 1"``, ``"activate1"``."""
    return f"layer {label}" if label.isdigit() else label


def listed(texts: Sequence[str]) -> str:
    """Return texts with commas, and an "and" before the last; how many more, of a long list."""
    if len(texts) > MOST:
        return f"{', '.join(texts[:MOST])} and {len(texts) - MOST} more"
    return ", ".join(texts[:-1]) + " and " * (len(texts) > 1) + texts[-1]


def columns(places: Sequence[int]) -> str:
    """Return columns by their numbers: ``"column 3"``, ``"columns 0, 2 and 5"``."""
    return f"column{'s' * (len(places) > 1)} {listed([str(place) for place in places])}"
