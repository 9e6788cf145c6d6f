"""Compiled functions on disk: a file for each, found by the hash of all that went into it.

Numba's own cache looks at one file and would serve stale numbers after an edit in another. What is
compiled here carries a key of its sources instead; where no folder can be written, nothing is kept.
"""

import hashlib
import operator
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import scipy
from numba.core.ccallback import CFunc
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numba.core.sigutils import normalize_signature

from chainrule.compiled import sources

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
HOOK = "_cache"  # where Numba looks for what keeps its functions
rebuild: Any = operator.attrgetter("_rebuild")(CompileResult)  # its own cache's way in and out
reduce: Any = operator.methodcaller("_reduce")
REORDERED = {"contract", "reassoc", "nsz"}  # sums in any order; NaN and infinity stay what they are


def folder() -> Path:
    """Return where compiled functions are kept: CHAINRULE_CACHE_DIR, or the system's place."""
    if chosen := os.environ.get("CHAINRULE_CACHE_DIR"):
        return Path(chosen)
    home = Path.home()
    places = {"win32": home / "AppData/Local", "darwin": home / "Library/Caches"}
    usual = os.environ.get("XDG_CACHE_HOME") or places.get(sys.platform, home / ".cache")
    return Path(usual) / "chainrule"


@cache
def engine_key() -> str:
    """Return the hash of every source file of the package's engine, and of all versions."""
    packages = numba, llvmlite, np, scipy
    made_with = sys.version, *(package.__version__ for package in packages)
    return hashlib.sha256(repr((*made_with, sources.digest())).encode()).hexdigest()


class Kept:
    """What Numba asks for a compiled function, and hands it to: one file for one function.

    Parameters
    ----------
    name : str
    key : str or None
        The hash of what else it is made of; without one nothing is kept.
    """

    def __init__(self, name: str, key: str | None) -> None:
        self.name, self.key = name, key

    def path(self, signature: Any, codegen: Any) -> Path | None:
        """Return the file of a signature for this machine's processor; None if it is not kept."""
        if self.key is None:
            return None
        told = repr((engine_key(), self.key, str(signature), codegen.magic_tuple()))
        name = f"{self.name}-{hashlib.sha256(told.encode()).hexdigest()[:32]}.bin"
        return folder() / name if sources.unchanged() else None

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled function, or None where there is none that can be read."""
        context.refresh()
        path = self.path(signature, context.codegen())
        if path is None:
            return None
        try:
            data = pickle.loads(path.read_bytes())  # noqa: S301 (our own file)
            return rebuild(context, *data)
        except FileNotFoundError:
            announce()
        except Exception:  # noqa: BLE001 (a torn or foreign file is no reason to stop: compile)
            announce()
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Write the compiled function, whole or not at all."""
        path = self.path(signature, result.library.codegen)
        if path is None or result.library.has_dynamic_globals:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(dumps(reduce(result)))
            Path(name).replace(path)
        except OSError:  # a folder that cannot be written
            return


@cache
def announce() -> None:
    """Say once, in a terminal, that a few seconds are needed."""
    if sys.stderr.isatty():
        sys.stderr.write("chainrule: compiling for this machine, once (up to half a minute)\n")


def compile_kernel(
    function: Callable[..., Any], signature: Any, key: str | None = "", **options: Any
) -> Any:
    """Compile a function for one signature, or load what an earlier process compiled.

    Parameters
    ----------
    function : callable
    signature : numba signature
    key : str or None
        The hash of what its sources do not show, such as a function put in; None for no cache.
    **options
        Numba's.

    Returns
    -------
    numba dispatcher
    """
    dispatcher: Any = numba.njit(**{**OPTIONS, **options})(function)
    setattr(dispatcher, HOOK, Kept(function.__name__, key))
    dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


def compile_address(
    function: Callable[..., Any], signature: Any, key: str | None, **options: Any
) -> Any:
    """Compile a function that others call by its ``address``; the object keeps it alive."""
    compiled: Any = CFunc(function, normalize_signature(signature), {}, {**OPTIONS, **options})
    setattr(compiled, HOOK, Kept(function.__name__, key))
    compiled.compile()
    return compiled
