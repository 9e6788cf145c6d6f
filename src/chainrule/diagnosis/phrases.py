"""Phrases that the sentences of a report consist of: lists, and layers by their numbers."""

from collections.abc import Iterable, Sequence


def layers_words(layers: Sequence[int]) -> str:
    """Return layers in words: ``"layer 2"``, ``"layers 1 and 2"``, or nothing."""
    return f"layer{'s' * (len(layers) > 1)} {enumerated(map(str, layers))}" if layers else ""


def enumerated(texts: Iterable[str]) -> str:
    """Return texts with commas, and an "and" before the last."""
    *first, last = list(texts) or [""]
    return f"{', '.join(first)} and {last}" if first else last
