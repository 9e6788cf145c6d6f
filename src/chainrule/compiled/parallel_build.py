"""Compiling missing kernels in two processes at once.

Numba keeps one processor busy, so two processes take little more than half the time. This process
finds the other one's kernels in the cache, and compiles them itself if they are missing.
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

# Seconds to compile each kernel, measured on one machine; kernels not listed take OTHERS. Before
# them, this process compiles elementwise kernels (FIRST_MINE), and the other starts (FIRST_THEIRS).
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
    """Compile kernels in two processes, while the caller compiles elementwise kernels.

    Parameters
    ----------
    names : sequence of str
        All kernels that are required.
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
        process.kill()  # after an error, no process is left behind
        process.wait()
        remove_partial_files(process.pid)


def can_help() -> bool:
    """Return whether another Python process can be started and can share its results."""
    python = Path(sys.executable or "").stem.lower().startswith(("python", "pypy"))
    alone = getattr(sys, "frozen", False) or processors() < 2
    return python and not alone and object_cache.keeps()


def shared(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the kernels for this process and for the other one, of about equal time."""
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
    """Return whether a kernel is loaded, comes with the package, or is in the cache."""
    if (name, dtype) in IN_MEMORY:
        return True
    return object_cache.is_available(*key_of_kernel(name, dtype))


def start(names: Sequence[str], dtype: Dtype) -> subprocess.Popen[bytes] | None:
    """Start a silent process that compiles kernels with the same packages."""
    object_cache.announce()
    command = [sys.executable, "-P", "-c", PROGRAM, np.dtype(dtype).name, *names]
    path = [os.fspath(place) or str(Path.cwd()) for place in sys.path]
    places = {"PYTHONPATH": os.pathsep.join(path)}
    none, hidden = subprocess.DEVNULL, getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        return subprocess.Popen(  # noqa: S603 (this Python, and names of this package)
            command,
            env={**os.environ, **places},
            stdin=none,
            stdout=none,
            stderr=none,
            creationflags=hidden,
        )
    except OSError:  # such as no memory or no permission
        return None


def remove_partial_files(pid: int) -> None:
    """Remove the files that a process has not finished writing."""
    if (place := object_cache.folder()) is not None:
        object_cache.clear(place, f"{pid}-*{object_cache.PART}")


def main() -> None:
    """Build the kernels that the command line names."""
    dtype, *names = sys.argv[1:]
    for name in names:
        kernel(name, np.dtype(dtype).type)
