"""The catalogue of mistakes as JSON: what the live page switches on, and names wrong answers by."""

from typing import Any

from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.diagnosis.catalogue.model import Form, Mistake
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
    return texts | {"forms": [_form(form) for form in mistake.forms]}


def _form(form: Form) -> dict[str, Any]:
    """Return the fields of a form that are not empty."""
    words = {name: text for name, text in vars(form.words).items() if text}
    equations = {place: trees_of(getattr(form, place)) for place in PLACES}
    found = {**vars(form), **equations, "words": words}
    return {name: value for name, value in found.items() if value}
