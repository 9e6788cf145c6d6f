"""Kernels that come with the package: used first, ignored if they do not fit, equal to compiled.

The archives here have a few kernels only; tests/repository/test_wheel.py has those of a wheel.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

pytest.importorskip("numba")

from chainrule.activations import ACTIVATIONS
from chainrule.compiled import choice, prebuilding
from chainrule.compiled.cache import object_cache, prebuilt, sources, targets
from chainrule.compiled.cache.machine_code import Built
from chainrule.compiled.codegen import elementwise_kernels
from chainrule.errors import InputError, UnknownNameError
from chainrule.losses import LOSSES
from chainrule.multilayer import mlp
from chainrule.optimizers import OPTIMIZERS, Optimizer
from tests.compiled.trees import ACTIVATE, Output, Tree, copy_of_package, output_of
from tests.rows import few_rows

HERE = targets.of_this_machine()
LEVEL = pytest.mark.skipif(HERE is None, reason="no kernels are built for this machine")
NAME = HERE.name if HERE else "none"


def loops_of(*names: str) -> dict[str, Built]:
    """Return the loops of activations in double precision by key, from the cache or compiled."""
    return {
        str(loop.key): object_cache.kept(loop.name, loop.key, loop.build)
        for name in names
        for loop in elementwise_kernels.activation_loops(ACTIVATIONS[name], np.float64)
    }


@pytest.fixture(scope="module")
def whole() -> bytes:
    """Return an archive with the kernels that the tests' program needs."""
    return prebuilt.to_bytes(NAME, loops_of("relu", "tanh"), "for a test")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a copy of the package, without an archive."""
    return copy_of_package(tmp_path_factory)


@pytest.fixture(scope="module")
def numbers(tree) -> str:
    """Return the numbers of a process that compiles."""
    compiled = tree.run()
    assert compiled.compiled
    return compiled.numbers


def put(tree: Tree, content: bytes, name: str = NAME) -> Path:
    """Write an archive into the tree and return its path."""
    folder = tree.source / "chainrule" / "compiled" / prebuilt.FOLDER.name
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}{prebuilt.SUFFIX}"
    path.write_bytes(content)
    return path


# ---- used, or ignored ---------------------------------------------------------------------------


@LEVEL
def test_a_process_uses_the_archive_and_nothing_else(tree, whole, numbers, tmp_path):
    put(tree, whole)
    empty = tmp_path / "cache"
    assert tree.run(empty) == Output(compiled=False, numbers=numbers)
    assert not empty.exists()


def first_code(whole: bytes) -> int:
    """Return the position of the first kernel's code in an archive."""
    size = int.from_bytes(whole[prebuilt.START - prebuilt.SIZE : prebuilt.START])
    return prebuilt.START + size


def changed(whole: bytes, place: int) -> bytes:
    """Return an archive with one byte changed."""
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda whole: whole[: len(whole) // 2],
    "last byte missing": lambda whole: whole[:-1],
    "empty": lambda _: b"",
    "byte of the index": lambda whole: changed(whole, prebuilt.START + 8),
    "byte of the first kernel": lambda whole: changed(whole, first_code(whole) + 40),
    "of another format": lambda whole: b"chainrule kernels 0\n" + whole[len(prebuilt.FORMAT) :],
    "of another machine": lambda _: prebuilt.to_bytes("another", loops_of("relu"), ""),
}


@LEVEL
@pytest.mark.parametrize("damage", few_rows(DAMAGE, "truncated"))
def test_what_does_not_fit_is_compiled_instead(damage, tree, whole, numbers, tmp_path):
    put(tree, DAMAGE[damage](whole))
    assert tree.run(tmp_path) == Output(compiled=True, numbers=numbers)


@LEVEL
def test_edited_sources_are_compiled_instead(tree, whole, numbers, tmp_path):
    put(tree, whole)
    back = tree.edit("compiled/kernels/tiny.py", lambda text: text + "\n")
    edited = tree.run(tmp_path / "edited")
    back()
    assert edited == Output(compiled=True, numbers=numbers)
    assert not tree.run(tmp_path / "restored").compiled


@LEVEL
def test_numbas_settings_are_obeyed(tree, whole, tmp_path):
    put(tree, whole)
    assert tree.run(tmp_path, NUMBA_CPU_NAME="generic").compiled


@LEVEL
def test_every_kernel_in_an_archive_is_found_and_no_other(whole, tmp_path):
    path = tmp_path / "kernels"
    path.write_bytes(whole)
    archive = prebuilt.opened.__wrapped__(path, NAME)
    assert archive is not None
    made = loops_of("relu", "tanh")
    assert {key: archive.read(key) for key in made} == made
    assert archive.read("another") is None


def test_a_process_that_edited_its_sources_uses_none(whole, tmp_path, monkeypatch):
    path = tmp_path / "kernels"
    path.write_bytes(whole)
    monkeypatch.setattr(sources, "unchanged", lambda: False)
    assert prebuilt.opened.__wrapped__(path, NAME) is None


# ---- the same bytes -----------------------------------------------------------------------------

# Prints hashes of kernels that are compiled in the order of the command line.
COMPILE = """
import hashlib, sys
import numpy as np
from chainrule.compiled import prebuilding
kernels = {kernel.key: kernel for kernel in prebuilding.every_kernel(np.float32)}
found = {key: hashlib.sha256(kernels[key].build().to_bytes()).hexdigest() for key in sys.argv[1:]}
print(*map(found.get, sorted(found)))
"""
KEYS = (
    "('derive', 'float32', ('chainrule.activations.dtanh',), (0,))",
    "layer_kernels.gather.float32",
    "layer_kernels.dropout_backward.float32",
)


def hashes(*keys: str) -> list[str]:
    """Return the hashes of kernels, compiled in this order in a new process."""
    command = [sys.executable, "-c", COMPILE, *keys]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def test_machine_code_does_not_depend_on_what_was_compiled_before():
    assert hashes(*KEYS) == hashes(*KEYS[::-1])


@LEVEL
@pytest.mark.full_only
@pytest.mark.parametrize("dtype", prebuilding.DTYPES)
def test_all_kernels_compiled_ahead_are_those_compiled_when_used(dtype, monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "one"))
    ((name, content),) = prebuilding.archives((NAME,))
    path = tmp_path / name
    path.write_bytes(content)
    archive = prebuilt.opened.__wrapped__(path, name)
    assert archive is not None
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "other"))
    for kernel in prebuilding.every_kernel(np.dtype(dtype).type):
        built = object_cache.kept(kernel.name, kernel.key, kernel.build)
        assert archive.read(kernel.key) == built, kernel.key


# ---- everything registered ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", prebuilding.DTYPES)
def test_every_standard_kernel_has_a_key_of_its_own(dtype):
    kernels = list(prebuilding.every_kernel(np.dtype(dtype).type))
    assert len({kernel.key for kernel in kernels}) == len(kernels)
    assert "None" not in {kernel.key for kernel in kernels}


def test_formulas_that_a_run_loads_are_among_them(monkeypatch):
    """No matter how the loops of a part are requested, their keys are among the standard ones."""
    asked: set[str | None] = set()
    monkeypatch.setattr(
        elementwise_kernels,
        "loaded",
        lambda loop: asked.add(loop.key) or elementwise_kernels.Loaded(0, None),
    )
    for f in ACTIVATIONS.values():
        elementwise_kernels.activation_kernel(f, np.float64)
    for loss in LOSSES.values():
        elementwise_kernels.loss_kernel(loss, np.float64)
        elementwise_kernels.link_kernel(loss, np.float64)
    for rule in OPTIMIZERS.values():
        if isinstance(rule, Optimizer):
            elementwise_kernels.update_kernel.__wrapped__(type(rule), np.float64)
    assert asked
    assert asked <= {kernel.key for kernel in prebuilding.every_kernel(np.float64)}


# ---- kinds of machines --------------------------------------------------------------------------


def with_features(monkeypatch: pytest.MonkeyPatch, *names: str) -> targets.Target | None:
    """Return the target of a machine with other features."""
    monkeypatch.setattr(targets, "features", lambda: frozenset(names))
    monkeypatch.setattr(targets, "architecture", lambda: "x86-64")
    monkeypatch.setattr(sys, "platform", "linux")
    return targets.of_this_machine.__wrapped__()


V4 = targets.NEEDS["x86-64-v4"]


def test_the_highest_level_that_a_processor_has_is_chosen(monkeypatch):
    assert with_features(monkeypatch, *V4, "vaes") == targets.TARGETS["linux-x86-64-v4"]
    assert with_features(monkeypatch, *V4 - {"avx512bw"}) == targets.TARGETS["linux-x86-64-v3"]
    assert with_features(monkeypatch, *V4 - {"fma"}) is None


BELOW = """
from chainrule.compiled.cache import targets
targets.features, targets.architecture = frozenset, lambda: "x86-64"
"""


@pytest.mark.full_only
def test_below_every_level_it_compiles_for_the_processor(tree, tmp_path):
    with tree.start(tmp_path, BELOW + ACTIVATE) as process:
        assert output_of(process).compiled  # the program compares the numbers with the formulas'


def test_a_process_compiles_for_one_kind_of_machine_only():
    from chainrule.compiled.cache import building  # noqa: F401 (it has the target)

    with pytest.raises(InputError, match="this process already compiles; start a new one"):
        targets.compile_for("linux-aarch64")


def test_an_unknown_target_is_an_error():
    assert prebuilding.chosen("all") == tuple(targets.TARGETS)
    with pytest.raises(UnknownNameError, match="did you mean 'linux-aarch64'"):
        prebuilding.chosen("linux-arch64")


CROSS = """
import sys
import numpy as np
from chainrule.compiled.cache import targets
targets.compile_for(sys.argv[1])
from chainrule.compiled import prebuilding
kernels = {kernel.key: kernel for kernel in prebuilding.every_kernel(np.float32)}
sys.stdout.buffer.write(kernels[sys.argv[2]].build().code)
"""
# The first bytes of object files: ELF's, with the number of the processor; Mach-O's; COFF's.
ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
MACH_O = {"x86_64": 0x01000007, "arm64": 0x0100000C}


# A program with threads; a loop in which Numba counts references, for which it has code of its own.
FOREIGN = (
    "batches.run_batches.float32",
    "('activate', 'float32', ('chainrule.activations.elu',), (1,))",
)


@pytest.mark.parametrize("key", few_rows(FOREIGN, FOREIGN[1]))
@pytest.mark.parametrize("name", few_rows(targets.TARGETS, "linux-aarch64"))
def test_object_files_have_the_format_of_their_system(name, key):
    done = subprocess.run(
        [sys.executable, "-c", CROSS, name, key],
        stdout=subprocess.PIPE,
        check=True,
    )
    code, target = done.stdout, targets.TARGETS[name]
    architecture = target.triple.partition("-")[0]
    if target.windows:
        assert int.from_bytes(code[:2], "little") == 0x8664
    elif name.startswith("darwin"):
        assert code[:4] == bytes.fromhex("cffaedfe")
        assert int.from_bytes(code[4:8], "little") == MACH_O[architecture]
    else:
        assert code[:4] == b"\x7fELF"
        assert int.from_bytes(code[18:20], "little") == ELF_MACHINES[architecture]
    assert any(section.is_text() for section in llvm.ObjectFileRef.from_data(code).sections())


# ---- without Numba ------------------------------------------------------------------------------


@LEVEL
def test_standard_networks_need_no_numba(monkeypatch, whole, tmp_path):
    monkeypatch.setattr(choice, "installed", lambda name: name != "numba")
    net = mlp(2, 2, 1, activation="tanh", loss="squared-error")
    assert choice.describe(net, "adam", rows=4).engine == "reference"
    monkeypatch.setattr(prebuilt, "archive", lambda: prebuilt.Archive(tmp_path, {}))
    assert choice.describe(net, "adam", rows=4).engine == "compiled"
