"""The page writes numbers as Python does, every float64 and with any number of digits."""

import math
import struct

import numpy as np

from chainrule.pages import Digits
from tests.explorer.node import run_node

STYLES = [
    *(Digits(count) for count in range(1, 18)),
    *(Digits(decimals=count) for count in range(18)),
    *(Digits(decimals=count, padded=True) for count in (0, 2, 9, 17)),
]
BORDERS = [0.0, -0.0, 1e-5, 1e9, 999999999.5, 0.1, 9.995, 5e-324, 2.2250738585072014e-308]
LARGEST = struct.unpack("d", struct.pack("Q", 0x7FEFFFFFFFFFFFFF))[0]
# Exact halves of the 15th digit: Python rounds them to even.
TIES = [100000000000000.5, 100000000000001.5, 123456789012344.5, 123456789012345.5]


def test_numbers_are_written_as_in_python(full: bool) -> None:
    numbers = corpus(np.random.default_rng(1), 10_000 if full else 300)
    styles = [{k: getattr(s, k) for k in ("significant", "decimals", "padded")} for s in STYLES]
    found = run_node("digits.mjs", {"numbers": numbers, "digits": styles})
    wanted = [[style.result(value) for style in STYLES] for value in numbers]
    pairs = zip(numbers, found, wanted, strict=True)
    assert [row for row in pairs if row[1] != row[2]] == []


def corpus(rng: np.random.Generator, count: int) -> list[float]:
    """Return numbers of every size: random bits, halves of a decimal, whole numbers, neighbors."""
    bits = rng.integers(0, 2**64, count, dtype=np.uint64).view(np.float64)
    sizes = rng.normal(size=count) * 10.0 ** rng.integers(-12, 15, count)
    halves = (rng.integers(0, 10**6, count) + 0.5) / 10.0 ** rng.integers(0, 9, count)
    whole = rng.integers(0, 2**62, count).astype(float)
    exact = [*BORDERS, LARGEST, *TIES, *(10.0**k for k in range(-30, 31))]
    near = [math.nextafter(x, side) for x in exact for side in (-math.inf, math.inf)]
    numbers = [x for x in bits.tolist() if math.isfinite(x)]
    numbers += [*sizes.tolist(), *halves.tolist(), *whole.tolist(), *exact, *near]
    return [x for x in (*numbers, *(-x for x in exact)) if math.isfinite(x)]
