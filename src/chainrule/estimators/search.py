"""L-BFGS with scikit-learn's limits: so many calls of the loss, and SciPy's own standstill.

The search is SciPy's and the run chainrule's; this says when to end it.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.loops import State
from chainrule.training import Run

Array: TypeAlias = NDArray[Any]

STANDSTILL = 1e7 * np.finfo(float).eps  # SciPy's ftol: a step gains less than this share


class Search(Run):
    """A run of L-BFGS that ends as scikit-learn's does.

    Parameters
    ----------
    run : Run
        As `chainrule.train` describes it.
    calls : float
        After how many calls of the loss no further iteration begins.
    """

    def __init__(self, run: Run, calls: float) -> None:
        super().__init__(
            run.network,
            run.data,
            None,
            run.optimizer,
            run.settings,
            run.state.theta,
            run.state.seed,
            run.state,
            run.path,
        )
        self.most, self.calls, self.value = calls, 0, np.inf

    @property
    def exhausted(self) -> bool:
        """Whether the loss was called too often."""
        return self.calls > self.most

    def _free_value(self, start: Array, free: Array, free_theta: Array) -> tuple[float, Array]:
        self.calls += 1
        value, gradient = super()._free_value(start, free, free_theta)
        if self.calls == 1:
            self.value = value
        return value, gradient

    def _iterated(
        self,
        start: Array,
        free: Array,
        seen: list[tuple[State, float]],
        intermediate_result: Any,
    ) -> None:
        super()._iterated(start, free, seen, intermediate_result)
        before, self.value = self.value, float(intermediate_result.fun)
        size = max(abs(before), abs(self.value), 1.0)
        if self.exhausted or before - self.value <= STANDSTILL * size:
            raise StopIteration
