"""The ways to call a function: the order, grouping and shapes of its arguments.

Parameter names decide only which plans are tried first; which one works is found out by calling.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from chainrule.submission.arrays.formats import (
    IN_OUT,
    OUT_IN,
    ArrayFormat,
    format_biases,
    format_samples,
    format_targets,
    format_weights,
    to_array_type,
    to_sequence,
)
from chainrule.submission.attempts import parameters
from chainrule.submission.questions import Layout, Question
from chainrule.submission.values import is_count

NAME_PREFIXES = {  # decide only what is tried first
    "x": ("x", "inp", "ent", "data", "feat", "sample"),
    "t": ("t", "y", "targ", "lab", "soll", "d", "alvo", "out", "exp", "ziel"),
    "weights": ("w", "pes", "gew", "theta", "poids"),
    "biases": ("b", "ses", "schw", "bias", "vi"),
    "rate": ("lr", "eta", "alpha", "rate", "learn", "l_rate", "tasa", "taxa", "lern"),
    "params": ("p", "net", "layers", "model", "theta", "red", "param"),
    "sizes": ("dim", "size", "layer", "shape", "struct", "n"),
}


BIAS_NAME = re.compile(
    r"(b|bias)_?(\d+|hidden|h|output|out|o)", re.IGNORECASE
)  # of one layer, and surely not its weights
SIZE_NAMES = ("n_", "in", "hid", "out", "num", "size", "lab")  # of arguments that are widths


@dataclass(frozen=True)
class ArgumentPlan:
    """How a function is called, as plain values that can be shown and sent to a subprocess.

    Parameters
    ----------
    roles : tuple of str
        The arguments in order: ``weights``, ``biases``, ``W1``, ``b1``, ``params``, ``x``, ``t``,
        ``rate``, ``one``; ``sizes``, all widths, or ``n0``, ``n1``, one of them.
    array_format : ArrayFormat
    container : str
        What ``params`` is: ``"W1 b1"``, ``"W b"``, ``"dicts"``, ``"pairs"`` or ``"vector"``.
    set_to_one : tuple of str
        Parameters with a count as their default, such as epochs, which are set to 1.
    """

    roles: tuple[str, ...]
    array_format: ArrayFormat = field(default_factory=ArrayFormat)
    container: str = ""
    set_to_one: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The arguments, as shown in reports."""
        names = [self.container if r == "params" else r for r in self.roles]
        return f"({', '.join('1' if name == 'one' else name for name in names)})"

    def layout(self, dtype: str) -> Layout:
        """Return the layout that describes this plan."""
        array_format = self.array_format
        words = {"one row": "one at a time", "one column": "one at a time", "one": "one at a time"}
        return Layout(
            form="function",
            arguments=self.words,
            weights=array_format.weights,
            samples=words.get(array_format.samples, array_format.samples),
            bias=array_format.bias,
            lists=array_format.array_type != "arrays",
            dtype=dtype,
            classes=array_format.targets == "classes",
            details=asdict(self),
        )


def plan_from_layout(layout: Layout) -> ArgumentPlan:
    """Return the plan that a layout describes."""
    details = layout.details
    return ArgumentPlan(
        roles=tuple(details["roles"]),
        array_format=ArrayFormat(**details["array_format"]),
        container=details["container"],
        set_to_one=tuple(details["set_to_one"]),
    )


# --- All plans -----------------------------------------------------------------------------------

Grouping: TypeAlias = tuple[tuple[str, ...], str]  # roles, container
GroupingWithBias: TypeAlias = tuple[tuple[str, ...], str, tuple[str, ...]]  # and places of the bias
CONTAINERS = (
    *("W1 b1", "W b", "dicts", "pairs", "w1 b1", "W0 b0", "w b", "weights biases", "0-based pairs"),
    *("weights1 bias1", "vector"),
)


def groupings(count: int, depth: int) -> Iterator[GroupingWithBias]:
    """Yield the roles that `count` arguments may have, for a network with `depth` layers."""
    for parameter_roles, container, biases in _parameter_roles(depth):
        for data in (("x", "t"), ("x",)):
            extra = count - len(parameter_roles) - len(data)
            trains = len(data) == 2
            for more in _extra_roles(extra) if trains else ([()] if extra == 0 else []):
                for roles in _orders(parameter_roles, data, more):
                    yield roles, container, biases
            if container == "vector" and trains:
                for roles in _orders_with_sizes(parameter_roles, data, extra, depth):
                    yield roles, container, biases


def _orders_with_sizes(
    parameter_roles: tuple[str, ...], data: tuple[str, ...], count: int, depth: int
) -> Iterator[tuple[str, ...]]:
    """Yield the orders with the layer widths, which say how a vector of parameters is divided."""
    for sizes in (("sizes",), tuple(f"n{layer}" for layer in range(depth + 1))):
        if len(sizes) == count:
            yield data + parameter_roles + sizes
            yield parameter_roles + sizes + data
            yield parameter_roles + data + sizes


def _parameter_roles(depth: int) -> Iterator[GroupingWithBias]:
    """Yield the ways to pass the network's parameters."""
    ws, bs = [f"W{i + 1}" for i in range(depth)], [f"b{i + 1}" for i in range(depth)]
    inside = ("last", "first", "none")
    yield ("weights", "biases"), "", ("separate",)
    if depth == 1:
        yield ("W1", "b1"), "", ("separate",)
    if depth > 1:
        yield tuple(itertools.chain(*zip(ws, bs, strict=True))), "", ("separate",)
        yield tuple(ws + bs), "", ("separate",)
    for container in CONTAINERS:
        yield ("params",), container, ("separate",)
    yield ("weights",), "", inside
    yield tuple(ws), "", inside
    yield ("params",), "vector", ("first", "last")


def _extra_roles(count: int) -> list[tuple[str, ...]]:
    """Return the roles that `count` further arguments may have."""
    return {0: [()], 1: [("rate",), ("one",)], 2: [("rate", "one"), ("one", "rate")]}.get(count, [])


def _orders(
    parameter_roles: tuple[str, ...], data: tuple[str, ...], more: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the orders that these groups of arguments may have."""
    yield parameter_roles + data + more
    yield data + parameter_roles + more
    if parameter_roles == ("params",):
        return
    if more:
        yield data + more + parameter_roles
        yield parameter_roles + more + data
        yield more + parameter_roles + data
    if len(data) == 2:
        yield (data[0], *parameter_roles, data[1], *more)
        yield parameter_roles + data[::-1] + more


@cache
def array_formats(biases: tuple[str, ...]) -> tuple[ArrayFormat, ...]:
    """Return the formats that arrays may have, the most usual first."""
    found = [
        ArrayFormat(weights, bias, bias_shape, samples, array_type, targets)
        for weights, bias, bias_shape, samples, array_type, targets in itertools.product(
            (OUT_IN, IN_OUT),
            biases,
            ("flat", "row", "column") if biases == ("separate",) else ("flat",),
            ("rows", "columns", "one", "one row", "one column"),
            ("arrays", "lists", "tuples", "numbers"),
            ("rows", "flat", "classes"),
        )
    ]
    return tuple(sorted(filter(_is_plausible, found), key=_rarity))


def _is_plausible(array_format: ArrayFormat) -> bool:
    """Return whether programs use such a format: lists are rarely nested as (1, n) or (n, 1)."""
    if array_format.array_type in {"tuples", "numbers"} and array_format.targets != "rows":
        return False
    if array_format.array_type == "numbers":
        return array_format.samples == "one" and array_format.bias_shape == "flat"
    has_flat_lists = array_format.samples in {"rows", "one"} and array_format.bias_shape == "flat"
    return array_format.array_type == "arrays" or has_flat_lists


RARITY = {  # the higher, the later a format is tried
    IN_OUT: 1,
    "none": 2,
    "first": 0.5,
    "row": 0.4,
    "column": 1.5,
    "columns": 2,
    "one": 10,
    "one row": 30,
    "one column": 20,
    "lists": 3,
    "tuples": 5,
    "numbers": 5,
    "flat t": 6,
    "classes": 8,
}


def _rarity(array_format: ArrayFormat) -> float:
    """Return how unusual a format is; samples in columns usually come with b as a column."""
    targets = "flat t" if array_format.targets == "flat" else array_format.targets
    parts = [array_format.weights, array_format.bias, array_format.samples]
    parts += [array_format.array_type, targets]
    in_columns = array_format.samples in {"columns", "one column"}
    if not (in_columns and array_format.bias_shape == "column"):
        parts.append(array_format.bias_shape)
    return sum(RARITY.get(part, 0) for part in parts)


USUAL = {
    *(("rows", "flat", "arrays"), ("rows", "row", "arrays"), ("columns", "column", "arrays")),
    *(("one", "flat", "arrays"), ("one row", "row", "arrays"), ("one column", "column", "arrays")),
    *(("rows", "flat", "lists"), ("one", "flat", "lists"), ("one", "flat", "tuples")),
    *(("columns", "flat", "arrays"), ("one column", "flat", "arrays")),
    ("one", "flat", "numbers"),
}


def is_usual(array_format: ArrayFormat) -> bool:
    """Return whether a format is one of those that nearly all programs use."""
    key = (array_format.samples, array_format.bias_shape, array_format.array_type)
    return key in USUAL and array_format.targets == "rows"


def plans(
    function: Callable[..., Any], question: Question, *, optional: bool = False
) -> Iterator[ArgumentPlan]:
    """Yield the plans to call `function`, the most promising first.

    With `optional`, the first parameter with a default, which is None, takes the targets.
    """
    found = parameters(function)
    names = [p.name for p in found if p.default is p.empty]
    names += [found[len(names)].name] if optional else []
    counts = tuple(p.name for p in found if is_count(p.default))
    for roles, container, biases in _groupings_for(names, question, bool(found), optional=optional):
        for array_format in array_formats(biases):
            if not _can_express_targets(array_format, question, roles):
                continue
            for set_to_one in [counts, ()] if counts else [()]:
                yield ArgumentPlan(roles, array_format, container, set_to_one)


def _groupings_for(
    names: list[str],
    question: Question,
    has_signature: bool,  # noqa: FBT001 (private)
    *,
    optional: bool,
) -> list[GroupingWithBias]:
    """Return the groupings of arguments for these parameter names, the most promising first."""
    argument_counts = [len(names)] if has_signature else [4, 3, 5]
    found = [g for count in argument_counts for g in groupings(count, len(question.W))]
    found = [g for g in found if not (g[1] == "vector" and len(names) < 2)]
    found = [g for g in found if not optional or g[0][-1] == "t"]
    found = [g for g in found if not _contradicts(g[0], names)]
    return sorted(found, key=lambda group: -matching_names(group[0], names))


def _can_express_targets(
    array_format: ArrayFormat, question: Question, roles: tuple[str, ...]
) -> bool:
    """Return whether a format of targets can express the question's targets."""
    t = question.t
    if array_format.array_type == "numbers":
        return all(width == 1 for width in question.widths)
    if array_format.targets == "rows":
        return True
    if "t" not in roles:
        return False
    if array_format.targets == "flat":
        return t.shape[1] == 1
    rows = np.sort(t, axis=1)
    return t.shape[1] > 1 and bool((rows[:, -1] == 1).all() and (rows[:, :-1] == 0).all())


def _contradicts(roles: tuple[str, ...], names: list[str]) -> bool:
    """Return whether a parameter that is called a layer's bias would get weights."""
    pairs = zip(roles, names, strict=False)
    return any(re.fullmatch(r"W\d+", role) and BIAS_NAME.fullmatch(name) for role, name in pairs)


def matching_names(roles: tuple[str, ...], names: list[str]) -> int:
    """Return how many parameter names match the roles of the arguments they would get."""
    return sum(_matches(role, name) for role, name in zip(roles, names, strict=False))


def names_a_batch(name: str) -> bool:
    """Return whether a parameter's name says that it takes several samples, as X and inputs do."""
    return name[:1].isupper() or name.endswith("s") or "batch" in name or "data" in name


def _matches(role: str, name: str) -> bool:
    """Return whether a parameter name matches a role; for ``W2`` and ``b2`` it needs a digit."""
    folded = name.casefold().lstrip("_")
    if role[0] in "Wb" and role[1:].isdigit():
        stem = NAME_PREFIXES["weights" if role[0] == "W" else "biases"]
        return folded.startswith(stem) and any(c.isdigit() for c in folded)
    if role in {"weights", "biases"} and folded[-1:].isdigit():
        return False
    if role[0] == "n" and role[1:].isdigit():
        return folded.startswith(SIZE_NAMES) or folded.endswith(SIZE_NAMES)
    return folded.startswith(NAME_PREFIXES.get(role, ()))


# --- Arguments -----------------------------------------------------------------------------------


def build_arguments(plan: ArgumentPlan, question: Question) -> dict[str, Any]:
    """Return fresh arguments by role, in the order of the function's parameters."""
    return {role: _argument(role, plan, question) for role in plan.roles}


def _argument(role: str, plan: ArgumentPlan, question: Question) -> Any:
    """Return one argument."""
    array_format = plan.array_format
    if role == "x":
        return to_array_type(format_samples(question.x, array_format), array_format.array_type)
    if role == "t":
        return format_targets(question.t, array_format)
    if role == "sizes":
        return tuple(question.widths)
    if role[0] == "n" and role[1:].isdigit():
        return question.widths[int(role[1:])]
    if role in {"rate", "one"}:
        return question.rate if role == "rate" else 1
    if role == "weights":
        return to_sequence(_weights(question, array_format), array_format)
    if role == "biases":
        return to_sequence(_biases(question, array_format), array_format)
    if role == "params":
        ws, bs = format_layers(question, array_format)
        if array_format.bias != "separate":
            return np.concatenate([np.ravel(W) for W in ws])
        return _fill_container(plan.container, ws, bs)
    is_weight, layer = role[0] == "W", int(role[1:]) - 1
    W, b = question.W[layer], question.b[layer]
    return format_weights(W, b, array_format) if is_weight else format_biases(b, array_format)


def format_layers(question: Question, array_format: ArrayFormat) -> tuple[list[Any], list[Any]]:
    """Return the weights and the biases of all layers in a format."""
    return _weights(question, array_format), _biases(question, array_format)


def _weights(question: Question, array_format: ArrayFormat) -> list[Any]:
    pairs = zip(question.W, question.b, strict=True)
    return [format_weights(W, b, array_format) for W, b in pairs]


def _biases(question: Question, array_format: ArrayFormat) -> list[Any]:
    return [format_biases(b, array_format) for b in question.b]


def _fill_container(container: str, ws: list[Any], bs: list[Any]) -> Any:
    """Return a container of the given kind with all parameters."""
    pairs = list(zip(ws, bs, strict=True))
    numbered = {"W1 b1": ("W", "b", 1), "w1 b1": ("w", "b", 1), "W0 b0": ("W", "b", 0)}
    numbered["weights1 bias1"] = ("weights", "bias", 1)
    if container in numbered:
        w, b, start = numbered[container]
        return {
            f"{k}{i}": v for i, p in enumerate(pairs, start) for k, v in zip((w, b), p, strict=True)
        }
    if container == "dicts":
        return [{"W": W, "b": b} for W, b in pairs]
    if container == "pairs":
        return pairs
    if container == "0-based pairs":
        return dict(enumerate(pairs))
    if container == "vector":
        return np.concatenate([np.ravel(part) for pair in pairs for part in pair])
    w, b = container.split()
    return {w: ws, b: bs}


def keyword_arguments(plan: ArgumentPlan) -> dict[str, Any]:
    """Return the arguments that are passed by name."""
    return dict.fromkeys(plan.set_to_one, 1)
