"""Fit the two polynomials of erf and erfc, and print them as they are in the package.

``python tools/fit_erf.py`` fits with mpmath's precision. The package contains only the printed
coefficients; tests/engine/test_erf.py compares the two.
"""

from collections.abc import Callable
from typing import Any

from mpmath import cos, erf, erfc, exp, lu_solve, matrix, mp, mpf, pi, sqrt

SPLIT = mpf(7) / 8  # the fit of erf serves below, that of erfc above
LAST = mpf(28)  # erfc(28) is 0 in double precision
CENTER = mpf(4)  # the x at which s = 0
SHIFT = mpf(1) / 4  # keeps Q small, and its rounding errors with it

PER_LINE = 3


def near(u: Any) -> Any:
    """Return P(u), where erf(x) = x + x·P(x²)."""
    x = sqrt(u)
    return erf(x) / x - 1


def tail(s: Any) -> Any:
    """Return Q(s), where erfc(x) = w + w·Q(s), w = exp(−x²)/(2x + ¼), s = (x − 4)/(x + 4)."""
    x = CENTER * (1 + s) / (1 - s)
    return exp(x * x) * erfc(x) * (2 * x + SHIFT) - 1


def interpolate(f: Callable[[Any], Any], low: Any, high: Any, count: int) -> list[float]:
    """Return the polynomial that meets f at Chebyshev's points, highest power first."""
    angles = [pi * (2 * k + 1) / (2 * count) for k in range(count)]
    points = [low + (high - low) * (1 + cos(angle)) / 2 for angle in angles]
    powers = matrix([[x**k for k in reversed(range(count))] for x in points])
    return [float(c) for c in lu_solve(powers, matrix([f(x) for x in points]))]


def fit() -> dict[str, list[float]]:
    """Return the coefficients by name."""
    with mp.workdps(40):
        first, last = ((x - CENTER) / (x + CENTER) for x in (SPLIT, LAST))
        return {
            "ERF_NEAR": interpolate(near, mpf(0), SPLIT**2, 12),  # error at most 4e-19
            "ERFC_TAIL": interpolate(tail, first, last, 21),  # error at most 5e-18
        }


def source() -> str:
    """Return the coefficients as Python text, in lines that the formatter leaves alone."""
    lines = []
    for name, values in fit().items():
        rows = [values[i : i + PER_LINE] for i in range(0, len(values), PER_LINE)]
        body = [f"    *({', '.join(map(repr, row))})," for row in rows]
        lines += [f"{name} = (", *body, ")"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(source())
