"""Text files: dialect, encoding, header and types are found, and said."""

import bz2
import gzip
import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from chainrule import data
from chainrule.errors import InputError
from tests.data.files import Write, raises

# A file, the names and kinds of its columns, and words of what is said.
FILES: dict[str, tuple[str | bytes, dict[str, str], str]] = {
    "comma": ("a,b\n1,x\n2,y\n", {"a": "number", "b": "category"}, "comma"),
    "semicolon": ("a;b\n1;x\n2;y\n", {"a": "number", "b": "category"}, "semicolon"),
    "tab": ("a\tb\n1\tx\n2\ty\n", {"a": "number", "b": "category"}, "tab"),
    "bar": ("a|b\n1|x\n2|y\n", {"a": "number", "b": "category"}, "vertical bar"),
    "spaces between numbers": ("1.0 2\n3 4\n", {"column1": "number", "column2": "number"}, "space"),
    "words with spaces": ("city\nNew York\nSan Jose\n", {"city": "category"}, "one column"),
    "no header": ("1,x\n2,y\n", {"column1": "number", "column2": "category"}, "no header"),
    "words without header": (
        "p,x\ne,x\ne,b\np,x\n",
        {"column1": "category", "column2": "category"},
        "no header",
    ),
    "crlf": ("a,b\r\n1,x\r\n2,y\r\n", {"a": "number", "b": "category"}, "comma"),
    "quoted newline": ('a,b\n"x\ny",1\n"z, z",2\n', {"a": "category", "b": "number"}, "comma"),
    "blank lines": ("\n\na,b\n1,x\n\n2,y\n", {"a": "number", "b": "category"}, "comma"),
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,2\n", {"a": "number", "b": "number"}, "utf-8-sig"),
    "utf-16": ("a,b\n1,é\n".encode("utf-16"), {"a": "number", "b": "category"}, "utf-16"),
    "windows": (b"a,b\n1,caf\xe9\n", {"a": "number", "b": "category"}, "windows-1252"),
    "outer spaces": ("a, b\n1, x \n2, NA\n", {"a": "number", "b": "category"}, "comma"),
    "last delimiter": ("a,b,\n1,2,\n3,4,\n", {"a": "number", "b": "number"}, "is left out"),
    "decimal comma": ("a;b\n1,5;x\n2,25;y\n", {"a": "number", "b": "category"}, "decimal comma"),
    "both marks": ("a;b\n1.234,5;x\n2;y\n", {"a": "number", "b": "category"}, "decimal comma"),
    "thousands": ('a,b\n"1,234,567",x\n2,y\n', {"a": "number", "b": "category"}, "thousands comma"),
    "apostrophes": ("a;b\n1'234.5;x\n2;y\n", {"a": "number", "b": "category"}, "semicolon"),
    "codes": ("zip,b\n01234,1\n99999,2\n", {"zip": "category", "b": "number"}, "begin with 0"),
    "huge": ("a,b\n123456789012345678901,1\n5,2\n", {"a": "number", "b": "number"}, "rounded"),
    "booleans": ("a,b\nTrue,1\nFALSE,2\n", {"a": "boolean", "b": "number"}, "comma"),
    "dates": ("a,b\n2024-01-05,1\n2024-02-01,2\n", {"a": "date", "b": "number"}, "comma"),
    "times": ("a,b\n2024-01-05 10:30:00,1\n", {"a": "date", "b": "number"}, "comma"),
    "european dates": ("a,b\n05.01.2024,1\n31.12.2024,2\n", {"a": "date", "b": "number"}, "comma"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_found_is_said(name: str, write: Write):
    content, kinds, said = FILES[name]
    table = data.read(write(content))
    assert table.kinds == kinds
    assert said in "\n".join(table.found)
    assert "\n".join(table.found) in table.describe()


@pytest.mark.parametrize("name", FILES)
def test_a_stream_finds_the_same(name: str, write: Write):
    path = write(FILES[name][0])
    table, stream = data.read(path), data.open_stream(path)
    (block,) = stream.blocks()
    assert block.data.equals(table.data)
    assert stream.found[: len(table.found)] == table.found


VALUES: dict[str, tuple[str, str, list[Any]]] = {
    "missing": ("a,b\nNA,1\nnull,2\n?,3\n4,4\n", "a", [None, None, None, 4.0]),
    "decimal comma": ("a;b\n1,5;x\n-2;y\n", "a", [1.5, -2.0]),
    "both marks": ("a;b\n1.234,5;x\n2;y\n", "a", [1234.5, 2.0]),
    "thousands": ('a,b\n"1,234,567",x\n2,y\n', "a", [1234567.0, 2.0]),
    "plus": ("a,b\n+5,x\n2,y\n", "a", [5, 2]),
    "exponents": ("a,b\n1e3,x\n.5,y\n", "a", [1000.0, 0.5]),
    "quotes": ('a,b\n"x ""y""\nz",1\nq,2\n', "a", ['x "y"\nz', "q"]),
    "signs": ("a,b\n+1,x\n-1,y\n", "a", [1, -1]),
    "hexadecimal codes": ("a,b\n0x1F,1\n12,2\n", "a", ["0x1F", "12"]),
    "codes among fractions": ("a,b\n01234,1\n2345.5,2\n", "a", ["01234", "2345.5"]),
    "codes": ("a,b\n007,1\n010,2\n", "a", ["007", "010"]),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str, write: Write):
    content, column, values = VALUES[name]
    assert data.read(write(content)).data.column(column).to_pylist() == values


def test_dates_have_days(write: Write):
    table = data.read(write("a,b\n05.01.2024,1\n31.02.2024,2\n1.2.2024,3\n"))
    days = [None if day is None else (day.month, day.day) for day in table.data["a"].to_pylist()]
    assert days == [(1, 5), None, (2, 1)]  # no calendar has February 31


def test_what_is_given_is_not_looked_for(write: Write):
    path = write("a:b\n1,500:2\n")
    table = data.read(path, delimiter=":", decimal=".", header=False)
    assert table.names == ("column1", "column2")
    assert data.read(path, delimiter=":", decimal=".").numpy("a").tolist() == [1500.0]
    assert data.read(path, delimiter=":", decimal=",").numpy("a").tolist() == [1.5]
    points = data.read(write("x;y\n1.234;2\n12.500;4\n", "points.csv"), decimal=",")
    assert points.numpy("x").tolist() == [1234.0, 12500.0]
    latin = write("a,b\n1,é\n".encode("utf-16-le"), "latin.csv")
    assert data.read(latin, encoding="utf-16-le").numpy("b").tolist() == ["é"]
    gaps = data.read(write("a,b\n-,1\n2,2\n", "gaps.csv"), missing=["-"])
    assert gaps.kinds["a"] == "number"
    assert gaps["a"].missing == 1


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress], ids=["gzip", "bz2"])
def test_compressed_files(compress: Any, write: Write):
    table = data.read(write(compress(b"a,b\n1,x\n2,y\n"), "table.csv.z"))
    assert table.numpy("a").tolist() == [1, 2]
    with raises(InputError, "table.csv.z", "cannot be decompressed"):
        data.read(write(compress(b"a,b\n1,x\n" * 999)[:-20], "table.csv.z"))


def test_standard_input(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a,b\n1,x\n2,y\n")))
    table = data.read("-")
    assert (table.source, table.kinds) == ("standard input", {"a": "number", "b": "category"})


def test_a_column_may_decide_for_another(write: Write):
    table = data.read(write("a;b\n1,500;2,25\n2,250;3\n"))
    assert table.numpy("a").tolist() == [1.5, 2.25]
    points = data.read(write("a;b\n1.234;2,5\n12.500;3\n", "points.csv"))
    assert points.numpy("a").tolist() == [1234.0, 12500.0]
    assert data.read(write("a\n+1\n-1\n", "signs.csv"))["a"].values.type == "int64"


def test_other_rows_have_the_types_of_the_training_rows(write: Write):
    rows = "price;code;kind;y\n1.234,50;1.0;True;no\n12.500;2.0;a;yes\n2,5;1.0;2024-01-01;no\n"
    table = data.read(write(rows))
    preparation = data.Preparation.learn(table, target="y", categories=["code"])
    assert (preparation.decimal, preparation.word_columns) == (",", ("kind", "y"))
    again = data.Preparation.from_dict(preparation.to_dict())
    assert again == preparation
    other = write("price;code;kind;y\n12.500;1.0;True;no\n12.500;1;2024-01-01;no\n", "other.csv")
    new = data.read(other, like=again)
    assert new.numpy("price").tolist() == [12500.0, 12500.0]
    columns = [new[name].values.to_pylist() for name in ("kind", "y")]
    assert columns == [["True", "2024-01-01"], ["no", "no"]]
    found = again.transform(new, unknown_categories="error")
    expected = again.transform(table)
    assert found[:, 0].tolist() == [expected[1, 0]] * 2  # the price
    assert found[:, 1:].tolist() == expected[[0, 2], 1:].tolist()  # code and kind


def test_classes_that_look_like_other_types_are_words(write: Write):
    table = data.read(write("x,y\n1,true\n2,maybe\n3,true\n4,maybe\n"))
    preparation = data.Preparation.learn(table, target="y")
    other = write("x,y\n1,true\n2,true\n", "other.csv")
    assert preparation.targets(data.read(other, like=preparation)).tolist() == ["true", "true"]
    assert data.read(other).kinds["y"] == "boolean"
