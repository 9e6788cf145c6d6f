"""The catalogue of mistakes as JSON: what the live page switches on, and names wrong answers by."""

from collections.abc import Mapping
from typing import Any

from chainrule.diagnosis import MISTAKES, Mistake
from chainrule.explorer.trees import trees_of

PLACES = ("layer", "above", "loss", "weights", "biases")
TEXTS = ("id", "stage", "title", "wrong", "right", "why", "repair")


def catalogue() -> list[dict[str, Any]]:
    """Return the mistakes that replace equations.

    Returns
    -------
    list of dict
        The texts of each entry, and its ``forms`` with equations as trees. A form has the fields
        of `Form` that are not empty; texts of its own are among them, under ``words``.
    """
    return [_entry(mistake) for mistake in MISTAKES.values() if mistake.forms]


def _entry(mistake: Mistake) -> dict[str, Any]:
    texts = {name: getattr(mistake, name) for name in TEXTS}
    forms = [_form(vars(form), vars(form.words)) for form in mistake.forms]
    return texts | {"forms": forms}


def _form(fields: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a form that are not empty."""
    equations = {place: trees_of(fields[place]) for place in PLACES}
    own = {name: text for name, text in words.items() if text}
    found: dict[str, Any] = {**fields, **equations, "words": own}
    return {name: value for name, value in found.items() if value}
