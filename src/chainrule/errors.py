"""The errors that chainrule raises: each says the value, the fault and the remedy.

This is not a place for checks; a check stands where the value is used, only the words are shared.
"""

from collections.abc import Iterable
from difflib import get_close_matches

MOST_TOLD = 60  # names in a message


class ChainruleError(Exception):
    """The base class of every error that chainrule raises on purpose."""


class InputError(ChainruleError, ValueError):
    """A value that was handed in cannot be used; the message names it and the remedy."""


class UnknownNameError(ChainruleError, KeyError, ValueError):
    """A name that nothing is called by; the message offers the nearest right one."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingPackageError(ChainruleError, ImportError):
    """An optional package that is needed now is not installed; the message says how to get it."""


class DivergenceError(ChainruleError, ArithmeticError):
    """Training met a loss or gradient that is not a finite number, and stopped at that batch.

    The message names the epoch, the batch and the first layer at fault; ``run.theta`` keeps the
    last finite parameters.
    """


def unknown(what: str, name: object, choices: Iterable[str]) -> UnknownNameError:
    """Return the error for a `name` that is not among `choices`, with the nearest right one."""
    known = sorted(choices)
    folded = {choice.casefold(): choice for choice in reversed(known)}
    near = get_close_matches(str(name).casefold(), folded, n=8, cutoff=0.4)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    told = f"known: {', '.join(known)}"
    if len(known) > MOST_TOLD:
        told = f"nearest of {len(known)}: {', '.join(folded[n] for n in near) or 'none'}"
    return UnknownNameError(f"{name!r} is no {what}; {hint}{told}")


def missing(package: str, purpose: str, extra: str) -> MissingPackageError:
    """Return the error for a `package` that an extra brings, with the command that installs it."""
    return MissingPackageError(
        f"{purpose} needs {package}, which is not installed; run: pip install 'chainrule[{extra}]'"
    )
