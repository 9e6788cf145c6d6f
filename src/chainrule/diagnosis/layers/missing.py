"""What to write where a function cannot be asked: a few lines with the program's own names."""

import inspect
from collections.abc import Callable, Collection
from typing import Any

from chainrule.diagnosis.layers.calling import parameters, required
from chainrule.diagnosis.layers.candidates import ROWS, SIZES, candidates
from chainrule.diagnosis.layers.report import LayerDiagnosis, could_not_run
from chainrule.diagnosis.layers.source import dictionary_keys

WORDS = (("backward", "forward"), ("backprop", "forward"), ("bwd", "fwd"), ("_grad", ""))


def sibling(backward: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the forward function that belongs to a backward function by its name, or None.

    Parameters
    ----------
    backward : callable

    Returns
    -------
    callable or None
    """
    name = getattr(backward, "__name__", "")
    around: dict[str, Any] = getattr(backward, "__globals__", {})
    for ours, theirs in WORDS:
        for form in (str.lower, str.capitalize):
            other = name.replace(form(ours), form(theirs)) if theirs else name.replace(ours, "")
            if other != name and callable(around.get(other)):
                return around[other]
    return None


def lines_for_file(names: Collection[str], module: str) -> str:
    """Return the lines that check the pairs of functions in a file, empty if it has none.

    Parameters
    ----------
    names : collection of str
        Its functions.
    module : str
        The name under which it can be imported.
    """
    pairs = {
        name: other
        for name in names
        for ours, theirs in WORDS
        if theirs and (other := name.replace(ours, theirs)) in names and other != name
    }
    if not pairs:
        return ""
    imported = ", ".join([*pairs, *pairs.values()])
    lines = ["from chainrule.testing import assert_layer", f"from {module} import {imported}"]
    lines += [f"assert_layer({name}, forward={other})" for name, other in pairs.items()]
    return "\n".join(lines)


def cannot_ask(
    backward: Callable[..., Any], forward: Callable[..., Any] | None, why: str
) -> LayerDiagnosis:
    """Return the diagnosis of a function that cannot be asked, with the lines that are missing.

    Parameters
    ----------
    backward : callable
    forward : callable or None
        None if it is not known.
    why : str

    Returns
    -------
    LayerDiagnosis
    """
    text = f"{why}. Write these lines, and put in your own arrays:\n{_lines(backward, forward)}"
    return could_not_run(backward, text)


def _lines(backward: Callable[..., Any], forward: Callable[..., Any] | None) -> str:
    """Return a program that passes the inputs, in the program's own names."""
    name = getattr(backward, "__name__", "backward")
    other = getattr(forward, "__name__", "") or name.replace("backward", "forward")
    other = other if other != name or forward is backward else "forward"
    module = inspect.getmodule(backward)
    home = getattr(module, "__name__", "__main__")
    names = name if other == name else f"{name}, {other}"
    lines = ["import numpy as np", "from chainrule.testing import assert_layer"]
    lines += [f"from {home} import {names}"] if home != "__main__" else []
    if forward is None:
        return "\n".join([*lines, f"assert_layer({name}, forward={other})"])
    lines += ["", "rng = np.random.default_rng(0)"]
    given = required(forward) or list(parameters(forward))[:3]
    lines += [f"{argument} = {_value(forward, argument)}" for argument in given]
    passed = "" if forward is backward else f"forward={other}, "
    return "\n".join([*lines, f"assert_layer({name}, {passed}inputs=[{', '.join(given)}])"])


def _value(forward: Callable[..., Any], argument: str) -> str:
    """Return the text of an array, number or dictionary for an argument."""
    keys = dictionary_keys(forward)
    if argument in keys:
        return "{" + ", ".join(f'"{key}": {_of_name(key)}' for key in keys[argument]) + "}"
    return _of_name(argument)


def _of_name(name: str) -> str:
    first = candidates(name, ROWS)[0]
    if first.kind == "fixed":
        return repr(first.value)
    shape = tuple(SIZES[letter] for letter in first.text.split())
    return (
        f"rng.integers(3, size={shape})" if first.kind == "labels" else f"rng.normal(size={shape})"
    )
