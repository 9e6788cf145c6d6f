"""A model of the time of an update in several processes, fitted to measured times.

The time of an update of a batch of b samples on N processes, each with a core of its own, is

    t(N) = u + c · b / N + v(N),   v(N) = l · ⌈log2 N⌉ + s · 2 (N - 1) / N · bytes

with u the time of an update without samples, c that of a sample, l the latency of a message and s
the seconds of a byte. u and c come from updates in one process, l and s from all-reduces. Where
processes share cores, the cores count instead of N in the second term.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RANKS = tuple(2**k for k in range(11))  # 1 to 1,024


@dataclass(frozen=True)
class StepModel:
    """The constants of the model.

    Parameters
    ----------
    update, sample, message, byte : float
        u, c, l and s, in seconds.
    """

    update: float
    sample: float
    message: float
    byte: float

    def exchange(self, ranks: int, size: float) -> float:
        """Return the seconds of an all-reduce of so many bytes."""
        rounds = math.ceil(math.log2(ranks))
        return self.message * rounds + self.byte * 2 * (ranks - 1) / ranks * size

    def step(self, ranks: int, batch: float, size: float, cores: int | None = None) -> float:
        """Return the seconds of an update."""
        working = ranks if cores is None else min(ranks, cores)
        return self.update + self.sample * batch / working + self.exchange(ranks, size)

    def best(self, batch: float, size: float) -> int:
        """Return the number of processes beyond which an update takes longer."""
        return min(RANKS, key=lambda ranks: self.step(ranks, batch, size))


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Return the nonnegative (intercept, slope) with the least relative squared error."""
    weights = 1 / np.asarray(y)
    columns = np.column_stack([np.ones(len(x)), x]) * weights[:, None]
    first, slope = np.linalg.lstsq(columns, np.ones(len(x)))[0]
    if first < 0:
        first, slope = 0.0, float(np.mean(np.asarray(y) / np.maximum(x, 1e-300)))
    return float(max(first, 0.0)), float(max(slope, 0.0))


def fitted(
    updates: Sequence[tuple[float, float]], exchanges: Sequence[tuple[int, float, float]]
) -> StepModel:
    """Return the model of measured times.

    Parameters
    ----------
    updates : sequence of (samples, seconds)
        In one process.
    exchanges : sequence of (processes, bytes, seconds)
        All-reduces.
    """
    update, sample = line(*zip(*updates, strict=True))
    rounds = [math.ceil(math.log2(ranks)) for ranks, _, _ in exchanges]
    x = [2 * (n - 1) / n * size / k for (n, size, _), k in zip(exchanges, rounds, strict=True)]
    y = [seconds / k for (_, _, seconds), k in zip(exchanges, rounds, strict=True)]
    message, byte = line(x, y)
    return StepModel(update, sample, message, byte)


def error(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median relative error of (predicted, measured) times."""
    return float(np.median([abs(ours - theirs) / theirs for ours, theirs in pairs]))
