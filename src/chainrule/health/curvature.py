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

STEP = 1e-6  # of the length of θ: 6 digits of a gradient, and few samples pass the kink of a relu
ROUNDS = 30  # of the power iteration, at most
SETTLED = 0.05  # share of H·v that is not along v; its square is about what the eigenvalue lacks


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
    largest, last = highest(network, theta, batch, 0.0)
    if last < 0:  # the rounds went to an eigenvalue below 0 that is larger in size
        largest = max(largest, highest(network, theta, batch, -last)[0])
    return largest


def highest(network: Network, theta: Array, batch: Batch, shift: float) -> tuple[float, float]:
    """Return the largest quotient of all rounds, at least 0, and the last; `shift` is added to H.

    Where H has no eigenvalue below −shift, the rounds go to its largest.
    """
    free = network.layout.trainable
    v = np.random.default_rng(0).normal(size=len(theta)) * free  # (parameters,)
    largest = quotient = 0.0
    for _ in range(ROUNDS):
        v = v / (np.linalg.norm(v) or 1.0)
        product = hessian_product(network, theta, batch, v) * free  # (parameters,)
        quotient = float(v @ product)
        if not np.isfinite(quotient):
            break
        largest = max(largest, quotient)
        if np.linalg.norm(product - quotient * v) <= SETTLED * abs(quotient):
            break
        v = product + shift * v
    return largest, quotient


def hessian_product(network: Network, theta: Array, batch: Batch, v: Array) -> Array:
    """Return the Hessian of C times a unit vector v, (parameters,), by a central difference."""
    step = STEP * max(1.0, float(np.linalg.norm(theta)))
    ahead = network.run(theta + step * v, batch).gradient  # (parameters,)
    behind = network.run(theta - step * v, batch).gradient  # (parameters,)
    return (ahead - behind) / (2 * step)
