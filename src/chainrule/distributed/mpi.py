"""MPI, through mpi4py: the adapter for machines of a cluster, and for processes of one machine."""

import atexit
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn, TypeAlias

from numpy.typing import NDArray

from chainrule.distributed.waiting import TIMED_OUT, timeout_of, wait_for, wait_until_read
from chainrule.errors import MissingPackageError

Array: TypeAlias = NDArray[Any]

FAILED, INTERRUPTED = 1, 130  # exit codes
END_TAG = 32767  # the largest that every MPI has
GRACE = 1.0  # seconds in which all ranks have to exit after an error
UNREAD = 5.0  # seconds that mpiexec has to read the last messages


class MPI:
    """The processes that ``mpiexec`` started.

    An exception that nothing catches ends the whole job, instead of leaving the other ranks
    waiting. So does a rank that does not answer for `timeout` seconds.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm, optional
        Of mpi4py; all processes of the job by default.
    timeout : float, optional
        Seconds that a rank waits for the others before it ends the job; by default those in the
        environment variable CHAINRULE_TIMEOUT, or 600.

    Raises
    ------
    MissingPackageError
        If mpi4py is not installed.
    InputError
        If the timeout is not a positive number.
    """

    def __init__(self, communicator: Any = None, timeout: float | None = None) -> None:
        self._library = import_mpi()
        self._world = communicator is None
        self._comm: Any = self._library.COMM_WORLD if communicator is None else communicator
        self.timeout = timeout_of(timeout)
        self._size, self._rank = self._comm.Get_size(), self._comm.Get_rank()
        if self._size > 1:
            ExitHooks.install(self)

    @property
    def size(self) -> int:
        """The number of ranks."""
        return self._size

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""
        return self._rank

    def all_reduce(self, array: Array) -> None:
        """Replace an array by its sum over all ranks, added in any order."""
        if self.size > 1:
            self._wait([self._comm.Iallreduce(self._library.IN_PLACE, array)])

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Replace an array by that of rank `root`."""
        if self.size > 1:
            self._wait([self._comm.Ibcast(array, root)])

    def exchange(self, outgoing: Sequence[Array], incoming: Sequence[Array]) -> None:
        """Send ``outgoing[q]`` to each rank q, and fill ``incoming[q]`` with what q sends here."""
        others = [(self.rank + k) % self.size for k in range(1, self.size)]
        requests = [self._comm.Irecv(incoming[q], q) for q in others if incoming[q].size]
        requests += [self._comm.Isend(outgoing[q], q) for q in others if outgoing[q].size]
        incoming[self.rank][...] = outgoing[self.rank]
        self._wait(requests)

    def barrier(self, patience: float = 1.0) -> None:
        """Wait until every rank has called this, for `patience` times as long as usual."""
        if self.size > 1:
            self._wait([self._comm.Ibarrier()], patience * self.timeout)

    def meets(self, seconds: float) -> bool:
        """Return whether every rank calls this within some seconds.

        Unlike a barrier, it is not mistaken for another call that the other ranks wait in.
        """
        others, nothing = [q for q in range(self.size) if q != self.rank], bytearray(0)
        requests = [self._comm.Irecv(bytearray(0), q, END_TAG) for q in others]
        requests += [self._comm.Isend(nothing, q, END_TAG) for q in others]
        return wait_for(lambda: self._library.Request.Testall(requests), seconds)

    def abort(self, code: int = 1) -> NoReturn:
        """End all ranks at once, with this exit code."""
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor in (1, 2):
            wait_until_read(descriptor, UNREAD)
        self._comm.Abort(code)
        os._exit(code)  # in case that MPI returns

    def _wait(self, requests: list[Any], timeout: float | None = None) -> None:
        """Wait for requests; end the job if they take too long."""
        seconds = self.timeout if timeout is None else timeout
        if not wait_for(lambda: self._library.Request.Testall(requests), seconds):
            sys.stderr.write(
                f"rank {self.rank}: the other ranks have not answered for {seconds:g} s, so "
                "the job ends; if they are only slow, increase CHAINRULE_TIMEOUT\n"
            )
            self.abort(TIMED_OUT)

    def __deepcopy__(self, memo: dict[int, Any]) -> "MPI":
        return self  # of the process, as in clones of an estimator

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._world:
            raise TypeError("an MPI of some of the ranks cannot be pickled; give it again")
        return MPI, (None, self.timeout)

    def __repr__(self) -> str:
        return f"<MPI: rank {self.rank} of {self.size}>"


class ExitHooks:
    """What ends all ranks when one of them ends by an error, or exits early."""

    communicator: MPI | None = None
    code: object = None  # with which `sys.exit` was called

    @classmethod
    def install(cls, communicator: MPI) -> None:
        """Install the hooks, once in a process."""
        if cls.communicator is None:
            cls.communicator, cls.previous = communicator, staticmethod(sys.excepthook)
            sys.excepthook = cls.abort
            cls.exit, sys.exit = staticmethod(sys.exit), cls.note
            atexit.register(cls.meet)  # it runs before MPI's own, which would wait for ever

    @classmethod
    def abort(
        cls, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Print an error that nothing has caught, and end all ranks."""
        cls.previous(kind, error, trace)
        if cls.communicator is not None:
            cls.communicator.abort(INTERRUPTED if issubclass(kind, KeyboardInterrupt) else FAILED)

    @classmethod
    def note(cls, code: Any = None) -> NoReturn:
        """Note the exit code, and exit: an exit cannot be seen by `sys.excepthook`."""
        cls.code = code
        cls.exit(code)
        raise SystemExit(code)

    @classmethod
    def meet(cls) -> None:
        """Wait for the other ranks to exit, too; end them if they do not.

        After ``sys.exit`` with an error they have little time for it.
        """
        if cls.communicator is None:
            return
        if not cls.code:
            cls.communicator.barrier()
        elif not cls.communicator.meets(GRACE):
            cls.communicator.abort(cls.code if isinstance(cls.code, int) else FAILED)


def import_mpi() -> Any:
    """Return mpi4py's module; the first import starts MPI.

    Raises
    ------
    MissingPackageError
        If mpi4py, or the MPI library that it needs, is not installed.
    """
    try:
        from mpi4py import MPI as library  # noqa: N811 (the name here is that of the adapter)
    except (ImportError, RuntimeError) as error:
        raise MissingPackageError(
            "training in several processes needs mpi4py and an MPI library; install them with: "
            "pip install 'chainrule[mpi]'"
        ) from error
    return library
