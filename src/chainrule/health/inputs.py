# pyright: strict
"""The inputs: columns so large, so far from 0 or so far apart that one rate cannot serve them all.

Small columns among larger ones are left alone: rare pixels and rare words look like that.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.case import Case, sizes_of
from chainrule.health.findings import Finding
from chainrule.health.words import Names, columns, number

Array: TypeAlias = NDArray[Any]

# Root mean square of a column over that of the median column: the Hessian of the first layer has
# the squares on its diagonal, so that 100 makes a condition number of 10,000.
APART = 100.0
# Root mean square that is too much whatever the others are: weights of 1/√in then make net inputs
# far outside of what any activation is made for. Pixels up to 16 train well, up to 255 do not.
LARGE = 100.0
# … and too little: net inputs are then the bias and nothing else.
TINY = 1e-3
# |mean| over deviation, of a column that is not small: it is a second bias then, and what it says
# has a 10,000th of the weight of that in the Hessian.
OFF = 100.0
NOTABLE = 10.0  # root mean square below which a column does no harm, however it compares


def inputs_not_scaled(case: Case) -> Iterator[Finding]:
    """Find columns that are too large, all too small, or far away from 0."""
    x = case.batch.x  # (n, inputs)
    size, deviation = sizes_of(x), x.std(axis=0)  # (inputs,)
    varies = deviation > 0  # (inputs,)
    if not varies.any():
        return
    typical, largest = float(np.median(size[varies])), float(size[varies].max())
    if largest < TINY:
        yield too_small(largest)
    limit = min(LARGE, max(NOTABLE, APART * typical))
    if largest > limit:
        places = np.flatnonzero(varies & (size > limit))
        yield too_large(places, size, typical, limit, case.names)
    else:
        yield from off_center(x.mean(axis=0), deviation, size, case.names)


def ill_fed(case: Case) -> bool:
    """Tell whether something is wrong with the inputs, from which much else follows."""
    return any(True for examine in (inputs_not_scaled, constant_inputs) for _ in examine(case))


def too_small(largest: float) -> Finding:
    """Return the finding that no column says anything aloud."""
    sentence = (
        f"inputs: the largest column has a root mean square of {number(largest)}, the limit is "
        f"{number(TINY)}"
    )
    return Finding("inputs-not-scaled", None, sentence, largest, TINY, remedy("the inputs"))


def too_large(places: Array, size: Array, typical: float, limit: float, names: Names) -> Finding:
    """Return the finding about columns that drown the others, or all of them."""
    place = places[np.argsort(-size[places], kind="stable")]
    largest = float(size[place[0]])
    sentence = (
        f"inputs: {columns(place.tolist(), names)} {have(place)} a root mean square of "
        f"{up_to(place)}{number(largest)}, the limit is {number(limit)}{beside(typical, limit)}"
    )
    return Finding("inputs-not-scaled", None, sentence, largest, limit, remedy("them"))


def beside(typical: float, limit: float) -> str:
    """Return where a limit comes from that depends on the median column's root mean square."""
    between = NOTABLE < limit < LARGE
    return f", {number(APART)} times the median column's {number(typical)}" if between else ""


def off_center(mean: Array, deviation: Array, size: Array, names: Names) -> Iterator[Finding]:
    """Find columns that hardly vary beside their mean."""
    ratio = np.abs(mean) / np.where(deviation > 0, deviation, np.inf)  # (inputs,)
    places = np.flatnonzero((ratio > OFF) & (size > NOTABLE))
    if len(places):
        place = places[np.argsort(-ratio[places], kind="stable")]
        worst = float(ratio[place[0]])
        sentence = (
            f"inputs: {columns(place.tolist(), names)} {have(place)} a mean of "
            f"{up_to(place)}{number(worst)} standard deviations, the limit is {number(OFF)}"
        )
        yield Finding("inputs-not-scaled", None, sentence, worst, OFF, remedy("them"))


def remedy(what: str) -> str:
    return (
        f"standardize {what}: take off each column's mean and divide by its deviation, as "
        "scikit-learn's StandardScaler does"
    )


def have(places: Array) -> str:
    return "has" if len(places) == 1 else "have"


def up_to(places: Array) -> str:
    return "up to " * (len(places) > 1)


def constant_inputs(case: Case) -> Iterator[Finding]:
    """Find columns that say nothing and do harm: all of them, or large ones.

    A column of zeros, such as the corner of a picture, or of ones is an idle one.
    """
    x = case.batch.x  # (n, inputs)
    constant = np.ptp(x, axis=0) == 0  # (inputs,)
    large = np.flatnonzero(constant & (np.abs(x[0]) > NOTABLE))
    if constant.all() and len(x) > 1:
        sentence = (
            f"inputs: 0 of {len(constant)} columns differ among {len(x):,} samples, at least 1 must"
        )
        remedy = "look at how the data were read; every sample is the same"
        yield Finding("constant-inputs", None, sentence, 0.0, 1.0, remedy)
    elif len(large) and len(x) > 1:
        worst = float(np.abs(x[0, large]).max())
        sentence = (
            f"inputs: {columns(large.tolist(), case.names)} {have(large)} the same value for all "
            f"samples, {up_to(large)}{number(worst)}, the limit for such a one is {number(NOTABLE)}"
        )
        remedy = "leave out what never changes; the bias does its work"
        yield Finding("constant-inputs", None, sentence, worst, NOTABLE, remedy)
