"""The container of model files: named arrays and JSON in one safetensors file.

The safetensors format has a header of JSON with the type, shape and place of each array, and texts
as metadata. Ours is one text, ``chainrule``: the content, and a checksum of it and all arrays.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import (
    DamagedFileError,
    FileError,
    ForeignFileError,
    InputError,
    missing,
    system_reason,
)
from chainrule.files.atomic import is_regular, write_atomically
from chainrule.files.json_text import Json, dump, parse
from chainrule.visible import visible

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]

KEY = "chainrule"  # of our text in the metadata
LENGTH = 8  # bytes of the length of the header, at the beginning of a file
LARGEST_HEADER = 2**24  # bytes; the header of a model of 100,000 named features has 5 % of it
# The types of arrays in files, by their names in the format.
DTYPES = {
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    "BOOL": np.dtype(bool),
}
LONGEST_MESSAGE = 600  # characters of what is wrong in a file
NOT_OURS = "it is not a file that chainrule has saved"
REMEDY = "the file is damaged: use a copy of it, or an older checkpoint"


class Header(NamedTuple):
    """The beginning of a file: the content, and what must follow.

    Attributes
    ----------
    content : dict
    checksum : str
    """

    content: dict[str, Json]
    checksum: str


def write_container(
    path: str | os.PathLike[str], content: Mapping[str, Json], arrays: Arrays
) -> None:
    """Write a file atomically.

    Parameters
    ----------
    path : str or path
    content : mapping
        JSON: dicts, lists, str, int, finite float, bool, None.
    arrays : mapping of str to array
        Of the types in `DTYPES`, in any memory layout.

    Raises
    ------
    FileError
        If the operating system cannot write it; an existing file is then unchanged.
    InputError
        If the content is too large, or an array has another type.
    """
    write_atomically(path, packed(content, arrays))


def packed(content: Mapping[str, Json], arrays: Arrays) -> bytes:
    """Return the bytes of a file; equal contents and arrays give equal bytes."""
    save = _safetensors().numpy.save
    stored = {name: _storable(name, array) for name, array in arrays.items()}
    text = dump({"checksum": checksum_of(content, stored), "content": dict(content)})
    if len(text) > LARGEST_HEADER // 2:  # the header quotes it, and lists the arrays
        raise InputError(
            f"the description has {len(text):,} characters, more than {LARGEST_HEADER // 2:,}; "
            "leave out some of the names in it"
        )
    return save(stored, metadata={KEY: text})


def _storable(name: str, array: Array) -> Array:
    """Return an array as safetensors can take it: its rows one after the other in memory.

    safetensors 0.8 writes the memory of an array from its first byte, and so scrambles transposed
    arrays and slices without an error.
    """
    if array.dtype.newbyteorder("<") not in DTYPES.values():
        raise InputError(f"{name} has the type {array.dtype}, which a file cannot hold")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


def checksum_of(content: Mapping[str, Json], arrays: Arrays) -> str:
    """Return the SHA-256 of the content and of contiguous arrays with their names and shapes."""
    digest = hashlib.sha256(dump(dict(content)).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(dump([name, array.dtype.str, list(array.shape)]).encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


# ---- reading ------------------------------------------------------------------------------------


def read_container(path: str | os.PathLike[str]) -> tuple[dict[str, Json], dict[str, Array]]:
    """Return the content and the arrays of a file; nothing in it is executed.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    content : dict
        JSON, not yet checked for its meaning.
    arrays : dict of str to array
        In memory of their own.

    Raises
    ------
    FileError
        If the operating system cannot read it.
    DamagedFileError
        If it is incomplete or damaged, or not one of chainrule's files.
    """
    with errors_about(path):
        _require_file(path)
        with open(path, "rb") as file:  # noqa: PTH123 (a path or a text)
            size = os.fstat(file.fileno()).st_size
            header = _read_header(file, size)
            file.seek(0)
            arrays = _arrays_of(file.read(size))
        if checksum_of(header.content, arrays) != header.checksum:
            raise DamagedFileError("its checksum is wrong")
        return header.content, arrays


@contextmanager
def errors_about(path: str | os.PathLike[str]) -> Iterator[None]:
    """Add the path to the messages of errors."""
    try:
        yield
    except OSError as error:
        raise FileError(
            error.errno, f"cannot read {os.fspath(path)}: {system_reason(error)}; check the path"
        ) from None
    except RecursionError:
        raise DamagedFileError(
            f"cannot read {os.fspath(path)}: its description is nested too deeply; {REMEDY}"
        ) from None
    except InputError as error:
        text = visible(str(error))
        short = text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]} …"
        remedy = f"; {REMEDY}" if type(error) is DamagedFileError else ""
        raise type(error)(f"cannot read {os.fspath(path)}: {short}{remedy}") from None


def _require_file(path: str | os.PathLike[str]) -> None:
    """Raise OSError if a path is a folder, a device or a pipe."""
    if os.path.isdir(path):  # noqa: PTH112 (a path or a text)
        raise IsADirectoryError
    if not is_regular(path):
        raise OSError("it is a device or a pipe, not a file")


def _read_header(file: BinaryIO, size: int) -> Header:
    """Return the header of a file; its size is checked before anything is read by it."""
    prefix = file.read(LENGTH)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < LENGTH or size < LENGTH + 2:
        raise ForeignFileError(f"it has {size} bytes; {NOT_OURS}, or it is damaged")
    if length > size - LENGTH or length > LARGEST_HEADER:
        raise ForeignFileError(
            f"its header would have {length:,} bytes, but the file has {size:,}, and no header has "
            f"more than {LARGEST_HEADER:,}; {NOT_OURS}, or it is damaged"
        )
    fields = parse(_decoded(file.read(length)))
    envelope = parse(_our_text(fields))
    _require_size(fields, size - LENGTH - length)
    if not (isinstance(envelope, dict) and envelope.keys() == {"checksum", "content"}):
        raise ForeignFileError(f"it has no checksum and content; {NOT_OURS}")
    content, checksum = envelope["content"], envelope["checksum"]
    if not (isinstance(content, dict) and isinstance(checksum, str)):
        raise ForeignFileError(f"its checksum or content is of a wrong type; {NOT_OURS}")
    return Header(content, checksum)


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise ForeignFileError(f"its header is not text; {NOT_OURS}") from None


def _our_text(fields: Json) -> str:
    """Return chainrule's text in the metadata of a header."""
    metadata = fields.get("__metadata__") if isinstance(fields, dict) else None
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(text, str) and len(metadata) == 1:
        return text
    if not isinstance(fields, dict):
        raise ForeignFileError(NOT_OURS)
    names = ", ".join(visible(name) for name in list(fields)[:3] if name != "__metadata__")
    raise ForeignFileError(
        f"it is a safetensors file without chainrule's description, such as PyTorch's (with the "
        f"arrays {names[:200] or 'none'}); load it with the program that saved it, or put its "
        "arrays into a network with network.pack(W=…, b=…)"
    )


def _require_size(fields: dict[str, Json], data: int) -> None:
    """Raise DamagedFileError unless the arrays take all bytes after the header."""
    ends = [0]
    for name, array in fields.items():
        if name != "__metadata__":
            offsets = array.get("data_offsets") if isinstance(array, dict) else None
            pair = isinstance(offsets, list) and len(offsets) == 2
            if not (pair and all(type(one) is int and one >= 0 for one in offsets or ())):
                raise DamagedFileError(f"the place of array {visible(name)[:80]!r} is invalid")
            ends.append(max(offsets or ()))
    if max(ends) != data:
        raise DamagedFileError(
            f"its arrays have {max(ends):,} bytes, but {data:,} follow the header"
        )


def _arrays_of(data: bytes) -> dict[str, Array]:
    """Return the arrays of a file, whose types, shapes and places safetensors checks."""
    library = _safetensors()
    try:
        found = library.deserialize(data)
    except library.SafetensorError as error:
        raise DamagedFileError(f"its arrays do not fit its header ({error})") from None
    arrays: dict[str, Array] = {}
    for name, one in found:
        if one["dtype"] not in DTYPES:
            raise DamagedFileError(f"array {visible(name)[:80]!r} is of type {one['dtype']}")
        arrays[name] = _array(one["data"], DTYPES[one["dtype"]], one["shape"])
    return arrays


def _array(data: bytes | bytearray, dtype: np.dtype[Any], shape: list[int]) -> Array:
    """Return an array in memory of its own, which can be written to."""
    array = np.frombuffer(data, dtype).reshape(shape)
    return array if array.flags.writeable else array.copy()


def _safetensors() -> Any:
    """Return the library, or raise MissingPackageError."""
    if find_spec("safetensors") is None:
        raise missing("safetensors", "saving and loading", "files")
    import safetensors.numpy  # loaded on first use

    return safetensors
