"""chainrule's reference engine: clear NumPy, with which all results are compared.

It is what the compiled engine has to agree with, and what runs where Numba is missing.
"""

from collections.abc import Sequence

from benchmarks.peers import Variant
from benchmarks.peers.ours import predictor, refuses, session, stopwatch
from benchmarks.workloads import Workload

__all__ = ["NAME", "details", "predictor", "refuses", "session", "stopwatch", "variants"]

NAME = "chainrule, reference engine"


def variants(w: Workload) -> Sequence[Variant]:
    """Return the one way there is."""
    return [{"engine": "reference"}]


def details(w: Workload) -> str:
    """Return nothing: there is one path."""
    return ""
