"""Training with SciPy's L-BFGS: the loss that it calls, its limits, and the states it reaches."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
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
Evaluate: TypeAlias = Callable[[Array], tuple[float, Array]]

CONVERGED, LIMIT_REACHED = 0, 1  # SciPy's status
EPS = float(np.finfo(np.float64).eps)  # below it, SciPy leaves out a step, too


@dataclass
class CurvatureMemory:
    """What L-BFGS knows of the curvature: its last steps, and the changes of the gradient by them.

    Parameters
    ----------
    steps, changes : list of array (trainable parameters,)
    """

    steps: list[Array] = field(default_factory=list[Array])
    changes: list[Array] = field(default_factory=list[Array])

    def add(self, step: Array, change: Array, size: int) -> None:
        """Add a step if the loss curves upwards along it; keep the last `size` of them."""
        if float(step @ change) > EPS * float(change @ change):
            self.steps, self.changes = [*self.steps, step][-size:], [*self.changes, change][-size:]

    def direction(self, gradient: Array) -> Array:
        """Return −Hg, with the inverse Hessian H that the steps suggest, by two loops over them."""
        d, factors = -gradient, list[float]()
        pairs = list(zip(self.steps, self.changes, strict=True))
        for s, y in reversed(pairs):
            factors.append(float(s @ d) / float(s @ y))
            d = d - factors[-1] * y
        if pairs:
            s, y = pairs[-1]
            d = d * (float(s @ y) / float(y @ y))
        for (s, y), factor in zip(pairs, reversed(factors), strict=True):
            d = d + (factor - float(y @ d) / float(s @ y)) * s
        return d

    def copy(self) -> "CurvatureMemory":
        """Return a memory of its own with the same steps."""
        return CurvatureMemory([*self.steps], [*self.changes])


class SearchLimits(NamedTuple):
    """Further limits of L-BFGS, in addition to its tolerance and the number of epochs.

    Attributes
    ----------
    calls : float, default inf
        No iteration begins after the loss has been computed more often than this.
    gain : float, default -inf
        The run ends after an iteration that improves the loss by at most this fraction of it (of
        1, if the loss is smaller).
    memory : CurvatureMemory, optional
        What an earlier search knew of the curvature, to go on with; this one adds its steps.
    """

    calls: float = math.inf
    gain: float = -math.inf
    memory: CurvatureMemory | None = None


class Point(NamedTuple):
    """A point of the search: the trainable parameters, the loss there, and its gradient."""

    x: Array
    value: float
    gradient: Array


class LBFGSSearch:
    """One minimization with L-BFGS: the functions that SciPy calls, and the states it reached.

    Parameters
    ----------
    network : Network
    data : Batch
    state : State
        The state to begin with.
    limits : SearchLimits
    evaluate : callable, optional
        C and ∂C/∂θ as a function of θ, compiled; by default the passes of the network.
    """

    def __init__(
        self,
        network: Network,
        data: Batch,
        state: State,
        limits: SearchLimits,
        evaluate: Evaluate | None = None,
    ) -> None:
        self.network, self.data, self.limits = network, data, limits
        self.evaluate = evaluate
        self.state = state
        self.calls, self.loss = 0, math.inf
        self.seen: list[tuple[State, float]] = []  # of each iteration: the state after it, its loss
        self.last: Point | None = None  # the last that was computed
        self.reached: Point | None = None  # the start, then that of the last iteration
        self.size = 0  # of the memory

    @property
    def start(self) -> Array:
        """The trainable entries of the current θ, in float64."""
        return self.state.theta[self.network.layout.trainable].astype(np.float64)

    def run(self, minimize: Callable[..., Any], optimizer: LBFGS, epochs: int) -> Any:
        """Return SciPy's result, or one like it, after at most this many iterations."""
        self.size = optimizer.memory
        if self.limits.memory is not None and self.limits.memory.steps:
            return self._go_on(self.limits.memory, optimizer, epochs)
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
        value, whole = self._computed(self._theta(free_theta))
        gradient = whole[self.network.layout.trainable].astype(np.float64)
        self.last = Point(free_theta.copy(), value, gradient)
        if self.calls == 1:
            self.loss, self.reached = self.last.value, self.last
        return self.last.value, gradient

    def _computed(self, theta: Array) -> tuple[float, Array]:
        """Return C and ∂C/∂θ, (parameters,); raise DivergenceError if they are not finite."""
        if self.evaluate is not None:
            value, gradient = self.evaluate(theta)
            if np.isfinite(value) and np.isfinite(gradient).all():
                return value, gradient
        with np.errstate(all="ignore"):  # the error below says more than NumPy's warnings
            trace = self.network.run(theta, self.data)
        if not (np.isfinite(trace.value) and np.isfinite(trace.gradient).all()):
            raise DivergenceError(
                f"the loss is {float(trace.value):.6g} in L-BFGS's line search in epoch "
                f"{self.state.epoch + 1}, batch 1; first not finite at "
                f"{loops.first_nonfinite(self.network, trace)}. Bring inputs and targets to a "
                "common scale, or begin nearer; the last finite theta is kept"
            )
        return float(trace.value), trace.gradient

    def iterated(self, intermediate_result: Any) -> None:
        """Store the state after an iteration; raise StopIteration, for SciPy, at a limit."""
        state, theta = self.state, self._theta(intermediate_result.x)
        before, self.loss = self.loss, float(intermediate_result.fun)
        self._remember(intermediate_result.x)
        engine = "reference" if self.evaluate is None else "compiled"
        epoch, step = state.epoch + 1, state.step + 1
        self.state = state._replace(theta=theta, epoch=epoch, step=step, engine=engine)
        self.seen.append((self.state, self.loss))
        size = max(abs(before), abs(self.loss), 1.0)
        if self.exhausted or before - self.loss <= self.limits.gain * size:
            raise StopIteration

    def _remember(self, x: Array) -> None:
        """Add the step to x to the memory; x is the point that was computed last."""
        memory, before, now = self.limits.memory, self.reached, self.last
        if memory is None or before is None or now is None or not np.array_equal(now.x, x):
            return
        memory.add(now.x - before.x, now.gradient - before.gradient, self.size)
        self.reached = now

    # ---- going on with a memory ----

    def _go_on(self, memory: CurvatureMemory, optimizer: LBFGS, epochs: int) -> Any:
        """Minimize as SciPy does, which cannot begin with a memory."""
        self.value_and_gradient(self.start)
        try:
            for _ in range(epochs):
                now = self.reached
                if now is None or np.abs(now.gradient).max() <= optimizer.tolerance:
                    return SimpleNamespace(status=CONVERGED, fun=self.loss)
                if not self._iterate(memory, now):
                    return SimpleNamespace(status=CONVERGED, fun=self.loss)
        except StopIteration:
            return SimpleNamespace(status=CONVERGED, fun=self.loss)
        return SimpleNamespace(status=LIMIT_REACHED, fun=self.loss)

    def _iterate(self, memory: CurvatureMemory, now: "Point") -> bool:
        """Take one step along the direction of the memory; return whether one was found.

        Without one, the memory misleads: it is forgotten, and the gradient alone is followed.
        """
        downhill = -now.gradient / max(1.0, float(np.linalg.norm(now.gradient)))
        for direction in (memory.direction(now.gradient), downhill):
            found = self._line_search(now, direction)
            if found is not None:
                self.last = found
                self.iterated(SimpleNamespace(x=found.x, fun=found.value))
                return True
            memory.steps, memory.changes = [], []
        return False

    def _line_search(self, now: "Point", direction: Array) -> "Point | None":
        """Return a point that fulfills Wolfe's conditions; None if there is none nearby."""
        from scipy.optimize import line_search  # loaded on first use

        points: dict[bytes, Point] = {}

        def at(x: Array) -> Point:
            if x.tobytes() not in points:
                self.value_and_gradient(x)
                points[x.tobytes()] = Point(x.copy(), *self.last[1:]) if self.last else now
            return points[x.tobytes()]

        if not float(direction @ now.gradient) < 0:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that no step was found
            step = line_search(
                lambda x: at(x).value,
                lambda x: at(x).gradient,
                now.x,
                direction,
                now.gradient,
                now.value,
            )[0]
        return None if step is None else at(now.x + step * direction)

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
