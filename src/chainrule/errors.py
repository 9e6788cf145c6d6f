"""The errors that chainrule raises, and the texts that several modules share.

A message gives the value, what is wrong with it, and what to do.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from errno import ENOSPC

TYPO = 0.65  # the similarity from which a name is taken for a misspelling of another
MOST_LISTED = 60  # names in a message
REASONS: dict[type[OSError], str] = {
    FileNotFoundError: "the file or its folder does not exist",
    IsADirectoryError: "it is a folder",
    NotADirectoryError: "part of the path is a file, not a folder",
    PermissionError: "permission denied",
}  # by error of the operating system
FULL_DISK = "the disk is full"


class ChainruleError(Exception):
    """The base class of every error that chainrule raises on purpose."""


class InputError(ChainruleError, ValueError):
    """A value cannot be used; the message names it and the remedy."""


class UnknownNameError(ChainruleError, KeyError, ValueError):
    """A name that nothing is called by; the message offers the nearest right one."""

    def __str__(self) -> str:
        return str(self.args[0])


class FileError(ChainruleError, OSError):
    """The operating system could not read or write a file; the message says why, and the remedy.

    Parameters
    ----------
    errno : int or None
        The number of the operating system's error, such as ``errno.ENOSPC``.
    message : str
    """

    def __init__(self, errno: int | None, message: str) -> None:
        super().__init__(errno, message)

    def __str__(self) -> str:
        return str(self.args[-1])


class DamagedFileError(InputError):
    """A file is truncated, or its content contradicts itself."""


class ForeignFileError(DamagedFileError):
    """A file is not one that chainrule has saved, or its beginning is damaged."""


class MissingPackageError(ChainruleError, ImportError):
    """An optional package that is needed now is not installed; the message says how to get it."""


class DivergenceError(ChainruleError, ArithmeticError):
    """Training met a loss or gradient that is not a finite number, and stopped at that batch.

    The message names the epoch, the batch and the first layer at fault; ``run.theta`` keeps the
    last finite parameters.
    """


def unknown(
    what: str,
    name: object,
    choices: Iterable[str],
    aliases: Mapping[str, str] | None = None,
    *,
    suggest: bool = True,
) -> UnknownNameError:
    """Return the error for a name that is not among `choices`.

    Parameters
    ----------
    what : str
        What the name is for, such as ``"activation"``.
    name : object
    choices : iterable of str
    aliases : mapping of str to str, optional
        Other spellings, which `name` may be a misspelling of, and the choice each stands for.
    suggest : bool, default True
        Whether the choice that `name` may be a misspelling of is suggested. Without a suggestion,
        all choices are listed.
    """
    known = sorted(choices)
    meanings = {**(aliases or {}), **{choice: choice for choice in known}}
    near = _nearest(str(getattr(name, "__name__", name)), meanings) if suggest else None
    if near is not None:
        return UnknownNameError(f"unknown {what} {name!r}; did you mean {near!r}?")
    listed = ", ".join(known[:MOST_LISTED]) + (", …" if len(known) > MOST_LISTED else "")
    return UnknownNameError(f"unknown {what} {name!r}; choose one of: {listed}")


def _nearest(name: str, meanings: Mapping[str, str]) -> str | None:
    """Return the one name that another is a misspelling or the beginning of, or None."""
    folded = {spelling.casefold(): meant for spelling, meant in meanings.items()}
    begun = {meant for spelling, meant in folded.items() if spelling.startswith(name.casefold())}
    if name and len(begun) == 1:
        return begun.pop()
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=TYPO)
    return folded[near[0]] if near else None


def system_reason(error: OSError) -> str:
    """Return in plain words why the operating system refused to read or write a file."""
    for kind, reason in REASONS.items():
        if isinstance(error, kind):
            return reason
    return FULL_DISK if error.errno == ENOSPC else (error.strerror or str(error))


def missing(package: str, purpose: str, extra: str) -> MissingPackageError:
    """Return the error for a `package` that an extra brings, with the command that installs it."""
    return MissingPackageError(
        f"{purpose} needs {package}, which is not installed; run: pip install 'chainrule[{extra}]'"
    )
