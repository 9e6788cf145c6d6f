"""Fit the two polynomials behind `erf` and `erfc` and print them as Python source.

Below SPLIT, erf(x) = x + x*P(x*x); above it, erfc(x) = w + w*Q(s) with
w = exp(-x*x)/(2*x + 1) and s = (x - 4)/(x + 4); P and Q are Chebyshev fits.
"""

from mpmath import chebyfit, erf, erfc, exp, mp, mpf, sqrt

SPLIT = mpf(13) / 16  # just below the x at which erfc(x) = 1/4
LAST = mpf(28)  # erfc(28) is 0 in double precision
CENTRE = mpf(4)  # the x at which s = 0


def near(u):
    x = sqrt(u)
    return erf(x) / x - 1


def tail(s):
    x = CENTRE * (1 + s) / (1 - s)
    return exp(x * x) * erfc(x) * (2 * x + 1) - 1


def fit():
    """The coefficients by name, highest power first, as Python floats."""
    ends = [(x - CENTRE) / (x + CENTRE) for x in (SPLIT, LAST)]
    with mp.workdps(40):
        fits = {
            "ERF_NEAR": chebyfit(near, [0, SPLIT**2], 11),  # largest error 5e-18
            "ERFC_TAIL": chebyfit(tail, ends, 21),  # largest error 7e-18
        }
    return {name: tuple(map(float, fitted)) for name, fitted in fits.items()}


def source(per_line=3):
    """The coefficients as assignments to paste into the package."""
    lines = []
    for name, values in fit().items():
        rows = [values[i : i + per_line] for i in range(0, len(values), per_line)]
        body = ["    " + " ".join(f"{value!r}," for value in row) for row in rows]
        lines += [f"{name} = (", *body, ")"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(source())
