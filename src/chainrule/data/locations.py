"""Where a table is read from: a path or standard input, compressed or not, and its format."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from chainrule.data.arrow import arrow
from chainrule.errors import InputError, MissingPackageError, missing, system_reason

Stream: TypeAlias = Any  # pyarrow.NativeFile
FileSystem: TypeAlias = Any  # fsspec.AbstractFileSystem

STANDARD_INPUT = "-"
HEAD = 512  # bytes by which a format is recognized

COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
FORMATS = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow-stream",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
}
IDX_TYPES = (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E)
REFUSED = {
    b"FEA1": "a Feather file of version 1; write it again with a newer pyarrow",
    b"SQLite format 3": "a database; export the table as CSV or Parquet",
    b"\x89HDF": "an HDF5 file; save the arrays with numpy.savez, or the table as Parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save the sheet as CSV",
    b"%PDF": "a PDF; save the table as CSV",
    b"\x80\x04": "a pickle, which could run any code; save the table as CSV or Parquet",
    b"\x80\x05": "a pickle, which could run any code; save the table as CSV or Parquet",
}
EXCEL = b"[Content_Types].xml"


@dataclass(frozen=True)
class Location:
    """A file here or elsewhere, or what standard input held.

    Parameters
    ----------
    name : str
        What messages call it.
    path : Path, optional
        None for standard input.
    content : bytes, optional
        What standard input held.
    system : fsspec.AbstractFileSystem, optional
        Where the file is, if it is not a file of this machine.
    inside : str
        Its path there.
    """

    name: str
    path: Path | None = None
    content: bytes | None = None
    system: FileSystem = None
    inside: str = ""

    @classmethod
    def of(cls, source: str | Path) -> "Location":
        """Return the location of a path, or of ``"-"``.

        Raises
        ------
        InputError
            If there is no such file, or it cannot be read.
        """
        if source == STANDARD_INPUT:
            return cls("standard input", None, sys.stdin.buffer.read())
        path = Path(source)
        try:
            with path.open("rb"):
                return cls(str(source), path)
        except OSError as error:
            raise InputError(f"{source}: cannot be read: {system_reason(error)}") from None

    def open_raw(self) -> Stream:
        """Return the bytes as they are, as a file of pyarrow."""
        if self.system is not None:
            return arrow().PythonFile(self.system.open(self.inside, "rb"), mode="r")
        if self.path is None:
            return arrow().BufferReader(self.content)
        return arrow().OSFile(str(self.path))

    def open_mapped(self) -> Stream:
        """Return the bytes as a file whose parts are read when they are needed."""
        return self.open_raw() if self.path is None else arrow().memory_map(str(self.path))

    def open(self) -> Stream:
        """Return the bytes, decompressed, as a file of pyarrow."""
        compression = self.compression  # found first: some systems have one position for a file
        raw = self.open_raw()
        return raw if compression is None else arrow().CompressedInputStream(raw, compression)

    def binary(self) -> BinaryIO:
        """Return the decompressed bytes as a file that can seek."""
        if self.compression is None and self.path is not None:
            return self.path.open("rb")
        return io.BytesIO(self.read(None))

    def read(self, size: int | None) -> bytes:
        """Return the first bytes, decompressed, or all of them.

        Raises
        ------
        InputError
            If they are compressed, and damaged.
        """
        try:
            with self.open() as stream:
                return bytes(stream.read(size))
        except OSError as error:
            raise InputError(f"{self.name}: cannot be decompressed: {error}") from None

    @cached_property
    def compression(self) -> str | None:
        """The name of the compression, or None."""
        with self.open_raw() as stream:
            head = bytes(stream.read(4))
        return next((name for magic, name in COMPRESSIONS.items() if head.startswith(magic)), None)

    @cached_property
    def format(self) -> str:
        """The format by its first bytes: "parquet", "arrow", "npy", "npz", "idx" or "text".

        Raises
        ------
        InputError
            If the file is empty, or of a format that is not read.
        """
        head = self.read(HEAD)
        if not head.strip():
            raise InputError(f"{self.name} is empty; give a file with a header and rows")
        for magic, refused in REFUSED.items():
            if head.startswith(magic):
                raise InputError(f"{self.name} is {refused}")
        if head.startswith(b"PK") and EXCEL in head:
            raise InputError(f"{self.name} is an Excel file; save the sheet as CSV")
        if head.lstrip()[:1] in (b"{", b"["):
            raise InputError(
                f"{self.name} looks like JSON; make a data frame of it (pandas.read_json), and "
                "save that as CSV or Parquet"
            )
        found = next((name for magic, name in FORMATS.items() if head.startswith(magic)), None)
        return found or ("idx" if is_idx(head) else "text")


@contextmanager
def readable(location: Location, what: str) -> Iterator[None]:
    """Raise InputError if what is read from a file is damaged."""
    try:
        yield
    except (arrow().ArrowException, OSError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(f"{location.name} is not a complete {what} file: {first}") from None


def is_address(source: str | Path) -> bool:
    """Return whether a source is the address of a file elsewhere, such as ``s3://bucket/file``."""
    scheme, mark, _ = str(source).partition("://")
    return isinstance(source, str) and bool(mark) and scheme.isidentifier()


def file_system(address: str) -> tuple[FileSystem, str]:
    """Return where an address points to, and the path there.

    Raises
    ------
    MissingPackageError
        If fsspec, or what it needs for this kind of address, is not installed.
    InputError
        If this kind of address is unknown.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise missing("fsspec", f"reading {address}", "remote") from None
    try:
        return url_to_fs(address)
    except ImportError as error:
        raise MissingPackageError(f"{address}: {error}") from None
    except ValueError as error:
        raise InputError(f"{address}: {error}; give a path or another address") from None


def is_idx(head: bytes) -> bool:
    """Return whether these are the first bytes of an IDX file, such as MNIST's."""
    return len(head) > 4 and head[:2] == b"\0\0" and head[2] in IDX_TYPES and 1 <= head[3] <= 4
