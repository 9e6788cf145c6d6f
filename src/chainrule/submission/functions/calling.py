"""Call a submitted function once, and find the network's parameters in its result or arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.submission.answers import select_sample
from chainrule.submission.arrays.activations import find_activations
from chainrule.submission.arrays.containers import as_numeric_array
from chainrule.submission.arrays.formats import ArrayFormat
from chainrule.submission.arrays.parameters import ParameterArrays, find_parameter_arrays
from chainrule.submission.calls import CallError, call_guarded
from chainrule.submission.functions.argument_plans import (
    ArgumentPlan,
    build_arguments,
    format_layers,
    keyword_arguments,
)
from chainrule.submission.questions import Array, Kind, Question
from chainrule.submission.snapshots import ModuleSnapshot
from chainrule.submission.values import is_array, is_dict, is_sequence

NOT_PARAMETERS = {"x", "t", "rate", "one", "sizes"}


@dataclass(frozen=True, eq=False)
class FunctionAnswer:
    """The arrays of one call, before it is known whether they are gradients or new parameters.

    Parameters
    ----------
    returned : ParameterArrays or None
        Arrays shaped like the parameters in the result.
    outputs : dict of str to array
        The result of a forward pass.
    modified : ParameterArrays or None
        The parameters that were passed, if the call modified them.
    changed : tuple of str
        The arguments that the call modified, as named in reports.
    """

    returned: ParameterArrays | None
    outputs: dict[str, Array]
    modified: ParameterArrays | None
    changed: tuple[str, ...]

    @property
    def main(self) -> ParameterArrays | None:
        """The returned or modified arrays, whichever have more of the expected shapes."""
        if self.returned is None:
            return self.modified
        if self.modified is None or self.returned.matching[0] >= self.modified.matching[0]:
            return self.returned
        return self.modified

    @property
    def returns_modified(self) -> bool:
        """Whether the returned arrays are the modified arguments."""
        if self.returned is None or self.modified is None:
            return False
        one, other = self.returned.arrays, self.modified.arrays
        return all(np.array_equal(one[n], other[n], equal_nan=True) for n in one if n in other)

    def by_name(self, kind: Kind) -> dict[str, Array]:
        """Return the arrays of an answer of this kind by name, such as ``"dW1"``."""
        if kind == "forward":
            return self.outputs
        source = self._source(kind)
        if source is None:
            return {}
        pattern = "{}_new" if kind == "step" else "d{}"
        arrays = {pattern.format(name): array for name, array in source.arrays.items()}
        loss = source.loss if source is self.returned else None
        return arrays if loss is None else {**arrays, "loss": np.asarray(loss)}

    def _source(self, kind: Kind) -> ParameterArrays | None:
        """Return the arrays that are new parameters or gradients."""
        if kind != "step":
            return self.modified if self.returned is None else self.returned
        if self.returned is not None and self.modified is not None:
            return self.returned if self.returns_modified else self.modified
        return self.main


@dataclass(frozen=True, eq=False)
class FunctionCaller:
    """A function, the state of its module, and the time limit of a call.

    Parameters
    ----------
    function : callable
    snapshot : ModuleSnapshot
    seconds : float
    """

    function: Callable[..., Any]
    snapshot: ModuleSnapshot
    seconds: float

    @property
    def name(self) -> str:
        """The function's name for messages."""
        return getattr(self.function, "__name__", "the function")

    def call(self, plan: ArgumentPlan, question: Question) -> FunctionAnswer:
        """Call the function once with this plan's arguments."""
        given = build_arguments(plan, question)
        result = call_guarded(
            self.function, list(given.values()), keyword_arguments(plan), seconds=self.seconds
        )
        before = build_arguments(
            plan, question
        )  # again, because most calls fail before they need it
        changed = tuple(r for r in given if not _same(given[r], before[r]))
        modified = None
        if any(role not in {"x", "t"} for role in changed):
            rest = [value for role, value in given.items() if role not in NOT_PARAMETERS]
            modified = find_parameter_arrays(rest, question, plan.array_format)
        if plan.container == "vector":
            result = _split_vector(result, question, plan.array_format)
        trains, array_format = "t" in plan.roles, plan.array_format
        outputs = {} if trains else find_activations(result, question, array_format)
        returned = find_parameter_arrays(result, question, array_format) if trains else None
        return FunctionAnswer(returned, outputs, modified, _names_of_roles(changed))

    def call_fresh(self, plan: ArgumentPlan, question: Question) -> FunctionAnswer:
        """Call the function from a restored module, with one sample if the plan takes only one."""
        self.snapshot.restore(0)
        return self.call(plan, for_one_call(question, plan))

    def returned_arrays(self, plan: ArgumentPlan, question: Question) -> ParameterArrays | None:
        """Return the parameter-shaped arrays in the result of a fresh call, None if it fails."""
        try:
            return self.call_fresh(plan, question).returned
        except CallError:
            return None


def for_one_call(question: Question, plan: ArgumentPlan) -> Question:
    """Return the question for one call: only the first sample if the plan takes one at a time."""
    return select_sample(question, 0) if plan.array_format.takes_one_sample else question


def _same(after: Any, before: Any) -> bool:
    """Return whether an argument has the same numbers after a call as before it."""
    if isinstance(after, float) and isinstance(before, float):
        return after == before
    if is_array(after) and is_array(before):
        return after.shape == before.shape and after.tobytes() == before.tobytes()
    if is_array(after) or is_array(before):
        return False
    if is_dict(after) and is_dict(before):
        return after.keys() == before.keys() and all(_same(after[k], before[k]) for k in after)
    if is_sequence(after) and is_sequence(before):
        return len(after) == len(before) and all(map(_same, after, before))
    return bool(after == before)


def _names_of_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of arguments for reports, each once."""
    names = {"W": "weights", "b": "biases", "p": "weights"}
    return tuple(dict.fromkeys(names.get(role[0], role) for role in roles))


def _split_vector(result: Any, question: Question, array_format: ArrayFormat) -> Any:
    """Return a vector of all parameters as W1 b1 W2 b2 …, and any other result unchanged."""
    pieces = list(result) if is_sequence(result) else []
    for i, piece in enumerate(pieces):  # such as the loss and the gradient
        divided = _split_vector(piece, question, array_format)
        if divided is not piece:
            return [*pieces[:i], *pieces[i + 1 :], divided]
    vector = as_numeric_array(result)
    layers = format_layers(question, array_format)
    parts = [part for pair in zip(*layers, strict=True) for part in pair]
    parts = parts if array_format.bias == "separate" else layers[0]
    sizes = [np.size(part) for part in parts]
    if vector is None or vector.size != sum(sizes):
        return result
    cuts = np.split(vector.ravel(), np.cumsum(sizes)[:-1])
    return [cut.reshape(np.shape(part)) for cut, part in zip(cuts, parts, strict=True)]
