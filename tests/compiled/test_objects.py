"""The cache of compiled functions: correct after edits, with concurrent writers and damaged files.

Each process uses a copy of the package, which the tests edit, and compares what it compiles with
the reference engine. Most tests compile two activations only, since every function is stored in the
same way. Speed is not tested here.
"""

import functools
import inspect
import io
import linecache
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import chainrule
from chainrule.activations import ACTIVATIONS, Custom
from chainrule.compiled import kernel_loader, parallel_build
from chainrule.compiled.cache import object_cache, sources
from chainrule.compiled.codegen import translation
from chainrule.losses import LOSSES
from chainrule.multilayer import mlp
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.training import train
from tests.compiled.trees import ACTIVATE, Output, Tree, contents, copy_of_package, output_of
from tests.rows import few_rows

TRAIN = """
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


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a copy of the package with an empty cache folder."""
    return copy_of_package(tmp_path_factory)


@pytest.fixture(scope="module")
def first(tree) -> Output:
    """Return the output of the first process with an empty cache folder."""
    return tree.run()


@pytest.fixture
def numbers(first) -> str:
    """Return the correct numbers."""
    return first.numbers


@pytest.fixture(scope="module")
def filled(tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tests' cache folder, with all kernels that TRAIN uses."""
    place, shared = tmp_path_factory.mktemp("cache") / "filled", object_cache.folder()
    if shared is not None and shared.exists():
        shutil.copytree(shared, place, ignore=shutil.ignore_patterns(f"*{object_cache.PART}"))
    tree.run(place, TRAIN)
    return place


# ---- processes ----------------------------------------------------------------------------------


def test_two_processes_that_start_together(tree, tmp_path):
    with tree.start(tmp_path) as one, tree.start(tmp_path) as other:
        outputs = [output_of(one), output_of(other)]
    assert outputs[0].numbers == outputs[1].numbers
    assert outputs[0].compiled
    assert {path.suffix for path in tmp_path.iterdir()} == {".bin"}  # no partial file is left


def test_the_next_process_compiles_nothing(tree, first):
    assert first.compiled
    before = tree.files()
    assert tree.run() == Output(compiled=False, numbers=first.numbers)
    assert tree.files() == before


def test_the_next_process_trains_without_compiling(tree, filled):
    before = contents(filled)
    assert not tree.run(filled, TRAIN).compiled
    assert contents(filled) == before


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


def test_the_next_process_does_not_import_numba(tree, filled):
    trained = tree.run(filled, TRAIN)
    assert tree.run(filled, WITHOUT_NUMBA) == Output(compiled=False, numbers=trained.numbers)


def doubled(text: str) -> str:
    """Return activations.py with twice the slope of ReLU."""
    text = text.replace(
        "return where(real(z) > 0, z, 0 * z)", "return where(real(z) > 0, 2 * z, 0 * z)"
    )
    return text.replace(
        "return where(real(z) > 0, 1.0, 0 * z)", "return where(real(z) > 0, 2.0, 0 * z)"
    )


def test_an_edit_and_its_reversal_take_effect(tree, numbers):
    before = tree.files()
    back = tree.edit("activations.py", doubled)
    edited = tree.run()
    back()
    assert edited.compiled
    assert edited.numbers != numbers
    assert before.items() < tree.files().items()
    both = tree.files()
    assert tree.run() == Output(compiled=False, numbers=numbers)
    assert tree.files() == both


EDITED_MEANWHILE = (
    """
from pathlib import Path
from chainrule import activations
from chainrule.compiled.cache import sources  # notes the files as they are now

path = Path(activations.__file__)
path.write_text(path.read_text() + "\\n")
"""
    + ACTIVATE
)


@pytest.mark.full_only
def test_an_edit_during_a_process_leaves_the_cache_correct(tree, numbers):
    """Its code in memory differs from the files, so it neither stores nor loads anything."""
    before, back = tree.files(), tree.edit("activations.py", lambda text: text + "\n")
    with tree.start(program=EDITED_MEANWHILE) as process:
        assert output_of(process) == Output(compiled=True, numbers=numbers)
    back()
    assert tree.files() == before


DOUBLED_MEANWHILE = EDITED_MEANWHILE.replace(
    'read_text() + "\\n"', 'read_text().replace("e = exp(", "e = 2 * exp(")'
).replace('"relu"', '"logistic"')


def test_an_edit_of_a_formula_during_a_process_raises(tree):
    back = tree.edit("activations.py", lambda text: text + "\n")
    with tree.start(program=DOUBLED_MEANWHILE) as process:
        _, errors = process.communicate(timeout=300)
    back()
    assert process.returncode == 1
    assert "has changed since it was imported" in errors


def test_the_key_depends_on_every_source_file():
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


# ---- Numba's settings ---------------------------------------------------------------------------

# Settings that joblib uses in its workers, and others that do not change the code.
HARMLESS = {
    "NUMBA_NUM_THREADS": "1",
    "NUMBA_THREADING_LAYER": "workqueue",
    "NUMBA_CACHE_DIR": "elsewhere",
    "NUMBA_FULL_TRACEBACKS": "1",
    "NUMBA_DISABLE_PERFORMANCE_WARNINGS": "1",
    "OMP_NUM_THREADS": "1",
}


def key() -> str:
    """Return the key that a new process computes."""
    return object_cache.engine_key.__wrapped__()


@pytest.mark.parametrize("name", HARMLESS)
def test_settings_that_do_not_affect_code_keep_the_key(name, monkeypatch):
    before = key()
    monkeypatch.setenv(name, HARMLESS[name])
    assert key() == before


@pytest.mark.parametrize("name", ["CPU_NAME", "CPU_FEATURES", "OPT", "BOUNDSCHECK", "ENABLE_AVX"])
def test_settings_that_affect_code_change_the_key(name, monkeypatch):
    before = key()
    monkeypatch.setenv(f"NUMBA_{name}", "0")
    assert key() != before


def test_numbas_settings_file_changes_the_key(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = key()
    (tmp_path / ".numba_config.yaml").write_text("cpu_name: generic\n")
    assert key() != before


def test_unrelated_settings_do_not_cause_compilation(tree, numbers):
    before = tree.files()
    assert tree.run(**HARMLESS) == Output(compiled=False, numbers=numbers)
    assert tree.files() == before


@pytest.mark.full_only
def test_code_for_another_processor_is_stored_separately(tree, numbers):
    before = tree.files()
    assert tree.run(NUMBA_CPU_NAME="generic").compiled
    both = tree.files()
    assert before.items() < both.items()
    assert tree.run(NUMBA_CPU_NAME="generic").compiled is False
    assert tree.run() == Output(compiled=False, numbers=numbers)
    assert tree.files() == both


# ---- folders and files --------------------------------------------------------------------------


def test_damaged_files_are_replaced(tree, numbers):
    paths = sorted(tree.folder.iterdir())
    for number, path in enumerate(paths):
        whole = path.read_bytes()
        path.write_bytes((whole[: len(whole) // 2], b"", b"torn" + whole, whole[::-1])[number % 4])
    damaged = tree.files()
    found = tree.run()
    assert found == Output(compiled=True, numbers=numbers)
    mended = [name for name, data in tree.files().items() if damaged[name] != data]
    assert mended
    assert tree.run() == Output(compiled=False, numbers=numbers)


@pytest.mark.full_only
def test_a_folder_that_cannot_be_created(tree, numbers):
    assert tree.run("/dev/null/nowhere") == Output(compiled=True, numbers=numbers)


# Without a folder in the environment, the account's home is used, and this account has none.
NO_ACCOUNT = """
import pwd

def missing(number):
    raise KeyError("no such account")

pwd.getpwuid = missing
"""
HOMES = {"none": ("", NO_ACCOUNT), "not to be written": ("/dev/null", "")}


@pytest.mark.parametrize("home", few_rows(HOMES, "none"))
def test_without_a_home_folder(home, tree, numbers):
    place, account = HOMES[home]
    nowhere = {"CHAINRULE_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": place}
    with tree.start(program=account + ACTIVATE, **nowhere) as process:
        out, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (0, "")
    assert out.split()[1] == numbers


@pytest.mark.parametrize("place", ["/dev/null/nowhere", "x" * 300, None])
def test_nothing_is_stored_in_an_unusable_folder(place, monkeypatch, tmp_path):
    """A name that is too long fails for every user, like another user's folder."""
    monkeypatch.setattr(object_cache, "folder", lambda: place and tmp_path / place)
    monkeypatch.setattr(parallel_build, "IN_MEMORY", {})  # forget what other tests have compiled
    assert not parallel_build.is_built(NAMES[0], np.float32)
    assert not object_cache.keeps()
    loaded = object_cache.compiled("name", "key", lambda: kernel_loader.built(NAMES[0], np.float32))
    assert loaded.address
    assert [*tmp_path.iterdir()] == []


def test_the_location_of_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    assert object_cache.folder() == tmp_path
    monkeypatch.delenv("CHAINRULE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert object_cache.folder() == tmp_path / "chainrule"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert str(object_cache.folder()).endswith("chainrule")


def typed(text: str) -> Callable[..., Any]:
    """Return a function as if typed into a notebook: it has source text, but no file."""
    name = f"<cell {len(text)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {}
    exec(compile(text, name, "exec"), names)  # noqa: S102
    return names["f"]


def loops_in(folder: Path) -> set[str]:
    """Return the names of the stored loops of activations."""
    return {name for name in contents(folder) if name.startswith(("activate-", "derive-"))}


def test_functions_without_a_file_are_compiled_but_not_stored(monkeypatch, filled):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(filled))
    before = loops_in(filled)
    own = Custom("typed", typed("def f(z):\n    return 0.25 * z * z + z\n"))
    net = mlp(3, 2, activation=own, loss="squared-error")
    x = np.ones((4, 3))
    runs = [train(net, x, x[:, :2], "sgd", epochs=2, engine=e) for e in ("compiled", "reference")]
    fast, slow = (run.finish() and run.theta for run in runs)
    assert np.abs(fast - slow).max() < 1e-14
    assert loops_in(filled) == before


# ---- partial files ------------------------------------------------------------------------------

BUILT = object_cache.Built("f", (), b"code" * 10_000)


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("where", [(object_cache.Built, "to_bytes"), (Path, "replace")])
def test_an_error_leaves_no_partial_file(where, error, monkeypatch, tmp_path):
    def failing(*_: object) -> None:
        assert [path.suffix for path in tmp_path.iterdir()] == [object_cache.PART]
        raise error

    monkeypatch.setattr(*where, failing)
    expectation = pytest.raises(type(error)) if not isinstance(error, OSError) else nullcontext()
    with expectation:
        object_cache.write(tmp_path / "f.bin", BUILT)
    assert [*tmp_path.iterdir()] == []


def test_a_full_disk_leaves_no_partial_file(tmp_path):
    old = object_cache.Built("f", (), b"old")
    object_cache.write(tmp_path / "f.bin", old)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        object_cache.write(tmp_path / "f.bin", BUILT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["f.bin"]
    assert object_cache.read(tmp_path / "f.bin") == old
    object_cache.write(tmp_path / "f.bin", BUILT)
    assert [path.name for path in tmp_path.iterdir()] == ["f.bin"]
    assert object_cache.read(tmp_path / "f.bin") == BUILT


def test_partial_files_of_killed_processes_are_removed_later(tmp_path):
    ages = {"1-old.part": 2 * object_cache.FORGOTTEN, "2-young.part": 10.0, "old.bin": 10**6}
    for name, age in ages.items():
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    object_cache.write(tmp_path / "f.bin", BUILT)
    assert {path.name for path in tmp_path.iterdir()} == {"2-young.part", "old.bin", "f.bin"}


# ---- the other process --------------------------------------------------------------------------


def test_kernels_are_divided_between_two_processes():
    names = ["batches.run_batches", *kernel_loader.layer_kernels([0, 1, 2, 3], backward=True)]
    mine, theirs = parallel_build.shared(names)
    assert sorted([*mine, *theirs]) == sorted(names)
    assert mine
    assert theirs


NAMES = "layer_kernels.dropout_forward", "layer_kernels.dropout_backward"


@pytest.fixture
def fresh(monkeypatch, tmp_path) -> Path:
    """Return an empty cache folder, in a process that has compiled nothing."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(parallel_build, "processors", lambda: 2)
    monkeypatch.setattr(kernel_loader, "IN_MEMORY", {})
    monkeypatch.setattr(parallel_build, "IN_MEMORY", kernel_loader.IN_MEMORY)
    return tmp_path


def test_the_other_process_stores_what_this_one_needs(fresh, monkeypatch):
    monkeypatch.setattr(parallel_build, "shared", lambda names: ([], [*names]))
    with parallel_build.build_in_parallel(NAMES, np.float32):
        pass
    assert all(parallel_build.is_built(name, np.float32) for name in NAMES)
    assert len([*fresh.iterdir()]) == 2


@pytest.mark.parametrize("executable", ["python-that-fails", "python-that-is-not", "uwsgi"])
def test_a_failure_of_the_other_process_costs_only_time(
    fresh, monkeypatch, tmp_path_factory, executable
):
    place = tmp_path_factory.mktemp("programs") / executable
    if executable.endswith("fails"):
        place.symlink_to("/bin/false")
    monkeypatch.setattr(sys, "executable", str(place))
    with parallel_build.build_in_parallel(NAMES, np.float32):
        pass
    made = [parallel_build.kernel(name, np.float32) for name in NAMES]
    assert all(one.address for one in made)
    assert len([*fresh.iterdir()]) == 2


def test_an_error_leaves_no_process_behind(fresh, monkeypatch):
    started: list[Any] = []
    start = parallel_build.start
    monkeypatch.setattr(
        parallel_build, "start", lambda *given: started.append(start(*given)) or started[0]
    )
    with pytest.raises(KeyboardInterrupt), parallel_build.build_in_parallel(NAMES, np.float32):
        raise KeyboardInterrupt
    assert started[0].poll() is not None


WRITES_FOR_EVER = """
import time
from chainrule.compiled.cache import object_cache

object_cache.os.fdopen = lambda *_: time.sleep(300)
object_cache.write(object_cache.folder() / "f.bin", object_cache.Built("f", (), b"code"))
"""


def test_a_killed_process_leaves_no_partial_file(fresh, monkeypatch):
    monkeypatch.setattr(parallel_build, "PROGRAM", WRITES_FOR_EVER)
    (fresh / f"0-of-another{object_cache.PART}").touch()
    with suppress(KeyboardInterrupt), parallel_build.build_in_parallel(NAMES, np.float32):
        until = time.monotonic() + 60
        while len([*fresh.iterdir()]) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert len([*fresh.iterdir()]) == 2
        raise KeyboardInterrupt
    assert [path.name for path in fresh.iterdir()] == [f"0-of-another{object_cache.PART}"]


# ---- the announcement ---------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [True, False])
def test_compiling_is_announced_once_in_a_terminal(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    fresh = functools.cache(object_cache.announce.__wrapped__)
    for _ in range(2):
        fresh()
    printed = capsys.readouterr().err
    assert printed.count("chainrule: compiling for this machine, once") == terminal


class ClosedTerminal(io.StringIO):
    """A terminal that has been closed."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        raise BrokenPipeError


def closed() -> io.StringIO:
    """Return a file that is closed."""
    file = io.StringIO()
    file.close()
    return file


@pytest.mark.parametrize("error", [None, object(), closed(), ClosedTerminal()])
def test_no_announcement_without_a_terminal(error, monkeypatch):
    monkeypatch.setattr(sys, "stderr", error)
    object_cache.announce.__wrapped__()


WITHOUT_A_CONSOLE = """
import sys
import numpy as np
from chainrule.compiled import parallel_build
from chainrule.compiled.cache import object_cache

assert sys.stdin is sys.stdout is sys.stderr is None
NAMES = "layer_kernels.dropout_forward", "layer_kernels.dropout_backward"
with parallel_build.build_in_parallel(NAMES, np.float32):
    pass
object_cache.write(object_cache.folder() / "done", object_cache.Built("done", (), b""))
"""


def test_a_program_without_a_console_compiles(tmp_path):
    """As with pythonw, there is no standard input, output or error."""
    command = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, WITHOUT_A_CONSOLE]
    environment = {**os.environ, "CHAINRULE_CACHE_DIR": str(tmp_path)}
    assert subprocess.run(command, env=environment, check=False, timeout=300).returncode == 0
    names = {path.name.partition("-")[0] for path in tmp_path.iterdir()}
    assert names == {"done", "dropout_forward", "dropout_backward"}
