"""The machine and the versions that a figure depends on.

The kernel of the BLAS is the one that was in use when everything was measured.
"""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import threadpoolctl

PACKAGES = ("numpy", "scipy", "numba", "torch", "jax", "scikit-learn")
VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def described() -> dict[str, Any]:
    """Return processor, cores, BLAS kernels, versions, load, and environment variables."""
    return {
        "processor": processor(),
        "cores": cores(),
        "BLAS": kernels(),
        "Python": platform.python_version(),
        **{name: found for name in PACKAGES if (found := installed(name))},
        "load before": round(os.getloadavg()[0], 2),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def kernels() -> list[str]:
    """Return which kernel each BLAS has chosen."""
    import numpy as np
    from scipy.linalg import blas

    assert np is not None  # noqa: S101
    assert blas is not None  # noqa: S101 (both are loaded now)
    pools = threadpoolctl.threadpool_info()
    return sorted({blas_name(pool) for pool in pools if "architecture" in pool})


def blas_name(pool: dict[str, Any]) -> str:
    """Return a BLAS's library, version and kernel."""
    library = Path(pool["filepath"]).name.partition("-")[0]
    return f"{library} {pool['version']} {pool['architecture']}"


def installed(name: str) -> str:
    """Return a package's version, or nothing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def as_text(about: dict[str, Any]) -> str:
    """Return it as a line of words."""
    return "; ".join(f"{name} {words(value)}" for name, value in about.items() if value != {})


def words(value: Any) -> str:
    """Return a value in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={what}" for name, what in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
