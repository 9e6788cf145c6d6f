"""Tables of any values survive files: what is written to CSV, Parquet and Arrow is read again."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule import data
from chainrule.data.text_patterns import MISSING
from chainrule.errors import InputError

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63 - 1)
# A word that is no number, date or boolean, and stays itself without its outer spaces.
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Nd"])
WORDS = st.text(st.one_of(LETTERS, st.sampled_from(' ,;"\n\t')), min_size=1).map(
    lambda word: f"w{word}w"
)
ENTRIES = {"number": NUMBERS, "whole": WHOLE, "word": WORDS, "boolean": st.booleans()}
NAMES = WORDS.filter(lambda name: "\n" not in name)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Return at least two columns by name, in which values may be missing, but not all of them."""
    names = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    rows = draw(st.integers(1, 6))
    columns = {}
    for name in names:
        entries = ENTRIES[draw(st.sampled_from(sorted(ENTRIES)))]
        first = draw(st.integers(0, rows - 1))
        values = draw(st.lists(st.one_of(st.none(), entries), min_size=rows, max_size=rows))
        values[first] = draw(entries)
        columns[name] = values
    return columns


def as_text(value: Any) -> str:
    return "" if value is None else str(value) if not isinstance(value, float) else repr(value)


def as_csv(columns: dict[str, list[Any]], delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([map(as_text, row) for row in zip(*columns.values(), strict=True)])
    return text.getvalue()


@given(columns=tables(), delimiter=st.sampled_from(",;\t|"))
def test_csv(columns: dict[str, list[Any]], delimiter: str):
    assume(not any(word in MISSING for values in columns.values() for word in values))
    with TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        path.write_text(as_csv(columns, delimiter), encoding="utf-8", newline="")
        table = data.read(path, delimiter=delimiter, header=True, encoding="utf-8")
        (block,) = data.open_stream(
            path, delimiter=delimiter, header=True, encoding="utf-8"
        ).blocks()
    assert table.data.to_pydict() == columns
    assert block.data.to_pydict() == columns


@given(columns=tables())
def test_parquet_and_arrow(columns: dict[str, list[Any]]):
    written = pa.table(columns)
    with TemporaryDirectory() as folder:
        path = Path(folder, "table")
        pq.write_table(written, path, row_group_size=2)
        assert data.read(path).data.to_pydict() == columns
        assert next(data.open_stream(path).blocks()).data.to_pydict() == columns
        with pa.ipc.new_file(str(path), written.schema) as writer:
            writer.write_table(written, max_chunksize=2)
        assert data.read(path).data.to_pydict() == columns
        assert next(data.open_stream(path).blocks()).data.to_pydict() == columns


@given(columns=tables())
def test_frames(columns: dict[str, list[Any]]):
    table = data.read(pa.table(columns))
    assert data.read(table.data.to_reader()).data.to_pydict() == columns
    assert data.read(columns).data.to_pydict() == table.data.to_pydict()


@given(columns=tables())
def test_a_preparation_transforms_rows_one_by_one_as_together(columns: dict[str, list[Any]]):
    named = {f"c{i}": values for i, values in enumerate(columns.values())}
    table = data.read(pa.table(named))
    try:
        preparation = data.Preparation.learn(
            table,
            impute="most-frequent",
            categories=[n for n, k in table.kinds.items() if k == "text"],
        )
    except InputError:  # the range of the numbers is too large
        assume(condition=False)
        raise
    together = preparation.transform(table)
    for row in range(len(table)):
        assert preparation.transform(table.take([row])).tolist() == [together[row].tolist()]
