"""Open a submission so that it can be asked questions, in this process or in a subprocess.

`open` is what the rest of the package uses: it hides whether a function is called directly or a
file runs in a sandbox.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from chainrule.errors import InputError
from chainrule.submission.attempts import Attempt, LoadedSubmission, SubmissionError, attempt_of
from chainrule.submission.process.sandbox import Sandbox
from chainrule.submission.questions import Failure, Kind, Layout, Question, Reading
from chainrule.submission.reading import read, widths_of


class Asker(Protocol):
    """A submission that can be asked questions; a context manager."""

    def load(self) -> LoadedSubmission | Failure:
        """Return the submission's name and what it declares, once its code has run."""
        ...

    def read(
        self, question: Question, *, kind: Kind | None = None, layout: Layout | None = None
    ) -> list[Reading] | Failure:
        """Return the submission's answer, in every layout in which it can be interpreted."""
        ...

    def widths_of(self) -> tuple[int, ...] | None:
        """Return the layer widths that the submission fixes, or None if it takes any."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


@dataclass(frozen=True, eq=False)
class InProcess:
    """A function, class or object that is called in this process.

    Parameters
    ----------
    attempt : Attempt
    seconds_call : float
        Time limit of one call.
    """

    attempt: Attempt
    seconds_call: float

    def load(self) -> LoadedSubmission:
        """Return the name of the function or class."""
        return LoadedSubmission(self.attempt.name)

    def read(
        self, question: Question, *, kind: Kind | None = None, layout: Layout | None = None
    ) -> list[Reading] | Failure:
        """Return the submission's answer, in every layout in which it can be interpreted."""
        return read(self.attempt, question, kind=kind, layout=layout, seconds=self.seconds_call)

    def widths_of(self) -> tuple[int, ...] | None:
        """Return the layer widths that the submission fixes, or None if it takes any."""
        return widths_of(self.attempt)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Do nothing: there is no process to end."""


@dataclass(frozen=True, eq=False)
class Sandboxed:
    """A Python file that runs in a subprocess with limits.

    Parameters
    ----------
    sandbox : Sandbox
    """

    sandbox: Sandbox

    def load(self) -> LoadedSubmission | Failure:
        """Run the file and return the name of the attempt in it and what it declares."""
        try:
            return self.sandbox.load()
        except SubmissionError as error:  # not a Python file, or one with a syntax error
            path = self.sandbox.path
            return Failure("exception", str(error).replace(str(path), path.name))

    def read(
        self, question: Question, *, kind: Kind | None = None, layout: Layout | None = None
    ) -> list[Reading] | Failure:
        """Return the submission's answer, in every layout in which it can be interpreted."""
        return self.sandbox.read(question, kind, layout)

    def widths_of(self) -> tuple[int, ...] | None:
        """Return the layer widths that the submission fixes, or None if it takes any."""
        found = self.sandbox.widths_of()
        return None if isinstance(found, Failure) else found

    def __enter__(self) -> Self:
        self.sandbox.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.sandbox.close()


def open(  # noqa: A001 (used as `submission.open`, like `gzip.open`)
    attempt: Any,
    function: str | None = None,
    *,
    seconds_call: float = 10.0,
    seconds: float = 60.0,
) -> Asker:
    """Open a submission, so that it can be asked what it computes.

    Parameters
    ----------
    attempt : callable, class, object, str or Path
        A function, method, class or object is called in this process. The path of a Python file
        is run in a subprocess.
    function : str, optional
        The function, class or ``"Class.method"`` to use in a file; found automatically by default.
    seconds_call : float, default 10
        Time limit of one call.
    seconds : float, default 60
        Time limit of everything that a file does.

    Returns
    -------
    Asker
        A context manager, which ends the subprocess.

    Raises
    ------
    InputError
        If the file does not exist.
    SubmissionError
        If the attempt is not something that can be called.
    """
    if not isinstance(attempt, str | Path):
        return InProcess(attempt_of(attempt), seconds_call)
    path = Path(attempt)
    if not path.exists():
        raise InputError(f"the file {str(path)!r} does not exist; choose another file")
    return Sandboxed(Sandbox(path, function, seconds_call=seconds_call, seconds_all=seconds))
