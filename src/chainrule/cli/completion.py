"""What the shell completes: names, columns of the table that is named, and files.

Where nothing is offered, the shell completes files itself, which it does best: with folders, a home
folder and quotes.
"""

import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import typer

MODEL_ENDING = ".safetensors"
DATA_SETS = (
    *("iris", "wine", "digits", "breast-cancer", "diabetes"),
    *("spiral", "moons", "circles", "regression", "xor"),
)


class EscapedWord(str):
    """A word as bash must insert it, which begins like the word that was typed.

    typer drops completions that do not begin with what was typed, without the backslashes.
    """

    __slots__ = ()

    def startswith(self, prefix: str, *_: object) -> bool:  # type: ignore[override]
        """Return whether the word without its backslashes begins so."""
        return shlex.split(self)[0].startswith(prefix) if self else not prefix


def completion(choices: Sequence[str]) -> Callable[[str], list[str]]:
    """Return the function that offers names to the shell, also the last of some between commas."""
    return lambda incomplete: last_of_list(choices, incomplete)


def last_of_list(names: Iterable[str], incomplete: str) -> list[str]:
    """Return the names between commas that were typed, with each name that the last one may be."""
    *before, last = incomplete.split(",")
    return [",".join([*before, name]) for name in names if name.startswith(last)]


def complete_columns(context: typer.Context, incomplete: str) -> list[str]:
    """Return the columns of the table that the command line names."""
    return [in_shell(name) for name in last_of_list(columns(context), incomplete)]


def columns(context: typer.Context) -> list[str]:
    """Return the columns of the table that the command line names; none if it cannot be read."""
    # An option without its value ends the parser early, which leaves the arguments here.
    source = context.params.get("data") or next(iter(context.args), "-")
    if source == "-":
        return []
    from chainrule.data import read
    from chainrule.errors import ChainruleError

    try:
        return list(read(str(source)).names)
    except (ChainruleError, OSError):
        return []


def complete_data(incomplete: str) -> list[str]:
    """Return data sets and files; only the shell's own files if no data set begins so."""
    names = [name for name in DATA_SETS if name.startswith(incomplete)]
    return names + files(incomplete) if names else []


def complete_models(incomplete: str) -> list[str]:
    """Return the folders and models that begin so; only the shell's own if no model does."""
    found = [name for name in files(incomplete) if name.endswith(("/", MODEL_ENDING))]
    return found if any(name.endswith(MODEL_ENDING) for name in found) else []


def names_or_models(names: Sequence[str]) -> Callable[[str], list[str]]:
    """Return the function that offers names, and files of models."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)] + complete_models(incomplete)

    return complete


def files(incomplete: str) -> list[str]:
    """Return the files whose names begin like the word, folders with a slash."""
    folder = Path(os.path.dirname(incomplete) or ".")  # noqa: PTH120 (pathlib drops ./)
    start = incomplete[: len(incomplete) - len(os.path.basename(incomplete))]  # noqa: PTH119
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    hidden = os.path.basename(incomplete).startswith(".")  # noqa: PTH119
    names = [
        f"{start}{one.name}{'/' if one.is_dir() else ''}"
        for one in found
        if hidden or not one.name.startswith(".")
    ]
    return [in_shell(name) for name in names if name.startswith(incomplete)]


def in_shell(name: str) -> str:
    """Return a name as the shell needs it: bash inserts it as it is, unless in quotes."""
    if "complete_bash" not in os.environ.get("_CHAINRULE_COMPLETE", "") or is_in_quotes():
        return name
    special = set(" \t\"'`$&|;<>()[]{}*?!#~\\")
    return EscapedWord("".join(f"\\{c}" if c in special else c for c in name))


def is_in_quotes() -> bool:
    """Return whether the word that is completed in bash begins with a quotation mark."""
    words = os.environ.get("COMP_WORDS", "").split("\n")
    position = int(os.environ.get("COMP_CWORD", "0"))
    return position < len(words) and words[position][:1] in ("'", '"')
