"""The optimizer of an estimator, from the names of scikit-learn and of chainrule.

Parameters that scikit-learn ignores with a solver are ignored here, too.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from chainrule.descriptions import NUMBER, Count, NonNegative, Positive, lookup
from chainrule.errors import InputError, unknown
from chainrule.estimators.hyperparameters import Hyperparameters, hyphenated
from chainrule.names import canonical
from chainrule.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Clip,
    ClipNorm,
    ClipValue,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from chainrule.schedules import (
    SCHEDULES,
    ExponentialDecay,
    InverseScaling,
    Schedule,
    StepDecay,
)

DESCENTS = ("sgd", "momentum", "nesterov")  # where scikit-learn's schedules apply
OWN_RATES = ("constant", "invscaling", "adaptive")  # scikit-learn's names
NEEDS_STEPS = {
    "cosine": "CosineDecay(0.001, steps=…)",
    "warm-up": "WarmUp(100, then=0.001)",
}


@dataclass(frozen=True)
class SampleScaling(Schedule):
    """rate / (samples seen before the epoch + 1)^power, for all updates of an epoch.

    Parameters
    ----------
    rate : float
    power : float
    samples : int
        Of an epoch.
    every : int
        Updates of an epoch.
    seen, done : int
        Samples seen, and updates made, before.
    """

    learning_rate: Positive
    power: NonNegative
    samples: Count
    every: Count
    seen: int = 0
    done: int = 0

    def __call__(self, k: int) -> float:
        epoch = (k - 1 - self.done) // self.every
        return self.learning_rate / (self.seen + epoch * self.samples + 1) ** self.power


class EpochCounts(NamedTuple):
    """The counts on which a schedule by epochs depends.

    Attributes
    ----------
    samples, updates : int
        Of an epoch.
    seen, done : int
        Samples seen, and updates made, before.
    rate : float or None
        What an adaptive rate has fallen to.
    """

    samples: int
    updates: int
    seen: int = 0
    done: int = 0
    learning_rate: float | None = None


def solver_name(params: Hyperparameters) -> str:
    """Return the solver's registered name, for which an alias may be given; "" for an object."""
    solver = params.solver
    return canonical("solver", solver, OPTIMIZERS) if isinstance(solver, str) else ""


def is_lbfgs(params: Hyperparameters) -> bool:
    """Return whether the solver is L-BFGS, which takes all data at once."""
    return solver_name(params) == "lbfgs" or isinstance(params.solver, LBFGS)


def is_adaptive(params: Hyperparameters) -> bool:
    """Return whether the learning rate is reduced when nothing improves."""
    return params.learning_rate == "adaptive" and solver_name(params) in DESCENTS


def make_optimizer(params: Hyperparameters, pace: EpochCounts) -> Optimizer | LBFGS:
    """Return the optimizer of an estimator.

    Raises
    ------
    InputError
        If a number is invalid, or both a schedule and an optimizer object are given.
    UnknownNameError
        If no optimizer or schedule has that name.
    """
    solver = params.solver
    if not isinstance(params.learning_rate, Schedule) and params.learning_rate not in OWN_RATES:
        make_learning_rate(params, pace)  # an unknown name is an error with every solver
    if not isinstance(solver, str):
        return configure_optimizer(params, lookup(solver, Optimizer | LBFGS, OPTIMIZERS, "solver"))
    if is_lbfgs(params):
        return LBFGS(tolerance=params.tol)
    return stochastic_optimizer(params, solver_name(params), make_learning_rate(params, pace))


def configure_optimizer(params: Hyperparameters, solver: Optimizer | LBFGS) -> Optimizer | LBFGS:
    """Return the user's optimizer object, with the clipping of the estimator's parameters."""
    if isinstance(params.learning_rate, Schedule):
        raise InputError(
            f"solver={solver!r} has its own learning rate; give the schedule to it, as "
            f"{type(solver).__name__}(learning_rate={params.learning_rate!r})"
        )
    clip = make_clip(params)
    if clip is None or isinstance(solver, LBFGS):
        return solver
    description: Any = solver  # a dataclass, as every optimizer is
    return replace(description, clip=clip)


def stochastic_optimizer(
    params: Hyperparameters, solver: str, learning_rate: float | Schedule
) -> Optimizer:
    """Return the optimizer of a name."""
    c, clip = params, make_clip(params)
    match solver:
        case "adam":
            return Adam(learning_rate, c.beta_1, c.beta_2, c.epsilon, clip)
        case "adamw":
            return AdamW(learning_rate, c.beta_1, c.beta_2, c.epsilon, clip=clip)
        case "rmsprop":
            return RMSProp(learning_rate, eps=c.epsilon, clip=clip)
        case "momentum":
            return Momentum(learning_rate, c.momentum, clip)
        case "nesterov":
            return Nesterov(learning_rate, c.momentum, clip)
    if not c.momentum:
        return SGD(learning_rate, clip)
    kind = Nesterov if c.nesterovs_momentum else Momentum
    return kind(learning_rate, c.momentum, clip)


def make_clip(params: Hyperparameters) -> Clip | None:
    """Return how gradients are clipped; a number is the largest norm."""
    clip = params.clip
    if clip is None or isinstance(clip, ClipNorm | ClipValue):
        return clip
    if isinstance(clip, bool) or not isinstance(clip, NUMBER):
        raise InputError(f"clip={clip!r}: give a largest norm, ClipNorm(1.0), ClipValue(1.0)")
    return ClipNorm(float(clip))


def make_learning_rate(params: Hyperparameters, pace: EpochCounts) -> float | Schedule:
    """Return the learning rate; scikit-learn's schedules apply only to gradient descent."""
    name, learning_rate = params.learning_rate, float(params.learning_rate_init)
    if isinstance(name, Schedule):
        return name
    if name in OWN_RATES and solver_name(params) not in DESCENTS:
        return learning_rate
    match hyphenated(str(name)):
        case "constant":
            return learning_rate
        case "adaptive":
            return learning_rate if pace.learning_rate is None else pace.learning_rate
        case "invscaling":
            return SampleScaling(learning_rate, params.power_t, *pace[:4])
        case "inverse-scaling":
            return InverseScaling(learning_rate, params.power_t)
        case "step":
            return StepDecay(learning_rate)
        case "exponential":
            return ExponentialDecay(learning_rate)
    raise unknown_learning_rate(name)


def unknown_learning_rate(name: object) -> Exception:
    """Return the error for an unknown name, or for a schedule that requires parameters."""
    remedy = NEEDS_STEPS.get(hyphenated(str(name)))
    if remedy:
        return InputError(f"learning_rate={name!r} requires the number of steps; give {remedy}")
    complete = [name for name in SCHEDULES if name not in NEEDS_STEPS]
    return unknown("learning rate", name, [*complete, "invscaling", "adaptive"])
