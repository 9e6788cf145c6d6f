# pyright: strict
"""The examinations of a run, in one table, and ``diagnose``, which makes them all.

What is found on a run that has learned is not told: it is no reason for anything.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from chainrule.health.case import Case, make_case
from chainrule.health.findings import Finding, Health
from chainrule.health.gradients import exploding_gradient, symmetric_weights, vanishing_gradient
from chainrule.health.inputs import constant_inputs, inputs_not_scaled
from chainrule.health.outputs import one_class, one_value
from chainrule.health.progress import diverging_loss, not_finite, stuck_loss
from chainrule.health.rates import rate_too_large, rate_too_small
from chainrule.health.targets import targets_alike, targets_out_of_reach, targets_unrelated
from chainrule.health.units import dead_units, saturated_units
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training import Record

Examine: TypeAlias = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True)
class Examination:
    """One way in which a run can fail to learn, and how to tell.

    Parameters
    ----------
    id : str
        What its findings are called, and its key in the table.
    title : str
    examine : callable
        ``examine(case)`` yields findings.
    why : str
        Why it keeps a network from learning.
    always : bool
        Whether it can be made where loss or parameters are not finite, too.
    """

    id: str
    title: str
    examine: Examine
    why: str
    always: bool = False


def diagnose(
    network: Network,
    theta: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    history: Sequence[Record] = (),
    optimizer: str | Optimizer | LBFGS | None = None,
    theta_start: ArrayLike | None = None,
    limit: int = 2000,
) -> Health:
    """Say why a run does not learn, with the number that proves it and the remedy.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
        Where the run is; what is not finite in it is found, and no error.
    X : array (n, inputs)
    y : array (n, outputs), or (n,) single targets or class numbers
        What it is trained on.
    weights : array (n,), optional
        Sample weights.
    history : sequence of Record, optional
        Such as ``run.history``. Without it, what only a trained network can be blamed for is left
        out.
    optimizer : str, Optimizer or LBFGS, optional
        Without it, the learning rate is left out.
    theta_start : array (parameters,), optional
        Where the run began, to judge the first learning rate by.
    limit : int, default 2000
        At most so many samples, chosen at random but always the same, are looked at.

    Returns
    -------
    Health
        Without findings where nothing is wrong, and where the run has learned: where less than a
        tenth is left of the error that the best constant prediction has.

    Raises
    ------
    InputError
        If data, θ or records do not fit.
    UnknownNameError
        If no optimiser has that name.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import mlp
    >>> from chainrule.health import diagnose
    >>> network = mlp(2, 4, 1, activation="tanh", loss="squared-error", initializer="constant")
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> report = diagnose(network, network.initialize(0), X, np.tanh(X[:, 0]))
    >>> [finding.id for finding in report.findings]
    ['symmetric-weights']
    """
    case = make_case(network, theta, X, y, weights, history, optimizer, theta_start, limit)
    with np.errstate(all="ignore"):  # what is not finite is a finding
        findings = tuple(examined(case))
    return Health(findings, len(case.batch.x), case.total)


def examined(case: Case) -> Iterator[Finding]:
    """Yield the findings; where numbers are not finite, only those that need no others."""
    for examination in EXAMINATIONS.values():
        if not case.solved and (case.finite or examination.always):
            yield from examination.examine(case)


# In the order of the report: data before weights before rates, and what follows from them last.
EXAMINATIONS: dict[str, Examination] = {
    e.id: e
    for e in (
        Examination(
            "not-finite", "numbers that are not finite", not_finite,
            "a NaN or infinity spreads to everything that is computed from it",
            always=True,
        ),
        Examination(
            "inputs-not-scaled", "inputs not scaled", inputs_not_scaled,
            "the largest column alone decides which rate is stable, and at that rate the weights "
            "of the others hardly move",
            always=True,
        ),
        Examination(
            "constant-inputs", "constant columns", constant_inputs,
            "a column that never changes tells no sample from another, and a large one acts as a "
            "bias that moves too fast",
            always=True,
        ),
        Examination(
            "targets-alike", "targets that are all alike", targets_alike,
            "with nothing to tell apart, the bias of the output learns all there is",
            always=True,
        ),
        Examination(
            "targets-out-of-reach", "targets out of the output's range", targets_out_of_reach,
            "the output runs to the edge of its range, where its slope is nearly 0, and still "
            "misses",
        ),
        Examination(
            "targets-unrelated", "targets unrelated to the inputs", targets_unrelated,
            "inputs say nothing about targets that belong to other samples",
        ),
        Examination(
            "symmetric-weights", "symmetric weights", symmetric_weights,
            "units with the same weights get the same gradient at every update, and count as one",
        ),
        Examination(
            "saturated-units", "saturated units", saturated_units,
            "every gradient that passes a unit is multiplied by its slope f', which is nearly 0",
        ),
        Examination(
            "dead-units", "dead units", dead_units,
            "where output and slope are 0, a unit gives nothing and gets no gradient to change it",
        ),
        Examination(
            "vanishing-gradient", "vanishing gradient", vanishing_gradient,
            "the lower layers stay as they were drawn, and the upper ones see noise",
        ),
        Examination(
            "exploding-gradient", "exploding gradient", exploding_gradient,
            "a rate that suits the upper layers throws the lower ones about",
        ),
        Examination(
            "rate-too-large", "learning rate too large", rate_too_large,
            "every update overshoots the valley that it goes down into",
            always=True,
        ),
        Examination(
            "rate-too-small", "learning rate too small", rate_too_small,
            "the way is right, but at this pace it takes more updates than anybody waits for",
        ),
        Examination(
            "one-class", "one class for all samples", one_class,
            "the largest class is what is left to say when the inputs do not get through",
        ),
        Examination(
            "constant-output", "one value for all samples", one_value,
            "the mean is what is left to say when the inputs do not get through",
        ),
        Examination(
            "diverging-loss", "diverging loss", diverging_loss,
            "updates that make the loss larger make the next gradient larger still",
            always=True,
        ),
        Examination(
            "stuck-loss", "loss stuck at a constant's", stuck_loss,
            "a prediction that takes no notice of the inputs would do as well",
        ),
    )
}  # fmt: skip
