"""Custom functions in the compiled engine: it runs the function in memory, or none.

It never compiles anything that differs from what the reference engine computes.
"""

import importlib.util
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")
from scipy import special

from chainrule.activations import Custom, didentity, dlogistic
from chainrule.compiled import describe
from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.training import train

X = np.linspace(-2, 2, 12).reshape(4, 3)
GAIN = 1.5
CONFIG = types.SimpleNamespace(gain=2.0)


def by_name(z):
    return GAIN * z


def by_attribute(z):
    return CONFIG.gain * z * z


def gap(f: Any) -> float:
    """Return the largest difference in θ between the engines for an activation."""
    net = mlp(3, 4, 2, activation=Custom("own", f), loss="squared-error", output="identity")
    rule = SGD(0.0001)
    runs = [train(net, X, X[:, :2], rule, epochs=3, engine=e) for e in ("compiled", "reference")]
    fast, slow = (run.finish() and run.theta for run in runs)
    return float(np.abs(fast - slow).max())


@pytest.mark.parametrize(
    ("f", "owner", "name"),
    [
        (by_name, None, "GAIN"),
        (by_attribute, CONFIG, "gain"),
    ],
)
def test_a_changed_number_is_used_by_the_next_run(f, owner, name, monkeypatch):
    for value in (0.5, 3.0, 0.5):
        if owner is None:
            monkeypatch.setitem(f.__globals__, name, value)
        else:
            monkeypatch.setattr(owner, name, value)
        assert gap(f) < 1e-14


MODULE = "def f(z):\n    return 0.5 * z + z * z\n"


def test_a_file_changed_since_its_import(tmp_path: Path):
    path = tmp_path / "own_module.py"
    path.write_text(MODULE)
    spec = importlib.util.spec_from_file_location("own_module", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_text(MODULE.replace("0.5", "0.7"))
    net = mlp(3, 2, activation=Custom("own", module.f), loss="squared-error")
    chosen = describe(net, rows=4)
    assert chosen.engine == "reference"
    assert "has changed since it was imported" in chosen.reason


def from_scipy(z):
    return special.expit(z)


def a_list(z):
    return [z, 2 * z][0]


@pytest.mark.parametrize("f", [from_scipy, a_list])
def test_functions_numba_cannot_compile_run_on_the_reference_engine(f):
    slope = {from_scipy: dlogistic, a_list: didentity}[f]
    net = mlp(3, 2, activation=Custom("own", f, slope), loss="squared-error")
    chosen = describe(net, rows=4)
    assert chosen.engine == "reference"
    assert f.__name__ in chosen.reason or "cannot call Python" in chosen.reason
    run = train(net, X, X[:, :2], "sgd", epochs=2)
    run.finish()
    assert run.state.engine == "reference"
