"""What is called of a learner's object: one method, or several one after the other.

These are only the possibilities; which of them works is found out by trying.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter

from chainrule.submission.arrays import Form
from chainrule.submission.attempts import methods, parameters, spare
from chainrule.submission.values import is_whole

DATA = tuple(
    Form(samples=samples, lists=lists, targets=targets)
    for samples, lists, targets in (
        *(("rows", "arrays", "rows"), ("columns", "arrays", "rows"), ("rows", "lists", "rows")),
        *(("rows", "arrays", "flat"), ("rows", "lists", "flat"), ("rows", "arrays", "classes")),
        *(("rows", "lists", "classes"), ("one", "arrays", "rows"), ("one", "lists", "rows")),
        *(("one column", "arrays", "rows"), ("one row", "arrays", "rows")),
        *(("one", "tuples", "rows"), ("one", "arrays", "flat"), ("one", "lists", "flat")),
        *(("one", "arrays", "classes"), ("one", "lists", "classes")),
    )
)


@dataclass(frozen=True)
class Act:
    """What is called, one after the other, with what.

    Parameters
    ----------
    calls : tuple of (str, tuple of str)
        Methods, and what they are given: ``x``, ``t``, ``rate``, ``one``, ``output``, ``pairs``.
    ones : bool
        Whether parameters with a whole number as their default are given 1.
    optional : bool
        Whether the targets could be left out.
    """

    calls: tuple[tuple[str, tuple[str, ...]], ...]
    ones: bool = True
    optional: bool = False

    @property
    def methods(self) -> frozenset[str]:
        """The names of the methods that are called."""
        return frozenset(name for name, _ in self.calls)

    @property
    def words(self) -> str:
        """The calls, for people."""
        return ", ".join(f"{name}({', '.join(roles)})" for name, roles in self.calls)


ROLES = {
    1: (("pairs",),),
    2: (("x", "t"), ("pairs", "rate"), ("t", "x")),
    3: (("x", "t", "rate"), ("x", "t", "one"), ("pairs", "one", "rate"), ("rate", "x", "t")),
    4: (("x", "t", "rate", "one"), ("x", "t", "one", "rate")),
}
BACKWARD = {
    0: ((),),
    1: (("t",), ("x",)),
    2: (("x", "t"), ("t", "output"), ("t", "rate"), ("output", "t"), ("t", "x")),
    3: (("x", "t", "output"), ("x", "t", "rate"), ("x", "output", "t"), ("t", "output", "rate")),
    4: (("x", "t", "output", "rate"),),
}
UPDATE = {0: ((),), 1: (("rate",), ("x",), ("one",)), 2: (("x", "rate"), ("x", "t"))}


def single_acts(cls: type, only_method: str | None) -> list[Act]:
    """Return calls of one method that has both x and t, the plainest first."""
    names = [only_method] if only_method else methods(cls)
    found: list[tuple[tuple[int, int, int], Act]] = []
    for place, name in enumerate(names):
        count, whole = _needs(cls, name)
        for roles in ROLES.get(count, ()) if name != "__call__" else ():
            odd = roles[0] != "x"
            found.append(((count + 3 * odd, whole, place), Act(((name, roles),))))
            if whole:
                found.append(
                    ((count + 3 * odd, whole + 5, place), Act(((name, roles),), ones=False))
                )
        if count == 1 and spare(_given(cls, name)) and name != "__call__":
            act = Act(((name, ("x", "t")),), optional=True)
            found.append(((2, whole, place), act))
    return [act for _, act in sorted(found, key=lambda pair: pair[0])]


def _needs(cls: type, name: str) -> tuple[int, int]:
    """Return how many arguments a method needs, and how many whole numbers it has by default."""
    given = _given(cls, name)
    needed = sum(p.default is p.empty for p in given)
    return needed, sum(is_whole(p.default) for p in given)


def _given(cls: type, name: str) -> list[Parameter]:
    """Return the parameters of a method that are handed over, so without self."""
    given = parameters(getattr(cls, name))
    return given if isinstance(vars(cls).get(name), (staticmethod, classmethod)) else given[1:]


def forward_acts(cls: type, only_method: str | None = None) -> list[Act]:
    """Return calls of one method that has x alone."""
    names = [only_method] if only_method else methods(cls)
    return [Act(((name, ("x",)),)) for name in names if _needs(cls, name)[0] == 1]


def sequences(cls: type, only_method: str | None) -> Iterator[Act]:
    """Yield a forward pass, a backward pass, and an update, in separate methods."""
    names = [name for name in methods(cls) if name != "__call__"]
    counts = {name: _needs(cls, name)[0] for name in methods(cls)}
    starts = [name for name in methods(cls) if counts[name] == 1]
    starts += [name for name in names if counts[name] == 0]
    for start in starts:
        first = (start, ("x",) if counts[start] else ())
        for second in names:
            for roles in BACKWARD.get(counts[second], ()) if second != start else ():
                pair = (first, (second, roles))
                if only_method is None or only_method in {start, second}:
                    yield Act(pair)
                for third in names:
                    for more in (
                        UPDATE.get(counts[third], ()) if third not in {start, second} else ()
                    ):
                        if only_method is None or only_method in {start, second, third}:
                            yield Act((*pair, (third, more)))
