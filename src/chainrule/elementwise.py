"""The small vocabulary in which every elementwise formula of the engine is written.

The same text runs on arrays, under the complex step and, through overloads of just these names, in
compiled code. It is no second NumPy: nothing here knows a shape or an axis.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Number: TypeAlias = Any  # real or complex array or scalar; formulas keep its dtype

where, real, sqrt = np.where, np.real, np.sqrt
exp, expm1, log, log1p, tanh = np.exp, np.expm1, np.log, np.log1p, np.tanh


def erf(x: Number) -> Number:
    """Return the error function (placeholder until the fit lands)."""
    return np.vectorize(math.erf, otypes=[float])(x)


def erfc(x: Number) -> Number:
    """Return 1 − erf(x) (placeholder until the fit lands)."""
    return np.vectorize(math.erfc, otypes=[float])(x)


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
