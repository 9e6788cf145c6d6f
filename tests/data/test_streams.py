"""Streams: the rows of a table, shuffled by (seed, epoch), without all of them in memory."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from chainrule import MLPClassifier, MLPRegressor, data
from chainrule.background import in_background
from chainrule.data import Preparation, Stream, Table
from chainrule.errors import InputError
from tests.data.files import Write, raises

ROWS, GROUP, SEED = 3000, 170, 3
FORMATS = ("parquet", "arrow", "csv")
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (6,),
    "max_iter": 3,
    "n_iter_no_change": 99,
    "batch_size": 32,
    "random_state": SEED,
    "learning_rate_init": 0.02,
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def table() -> Table:
    rng = np.random.default_rng(8)
    x, city = rng.normal(size=ROWS), rng.choice(["Oslo", "Rome", "Bonn"], ROWS)
    y = np.where((x > 0) ^ (city == "Rome"), "yes", "no")
    columns = {"row": np.arange(ROWS), "x": x, "city": city, "member": rng.random(ROWS) > 0.5}
    return data.read({**columns, "y": y, "amount": x * 10 + 3})


@pytest.fixture(scope="module")
def files(table: Table, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("streams")
    paths = {name: folder / f"table.{name}" for name in FORMATS}
    pq.write_table(table.data, paths["parquet"], row_group_size=GROUP)
    pyarrow.csv.write_csv(table.data, paths["csv"])
    with pa.ipc.new_file(str(paths["arrow"]), table.data.schema) as writer:
        writer.write_table(table.data, max_chunksize=GROUP)
    return paths


def same_fit(one: Any, other: Any) -> bool:
    """Return whether two fits have the same bytes."""
    arrays = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return (
        all(a.tobytes() == b.tobytes() for a, b in arrays) and one.loss_curve_ == other.loss_curve_
    )


def learn(source: Table | Stream, target: str = "y", **options: Any) -> Preparation:
    return Preparation.learn(source, target, columns=["x", "city", "member"], **options)


# ---- stream = memory ----


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("target", ["y", "amount"])
def test_a_buffer_for_all_rows_gives_the_bytes_of_memory(
    name: str, target: str, table: Table, files: dict[str, Path]
):
    stream = data.open_stream(files[name])
    preparation = learn(stream, target)
    assert preparation == learn(table, target)
    made = MLPClassifier if target == "y" else MLPRegressor
    X, y = preparation.transform(table), preparation.targets(table)
    in_memory = made(**QUICK).fit(X, y)
    assert same_fit(in_memory, made(**QUICK).fit(stream.chunks(preparation, chunk_rows=333)))
    once = {**QUICK, "max_iter": 1}
    part = made(**once).partial_fit(stream.chunks(preparation))
    assert same_fit(made(**once).fit(X, y), part)


@pytest.mark.parametrize("name", FORMATS)
def test_a_small_buffer_gives_the_bytes_of_memory_in_its_order(
    name: str, table: Table, files: dict[str, Path]
):
    preparation = learn(table)
    chunks = data.open_stream(files[name], buffer_rows=500).chunks(preparation, chunk_rows=77)
    streamed = MLPClassifier(**QUICK).fit(chunks)
    ordered = MLPClassifier(**{**QUICK, "max_iter": 1}, shuffle=False, warm_start=True)
    for epoch in range(3):
        X, y = map(np.concatenate, zip(*chunks.epoch(SEED, epoch, shuffle=True), strict=True))
        ordered.fit(X, y)
    assert same_fit(ordered, streamed)


def test_impute_is_learned_as_in_memory(table: Table, write: Write):
    gaps = np.arange(ROWS) % 7 == 0
    x = np.where(gaps, np.nan, table.numpy("x"))
    some = data.read({"x": x, "y": table.numpy("y")})
    path = write(b"", "gaps.parquet")
    pq.write_table(some.data, path, row_group_size=GROUP)
    for impute in ("median", "mean", "most-frequent"):
        known = Preparation.learn(some, "y", impute=impute)
        assert Preparation.learn(data.open_stream(path), "y", impute=impute) == known


def test_blocks_are_the_same_however_the_file_is_divided(table: Table, files: dict[str, Path]):
    for name in FORMATS:
        blocks = list(data.open_stream(files[name]).blocks(1000))
        assert [len(block) for block in blocks] == [1000, 1000, 1000]
        joined = pa.concat_tables([block.data for block in blocks])
        assert joined.to_pydict() == table.data.to_pydict()


# ---- the order of rows ----


def rows_of(stream: Stream, seed: int, epoch: int, *, shuffle: bool = True) -> list[int]:
    """Return the numbers of the rows of an epoch, in its order."""
    buffers = stream.buffers(["row"], seed, epoch, shuffle=shuffle)
    return [n for table, order in buffers for n in table.numpy("row")[order].tolist()]


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_once_in_an_order_of_its_own(name: str, files: dict[str, Path]):
    stream = data.open_stream(files[name], buffer_rows=700)
    first = rows_of(stream, 0, 0)
    assert sorted(first) == list(range(ROWS))
    assert first == rows_of(stream, 0, 0)
    assert first != rows_of(stream, 0, 1)
    assert first != rows_of(stream, 1, 0)
    assert rows_of(stream, 0, 0, shuffle=False) == list(range(ROWS))


def test_a_buffer_has_rows_from_all_over_the_file(files: dict[str, Path]):
    stream = data.open_stream(files["parquet"], buffer_rows=4 * GROUP)
    (first, _), *_ = stream.buffers(["row"], 0, 0, shuffle=True)
    groups = set((first.numpy("row") // GROUP).tolist())
    assert len(groups) >= 4
    assert max(groups) - min(groups) > 4  # not the first ones


# ---- parts ----


def test_rows_are_held_out_as_from_a_table(table: Table, files: dict[str, Path]):
    rest, held = table.split(0.2, seed=5)
    for name in FORMATS:
        stream, streamed = data.open_stream(files[name], buffer_rows=700).split(0.2, seed=5)
        assert streamed.data.to_pydict() == held.data.to_pydict()
        assert len(stream) == len(rest) == ROWS - len(held)
        assert sorted(rows_of(stream, 0, 0)) == rest.numpy("row").tolist()
        again, more = stream.split(0.5)
        assert len(again) + len(more) == len(stream)
    with raises(InputError, "a share of 0.0001 of 3000 rows is 0"):
        table.split(0.0001)


def test_errors_name_the_row_of_the_file(write: Write):
    rows = "".join(f"{i},{'uv'[i % 2]}\n" for i in range(200))
    path = write(f"x,y\n{rows}")
    stream = data.open_stream(path, buffer_rows=50)
    preparation = Preparation.learn(stream, "y")
    path.write_text(f"x,y\n{rows}".replace("\n120,u", "\n,u"))
    with raises(InputError, "'x'", "row 120 (line 122)"):
        list(data.open_stream(path, buffer_rows=50).chunks(preparation).epoch(0, 0, shuffle=False))


def test_options_of_streams(write: Write, files: dict[str, Path]):
    with raises(InputError, "buffer_rows"):
        data.open_stream(files["csv"], buffer_rows=0)
    with raises(InputError, "delimiter has no effect"):
        data.open_stream(files["parquet"], delimiter=";")
    table = data.open_stream(write("a;b\n1;2\n"), delimiter=";")
    assert next(table.blocks()).names == ("a", "b")
    assert "3000 rows" in repr(data.open_stream(files["csv"]))


# ---- the thread ----


def test_items_come_in_order():
    assert list(in_background(range(50), ahead=3)) == list(range(50))
    assert list(in_background([])) == []


def test_an_error_comes_in_its_place():
    def numbers():
        yield 1
        raise InputError("the second one")

    items = in_background(numbers())
    assert next(items) == 1
    with raises(InputError, "the second one"):
        next(items)


def test_a_loop_that_is_left_ends_its_thread():
    before = threading.active_count()
    endless = in_background(iter(int, 1))
    assert next(endless) == 0
    assert threading.active_count() == before + 1
    endless.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
