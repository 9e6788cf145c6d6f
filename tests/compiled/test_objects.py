"""Compiled functions on disk: right after any edit, whoever writes them, however they are torn.

Each process works on a copy of the package, which is edited, and compares its own compiled run with
its own reference; how long anything takes is not asked.
"""

import functools
import inspect
import linecache
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("numba")

import chainrule
from chainrule.activations import ACTIVATIONS, Custom
from chainrule.compiled import helper, kernels, objects, sources, translation
from chainrule.losses import LOSSES
from chainrule.network import mlp
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.training import train

PROGRAM = """
import numpy as np
from numba.core import event
from chainrule import SGD, mlp, train

x = np.linspace(-2, 2, 12).reshape(4, 3)
net = mlp(3, 4, 2, activation="relu", loss="squared-error")
start = np.linspace(-0.2, 0.5, net.layout.size)
runs = [train(net, x, x[:, :2], SGD(0.1), epochs=4, theta=start, engine=e) for e in
        ("compiled", "reference")]
with event.install_recorder("numba:run_pass") as passes:
    for run in runs:
        run.finish()
fast, slow = (run.theta for run in runs)
assert np.abs(fast - slow).max() < 1e-14, (fast, slow)
assert [run.state.engine for run in runs] == ["compiled", "reference"]
assert (fast != start).any()
print(len(passes.buffer), fast.tobytes().hex())
"""


class Told(NamedTuple):
    """What a process did: passes of the compiler, and its θ."""

    compiled: bool
    theta: str


class Tree(NamedTuple):
    """A copy of the package, and a folder for what is compiled."""

    source: Path
    folder: Path

    def start(
        self, folder: Path | str | None = None, program: str = PROGRAM
    ) -> subprocess.Popen[str]:
        """Start a process on this copy."""
        places = {"PYTHONPATH": str(self.source), "CHAINRULE_CACHE_DIR": str(folder or self.folder)}
        return subprocess.Popen(
            [sys.executable, "-c", program], env={**os.environ, **places},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, folder: Path | str | None = None) -> Told:
        """Run a process on this copy to its end."""
        with self.start(folder) as process:
            return told(process)

    def files(self) -> dict[str, bytes]:
        """Return what lies in the folder."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def edit(self, file: str, change: Callable[[str], str]) -> Callable[[], None]:
        """Change a file; return what changes it back."""
        path = self.source / "chainrule" / file
        text = path.read_text()
        assert change(text) != text
        path.write_text(change(text))
        return lambda: void(path.write_text(text))


def void(_: object) -> None:
    """Return nothing."""


def told(process: subprocess.Popen[str]) -> Told:
    """Wait for a process and read what it says."""
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    passes, theta = out.split()
    return Told(int(passes) > 0, theta)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a copy of the package with an empty folder."""
    made = Tree(tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("cache") / "inner")
    package = Path(chainrule.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, made.source / "chainrule", ignore=ignored)
    return made


@pytest.fixture(scope="module")
def first(tree) -> list[Told]:
    """Return what two processes say that start together, with an empty folder."""
    with tree.start() as one, tree.start() as other:
        return [told(one), told(other)]


@pytest.fixture
def theta(first) -> str:
    """Return θ as it is right."""
    return first[0].theta


# ---- processes ----------------------------------------------------------------------------------


def test_two_that_start_together_are_both_right(first, tree):
    assert first[0].theta == first[1].theta
    assert first[0].compiled
    assert {Path(name).suffix for name in tree.files()} == {".bin"}  # nothing half done is left


def test_the_next_one_compiles_nothing(tree, theta):
    before = tree.files()
    assert tree.run() == Told(compiled=False, theta=theta)
    assert tree.files() == before


WITHOUT_NUMBA = """
import sys, numpy as np
from chainrule import SGD, mlp, train

x = np.linspace(-2, 2, 12).reshape(4, 3)
net = mlp(3, 4, 2, activation="relu", loss="squared-error")
start = np.linspace(-0.2, 0.5, net.layout.size)
run = train(net, x, x[:, :2], SGD(0.1), epochs=4, theta=start, engine="compiled")
run.finish()
print(int("numba" in sys.modules), run.theta.tobytes().hex())
"""


def test_the_next_one_does_not_even_import_numba(tree, theta):
    tree.run()
    with tree.start(program=WITHOUT_NUMBA) as process:
        assert told(process) == Told(compiled=False, theta=theta)


def doubled(text: str) -> str:
    """Return activations.py with twice the slope of ReLU."""
    text = text.replace(
        "return where(real(z) > 0, z, 0 * z)", "return where(real(z) > 0, 2 * z, 0 * z)"
    )
    return text.replace(
        "return where(real(z) > 0, 1.0, 0 * z)", "return where(real(z) > 0, 2.0, 0 * z)"
    )


def test_an_edit_is_seen_and_undone(tree, theta):
    before = tree.files()
    back = tree.edit("activations.py", doubled)
    edited = tree.run()
    back()
    assert edited.compiled
    assert edited.theta != theta
    assert before.items() < tree.files().items()
    both = tree.files()
    assert tree.run() == Told(compiled=False, theta=theta)
    assert tree.files() == both


EDITED_MEANWHILE = (
    """
import sys
from pathlib import Path
import chainrule.training

path = Path(chainrule.training.__file__).parent / "activations.py"
path.write_text(path.read_text() + "\\n")
"""
    + PROGRAM
)


def test_an_edit_under_a_running_process_poisons_nothing(tree, theta):
    """What is in its memory is no longer what the files say: it keeps and finds nothing."""
    before, back = tree.files(), tree.edit("activations.py", lambda text: text + "\n")
    with tree.start(program=EDITED_MEANWHILE) as process:
        assert told(process) == Told(compiled=True, theta=theta)
    back()
    assert tree.files() == before


DOUBLED_MEANWHILE = EDITED_MEANWHILE.replace(
    'read_text() + "\\n"', 'read_text().replace("e = exp(", "e = 2 * exp(")'
).replace('activation="relu"', 'activation="logistic"')


def test_an_edit_under_a_running_process_that_changes_a_formula_is_refused(tree):
    back = tree.edit("activations.py", lambda text: text + "\n")
    with tree.start(program=DOUBLED_MEANWHILE) as process:
        _, errors = process.communicate(timeout=300)
    back()
    assert process.returncode == 1
    assert "no longer what its file says" in errors


def test_every_source_of_the_engine_counts():
    root = Path(chainrule.__file__).parent
    assert {*sources.FILES} >= {*root.glob("compiled/*.py")}
    assert sources.unchanged()
    rules = [rule.rule for rule in OPTIMIZERS.values() if isinstance(rule, Optimizer)]
    losses = [f for loss in LOSSES.values() for f in (loss.f, loss.df)]
    formulas = [g for f in ACTIVATIONS.values() for g in (f.f, f.df)]
    every = [f for f in (*rules, *losses, *formulas) if isinstance(f, FunctionType)]
    reached = {id(f): f for g in every for f in (g, *translation.named_values(g))}.values()
    own = {Path(inspect.getfile(f)) for f in reached if isinstance(f, FunctionType)}
    assert own <= {*sources.FILES}


# ---- folders and files --------------------------------------------------------------------------


def test_torn_files_are_written_anew(tree, theta):
    paths = sorted(tree.folder.iterdir())
    for number, path in enumerate(paths):
        whole = path.read_bytes()
        path.write_bytes((whole[: len(whole) // 2], b"", b"torn" + whole, whole[::-1])[number % 4])
    damaged = tree.files()
    found = tree.run()
    assert found == Told(compiled=True, theta=theta)
    mended = [name for name, data in tree.files().items() if damaged[name] != data]
    assert mended
    assert tree.run() == Told(compiled=False, theta=theta)


def test_a_folder_that_cannot_be_written(tree, theta):
    assert tree.run("/dev/null/nowhere") == Told(compiled=True, theta=theta)


def test_where_the_folder_is(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    assert objects.folder() == tmp_path
    monkeypatch.delenv("CHAINRULE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert objects.folder() == tmp_path / "chainrule"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert str(objects.folder()).endswith("chainrule")


def typed(text: str) -> Callable[..., Any]:
    """Return a function as it was typed into a notebook: it has a text, but no file."""
    name = f"<cell {len(text)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {}
    exec(compile(text, name, "exec"), names)  # noqa: S102
    return names["f"]


def test_what_has_no_file_is_compiled_but_not_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    own = Custom("typed", typed("def f(z):\n    return 0.25 * z * z + z\n"))
    net = mlp(3, 2, activation=own, loss="squared-error")
    x = np.ones((4, 3))
    runs = [train(net, x, x[:, :2], "sgd", epochs=2, engine=e) for e in ("compiled", "reference")]
    fast, slow = (run.finish() and run.theta for run in runs)
    assert np.abs(fast - slow).max() < 1e-14
    assert not [*tmp_path.glob("activate-*"), *tmp_path.glob("derive-*")]


# ---- the other process --------------------------------------------------------------------------


def test_two_processes_share_every_kernel_between_them():
    names = ["batches.run_batches", *kernels.layer_kernels([0, 1, 2, 3], backward=True)]
    mine, theirs = helper.shared(names)
    assert sorted([*mine, *theirs]) == sorted(names)
    assert mine
    assert theirs


NAMES = "passes.dropout_forward", "passes.dropout_backward"


@pytest.fixture
def fresh(monkeypatch, tmp_path) -> Path:
    """Return an empty folder for what is compiled, in a process that has compiled nothing."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(helper, "processors", lambda: 2)
    monkeypatch.setattr(kernels, "IN_MEMORY", {})
    monkeypatch.setattr(helper, "IN_MEMORY", kernels.IN_MEMORY)
    return tmp_path


def test_the_other_process_keeps_what_this_one_needs(fresh, monkeypatch):
    monkeypatch.setattr(helper, "shared", lambda names: ([], [*names]))
    with helper.built_beside(NAMES, np.float32):
        pass
    assert all(helper.is_there(name, np.float32) for name in NAMES)
    assert len([*fresh.iterdir()]) == 2


@pytest.mark.parametrize("executable", ["python-that-fails", "python-that-is-not", "uwsgi"])
def test_another_process_that_fails_costs_nothing_but_time(
    fresh, monkeypatch, tmp_path_factory, executable
):
    place = tmp_path_factory.mktemp("programs") / executable
    if executable.endswith("fails"):
        place.symlink_to("/bin/false")
    monkeypatch.setattr(sys, "executable", str(place))
    with helper.built_beside(NAMES, np.float32):
        pass
    made = [helper.kernel(name, np.float32) for name in NAMES]
    assert all(one.address for one in made)
    assert len([*fresh.iterdir()]) == 2


def test_no_process_is_left_behind_by_an_error(fresh, monkeypatch):
    started: list[Any] = []
    start = helper.start
    monkeypatch.setattr(helper, "start", lambda *given: started.append(start(*given)) or started[0])
    with pytest.raises(KeyboardInterrupt), helper.built_beside(NAMES, np.float32):
        raise KeyboardInterrupt
    assert started[0].poll() is not None


# ---- what is said -------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [True, False])
def test_compiling_is_announced_once_in_a_terminal(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    fresh = functools.cache(objects.announce.__wrapped__)
    for _ in range(2):
        fresh()
    printed = capsys.readouterr().err
    assert printed.count("chainrule: compiling for this machine, once") == terminal
