"""Names with subscripts and superscripts in a markup of their own: ``w^{2}_{11}``, ``∂E/∂w_{5}``.

A notation's patterns are written in it, and each format reads it here; it is not TeX.
"""

import re
from dataclasses import dataclass
from functools import cache

SCRIPT = re.compile(r"[_^]\{")
LETTER_AND_NUMBER = re.compile(r"(?<![A-Za-z])([A-Za-zα-ωΑ-Ω])_\{(\d+)\}")
RAISED = {"+": "⁺", "−": "⁻"}


@dataclass(frozen=True)
class Piece:
    """A run of letters with its subscript and superscript.

    Parameters
    ----------
    base : str
    below, above : tuple of Piece
        Its subscript and its superscript.
    """

    base: str
    below: tuple["Piece", ...] = ()
    above: tuple["Piece", ...] = ()


@dataclass(frozen=True)
class Ratio:
    """A derivative: a quantity over the variable it is differentiated by."""

    top: tuple[Piece, ...]
    bottom: tuple[Piece, ...]


Name = tuple[Piece | Ratio, ...]


@cache
def parse_name(name: str) -> Name:
    """Return a name as pieces: ``"∂E/∂w_{5}"`` is a ratio of ∂E and ∂w with the subscript 5."""
    found = re.match(r"(d|∂)(.+)/\1([^/ ]+)(.*)$", name)
    if not found:
        return _pieces(name)
    sign, top, bottom, after = found.groups()
    return (Ratio(_pieces(sign + top), _pieces(sign + bottom)), *_pieces(after))


@cache
def plain_name(name: str) -> str:
    """Return a name as one line of text: ``"w5"``, ``"net_h1"``, ``"w^2_11"``, ``"w5⁺"``."""
    joined = LETTER_AND_NUMBER.sub(r"\1\2", name)
    joined = re.sub(r"\^\{([+−])\}", lambda m: RAISED[m[1]], joined)
    while found := re.search(r"([_^])\{([^{}]*)\}", joined):
        joined = joined[: found.start()] + found[1] + found[2] + joined[found.end() :]
    return joined


def markup_fault(name: str) -> str:
    """Return what is wrong with a name's markup, in words; an empty string if it is valid."""
    depth = 0
    for place, sign in enumerate(name):
        if sign == "{" and name[place - 1 : place] not in ("_", "^"):
            return "has a { without _ or ^ before it"
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return "has a } without a { before it"
    if depth:
        return "has a { that is not closed"
    if re.search("[<>]", name):
        return "has a < or > that is not closed"
    return "" if name else "is empty"


def _pieces(text: str) -> tuple[Piece, ...]:
    """Return runs of letters, each with its scripts."""
    pieces: list[Piece] = []
    while text:
        found = SCRIPT.search(text)
        base, text = (text[: found.start()], text[found.start() :]) if found else (text, "")
        scripts: dict[str, tuple[Piece, ...]] = {}
        while SCRIPT.match(text) and text[0] not in scripts:
            end = _closing(text)
            scripts[text[0]] = _pieces(text[2:end])
            text = text[end + 1 :]
        pieces.append(Piece(base, scripts.get("_", ()), scripts.get("^", ())))
    return tuple(pieces)


def _closing(text: str) -> int:
    """Return the place of the brace that closes the first one."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if sign == "}" and depth == 0:
            return place
    return len(text)
