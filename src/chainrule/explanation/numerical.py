"""Numerical derivatives, and the deltas of each sample on its own, to compare with the equations.

They come from the network's hand-written passes and from steps with a single sample.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import SELU, LeakyReLU, ReLU
from chainrule.batch import Batch
from chainrule.explanation.setup import Setup, activation_of
from chainrule.gradcheck import numerical_gradient
from chainrule.loops import State
from chainrule.losses import AbsoluteError, Quantile
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import OptimizerState
from chainrule.pages import Ref
from chainrule.penalties import Penalty
from chainrule.wiring import Step, wire

Array: TypeAlias = NDArray[Any]

NUDGE = 1e-4  # relative step for the slopes on both sides of an entry


def numerical_derivatives(
    setup: Setup, state: State, step: Step, only: NDArray[np.intp] | None = None
) -> dict[str, Array]:
    """Return numerical derivatives by name: of the data loss and, with a penalty, of C.

    Parameters
    ----------
    setup : Setup
    state : State
    step : Step
    only : array of int, optional
        Positions in θ to differentiate; the others are NaN.
    """
    network, mask_seed = setup.network, MaskSeed(state.seed, state.step)
    analytic = network.layout.join({n: s["d"] for n, s in step.arrays.items()}, np.float64)
    bare, kinks = replace(network, penalty=Penalty()), at_kink(step)
    point = setup.batch, mask_seed, state.theta
    found = _derivatives_by_name(bare, "d", *point, analytic, only, kinks=kinks)
    if network.penalty:
        kinks = kinks or bool(network.penalty.l1 and not state.theta.all())
        found |= _derivatives_by_name(network, "dC_", *point, step.gradient, only, kinks=kinks)
    return found


def at_kink(step: Step) -> bool:
    """Return whether a net input or an error lies exactly on a kink of its function."""
    for layer, scope in zip(step.network.layers, step.layers, strict=True):
        bent = isinstance(activation_of(layer), ReLU | LeakyReLU | SELU)
        if bent and not np.all(scope["z" if "z" in scope else "x"]):
            return True
    bent = isinstance(step.network.loss, AbsoluteError | Quantile)
    return bent and not np.all(step.loss["o"] - step.batch.t)


def _has_kink(value: Callable[[Array], Any], theta: Array) -> NDArray[np.bool_]:
    """Return for each entry whether the value's slopes to the left and to the right differ.

    The second difference is proportional to the step at a kink, and to its square where the value
    is only curved.
    """
    noise = 1e-13 * max(1.0, abs(float(value(theta))))

    def bend(i: int, size: float) -> float:
        h = np.zeros(len(theta))
        h[i] = size * max(1.0, abs(theta[i]))
        return abs(float(value(theta + h)) - 2 * float(value(theta)) + float(value(theta - h)))

    gaps = np.array([(bend(i, NUDGE), bend(i, NUDGE / 10)) for i in range(len(theta))])
    return (gaps[:, 1] > 0.03 * gaps[:, 0]) & (gaps[:, 1] > noise)


def _derivatives_by_name(
    network: Network,
    prefix: str,
    batch: Batch,
    mask_seed: MaskSeed,
    theta: Array,
    analytic: Array,
    only: NDArray[np.intp] | None,
    *,
    kinks: bool,
) -> dict[str, Array]:
    places = np.arange(len(theta)) if only is None else only

    def value(some: Array) -> Any:
        point = theta.astype(some.dtype)
        point[places] = some
        return network.value(point, batch, mask_seed)

    flat = np.full(len(theta), np.nan)
    flat[places] = numerical_gradient(value, theta[places], analytic[places])
    if kinks:
        flat[places] = np.where(_has_kink(value, theta[places]), np.nan, flat[places])
    return {prefix + name: view for name, view in network.layout.views(flat).items()}


def deltas_by_sample(setup: Setup, state: State) -> Iterator[tuple[Ref, float]]:
    """Yield delta_sample: the deltas of each sample in a step of its own, without its weight."""
    network, batch = setup.network, setup.batch
    if len(batch.x) == 1 and batch.weight is None:
        return
    mask_seed = MaskSeed(state.seed, state.step)
    masks = network.masks(len(batch.x), mask_seed)
    for s in range(len(batch.x)):
        single = Batch(batch.x[s : s + 1], batch.t[s : s + 1], None, 1.0)
        own = {
            label: {"mask": mask[s : s + 1]}  # the sample's row, not the first
            for label, mask in zip(network.labels, masks, strict=True)
            if mask is not None
        }
        memory = OptimizerState(state.step, state.slots, network.layout) if setup.rule else None
        step = wire(
            network, state.theta, single, setup.rule, memory, mask_seed=mask_seed, values=own
        )
        for scope, label in zip(reversed(step.layers), reversed(network.labels), strict=True):
            delta = scope["delta"][0].tolist() if "delta" in scope else ()
            for unit, value in enumerate(delta):
                yield Ref("delta_sample", label, (s, unit), sampled=True), value
