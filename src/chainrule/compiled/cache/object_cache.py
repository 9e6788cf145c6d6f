"""A cache of machine code: one file for each function, named by a hash of all sources.

Numba compiles a function once (``building``); later processes load it with LLVM alone, which takes
a thousandth of the time. Each function is linked separately, so that names cannot collide. Numba's
own cache checks one source file only and would return stale code after an edit in another. Without
a writable folder nothing is stored.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from chainrule.compiled.cache import libraries, sources
from chainrule.compiled.cache.import_lock import IMPORT_LOCK, LOCKS, uninterrupted

PACKAGES = "numba", "llvmlite", "numpy", "scipy"
EMPTY = ""  # an empty LLVM module, to which object files are added

with IMPORT_LOCK:  # llvmlite's lock, held in every call of it, including destructors
    theirs = getattr(getattr(llvm.ffi.lib, "_lock", None), "_lock", None)
    if theirs is not None:  # the name is private and may change
        LOCKS.append(theirs)

# Settings of Numba that change the generated code; joblib sets others in its workers.
NUMBA_SETTINGS = (
    "OPT",
    "CPU_NAME",
    "CPU_FEATURES",
    "ENABLE_AVX",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "DISABLE_INTEL_SVML",
    "BOUNDSCHECK",
    "DEBUGINFO",
    "EXTEND_VARIABLE_LIFETIMES",
    "ENABLE_PROFILING",
    "DEBUG_NRT",
    "LLVM_REFPRUNE_PASS",
    "LLVM_REFPRUNE_FLAGS",
)
SETTINGS_FILE = Path(".numba_config.yaml")  # read by Numba in the current folder

PART = ".part"  # suffix of a file that is being written
FORGOTTEN = 3600.0  # age in seconds after which a partial file is abandoned


@dataclass(frozen=True)
class Built:
    """A function as machine code.

    Attributes
    ----------
    name : str
        The name of its symbol.
    needs : tuple of str
        Other symbols that it calls.
    code : bytes
        An object file.
    """

    name: str
    needs: tuple[str, ...]
    code: bytes

    def to_bytes(self) -> bytes:
        """Return the content of a file: a hash of the rest, a line of JSON, the code."""
        content = json.dumps({"name": self.name, "needs": self.needs}).encode() + b"\n" + self.code
        return hashlib.sha256(content).digest() + content

    @classmethod
    def from_bytes(cls, data: bytes) -> "Built":
        """Return the function stored in a file.

        Raises
        ------
        ValueError
            If the file is incomplete.
        """
        digest, content = data[:32], data[32:]
        if hashlib.sha256(content).digest() != digest:
            raise ValueError("the file is incomplete")
        line, _, code = content.partition(b"\n")
        given = json.loads(line)
        return cls(given["name"], tuple(given["needs"]), code)


@dataclass(frozen=True)
class Loaded:
    """A function in memory.

    Attributes
    ----------
    address : int
    owner : object
        LLVM's engine, which keeps the code in memory.
    """

    address: int
    owner: Any


def load(built: Built) -> Loaded:
    """Load machine code into memory."""
    for name in built.needs:
        libraries.provide(name)
    initialize()
    processor = llvm.Target.from_triple(llvm.get_process_triple())
    machine = processor.create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(EMPTY), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(built.code))
    engine.finalize_object()
    return Loaded(engine.get_function_address(built.name), engine)


@cache
def initialize() -> None:
    """Initialize LLVM for this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


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
    processor = llvm.get_process_triple(), llvm.get_host_cpu_name(), features()
    content = repr((made_with, processor, numba_settings(), sources.digest()))
    return hashlib.sha256(content.encode()).hexdigest()


def numba_settings() -> list[str | bytes | None]:
    """Return Numba's settings that affect its code, from the environment and its file."""
    values: list[str | bytes | None] = [os.environ.get(f"NUMBA_{name}") for name in NUMBA_SETTINGS]
    with suppress(OSError):
        values.append(SETTINGS_FILE.read_bytes())
    return values


def features() -> str:
    """Return the processor's features as LLVM reports them."""
    try:
        return llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # not on every system
        return ""


def path_of(name: str, key: str) -> Path | None:
    """Return the file of a function, None if nothing is stored."""
    place = folder()
    if place is None or not sources.unchanged():
        return None
    content = hashlib.sha256(f"{engine_key()} {key}".encode()).hexdigest()
    return place / f"{name}-{content[:32]}.bin"


def compiled(name: str, key: str | None, build: Callable[[], Built]) -> Loaded:
    """Return a loaded function, from its file or built now and stored.

    Parameters
    ----------
    name : str
        The beginning of its file's name.
    key : str or None
        Identifies it among all functions of the package; None if it is not to be stored.
    build : callable
    """
    with IMPORT_LOCK, uninterrupted():
        path = None if key is None else path_of(name, key)
        found = None if path is None else read(path)
        if found is None:
            announce()
            found = build()
            if path is not None:
                write(path, found)
        return load(found)


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


def is_kept(path: Path) -> bool:
    """Return whether a file exists and this user may see it."""
    try:
        return path.exists()
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
