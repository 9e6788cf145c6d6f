# pyright: strict
"""The learning rate: beside what curvature allows, and beside the size of the weights.

It is judged only together with how the run goes: large rates train many a network well.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.case import Case
from chainrule.health.findings import Finding
from chainrule.health.inputs import ill_fed
from chainrule.health.words import named, number
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
# A rate is too small where one step down the gradient, at 1/λ, gains more than the whole run did,
# and at least this share of the error; and where the rate is this share of the usual.
GAIN, TOO_SLOW = 0.01, 0.01

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
    network, few = case.network, case.few
    theta = case.theta if case.beginning is None else case.beginning.theta
    before, state = float(network.value(theta, few)), rule.start(theta, network.layout)
    for _ in range(TRIAL):
        theta, state = rule.step(theta, network.run(theta, few).gradient, state)
    return float(network.value(theta, few)) < before


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
    first = rate_at(rule.rate, 1)
    last = case.history[-1].rate if case.history else None
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
    """Find a run that gained less in all its updates than one step of a good size would."""
    rule = case.optimizer
    if not isinstance(rule, Optimizer) or not case.trained or len(case.history) < 2:
        return
    done = case.history[0].loss - case.history[-1].loss
    rate = case.history[-1].rate or rate_at(rule.rate, case.history[-1].step)
    usual = usual_rate(case, rule)
    if not 0 < rate < TOO_SLOW * usual:
        return
    before, after = one_step(case)
    least = case.bounds.least if case.bounds else 0.0
    if before - after > max(abs(done), GAIN * (before - least)):
        updates = case.history[-1].step
        sentence = (
            f"learning rate: {number(rate)}, the limit is {number(TOO_SLOW * usual)}; {updates:,} "
            f"updates lowered the loss by {number(done)}, where a single step of gradient descent "
            f"at 1/λ = {number(1 / case.sharpness)}, λ being the curvature of the loss, lowers it "
            f"by {number(before - after)}"
        )
        remedy = f"try a rate of {number(usual)}"
        yield Finding("rate-too-small", None, sentence, rate, TOO_SLOW * usual, remedy)


def usual_rate(case: Case, rule: Optimizer) -> float:
    """Return half the stable rate, or what makes updates a thousandth of the weights; 0 for none.

    Adaptive rules get by with less on a wide layer than on a narrow one: the smallest counts.
    """
    if type(rule) in LIMITS:
        return stable(rule) / 2 / case.sharpness if case.sharpness > 0 else 0.0
    return USUAL * min(weight_sizes(case, case.theta).values(), default=0.0)


def one_step(case: Case) -> tuple[float, float]:
    """Return C before and after one step of gradient descent at 1/λ, on some of the samples."""
    network, few = case.network, case.few
    if not case.sharpness > 0:
        return 0.0, 0.0
    trace = network.run(case.theta, few)
    step = trace.gradient * network.layout.trainable / case.sharpness  # (parameters,)
    return float(trace.value), float(network.value(case.theta - step, few))
