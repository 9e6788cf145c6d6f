"""Another process that builds half of the kernels that are missing, while this one builds the rest.

Numba keeps one processor busy, so two of them are ready in little more than half the time. What the
other one makes is found on disk; where it makes nothing, nothing is lost but time.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from chainrule.compiled import objects
from chainrule.compiled.kernels import kernel, key_of_kernel
from chainrule.compiled.pieces import Dtype
from chainrule.compiled.threads import processors

PROGRAM = "from chainrule.compiled.helper import main; main()"

# How long they take to build, in seconds of some machine, and before them: this process builds
# formulas first, the other one starts. The rest take .3.
SECONDS = {
    "tiny.run_tiny": 4.0, "batches.run_batches": 2.7, "passes.dense_backward": 2.4,
    "updates.change": 2.2, "passes.dense_forward": 2.1, "blocks.run_forward": 2.0,
    "passes.dense_weights": 0.9, "passes.gather": 0.9,
}  # fmt: skip
FIRST_MINE, FIRST_THEIRS, OTHERS = 2.5, 1.5, 0.3


@contextmanager
def built_beside(names: Sequence[str], dtype: Dtype) -> Iterator[None]:
    """Let kernels be built while formulas are, in two processes; at the end all are kept.

    Parameters
    ----------
    names : sequence of str
        All kernels that are needed.
    dtype : type
    """
    missing = [name for name in dict.fromkeys(names) if not is_kept(name, dtype)]
    if not missing or processors() < 2 or not sys.executable or not objects.keeps():
        yield
        return
    mine, theirs = shared(missing)
    process = start(theirs, dtype)
    try:
        yield
        for name in mine:
            kernel(name, dtype)
        process.wait()
    finally:
        process.kill()  # if something was wrong here: nothing is left behind
        process.wait()


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


def is_kept(name: str, dtype: Dtype) -> bool:
    """Return whether there is a file of a kernel."""
    return objects.path_of(*key_of_kernel(name, dtype)).exists()


def start(names: Sequence[str], dtype: Dtype) -> subprocess.Popen[bytes]:
    """Start a process that builds kernels; it finds the same packages, and says nothing."""
    objects.announce()
    told = [sys.executable, "-P", "-c", PROGRAM, np.dtype(dtype).name, *names]
    places = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    none = subprocess.DEVNULL
    return subprocess.Popen(  # noqa: S603 (this very Python, and names of ours)
        told, env={**os.environ, **places}, stdin=none, stdout=none, stderr=none
    )


def main() -> None:
    """Build the kernels that the command line names."""
    dtype, *names = sys.argv[1:]
    for name in names:
        kernel(name, np.dtype(dtype).type)
