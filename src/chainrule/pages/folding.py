"""What of a long page is folded: one unit of each array is the model, the others are one line.

The calculations are in sections by layer, and what is folded is in lines by unit. Of several
samples the first is written out; the others are columns of a table, and each can be unfolded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from chainrule.pages.items import Heading, Item, Worked

MANY = 100  # calculations of a page; a longer page is folded
SAMPLE = "-sample-"  # in the anchor of a heading


@dataclass(frozen=True)
class Several:
    """Calculations of one array, of which the first is the model.

    Parameters
    ----------
    model : Worked
    others : tuple of Worked
    """

    model: Worked
    others: tuple[Worked, ...]


@dataclass(frozen=True)
class Samples:
    """The same calculations for several samples.

    Parameters
    ----------
    headings : tuple of Heading
    samples : tuple of tuple of Worked
        Of each sample, in the same order.
    """

    headings: tuple[Heading, ...]
    samples: tuple[tuple[Worked, ...], ...]


def is_long(items: Iterable[Item]) -> bool:
    """Return whether a page has so many calculations that it is folded."""
    return sum(isinstance(item, Worked) for item in items) > MANY


def folded(items: Sequence[Item]) -> Iterator[Item | Samples]:
    """Yield the items of a page, those of several samples as one."""
    place = 0
    while place < len(items):
        end = place
        headings: list[Heading] = []
        samples: list[tuple[Worked, ...]] = []
        while (heading := _of_sample(items, end)) is not None:
            own = tuple(_calculations(items, end + 1))
            headings.append(heading)
            samples.append(own)
            end += 1 + len(own)
        if len(samples) > 1:
            yield Samples(tuple(headings), tuple(samples))
        else:
            end = place + 1
            yield items[place]
        place = end


def _of_sample(items: Sequence[Item], place: int) -> Heading | None:
    """Return the heading of a sample's calculations at a place, or None."""
    item = items[place] if place < len(items) else None
    return item if isinstance(item, Heading) and SAMPLE in item.anchor else None


def _calculations(items: Sequence[Item], place: int) -> Iterator[Worked]:
    """Yield the calculations from a place up to the next item of another kind."""
    while place < len(items) and isinstance(item := items[place], Worked):
        yield item
        place += 1


def by_layer(items: Iterable[Worked]) -> Iterator[tuple[str, tuple[Worked, ...]]]:
    """Yield calculations by layer; the name of the layer is empty for those that belong to none.

    What is computed from numbers of all layers stays after them, and before what follows from it.
    """
    for _, group in groupby(items, lambda item: item.quantity.ref.layer == ""):
        layers: dict[str, list[Worked]] = {}
        for item in group:
            layers.setdefault(item.quantity.ref.layer, []).append(item)
        yield from ((layer, tuple(several)) for layer, several in layers.items())


def by_array(items: Iterable[Worked]) -> Iterator[Several]:
    """Yield calculations by the array that their numbers belong to."""
    for _, group in groupby(items, lambda item: item.quantity.ref[:2]):
        model, *others = group
        yield Several(model, tuple(others))


def by_unit(items: Iterable[Worked]) -> Iterator[tuple[Worked, ...]]:
    """Yield calculations of one array by the unit that their numbers belong to."""
    for _, group in groupby(items, _unit):
        yield tuple(group)


def _unit(item: Worked) -> int | None:
    """Return the index of a number's unit, which comes after that of its sample."""
    ref = item.quantity.ref
    indices = ref.index[1:] if ref.sampled else ref.index
    return indices[0] if indices else None
