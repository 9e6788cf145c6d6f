"""``assert_backprop``: right attempts pass, all others fail with the diagnosis as the message."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule.diagnosis
from chainrule import (
    MISTAKES,
    SGD,
    Diagnosis,
    InputError,
    Mistake,
    UnknownNameError,
    check,
    problem,
)
from chainrule.testing import assert_backprop

pytest_plugins = ["pytester"]

NETWORK = {"layers": [2, 1], "activation": "identity", "loss": "squared-error"}


def right(weights: Any, biases: Any, x: Any, t: Any) -> tuple[list[Any], list[Any]]:
    delta = x @ weights[0].T + biases[0] - t
    return [delta.T @ x / len(x)], [delta.mean(axis=0)]


def no_bias(weights: Any, biases: Any, x: Any, t: Any) -> tuple[list[Any], list[Any]]:
    delta = x @ weights[0].T - t
    return [delta.T @ x / len(x)], [delta.mean(axis=0)]


def odd(weights: Any, biases: Any, x: Any, t: Any) -> tuple[list[Any], list[Any]]:
    dW, db = right(weights, biases, x, t)
    return [np.sin(3 * dW[0]) + 0.01], db


def crashes(weights: Any, biases: Any, x: Any, t: Any) -> None:
    raise ZeroDivisionError("within")


def test_a_right_attempt_passes():
    assert assert_backprop(right, NETWORK) is None


@pytest.mark.parametrize(
    ("attempt", "message"),
    [(no_bias, "Wrong: "), (odd, "Certainly not right"), (crashes, "Could not be run")],
)
def test_all_others_fail_with_the_diagnosis(attempt: Any, message: str):
    with pytest.raises(AssertionError) as caught:
        assert_backprop(attempt, NETWORK, seconds=20)
    first, rest = str(caught.value).split("\n", 1)
    assert message in first
    assert attempt.__name__ in rest


def test_the_message_is_the_text_of_the_diagnosis(monkeypatch: pytest.MonkeyPatch):
    found = Diagnosis("unknown", "Certainly not right.", remarks=("a remark",))
    monkeypatch.setattr(chainrule.diagnosis, "check", lambda *_, **__: found)
    with pytest.raises(AssertionError) as caught:
        assert_backprop(right)
    assert str(caught.value) == found.to_text()
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_hint_hides_the_mistake():
    with pytest.raises(AssertionError, match="not right yet") as caught:
        assert_backprop(no_bias, NETWORK, hint=1)
    assert "catalogue" not in str(caught.value)
    assert "Repair" not in str(caught.value)


def test_files_and_functions_in_them(tmp_path: Path):
    path = tmp_path / "net.py"
    path.write_text(f"from typing import Any\n\n{inspect.getsource(right)}")
    assert_backprop(path, NETWORK, function="right")


def test_numbers():
    mazur = problem("mazur")
    x, t, _ = mazur.data()
    setting = (mazur.network, mazur.theta(), x, t)
    rule = SGD(0.5)
    assert_backprop({"w5+": "0.35891648"}, *setting, optimizer=rule, notation="mazur")
    with pytest.raises(AssertionError, match=r"W2_new\[0,0\]"):
        assert_backprop(
            {"w5+": "0.36891648"}, *setting, optimizer=rule, notation="mazur", seconds=20
        )


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"network": {"layer": [2, 1]}}, UnknownNameError),
        ({"hint": 7}, InputError),
        ({"learning_rate": -1}, InputError),
    ],
)
def test_invalid_options_are_not_assertion_errors(more: dict[str, Any], error: type):
    with pytest.raises(error):
        assert_backprop(right, **more)


def test_the_parameters_are_those_of_check():
    """Except for `forward`, which belongs to `assert_layer`."""
    ours, theirs = (inspect.signature(f).parameters.values() for f in (assert_backprop, check))
    assert [(p.name, p.kind, p.default) for p in ours] == [
        (p.name, p.kind, p.default) for p in theirs if p.name != "forward"
    ]


def test_pytest_shows_only_the_diagnosis(pytester: pytest.Pytester):
    pytester.makepyfile(
        f"from typing import Any\nfrom chainrule.testing import assert_backprop\n\n"
        f"{inspect.getsource(no_bias)}\n\n"
        f"def test_backprop():\n    assert_backprop(no_bias, {NETWORK})\n"
    )
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(failed=1)
    shown = done.stdout.str()
    assert "AssertionError: ✗ Wrong: " in shown
    assert "no_bias" in shown
    assert "__tracebackhide__" not in shown
    assert "chainrule/testing.py" not in shown


def test_the_catalogue_is_public():
    assert MISTAKES
    assert all(isinstance(mistake, Mistake) for mistake in MISTAKES.values())
    assert "updated-weights" in MISTAKES
