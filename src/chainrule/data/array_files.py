"""Tables from files of arrays: NPY, NPZ, and IDX as MNIST's."""

import math
import zipfile
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrow import arrow
from chainrule.data.kinds import for_arrow
from chainrule.data.locations import Location
from chainrule.data.table import Origin, Table
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]

INPUTS = ("X", "x", "data", "images", "features", "inputs")
TARGETS = ("y", "t", "target", "targets", "label", "labels")
# Types of numbers in IDX files, by their third byte.
IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_npy(location: Location) -> Table:
    """Return the table in an NPY file: its columns are x1, x2 and so on."""
    array = loaded(location)
    return array_table(location.name, array, None, "NPY")


def read_npz(location: Location) -> Table:
    """Return the table in an NPZ file: X and y, or columns by name.

    Raises
    ------
    InputError
        If its arrays fit neither.
    """
    arrays = loaded(location)
    x = next((name for name in INPUTS if name in arrays), None)
    y = next((name for name in TARGETS if name in arrays), None)
    if x is not None:
        return array_table(location.name, arrays[x], None if y is None else arrays[y], "NPZ")
    if len(arrays) == 1:
        return array_table(location.name, next(iter(arrays.values())), None, "NPZ")
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise InputError(
            f"{location.name} has arrays of the shapes {shapes}; give X (n, columns) and y (n,), "
            "or columns of one length by name"
        )
    columns = {name: as_column(array, name, location.name) for name, array in arrays.items()}
    found = (f"NPZ, {len(columns)} columns by name",)
    return Table.from_arrow(arrow().table(columns), Origin(location.name), found)


def loaded(location: Location) -> Any:
    """Return the array of an NPY file, or those of an NPZ file by name."""
    try:
        with location.binary() as file:
            found = np.load(file, allow_pickle=False)
            return found if isinstance(found, np.ndarray) else {k: found[k] for k in found.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        hint = ""
        if "allow_pickle" in str(error):
            hint = "; arrays of objects can run code when they are loaded: save numbers or strings"
        raise InputError(f"{location.name}: cannot be read: {error}{hint}") from None


def array_table(name: str, inputs: Array, target: Array | None, what: str) -> Table:
    """Return a table of inputs (n, …), whose further axes are laid out in a row, and targets (n,).

    Raises
    ------
    InputError
        If their numbers of rows differ, or there are several targets for each row.
    """
    if not inputs.ndim or not len(inputs):
        raise InputError(f"{name} has an array of shape {inputs.shape}; give one with rows")
    flat = inputs.reshape(len(inputs), -1)
    columns = {f"x{i + 1}": as_column(flat[:, i], f"x{i + 1}", name) for i in range(flat.shape[1])}
    found = f"{what}, array {inputs.shape} of {inputs.dtype}"
    if target is not None:
        y = target[:, 0] if target.shape[1:] == (1,) else target
        if y.shape != (len(inputs),):
            raise InputError(
                f"{name} has inputs for {len(inputs)} rows, but targets of shape {target.shape}; "
                "give one for each row"
            )
        columns["y"] = as_column(y, "y", name)
        found += ", targets in column 'y'"
    origin = Origin(name)
    return Table.from_arrow(
        arrow().table(columns), origin, (found,), "y" if "y" in columns else None
    )


def as_column(array: Array, name: str, source: str) -> Any:
    """Return an array (n,) as a column of pyarrow."""
    if array.dtype.kind not in "biufUSM":
        raise InputError(
            f"{source}: {name!r} has dtype {array.dtype}; give real numbers, booleans, strings or "
            "dates"
        )
    return arrow().array(for_arrow(array))


# ---- IDX ----------------------------------------------------------------------------------------


def read_idx(location: Location) -> Table:
    """Return the table in an IDX file, with the labels of the file that belongs to it."""
    images = idx_array(location)
    labels = labels_of(location)
    if labels is None:
        return array_table(location.name, images, None, "IDX")
    found = array_table(location.name, images, idx_array(labels), "IDX")
    return Table(found.data, found.origin, (*found.found, f"labels from {labels.name}"), "y")


def labels_of(location: Location) -> Location | None:
    """Return the file of labels next to a file of images, as MNIST's are called, or None."""
    if location.path is None or "images" not in location.path.name:
        return None
    name = location.path.name.replace("images", "labels")
    for candidate in (name.replace("idx3", "idx1"), name):
        path = location.path.with_name(candidate)
        if path.exists():
            return Location(str(path), path)
    return None


def idx_array(location: Location) -> Array:
    """Return the array in an IDX file.

    Raises
    ------
    InputError
        If it has fewer or more bytes than its header says.
    """
    content = location.read(None)
    if content[:2] != b"\0\0" or content[2] not in IDX_DTYPES:
        raise InputError(f"{location.name} is not an IDX file; give one that begins with 0, 0")
    dtype, axes = np.dtype(IDX_DTYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    expected = start + math.prod(shape) * dtype.itemsize
    if len(shape) < axes or len(content) != expected:
        raise InputError(
            f"{location.name} has {len(content):,} bytes, but its header says {shape} of "
            f"{dtype.itemsize} bytes, {expected:,} in all; the file is damaged or cut off"
        )
    return np.frombuffer(content[start:], dtype).reshape(shape)
