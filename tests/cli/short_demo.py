"""The command line with a demo of 400 simple pictures, where only what is printed matters."""

import sys

import numpy as np

from chainrule.cli import digits, main


def simple_pictures() -> digits.Digits:
    """Return pictures in which one pixel shows the digit."""
    y = np.arange(400) % 10
    return digits.Digits(np.eye(64, dtype=np.float32)[y], y)


if __name__ == "__main__":
    digits.load = simple_pictures
    sys.exit(main())
