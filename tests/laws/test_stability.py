"""The stability law: at raw outputs of ±10,000 in float32, value and gradient are right.

They are compared with mpmath at 50 digits for the losses whose textbook form is given here, and
with float64 for every loss. The Poisson loss is an exception at large o, where e^o overflows in
float32 and training stops with an error that says so.
"""

from typing import Any, TypeAlias

import mpmath
import numpy as np
import pytest

from chainrule.losses import LOSSES, Huber, Loss, Quantile
from tests.laws.nets import Array, targets

Exact: TypeAlias = Any  # an mpf: mpmath 1.3, the newest version that PyTorch supports, has no types

mpmath.mp.dps = 50
OUTPUTS = (-1e4, -200.0, -90.0, -20.0, -1.0, 0.0, 0.5, 20.0, 90.0, 200.0, 1e4)
KNOWN = {**LOSSES, "huber 3": Huber(3.0), "quantile 0.9": Quantile(0.9)}


# ---- exact values of single outputs -------------------------------------------------------------


def right_term(loss: str, o: Exact, t: Exact) -> Exact:
    """Return the loss term of one output, as textbooks define it."""
    r = abs(o - t)
    level = mpmath.mpf(getattr(KNOWN[loss], "level", 0))
    width = mpmath.mpf(getattr(KNOWN[loss], "width", 0))
    terms = {
        "squared-error": lambda: r**2 / 2,
        "absolute-error": lambda: r,
        "huber": lambda: r**2 / 2 if r <= width else width * (r - width / 2),
        "quantile": lambda: level * (t - o) if t > o else (1 - level) * (o - t),
        "poisson": lambda: mpmath.exp(o) - t * o,
        "logistic-cross-entropy": lambda: -t * log_logistic(o) - (1 - t) * log_logistic(-o),
    }
    return terms[KNOWN[loss].name]()


def log_logistic(o: Exact) -> Exact:
    """Return log p for p = σ(o); 1 − p is σ(−o)."""
    return -mpmath.log(1 + mpmath.exp(-o))


def right_slope(loss: str, o: Exact, t: Exact) -> Exact:
    """Return the derivative of a loss term with respect to o."""
    r = o - t
    level = mpmath.mpf(getattr(KNOWN[loss], "level", 0))
    width = mpmath.mpf(getattr(KNOWN[loss], "width", 0))
    slopes = {
        "squared-error": lambda: r,
        "absolute-error": lambda: mpmath.sign(r),
        "huber": lambda: max(-width, min(width, r)),
        "quantile": lambda: 1 - level if r > 0 else -level if r < 0 else mpmath.mpf(0),
        "poisson": lambda: mpmath.exp(o) - t,
        "logistic-cross-entropy": lambda: 1 / (1 + mpmath.exp(-o)) - t,
    }
    return slopes[KNOWN[loss].name]()


TEXTBOOK = (
    *("squared-error", "absolute-error", "huber", "huber 3", "quantile", "quantile 0.9"),
    *("poisson", "logistic-cross-entropy"),
)
WITH_SOFTMAX = ("softmax-cross-entropy", "softmax-squared-error")
SINGLE_OUTPUTS = [(name, o) for name in TEXTBOOK for o in OUTPUTS if name != "poisson" or o < 88]


def right_softmax(o: list[float]) -> list[Exact]:
    """Return softmax of one row."""
    e = [mpmath.exp(v) for v in o]
    return [v / sum(e) for v in e]


# ---- laws ---------------------------------------------------------------------------------------


def column(*values: float) -> Array:
    return np.array(values, "float32")[:, None]


def single(loss: Loss, o: Array, t: Array) -> tuple[float, float]:
    """Return value and gradient of one sample, computed in float32."""
    value, do = loss.value(o, t), loss.gradient(o, t)
    assert np.asarray(value).dtype == do.dtype == loss.predict(o).dtype == np.float32
    assert np.isfinite(loss.predict(o)).all()
    return float(value), float(do[0, 0])


@pytest.mark.parametrize(("name", "o"), SINGLE_OUTPUTS)
@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_one_output(name, o, t):
    with np.errstate(under="ignore"):
        value, slope = single(KNOWN[name], column(o), column(t))
    o, t = mpmath.mpf(o), mpmath.mpf(t)
    assert value == pytest.approx(float(right_term(name, o, t)), rel=2e-6, abs=1e-37)
    # p − t loses digits that are small relative to t
    assert slope == pytest.approx(float(right_slope(name, o, t)), rel=2e-6, abs=1e-7)


ROWS = [
    [1e4, -1e4, 0.0],
    [-1e4, -1e4, -1e4],
    [1e4, 1e4, 1e4],
    [1e4, 9999.0, -1e4],
    [90.0, -90.0, 89.0],
    [0.5, -1.0, 2.0],
    [-1e4, 0.0, 1.0],
]
TARGETS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]]


@pytest.mark.parametrize("name", WITH_SOFTMAX)
@pytest.mark.parametrize("o", ROWS)
@pytest.mark.parametrize("t", TARGETS)
def test_row_of_outputs(name, o, t):
    loss = KNOWN[name]
    with np.errstate(under="ignore"):
        raw, target = np.array([o], "float32"), np.array([t], "float32")
        value, do = loss.value(raw, target), loss.gradient(raw, target)
    p = right_softmax(o)
    r = [a - b for a, b in zip(p, t, strict=True)]
    along = sum(a * b for a, b in zip(r, p, strict=True))
    right = {
        "softmax-cross-entropy": (
            -sum(b * mpmath.log(a) for a, b in zip(p, t, strict=True)),
            r,
        ),
        "softmax-squared-error": (
            sum(a * a for a in r) / 2,
            [a * (b - along) for a, b in zip(p, r, strict=True)],
        ),
    }[name]
    assert value.dtype == do.dtype == np.float32
    assert float(value) == pytest.approx(float(right[0]), rel=2e-6, abs=1e-7)
    assert do[0].tolist() == pytest.approx([float(v) for v in right[1]], rel=2e-6, abs=1e-7)


@pytest.mark.parametrize("name", KNOWN)
def test_every_loss_in_single_precision(name):
    loss, rng = KNOWN[name], np.random.default_rng(0)
    outputs = [o for o in OUTPUTS if name != "poisson" or o < 88]
    for shape in ((1, 1), (1, 3), (4, 3)):
        o, t = rng.choice(outputs, shape), targets(loss, rng, shape).astype("float32")
        with np.errstate(under="ignore"):
            single, double = o.astype("float32"), t.astype("float64")
            value, do = loss.value(single, t), loss.gradient(single, t)
            right, right_do = loss.value(o, double), loss.gradient(o, double)
        assert value.dtype == do.dtype == np.float32
        assert np.isfinite(value)
        assert float(value) == pytest.approx(float(right), rel=5e-6, abs=1e-6)
        assert np.allclose(do, right_do, rtol=5e-6, atol=1e-6)


def test_poisson_overflows_as_documented():
    assert "overflows in float32 beyond o = 88" in " ".join(
        (KNOWN["poisson"].__doc__ or "").split()
    )
    loss, t = KNOWN["poisson"], column(1.0)
    assert np.isfinite(loss.value(column(88.0), t))
    with np.errstate(over="ignore"):
        assert np.isinf(loss.value(column(89.0), t))


def test_cross_entropies_keep_small_probabilities():
    # log p is computed directly, not from a p that was rounded to 0 or 1
    with np.errstate(under="ignore"):
        raw = column(1e4)
        assert KNOWN["logistic-cross-entropy"].value(raw, column(0.0)) == np.float32(1e4)
        assert KNOWN["logistic-cross-entropy"].value(-raw, column(1.0)) == np.float32(1e4)
        row = np.array([[1e4, -1e4]], "float32")
        assert KNOWN["softmax-cross-entropy"].value(row, np.array([[0, 1]], "float32")) == 2e4
