"""The functions that elementwise formulas are written with, such as `exp` and `where`.

They work on real arrays, on complex arrays for the complex step, and in compiled code, which
overloads exactly these names.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Number: TypeAlias = Any  # real or complex array or scalar; formulas keep its dtype

where: Callable[..., Number] = np.where
real: Callable[..., Number] = np.real
sqrt = np.sqrt
exp, expm1, log, log1p, tanh = np.exp, np.expm1, np.log, np.log1p, np.tanh


# Coefficients of two polynomials, highest power first, fitted by tools/fit_erf.py:
# erf(a) = a · ERF_NEAR(a²) for a < 0.875, and ERFC_TAIL for erfc beyond.
ERF_NEAR = (
    *(-8.666276629203472e-10, 1.4122777660357666e-08, -1.6289242608284092e-07),
    *(1.6456607597388118e-06, -1.492538720169797e-05, 0.00012055324561705379),
    *(-0.0008548326845690305, 0.005223977623059443, -0.026866170644942594),
    *(0.11283791670954353, -0.3761263890318374, 0.1283791670955126),
)
ERFC_TAIL = (
    *(-2.357655901980511e-08, 9.366209266942451e-08, 7.554626640391947e-08),
    *(-8.749626561960918e-07, 4.876812313692263e-07, 6.005973627519402e-06),
    *(-1.3420534806763321e-05, -2.2968957506143405e-05, 0.00016753564735442401),
    *(-0.0002584945675637069, -0.0007414514162583583, 0.005631315138521207),
    *(-0.019242931843147147, 0.046800475058060474, -0.08980465819672806),
    *(0.14106369672823643, -0.18276144908563677, 0.19129041677767367),
    *(-0.14866010708607688, 0.05467991972956621, 0.13024552540675646),
)


def erf(x: Number) -> Number:
    """Return the error function, 2/√π times the integral of exp(−t²) from 0 to x."""
    size = _erf_and_erfc(x)[0]
    return where(real(x) < 0, -size, size)


def erfc(x: Number) -> Number:
    """Return 1 − erf(x) with a small relative error, also where it is close to 0."""
    size = _erf_and_erfc(x)[1]
    return where(real(x) < 0, 2.0 - size, size)


def _erf_and_erfc(x: Number) -> tuple[Number, Number]:
    """Return erf(|x|) and erfc(|x|); tools/fit_erf.py explains the polynomials."""
    a = where(real(x) < 0, -x, x)
    a = where(real(a) > 28.0, 28.0, a)  # erfc is 0 beyond 28 in float64; NaN stays NaN
    square = a * a
    near = a * _polynomial(ERF_NEAR, square)
    # exp magnifies the rounding error of a², so it is computed here and corrected below. Let h be a
    # rounded to half of its digits, so that h² is exact: then a² = h² + (a − h)(a + h). Adding and
    # subtracting a large number rounds to a multiple of 2⁻²¹, which float64 can represent. In
    # float32 this leaves h = 0, and a multiple of 2⁻⁷ is taken instead.
    h = (real(a) + 1.5 * 2.0**31) - 1.5 * 2.0**31
    h = where(h == 0, (real(a) + 1.5 * 2.0**16) - 1.5 * 2.0**16, h)
    loss = (h * h - square) + (a - h) * (a + h)
    w = exp(-square) / (2.0 * a + 0.25)
    tail = _polynomial(ERFC_TAIL, (a - 4.0) / (a + 4.0))
    far = w + w * (tail - loss * (1.0 + tail))
    small = real(a) < 0.875
    return where(small, a + near, 1.0 - far), where(small, (1.0 - a) - near, far)


def _polynomial(coefficients: tuple[float, ...], x: Number) -> Number:
    """Return the polynomial at x by Horner's rule, highest power first."""
    total = coefficients[0]
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total


VOCABULARY: dict[str, Callable[..., Any]] = {
    "erf": erf,
    "erfc": erfc,
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "real": real,
    "sqrt": sqrt,
    "tanh": tanh,
    "where": where,
}
