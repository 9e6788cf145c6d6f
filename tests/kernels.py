"""Compiling the large kernels once, before the workers start that would all compile them."""

import subprocess
import sys
from importlib.util import find_spec

DTYPES = "float32", "float64"


def compile_kernels() -> None:
    """Compile the kernels that are missing in the cache folder, each precision in a process."""
    if find_spec("numba") is None:
        return
    from chainrule.compiled import kernel_loader as loader
    from chainrule.compiled.parallel_build import PROGRAM

    command = [sys.executable, "-c", PROGRAM]
    processes = [subprocess.Popen([*command, dtype, *loader.EVERY]) for dtype in DTYPES]
    for process in processes:  # an error is reported by the tests of the kernel that has it
        process.wait()
