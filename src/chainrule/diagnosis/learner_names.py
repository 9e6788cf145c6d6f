"""Say in a report which of the learner's arrays is which: layer 2 may be their W, or their W1."""

import ast
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from chainrule.diagnosis.phrases import enumerated
from chainrule.diagnosis.report import Diagnosis

ARRAY = re.compile(r"\b(d?)([Wb]\d+)(_new)?\b(?!\[)")
LAYERS = re.compile(r"\blayers? (\d+(?:(?:, | and )\d+)*)(?! \()")
COUNTED_FROM_0 = "W0 b0"


def functions_in_source(text: str) -> dict[str, list[str]]:
    """Return the top-level functions of a source, each with the names of its parameters."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {
        node.name: [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def names_in_source(text: str, function: str) -> list[str]:
    """Return the names of a function's parameters, empty if the source does not define it."""
    return functions_in_source(text).get(function, [])


def names_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of a callable's parameters, empty if they are not known."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def with_learner_names(made: Diagnosis, names: Sequence[str]) -> Diagnosis:
    """Return a diagnosis that names the learner's arrays where they have other names than ours.

    Parameters
    ----------
    made : Diagnosis
    names : sequence of str
        The parameters of the function that was called.
    """
    depth = len(made.network.partition(",")[0].split("-")) - 1
    known = _by_role(made.convention.get("arguments", ""), names, depth)
    if not known or made.verdict not in ("wrong", "unknown"):
        return made
    layers = {i: [known[n] for n in (f"W{i}", f"b{i}") if n in known] for i in range(1, depth + 1)}
    named = "; ".join(f"layer {i}: {enumerated(own)}" for i, own in layers.items() if own)
    in_text = partial(_in_text, known=known)
    return replace(
        made,
        sentence=in_text(made.sentence),
        difference=in_text(made.difference),
        tested=tuple(map(in_text, made.tested)),
        convention={**made.convention, "layers": named},
    )


def _by_role(arguments: str, names: Sequence[str], depth: int) -> dict[str, str]:
    """Return the learner's names of weights and biases, if they differ from ours."""
    roles = arguments.strip("()").split(", ")
    if COUNTED_FROM_0 in roles:
        numbers = range(1, depth + 1)
        return {f"{letter}{i}": f"{letter}{i - 1}" for i in numbers for letter in "Wb"}
    if len(roles) > len(names):
        return {}
    pairs = zip(roles, names, strict=False)
    found = {role: name for role, name in pairs if re.fullmatch(r"[Wb]\d+", role)}
    return {} if all(role == name for role, name in found.items()) else found


def _in_text(text: str, known: Mapping[str, str]) -> str:
    """Return a text with the learner's names after ours: dW2 (of V), layer 2 (V)."""

    def array(found: re.Match[str]) -> str:
        own = known.get(found[2])
        whose = {"d": "of ", "": "new " if found[3] else ""}[found[1]]
        return f"{found[0]} ({whose}{own})" if own and own != found[2] else found[0]

    def layers(found: re.Match[str]) -> str:
        own = [known.get(f"W{i}", "") for i in re.findall(r"\d+", found[1])]
        if not all(own):
            return found[0]
        in_parentheses = found.string[found.end() : found.end() + 1] == ")"
        return (
            f"{found[0]}, {enumerated(own)}"
            if in_parentheses
            else f"{found[0]} ({enumerated(own)})"
        )

    return LAYERS.sub(layers, ARRAY.sub(array, text))
