"""Suggest lines that make a program train, with its own names, without running it."""

import re
from dataclasses import replace

from chainrule.submission.joining.bindings import Variable, calls
from chainrule.submission.joining.signatures import (
    ClassSignature,
    Signature,
    Signatures,
    signatures,
)
from chainrule.submission.joining.wording import TRAINS, Design, roles_of

DESIGN = Design(outputs=1, samples=6)
DATA = "X, Y = np.random.rand(6, 2), np.random.rand(6, 1)"
POOL = (Variable("X", None, "x"), Variable("Y", None, "y"))


def suggested_lines(text: str) -> str:
    """Return lines that a user could complete to make a program train, or an empty text.

    Parameters
    ----------
    text : str
        Valid Python.

    Returns
    -------
    str
        Statements that are separated by ``;``, with the data and objects that they need.
    """
    found = signatures(text)
    functions = [f for f in found.functions if TRAINS.search(f.name)]
    if functions:
        best = max(functions, key=lambda f: len(f.parameters))
        return "; ".join(_lines(best, best.name, found))
    for c in found.outer_classes():
        own = [m for m in c.methods if TRAINS.search(m.name) and not m.name.startswith("_")]
        if own:
            best = max(own, key=lambda m: len(m.parameters))
            return "; ".join(_lines(best, f"net.{best.name}", found, [_object(c)]))
    return ""


def _object(c: ClassSignature) -> str:
    """Return the line that creates an object."""
    return f"net = {c.name}({_arguments(c.created, 'create')[0]})"


def _lines(
    f: Signature, text: str, found: Signatures, before: list[str] | None = None
) -> list[str]:
    """Return the lines for a function: its data, what it needs, and the call."""
    arguments, others = _arguments(f, "train")
    made = [line for name in others for line in _made(name, found)]
    lines = [*(before or []), *made, f"{text}({arguments})"]
    needs_data = any(re.search(r"\b[XY]\b", line.partition("(")[2]) for line in lines)
    return [DATA] * needs_data + lines


def _made(name: str, found: Signatures) -> list[str]:
    """Return the line that makes an argument: an object of a class, or the result of a function."""
    for c in found.outer_classes():
        if re.search(r"net|nn|model|mlp", name, re.IGNORECASE):
            return [_object(c).replace("net", name, 1)]
    for f in found.functions:
        if f.draws and f.results and not any("x" in roles_of(p)[:1] for p in f.parameters):
            return [f"{name} = {f.name}({_arguments(f, 'create')[0]})"]
    return [f"{name} = …"]


def _arguments(f: Signature, stage: str) -> tuple[str, list[str]]:
    """Return the arguments of a function, and those of them that have no usual value."""
    found = next(calls(f, POOL, DESIGN, "create" if stage == "create" else "train"), None)
    if found is not None:
        return found, []
    texts: list[str] = []
    others: list[str] = []
    for name in f.parameters:
        one = next(calls(_only(f, name), POOL, DESIGN, "train"), None)
        texts.append(one or name)
        others += [] if one else [name]
    return ", ".join(texts), others


def _only(f: Signature, name: str) -> Signature:
    """Return the signature with one parameter."""
    return replace(f, parameters=(name,))
