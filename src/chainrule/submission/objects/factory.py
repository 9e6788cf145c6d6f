"""Create objects of a learner's class: which arguments its constructor takes."""

import copy
import itertools
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from chainrule.submission.attempts import Attempt, parameters
from chainrule.submission.calls import CallError, call_guarded
from chainrule.submission.objects.parameter_locations import ParameterLocations
from chainrule.submission.objects.parameter_matching import find_parameters
from chainrule.submission.objects.parameter_orders import find_single_numbers
from chainrule.submission.questions import Question
from chainrule.submission.snapshots import ModuleSnapshot
from chainrule.submission.values import is_array, is_count, is_dict, is_list


@dataclass(frozen=True, eq=False)
class ObjectFactory:
    """Creates objects of a learner's class.

    Parameters
    ----------
    attempt : Attempt
    snapshot : ModuleSnapshot
    seconds : float
        Time limit of a call.
    """

    attempt: Attempt
    snapshot: ModuleSnapshot
    seconds: float
    known: dict[Any, list[ParameterLocations]] = field(
        default_factory=dict[Any, list[ParameterLocations]]
    )

    def locations(
        self, thing: Any, arguments: str, question: Question, *, separate_class_lists: bool
    ) -> list[ParameterLocations]:
        """Return where an object may hold the network's parameters.

        They are computed once for all objects that are created with the same arguments.
        """
        key = (arguments, separate_class_lists, question.widths)
        if key not in self.known:
            found = find_parameters(thing, question.widths)
            single = find_single_numbers(thing, question.widths)
            self.known[key] = found + [each for each in single if each not in found]
        return self.known[key]

    def create(
        self,
        arguments: str,
        question: Question,
        *,
        separate_class_lists: bool = False,
        set_to_one: bool = True,
    ) -> Any:
        """Return a fresh object.

        Parameters
        ----------
        arguments : str
            One of `CONSTRUCTOR_ARGUMENTS`.
        question : Question
        separate_class_lists : bool, default False
            Whether each object gets its own copies of the lists that its class holds.
        set_to_one : bool, default True
            Whether parameters with a count as their default are set to 1.
        """
        target = self.attempt.target
        if arguments == EXISTING_OBJECT:
            return copy.deepcopy(self.existing_object())
        given, keywords = constructor_arguments(target, arguments, question, set_to_one=set_to_one)
        separate = _separate_lists(self.snapshot) if separate_class_lists else nullcontext()
        with separate:
            return call_guarded(target, given, keywords, seconds=self.seconds)

    def existing_object(self) -> Any:
        """Return an object of the class that the learner's file has created."""
        target = self.attempt.target
        if not isinstance(target, type):
            return target
        found = [v for v in self.attempt.namespace.values() if type(v) is target]
        if not found:
            note = f"the file creates no object of the class {target.__name__}"
            raise CallError("exception", ValueError("no object"), target, note)
        return found[-1]

    def argument_choices(self) -> list[str]:
        """Return the arguments to try for the constructor, the most usual first."""
        if not isinstance(self.attempt.target, type):
            return [EXISTING_OBJECT]
        return list(CONSTRUCTOR_ARGUMENTS)


NO_ARGUMENTS, DATA_ARGUMENTS, EXISTING_OBJECT = "no arguments", "x, t", "existing object"
EXCEPT_OUTPUT = "each width except the output"
HIDDEN_FIRST = "hidden, input, output"
CONSTRUCTOR_ARGUMENTS = (
    HIDDEN_FIRST,
    *("widths", "each width", "widths, rate", "each width, rate", "tuple", "input, hidden, output"),
    *("pairs", EXCEPT_OUTPUT, f"{EXCEPT_OUTPUT}, rate", NO_ARGUMENTS, DATA_ARGUMENTS),
    EXISTING_OBJECT,
)


def constructor_arguments(
    cls: Any, arguments: str, question: Question, *, set_to_one: bool
) -> tuple[list[Any], dict[str, int]]:
    """Return the positional and keyword arguments that a description stands for."""
    widths, rate = list(question.widths), question.rate
    choices: dict[str, list[Any]] = {
        "widths": [widths],
        "tuple": [tuple(widths)],
        "each width": widths,
        "widths, rate": [widths, rate],
        "each width, rate": [*widths, rate],
        "input, hidden, output": [widths[0], widths[1:-1], widths[-1]],
        HIDDEN_FIRST: [widths[1:-1], widths[0], widths[-1]],
        "pairs": [list(itertools.pairwise(widths))],
        EXCEPT_OUTPUT: widths[:-1] if widths[-1] == 1 else [],
        f"{EXCEPT_OUTPUT}, rate": [*widths[:-1], rate] if widths[-1] == 1 else [],
        DATA_ARGUMENTS: [question.x.copy(), question.t.copy()],
    }
    given = copy.deepcopy(choices.get(arguments, []))
    _check_widths(cls, arguments, given, question)
    later = parameters(cls)[len(given) :]
    counts = [p.name for p in later if is_count(p.default)]
    use_counts = set_to_one and arguments != NO_ARGUMENTS
    return given, dict.fromkeys(counts, 1) if use_counts else {}


def _check_widths(cls: Any, arguments: str, given: list[Any], question: Question) -> None:
    """Raise an error if a width would be passed where the constructor expects something else."""
    if arguments.startswith(EXCEPT_OUTPUT) and not given:
        note = "the network has several outputs, and the constructor takes no number of outputs"
        raise CallError("exception", ValueError(arguments), cls, note)
    if arguments == HIDDEN_FIRST and not _takes_hidden_first(cls):
        note = "the constructor does not take the hidden layers first"
        raise CallError("exception", ValueError(arguments), cls, note)
    first = parameters(cls)[: _width_count(arguments, question)]
    if any(isinstance(p.default, float) for p in first):
        note = "a width would be passed for a parameter whose default is a fraction"
        raise CallError("exception", ValueError(arguments), cls, note)


def _takes_hidden_first(cls: Any) -> bool:
    """Return whether a constructor takes hidden layers, then two widths that have defaults."""
    names = parameters(cls)[:3]
    return (
        len(names) == 3
        and "hid" in names[0].name.casefold()
        and all(is_count(p.default) for p in names[1:])
    )


def _width_count(arguments: str, question: Question) -> int:
    """Return how many parameters of the constructor take widths."""
    depth = len(question.W)
    each = {
        "each width": depth + 1,
        "each width, rate": depth + 1,
        "input, hidden, output": 3,
        HIDDEN_FIRST: 3,
    }
    fewer = {EXCEPT_OUTPUT: depth, f"{EXCEPT_OUTPUT}, rate": depth}
    return {**each, **fewer, NO_ARGUMENTS: 0, DATA_ARGUMENTS: 0}.get(arguments, 1)


@contextmanager
def _separate_lists(snapshot: ModuleSnapshot) -> Generator[None]:
    """Give every new object its own copies of the lists that its class holds."""
    lists = {c: lists_of(data) for c, data in snapshot.class_data.items() if lists_of(data)}
    originals = {cls: vars(cls).get("__init__") for cls in lists}
    for cls, initialize in originals.items():
        setattr(cls, "__init__", _with_own_lists(initialize, lists[cls]))  # noqa: B010
    try:
        yield
    finally:
        for cls, initialize in originals.items():
            if initialize is None:
                del cls.__init__
            else:
                setattr(cls, "__init__", initialize)  # noqa: B010


def lists_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lists, dictionaries and arrays among a class's data."""
    return {n: v for n, v in data.items() if (is_list(v) or is_dict(v) or is_array(v))}


def _with_own_lists(initialize: Any, lists: Mapping[str, Any]) -> Callable[..., None]:
    """Return an ``__init__`` that first gives the object its own copies of lists."""

    def begin(self: Any, *given: Any, **named: Any) -> None:
        self.__dict__.update(copy.deepcopy(dict(lists)))
        if initialize is not None:
            initialize(self, *given, **named)

    return begin
