"""Copies of the package that tests may edit, and programs that run on them in new processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import chainrule

ACTIVATE = """
import sys
import numpy as np
from chainrule.activations import ACTIVATIONS
from chainrule.compiled.codegen.elementwise_kernels import activation_kernel
from chainrule.compiled.kernel_loader import Program, address_of

numbers = b""
for name in ("relu", "tanh"):
    f = ACTIVATIONS[name]
    forward, backward = activation_kernel(f, np.float64).owners
    z, a, b, k = np.linspace(-2, 2, 12), np.zeros(12), np.zeros(12), np.zeros(1)
    Program(forward, 7)(*map(address_of, (z, a, b)), 1, 12, 12, address_of(k))
    da, db = np.ones(12), np.zeros(12)
    Program(backward, 8)(*map(address_of, (da, z, a, db)), 1, 12, 12, address_of(k))
    assert np.abs(a - f.f(z)).max() < 1e-14, a
    assert np.abs(da - f.df(z, a)).max() < 1e-14, da
    assert a.any() and da.any()
    numbers += a.tobytes() + da.tobytes()
# Only compiling imports this module.
print(int("chainrule.compiled.codegen.loops" in sys.modules), numbers.hex())
"""


class Output(NamedTuple):
    """The output of a process: whether it compiled anything, and the numbers that it computed."""

    compiled: bool
    numbers: str


class Tree(NamedTuple):
    """A copy of the package, and a cache folder."""

    source: Path
    folder: Path

    def start(
        self, folder: Path | str | None = None, program: str = ACTIVATE, **settings: str
    ) -> subprocess.Popen[str]:
        """Start a process on this copy; empty settings are removed from its environment."""
        places = {"PYTHONPATH": str(self.source), "CHAINRULE_CACHE_DIR": str(folder or self.folder)}
        given = {**os.environ, **places, **settings}
        return subprocess.Popen(
            [sys.executable, "-c", program],
            env={k: v for k, v in given.items() if v},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, folder: Path | str | None = None, program: str = ACTIVATE, **settings: str
    ) -> Output:
        """Run a process on this copy to its end and return its output."""
        with self.start(folder, program, **settings) as process:
            return output_of(process)

    def files(self) -> dict[str, bytes]:
        """Return the contents of the files in the cache folder, by name."""
        return contents(self.folder)

    def edit(self, file: str, change: Callable[[str], str]) -> Callable[[], None]:
        """Change a file; return a function that undoes the change."""
        path = self.source / "chainrule" / file
        text = path.read_text()
        assert change(text) != text
        path.write_text(change(text))
        return lambda: discard(path.write_text(text))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the contents of the files in a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def discard(_: object) -> None:
    """Ignore a value."""


def output_of(process: subprocess.Popen[str]) -> Output:
    """Wait for a process and parse its output."""
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    passes, numbers = out.split()
    return Output(int(passes) > 0, numbers)


def copy_of_package(folders: pytest.TempPathFactory) -> Tree:
    """Return a copy of the package, without the kernels that come with it, and an empty cache."""
    made = Tree(folders.mktemp("tree"), folders.mktemp("cache") / "inner")
    ignored = shutil.ignore_patterns("__pycache__", "prebuilt")
    shutil.copytree(Path(chainrule.__file__).parent, made.source / "chainrule", ignore=ignored)
    return made
