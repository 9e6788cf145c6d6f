"""The choice of engine depends on sizes, rows and batch size only; `train` follows `describe`.

The speed of the engines is not tested here.
"""

import re
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from chainrule.compiled import EngineChoice, choice, describe
from chainrule.errors import InputError, MissingPackageError, UnknownNameError
from chainrule.multilayer import mlp
from chainrule.optimizers import OPTIMIZERS
from chainrule.run_inputs import say_once
from chainrule.training import train

SMALL = mlp(2, 3, 2, activation="tanh", loss="squared-error")
LARGE = mlp(784, 256, 10, activation="relu", loss="softmax-cross-entropy")
X, T = np.ones((4, 2)), np.zeros((4, 2))


# ---- the choice and its description --------------------------------------------------------------


def test_the_choice_depends_on_rows_and_batch_size():
    """Rows and batch size decide together; the optimizer, precision and caches do not."""
    for net in (SMALL, LARGE):
        for rows, batch in ((1, None), (50, 1), (50, 32), (50, 50), (5_000, 512), (5_000, None)):
            chosen = describe(net, rows=rows, batch_size=batch)
            assert chosen.engine == "compiled"
            others = [
                describe(net, name, rows=rows, batch_size=batch, dtype=dtype)
                for name in OPTIMIZERS
                for dtype in (np.float32, "float64")
                if name != "lbfgs"
            ]
            assert {one.threads for one in others} == {chosen.threads}
            assert describe(net, rows=rows, batch_size=max(batch or rows, rows)) == describe(
                net, rows=rows
            )


@pytest.mark.parametrize(
    "setting",
    [
        "NUMBA_DISABLE_JIT=1",
        "NUMBA_BOUNDSCHECK=1",
        "NUMBA_DEBUGINFO=1",
        "NUMBA_OPT=0",
    ],
)
def test_debugging_settings_of_numba_select_the_reference_engine(
    setting: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(*setting.split("="))
    chosen = describe(SMALL, rows=4)
    assert chosen.engine == "reference"
    assert f"does not work with {setting}" in str(chosen)
    with pytest.raises(InputError, match=f"{setting} in the environment; unset it, or use engine="):
        train(SMALL, X, T, epochs=1, engine="compiled")


@pytest.mark.parametrize("setting", ["NUMBA_DISABLE_JIT=0", "NUMBA_OPT=max", "NUMBA_OPT="])
def test_default_settings_of_numba_are_supported(setting: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(*setting.split("="))
    assert describe(SMALL, rows=4).engine == "compiled"


def test_two_threads_start_at_the_measured_amount_of_work(monkeypatch):
    monkeypatch.setattr("chainrule.compiled.threads.allowed", lambda: 2)
    net = mlp(100, 100, 10, activation="relu", loss="squared-error")  # 11,000 per sample
    batches = (10, 54, 55, 500)  # 600,000 are between 54 and 55 samples
    threads = [describe(net, rows=60_000, batch_size=batch).threads for batch in batches]
    assert threads == [1, 1, 2, 2]


def test_the_number_of_threads_depends_on_the_work(monkeypatch):
    monkeypatch.setattr("chainrule.compiled.threads.allowed", lambda: 2)
    assert describe(SMALL, rows=4).threads == 1
    assert describe(LARGE, rows=60_000, batch_size=128).threads == 2
    assert describe(LARGE, rows=60_000, batch_size=1).threads in {1, 2}
    monkeypatch.setattr("chainrule.compiled.threads.allowed", lambda: 1)
    assert describe(LARGE, rows=60_000, batch_size=128).threads == 1


def test_the_engine_of_lbfgs_depends_on_the_work_of_a_call(monkeypatch):
    monkeypatch.setattr("chainrule.compiled.threads.allowed", lambda: 2)
    net = mlp(100, 100, 10, activation="relu", loss="squared-error")  # 11,000 per sample
    chosen = [describe(net, "lbfgs", rows=rows) for rows in (90, 91, 1_818, 1_819)]
    found = [(one.engine, one.threads) for one in chosen]
    assert found == [("reference", 1), ("compiled", 1), ("compiled", 1), ("compiled", 2)]
    assert describe(SMALL, "lbfgs", rows=4, engine="compiled").engine == "compiled"


def test_train_uses_the_described_engine():
    for net, rows, batch in ((SMALL, 4, None), (SMALL, 4, 2), (LARGE, 200, 128)):
        x = np.ones((rows, net.inputs), np.float32)
        run = train(net, x, np.zeros((rows, net.outputs)) + 1 / net.outputs, batch_size=batch)
        assert run.engine_choice == describe(net, rows=rows, batch_size=batch, dtype=np.float32)


def test_the_choice_as_text():
    assert str(describe(SMALL, rows=4)).startswith("compiled engine, 1 thread (small network: ")
    two = EngineChoice("compiled", 2, "why not")
    assert str(two) == "compiled engine, 2 threads (why not)"
    requested = describe(SMALL, rows=4, engine="reference")
    assert str(requested) == "reference engine (requested)"
    lbfgs_choice = describe(SMALL, "lbfgs", rows=4)
    assert str(lbfgs_choice) == (
        "reference engine (48 multiplications in each call of lbfgs: too few for compiled kernels)"
    )
    assert not lbfgs_choice.missing


def test_invalid_requests_raise():
    with pytest.raises(UnknownNameError, match="did you mean 'compiled'"):
        describe(SMALL, rows=4, engine="compile")
    with pytest.raises(UnknownNameError, match="choose one of: auto, compiled, reference"):
        train(SMALL, X, T, engine="numba")
    with pytest.raises(InputError, match="float32 or float64"):
        describe(SMALL, rows=4, dtype="float16")


# ---- without Numba ------------------------------------------------------------------------------


@pytest.mark.parametrize("absent", choice.NEEDED)
def test_missing_packages(absent, monkeypatch):
    monkeypatch.setattr(choice, "installed", lambda name: name != absent)
    say_once.cache_clear()
    chosen = describe(SMALL, rows=4)
    assert (chosen.engine, chosen.missing) == ("reference", True)
    assert f"needs {absent}, which is not installed; run: pip install 'chainrule[train]'" in str(
        chosen
    )
    with pytest.warns(RuntimeWarning, match=re.escape(chosen.reason)) as caught:
        run = train(SMALL, X, T, epochs=2)
    assert caught[0].filename == __file__
    assert run.engine_choice == chosen
    run.finish()
    assert run.state.engine == "reference"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(SMALL, X, T, epochs=2).finish()  # there is one warning
        train(SMALL, X, T, epochs=2, engine="reference").finish()
    with pytest.raises(MissingPackageError, match=r"pip install 'chainrule\[train\]'"):
        train(SMALL, X, T, engine="compiled")
    say_once.cache_clear()


NO_NUMBA = """
import sys, warnings

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numba":
            raise ModuleNotFoundError(f"No module named {name!r}", name="numba")

sys.meta_path.insert(0, Absent())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "numba" else found(name, *rest)

import numpy as np
from chainrule import MissingPackageError, mlp, train
from chainrule.compiled import describe

net = mlp(2, 3, 2, activation="tanh", loss="squared-error")
x, t = np.ones((4, 2)), np.zeros((4, 2))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(3):
        run = train(net, x, t, epochs=3)
        run.finish()
assert run.state.engine == "reference" and run.state.epoch == 3
assert [w.category for w in caught] == [RuntimeWarning], caught
assert "pip install 'chainrule[train]'" in str(caught[0].message)
try:
    train(net, x, t, engine="compiled")
except MissingPackageError as error:
    assert "pip install 'chainrule[train]'" in str(error)
else:
    sys.exit("the compiled engine ran")
print(describe(net, rows=4))
"""


def test_a_process_without_numba():
    assert printed(NO_NUMBA) == (
        "reference engine (the compiled engine needs numba, which is not installed; "
        "run: pip install 'chainrule[train]')"
    )


def printed(program: str) -> str:
    """Run a program in a separate process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LIGHT: dict[str, Any] = {
    "import chainrule": "import chainrule",
    "import chainrule.compiled": "import chainrule.compiled",
    "the reference engine": (
        "from chainrule import mlp, train\n"
        "net = mlp(2, 2, activation='tanh', loss='squared-error')\n"
        "train(net, [[0, 1]], [[1, 0]], epochs=2, engine='reference').finish()"
    ),
}


@pytest.mark.parametrize("name", LIGHT)
def test_numba_is_imported_only_for_compiling(name):
    program = (
        LIGHT[name] + "\nimport sys\nprint([m for m in ('numba', 'llvmlite') if m in sys.modules])"
    )
    assert printed(program) == "[]"
