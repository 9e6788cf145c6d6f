"""Start a process for a learner's program, with the same interpreter and the same packages."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

# Each BLAS thread reserves address space, which the memory limit counts.
ONE_THREAD = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)


def start(
    module: str, folder: Path, errors: IO[bytes] | int, **variables: str
) -> subprocess.Popen[bytes]:
    """Start a module of this package in a folder; requests and answers go through its pipes.

    Parameters
    ----------
    module : str
        Such as ``"chainrule.submission.process.child"``.
    folder : Path
        Where it works, and the only folder to which it may write.
    errors : binary file or int
        Where its standard error goes, as `subprocess.Popen` takes it.
    **variables : str
        More environment variables.
    """
    paths = [os.path.abspath(p) for p in sys.path]  # noqa: PTH100 ("" is the current folder)
    own = {
        "PYTHONPATH": os.pathsep.join(paths),
        "MPLBACKEND": "Agg",
        "TMPDIR": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.Popen(  # noqa: S603 (a module of this package)
        [sys.executable, "-P", "-m", module],
        cwd=folder,
        env={**os.environ, **dict.fromkeys(ONE_THREAD, "1"), **own, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # so that the processes that it starts can be ended with it
    )
