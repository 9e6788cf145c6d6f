# pyright: strict
"""The largest eigenvalue of the loss's Hessian, by power iteration.

The Hessian is not formed; its product with a vector is a difference of two gradients.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

STEP = 1e-6  # relative to |θ|: 6 digits of a gradient, and few samples cross the kink of a relu
MAX_ITERATIONS = 30
TOLERANCE = (
    0.05  # share of H·v orthogonal to v; the eigenvalue's relative error is about its square
)


def sharpness(network: Network, theta: Array, batch: Batch) -> float:
    """Return the largest eigenvalue of the Hessian of C over the trainable entries.

    The result is the largest Rayleigh quotient of all iterations, each a lower bound. Without
    convergence it is too small, which makes a learning rate look smaller compared with its limit,
    never larger.

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
    largest, last = power_iteration(network, theta, batch, 0.0)
    if last < 0:  # it converged to a negative eigenvalue of larger magnitude
        largest = max(largest, power_iteration(network, theta, batch, -last)[0])
    return largest


def power_iteration(
    network: Network, theta: Array, batch: Batch, shift: float
) -> tuple[float, float]:
    """Return the largest Rayleigh quotient of all iterations, at least 0, and the last.

    The iteration runs on H + `shift`·I. If H has no eigenvalue below −shift, it converges to the
    largest one.
    """
    free = network.layout.trainable
    v = np.random.default_rng(0).normal(size=len(theta)) * free  # (parameters,)
    largest = quotient = 0.0
    for _ in range(MAX_ITERATIONS):
        v = v / (np.linalg.norm(v) or 1.0)
        product = hessian_product(network, theta, batch, v) * free  # (parameters,)
        quotient = float(v @ product)
        if not np.isfinite(quotient):
            break
        largest = max(largest, quotient)
        if np.linalg.norm(product - quotient * v) <= TOLERANCE * abs(quotient):
            break
        v = product + shift * v
    return largest, quotient


def hessian_product(network: Network, theta: Array, batch: Batch, v: Array) -> Array:
    """Return the Hessian of C times a unit vector v, (parameters,), by a central difference."""
    step = STEP * max(1.0, float(np.linalg.norm(theta)))
    ahead = network.run(theta + step * v, batch).gradient  # (parameters,)
    behind = network.run(theta - step * v, batch).gradient  # (parameters,)
    return (ahead - behind) / (2 * step)
