"""The conformance suite on every communicator, and the sum of blocks on many sizes."""

import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from chainrule.distributed import DataParallel, SingleProcess, from_rank_zero, gathered
from chainrule.distributed.agreement import same_everywhere
from chainrule.distributed.tree_sum import TreeSum, range_of
from chainrule.errors import InputError
from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.sparse_samples import sparse_rows
from chainrule.training import train
from tests.distributed.conformance import check
from tests.distributed.running import REPOSITORY, environment, mpiexec
from tests.distributed.threads import ThreadRank, on_threads


def test_one_process_conforms():
    check(SingleProcess())


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_threads_of_these_tests_conform(size: int):
    on_threads(size, check)


def test_mpi_conforms():
    done = mpiexec(3, "-m", "tests.distributed.conformance", "mpi")
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [f"rank {k} of 3 conforms" for k in range(3)]


def test_gloo_conforms():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = [sys.executable, "-m", "tests.distributed.conformance", "gloo"]
    started = []
    for rank in range(2):
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        variables = {**environment(), **address, "RANK": str(rank), "WORLD_SIZE": "2"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(given, cwd=REPOSITORY, env=variables, **pipes))
    for rank, process in enumerate(started):
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.splitlines() == [f"rank {rank} of 2 conforms"]


# ---- sums of blocks -----------------------------------------------------------------------------


def vectors(blocks: int, size: int) -> Any:
    """Return the vectors of blocks, whose sum depends on the order of additions."""
    rng = np.random.default_rng(blocks)
    return rng.normal(size=(blocks, size)) * 10.0 ** rng.integers(-8, 8, (blocks, size))


def tree_sum(parts: Any) -> Any:
    """Return the sum in the order of the tree: the largest power of two blocks, and the rest."""
    if len(parts) == 1:
        return parts[0]
    half = 1 << (len(parts) - 1).bit_length() - 1
    return tree_sum(parts[:half]) + tree_sum(parts[half:])


@pytest.mark.parametrize("blocks", [1, 2, 3, 5, 6, 7, 8, 11, 16, 17])
def test_any_number_of_ranks_adds_in_the_order_of_the_tree(blocks: int):
    parts = vectors(blocks, 13)
    expected = tree_sum(list(parts))
    assert (expected != parts.sum(axis=0)).any() or blocks < 5
    for size in range(1, 6):

        def program(one: ThreadRank) -> list[Any]:
            tree = TreeSum(one, blocks, 13, np.dtype(np.float64))
            return [total_of(tree, parts * factor) for factor in (1.0, 2.0)]

        for first, second in on_threads(size, program):
            assert first.tobytes() == expected.tobytes()
            assert second.tobytes() == (2 * expected).tobytes()


def total_of(tree: TreeSum, parts: Any) -> Any:
    """Return a copy of the sum over all ranks, as the next sum overwrites it."""
    for block in range(tree.first, tree.end):
        vector = tree.buffer()
        vector[:] = parts[block]
        tree.add(block, vector)
    return tree.total().copy()


def test_traffic_is_twice_the_vector_if_the_ranks_divide_the_blocks():
    sent = []

    class Counting(ThreadRank):
        def exchange(self, outgoing: Any, incoming: Any) -> None:
            others = [a.size for q, a in enumerate(outgoing) if q != self.rank]
            sent.append(sum(others))
            super().exchange(outgoing, incoming)

    def program(one: ThreadRank) -> None:
        tree = TreeSum(Counting(one.room, one.rank), 16, 4000, np.dtype(np.float64))
        total_of(tree, np.ones((16, 4000)))

    on_threads(4, program)
    assert sent == [3000] * 8  # two exchanges on each of four ranks


@pytest.mark.parametrize(("count", "ranks"), [(0, 2), (5, 2), (16, 3), (3, 5)])
def test_parts_are_equal_up_to_one_and_cover_everything(count: int, ranks: int):
    parts = [range_of(count, rank, ranks) for rank in range(ranks)]
    assert [k for first, end in parts for k in range(first, end)] == list(range(count))
    sizes = [end - first for first, end in parts]
    assert max(sizes) - min(sizes) <= 1


# ---- what must be the same ----------------------------------------------------------------------


def test_different_data_are_an_error_on_every_rank():
    def program(one: ThreadRank) -> str:
        same_everywhere(one, {"X": np.zeros(3), "y": None})
        with pytest.raises(InputError) as caught:
            same_everywhere(one, {"X": np.zeros(3), "y": np.full(2, one.rank == 1)})
        return str(caught.value)

    message = "the ranks have different y; give all of them the same data, settings and start"
    assert on_threads(3, program) == [message] * 3


def test_more_ranks_than_blocks_are_an_error():
    def program(one: ThreadRank) -> None:
        with pytest.raises(InputError, match="blocks=2 is less than the 3 ranks"):
            DataParallel(one, blocks=2)
        assert DataParallel(one, blocks=2, exact=False).blocks == 2

    on_threads(3, program)


def test_a_communicator_must_be_one():
    wrong: Any = "mpi"
    with pytest.raises(InputError, match="communicator"):
        DataParallel(wrong)


def test_sparse_data_with_equal_values_in_other_columns_are_different():
    def program(one: ThreadRank) -> str:
        rows: Any = sparse_rows(csr_array(np.eye(3)[[one.rank, 2]]), "X")
        with pytest.raises(InputError) as caught:
            same_everywhere(one, {"X": rows})
        return str(caught.value)

    assert "different X" in on_threads(2, program)[0]


@pytest.mark.parametrize(
    "changes",
    [{"optimizer": SGD(0.2)}, {"batch_size": 2}, {"epochs": 4}, {"communicator": 8}],
    ids=str,
)
def test_different_settings_are_an_error_on_every_rank(changes: dict[str, Any]):
    def program(one: ThreadRank) -> str:
        given = {"optimizer": SGD(0.1), "epochs": 2, "batch_size": 3, "communicator": one}
        if one.rank:
            given |= changes
        if given["communicator"] == 8:
            given["communicator"] = DataParallel(one, blocks=8)
        run = train(
            mlp(1, 2, 1, activation="tanh", loss="squared-error"),
            np.ones((4, 1)),
            np.ones(4),
            **given,
        )
        with pytest.raises(InputError) as caught:
            run.finish()
        return str(caught.value)

    assert all("different settings" in message for message in on_threads(2, program))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_rank_0_gathers_items_in_the_order_of_ranks(size: int):
    counts = [(2 * rank + 1) % 4 for rank in range(size)]
    items = [[bytes([rank, k]) * rank for k in range(counts[rank])] for rank in range(size)]
    found = on_threads(size, lambda one: gathered(one, items[one.rank], counts))
    assert found[0] == [item for of_rank in items for item in of_rank]
    assert found[1:] == [[]] * (size - 1)


def test_all_ranks_get_the_bytes_that_rank_0_makes():
    def program(one: ThreadRank) -> bytes:
        def make(tick: Callable[[], None]) -> bytes:
            assert one.rank == 0
            tick()
            tick()
            return b"made"

        return from_rank_zero(one, make)

    assert on_threads(3, program) == [b"made"] * 3
    assert from_rank_zero(SingleProcess(), lambda _: b"made") == b"made"
