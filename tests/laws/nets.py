"""Small random networks with data, one for every combination of what the tables hold.

The laws name what they want and get it from here; a new entry of a table is met by them without a
new line. Where it needs more than its defaults, `EXAMPLES`, `RATES` or `TUNED` may say so.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from chainrule.activations import ACTIVATIONS, ELU, Activation, Custom, Identity, LeakyReLU
from chainrule.batch import Batch
from chainrule.elementwise import log1p, sqrt
from chainrule.errors import InputError
from chainrule.layers import LAYERS, ActivationLayer, Dense, Dropout, Layer, LayerNorm
from chainrule.losses import LOSSES, CustomLoss, Huber, Loss, Quantile
from chainrule.network import MaskSeed, Network, Trace
from chainrule.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from chainrule.penalties import Penalty
from chainrule.schedules import (
    SCHEDULES,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    Schedule,
    StepDecay,
    WarmUp,
)

Array: TypeAlias = NDArray[Any]

LARGEST_Z = 4.0  # the laws' |z|: beyond, 1 − a² and its like have lost their digits
PENALTY = Penalty(l1=0.02, l2=0.03, alpha=0.5)


# ---- a user's own functions ---------------------------------------------------------------------


def soft_sign(z: Any) -> Any:
    return z / sqrt(1 + z * z)


def dsoft_sign(z: Any, a: Any) -> Any:
    return (1 + z * z) ** -1.5


def log_square(o: Any, t: Any) -> Any:
    return log1p((o - t) ** 2)


def dlog_square(o: Any, t: Any) -> Any:
    return 2 * (o - t) / (1 + (o - t) ** 2)


# A custom one without its derivative takes the complex step's.
ALL_ACTIVATIONS: dict[str, Activation] = {**ACTIVATIONS, "custom": Custom("soft-sign", soft_sign)}
ALL_LOSSES: dict[str, Loss] = {**LOSSES, "custom": CustomLoss("log-square", log_square)}

# Other constants than the tables', by the names under which `case` takes them, too.
ACTIVATION_VARIANTS: dict[str, Activation] = {
    "custom with df": Custom("soft-sign", soft_sign, dsoft_sign),
    "leaky-relu 0.2": LeakyReLU(0.2),
    "elu 0.7": ELU(0.7),
}
LOSS_VARIANTS: dict[str, Loss] = {
    "custom with dterm": CustomLoss("log-square", log_square, dlog_square),
    "huber 0.5": Huber(0.5),
    "quantile 0.8": Quantile(0.8),
}
VARIANTS = [(f, "squared-error") for f in ACTIVATION_VARIANTS]
VARIANTS += [("tanh", loss) for loss in LOSS_VARIANTS]


# ---- what the tables' classes need beyond their defaults ----------------------------------------

EXAMPLES: dict[type, Callable[[int, Activation], Layer]] = {
    Dense: lambda width, f: Dense(width, f, bias=False),
    LayerNorm: lambda _, __: LayerNorm(eps=0.01),
    ActivationLayer: lambda _, f: ActivationLayer(f),
    Dropout: lambda _, __: Dropout(0.4),
}

# A layer of each kind between two Dense ones; "single" is Dense alone, "all" has every kind.
STACKS = ("single", *LAYERS, "all")

RATES: dict[type[Schedule], Schedule] = {
    ConstantRate: ConstantRate(0.02),
    StepDecay: StepDecay(0.02, factor=0.5, every=2),
    ExponentialDecay: ExponentialDecay(0.02, factor=0.9),
    InverseScaling: InverseScaling(0.02, power=0.7),
    CosineDecay: CosineDecay(0.02, steps=6, final=0.01),
    WarmUp: WarmUp(3, ExponentialDecay(0.02, factor=0.8)),
}


def example_layer(kind: Any, width: int, f: Activation) -> Layer:
    """Return a layer of a class."""
    return EXAMPLES[kind](width, f) if kind in EXAMPLES else kind()


def example_schedule(kind: Any) -> Schedule:
    """Return a schedule of a class."""
    return RATES[kind] if kind in RATES else kind(0.02)


ALL_SCHEDULES = {name: example_schedule(kind) for name, kind in SCHEDULES.items()}

# Constants other than the defaults, so that one left out shows.
TUNED: dict[str, Optimizer] = {
    "sgd": SGD(0.05),
    "momentum": Momentum(0.05, momentum=0.8),
    "nesterov": Nesterov(0.05, momentum=0.8),
    "rmsprop": RMSProp(0.02, rho=0.7, eps=0.01),
    "adam": Adam(0.02, beta1=0.7, beta2=0.9, eps=0.01),
    "adamw": AdamW(0.02, beta1=0.7, beta2=0.9, eps=0.01, decay=0.2),
}
# Pairs (start, step); L-BFGS is no pair, and the only exception.
PAIRS: dict[str, Optimizer] = {
    name: TUNED.get(name, rule) for name, rule in OPTIMIZERS.items() if not isinstance(rule, LBFGS)
}


def tuned(name: str, **fields: Any) -> Optimizer:
    """Return one of the pairs, with some fields replaced."""
    rule: Any = PAIRS[name]
    return replace(rule, **fields)


# ---- networks -----------------------------------------------------------------------------------


class Case(NamedTuple):
    """A network with parameters and data.

    Attributes
    ----------
    network : Network
    theta : array (parameters,)
    x, t : array (n, inputs) and (n, outputs)
    weights : array (n,) or None
    mask_seed : MaskSeed
    """

    network: Network
    theta: Array
    x: Array
    t: Array
    weights: Array | None
    mask_seed: MaskSeed

    @property
    def batch(self) -> Batch:
        """The data as the passes take them."""
        return self.network.batch(self.theta, self.x, self.t, self.weights)

    def value(self, theta: Array, x: Array | None = None) -> Any:
        """Return C at another θ or x."""
        batch = self.batch if x is None else self._replace(x=x).batch
        return self.network.value(theta, batch, self.mask_seed)

    def trace(self) -> Trace:
        """Return both passes."""
        return self.network.run(self.theta, self.batch, self.mask_seed)


def case(
    activation: str = "tanh",
    loss: str = "squared-error",
    layers: str = "dense",
    *,
    width: int = 3,
    rows: int = 4,
    weighted: bool = False,
    penalty: Penalty | None = None,
    trainable: bool | tuple[str, ...] = True,
    dtype: str = "float64",
) -> Case:
    """Return a network of the named parts, with θ and data drawn from a hash of the names."""
    names = (activation, loss, layers, width, rows, weighted)
    rng = np.random.default_rng(zlib.crc32(repr(names).encode()))
    f = {**ALL_ACTIVATIONS, **ACTIVATION_VARIANTS}[activation]
    objective = {**ALL_LOSSES, **LOSS_VARIANTS}[loss]
    stack = layers_of(layers, width, f, objective, trainable)
    network = Network(width + 1, stack, objective, penalty or Penalty())
    x = rng.normal(size=(rows, width + 1)).astype(dtype)
    t = targets(objective, rng, (rows, width)).astype(dtype)
    weights = rng.uniform(0.2, 3.0, rows) if weighted else None
    theta = rng.normal(0.0, 0.8, network.layout.size).astype(dtype)
    return tamed(Case(network, theta, x, t, weights, MaskSeed(7, 3)))


def met(loss: str) -> Case:
    """Return a case in which o = t in every entry: where absolute errors have their kink."""
    network = Network(2, (Dense(2, "identity"),), {**ALL_LOSSES, **LOSS_VARIANTS}[loss])
    theta = network.pack(W=[np.eye(2)])
    x = np.array([[0.25, 0.75], [1.0, 0.0]])  # in every loss's domain
    return Case(network, theta, x, x, None, MaskSeed(7, 3))


def layers_of(
    name: str, width: int, f: Activation, loss: Loss, trainable: bool | tuple[str, ...]
) -> tuple[Layer, ...]:
    """Return a stack of layers; the output is linear where the loss owns its link, as in `mlp`."""
    last = Dense(width, Identity() if loss.owns_link else f)
    if name == "single":
        return (last,)
    kinds = LAYERS.values() if name == "all" else [LAYERS[name]]
    inner = [example_layer(kind, width, f) for kind in kinds]
    return (Dense(width, f, trainable=trainable), *inner, last)


def targets(loss: Loss, rng: Generator, shape: tuple[int, int]) -> Array:
    """Return random targets of the first kind that the loss takes."""
    kinds = (
        rng.normal(size=shape),
        rng.poisson(2.0, shape).astype(float),
        rng.uniform(size=shape),
        rng.dirichlet(np.ones(shape[1]), shape[0]),  # rows that sum to 1
    )
    return next(t for t in kinds if takes(loss, t))


def takes(loss: Loss, t: Array) -> bool:
    """Tell whether targets are in a loss's domain."""
    try:
        loss.check_targets(t)
    except InputError:
        return False
    return True


def tamed(drawn: Case) -> Case:
    """Return the case with θ made smaller until every |z| is within the laws' bound."""
    while net_input(drawn) > LARGEST_Z:
        drawn = drawn._replace(theta=drawn.theta * drawn.theta.dtype.type(0.8))
    return drawn


def net_input(drawn: Case) -> float:
    """Return the largest |z| of any layer, an ActivationLayer's x included."""
    network = drawn.network
    saved = network.forward(network.params(drawn.theta), drawn.batch.x, drawn.mask_seed)
    return max(float(np.abs(getattr(record, "z", record.x)).max()) for record in saved)


def same_bits(a: Any, b: Any) -> bool:
    """Tell whether two numbers or arrays agree in shape, dtype and every bit, NaN included."""
    a, b = np.asarray(a), np.asarray(b)
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
