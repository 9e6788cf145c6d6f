"""The formula law: f and f' equal the formulas of textbooks, within rounding.

The formulas are evaluated as text, in the grammar of equations. A `Custom` activation has none.
"""

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS, ELU, Activation, LeakyReLU
from chainrule.derivatives import elementwise_derivative
from chainrule.equations import Scope
from tests.laws.nets import Array

KNOWN = {**ACTIVATIONS, "elu 0.7": ELU(0.7), "leaky-relu 0.2": LeakyReLU(0.2)}
Z = np.concatenate([np.linspace(-6.0, 6.0, 241), [-0.0, 1e-9, -1e-9, 1e-300, -1e-300]])

# Absolute, since exp(z) − 1 and 1 + erf(z) lose relative precision to cancellation.
ROUNDING = 4e-15


def by_text(f: Activation, text: str, z: Array) -> Array:
    """Return the value of a textbook formula at z."""
    given = {"z": z, "a": f(z), **f.constants}
    return Scope(f.name, {"y": text}, given)["y"] * np.ones_like(z)


@pytest.mark.parametrize("name", KNOWN)
def test_f_equals_its_formula(name):
    f = KNOWN[name]
    assert np.allclose(by_text(f, f.formula, Z), f(Z), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", KNOWN)
def test_df_equals_its_formula(name):
    f = KNOWN[name]
    slopes = f.derivative(Z, f(Z))
    assert np.allclose(by_text(f, f.dformula, Z), slopes, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", KNOWN)
def test_df_is_the_derivative_of_the_formula(name):
    f = KNOWN[name]
    # The kink of the textbook formula where(z > 0, …) is elsewhere for a complex z.
    z = Z[np.abs(Z) > 1e-12]
    by_step = elementwise_derivative(lambda w: by_text(f, f.formula, w), z)
    assert np.allclose(by_step, by_text(f, f.dformula, z), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", KNOWN)
def test_df_is_the_derivative_of_f(name):
    f = KNOWN[name]  # also at the kink: Z has zeros of both signs
    assert np.allclose(
        elementwise_derivative(f, Z), f.derivative(Z, f(Z)), rtol=ROUNDING, atol=ROUNDING
    )


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_inputs_neither_overflow_nor_change_dtype(name, dtype):
    f = KNOWN[name]
    z = np.array([-1e4, -800.0, -100.0, 100.0, 800.0, 1e4], dtype)
    with np.errstate(under="ignore"):
        a, slopes = f(z), f.derivative(z, f(z))
    assert a.dtype == slopes.dtype == z.dtype
    assert np.isfinite(a).all()
    assert np.isfinite(slopes).all()
