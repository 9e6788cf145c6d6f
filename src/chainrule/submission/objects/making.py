"""Making objects of a learner's class: what its constructor is given.

Whether what is made can hold the network is seen elsewhere.
"""

import contextlib
import copy
import itertools
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.submission.attempts import Attempt, parameters
from chainrule.submission.calls import Crashed, Ground, guarded
from chainrule.submission.objects.graph import Bound, bounds
from chainrule.submission.objects.parameter_orders import arranged
from chainrule.submission.questions import Question
from chainrule.submission.values import is_array, is_dict, is_list, is_whole


@dataclass(frozen=True, eq=False)
class Maker:
    """A class, and how objects of it are made.

    Parameters
    ----------
    attempt : Attempt
    ground : Ground
    seconds : float
    """

    attempt: Attempt
    ground: Ground
    seconds: float
    known: dict[Any, list[Bound]] = field(default_factory=dict[Any, list[Bound]])

    def bounds(self, thing: Any, way: str, question: Question, *, apart: bool) -> list[Bound]:
        """Return how an object may hold the network: the same for all that are made in one way."""
        key = (way, apart, question.widths)
        if key not in self.known:
            found = bounds(thing, question.widths)
            rest = [bound for bound in arranged(thing, question.widths) if bound not in found]
            self.known[key] = found + rest
        return self.known[key]

    def make(self, way: str, question: Question, *, apart: bool = False, ones: bool = True) -> Any:
        """Return a fresh object; with `apart` its class's lists are each object's own."""
        target = self.attempt.target
        if way == "as it is":
            return copy.deepcopy(self.model())
        given, keywords = constructor_arguments(target, way, question, ones=ones)
        with _unshared(self.ground) if apart else contextlib.nullcontext():
            return guarded(target, given, keywords, seconds=self.seconds)

    def model(self) -> Any:
        """Return an object of the class that the learner's file has made."""
        target = self.attempt.target
        if not isinstance(target, type):
            return target
        made = [v for v in self.attempt.namespace.values() if type(v) is target]
        if not made:
            raise Crashed("exception", ValueError("no object"), target, "the file makes none")
        return made[-1]

    def ways(self) -> list[str]:
        """Return the ways to make an object, the most usual first."""
        if not isinstance(self.attempt.target, type):
            return ["as it is"]
        return list(WAYS)


WAYS = (
    *("widths", "each width", "widths, rate", "each width, rate", "tuple", "input, hidden, output"),
    *("pairs", "each but the output", "each but the output, rate", "nothing", "x, t", "as it is"),
)


def constructor_arguments(
    cls: Any, way: str, question: Question, *, ones: bool
) -> tuple[list[Any], dict[str, int]]:
    """Return the arguments that one way of making an object is."""
    widths, rate = list(question.widths), question.rate
    ways: dict[str, list[Any]] = {
        "widths": [widths],
        "tuple": [tuple(widths)],
        "each width": widths,
        "widths, rate": [widths, rate],
        "each width, rate": [*widths, rate],
        "input, hidden, output": [widths[0], widths[1:-1], widths[-1]],
        "pairs": [list(itertools.pairwise(widths))],
        "each but the output": widths[:-1] if widths[-1] == 1 else [],
        "each but the output, rate": [*widths[:-1], rate] if widths[-1] == 1 else [],
        "x, t": [question.x.copy(), question.t.copy()],
    }
    given = copy.deepcopy(ways.get(way, []))
    if way.startswith("each but") and not given:
        raise Crashed("exception", ValueError(way), cls, "several outputs")
    if any(isinstance(p.default, float) for p in parameters(cls)[: _count(way, question)]):
        raise Crashed("exception", ValueError(way), cls, "a width would be given as a fraction")
    later = parameters(cls)[len(given) :]
    rounds = [p.name for p in later if is_whole(p.default)]
    return given, dict.fromkeys(rounds, 1) if ones and way != "nothing" else {}


def _count(way: str, question: Question) -> int:
    """Return how many parameters of the constructor are given widths."""
    depth = len(question.W)
    each = {"each width": depth + 1, "each width, rate": depth + 1, "input, hidden, output": 3}
    fewer = {"each but the output": depth, "each but the output, rate": depth}
    return {**each, **fewer, "nothing": 0, "x, t": 0}.get(way, 1)


@contextlib.contextmanager
def _unshared(ground: Ground) -> Generator[None]:
    """Give every new object its own copies of the lists that stand on its class."""
    made = {c: vars(c).get("__init__") for c, data in ground.shared.items() if lists_of(data)}
    for cls, initialize in made.items():
        setattr(cls, "__init__", _ownlists_of(initialize, lists_of(ground.shared[cls])))  # noqa: B010
    try:
        yield
    finally:
        for cls, initialize in made.items():
            if initialize is None:
                del cls.__init__
            else:
                setattr(cls, "__init__", initialize)  # noqa: B010


def lists_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lists and dictionaries among a class's data."""
    return {n: v for n, v in data.items() if (is_list(v) or is_dict(v) or is_array(v))}


def _ownlists_of(initialize: Any, lists: Mapping[str, Any]) -> Callable[..., None]:
    """Return an ``__init__`` that gives the object lists of its own first."""

    def begin(self: Any, *given: Any, **named: Any) -> None:
        self.__dict__.update(copy.deepcopy(dict(lists)))
        if initialize is not None:
            initialize(self, *given, **named)

    return begin
