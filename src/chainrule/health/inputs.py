# pyright: strict
"""Examinations of the inputs: columns of very different scales, far from 0, or constant.

Small columns among larger ones are accepted: rare pixels and rare words look like that.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.health.column_statistics import column_statistics
from chainrule.health.findings import Finding
from chainrule.health.formatting import Names, column_list, format_number
from chainrule.health.snapshot import RunSnapshot

Array: TypeAlias = NDArray[Any]

# Root mean square of a column over that of the median column: the squares are on the diagonal of
# the first layer's Hessian, so that 100 gives a condition number of 10,000.
MAX_RATIO = 100.0
# Root mean square that is too large whatever the others are: weights of 1/√in then give net inputs
# far outside the range of every activation. Pixels up to 16 train well, up to 255 they do not.
MAX_RMS = 100.0
# … and too small: net inputs then equal the bias.
MIN_RMS = 1e-3
# |mean| over standard deviation of a column that is not small: it then acts as a second bias, and
# its variation has a 10,000th of the weight of its mean in the Hessian.
MAX_OFFSET = 100.0
HARMLESS_RMS = 10.0  # below this root mean square a column does no harm, whatever the others are


def inputs_not_scaled(run: RunSnapshot) -> Iterator[Finding]:
    """Find columns that are too large, all too small, or far from 0."""
    mean, deviation, size, *_ = column_statistics(run.batch.x)  # (inputs,) each
    varies = deviation > 0  # (inputs,)
    if not varies.any():
        return
    typical, largest = float(np.median(size[varies])), float(size[varies].max())
    if largest < MIN_RMS:
        yield inputs_too_small(largest)
    limit = min(MAX_RMS, max(HARMLESS_RMS, MAX_RATIO * typical))
    if largest > limit:
        places = np.flatnonzero(varies & (size > limit))
        yield columns_too_large(places, size, typical, limit, run.names)
    else:
        yield from columns_off_center(mean, deviation, size, run.names)


def has_faulty_inputs(run: RunSnapshot) -> bool:
    """Return whether the inputs have a finding, from which many others follow."""
    return any(True for examine in (inputs_not_scaled, constant_inputs) for _ in examine(run))


def inputs_too_small(largest: float) -> Finding:
    """Return the finding that all columns are too small."""
    sentence = (
        f"inputs: the largest column has a root mean square of {format_number(largest)} "
        f"(minimum: {format_number(MIN_RMS)})"
    )
    remedy = standardize("the inputs")
    return Finding("inputs-not-scaled", None, sentence, largest, MIN_RMS, remedy)


def columns_too_large(
    places: Array, size: Array, typical: float, limit: float, names: Names
) -> Finding:
    """Return the finding about columns whose scale dominates the others', or is too large."""
    place = places[np.argsort(-size[places], kind="stable")]
    largest = float(size[place[0]])
    sentence = (
        f"inputs: {column_list(place.tolist(), names)} {have(place)} a root mean square of "
        f"{up_to(place)}{format_number(largest)} "
        f"(limit: {format_number(limit)}{limit_origin(typical, limit)})"
    )
    return Finding("inputs-not-scaled", None, sentence, largest, limit, standardize("them"))


def limit_origin(typical: float, limit: float) -> str:
    """Return how a limit was derived, if it depends on the median column's root mean square."""
    relative = HARMLESS_RMS < limit < MAX_RMS
    ratio, median = format_number(MAX_RATIO), format_number(typical)
    return f", {ratio} times the median column's {median}" if relative else ""


def columns_off_center(
    mean: Array, deviation: Array, size: Array, names: Names
) -> Iterator[Finding]:
    """Find columns whose mean is many times their standard deviation."""
    ratio = np.abs(mean) / np.where(deviation > 0, deviation, np.inf)  # (inputs,)
    places = np.flatnonzero((ratio > MAX_OFFSET) & (size > HARMLESS_RMS))
    if len(places):
        place = places[np.argsort(-ratio[places], kind="stable")]
        worst = float(ratio[place[0]])
        sentence = (
            f"inputs: {column_list(place.tolist(), names)} {have(place)} a mean of "
            f"{up_to(place)}{format_number(worst)} standard deviations "
            f"(limit: {format_number(MAX_OFFSET)})"
        )
        yield Finding("inputs-not-scaled", None, sentence, worst, MAX_OFFSET, standardize("them"))


def standardize(what: str) -> str:
    """Return the remedy for columns of unsuitable scale."""
    return (
        f"standardize {what}: subtract each column's mean and divide by its standard deviation, as "
        "scikit-learn's StandardScaler does"
    )


def have(places: Array) -> str:
    return "has" if len(places) == 1 else "have"


def up_to(places: Array) -> str:
    return "up to " * (len(places) > 1)


def constant_inputs(run: RunSnapshot) -> Iterator[Finding]:
    """Find constant columns that do harm: all columns, or large ones.

    A column of zeros, such as the corner of a picture, or of ones is harmless.
    """
    n, columns = len(run.batch.x), column_statistics(run.batch.x)
    constant = columns.largest == columns.smallest  # (inputs,)
    value = np.abs(columns.largest)  # (inputs,)
    large = np.flatnonzero(constant & (value > HARMLESS_RMS))
    if constant.all() and n > 1:
        sentence = f"inputs: 0 of {len(constant)} columns vary among {n:,} samples (minimum: 1)"
        remedy = "check how the data were read; all samples are equal"
        yield Finding("constant-inputs", None, sentence, 0.0, 1.0, remedy)
    elif len(large) and n > 1:
        worst = float(value[large].max())
        sentence = (
            f"inputs: {column_list(large.tolist(), run.names)} {have(large)} the same value for "
            f"all samples, {up_to(large)}{format_number(worst)} (limit for a constant column: "
            f"{format_number(HARMLESS_RMS)})"
        )
        remedy = "remove constant columns; the bias serves the same purpose"
        yield Finding("constant-inputs", None, sentence, worst, HARMLESS_RMS, remedy)
