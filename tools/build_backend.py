"""The build backend: hatchling, and compiled kernels in the wheel.

``pip install .`` compiles the kernels for this machine, ``-C kernels=all`` (``--config-setting``)
those for all kinds of machines, and ``-C kernels=none`` none; what is missing in a wheel is
compiled when it is first used. The backend says what is needed to build a wheel, which Numba is not
for an editable installation; the hook adds the kernels.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling import build as hatchling
from hatchling.build import (  # noqa: F401 (pip calls them here)
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
)
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

Settings = Mapping[str, str] | None

VARIABLE = "CHAINRULE_KERNELS"  # of the environment, from the backend to the hook
NUMBA = ["numba>=0.62", "numpy>=2.0", "scipy>=1.14"]  # the cache of kernels asks for all versions
CHOICES = "host", "all", "none"

# Systems for which Numba has wheels, which end with this version of Python; elsewhere pip would
# try to compile LLVM.
SYSTEMS = {
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("darwin", "arm64"),
    ("win32", "amd64"),
}
LAST_PYTHON = 3, 14


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return what pip installs to build a wheel."""
    needed = NUMBA if choice(config_settings) != "none" and has_numba() else []
    return [*hatchling.get_requires_for_build_wheel(dict(config_settings or {})), *needed]


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel with the chosen kernels, and return its name."""
    os.environ[VARIABLE] = choice(config_settings)
    return hatchling.build_wheel(wheel_directory, dict(config_settings or {}), metadata_directory)


def choice(settings: Settings) -> str:
    """Return which kernels are to be in the wheel."""
    chosen = (settings or {}).get("kernels", os.environ.get(VARIABLE, "host"))
    if chosen not in CHOICES:
        raise SystemExit(f"unknown kernels={chosen}; choose {', '.join(CHOICES)}")
    return chosen


def has_numba() -> bool:
    """Return whether pip can install Numba here without compiling it."""
    system = sys.platform, platform.machine().lower()
    glibc = sys.platform != "linux" or platform.libc_ver()[0] == "glibc"
    known = system in SYSTEMS and glibc and sys.version_info[:2] <= LAST_PYTHON
    return known and sys.implementation.name == "cpython"


class Kernels(BuildHookInterface[Any]):
    """Adds compiled kernels to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the chosen kernels, and have them included."""
        chosen = choice(None)
        if version == "editable" or chosen == "none":
            return
        self.folder = TemporaryDirectory()  # removed with this object
        compile_kernels(Path(self.root), self.folder.name, chosen)
        for path in Path(self.folder.name).iterdir():
            build_data["force_include"][str(path)] = f"chainrule/compiled/prebuilt/{path.name}"


def compile_kernels(root: Path, folder: str, chosen: str) -> None:
    """Write archives of kernels into a folder.

    Raises
    ------
    SystemExit
        If those for all kinds of machines cannot be compiled; those for this one may be missing.
    """
    names = ["all"] if chosen == "all" else []
    path = os.pathsep.join(filter(None, [str(root / "src"), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "chainrule.compiled.prebuilding", folder, *names]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
    if done.returncode and chosen == "all":
        raise SystemExit("the kernels could not be compiled")
    if done.returncode:
        sys.stderr.write("the wheel has no compiled kernels; they are compiled when used\n")
