# pyright: strict
"""Examination of the penalty: weights that it has shrunk, so that nothing could be learned."""

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.findings import Finding
from chainrule.health.formatting import format_number
from chainrule.health.outputs import MIN_ERROR_LEFT
from chainrule.health.snapshot import RunSnapshot

Array: TypeAlias = NDArray[Any]

# Root mean square of the weights over that at the beginning: networks that learn keep theirs within
# a factor of a few, also with a penalty that suits them.
SHRUNK = 0.1


def penalty_too_large(run: RunSnapshot) -> Iterator[Finding]:
    """Find that a penalty has shrunk the weights of a run that learned nothing."""
    network, start = run.network, run.start
    if not (network.penalty and start is not None and run.trained and run.left >= MIN_ERROR_LEFT):
        return
    ratio = decaying_size(run, run.theta) / max(decaying_size(run, start), 1e-300)
    if ratio < SHRUNK:
        named = [f"{name}={format_number(value)}" for name, value in used(run).items()]
        sentence = (
            f"weights: with {' and '.join(named)}, their root mean square fell to "
            f"{format_number(ratio)} times that of the beginning (limit: {SHRUNK:g})"
        )
        remedy = f"use a smaller penalty, such as {smaller(run)}"
        yield Finding("penalty-too-large", None, sentence, ratio, SHRUNK, remedy)


def decaying_size(run: RunSnapshot, theta: Array) -> float:
    """Return the root mean square of all weights that a penalty shrinks."""
    squares = [b.view(theta) ** 2 for b in run.network.layout.blocks if b.decays and b.trains]
    flat = np.concatenate([square.ravel() for square in squares]) if squares else np.zeros(1)
    return math.sqrt(float(np.mean(flat)))


def used(run: RunSnapshot) -> dict[str, float]:
    """Return the factors of the penalty that are not 0."""
    return {name: value for name, value in run.network.penalty.constants.items() if value}


def smaller(run: RunSnapshot) -> str:
    """Return a penalty of a thousandth."""
    return ", ".join(f"{name}={format_number(value / 1000)}" for name, value in used(run).items())
