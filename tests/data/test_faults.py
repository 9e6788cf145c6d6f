"""Files that cannot be read: the message names the file, the row, its line and column."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from chainrule import data
from chainrule.errors import InputError, UnknownNameError
from tests.data.files import Write, raises

# A file, and parts of the message.
FAULTS: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "empty": ("", ("table.csv is empty",)),
    "blank": ("\n \n\n", ("table.csv is empty",)),
    "header only": ("a,b,c\n", ("has a header, but no rows", "header=False")),
    "short row": ("a,b,c\n1,2,3\n4,5\n", ("row 1 (line 3)", "2 values", "3: '4,5'")),
    "long row": ("a,b\n1,2\n\n4,5,6\n", ("row 1 (line 4)", "3 values", "quotation marks")),
    "after a quoted newline": ('a,b\n"x\ny",1\nq\n', ("row 1 (line 4)", "1 value,", "complete")),
    "open quote": ('a,b\n1,2\n"x,3\n4,5\n', ("row 1 (line 3)", "quotation mark is opened")),
    "same names": ("a,b,a\n1,2,3\n", ("columns 1 and 3 are both called 'a'",)),
    "bad byte": (
        b"name,x\n" + b"abc,1\n" * 60_000 + b"caf\xe9,2\n",
        ("row 60000 (line 60002)", "column 'name'", "0xe9", "encoding='windows-1252'"),
    ),
    "unclear comma": ("a;b\n1,500;x\n", ("column 'a', row 0, is '1,500'", "decimal=','")),
    "nothing but bytes": (bytes(range(256)), ("bytes of value 0",)),
    "json": ('[{"a": 1}]', ("looks like JSON", "pandas.read_json")),
    "pickle": (pickle.dumps([1]), ("is a pickle, which could run any code",)),
    "excel": (b"PK\x03\x04....[Content_Types].xml", ("is an Excel file", "CSV")),
    "database": (b"SQLite format 3\0", ("is a database",)),
    "cut Parquet": (b"PAR1" + b"x" * 50, ("not a complete Parquet file",)),
    "cut Arrow": (b"ARROW1\0\0" + b"x" * 50, ("not a complete Arrow file",)),
    "cut NPZ": (b"PK\x03\x04" + b"x" * 50, ("cannot be read",)),
    "cut IDX": (b"\0\0\x08\x01\0\0\0\x05\1\2", ("says (5,)", "cut off")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str, write: Write):
    content, parts = FAULTS[name]
    path = write(content)
    with raises(InputError, str(path), *parts):
        data.read(path)


@pytest.mark.parametrize("name", ["short row", "bad byte", "open quote", "header only"])
def test_streams_have_the_same_faults(name: str, write: Write):
    content, parts = FAULTS[name]
    stream = data.open_stream(write(content))
    with raises(InputError, *parts):
        next(iter(stream.blocks()))


def test_paths(tmp_path: Path):
    with raises(InputError, "nothing.csv", "does not exist"):
        data.read(tmp_path / "nothing.csv")
    with raises(InputError, "has no files; give a folder with Parquet, Arrow or CSV files"):
        data.read(tmp_path)


def test_misspelled_names():
    with raises(UnknownNameError, "unknown file or data set 'irsi'", "did you mean 'iris'?"):
        data.read("irsi")
    with raises(InputError, "delimiter has no effect on the data set 'iris'"):
        data.read("iris", delimiter=";")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"delimiter": "ab"}, "delimiter='ab'"),
        ({"encoding": "latin-nought"}, "unknown encoding 'latin-nought'"),
        ({"decimal": ";"}, "unknown decimal mark ';'"),
    ],
)
def test_wrong_options(options: dict[str, str], part: str, write: Write):
    with raises(InputError if "decimal" not in options else UnknownNameError, part):
        data.read(write("a,b\n1,2\n"), **options)  # type: ignore[arg-type]


def test_objects_that_are_no_tables(write: Write):
    with raises(InputError, "source has the type int", "a data frame"):
        data.read(5)
    with raises(InputError, "shape (2, 2, 2)"):
        data.read(np.zeros((2, 2, 2)))
    with raises(InputError, "several lengths", "{'a': 2, 'b': 1}"):
        data.read({"a": [1, 2], "b": [1]})
    with raises(InputError, "column 'a', row 1, is 'x'", "of type float"):
        data.read({"a": [1, "x"]})
    path = write("", "objects.npy")
    np.save(path, np.array([1, "a"], dtype=object), allow_pickle=True)
    with raises(InputError, "can run code"):
        data.read(path)


def test_no_column_is_left(write: Write):
    table = data.read(write("a:b\n1:2\n3:4\n"))
    with raises(InputError, "has the columns 'a:b'", "check the delimiter"):
        data.Preparation.learn(table, "a:b")


def test_a_column_that_is_not_there(write: Write):
    table = data.read(write("age,city\n1,x\n2,y\n"))
    with raises(UnknownNameError, "'aeg'", "did you mean 'age'?"):
        data.Preparation.learn(table, "aeg")
