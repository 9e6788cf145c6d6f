# pyright: strict
"""``diagnose``: perform all examinations of a run, and report what they find."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from chainrule.health.examinations import EXAMINATIONS
from chainrule.health.findings import Finding
from chainrule.health.formatting import UNNAMED, Names
from chainrule.health.report import Health
from chainrule.health.snapshot import RunSnapshot, take_snapshot
from chainrule.health.trials import rank_by_trial, rate_behind_weights
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training import Record

REMOVE_CAUSES = "remove the reasons above first"


def diagnose(
    network: Network,
    theta: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    history: Sequence[Record] = (),
    optimizer: str | Optimizer | LBFGS | None = None,
    theta_start: ArrayLike | None = None,
    limit: int = 2000,
    names: Names = UNNAMED,
) -> Health:
    """Find out why a run does not learn, with measured numbers and remedies.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
        The parameters to examine. Entries that are not finite are reported as a finding.
    X : array (n, inputs), or a sparse matrix
    y : array (n, outputs), or (n,) single targets or class numbers
        The training data.
    sample_weight : array (n,), optional
        Sample weights.
    history : sequence of Record, optional
        The records of a run, ``run.history``. If omitted, faults that only a trained network can
        have are not looked for.
    optimizer : str, Optimizer or LBFGS, optional
        The optimizer of the run. If omitted, the learning rate is not examined.
    theta_start : array (parameters,), optional
        The parameters at the beginning of the run, at which the first learning rate is examined.
    limit : int, default 2000
        The number of samples to examine at most, drawn at random with a fixed seed.
    names : Names, optional
        Names of columns and classes for the report.

    Returns
    -------
    Health
        Without findings if nothing is wrong, or if the run has learned: if at most a tenth of the
        error of the best constant prediction is left.

    Raises
    ------
    InputError
        If data, θ or records are invalid.
    UnknownNameError
        If no optimizer has that name.

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
    run = take_snapshot(
        network, theta, X, y, sample_weight, history, optimizer, theta_start, limit, names
    )
    with np.errstate(all="ignore"):  # what is not finite is a finding
        findings = tuple(arrange(run, list(examine(run))))
        left = run.left if math.isfinite(run.left) else None
    updates = run.history[-1].step if run.history else 0
    return Health(findings, len(run.batch.x), run.total, updates, left)


def examine(run: RunSnapshot) -> Iterator[Finding]:
    """Yield the findings of a run; none if it has learned, whatever its units look like."""
    for examination in EXAMINATIONS.values():
        if not run.solved and (run.finite or examination.always):
            yield from examination.examine(run)


def arrange(run: RunSnapshot, findings: list[Finding]) -> list[Finding]:
    """Return findings without those that others imply, causes by trial, then signs."""
    found = {finding.id for finding in findings}
    new = [f for f in findings if found.isdisjoint(EXAMINATIONS[f.id].follows)]
    marked = [replace(f, sign=f.sign or EXAMINATIONS[f.id].sign) for f in new]
    causes, signs = ([f for f in marked if f.sign is sign] for sign in (False, True))
    causes = rate_behind_weights(run, causes) + rank_by_trial(run, causes)
    return causes + [replace(f, remedy=REMOVE_CAUSES) if causes else f for f in signs]
