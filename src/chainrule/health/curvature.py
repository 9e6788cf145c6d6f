# pyright: strict
"""The curvature of the loss: the largest eigenvalue of its Hessian, by power iteration.

The Hessian is never formed; its product with a vector is a difference of two gradients.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

STEP = 1e-4  # of the length of θ: a difference of gradients then keeps about 8 digits
ROUNDS = 30  # of the power iteration, at most
SETTLED = 0.01  # relative change between two rounds; a limit is not known better than that


def sharpness(network: Network, theta: Array, batch: Batch) -> float:
    """Return the largest eigenvalue of the Hessian of C over the trainable entries, or less.

    Every round's Rayleigh quotient is a lower bound, and the largest of them is returned: what has
    not settled makes a learning rate look smaller beside its limit, never larger.

    Parameters
    ----------
    network : Network
    theta : array (parameters,), float64
    batch : Batch

    Returns
    -------
    float
        At least 0.
    """
    free = network.layout.trainable
    v = np.random.default_rng(0).normal(size=len(theta)) * free  # (parameters,)
    largest = 0.0
    for _ in range(ROUNDS):
        v = v / (np.linalg.norm(v) or 1.0)
        product = hessian_product(network, theta, batch, v) * free  # (parameters,)
        quotient = float(v @ product)
        if not np.isfinite(quotient) or abs(quotient - largest) <= SETTLED * abs(quotient):
            break
        largest, v = max(largest, quotient), product
    return largest


def hessian_product(network: Network, theta: Array, batch: Batch, v: Array) -> Array:
    """Return the Hessian of C times a unit vector v, (parameters,), by a central difference."""
    step = STEP * max(1.0, float(np.linalg.norm(theta)))
    ahead = network.run(theta + step * v, batch).gradient  # (parameters,)
    behind = network.run(theta - step * v, batch).gradient  # (parameters,)
    return (ahead - behind) / (2 * step)
