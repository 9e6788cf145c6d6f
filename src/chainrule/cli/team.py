"""The processes that run one ``chainrule train`` together; usually a single one."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.output import say
from chainrule.cli.usage import UsageError, report
from chainrule.errors import ChainruleError, InputError, system_reason

if TYPE_CHECKING:
    from chainrule.distributed import Communicator

WRONG_USAGE, BAD_DATA, FAULT, INTERRUPTED = 2, 3, 70, 130


@dataclass(frozen=True)
class Team:
    """The processes of a run.

    Parameters
    ----------
    communicator : Communicator or None
        None for a run that is not distributed.
    """

    communicator: "Communicator | None"

    @property
    def rank(self) -> int:
        """The number of this process; 0 writes files and messages."""
        return 0 if self.communicator is None else self.communicator.rank

    def check_source(self, data: Any) -> None:
        """Raise InputError if the data are standard input, which only rank 0 has."""
        if self.communicator is not None and str(data) == "-":
            raise InputError(
                "standard input reaches only one of the processes; give a file that all of them "
                "can read"
            )

    def settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of the estimator that are about processes."""
        if self.communicator is None:
            return {}
        from chainrule.distributed import DataParallel

        names = {name: options[name] for name in ("blocks", "exact") if name in options}
        return {"communicator": DataParallel(self.communicator, **names)}

    def first(self, function: Callable[[], None]) -> None:
        """Call a function on rank 0 before the others go on."""
        if self.rank == 0:
            function()
        if self.communicator is not None:
            self.communicator.barrier()

    @contextmanager
    def leading(self, lead: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
        """Enter a context on rank 0 before the others go on, and leave it after all are done."""
        if self.communicator is None:
            with lead():
                yield
        elif self.rank:
            self.communicator.barrier()
            yield
        else:
            with lead():
                self.communicator.barrier()
                yield


def report_error(error: BaseException) -> int:
    """Print an error that ends the job, and return its exit code."""
    if isinstance(error, KeyboardInterrupt):
        say("Interrupted.")
        return INTERRUPTED
    if isinstance(error, UsageError):
        say(report(error))
        return WRONG_USAGE
    if isinstance(error, ChainruleError):
        say(f"Error: {error}")
        return BAD_DATA
    if isinstance(error, OSError):
        name = f"{Path(error.filename)}: " if error.filename else ""
        say(f"Error: {name}{system_reason(error)}")
        return BAD_DATA
    traceback.print_exception(error)
    say("This is an error in chainrule itself; please report it.")
    return FAULT
