"""The sequences of method calls that may train a learner's object or run its forward pass.

All possibilities are listed here; the search tries which of them works.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter
from typing import TypeAlias

from chainrule.submission.arrays.formats import ArrayFormat
from chainrule.submission.attempts import is_numerical, methods, optional_count, parameters
from chainrule.submission.values import is_count

DATA_FORMATS = tuple(  # the most usual first
    ArrayFormat(samples=samples, array_type=array_type, targets=targets)
    for samples, array_type, targets in (
        *(("rows", "arrays", "rows"), ("columns", "arrays", "rows"), ("rows", "lists", "rows")),
        *(("rows", "arrays", "flat"), ("rows", "lists", "flat"), ("rows", "arrays", "classes")),
        *(("rows", "lists", "classes"), ("one", "arrays", "rows"), ("one", "lists", "rows")),
        *(("one column", "arrays", "rows"), ("one row", "arrays", "rows")),
        *(("one", "tuples", "rows"), ("one", "arrays", "flat"), ("one", "lists", "flat")),
        *(("one", "arrays", "classes"), ("one", "lists", "classes")),
    )
)


@dataclass(frozen=True)
class CallSequence:
    """Methods that are called one after the other, with their arguments.

    Parameters
    ----------
    calls : tuple of (str, tuple of str)
        Names of methods and roles of their arguments: ``x``, ``t``, ``rate``, ``one``,
        ``output``, ``pairs``.
    set_to_one : bool
        Whether parameters with a count as their default, such as epochs, are set to 1.
    optional : bool
        Whether the targets are passed to an optional parameter.
    """

    calls: tuple[tuple[str, tuple[str, ...]], ...]
    set_to_one: bool = True
    optional: bool = False

    @property
    def methods(self) -> frozenset[str]:
        """The names of the methods that are called."""
        return frozenset(name for name, _ in self.calls)

    @property
    def words(self) -> str:
        """The calls, as shown in reports."""
        return ", ".join(f"{name}({', '.join(roles)})" for name, roles in self.calls)


ROLES = {  # of the arguments of a method that trains, by their number
    1: (("pairs",),),
    2: (("x", "t"), ("pairs", "rate"), ("t", "x")),
    3: (("x", "t", "rate"), ("x", "t", "one"), ("pairs", "one", "rate"), ("rate", "x", "t")),
    4: (("x", "t", "rate", "one"), ("x", "t", "one", "rate")),
}
BACKWARD_ROLES = {
    0: ((),),
    1: (("t",), ("x",)),
    2: (("x", "t"), ("t", "output"), ("t", "rate"), ("output", "t"), ("t", "x")),
    3: (("x", "t", "output"), ("x", "t", "rate"), ("x", "output", "t"), ("t", "output", "rate")),
    4: (("x", "t", "output", "rate"),),
}
UPDATE_ROLES = {0: ((),), 1: (("rate",), ("x",), ("one",)), 2: (("x", "rate"), ("x", "t"))}


Rank: TypeAlias = tuple[int, int, int]


def single_calls(cls: type, only_method: str | None) -> list[CallSequence]:
    """Return calls of one method that takes both x and t, the simplest first."""
    names = [only_method] if only_method else methods(cls)
    found: list[tuple[Rank, CallSequence]] = []
    for position, name in enumerate(names):
        if name != "__call__":
            found += _calls_of(cls, name, position)
    return [sequence for _, sequence in sorted(found, key=lambda pair: pair[0])]


def _calls_of(cls: type, name: str, position: int) -> Iterator[tuple[Rank, CallSequence]]:
    """Yield the calls of one method that may train, with their ranks."""
    required, counts = _count_parameters(cls, name)
    for roles in ROLES.get(required, ()):
        rank = required + 3 * (roles[0] != "x") + 20 * is_numerical(name)
        yield (rank, counts, position), CallSequence(((name, roles),))
        if counts:
            yield (rank, counts + 5, position), CallSequence(((name, roles),), set_to_one=False)
    if required == 1 and optional_count(_own_parameters(cls, name)):
        yield (2, counts, position), CallSequence(((name, ("x", "t")),), optional=True)


def _count_parameters(cls: type, name: str) -> tuple[int, int]:
    """Return how many parameters of a method are required, and how many have counts as defaults."""
    found = _own_parameters(cls, name)
    return sum(p.default is p.empty for p in found), sum(is_count(p.default) for p in found)


def _own_parameters(cls: type, name: str) -> list[Parameter]:
    """Return the parameters of a method without self."""
    found = parameters(getattr(cls, name))
    return found if isinstance(vars(cls).get(name), (staticmethod, classmethod)) else found[1:]


def forward_calls(cls: type, only_method: str | None = None) -> list[CallSequence]:
    """Return calls of one method that takes x only."""
    names = [only_method] if only_method else methods(cls)
    return [
        CallSequence(((name, ("x",)),)) for name in names if _count_parameters(cls, name)[0] == 1
    ]


def several_calls(cls: type, only_method: str | None) -> Iterator[CallSequence]:
    """Yield sequences of separate methods: forward pass, backward pass and maybe an update."""
    for calls in _forward_backward_update(cls):
        if only_method is None or any(only_method == name for name, _ in calls):
            yield CallSequence(calls)


Call: TypeAlias = tuple[str, tuple[str, ...]]


def _forward_backward_update(cls: type) -> Iterator[tuple[Call, ...]]:
    """Yield pairs of calls, each followed by its triples."""
    names = [name for name in methods(cls) if name != "__call__"]
    required = {name: _count_parameters(cls, name)[0] for name in methods(cls)}
    starts = [name for name in methods(cls) if required[name] == 1]
    starts += [name for name in names if required[name] == 0]
    for start, second in itertools.product(starts, names):
        forward = (start, ("x",) if required[start] else ())
        for roles in BACKWARD_ROLES.get(required[second], ()) if second != start else ():
            pair = (forward, (second, roles))
            yield pair
            for third in names:
                updates = UPDATE_ROLES.get(required[third], ())
                for more in updates if third not in {start, second} else ():
                    yield (*pair, (third, more))
