"""Another process that builds half of the kernels that are missing, while this one builds the rest.

Numba keeps one processor busy, so two of them are ready in little more than half the time. What the
other one makes is found on disk; where it makes nothing, nothing is lost but time.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from chainrule.compiled.cache import object_cache
from chainrule.compiled.codegen.elementwise_kernels import Dtype
from chainrule.compiled.kernel_loader import IN_MEMORY, kernel, key_of_kernel
from chainrule.compiled.threads import processors

PROGRAM = "from chainrule.compiled.parallel_build import main; main()"

# How long they take to build, in seconds of some machine, and before them: this process builds
# formulas first, the other one starts. The rest take .3.
SECONDS = {
    "tiny.run_tiny": 4.0,
    "batches.run_batches": 2.7,
    "layer_kernels.dense_backward": 2.4,
    "updates.change": 2.2,
    "layer_kernels.dense_forward": 2.1,
    "prediction_blocks.run_forward": 2.0,
    "layer_kernels.dense_weights": 0.9,
    "layer_kernels.gather": 0.9,
}
PATIENCE = 60.0  # seconds for the other process, after which this one builds what is missing
FIRST_MINE, FIRST_THEIRS, OTHERS = 2.5, 1.5, 0.3


@contextmanager
def build_in_parallel(names: Sequence[str], dtype: Dtype) -> Iterator[None]:
    """Let kernels be built while formulas are, in two processes; at the end all are kept.

    Parameters
    ----------
    names : sequence of str
        All kernels that are needed.
    dtype : type
    """
    missing = [name for name in dict.fromkeys(names) if not is_built(name, dtype)]
    mine, theirs = shared(missing)
    process = start(theirs, dtype) if theirs and can_help() else None
    if process is None:
        yield
        return
    try:
        yield
        for name in mine:
            kernel(name, dtype)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    finally:
        process.kill()  # if something was wrong: nothing is left behind
        process.wait()
        remove_partial_files(process.pid)


def can_help() -> bool:
    """Return whether another Python can be started, and what it makes be found."""
    python = Path(sys.executable or "").stem.lower().startswith(("python", "pypy"))
    alone = getattr(sys, "frozen", False) or processors() < 2
    return python and not alone and object_cache.keeps()


def shared(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what this process builds, and what the other one: both for as long."""
    mine, theirs = list[str](), list[str]()
    left, right = FIRST_MINE, FIRST_THEIRS
    for name in sorted(names, key=lambda name: -SECONDS.get(name, OTHERS)):
        if right <= left:
            theirs.append(name)
            right += SECONDS.get(name, OTHERS)
        else:
            mine.append(name)
            left += SECONDS.get(name, OTHERS)
    return mine, theirs


def is_built(name: str, dtype: Dtype) -> bool:
    """Return whether a kernel is in memory, or in a file."""
    if (name, dtype) in IN_MEMORY:
        return True
    path = object_cache.path_of(*key_of_kernel(name, dtype))
    return path is not None and object_cache.is_kept(path)


def start(names: Sequence[str], dtype: Dtype) -> subprocess.Popen[bytes] | None:
    """Start a process that builds kernels; it finds the same packages, and says nothing."""
    object_cache.announce()
    told = [sys.executable, "-P", "-c", PROGRAM, np.dtype(dtype).name, *names]
    path = [os.fspath(place) or str(Path.cwd()) for place in sys.path]
    places = {"PYTHONPATH": os.pathsep.join(path)}
    none, hidden = subprocess.DEVNULL, getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        return subprocess.Popen(  # noqa: S603 (this very Python, and names of ours)
            told,
            env={**os.environ, **places},
            stdin=none,
            stdout=none,
            stderr=none,
            creationflags=hidden,
        )
    except OSError:  # no memory, say, or no right to
        return None


def remove_partial_files(pid: int) -> None:
    """Remove what a process has not written to its end."""
    if (place := object_cache.folder()) is not None:
        object_cache.clear(place, f"{pid}-*{object_cache.PART}")


def main() -> None:
    """Build the kernels that the command line names."""
    dtype, *names = sys.argv[1:]
    for name in names:
        kernel(name, np.dtype(dtype).type)
