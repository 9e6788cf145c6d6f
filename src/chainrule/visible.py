"""Show characters that could manipulate a terminal or the order of a text."""

import re
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

# Control characters, surrogates, and marks that are not seen or change the direction of a text.
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f"
    r"\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return a text with such characters as their numbers, such as [U+001B]."""
    return UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def visible_json(text: str) -> str:
    """Return JSON with such characters as escapes; it has the same content."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def all_visible(content: T) -> T:
    """Return a page, or a part of one, in which every text is visible.

    Parameters
    ----------
    content : object
        Parts without texts are returned as they are, and so is what has nothing to show.
    """
    return _all_visible(content)


def _all_visible(content: Any) -> Any:
    if isinstance(content, str):
        return visible(content)
    if isinstance(content, tuple | list):
        return _sequence(content)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(content, dict):
        return dict(_sequence(tuple(content.items())))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if is_dataclass(content) and not isinstance(content, type):
        return _record(content)
    return content


def _sequence(content: Any) -> Any:
    parts = [_all_visible(part) for part in content]
    if all(map(_is_same, parts, content)):
        return content
    if hasattr(content, "_fields"):  # a named tuple
        return type(content)(*parts)
    return type(content)(parts)


def _record(content: Any) -> Any:
    """Return a dataclass with visible texts; it is the same object if nothing changes."""
    changed = {}
    for name in _names(type(content)):  # pyright: ignore[reportUnknownArgumentType]
        old = getattr(content, name)
        new = _all_visible(old)
        if not _is_same(new, old):
            changed[name] = new
    return replace(content, **changed) if changed else content


@cache
def _names(kind: type[Any]) -> list[str]:
    """Return the fields that a dataclass is made with; a page has thousands of few classes."""
    return [f.name for f in fields(kind) if f.init]


def _is_same(new: Any, old: Any) -> bool:
    return new is old or (isinstance(old, str) and new == old)
