"""Translations of functions: their keys, their cache, and their slopes against the complex step.

That the functions of the engine can be translated is tested in tests/engine; the accuracy of the
vocabulary in test_vocabulary.py.
"""

import gc
import linecache
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import chainrule
from chainrule.activations import ACTIVATIONS, leaky_relu, logistic, silu
from chainrule.compiled.codegen.translation import translate, translate_slope
from chainrule.derivatives import elementwise_derivative
from chainrule.elementwise import exp, log1p, real, sqrt, tanh, where
from chainrule.errors import InputError
from tests.compiled.parts import from_python

Function: TypeAlias = Callable[..., Any]

PACKAGE = Path(chainrule.__file__).parent
GAIN = 1.7
COEFFICIENTS = (0.25, -0.5, 1, 0.1)


@pytest.fixture(autouse=True)
def infinities_are_meant():
    with np.errstate(all="ignore"):
        yield


# ---- keys ---------------------------------------------------------------------------------------

PRINT_KEYS = """
import chainrule, numpy as np
from chainrule import activations
from chainrule.compiled.codegen.translation import translate, translate_slope
print(chainrule.__file__)
for name in {names}:
    function = getattr(activations, name)
    print(translate(function, np.float32).key, translate_slope(function, np.float32).key)
"""


def keys(folder: Path, *names: str) -> list[str]:
    """Return the keys of activations in a new process that imports the package from a folder."""
    command = [sys.executable, "-c", PRINT_KEYS.format(names=names)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    where_from, *lines = done.stdout.split("\n")[:-1]
    assert Path(where_from).parent == folder / "chainrule"
    return lines


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("activations.py", "/ (1 + e) + 0 * z", "/ (1.5 + e) + 0 * z"),  # called by silu
        ("compiled/codegen/vocabulary.py", "0.5000000002", "0.5000000003"),  # called by it
    ],
)
def test_an_edit_of_a_called_function_changes_the_key(
    tmp_path: Path, file: str, old: str, new: str
):
    shutil.copytree(PACKAGE, tmp_path / "chainrule", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "chainrule" / file
    before = keys(tmp_path, "silu", "tanh_")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    after = keys(tmp_path, "silu", "tanh_")
    assert len({*before[0].split(), *after[0].split()}) == 4
    assert (before[1] == after[1]) == (file == "activations.py")  # tanh does not call logistic


def test_another_process_finds_the_same_key():
    here = [translate(silu, np.float32).key, translate_slope(silu, np.float32).key]
    assert keys(PACKAGE.parent, "silu") == [" ".join(map(str, here))]


def test_a_dtype_has_its_own_key():
    assert translate(silu, np.float32).key != translate(silu, np.float64).key


def scaled(factor: float) -> Function:
    return lambda z: tanh(factor * z)


def test_the_numbers_of_a_closure_are_in_the_key():
    found = [translate(scaled(factor), np.float64).key for factor in (1.5, 2.0, 1.5)]
    assert found[0] == found[2] != found[1]


def summed(z):
    s = 0.0
    for c in COEFFICIENTS:
        s = s * z + c
    return s


def test_coefficients_are_in_the_key(monkeypatch: pytest.MonkeyPatch):
    before = translate(summed, np.float64)
    monkeypatch.setattr(sys.modules[__name__], "COEFFICIENTS", (1, 2))
    after = translate(summed, np.float64)
    assert before.key != after.key
    assert [from_python(one.compiled)(2.0) for one in (before, after)] == [2.1, 4]


def typed(text: str, name: str) -> Function:
    """Return a function as if typed at a prompt: its source is not in a file."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"logistic": logistic}
    exec(compile(text, name, "exec"), namespace)  # noqa: S102  the test's source text
    return namespace["f"]


def test_functions_without_a_file_have_no_key(monkeypatch: pytest.MonkeyPatch):
    f = typed("def f(z):\n    return 2 * logistic(z)\n", "<typed-1>")
    assert translate(f, np.float64).key is None
    assert from_python(translate(f, np.float64).compiled)(0.0) == 1
    monkeypatch.setattr(sys.modules[__name__], "helper", f, raising=False)
    assert translate(lambda z: helper(z) + 1, np.float64).key is None  # noqa: F821  # pyright: ignore[reportUndefinedVariable]


# ---- the cache ----------------------------------------------------------------------------------


def test_translations_are_cached():
    for make in (translate, translate_slope):
        assert make(silu, np.float32) is make(silu, np.float32)


def gained(z):
    return GAIN * z


def test_a_changed_number_takes_effect(monkeypatch: pytest.MonkeyPatch):
    assert from_python(translate(gained, np.float64).compiled)(1.0) == 1.7
    monkeypatch.setattr(sys.modules[__name__], "GAIN", 3)
    assert from_python(translate(gained, np.float64).compiled)(1.0) == 3
    assert from_python(translate(lambda z: gained(z) + 1, np.float64).compiled)(1.0) == 4


def test_lambdas_are_removed_from_the_cache():
    f = scaled(0.7)
    gone = weakref.ref(f)
    translate(f, np.float64)
    translate_slope(f, np.float64)
    del f
    gc.collect()
    assert gone() is None


def test_two_lambdas_on_a_line_are_distinguished():
    pair = (lambda z: z + 1, lambda z: z + 2)
    assert [from_python(translate(f, np.float64).compiled)(0.0) for f in pair] == [1, 2]


def test_defaults_are_values():
    made = [lambda z, k=k: k * z for k in (2, 3)]
    assert [from_python(translate(f, np.float64).compiled)(1.0) for f in made] == [2, 3]


# ---- slopes -------------------------------------------------------------------------------------


def piecewise(z: float) -> float:
    s = 0.0
    for c in COEFFICIENTS:
        s = s * z + c
    s *= z
    return where(real(z) > 0, GAIN * s - 2, np.pi / 3 * z**2 + exp(-z))


SLOPES = [
    ACTIVATIONS["logistic"].f,
    ACTIVATIONS["gelu"].f,
    ACTIVATIONS["elu"].f,
    ACTIVATIONS["softplus"].f,
    ACTIVATIONS["relu"].f,
    piecewise,
    lambda z: where(z > 0, z**3, z / sqrt(1 + z * z)),
    lambda z: 2**z + (1 + z * z) ** 0.3 - z**-2,
    lambda z: np.sin(3 * z) * np.cos(z) + np.arctan(z) - log1p(z * z),
    lambda z: 3.0 + 0 * real(z),
]


@pytest.mark.every_value(number=range(len(SLOPES)), dtype=[np.float32, np.float64])
def test_slopes_equal_the_complex_step(number: int, dtype: type[np.floating]):
    function = SLOPES[number]
    constants = [1.0] * (function.__code__.co_argcount - 1)
    slope = from_python(translate_slope(function, dtype).compiled)
    z = np.concatenate([[0], np.linspace(-3, 3, 60)]).astype(dtype)  # the last without 0
    z = z if np.isfinite(function(z, *constants)).all() else z[1:]
    actual = np.array([slope(one, *constants) for one in z], dtype)
    expected = elementwise_derivative(lambda x: function(x, *constants) + 0 * x, z)
    limit = 60 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(actual, expected, rtol=limit, atol=limit)


def test_other_arguments_have_no_slope():
    slope = from_python(translate_slope(lambda o, t: (o - t) ** 2 * t, np.float64).compiled)
    assert slope(3.0, 2.0) == 4
    assert from_python(translate_slope(leaky_relu, np.float64).compiled)(-1.0, 0.25) == 0.25


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (lambda z: np.cbrt(z), "calls np.cbrt, .*; or give the derivative, df"),  # noqa: PLW0108
        (lambda z: z % 2, r"uses z % 2, an operation without .*; or give the derivative, df"),
    ],
)
def test_unknown_slopes_raise(function: Function, fault: str):
    with pytest.raises(InputError, match=fault):
        translate_slope(function, np.float64)


# ---- unsupported functions -----------------------------------------------------------------------


def endless(z):
    return endless(z) + 1


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (endless, "calls itself"),
        (lambda z: z.T, r"uses z\.T, which is not a number, .*; use numbers"),
        (lambda z: z + PACKAGE, "uses PACKAGE, which is not a number"),
        (lambda z, name="a": z + name, "has a default that is not a number"),
    ],
)
def test_functions_that_are_not_elementwise_raise(function: Function, fault: str):
    with pytest.raises(InputError, match=fault):
        translate(function, np.float64)
