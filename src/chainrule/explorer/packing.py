"""Packs texts into few characters that may stand in an HTML file; bunzip.mjs unpacks them.

bzip2 makes the script a seventh smaller than deflate does, which browsers can unpack themselves;
and base 91 needs a thirteenth less than base 64.
"""

import bz2
from functools import lru_cache

import numpy as np

BITS = 13  # of two digits
DIGITS = [c for c in range(ord("!"), ord("~") + 1) if chr(c) not in '"&<']  # 91 of them


@lru_cache(maxsize=8)
def packed(text: str) -> str:
    """Return a text packed into visible ASCII characters without quotation marks, & and <.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    bits = np.unpackbits(np.frombuffer(bz2.compress(text.encode(), 9), np.uint8))
    groups = np.pad(bits, (0, -len(bits) % BITS)).reshape(-1, BITS)  # (pairs, 13)
    numbers = groups @ (1 << np.arange(BITS)[::-1])  # (pairs,)
    digits = np.stack(np.divmod(numbers, len(DIGITS)), axis=1)  # (pairs, 2)
    return np.array(DIGITS, np.uint8)[digits].tobytes().decode("ascii")
