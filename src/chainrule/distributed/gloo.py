"""torch.distributed's gloo: the adapter for processes that ``torchrun`` started."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn, TypeAlias

from numpy.typing import NDArray

from chainrule.distributed.waiting import TIMED_OUT, timeout_of
from chainrule.errors import MissingPackageError, missing

Array: TypeAlias = NDArray[Any]

LONGEST = 1e8  # seconds that PyTorch can wait


class Gloo:
    """The processes that ``torchrun`` started, connected by PyTorch's gloo.

    torchrun restarts all processes when one of them fails.

    Parameters
    ----------
    timeout : float, optional
        Seconds that a rank waits for the others before an error; by default those in the
        environment variable CHAINRULE_TIMEOUT, or 600.

    Raises
    ------
    MissingPackageError
        If PyTorch is not installed.
    InputError
        If the timeout is not a positive number.

    Notes
    -----
    If this process has no group yet, one is made of the variables that torchrun sets:
    MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE.
    """

    def __init__(self, timeout: float | None = None) -> None:
        self._torch, self._group = import_torch()
        self.timeout = timeout_of(timeout)
        if not self._group.is_initialized():
            self._group.init_process_group(
                "gloo", timeout=timedelta(seconds=min(self.timeout, LONGEST))
            )
        self._size, self._rank = self._group.get_world_size(), self._group.get_rank()

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
        with self._answered():
            self._group.all_reduce(self._tensor(array))

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Replace an array by that of rank `root`."""
        with self._answered():
            self._group.broadcast(self._tensor(array), root)

    def exchange(self, outgoing: Sequence[Array], incoming: Sequence[Array]) -> None:
        """Send ``outgoing[q]`` to each rank q, and fill ``incoming[q]`` with what q sends here."""
        others = [(self.rank + k) % self.size for k in range(1, self.size)]
        group, tensor = self._group, self._tensor
        incoming[self.rank][...] = outgoing[self.rank]
        with self._answered():
            work = [group.irecv(tensor(incoming[q]), q) for q in others if incoming[q].size]
            work += [group.isend(tensor(outgoing[q]), q) for q in others if outgoing[q].size]
            for one in work:
                one.wait()

    def barrier(self, patience: float = 1.0) -> None:
        """Wait until every rank has called this; gloo waits as long as it always does."""
        with self._answered():
            self._group.barrier()

    def abort(self, code: int = 1) -> NoReturn:
        """End this rank at once; torchrun then ends the others."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """End this rank if another one is gone, or does not answer in time."""
        try:
            yield
        except RuntimeError:  # PyTorch has no other one for it
            sys.stderr.write(
                f"rank {self.rank}: another rank has ended, or has not answered for "
                f"{self.timeout:g} s, so the job ends\n"
            )
            self.abort(TIMED_OUT)

    def _tensor(self, array: Array) -> Any:
        """Return a tensor that shares the array's memory."""
        return self._torch.from_numpy(array)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Gloo":
        return self  # of the process, as in clones of an estimator

    def __reduce__(self) -> tuple[Any, ...]:
        return Gloo, (self.timeout,)

    def __repr__(self) -> str:
        return f"<Gloo: rank {self.rank} of {self.size}>"


def import_torch() -> tuple[Any, Any]:
    """Return PyTorch's module and its module of processes.

    Raises
    ------
    MissingPackageError
        If PyTorch is not installed, or was built without them.
    """
    try:
        import torch
        from torch import distributed
    except ImportError as error:
        raise missing("torch", "Gloo", "torch") from error
    if not distributed.is_available():
        raise MissingPackageError(
            "this PyTorch has no torch.distributed; install another build of it, or use MPI"
        )
    return torch, distributed
