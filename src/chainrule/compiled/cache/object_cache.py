"""A cache of machine code: one file for each function, named by a hash of all sources.

Numba compiles a function once (``building``); later processes load it with LLVM alone, which takes
a thousandth of the time. Functions of the package (``prebuilt``) are used first. Numba's
own cache checks one source file only and would return stale code after an edit in another. Without
a writable folder nothing is stored.
"""

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm

from chainrule.compiled.cache import numba_settings, prebuilt, sources, targets
from chainrule.compiled.cache.import_lock import IMPORT_LOCK, uninterrupted
from chainrule.compiled.cache.machine_code import Built, Loaded, load

PACKAGES = "numba", "llvmlite", "numpy", "scipy"
PART = ".part"  # suffix of a file that is being written
FORGOTTEN = 3600.0  # age in seconds after which a partial file is abandoned


# ---- files --------------------------------------------------------------------------------------


PLACES = {"win32": "AppData/Local", "darwin": "Library/Caches"}  # cache folders of systems


def folder() -> Path | None:
    """Return the cache folder: CHAINRULE_CACHE_DIR, or the system's folder for caches."""
    if chosen := os.environ.get("CHAINRULE_CACHE_DIR"):
        return Path(chosen)
    if usual := os.environ.get("XDG_CACHE_HOME"):
        return Path(usual) / "chainrule"
    try:
        return Path.home() / PLACES.get(sys.platform, ".cache") / "chainrule"
    except RuntimeError:  # without a home folder, nothing is stored
        return None


@cache
def engine_key() -> str:
    """Return the hash of every source file of the package's engine, of versions and processor."""
    made_with = sys.version, *map(version, PACKAGES)
    target = targets.chosen()
    described = (
        repr(target)
        if target
        else (llvm.get_process_triple(), llvm.get_host_cpu_name(), sorted(targets.features()))
    )
    content = repr((made_with, described, numba_settings.values(), sources.digest()))
    return hashlib.sha256(content.encode()).hexdigest()


def path_of(name: str, key: str) -> Path | None:
    """Return the file of a function, None if nothing is stored."""
    place = folder()
    if place is None or not sources.unchanged():
        return None
    content = hashlib.sha256(f"{engine_key()} {key}".encode()).hexdigest()
    return place / f"{name}-{content[:32]}.bin"


def compiled(name: str, key: str | None, build: Callable[[], Built]) -> Loaded:
    """Return a loaded function: of the package, from its file, or built now and stored.

    Parameters
    ----------
    name : str
        The beginning of its file's name.
    key : str or None
        Identifies it among all functions of the package; None if it is not to be stored.
    build : callable
    """
    with IMPORT_LOCK, uninterrupted():
        found = None if key is None else prebuilt.find(key)
        return load(found or kept(name, key, build))


def kept(name: str, key: str | None, build: Callable[[], Built]) -> Built:
    """Return a function from its file, or built now and stored; the parameters of `compiled`."""
    path = None if key is None else path_of(name, key)
    found = None if path is None else read(path)
    if found is None:
        announce()
        found = build()
        if path is not None:
            write(path, found)
    return found


def keeps() -> bool:
    """Return whether functions that are built now can be stored for other processes."""
    place = folder()
    if place is None or not sources.unchanged():
        return False
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(place, os.W_OK)


def read(path: Path) -> Built | None:
    """Return the function stored in a file, None if it is missing or incomplete."""
    try:
        return Built.from_bytes(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_available(name: str, key: str) -> bool:
    """Return whether a function comes with the package, or this user may see its file."""
    if prebuilt.has(key):
        return True
    path = path_of(name, key)
    try:
        return path is not None and path.exists()
    except OSError:  # another user's folder
        return False


def write(path: Path, built: Built) -> None:
    """Write a file completely or not at all."""
    with suppress(OSError):  # a folder that cannot be written, or a full disk
        path.parent.mkdir(parents=True, exist_ok=True)
        clear(path.parent, f"*{PART}", FORGOTTEN)
        handle, name = tempfile.mkstemp(PART, f"{os.getpid()}-", path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(built.to_bytes())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)


def clear(place: Path, names: str, age: float = 0.0) -> None:
    """Remove the partial files of processes that were stopped while writing."""
    for path in place.glob(names):
        with suppress(OSError):  # another process was faster
            if time.time() - path.stat().st_mtime >= age:
                path.unlink()


@cache
def announce() -> None:
    """Print once, to a terminal, that compiling takes a few seconds."""
    with suppress(AttributeError, OSError, ValueError):  # stderr is missing or replaced
        if sys.stderr.isatty():
            sys.stderr.write("chainrule: compiling for this machine, once (about ten seconds)\n")
