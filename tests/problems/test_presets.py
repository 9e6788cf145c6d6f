"""Named problems: their sizes and data, and that a training step lowers the loss."""

import builtins
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from chainrule.errors import MissingPackageError
from chainrule.layers import Dense, fields_of
from chainrule.optimizers import Optimizer
from chainrule.problems import PROBLEMS, Problem, check_settings, problem, specify
from chainrule.problems import digits as digits_module


def sizes(p: Problem) -> list[int]:
    return [p.network.inputs, *(x.units for x in p.network.layers if isinstance(x, Dense))]


def specified(**settings: Any) -> Problem:
    return specify(check_settings({k.replace("_", "-"): v for k, v in settings.items()})).problem


@pytest.mark.parametrize(
    ("name", "shape", "rows"),
    [
        ("mazur", [2, 2, 2], 1),
        ("half-adder", [2, 2, 2, 2], 4),
        ("xor", [2, 2, 1], 4),
        ("huddar", [2, 2, 1], 1),
        ("softmax", [4, 3, 3], 6),
        ("digits", [64, 32, 16, 10], 32),
    ],
)
def test_sizes(name: str, shape: list[int], rows: int):
    p = problem(name)
    assert sizes(p) == shape
    x, t, weights = p.data()
    assert np.shape(x) == (rows, shape[0])
    assert np.shape(t) == (rows, shape[-1])
    assert weights is None


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_preset_without_changes(name: str):
    p = PROBLEMS[name]
    assert p.name == name
    assert p == specified(preset=name)
    assert p.trained(biases=True).name == name
    assert pickle.loads(pickle.dumps(p)) == p  # noqa: S301 (pickled here)


@pytest.mark.parametrize("name", sorted(PROBLEMS))
def test_step_reduces_the_loss(name: str):
    p = PROBLEMS[name]
    theta, data, rule = p.theta(), p.data(), p.optimizer
    assert isinstance(rule, Optimizer)
    before = p.network.trace(theta, *data)
    after, _ = rule.step(theta, before.gradient, rule.start(theta, p.network.layout))
    assert p.network.trace(after, *data).value < before.value


def test_published_numbers_of_huddar():
    p = problem("huddar")
    trace = p.network.trace(p.theta(), *p.data())
    assert trace.p[0, 0] == pytest.approx(0.690283493, abs=5e-10)
    assert (-trace.deltas[1][0, 0]).item() == pytest.approx(-0.040681125, abs=5e-10)
    assert (-trace.deltas[0][0]).tolist() == pytest.approx([-0.002654489, -0.008171645], abs=5e-10)
    assert p.network.layout.size == 6


def test_initial_weights_of_softmax_have_two_decimals():
    p = problem("softmax")
    assert all(value == round(value, 2) for value in p.theta().tolist())
    z = fields_of(p.network.trace(p.theta(), *p.data()).layers[0])["z"]
    assert np.abs(z).max() < 2  # no unit is saturated
    assert np.array_equal(p.theta(0), p.theta(1))


def test_digits_equal_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    x, t, _ = problem("digits").data()
    assert np.array_equal(np.multiply(x, 16), X[:32])
    assert np.argmax(t, axis=1).tolist() == y[:32].tolist()


def test_scikit_learn_is_required_when_data_is_loaded(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    digits_module.load.cache_clear()
    monkeypatch.setattr(builtins, "__import__", absent)
    assert sizes(problem("digits")) == [64, 32, 16, 10]
    with pytest.raises(MissingPackageError, match=r"pip install 'chainrule\[train\]'"):
        problem("digits").data()


def test_problems_import_no_scikit_learn():
    code = "import sys, chainrule.problems; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# ---- initial parameters -------------------------------------------------------------------------


def test_parameters_not_given_are_drawn():
    p = specified(preset="half-adder", weights=[0.5] * 12)
    one, two = p.theta(1), p.theta(2)
    views, drawn = p.network.views(one), p.network.views(problem("half-adder").theta(1))
    assert (views["W2"] == 0.5).all()
    assert np.array_equal(views["b2"], drawn["b2"])
    assert not np.array_equal(one, two)
