"""The formula law: what textbooks write for f and f' is what runs, within rounding.

The formulas are run as text, in the grammar of equations; a `Custom` activation has none.
"""

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS, ELU, Activation, LeakyReLU
from chainrule.derivatives import elementwise_derivative
from chainrule.equations import Scope
from tests.laws.nets import Array

KNOWN = {**ACTIVATIONS, "elu 0.7": ELU(0.7), "leaky-relu 0.2": LeakyReLU(0.2)}
Z = np.concatenate([np.linspace(-6.0, 6.0, 241), [-0.0, 1e-9, -1e-9, 1e-300, -1e-300]])

# exp(z) − 1 and 1 + erf(z) lose to cancellation what is small beside 1: absolute, not relative.
ROUNDING = 4e-15


def by_text(f: Activation, text: str, z: Array) -> Array:
    """Return the value of a textbook formula at z."""
    given = {"z": z, "a": f(z), **f.constants}
    return Scope(f.name, {"y": text}, given)["y"] * np.ones_like(z)


@pytest.mark.parametrize("name", KNOWN)
def test_f_is_its_formula(name):
    f = KNOWN[name]
    assert np.allclose(by_text(f, f.formula, Z), f(Z), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", KNOWN)
def test_df_is_its_formula(name):
    f = KNOWN[name]
    slopes = f.derivative(Z, f(Z))
    assert np.allclose(by_text(f, f.dformula, Z), slopes, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", KNOWN)
def test_df_is_the_derivative_of_the_formula(name):
    f = KNOWN[name]
    z = Z[
        np.abs(Z) > 1e-12
    ]  # the textbooks' where(z > 0, …) has its kink elsewhere for a complex z
    by_step = elementwise_derivative(lambda w: by_text(f, f.formula, w), z)
    assert np.allclose(by_step, by_text(f, f.dformula, z), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", KNOWN)
def test_df_is_the_derivative_of_f(name):
    f = KNOWN[name]  # at the kink, too: Z has zeros of both signs
    assert np.allclose(
        elementwise_derivative(f, Z), f.derivative(Z, f(Z)), rtol=ROUNDING, atol=ROUNDING
    )


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_it_neither_overflows_nor_changes_dtype(name, dtype):
    f = KNOWN[name]
    z = np.array([-1e4, -800.0, -100.0, 100.0, 800.0, 1e4], dtype)
    with np.errstate(under="ignore"):
        a, slopes = f(z), f.derivative(z, f(z))
    assert a.dtype == slopes.dtype == z.dtype
    assert np.isfinite(a).all()
    assert np.isfinite(slopes).all()
