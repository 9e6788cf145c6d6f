"""Kernels that come with the package: an archive for each kind of machine, read as needed.

An archive is ignored if it was made from other sources, for another machine, or is damaged. It is
not compressed, since a wheel is.
``compiled.prebuilding`` makes archives.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from chainrule.compiled.cache import sources, targets
from chainrule.compiled.cache.machine_code import Built

FOLDER = sources.COMPILED / "prebuilt"
SUFFIX = ".kernels"

# The beginning of a file: its format, a hash of the index, and the size of the index in bytes.
FORMAT, HASH, SIZE = b"chainrule kernels 1\n", 32, 4
START = len(FORMAT) + HASH + SIZE


@dataclass(frozen=True)
class Archive:
    """An archive that belongs to these sources and this machine.

    Attributes
    ----------
    path : Path
    kernels : mapping of str to (int, int)
        Position and size of each kernel in the file, by key.
    """

    path: Path
    kernels: Mapping[str, tuple[int, int]]

    def read(self, key: str) -> Built | None:
        """Return a kernel, None if it is missing or damaged."""
        try:
            position, size = self.kernels[key]
            with self.path.open("rb") as file:
                file.seek(position)
                return Built.from_bytes(file.read(size))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def find(key: str) -> Built | None:
    """Return the kernel with a key, None if the package has none for this machine."""
    found = archive()
    return None if found is None else found.read(key)


def has(key: str) -> bool:
    """Return whether the package has a kernel for this machine."""
    found = archive()
    return found is not None and key in found.kernels


def archive() -> Archive | None:
    """Return the archive for what this process compiles for, None without a valid one."""
    target = targets.chosen()
    return None if target is None else opened(FOLDER / f"{target.name}{SUFFIX}", target.name)


@cache
def opened(path: Path, target: str) -> Archive | None:
    """Return a file's archive, None if it is missing, damaged, or made for something else."""
    try:
        index, first = index_of(path)
        fits = index["target"] == target and first + index["code"] == path.stat().st_size
        if not (fits and sources.unchanged() and index["sources"] == sources.digest()):
            return None
        return Archive(
            path, {key: (first + at, size) for key, (at, size) in index["kernels"].items()}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def index_of(path: Path) -> tuple[dict[str, Any], int]:
    """Return the index of a file, and the position of what follows it.

    Raises
    ------
    OSError, ValueError
        If there is no such file, or it is damaged.
    """
    with path.open("rb") as file:
        start = file.read(START)
        digest, size = start[len(FORMAT) : -SIZE], int.from_bytes(start[-SIZE:])
        index = file.read(size)
    if not start.startswith(FORMAT) or hashlib.sha256(index).digest() != digest:
        raise ValueError("the file is not an archive of kernels")
    return json.loads(index), START + size


def to_bytes(target: str, kernels: Mapping[str, Built], made_with: str) -> bytes:
    """Return the content of an archive.

    Parameters
    ----------
    target : str
        The name of the kind of machine.
    kernels : mapping of str to Built
        The kernels by key.
    made_with : str
        Versions of the packages that made it, for information.
    """
    codes = {key: built.to_bytes() for key, built in sorted(kernels.items())}
    ends = list(accumulate(map(len, codes.values())))
    places = {
        key: (end - len(code), len(code))
        for end, (key, code) in zip(ends, codes.items(), strict=True)
    }
    index = {
        "target": target,
        "sources": sources.digest(),
        "made_with": made_with,
        "code": ends[-1],
        "kernels": places,
    }
    described = json.dumps(index).encode()
    start = FORMAT + hashlib.sha256(described).digest() + len(described).to_bytes(SIZE)
    return b"".join([start, described, *codes.values()])
