"""Folders of files, and addresses such as ``s3://bucket/folder``: one table of several files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from chainrule.data.arrow import arrow
from chainrule.data.csv_files import TextFile, TextOptions, Types, reject_options
from chainrule.data.locations import Location, file_system, is_address
from chainrule.data.row_groups import GROUPS, RowGroups, TextGroups
from chainrule.data.table import ArrowTable, Origin
from chainrule.errors import InputError

HIDDEN = (".", "_")  # of which the names of files begin that are not read, such as _SUCCESS


def is_folder(source: Any) -> bool:
    """Return whether a source is a folder, or the address of a file or a folder elsewhere.

    Parameters
    ----------
    source : str, Path or anything else

    Returns
    -------
    bool

    Examples
    --------
    >>> from chainrule import data
    >>> data.is_folder("s3://bucket/sales"), data.is_folder("iris")
    (True, False)
    """
    return isinstance(source, str | Path) and (is_address(source) or Path(source).is_dir())


def files_of(source: str | Path) -> list[Location]:
    """Return the files of a folder or an address, by name.

    Raises
    ------
    InputError
        If there are none, or they cannot be listed.
    MissingPackageError
        If fsspec is needed and not installed.
    """
    if is_address(source):
        found = addresses_in(str(source))
    else:
        paths = sorted(path for path in Path(source).rglob("*") if path.is_file())
        inside = [path for path in paths if is_shown(path.relative_to(source).parts)]
        found = [Location.of(path) for path in inside]
    if not found:
        raise InputError(f"{source} has no files; give a folder with Parquet, Arrow or CSV files")
    return found


def addresses_in(address: str) -> list[Location]:
    """Return the file at an address, or the files below it."""
    system, inside = file_system(address)
    try:
        if not system.exists(inside):
            raise InputError(f"{address} does not exist; give the address of a file or a folder")
        names = sorted(system.find(inside)) if system.isdir(inside) else [inside]
    except OSError as error:
        raise InputError(f"{address}: cannot be read: {error}") from None
    below = [name for name in names if is_shown(name[len(inside) :].strip("/").split("/"))]
    scheme = address.partition("://")[0]
    return [Location(f"{scheme}://{name}", None, None, system, name) for name in below]


def is_shown(parts: Sequence[str]) -> bool:
    """Return whether no part of a path has a name of hidden files."""
    return not any(part.startswith(HIDDEN) for part in parts if part)


def open_groups(
    source: str | Path, options: TextOptions, of_text: TextOptions | None = None
) -> RowGroups:
    """Return the row groups of all files of a folder or an address.

    Parameters
    ----------
    source : str or Path
    options : TextOptions
        As the user gave them.
    of_text : TextOptions, optional
        With which text files are read; by default the same.

    Raises
    ------
    InputError
        If their formats or columns differ, or a file cannot be read.
    """
    files = files_of(source)
    kinds = dict.fromkeys(f"{one.format} {one.compression or ''}".strip() for one in files)
    formats = dict.fromkeys(one.format for one in files)
    if len(formats) > 1:
        raise InputError(
            f"{source} has files of different formats: {', '.join(formats)}; give a folder with "
            "files of one format"
        )
    format_ = next(iter(formats))
    if format_ == "text":
        groups = text_groups([TextFile(one, of_text or options) for one in files])
    elif format_ in GROUPS and list(kinds) == [format_]:
        reject_options(options, str(source))
        groups = [GROUPS[format_](one) for one in files]
    else:
        raise InputError(
            f"{source} has files of the format {', '.join(kinds)}; give Parquet, Arrow or CSV files"
        )
    check_columns(groups)
    return groups[0] if len(groups) == 1 else FileGroups(str(source), tuple(groups))


def text_groups(files: Sequence[TextFile]) -> list[Any]:
    """Return text files as row groups, with types found in the rows of all of them."""
    if len(files) == 1:
        return [TextGroups(files[0])]
    counts = [0] * len(files)

    def words(place: int) -> Iterator[ArrowTable]:
        for part in files[place].words():
            counts[place] += part.num_rows
            yield part.rename_columns(files[0].dialect.names)

    check_names([(one.location.name, one.dialect.names) for one in files])
    types = files[0].learn_types(chain.from_iterable(map(words, range(len(files)))))
    pairs = zip(files, counts, strict=True)
    return [KnownTextGroups(one, replace(types, rows=count)) for one, count in pairs]


@dataclass(frozen=True)
class KnownTextGroups(TextGroups):
    """A text file whose types are known from several files.

    Parameters
    ----------
    known : Types
    """

    known: Types

    @cached_property
    def types(self) -> Types:
        """The types of the columns."""
        return self.known


def check_columns(groups: Sequence[Any]) -> None:
    """Raise InputError unless all files have the same columns."""
    if isinstance(groups[0], TextGroups):
        return
    check_names([(one.location.name, tuple(one.schema.names)) for one in groups])


def check_names(files: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Raise InputError unless files have columns of the same names."""
    first, names = files[0]
    for name, others in files[1:]:
        if list(others) != list(names):
            raise InputError(
                f"{name} has the columns {', '.join(others)}, but {first} has {', '.join(names)}; "
                "give files with the same columns in the same order"
            )


@dataclass(frozen=True)
class FileGroups:
    """The row groups of several files.

    Parameters
    ----------
    name : str
        What messages call all of them.
    files : tuple of RowGroups
    """

    name: str
    files: tuple[Any, ...]

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """The file of each group, and its number there."""
        return [(k, i) for k, file in enumerate(self.files) for i in range(len(file.counts))]

    @property
    def counts(self) -> Sequence[int]:
        """The rows of each group."""
        return self._counts

    @cached_property
    def _counts(self) -> list[int]:
        """The rows of each group."""
        return [count for file in self.files for count in file.counts]

    @property
    def found(self) -> tuple[str, ...]:
        """Sentences on what was found."""
        return (f"{len(self.files)} files", *self.files[0].found)

    @property
    def origin(self) -> Origin:
        """Where the rows come from."""
        notes = self.files[0].origin.notes
        return Origin(self.name, notes=notes, name_row=self._place)

    def _place(self, row: int) -> str:
        """Return what messages call a row: its number in its file."""
        for file in self.files:
            count = sum(file.counts)
            if row < count:
                return f"{file.origin.place(row)} of {file.origin.source}"
            row -= count
        return f"row {row}"

    @cached_property
    def schema(self) -> Any:
        """The types of the columns in all files; None for text, whose types are the same."""
        if isinstance(self.files[0], TextGroups):
            return None
        pa, schemas = arrow(), [file.schema.remove_metadata() for file in self.files]
        try:
            return pa.unify_schemas(schemas, promote_options="permissive")
        except pa.ArrowException as error:
            raise InputError(
                f"{self.name}: the files have columns of different types ({error}); write them "
                "again with the same types"
            ) from None

    def read(self, group: int, columns: Sequence[str] | None) -> Iterator[ArrowTable]:
        """Yield the rows of a group in order, in small parts."""
        file, number = self.places[group]
        parts: Iterable[ArrowTable] = self.files[file].read(number, columns)
        for part in parts:
            yield part if self.schema is None else part.cast(self._schema_of(part.column_names))

    def _schema_of(self, names: Sequence[str]) -> Any:
        """Return the types of some columns."""
        return arrow().schema([self.schema.field(name) for name in names])
