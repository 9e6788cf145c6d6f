"""Settings of Numba that change the code it generates, read without importing Numba."""

import os
from contextlib import suppress
from pathlib import Path

# joblib sets other settings in its workers.
NAMES = (
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
FILE = Path(".numba_config.yaml")  # read by Numba in the current folder


def values() -> list[str | bytes | None]:
    """Return the settings in the environment, None without one, and the content of the file."""
    found: list[str | bytes | None] = [os.environ.get(f"NUMBA_{name}") for name in NAMES]
    with suppress(OSError):
        found.append(FILE.read_bytes())
    return found


def given() -> bool:
    """Return whether any setting is present."""
    return any(value is not None for value in values())
