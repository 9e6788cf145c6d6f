"""Create a learner's object with a question's parameters in it, and call its methods."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.submission.answers import select_sample
from chainrule.submission.arrays.containers import as_numeric_array
from chainrule.submission.arrays.formats import (
    ArrayFormat,
    format_samples,
    format_targets,
    to_array_type,
)
from chainrule.submission.attempts import parameters
from chainrule.submission.calls import CallError, call_guarded
from chainrule.submission.objects.call_plans import CallPlan
from chainrule.submission.objects.call_sequences import CallSequence
from chainrule.submission.objects.factory import ObjectFactory
from chainrule.submission.objects.graph import ObjectPath, walk
from chainrule.submission.objects.parameter_locations import ParameterLocations
from chainrule.submission.questions import Array, Question
from chainrule.submission.snapshots import seed_generator
from chainrule.submission.values import is_count


@dataclass(eq=False)
class PreparedObject:
    """A learner's object that holds a question's parameters.

    Parameters
    ----------
    thing : object
    locations : ParameterLocations
    seconds : float
        Time limit of a call.
    """

    thing: Any
    locations: ParameterLocations
    seconds: float

    def call(
        self, sequence: CallSequence, data_format: ArrayFormat, question: Question
    ) -> list[Any]:
        """Call the methods of a sequence and return the result of each."""
        results: list[Any] = []
        for name, roles in sequence.calls:
            method = getattr(self.thing, name)
            given = [_argument(role, data_format, question, results) for role in roles]
            counts = [p.name for p in parameters(method)[len(given) :] if is_count(p.default)]
            keywords = dict.fromkeys(counts, 1) if sequence.set_to_one else {}
            results.append(call_guarded(method, given, keywords, seconds=self.seconds))
        return results

    def parameters(self, question: Question) -> dict[str, Array]:
        """Return the current parameters by name."""
        return self.locations.get_values(self.thing, question)

    def array_contents(self) -> dict[ObjectPath, bytes]:
        """Return the contents of all arrays in the object, to find later what has changed."""
        found = ((node.path, as_numeric_array(node.value)) for node in walk(self.thing))
        return {path: array.tobytes() for path, array in found if array is not None}


def _argument(role: str, data_format: ArrayFormat, question: Question, results: list[Any]) -> Any:
    """Return one argument of a method."""
    if role == "x":
        return to_array_type(format_samples(question.x, data_format), data_format.array_type)
    if role == "t":
        return format_targets(question.t, data_format)
    if role == "output":
        return copy.deepcopy(results[0])
    if role == "pairs":
        single = (
            data_format if data_format.takes_one_sample else replace(data_format, samples="one")
        )
        samples = (select_sample(question, i) for i in range(len(question.x)))
        return [tuple(_argument(r, single, one, results) for r in ("x", "t")) for one in samples]
    return question.rate if role == "rate" else 1


def known_locations(
    factory: ObjectFactory, plan: CallPlan, question: Question
) -> list[ParameterLocations]:
    """Return where the objects of a plan may hold the parameters, as found so far."""
    key = (plan.constructor, plan.separate_class_lists, question.widths)
    return factory.known.get(key, [])


def create_object(factory: ObjectFactory, plan: CallPlan, question: Question) -> Any:
    """Return a fresh object of a plan."""
    return factory.create(
        plan.constructor,
        question,
        separate_class_lists=plan.separate_class_lists,
        set_to_one=plan.set_to_one,
    )


def prepare_object(
    factory: ObjectFactory, plan: CallPlan, question: Question, seed: int
) -> PreparedObject:
    """Return a fresh object with the question's parameters in it."""
    factory.snapshot.restore(seed)
    thing = create_object(factory, plan, question)
    found = factory.locations(
        thing, plan.constructor, question, separate_class_lists=plan.separate_class_lists
    )
    locations = _choose_locations(factory, plan, found)
    try:
        locations.set_values(thing, question)
    except ValueError as error:  # an array of data, whose size depends on the number of samples
        note = "the object's arrays have other sizes for other samples"
        raise CallError("no-layout", error, factory.attempt.target, note) from None
    seed_generators_inside(thing, seed)
    return PreparedObject(thing, locations, factory.seconds)


def _choose_locations(
    factory: ObjectFactory, plan: CallPlan, found: list[ParameterLocations]
) -> ParameterLocations:
    """Return the locations that a plan chooses: by format and names, then by its index."""
    same_format = [each for each in found if (each.weights, each.bias) == (plan.weights, plan.bias)]
    if not same_format:
        note = "the object holds no network of this size"
        raise CallError("no-layout", ValueError(), factory.attempt.target, note)
    same_names = [each for each in same_format if each.names == plan.names] or same_format
    chosen = found[plan.choice] if plan.choice < len(found) else same_names[0]
    return chosen if chosen in same_names else same_names[0]


def seed_generators_inside(thing: Any, seed: int) -> None:
    """Seed the random number generators that an object holds."""
    for node in walk(thing):
        if isinstance(node.value, (np.random.Generator, np.random.RandomState)):
            seed_generator(node.value, seed)
