"""Training with SciPy's L-BFGS: the loss that it calls, its limits, and the states it reaches."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import loops
from chainrule.batch import Batch
from chainrule.errors import DivergenceError, missing
from chainrule.loops import State
from chainrule.network import Network
from chainrule.optimizers import LBFGS

Array: TypeAlias = NDArray[Any]


class SearchLimits(NamedTuple):
    """Further limits of L-BFGS, in addition to its tolerance and the number of epochs.

    Attributes
    ----------
    calls : float, default inf
        No iteration begins after the loss has been computed more often than this.
    gain : float, default -inf
        The run ends after an iteration that improves the loss by at most this fraction of it (of
        1, if the loss is smaller).
    """

    calls: float = math.inf
    gain: float = -math.inf


class LBFGSSearch:
    """One minimization with L-BFGS: the functions that SciPy calls, and the states it reached.

    Parameters
    ----------
    network : Network
    data : Batch
    state : State
        The state to begin with.
    limits : SearchLimits
    """

    def __init__(self, network: Network, data: Batch, state: State, limits: SearchLimits) -> None:
        self.network, self.data, self.limits = network, data, limits
        self.state = state
        self.calls, self.loss = 0, math.inf
        self.seen: list[tuple[State, float]] = []  # of each iteration: the state after it, its loss

    @property
    def start(self) -> Array:
        """The trainable entries of the current θ, in float64."""
        return self.state.theta[self.network.layout.trainable].astype(np.float64)

    def run(self, minimize: Callable[..., Any], optimizer: LBFGS, epochs: int) -> Any:
        """Return SciPy's result after at most this many iterations."""
        return minimize(
            self.value_and_gradient,
            self.start,
            jac=True,
            method="L-BFGS-B",
            callback=self.iterated,
            options={
                "maxiter": epochs,
                "maxcor": optimizer.memory,
                "gtol": optimizer.tolerance,
                "ftol": 0.0,
                "maxfun": 10**9,
            },
        )

    def value_and_gradient(self, free_theta: Array) -> tuple[float, Array]:
        """Return C and its gradient over the trainable entries, as SciPy requires."""
        self.calls += 1
        with np.errstate(all="ignore"):
            trace = self.network.run(self._theta(free_theta), self.data)
        if not (np.isfinite(trace.value) and np.isfinite(trace.gradient).all()):
            raise DivergenceError(
                f"the loss is {float(trace.value):.6g} in L-BFGS's line search in epoch "
                f"{self.state.epoch + 1}, batch 1; first not finite at "
                f"{loops.first_nonfinite(self.network, trace)}. Bring inputs and targets to a "
                "common scale, or begin nearer; the last finite theta is kept"
            )
        if self.calls == 1:
            self.loss = float(trace.value)
        free = self.network.layout.trainable
        return float(trace.value), trace.gradient[free].astype(np.float64)

    def iterated(self, intermediate_result: Any) -> None:
        """Store the state after an iteration; raise StopIteration, for SciPy, at a limit."""
        state, theta = self.state, self._theta(intermediate_result.x)
        before, self.loss = self.loss, float(intermediate_result.fun)
        self.state = state._replace(theta=theta, epoch=state.epoch + 1, step=state.step + 1)
        self.seen.append((self.state, self.loss))
        size = max(abs(before), abs(self.loss), 1.0)
        if self.exhausted or before - self.loss <= self.limits.gain * size:
            raise StopIteration

    @property
    def exhausted(self) -> bool:
        """Whether the loss was computed more often than `limits.calls`."""
        return self.calls > self.limits.calls

    def reason(self, status: int) -> str | None:
        """Return why the search ended; None if it ran all epochs, which is SciPy's status 1."""
        if self.exhausted:
            return "calls"
        return None if status == 1 else "converged"

    def _theta(self, free_theta: Array) -> Array:
        """Return θ, (parameters,), with these trainable entries."""
        return fill(self.state.theta, self.network.layout.trainable, free_theta)


def scipy_minimize() -> Callable[..., Any]:
    """Return SciPy's minimizer, or raise MissingPackageError."""
    try:
        from scipy.optimize import minimize  # loaded on first use
    except ImportError:
        raise missing("SciPy", "L-BFGS", "train") from None
    return minimize


def fill(start: Array, free: Array, values: Array) -> Array:
    """Return a copy of θ with its trainable entries replaced."""
    theta = start.copy()
    theta[free] = values
    return theta
