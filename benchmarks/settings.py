"""How much is measured: the full run, and the quick one of two minutes.

The quick run has fewer rows, repeats and sections, which its table mentions.
"""

from dataclasses import dataclass, replace

from benchmarks.workloads import Workload


@dataclass(frozen=True)
class Settings:
    """What a run measures.

    Parameters
    ----------
    quick : bool
    repeats : int
        Turns of each peer.
    slow : float
        Seconds of training after which a peer takes no more turns.
    """

    quick: bool = False
    repeats: int = 5
    slow: float = 3.0

    def cut(self, w: Workload) -> Workload:
        """Return a workload as large as is measured."""
        if not self.quick:
            return w
        return replace(w.cut(min(w.rows, 96 * w.batch, 4096)), epochs=1)
