# pyright: strict
"""The learning rate: beside what curvature allows, and beside the size of the weights.

It is judged only together with how the run goes: large rates train many a network well.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.case import Case
from chainrule.health.findings import Finding
from chainrule.health.inputs import ill_fed
from chainrule.health.words import counted, named, number
from chainrule.optimizers import SGD, Momentum, Nesterov, Optimizer
from chainrule.schedules import rate_at

Array: TypeAlias = NDArray[Any]

# How many times the limit of a quadratic a rate must be. Runs hover at the limit itself (Cohen et
# al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability"), and
# begin well at twice of it (Lewkowycz et al. 2020, "The catapult mechanism"): so more than that is
# needed of a run that fails, and far more where it is not known how it goes.
OVER_FAILING, OVER_UNKNOWN = 2.0, 10.0
# … and no more than the limit itself of a run that began above it and diverged.
OVER_LOST = 1.0
# Updates that are then tried on some of the samples: a rate that lowers the loss is not blamed. Of
# 30 networks that curvature alone accused, 2 learned, which this tells from the 28 that diverged.
TRIAL = 20
# Size of an adaptive rule's update beside the weights. The notes of Stanford's course CS231n
# (Neural Networks Part 3) have a rule of thumb, and no law: it should be about 1e-3.
USUAL = 1e-3
# A rate of .01 on a wide layer comes to .2 and trains; at 2, all weights are new at every update.
LARGE_FAILING, LARGE_UNKNOWN = 0.5, 2.0
# A rate is too small below this share of a good one, where as many updates as are tried with that
# lower the loss by more than the whole run moved it, and by this share of the error.
TOO_SLOW, GAIN = 0.01, 0.1
# A good rate of an adaptive rule is 10 times the rule of thumb, which is what the defaults come to.
# Weights that begin at 0 do not say what a good one is, nor do those of 1 or more.
GOOD, SMALL_WEIGHTS, LARGE_WEIGHTS = 10 * USUAL, 0.01, 1.0
# Shares of it that are tried, the largest first: where slopes jump, as an absolute error's do,
# curvature says too little, and a good rate is smaller.
SHARES = (1.0, 0.1, 0.01)
AHEAD = 40  # a schedule is looked at where the update's number is a power of 2, up to this one

LIMITS: dict[type[Optimizer], Callable[[float], float]] = {
    SGD: lambda _: 2.0,
    Momentum: lambda momentum: 2 * (1 + momentum),
    Nesterov: lambda momentum: 2 * (1 + momentum) / (1 + 2 * momentum),
}


def rate_too_large(case: Case) -> Iterator[Finding]:
    """Find a rate beyond what curvature allows, or updates as large as the weights."""
    rule = case.optimizer
    if not isinstance(rule, Optimizer) or (len(case.history) > 1 and not case.failing):
        return
    look = beyond_curvature if type(rule) in LIMITS else beyond_weights
    for finding in look(case, rule):
        if case.failing or not gets_on(case, rule):
            yield finding


def gets_on(case: Case, rule: Optimizer) -> bool:
    """Tell whether some updates, tried on some of the samples, lower the loss."""
    return gain(case if case.beginning is None else case.beginning, rule) > 0


def gain(case: Case, rule: Optimizer) -> float:
    """Return by how much some updates, tried on some of the samples, lower the loss."""
    network, few, theta = case.network, case.few, case.theta
    before, state = float(network.value(theta, few)), rule.start(theta, network.layout)
    for _ in range(TRIAL):
        theta, state = rule.step(theta, network.run(theta, few).gradient, state)
    return before - float(network.value(theta, few))


def beyond_curvature(case: Case, rule: Optimizer) -> Iterator[Finding]:
    """Find that rate · λ is above the limit of gradient descent, at the start or now."""
    found = [(rate * case.sharpness_at(theta), rate) for theta, rate in points(case, rule)]
    product, rate = max(found, default=(0.0, 1.0))
    times = product / stable(rule)
    over = OVER_FAILING if case.failing else OVER_UNKNOWN
    over = OVER_LOST if case.lost else over
    if times > over:
        limit = rate / times
        sentence = (
            f"learning rate: {number(rate)} is {number(times)} times the largest stable one, the "
            f"limit is {number(over)}; stable is up to {number(stable(rule))}/λ = "
            f"{number(limit)}, where λ = {number(product / rate)} is the curvature of the loss"
        )
        remedy = f"try a rate of {number(limit / 2)}"
        yield Finding("rate-too-large", None, sentence, times, over, remedy, sign=ill_fed(case))


def beyond_weights(case: Case, rule: Optimizer) -> Iterator[Finding]:
    """Find updates of an adaptive rule, about as large as its rate, beside small weights."""
    found = [
        (rate / size, rate, label)
        for theta, rate in points(case, rule)
        for label, size in weight_sizes(case, theta).items()
    ]
    ratio, rate, label = max(found, default=(0.0, 0.0, ""))
    limit = LARGE_FAILING if case.failing else LARGE_UNKNOWN
    if ratio > limit:
        sentence = (
            f"{named(label)}: at a learning rate of {number(rate)}, an update of {rule.name} is "
            f"about {number(ratio)} times as large as the weights, the limit is {number(limit)}"
        )
        remedy = (
            f"try a rate of {number(rate / ratio * 10 * USUAL)}, which makes that {10 * USUAL:g}; "
            f"{USUAL:g} is usual"
        )
        yield Finding("rate-too-large", label, sentence, ratio, limit, remedy)


def points(case: Case, rule: Optimizer) -> list[tuple[Array, float]]:
    """Return where the run is, and where it began if that is known, with the rates there.

    Where it diverged the curvature is no cause but a consequence, and only the beginning counts.
    """
    first = rate_at(rule.learning_rate, 1)
    last = case.history[-1].learning_rate if case.history else None
    here = [] if case.lost else [(case.theta, last or first)]
    return here if case.beginning is None else [(case.beginning.theta, first), *here]


def stable(rule: Optimizer) -> float:
    """Return the largest stable rate · λ of gradient descent, with momentum or without."""
    return LIMITS[type(rule)](rule.numbers.get("momentum", 0.0))


def weight_sizes(case: Case, theta: Array) -> dict[str, float]:
    """Return the root mean square of every trained weight matrix that is not 0, by layer."""
    labels, blocks = case.network.labels, case.network.layout.blocks
    sizes = {
        labels[b.layer]: math.sqrt(float(np.mean(b.view(theta) ** 2)))
        for b in blocks
        if b.decays and b.trains
    }
    return {label: size for label, size in sizes.items() if size > 0}


# ---- too small ----------------------------------------------------------------------------------


def rate_too_small(case: Case) -> Iterator[Finding]:
    """Find a run that moved less in all its updates than a few at a good rate would."""
    rule = case.optimizer
    if not isinstance(rule, Optimizer) or not case.history:
        return
    rate, done = largest_rate(case, rule), moved(case)
    for share in SHARES:
        good = share * good_rate(case, rule)
        if rate < TOO_SLOW * good:
            better = gain(case, at_rate(rule, good))
            if better > max(done, GAIN * error(case)):
                yield too_small(case, rate, good, done, better)
                return


def at_rate(rule: Optimizer, rate: float) -> Optimizer:
    """Return an optimizer with another learning rate."""
    # Every optimizer is a dataclass, which their family does not say.
    return replace(rule, learning_rate=rate)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]


def too_small(case: Case, rate: float, good: float, done: float, better: float) -> Finding:
    """Return the finding, with what the run did beside what was tried."""
    limit, updates = TOO_SLOW * good, counted(case.history[-1].step, "update")
    sentence = (
        f"learning rate: {number(rate)}, the limit is {number(limit)}; {updates} moved the loss by "
        f"{number(done)}, where {TRIAL} at a rate of {number(good)}, tried on "
        f"{counted(len(case.few.x), 'sample')}, lower it by {number(better)}"
    )
    return Finding("rate-too-small", None, sentence, rate, limit, f"try a rate of {number(good)}")


def largest_rate(case: Case, rule: Optimizer) -> float:
    """Return the largest rate that the run has had, or that its schedule has later or had before.

    So the end of a run whose rate has fallen is not blamed, nor the beginning of one that warms up.
    """
    had = [record.learning_rate for record in case.history if record.learning_rate is not None]
    return max([*had, *(rate_at(rule.learning_rate, 2**k) for k in range(AHEAD))])


def good_rate(case: Case, rule: Optimizer) -> float:
    """Return a rate that is safe to begin with; 0 where there is no curvature to tell.

    Its steps are 1/λ times the gradient, or a hundredth of the weights for adaptive rules. With
    momentum m they come to 1/(1 − m) times as much. Adaptive rules get by with less on a wide
    layer than on a narrow one: the smallest weights count.
    """
    if type(rule) in LIMITS:
        length = 1 - rule.numbers.get("momentum", 0.0)
        return length / case.sharpness if case.sharpness > 0 else 0.0
    sizes = [size for size in weight_sizes(case, case.theta).values() if size >= SMALL_WEIGHTS]
    return GOOD * min([*sizes, LARGE_WEIGHTS])


def moved(case: Case) -> float:
    """Return by how much the run moved the loss, on some of the samples if its start is known."""
    if case.start is None:
        return abs(case.history[0].loss - case.history[-1].loss)
    values = [float(case.network.value(theta, case.few)) for theta in (case.start, case.theta)]
    return abs(values[0] - values[1])


def error(case: Case) -> float:
    """Return the loss on some of the samples, above the least that it can be if that is known."""
    least = case.bounds.least if case.bounds else 0.0
    return float(case.network.value(case.theta, case.few)) - least
