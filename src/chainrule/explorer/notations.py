"""What the page needs to write as explain does: notations, derivations, letters, sentences."""

from typing import Any

from chainrule.explanation import DERIVATIONS, NOTATIONS, SIGNS, Notation, summary_texts
from chainrule.explorer.trees import trees_of
from chainrule.pages import LETTERS, SPECIAL


def text_tables() -> dict[str, Any]:
    """Return the tables of texts: ``notations``, ``derivations``, ``tex``, ``summary``.

    Returns
    -------
    dict
        Plain values, ready for JSON, with equations as trees.
    """
    return {
        "notations": {name: notation_entry(notation) for name, notation in NOTATIONS.items()},
        "derivations": {name: trees_of(equations) for name, equations in DERIVATIONS.items()},
        "tex": {"letters": LETTERS, "special": SPECIAL},
        "summary": summary_texts(),
    }


def notation_entry(notation: Notation) -> dict[str, Any]:
    """Return a notation as plain values; ``signs`` are the letters of words in its patterns."""
    fields = {name: value for name, value in vars(notation).items() if name != "name"}
    return fields | {
        "patterns": dict(notation.patterns),
        "negated": list(notation.negated),
        "signs": SIGNS,
    }


def notation_model(notation: Notation) -> str | dict[str, Any]:
    """Return a notation's name, or the notation itself if it is not registered."""
    known = NOTATIONS.get(notation.name) == notation
    return notation.name if known else {"name": notation.name, **notation_entry(notation)}
