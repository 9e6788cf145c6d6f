"""What every communicator must do. Run as a module, it checks the one that the process belongs to.

``mpiexec -n 3 python -m tests.distributed.conformance mpi``
"""

import sys
from collections.abc import Callable

import numpy as np

from chainrule.distributed import MPI, Communicator, Gloo


def reduces_in_place(one: Communicator) -> None:
    for dtype in (np.float32, np.float64, np.int64):
        array = np.arange(5, dtype=dtype) + one.rank
        one.all_reduce(array)
        expected = one.size * np.arange(5) + sum(range(one.size))
        np.testing.assert_array_equal(array, expected.astype(dtype))


def broadcasts_from_any_rank(one: Communicator) -> None:
    for root in range(one.size):
        array = np.full((2, 3), one.rank, np.float64)
        one.broadcast(array, root)
        np.testing.assert_array_equal(array, np.full((2, 3), root))


def exchanges_arrays_of_different_sizes(one: Communicator) -> None:
    """Rank r sends 100 r + q to rank q, in an array of length (r + q) % 3, which may be empty."""
    ranks = range(one.size)
    outgoing = [np.full((one.rank + q) % 3, 100.0 * one.rank + q) for q in ranks]
    incoming = [np.empty((q + one.rank) % 3) for q in ranks]
    one.exchange(outgoing, incoming)
    for q in ranks:
        expected = np.full((q + one.rank) % 3, 100.0 * q + one.rank)
        np.testing.assert_array_equal(incoming[q], expected)


def keeps_the_order_of_exchanges(one: Communicator) -> None:
    for turn in range(20):
        incoming = [np.empty(1000) for _ in range(one.size)]
        one.exchange([np.full(1000, float(turn))] * one.size, incoming)
        assert all((array == turn).all() for array in incoming)


def exchanges_large_arrays(one: Communicator) -> None:
    array = np.arange(300_000, dtype=np.float64)
    incoming = [np.empty_like(array) for _ in range(one.size)]
    one.exchange([array + one.rank] * one.size, incoming)
    for q in range(one.size):
        np.testing.assert_array_equal(incoming[q], array + q)


def meets_at_barriers(one: Communicator) -> None:
    one.barrier()
    one.barrier(patience=2.0)


CHECKS: tuple[Callable[[Communicator], None], ...] = (
    reduces_in_place,
    broadcasts_from_any_rank,
    exchanges_arrays_of_different_sizes,
    keeps_the_order_of_exchanges,
    exchanges_large_arrays,
    meets_at_barriers,
)


def check(one: Communicator) -> None:
    assert 0 <= one.rank < one.size
    assert isinstance(one, Communicator)
    for function in CHECKS:
        function(one)


if __name__ == "__main__":
    made = {"mpi": MPI, "gloo": Gloo}[sys.argv[1]](timeout=60.0)
    check(made)
    sys.stdout.write(f"rank {made.rank} of {made.size} conforms\n")
