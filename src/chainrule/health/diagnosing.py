# pyright: strict
"""``diagnose``: all examinations of a run, and the report on what they find.

What is found on a run that has learned is not told: it is no reason for anything.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from chainrule.health.case import Case, make_case
from chainrule.health.examinations import EXAMINATIONS
from chainrule.health.findings import Finding
from chainrule.health.report import Health
from chainrule.health.words import UNNAMED, Names
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.training import Record

FIRST = "see to what stands above first"


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
    """Say why a run does not learn, with the number that proves it and the remedy.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
        Where the run is; what is not finite in it is found, and no error.
    X : array (n, inputs)
    y : array (n, outputs), or (n,) single targets or class numbers
        What it is trained on.
    sample_weight : array (n,), optional
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
    names : Names, optional
        What columns and classes are called in the report.

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
    case = make_case(
        network, theta, X, y, sample_weight, history, optimizer, theta_start, limit, names
    )
    with np.errstate(all="ignore"):  # what is not finite is a finding
        findings = tuple(told(list(examined(case))))
        left = case.left if math.isfinite(case.left) else None
    updates = case.history[-1].step if case.history else 0
    return Health(findings, len(case.batch.x), case.total, updates, left)


def examined(case: Case) -> Iterator[Finding]:
    """Yield the findings; where numbers are not finite, only those that need no others."""
    for examination in EXAMINATIONS.values():
        if not case.solved and (case.finite or examination.always):
            yield from examination.examine(case)


def told(findings: list[Finding]) -> list[Finding]:
    """Return what is worth telling: nothing that only follows, and signs behind their causes."""
    found = {finding.id for finding in findings}
    new = [f for f in findings if found.isdisjoint(EXAMINATIONS[f.id].follows)]
    marked = [replace(f, sign=f.sign or EXAMINATIONS[f.id].sign) for f in new]
    causes, signs = ([f for f in marked if f.sign is sign] for sign in (False, True))
    return causes + [replace(f, remedy=FIRST) if causes else f for f in signs]
