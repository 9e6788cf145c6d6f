"""Say why a program does not learn although its backpropagation is right, from its own numbers."""

from collections.abc import Iterator

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.health import diagnose
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.submission import Array

FEWEST = 4  # samples that a conclusion needs
CAUSES = (  # that lie in the data, the starting weights and the learning rate
    *("not-finite", "inputs-not-scaled", "constant-inputs", "targets-out-of-reach"),
    *("symmetric-weights", "rate-too-large", "rate-too-small"),
)


def reasons(network: Network, theta: Array, x: Array, t: Array, rate: float) -> Iterator[str]:
    """Yield sentences on what keeps a network from learning, and what to do.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
        The starting weights.
    x, t : array (n, inputs), (n, outputs)
        The samples of the first update.
    rate : float
        The learning rate, of the mean over the samples.
    """
    if len(x) < FEWEST:
        return
    try:
        with np.errstate(all="ignore"):
            found = diagnose(network, theta, x, t, optimizer=SGD(rate)).findings
    except (ChainruleError, ValueError, ArithmeticError):
        return  # data that the report does not take, such as targets of another kind
    for finding in found:
        if finding.id in CAUSES and not finding.sign:
            yield f"it may not learn: {finding}"
