"""Folders of files and addresses elsewhere, which are one table."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from chainrule import data
from chainrule.data import Preparation, Table
from chainrule.errors import InputError

ROWS, CUTS = 250, (0, 40, 41, 170, 250)
ENDINGS = ("parquet", "csv", "arrow")


def whole() -> Table:
    rng = np.random.default_rng(3)
    return data.read({"x": rng.normal(size=ROWS), "row": np.arange(ROWS), "y": ["a", "b"] * 125})


def write(table: Any, path: Path) -> None:
    """Write a table in the format of its ending."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=30)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=30)


@pytest.fixture(params=ENDINGS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder of four files, one in a folder below, and files that are not read."""
    (tmp_path / "more").mkdir()
    table = whole().data
    for k, (first, end) in enumerate(pairwise(CUTS)):
        below = tmp_path / "more" if k == 3 else tmp_path
        write(table.slice(first, end - first), below / f"{k}.{request.param}")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".hidden").write_text("x")
    return tmp_path


def test_a_folder_is_one_table(folder: Path):
    table, stream = data.read(str(folder)), data.open_stream(folder)
    assert table.data.to_pydict() == whole().data.to_pydict()
    assert next(stream.blocks()).data.to_pydict() == whole().data.to_pydict()
    assert table.found[0] == "4 files"
    assert len(stream.groups.counts) >= 4
    assert Preparation.learn(stream, "y") == Preparation.learn(whole(), "y")


def test_an_address_is_read_like_a_folder(folder: Path):
    system: Any = fsspec.filesystem("memory")
    inside = f"/test-{folder.name}"
    system.put(str(folder), inside, recursive=True)
    for address in (f"memory:/{inside}", f"file://{folder}"):
        assert data.read(address).data.to_pydict() == whole().data.to_pydict()
        stream = data.open_stream(address, buffer_rows=50)
        rows = [
            table.numpy("row")[order]
            for table, order in stream.buffers(["row"], 1, 0, shuffle=True)
        ]
        assert sorted(np.concatenate(rows).tolist()) == list(range(ROWS))


def test_types_are_those_of_all_files(tmp_path: Path):
    (tmp_path / "0.csv").write_text("a,b\n1,2\n")
    (tmp_path / "1.csv").write_text("a,b\n1.5,x\n")
    table = data.read(str(tmp_path))
    assert table.numpy("a").tolist() == [1.0, 1.5]
    assert table.numpy("b").tolist() == ["2", "x"]
    pq.write_table(pa.table({"a": [1]}), tmp_path / "0.csv")
    pq.write_table(pa.table({"a": [0.5]}), tmp_path / "1.csv")
    assert data.read(str(tmp_path)).numpy("a").tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no files; give a folder with"),
        ({"0.csv": "a,b\n1,2\n", "1.csv": "a,c\n1,2\n"}, "has the columns a, c, but"),
        ({"0.csv": "a\n1\n", "1.npy": "\x93NUMPY"}, "has files of different formats: text, npy"),
    ],
)
def test_folders_that_are_no_table(files: dict[str, str], message: str, tmp_path: Path):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.encode("latin1"))
    for reader in (data.read, data.open_stream):
        with pytest.raises(InputError, match=message):
            reader(str(tmp_path))


def test_a_message_names_the_file_of_a_row(tmp_path: Path):
    for name, rows in (("0.csv", "1,2\n3,4\n"), ("1.csv", "5,6\n7,\n")):
        (tmp_path / name).write_text("a,y\n" + rows)
    with pytest.raises(InputError, match=r"row 1 \(line 3\) of .*1\.csv"):
        Preparation.learn(data.read(str(tmp_path)), "y")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nothing://x/y", "nothing://x/y: "),
        ("memory://not-there", "memory://not-there"),
        ("file:///not/there.csv", "file:///not/there.csv"),
    ],
)
def test_addresses_of_nothing(address: str, message: str):
    with pytest.raises(InputError, match=message):
        data.read(address)
