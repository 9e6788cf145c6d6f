"""Fit the polynomials of the compiled functions, and print them as they are in the package.

``python -m tools.fit_elementary`` fits with mpmath's precision. The package contains only the
printed coefficients; tests/compiled/test_vocabulary.py compares the two.
"""

from typing import Any

from mpmath import atanh, expm1, log, log1p, mp, mpf, sqrt

from tools.fit_erf import CENTER, SPLIT, interpolate, near, tail

PER_LINE = 3
LAST_SINGLE = mpf(10.25)  # erfc is 0 there in single precision


def exponential(r: Any) -> Any:
    """Return P(r), where exp(r) = 1 + r + r²·P(r)."""
    return (expm1(r) - r) / r**2


def logarithm(f: Any) -> Any:
    """Return P(f), where log(1 + f) = f − f²/2 + f³·P(f)."""
    return (log1p(f) - f + f**2 / 2) / f**3


def quotient(z: Any) -> Any:
    """Return P(z), where log(1 + f) = 2s + s·z·P(z), s = f/(2 + f), z = s²."""
    s = sqrt(z)
    return (2 * atanh(s) / s - 2) / z


def fit() -> dict[str, list[float]]:
    """Return the coefficients by name."""
    with mp.workdps(40):
        half, wide = log(2) / 2, mpf(1) / 2**10
        least, most = -half, half * (1 + wide)  # unequal, so that no point is at 0
        low, high = sqrt(mpf(0.5)) - 1, sqrt(mpf(2)) - 1 + wide
        first, last = ((x - CENTER) / (x + CENTER) for x in (SPLIT, LAST_SINGLE))
        return {
            "EXP_SINGLE": interpolate(exponential, least, most, 5),  # error at most 2e-8 of eʳ
            "EXP_DOUBLE": interpolate(exponential, least, most, 10),  # 2e-17
            "LOG_SINGLE": interpolate(logarithm, low, high, 9),  # 3e-9 of the logarithm
            "LOG_DOUBLE": interpolate(quotient, mpf(0), (low / (2 + low)) ** 2, 7),  # 5e-18
            "ERF_NEAR_SINGLE": interpolate(near, mpf(0), SPLIT**2, 6),  # 9e-9
            "ERFC_TAIL_SINGLE": interpolate(tail, first, last, 10),  # 2e-9
        }


def source() -> str:
    """Return the coefficients as Python text, in lines that the formatter leaves alone."""
    lines = []
    for name, values in fit().items():
        digits = 10 if name.endswith("SINGLE") else 17
        words = [repr(float(f"{value:.{digits}g}")) for value in values]
        rows = [words[i : i + PER_LINE] for i in range(0, len(words), PER_LINE)]
        body = [f"    *({', '.join(row)})," if len(row) > 1 else f"    {row[0]}," for row in rows]
        lines += [f"{name} = (", *body, ")"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(source())
