"""The kinds of files and the versions of their contents; reads and writes a file of a kind.

A change of what a kind contains gets a new version in `VERSIONS`, and a function in `UPGRADES` that
turns the content of the version before into it, so that older files can still be read.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule.errors import DamagedFileError, InputError
from chainrule.files.container import errors_about, read_container, write_container
from chainrule.files.descriptions import Types, conforms, from_plain, to_plain
from chainrule.files.json_text import Json
from chainrule.files.values import Functions, Reader, Writer, require_functions, shown

Array: TypeAlias = NDArray[Any]

VERSIONS = {"checkpoint": 1, "estimator": 1, "network": 1, "table model": 1}
# The content of version n of a kind as one of version n + 1, by (kind, n).
UPGRADES: dict[tuple[str, int], Callable[[dict[str, Json]], dict[str, Json]]] = {}


@dataclass(frozen=True)
class Content:
    """What a file contains.

    Parameters
    ----------
    kind : str
        A key of `VERSIONS`.
    body : dict of str to JSON
        In the present version.
    arrays : mapping of str to array
    """

    kind: str
    body: dict[str, Json]
    arrays: Mapping[str, Array]


def write(path: str | os.PathLike[str], kind: str, values: Mapping[str, Any], types: Types) -> None:
    """Write values to a file, atomically.

    Parameters
    ----------
    path : str or path
    kind : str
        A key of `VERSIONS`.
    values : mapping of str to object
        Numbers, texts, arrays, containers, functions, and objects of `types`.
    types : mapping of str to type

    Raises
    ------
    FileError
        If the operating system cannot write the file; an existing one is then unchanged.
    InputError
        If a value cannot be saved; the message names it.
    """
    writer = Writer()
    body = describe(kind, values, types, writer)
    write_container(path, body, writer.arrays)


def describe(kind: str, values: Mapping[str, Any], types: Types, writer: Writer) -> dict[str, Json]:
    """Return values of a kind as JSON; their arrays are collected by the writer."""
    body = {key: writer.json(to_plain(value, types), key) for key, value in values.items()}
    return {"kind": kind, "version": VERSIONS[kind], **body}


def read(path: str | os.PathLike[str]) -> Content:
    """Return what a file contains, upgraded to the present version.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Content

    Raises
    ------
    FileError
        If the operating system cannot read it.
    DamagedFileError
        If it is incomplete or damaged, or not one of chainrule's files.
    InputError
        If it is of an unknown kind or of a newer version.
    """
    described, arrays = read_container(path)
    with errors_about(path):
        kind, body = upgraded(described)
        return Content(kind, body, arrays)


def upgraded(described: Json) -> tuple[str, dict[str, Json]]:
    """Return the kind and the content of a description, in the present version."""
    if not isinstance(described, dict):
        raise DamagedFileError(f"{shown(described)} is not the description of a model")
    kind, version = described.get("kind"), described.get("version")
    if not isinstance(kind, str) or type(version) is not int or version < 1:
        raise DamagedFileError(f"its kind {shown(kind)} or version {shown(version)} is invalid")
    if kind not in VERSIONS:
        raise InputError(
            f"it contains a {shown(kind)}, which this version of chainrule does not know; update "
            "chainrule: pip install --upgrade chainrule"
        )
    if version > VERSIONS[kind]:
        raise InputError(
            f"it has version {version} of a {kind} file, and this version of chainrule reads up to "
            f"{VERSIONS[kind]}; update chainrule: pip install --upgrade chainrule"
        )
    body = {key: value for key, value in described.items() if key not in ("kind", "version")}
    for old in range(version, VERSIONS[kind]):
        body = UPGRADES[kind, old](body)
    return kind, body


def values_of(
    body: Mapping[str, Json],
    arrays: Mapping[str, Array],
    types: Types,
    functions: Functions | None = None,
    *,
    complete: bool = True,
) -> dict[str, Any]:
    """Return the values of a description, checked field by field.

    Parameters
    ----------
    body : mapping of str to JSON
    arrays : mapping of str to array
    types : mapping of str to type
    functions : mapping of str to callable, optional
    complete : bool, default True
        Whether every array must be used.

    Raises
    ------
    DamagedFileError
        If something is missing, left over or of a wrong type.
    InputError
        If the file names functions that are not given, or a value is outside its range.
    """
    given = {} if functions is None else functions
    require_functions(dict(body), given)
    reader = Reader(arrays, given)
    values = {key: from_plain(reader.value(one), types, check=True) for key, one in body.items()}
    unused = sorted(arrays.keys() - reader.used)
    if complete and unused:
        raise DamagedFileError(f"nothing uses its array {shown(unused[0])}")
    return values


def require_fields(values: Mapping[str, Any], hints: Mapping[str, Any], what: str) -> None:
    """Raise DamagedFileError unless values have these names and types."""
    if values.keys() != hints.keys():
        wrong = sorted(values.keys() ^ hints.keys())
        raise DamagedFileError(f"{what} has the fields {', '.join(hints)}; check {shown(wrong)}")
    for name, hint in hints.items():
        if not conforms(values[name], hint):
            raise DamagedFileError(f"{what}: {name} is {shown(values[name])}, of a wrong type")
