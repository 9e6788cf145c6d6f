"""`read`: a table from a file, standard input, a data frame, or the name of a data set."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from chainrule.data.array_files import read_idx, read_npy, read_npz
from chainrule.data.arrow import arrow
from chainrule.data.csv_files import TextOptions, read_text
from chainrule.data.frames import ACCEPTED, from_object
from chainrule.data.locations import STANDARD_INPUT, Location
from chainrule.data.named import NAMED_SETS
from chainrule.data.preparation import Preparation
from chainrule.data.table import Origin, Table
from chainrule.errors import InputError, unknown


def read(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    missing: Sequence[str] = (),
    like: Preparation | None = None,
) -> Table:
    """Read a table.

    Parameters
    ----------
    source : str, Path, data frame, mapping or array
        A file: CSV or its relatives, Parquet, Arrow, NPY, NPZ or IDX, recognized by its first
        bytes, and decompressed; ``"-"`` for standard input; the name of a data set, such as
        ``"iris"``; a frame of pandas, polars or anything else with the Arrow PyCapsule interface;
        columns by name; an array (n, columns).
    delimiter, encoding : str, optional
        Of a text file; found by default, as are the following two.
    header : bool, optional
        Whether the first row has the names of the columns.
    decimal : {".", ","}, optional
        The decimal mark.
    missing : sequence of str
        Words of a text file that stand for a missing value, besides NA, NaN, null and the like.
    like : Preparation, optional
        Of a model: the columns of a text file have the types that they had in training, whatever
        the values in this file look like.

    Returns
    -------
    Table
        `Table.describe` says what was found.

    Raises
    ------
    InputError
        If it cannot be read; the message names the file, the row, its line and its column, and the
        remedy.
    UnknownNameError
        If there is neither a file nor a data set of this name.
    MissingPackageError
        If pyarrow is not installed, or scikit-learn for its data sets.

    Examples
    --------
    >>> from chainrule import data
    >>> iris = data.read("iris")
    >>> iris.target, len(iris), iris.names[:2]
    ('species', 150, ('sepal_length', 'sepal_width'))
    """
    options = TextOptions(delimiter, encoding, header, decimal, tuple(missing))
    if not isinstance(source, str | Path):
        return read_object(source, options)
    if source in NAMED_SETS and not Path(source).exists():
        reject_options(options, f"the data set {source!r}")
        return NAMED_SETS[str(source)]()
    if is_misspelled_name(source):
        raise unknown("file or data set", str(source), NAMED_SETS)
    return read_location(Location.of(source), options, like)


def read_object(source: Any, options: TextOptions) -> Table:
    """Return the table in an object."""
    found = from_object(source)
    if found is None:
        raise InputError(f"source has the type {type(source).__name__}; give {ACCEPTED}")
    reject_options(options, found.source)
    return found


def is_misspelled_name(source: str | Path) -> bool:
    """Return whether a word that is no file looks like the name of a data set."""
    path = Path(source)
    plain = source != STANDARD_INPUT and path.name == str(source) and not path.suffix
    return plain and not path.exists()


def read_location(
    location: Location, options: TextOptions, like: Preparation | None = None
) -> Table:
    """Return the table in a file or in standard input."""
    if location.format == "text":
        return read_text(location, options if like is None else typed(options, like))
    reject_options(options, location.name)
    return READERS[location.format](location)


def typed(options: TextOptions, like: Preparation) -> TextOptions:
    """Return options with which columns are read as those that a preparation was learned from."""
    decimal = options.decimal or like.decimal or None
    return replace(options, decimal=decimal, words=like.word_columns)


def reject_options(options: TextOptions, what: str) -> None:
    """Raise InputError if options of text files are given for something else."""
    given = {k: v for k, v in vars(options).items() if v not in (None, ())}
    if given:
        raise InputError(
            f"{', '.join(given)} has no effect on {what}, which is not a text file; leave it out"
        )


# ---- formats of Arrow ---------------------------------------------------------------------------


def read_parquet(location: Location) -> Table:
    """Return the table in a Parquet file."""
    with readable(location, "Parquet") as stream:
        file = arrow("pyarrow.parquet").ParquetFile(stream)
        data = file.read()
    groups = f"{file.num_row_groups} row group{'s' * (file.num_row_groups != 1)}"
    return Table.from_arrow(data, Origin(location.name), (f"Parquet, {groups}",))


def read_arrow(location: Location) -> Table:
    """Return the table in an Arrow file (IPC, Feather)."""
    with readable(location, "Arrow") as stream:
        data = arrow("pyarrow.ipc").open_file(stream).read_all()
    return Table.from_arrow(data, Origin(location.name), ("Arrow file",))


def read_arrow_stream(location: Location) -> Table:
    """Return the table in a stream of Arrow."""
    with readable(location, "Arrow") as stream:
        data = arrow("pyarrow.ipc").open_stream(stream).read_all()
    return Table.from_arrow(data, Origin(location.name), ("Arrow stream",))


@contextmanager
def readable(location: Location, what: str) -> Iterator[BinaryIO]:
    """Open a file, and raise InputError if what is read from it is damaged."""
    try:
        with location.binary() as stream:
            yield stream
    except (arrow().ArrowException, OSError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(f"{location.name} is not a complete {what} file: {first}") from None


READERS: dict[str, Callable[[Location], Table]] = {
    "parquet": read_parquet,
    "arrow": read_arrow,
    "arrow-stream": read_arrow_stream,
    "npy": read_npy,
    "npz": read_npz,
    "idx": read_idx,
}
