# pyright: strict
"""Examinations of the learning rate: compared with the curvature of the loss, or with the weights.

A learning rate is judged only together with the course of the run: many networks train well at
large ones.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.findings import Finding
from chainrule.health.formatting import format_number, layer_name, pluralize
from chainrule.health.inputs import has_faulty_inputs
from chainrule.health.snapshot import RunSnapshot
from chainrule.optimizers import SGD, Momentum, Nesterov, Optimizer
from chainrule.schedules import rate_at

Array: TypeAlias = NDArray[Any]

# Learning rate over the stability limit of a quadratic. Runs hover at the limit itself (Cohen et
# al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability"), and
# start well at twice of it (Lewkowycz et al. 2020, "The catapult mechanism"): so a failing run has
# to be above that, and far above it if nothing is known about the run.
RATIO_FAILING, RATIO_UNKNOWN = 2.0, 10.0
# … and above the limit itself, for a run that began above it and diverged.
RATIO_DIVERGED = 1.0
# Updates that are then tried on some of the samples: a learning rate that lowers the loss is
# accepted. Of 30 networks with too large a rate by their curvature, this separates the 2 that
# learned from the 28 that diverged.
TRIAL_UPDATES = 20
# Size of an adaptive rule's update relative to the weights. By a rule of thumb in the notes of
# Stanford's course CS231n (Neural Networks Part 3), it should be about 1e-3.
USUAL_UPDATE = 1e-3
# A learning rate of .01 in a wide layer gives .2 and trains; at 2, an update replaces all weights.
UPDATE_FAILING, UPDATE_UNKNOWN = 0.5, 2.0
# A learning rate is too small below this share of a good one, if the trial updates with the good
# one lower the loss by more than the whole run did, and by at least this share of the error.
SLOW_SHARE, MIN_GAIN = 0.01, 0.1
# A good learning rate of an adaptive rule is 10 times the rule of thumb, which is what the defaults
# amount to. Weights that begin at 0, and weights of 1 or more, say nothing about a good one.
GOOD_UPDATE, SMALL_WEIGHTS, LARGE_WEIGHTS = 10 * USUAL_UPDATE, 0.01, 1.0
# Shares of the good learning rate that are tried, the largest first: if slopes jump, as those of an
# absolute error do, the curvature says little, and a good learning rate is smaller.
TRIAL_SHARES = (1.0, 0.1, 0.01)
SCHEDULE_POWERS = 40  # a schedule is evaluated at updates 2**0 to 2**39

STABILITY_LIMITS: dict[type[Optimizer], Callable[[float], float]] = {
    SGD: lambda _: 2.0,
    Momentum: lambda momentum: 2 * (1 + momentum),
    Nesterov: lambda momentum: 2 * (1 + momentum) / (1 + 2 * momentum),
}


def rate_too_large(run: RunSnapshot) -> Iterator[Finding]:
    """Find a learning rate above the stability limit, or updates as large as the weights."""
    rule = run.optimizer
    if not isinstance(rule, Optimizer) or (len(run.history) > 1 and not run.failing):
        return
    for finding in large_rate(run, rule):
        if run.failing or not lowers_loss(run, rule):
            yield finding


def large_rate(run: RunSnapshot, rule: Optimizer) -> Iterator[Finding]:
    """Find a rate above its limit, which is higher if the run is not failing."""
    examine = unstable_rate if type(rule) in STABILITY_LIMITS else oversized_updates
    yield from examine(run, rule)


def lowers_loss(run: RunSnapshot, rule: Optimizer) -> bool:
    """Return whether trial updates on some of the samples lower the loss."""
    return trial_gain(run if run.beginning is None else run.beginning, rule) > 0


def trial_gain(run: RunSnapshot, rule: Optimizer) -> float:
    """Return the decrease of the loss by trial updates on some of the samples."""
    network, subset, theta = run.network, run.subset, run.theta
    before, state = float(network.value(theta, subset)), rule.start(theta, network.layout)
    for _ in range(TRIAL_UPDATES):
        theta, state = rule.step(theta, network.run(theta, subset).gradient, state)
    return before - float(network.value(theta, subset))


def unstable_rate(run: RunSnapshot, rule: Optimizer) -> Iterator[Finding]:
    """Find that rate · λ is above the limit of gradient descent, now or at the beginning."""
    products = [(rate * run.sharpness_at(theta), rate) for theta, rate in known_points(run, rule)]
    product, rate = max(products, default=(0.0, 1.0))
    ratio = product / stability_limit(rule)
    threshold = RATIO_FAILING if run.failing else RATIO_UNKNOWN
    threshold = RATIO_DIVERGED if run.diverged else threshold
    if ratio > threshold:
        largest = rate / ratio
        sentence = (
            f"learning rate: {format_number(rate)} is {format_number(ratio)} times the largest "
            f"stable one (limit: {format_number(threshold)}); rates up to "
            f"{format_number(stability_limit(rule))}/λ = {format_number(largest)} are stable, "
            f"where λ = {format_number(product / rate)} is the curvature of the loss"
        )
        remedy = f"try a learning rate of {format_number(largest / 2)}"
        is_sign = has_faulty_inputs(run)
        yield Finding("rate-too-large", None, sentence, ratio, threshold, remedy, sign=is_sign)


def oversized_updates(run: RunSnapshot, rule: Optimizer) -> Iterator[Finding]:
    """Find updates of an adaptive rule, about as large as its rate, that exceed the weights."""
    ratios = [
        (rate / size, rate, label)
        for theta, rate in known_points(run, rule)
        for label, size in weight_sizes(run, theta).items()
    ]
    ratio, rate, label = max(ratios, default=(0.0, 0.0, ""))
    limit = UPDATE_FAILING if run.failing else UPDATE_UNKNOWN
    if ratio > limit:
        sentence = (
            f"{layer_name(label)}: with a learning rate of {format_number(rate)}, an update of "
            f"{rule.name} is about {format_number(ratio)} times as large as the weights (limit: "
            f"{format_number(limit)})"
        )
        remedy = (
            f"try a learning rate of {format_number(rate / ratio * 10 * USUAL_UPDATE)}, which "
            f"lowers that ratio to {10 * USUAL_UPDATE:g}; {USUAL_UPDATE:g} is usual"
        )
        yield Finding("rate-too-large", label, sentence, ratio, limit, remedy)


def known_points(run: RunSnapshot, rule: Optimizer) -> list[tuple[Array, float]]:
    """Return the parameters now and, if known, at the beginning, with their learning rates.

    After divergence the curvature is a consequence and not a cause, so only the beginning counts.
    """
    first = rate_at(rule.learning_rate, 1)
    last = run.history[-1].learning_rate if run.history else None
    now = [] if run.diverged else [(run.theta, last or first)]
    return now if run.beginning is None else [(run.beginning.theta, first), *now]


def stability_limit(rule: Optimizer) -> float:
    """Return the largest stable rate · λ of gradient descent, with momentum or without."""
    return STABILITY_LIMITS[type(rule)](rule.numbers.get("momentum", 0.0))


def weight_sizes(run: RunSnapshot, theta: Array) -> dict[str, float]:
    """Return the root mean square of every trained weight matrix that is not 0, by layer."""
    labels, blocks = run.network.labels, run.network.layout.blocks
    sizes = {
        labels[b.layer]: math.sqrt(float(np.mean(b.view(theta) ** 2)))
        for b in blocks
        if b.decays and b.trains
    }
    return {label: size for label, size in sizes.items() if size > 0}


# ---- too small ----------------------------------------------------------------------------------


def rate_too_small(run: RunSnapshot) -> Iterator[Finding]:
    """Find a run that changed the loss less than a few updates at a good learning rate would."""
    rule = run.optimizer
    if not isinstance(rule, Optimizer) or not run.history:
        return
    rate, change = largest_rate(run, rule), loss_change(run)
    for share in TRIAL_SHARES:
        good = share * good_rate(run, rule)
        if rate < SLOW_SHARE * good:
            gain = trial_gain(run, with_rate(rule, good))
            if gain > max(change, MIN_GAIN * error_left(run)):
                yield slow_rate(run, rate, good, change, gain)
                return


def with_rate(rule: Optimizer, rate: float) -> Optimizer:
    """Return an optimizer with another learning rate."""
    # Every optimizer is a dataclass, which the base class does not declare.
    return replace(rule, learning_rate=rate)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]


def slow_rate(run: RunSnapshot, rate: float, good: float, change: float, gain: float) -> Finding:
    """Return the finding that compares the run with the trial updates."""
    limit, updates = SLOW_SHARE * good, pluralize(run.history[-1].step, "update")
    sentence = (
        f"learning rate: {format_number(rate)} (minimum: {format_number(limit)}); {updates} "
        f"changed the loss by {format_number(change)}, while {TRIAL_UPDATES} at a learning rate of "
        f"{format_number(good)}, tried on {pluralize(len(run.subset.x), 'sample')}, lower it by "
        f"{format_number(gain)}"
    )
    remedy = f"try a learning rate of {format_number(good)}"
    return Finding("rate-too-small", None, sentence, rate, limit, remedy)


def largest_rate(run: RunSnapshot, rule: Optimizer) -> float:
    """Return the largest learning rate of the run's records, and of all of its schedule.

    So neither the end of a decaying schedule nor the beginning of a warm-up is reported.
    """
    had = [record.learning_rate for record in run.history if record.learning_rate is not None]
    return max([*had, *(rate_at(rule.learning_rate, 2**k) for k in range(SCHEDULE_POWERS))])


def good_rate(run: RunSnapshot, rule: Optimizer) -> float:
    """Return a learning rate that is safe to start with; 0 if the loss has no curvature.

    Its steps are 1/λ times the gradient, or a hundredth of the weights for adaptive rules. With
    momentum m, steps add up to 1/(1 − m) times as much. An adaptive rule needs a smaller rate in a
    wide layer than in a narrow one: the smallest weights count.
    """
    if type(rule) in STABILITY_LIMITS:
        length = 1 - rule.numbers.get("momentum", 0.0)
        return length / run.sharpness if run.sharpness > 0 else 0.0
    sizes = [size for size in weight_sizes(run, run.theta).values() if size >= SMALL_WEIGHTS]
    return GOOD_UPDATE * min([*sizes, LARGE_WEIGHTS])


def loss_change(run: RunSnapshot) -> float:
    """Return the change of the loss by the run, on some of the samples if its start is known."""
    if run.start is None:
        return abs(run.history[0].loss - run.history[-1].loss)
    values = [float(run.network.value(theta, run.subset)) for theta in (run.start, run.theta)]
    return abs(values[0] - values[1])


def error_left(run: RunSnapshot) -> float:
    """Return the loss on some of the samples, above the least possible one if that is known."""
    least = run.bounds.least if run.bounds else 0.0
    return float(run.network.value(run.theta, run.subset)) - least
