"""Streams that several processes read: each its own row groups, and the bytes of one process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from chainrule import data
from chainrule.data import Preparation, Stream
from chainrule.distributed import DataParallel, SingleProcess
from chainrule.errors import InputError
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.files import Checkpoints
from tests.distributed.threads import ThreadRank, on_threads
from tests.rows import more

ROWS, GROUP = 603, 37
EXAMPLE = {0, 1, 2}  # the row groups of the first 100 rows
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (5,),
    "max_iter": 2,
    "n_iter_no_change": 99,
    "batch_size": 50,
    "random_state": 3,
    "dropout": 0.1,
}
FITS: dict[str, dict[str, Any]] = {
    "plain": {},
    "small batches": {"batch_size": 7, "max_iter": 1},
    "one batch": {"batch_size": ROWS},
    "unshuffled": {"shuffle": False, "max_iter": 1},
    "reference": {"engine": "reference", "max_iter": 1},
    "numbers": {},
}
ALWAYS = (("plain", "parquet"), ("plain", "csv"), ("one batch", "parquet"))
EVERY = [(name, ending) for name in FITS for ending in ("parquet", "csv")]
CASES = [*ALWAYS, *(more(*case) for case in EVERY if case not in ALWAYS)]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@dataclass(frozen=True)
class Watched:
    """Row groups that note which of them are read."""

    groups: Any
    read_groups: set[int] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.groups, name)

    def read(self, group: int, columns: Sequence[str] | None) -> Iterator[Any]:
        self.read_groups.add(group)
        return self.groups.read(group, columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table as Parquet and as CSV."""
    made = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(4)
    x, city = rng.normal(size=ROWS), rng.choice(["Oslo", "Rome"], ROWS)
    label = np.where((x > 0) ^ (city == "Rome"), "yes", "no")
    table = pa.table({"x": x, "city": city, "row": np.arange(ROWS), "y": label, "z": 3 * x + 1})
    pq.write_table(table, made / "table.parquet", row_group_size=GROUP)
    pyarrow.csv.write_csv(table, made / "table.csv")
    return made


def chunks_of(path: Path, target: str = "y") -> Any:
    """Return a stream's chunks, of which a few row groups fit into memory."""
    stream = data.open_stream(path, buffer_rows=160)
    return stream.chunks(Preparation.learn(stream, target, columns=["x", "city"]))


def fit(name: str, chunks: Any, communicator: Any, **changes: Any) -> Any:
    """Return a fitted estimator."""
    cls = MLPRegressor if name == "numbers" else MLPClassifier
    return cls(**{**SETTINGS, **FITS[name], **changes}, communicator=communicator).fit(chunks)


def result(estimator: Any) -> tuple[Any, ...]:
    """Return what a fit has computed."""
    arrays = [array.tobytes() for array in (*estimator.coefs_, *estimator.intercepts_)]
    return arrays, estimator.loss_curve_, estimator.n_iter_, estimator.t_


@pytest.mark.parametrize(("name", "ending"), CASES)
def test_any_number_of_ranks_reads_a_stream_to_the_same_bytes(
    name: str, ending: str, folder: Path, full: bool
):
    def program(rank: Any) -> Any:
        target = "z" if name == "numbers" else "y"
        return result(fit(name, chunks_of(folder / f"table.{ending}", target), rank))

    expected = program(SingleProcess())
    assert expected[-1] == ROWS * expected[-2]
    for size in (2, 3, 4) if full else (3,):
        assert on_threads(size, program) == [expected] * size


def test_each_rank_reads_its_own_row_groups(folder: Path):
    counts = -(-ROWS // GROUP)

    def program(rank: ThreadRank) -> set[int]:
        chunks = chunks_of(folder / "table.parquet")
        watched: Any = Watched(chunks.stream.groups)
        source = Stream(watched, chunks.stream.buffer_rows).chunks(chunks.preparation)
        fit("plain", source, rank, max_iter=1)
        return watched.read_groups - EXAMPLE  # which all read the example

    parts = on_threads(4, program)
    assert set.union(*parts) | EXAMPLE == set(range(counts))
    assert sum(map(len, parts)) <= counts + 3  # a group at each of the borders is read twice


def rows_of(stream: Stream, epoch: int, shards: int, *, shuffle: bool = True) -> list[list[int]]:
    """Return the rows of each shard of an epoch."""
    sizes = np.diff([stream.rows * k // shards for k in range(shards + 1)]).tolist()
    found = []
    for shard in range(shards):
        given = ["row"], 3, epoch, sizes, shard
        buffers = stream.shard(*given, shuffle=shuffle)
        found.append([r for table, order in buffers for r in table.numpy("row")[order].tolist()])
        assert len(found[-1]) == sizes[shard]
    return found


def test_shards_have_every_row_once_in_another_order_in_each_epoch(folder: Path):
    whole = data.open_stream(folder / "table.parquet", buffer_rows=160)
    kept, held = whole.split(0.2, seed=1)
    left = sorted(set(range(ROWS)) - set(held.numpy("row").tolist()))
    for stream, rows in ((whole, list(range(ROWS))), (kept, left)):
        first, second = (list(chain.from_iterable(rows_of(stream, epoch, 16))) for epoch in (0, 1))
        assert sorted(first) == sorted(second) == rows
        assert first != second
        assert list(chain.from_iterable(rows_of(stream, 0, 16, shuffle=False))) == rows


def test_a_fit_continues_from_its_checkpoints_with_another_number_of_ranks(
    folder: Path, tmp_path: Path
):
    path = folder / "table.parquet"
    saves = Checkpoints(str(tmp_path / "fit"), every=1)
    on_threads(2, lambda rank: fit("plain", chunks_of(path), rank, max_iter=1, callbacks=[saves]))
    expected = result(fit("plain", chunks_of(path), SingleProcess()))
    made = on_threads(
        3, lambda rank: result(fit("plain", chunks_of(path), rank, callbacks=[saves]))
    )
    assert made == [expected] * 3


def test_without_exact_sums_streams_agree_in_the_first_epoch_up_to_the_order(folder: Path):
    chunks = chunks_of(folder / "table.parquet")
    one = fit("plain", chunks, SingleProcess(), max_iter=4, dropout=0.0)

    def program(rank: ThreadRank) -> float:
        parallel = DataParallel(rank, exact=False)
        given = chunks_of(folder / "table.parquet")
        return fit("plain", given, parallel, max_iter=4, dropout=0.0).loss_

    first, second = on_threads(2, program)
    assert first == second == pytest.approx(one.loss_, rel=0.05)


def test_ranks_with_different_files_are_refused(folder: Path, tmp_path: Path):
    other = pq.read_table(folder / "table.parquet").slice(0, 500)
    pq.write_table(other, tmp_path / "other.parquet", row_group_size=GROUP)

    def program(rank: ThreadRank) -> str:
        path = tmp_path / "other.parquet" if rank.rank else folder / "table.parquet"
        with pytest.raises(InputError) as caught:
            fit("plain", chunks_of(path), rank)
        return str(caught.value)

    assert "different training data" in on_threads(2, program)[1]


def test_a_file_that_becomes_shorter_is_an_error(folder: Path):
    chunks = chunks_of(folder / "table.parquet")

    class Shorter(Watched):
        def read(self, group: int, columns: Sequence[str] | None) -> Iterator[Any]:
            return (part.slice(0, 20) for part in self.groups.read(group, columns))

    shorter: Any = Shorter(chunks.stream.groups)
    source = Stream(shorter, 160).chunks(chunks.preparation)
    with pytest.raises(InputError, match="fewer rows than when they were opened"):
        fit("plain", source, SingleProcess())
