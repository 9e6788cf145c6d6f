"""Parquet, Arrow, arrays, IDX, frames and data sets with a name give the same tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule import data
from chainrule.errors import InputError
from tests.data.files import Write, raises
from tests.rows import few_rows

COLUMNS: dict[str, list[Any]] = {
    "x": [1.5, None, -2.0],
    "n": [1, 2, 3],
    "c": ["u", None, "v"],
    "b": [True, False, True],
}
KINDS = {"x": "number", "n": "number", "c": "category", "b": "boolean"}


def arrow_stream(table: pa.Table, path: Path) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def arrow_file(table: pa.Table, path: Path) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def parquet(table: pa.Table, path: Path) -> Path:
    pq.write_table(table, path)
    return path


SOURCES: dict[str, Any] = {
    "mapping": lambda t, _: t.to_pydict(),
    "pandas": lambda t, _: t.to_pandas().set_index(pd.Index([7, 8, 9])),
    "polars": lambda t, _: pl.from_arrow(t),
    "arrow": lambda t, _: t,
    "capsule": lambda t, _: Capsule(t),
    "table": lambda t, _: data.Table.from_arrow(t),
    "parquet": lambda t, folder: parquet(t, folder / "t"),
    "arrow file": lambda t, folder: arrow_file(t, folder / "t"),
    "arrow stream": lambda t, folder: arrow_stream(t, folder / "t"),
}


class Capsule:
    """Anything with the Arrow PyCapsule interface, and nothing else."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gives_the_same_table(name: str, tmp_path: Path):
    table = data.read(SOURCES[name](pa.table(COLUMNS), tmp_path))
    assert table.kinds == KINDS
    assert table.data.to_pydict() == COLUMNS
    assert [column.missing for column in table.columns] == [1, 0, 1, 0]


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_can_be_a_stream(name: str, tmp_path: Path):
    stream = data.open_stream(SOURCES[name](pa.table(COLUMNS), tmp_path))
    (block,) = stream.blocks()
    assert block.data.to_pydict() == COLUMNS
    assert len(stream) == 3


TYPES: dict[str, tuple[Any, str, list[Any]]] = {
    "dictionary": (pa.array(["u", "v", "u"]).dictionary_encode(), "category", ["u", "v", "u"]),
    "view": (pa.array(["u", None], pa.string_view()), "category", ["u", None]),
    "large": (pa.array(["u", None], pa.large_string()), "category", ["u", None]),
    "decimal": (pa.array([1, None], pa.decimal128(5, 2)), "number", [1.0, None]),
    "unsigned": (pa.array([1, 2**64 - 1], pa.uint64()), "number", [1.0, 2.0**64]),
    "half": (pa.array(np.array([1, 2], np.float16)), "number", [1.0, 2.0]),
    "small": (pa.array([1, None], pa.int8()), "number", [1, None]),
    "nan": (pa.array([1.0, float("nan")]), "number", [1.0, None]),
    "nothing": (pa.nulls(2), "text", [None, None]),
}


@pytest.mark.parametrize("name", TYPES)
def test_types(name: str):
    values, kind, expected = TYPES[name]
    table = data.read(pa.table({"a": values}))
    assert table.kinds == {"a": kind}
    assert table.data["a"].to_pylist() == expected


def test_categories_of_frames():
    frame = pd.DataFrame(
        {"a": pd.Categorical(["u", None, "v"]), "i": pd.array([1, None, 2], "Int64")}
    )
    assert data.read(frame).kinds == {"a": "category", "i": "number"}
    words = pl.DataFrame({"a": ["u", "v", None]}, schema={"a": pl.Categorical})
    assert data.read(words).numpy("a").tolist() == ["u", "v", None]


def test_types_that_are_refused():
    with raises(InputError, "column 'a' has the type list"):
        data.read(pa.table({"a": [[1], [2]]}))
    with raises(InputError, "columns 1 and 2 are both called 'q'"):
        data.read(pd.DataFrame([[1, 2]], columns=["q", "q"]))


# ---- arrays ----


def test_arrays(tmp_path: Path):
    X, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([1, 0, 1])
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "xy.npz", X=X, y=y)
    np.savez(tmp_path / "named.npz", age=y, city=np.array(["a", "b", "c"]))
    assert data.read(tmp_path / "x.npy").names == ("x1", "x2")
    assert data.read(X).data.equals(data.read(tmp_path / "x.npy").data)
    both = data.read(tmp_path / "xy.npz")
    assert (both.names, both.target) == (("x1", "x2", "y"), "y")
    assert data.read(tmp_path / "named.npz").kinds == {"age": "number", "city": "category"}


def test_arrays_that_do_not_fit(tmp_path: Path):
    np.savez(tmp_path / "a.npz", X=np.ones((3, 2)), y=np.ones(2))
    with raises(InputError, "inputs for 3 rows, but targets of shape (2,)"):
        data.read(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", p=np.ones((3, 2)), q=np.ones(2))
    with raises(InputError, "shapes {'p': (3, 2), 'q': (2,)}"):
        data.read(tmp_path / "b.npz")
    np.save(tmp_path / "c.npy", np.ones((2, 1)) * 1j)
    with raises(InputError, "'x1' has dtype complex128"):
        data.read(tmp_path / "c.npy")


def idx(values: np.ndarray, code: int = 8) -> bytes:
    sizes = b"".join(n.to_bytes(4, "big") for n in values.shape)
    return bytes([0, 0, code, values.ndim]) + sizes + values.tobytes()


def test_idx_with_its_labels(write: Write):
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    path = write(idx(pixels), "train-images-idx3-ubyte")
    alone = data.read(path)
    write(idx(np.array([5, 6], np.uint8)), "train-labels-idx1-ubyte")
    table = data.read(path)
    assert alone.names == ("x1", "x2", "x3", "x4")
    assert (table.target, table.numpy("y").tolist()) == ("y", [5, 6])
    assert "train-labels-idx1-ubyte" in table.found[1]
    signed = data.read(write(idx(np.array([-1, 2], ">i2"), 0x0B), "shorts"))
    assert signed.numpy("x1").tolist() == [-1, 2]


# ---- data sets with a name ----

SIZES = {
    "iris": (150, 5),
    "wine": (178, 14),
    "digits": (1797, 65),
    "breast-cancer": (569, 31),
    "diabetes": (442, 11),
    "spiral": (240, 3),
    "moons": (200, 3),
    "circles": (200, 3),
    "regression": (80, 2),
    "xor": (4, 3),
}


@pytest.mark.parametrize("name", few_rows(data.NAMED_SETS, "iris", "spiral", "xor"))
def test_data_sets_with_a_name(name: str):
    table = data.read(name)
    assert (len(table), len(table.names)) == SIZES[name]
    assert table.target == table.names[-1]
    preparation = data.Preparation.learn(table, table.target)
    X = preparation.transform(table)
    assert X.shape == (len(table), len(preparation.features))
    assert np.isfinite(X).all()
    regression = name in ("diabetes", "regression")
    assert (preparation.known_target.task == "regression") == regression
