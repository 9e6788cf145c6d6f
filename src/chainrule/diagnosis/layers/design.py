"""Find arguments that a forward function accepts, by trying shapes that its names suggest."""

import heapq
import inspect
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.diagnosis.layers.calling import CallFailedError, call, parameters
from chainrule.diagnosis.layers.candidates import (
    COLUMNS,
    PICTURES,
    ROWS,
    Candidate,
    candidates,
    is_dictionary,
    value_of,
)
from chainrule.diagnosis.layers.source import dictionary_keys, mentions
from chainrule.diagnosis.layers.values import leaves
from chainrule.submission import TimeLimit

MOST_TRIED = 3000  # calls of the forward function
MOST_KEYS = 20  # of dictionaries, found one after the other
SIMILAR = "fioucgzr"  # gates, whose weights have the same shape: Wf, Wi, Wo


@dataclass(frozen=True, eq=False)
class Layout:
    """Arguments that a forward function accepts.

    Parameters
    ----------
    chosen : mapping
        Candidates by argument; those of dictionaries by "argument.key".
    fixed : mapping
        Arguments that the user gave.
    orientation : {"rows", "columns", "pictures"}
    """

    chosen: Mapping[str, Candidate] = field(default_factory=dict[str, Candidate])
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    orientation: str = ROWS

    @property
    def kind(self) -> tuple[str, ...]:
        """What distinguishes layouts most: the orientation, and what the targets are."""
        return self.orientation, *(c.kind for c in self.chosen.values() if c.kind != "fixed")

    def arguments(self, seed: int, *, positive: bool = False) -> dict[str, Any]:
        """Return the arguments, with other numbers for another seed."""
        made: dict[str, Any] = dict(self.fixed)
        for name, candidate in self.chosen.items():
            argument, _, key = name.partition(".")
            if candidate.kind == "dictionary":
                made[argument] = {}
            elif key:
                made[argument][key] = value_of(candidate, key, seed, positive=positive)
            else:
                made[argument] = value_of(candidate, argument, seed, positive=positive)
        return made

    @property
    def words(self) -> dict[str, str]:
        """The arguments that are words, such as the activation's name."""
        return {n: c.value for n, c in self.chosen.items() if isinstance(c.value, str)}


def layouts(
    function: Callable[..., Any], limit: TimeLimit, wanted: Callable[[Layout], bool]
) -> Generator[tuple[Layout, bool], None, bool]:
    """Yield layouts that a forward function accepts, and whether numbers must be probabilities.

    Parameters
    ----------
    function : callable
    limit : TimeLimit
        Of the search.
    wanted : callable
        Whether a layout is of use; the function is not called with the others.

    Yields
    ------
    tuple of Layout and bool

    Returns
    -------
    bool
        Whether the time was over before all layouts were tried.
    """
    for_probabilities = mentions(function, ("log", "clip"))
    for orientation in _orientations(function):
        tried = 0
        names = _arguments(function)
        for _ in range(MOST_KEYS):
            missing = None
            for layout in _by_cost(names, orientation):
                tried += 1
                if limit.is_over:
                    return True
                if tried > MOST_TRIED:
                    break
                if not wanted(layout):
                    continue
                outcome = _accepts(function, layout)
                if isinstance(outcome, str):
                    missing = outcome
                    break
                yield from _tried(layout, positive=outcome, for_probabilities=for_probabilities)
            if missing is None or not _add_key(names, missing):
                break
    return False


def _tried(
    layout: Layout, *, positive: bool | None, for_probabilities: bool
) -> Iterator[tuple[Layout, bool]]:
    """Yield a layout that is accepted, and once more for numbers that may be probabilities."""
    if positive is not None:
        yield layout, positive
    if positive is False and for_probabilities:
        yield layout, True


def _orientations(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the orientations in the order in which they are tried."""
    names = [*_arguments(function), getattr(function, "__name__", "")]
    if any(re.search("stride|pad|pool|conv|spatial|image|2d", name.lower()) for name in names):
        return PICTURES, ROWS, COLUMNS
    return ROWS, COLUMNS, PICTURES


def _arguments(function: Callable[..., Any]) -> list[str]:
    """Return the arguments to choose, with the keys of dictionaries as "argument.key"."""
    keys = dictionary_keys(function)
    names: list[str] = []
    for name, parameter in parameters(function).items():
        if parameter.default is not inspect.Parameter.empty:
            continue
        names.append(name)
        if name in keys or is_dictionary(name):
            names[-1] = f"{name}."
            names += [f"{name}.{key}" for key in keys.get(name, [])]
    return names


def _add_key(names: list[str], key: str) -> bool:
    """Add a key that a dictionary must have; return whether that is possible."""
    dictionaries = [n for n in names if n.endswith(".")]
    if not dictionaries or f"{dictionaries[-1]}{key}" in names:
        return False
    names.append(f"{dictionaries[-1]}{key}")
    return True


def _by_cost(names: list[str], orientation: str) -> Iterator[Layout]:
    """Yield combinations of candidates, the likeliest first; similar names get the same shape."""
    group_of = {name: _group(name) for name in names}
    groups = list(dict.fromkeys(group_of.values()))
    choices = [_choices(group, orientation) for group in groups]
    queue = [(0, (0,) * len(groups))]
    seen = {queue[0][1]}
    while queue:
        cost, ranks = heapq.heappop(queue)
        picked = dict(zip(groups, (c[r] for c, r in zip(choices, ranks, strict=True)), strict=True))
        yield Layout({n: picked[group] for n, group in group_of.items()}, orientation=orientation)
        for place in range(len(groups)):
            after = (*ranks[:place], ranks[place] + 1, *ranks[place + 1 :])
            if after[place] < len(choices[place]) and after not in seen:
                seen.add(after)
                heapq.heappush(queue, (cost + 1, after))


def _group(name: str) -> str:
    """Return the name that stands for all arguments of the same shape, such as Wf for Wi."""
    argument, dot, key = name.rpartition(".")
    key = key if dot else name
    gate = len(key) == 2 and key[0] in "WbU" and key[1] in SIMILAR
    if key.lower() in ("k", "v", "q"):
        return f"{argument}{dot}{'q' if key.islower() else 'Q'}"
    if key.lower() in ("gamma", "beta"):
        return f"{argument}{dot}gamma"
    return f"{argument}{dot}{key[0]}f" if gate else name


def _choices(name: str, orientation: str) -> list[Candidate]:
    if name.endswith("."):
        return [Candidate("", "dictionary")]
    return candidates(name.rpartition(".")[2], orientation)


def _accepts(function: Callable[..., Any], layout: Layout) -> bool | str | None:
    """Return whether a function needs probabilities, the key it misses, or None if it fails."""
    for positive in (False, True):
        try:
            outcome = call(function, layout.arguments(1, positive=positive))
        except CallFailedError as failed:
            if isinstance(failed.error, KeyError) and isinstance(failed.error.args[0], str):
                return str(failed.error.args[0])
            return None
        if all_finite(outcome):
            return positive
    return None


def all_finite(value: Any) -> bool:
    """Return whether all numbers in a nested value are finite."""
    arrays = [leaf.array for leaf in leaves(value, "") if leaf.array is not None]
    return bool(arrays) and all(np.isfinite(array).all() for array in arrays)
