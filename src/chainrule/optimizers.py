"""Optimizers: how θ changes with its gradient, as elementwise rules and as equations.

Each has two pure functions, ``start(theta, layout) -> state`` and ``step(theta, gradient, state)``.
Because a rule is elementwise, it gives the same bits for the flat θ, for one array, and in a
compiled kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import names
from chainrule.descriptions import (
    Count,
    Description,
    NonNegative,
    Positive,
    Share,
    check_type,
    lookup,
    registered,
)
from chainrule.elementwise import Number, sqrt, where
from chainrule.layout import Layout
from chainrule.schedules import Schedule, rate_at

Array: TypeAlias = NDArray[Any]
Rate: TypeAlias = float | Schedule


# ---- rules: (w, g, *slots, *constants) -> (w_new, *slots_new), elementwise ----------------------
# w, g and the slots have the same shape, such as (parameters,).


def sgd_rule(w: Number, g: Number, learning_rate: float) -> tuple[Number]:
    return (w - learning_rate * g,)


def momentum_rule(
    w: Number, g: Number, v: Number, learning_rate: float, momentum: float
) -> tuple[Number, ...]:
    v = momentum * v - learning_rate * g
    return w + v, v


def nesterov_rule(
    w: Number, g: Number, v: Number, learning_rate: float, momentum: float
) -> tuple[Number, ...]:
    v = momentum * v - learning_rate * g
    return w + momentum * v - learning_rate * g, v


def rmsprop_rule(
    w: Number, g: Number, s: Number, learning_rate: float, rho: float, eps: float
) -> tuple[Number, ...]:
    s = rho * s + (1 - rho) * g * g
    return w - learning_rate * g / (sqrt(s) + eps), s


def adam_rule(
    w: Number,
    g: Number,
    m: Number,
    v: Number,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    k: int,
) -> tuple[Number, ...]:
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mhat = m / (1 - beta1**k)
    vhat = v / (1 - beta2**k)
    return w - learning_rate * mhat / (sqrt(vhat) + eps), m, v


def adamw_rule(
    w: Number,
    g: Number,
    m: Number,
    v: Number,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    decay: Number,
    k: int,
) -> tuple[Number, ...]:
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mhat = m / (1 - beta1**k)
    vhat = v / (1 - beta2**k)
    return w - learning_rate * (mhat / (sqrt(vhat) + eps) + decay * w), m, v


ADAM_MEANS = {
    "m_new": "beta1 * m + (1 - beta1) * g",
    "v_new": "beta2 * v + (1 - beta2) * g * g",
    "mhat": "m_new / (1 - beta1**k)",
    "vhat": "v_new / (1 - beta2**k)",
}


# ---- clipping -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClipValue(Description):
    """Gradient clipping by value: every entry is limited to [−limit, limit].

    Parameters
    ----------
    limit : float
    """

    limit: Positive

    def __call__(self, gradient: Array, layout: Layout) -> Array:
        d = gradient
        return where(d > self.limit, self.limit, where(d < -self.limit, -self.limit, d))

    def equations(self) -> dict[str, str]:
        """Return the equation of g, the clipped gradient of an array, from its gradient dC."""
        return {"g": "where(dC > limit, limit, where(dC < -limit, -limit, dC))"}


@dataclass(frozen=True)
class ClipNorm(Description):
    """Gradient clipping by norm: a gradient longer than `limit` is scaled to that length.

    The norm is Euclidean, over all arrays that training changes.

    Parameters
    ----------
    limit : float
    """

    limit: Positive

    def __call__(self, gradient: Array, layout: Layout) -> Array:
        arrays = [b.view(gradient) for b in layout.blocks if b.trains]
        norm = sqrt(sum(np.sum(d * d, axis=None) for d in arrays))
        # At most 1. For an infinite norm it is NaN, which stops the run with an error; without the
        # second term it would be 0, and the run would go on without any change.
        factor = self.limit / where(norm > self.limit, norm, self.limit) + 0 * norm
        return gradient * factor.astype(gradient.dtype)  # (parameters,)

    def equations(self) -> dict[str, str]:
        """Return the equations of g of an array; `factor` is the same for all arrays."""
        return {"squares": "sum(dC * dC, axis=None)", "g": "dC * factor"}


Clip: TypeAlias = ClipValue | ClipNorm


# ---- optimizers ---------------------------------------------------------------------------------


class OptimizerState(NamedTuple):
    """What an optimizer keeps between updates.

    Attributes
    ----------
    step : int
        The number of updates made.
    slots : tuple of array (parameters,)
        Its moving averages, in the order of its rule.
    layout : Layout
        Which entries of θ training changes, and which decay.
    """

    step: int
    slots: tuple[Array, ...]
    layout: Layout


class Optimizer(Description):
    """How θ changes with its gradient; every subclass is final and frozen.

    Attributes
    ----------
    name : str
        The name in the table, in files and on the command line.
    slots : tuple of str
        The names of its moving averages in the equations.
    equations : dict of str to str
        The equations of ``w_new``, and of each slot followed by ``_new``. They use w, its gradient
        g after penalty and clipping, the slots, the constants, and k, the number of the update
        from 1.
    rule : callable
        The same as an elementwise function: ``rule(w, g, *slots, *constants)``.
    learning_rate : float or Schedule
    clip : ClipValue, ClipNorm or None
    """

    name: str
    slots: tuple[str, ...] = ()
    equations: dict[str, str]
    rule: Callable[..., tuple[Array, ...]]
    learning_rate: Rate
    clip: Clip | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.learning_rate, Schedule):
            self._validate("learning_rate", "(0, inf)")
        check_type(self.clip, Clip | None, "clip", "give ClipNorm(1.0), ClipValue(1.0) or None")

    def constants(self, k: int, decays: Any) -> dict[str, Any]:
        """Return the rule's constants by name for update k; `decays` is 1 for weights, else 0."""
        others = {name: value for name, value in self.numbers.items() if name != "learning_rate"}
        return {"learning_rate": rate_at(self.learning_rate, k), **others}

    def start(self, theta: Array, layout: Layout) -> OptimizerState:
        """Return the state before the first update: slots of zeros."""
        # Unlike zeros_like, zeros takes no memory for numbers that are not used yet.
        slots = tuple(np.zeros(theta.shape, theta.dtype) for _ in self.slots)
        return OptimizerState(0, slots, layout)

    def step(
        self, theta: Array, gradient: Array, state: OptimizerState
    ) -> tuple[Array, OptimizerState]:
        """Return the new θ, (parameters,), and the new state; the arguments are not changed.

        Entries that training does not change, and their slots, keep the same bytes.
        """
        layout, k = state.layout, state.step + 1  # k counts from 1, for Adam's corrections
        g = self.clip(gradient, layout) if self.clip else gradient  # (parameters,)
        decays = layout.decays.astype(theta.dtype)  # (parameters,)
        before = (theta, *state.slots)
        after = self.rule(theta, g, *state.slots, *self.constants(k, decays).values())
        if not layout.trainable.all():
            pairs = zip(after, before, strict=True)
            after = tuple(where(layout.trainable, new, old) for new, old in pairs)
        return after[0], OptimizerState(k, tuple(after[1:]), layout)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: w − learning_rate · g.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.1
    clip : ClipValue or ClipNorm, optional
    """

    learning_rate: Rate = 0.1
    clip: Clip | None = None

    name = "sgd"
    equations = {"w_new": "w - learning_rate * g"}
    rule = staticmethod(sgd_rule)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum (Polyak 1964).

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
    momentum : float, default 0.9
    clip : ClipValue or ClipNorm, optional
    """

    learning_rate: Rate = 0.01
    momentum: Share = 0.9
    clip: Clip | None = None

    name = "momentum"
    slots = ("v",)
    equations = {"v_new": "momentum * v - learning_rate * g", "w_new": "w + v_new"}
    rule = staticmethod(momentum_rule)


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov's momentum, in the form that looks ahead from the new velocity (Bengio et al. 2013).

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
    momentum : float, default 0.9
    clip : ClipValue or ClipNorm, optional
    """

    learning_rate: Rate = 0.01
    momentum: Share = 0.9
    clip: Clip | None = None

    name = "nesterov"
    slots = ("v",)
    equations = {
        "v_new": "momentum * v - learning_rate * g",
        "w_new": "w + momentum * v_new - learning_rate * g",
    }
    rule = staticmethod(nesterov_rule)


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """The gradient over the root of its mean square (Hinton 2012), eps outside the root.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
    rho : float, default 0.9
        The share of the old mean square in the new one.
    eps : float, default 1e-8
    clip : ClipValue or ClipNorm, optional
    """

    learning_rate: Rate = 0.001
    rho: Share = 0.9
    eps: Positive = 1e-8
    clip: Clip | None = None

    name = "rmsprop"
    slots = ("s",)
    equations = {
        "s_new": "rho * s + (1 - rho) * g * g",
        "w_new": "w - learning_rate * g / (sqrt(s_new) + eps)",
    }
    rule = staticmethod(rmsprop_rule)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma, Ba 2014, Algorithm 1), eps outside the root.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
        The share of the old mean in the new one, for the means of g and g².
    eps : float, default 1e-8
    clip : ClipValue or ClipNorm, optional
    """

    learning_rate: Rate = 0.001
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: Positive = 1e-8
    clip: Clip | None = None

    name = "adam"
    slots = ("m", "v")
    equations = {**ADAM_MEANS, "w_new": "w - learning_rate * mhat / (sqrt(vhat) + eps)"}
    rule = staticmethod(adam_rule)

    def constants(self, k: int, decays: Any) -> dict[str, Any]:
        return {**super().constants(k, decays), "k": k}


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov, Hutter 2017): biases do not decay.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
    eps : float, default 1e-8
    decay : float, default 0.01
        At each update, learning_rate · decay · w is subtracted from every weight w.
    clip : ClipValue or ClipNorm, optional
    """

    learning_rate: Rate = 0.001
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: Positive = 1e-8
    decay: NonNegative = 0.01
    clip: Clip | None = None

    name = "adamw"
    slots = ("m", "v")
    equations = {
        **ADAM_MEANS,
        "w_new": "w - learning_rate * (mhat / (sqrt(vhat) + eps) + decay * w)",
    }
    rule = staticmethod(adamw_rule)

    def constants(self, k: int, decays: Any) -> dict[str, Any]:
        return {**super().constants(k, decays), "decay": self.decay * decays, "k": k}


@dataclass(frozen=True)
class LBFGS(Description):
    """SciPy's L-BFGS over the trainable entries: no pair, since it owns its line search.

    One epoch is one iteration over all the data. A stopped run starts its memory anew.

    Parameters
    ----------
    memory : int, default 10
        The number of steps, and changes of the gradient, that approximate the curvature.
    tolerance : float, default 1e-8
        The run ends when no entry of the gradient is larger in absolute value.

    References
    ----------
    Liu, Nocedal: On the limited memory BFGS method, Math. Programming 1989.
    """

    memory: Count = 10
    tolerance: NonNegative = 1e-8

    name = "lbfgs"


def optimizer(choice: str | Optimizer | LBFGS) -> Optimizer | LBFGS:
    """Return the optimizer with a name, with its default learning rate; or the argument itself.

    Raises
    ------
    UnknownNameError
        If no optimizer has that name.
    """
    return lookup(choice, Optimizer | LBFGS, OPTIMIZERS, "optimizer")


OPTIMIZERS: dict[str, Optimizer | LBFGS] = registered(
    (*Optimizer.__subclasses__(), LBFGS), names.OPTIMIZERS
)
