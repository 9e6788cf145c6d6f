"""Small random networks with data, for every combination of the registered classes.

The tests of the laws get their networks from here, so that a newly registered class is tested
without further code. If it needs arguments other than its defaults, add it to `EXAMPLES`, `RATES`
or `TUNED`.
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

LARGEST_Z = 4.0  # bound on |z|; beyond it, terms such as 1 − a² lose their digits to cancellation
PENALTY = Penalty(l1=0.02, l2=0.03, alpha=0.5)


# ---- custom functions ---------------------------------------------------------------------------


def soft_sign(z: Any) -> Any:
    return z / sqrt(1 + z * z)


def dsoft_sign(z: Any, a: Any) -> Any:
    return (1 + z * z) ** -1.5


def log_square(o: Any, t: Any) -> Any:
    return log1p((o - t) ** 2)


def dlog_square(o: Any, t: Any) -> Any:
    return 2 * (o - t) / (1 + (o - t) ** 2)


# A custom function without a derivative uses the complex step.
ALL_ACTIVATIONS: dict[str, Activation] = {**ACTIVATIONS, "custom": Custom("soft-sign", soft_sign)}
ALL_LOSSES: dict[str, Loss] = {**LOSSES, "custom": CustomLoss("log-square", log_square)}

# Variants with other constants than the registered ones; `case` accepts these names, too.
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


# ---- arguments that differ from the defaults ----------------------------------------------------

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
    """Return an example of a layer class."""
    return EXAMPLES[kind](width, f) if kind in EXAMPLES else kind()


def example_schedule(kind: Any) -> Schedule:
    """Return an example of a schedule class."""
    return RATES[kind] if kind in RATES else kind(0.02)


ALL_SCHEDULES = {name: example_schedule(kind) for name, kind in SCHEDULES.items()}

# Constants other than the defaults, so that a test fails if one is not used.
TUNED: dict[str, Optimizer] = {
    "sgd": SGD(0.05),
    "momentum": Momentum(0.05, momentum=0.8),
    "nesterov": Nesterov(0.05, momentum=0.8),
    "rmsprop": RMSProp(0.02, rho=0.7, eps=0.01),
    "adam": Adam(0.02, beta1=0.7, beta2=0.9, eps=0.01),
    "adamw": AdamW(0.02, beta1=0.7, beta2=0.9, eps=0.01, decay=0.2),
}
# Optimizers with the functions start and step: all except L-BFGS.
PAIRS: dict[str, Optimizer] = {
    name: TUNED.get(name, rule) for name, rule in OPTIMIZERS.items() if not isinstance(rule, LBFGS)
}


def tuned(name: str, **fields: Any) -> Optimizer:
    """Return an optimizer of `PAIRS` with some fields replaced."""
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
        """The data in the form that the passes use."""
        return self.network.batch(self.theta, self.x, self.t, self.weights)

    def value(self, theta: Array, x: Array | None = None) -> Any:
        """Return C at another θ or x."""
        batch = self.batch if x is None else self._replace(x=x).batch
        return self.network.value(theta, batch, self.mask_seed)

    def trace(self) -> Trace:
        """Return the trace of both passes."""
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
    return scaled_down(Case(network, theta, x, t, weights, MaskSeed(7, 3)))


def exact_fit(loss: str) -> Case:
    """Return a case in which o = t in every entry, where absolute errors have their kink."""
    network = Network(2, (Dense(2, "identity"),), {**ALL_LOSSES, **LOSS_VARIANTS}[loss])
    theta = network.pack(W=[np.eye(2)])
    x = np.array([[0.25, 0.75], [1.0, 0.0]])  # in the domain of every loss
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
    """Return random targets of the first kind that the loss accepts."""
    kinds = (
        rng.normal(size=shape),
        rng.poisson(2.0, shape).astype(float),
        rng.uniform(size=shape),
        rng.dirichlet(np.ones(shape[1]), shape[0]),  # rows that sum to 1
    )
    return next(t for t in kinds if accepts(loss, t))


def accepts(loss: Loss, t: Array) -> bool:
    """Return whether targets are in a loss's domain."""
    try:
        loss.check_targets(t)
    except InputError:
        return False
    return True


def scaled_down(drawn: Case) -> Case:
    """Return the case with θ scaled down until every |z| is within `LARGEST_Z`."""
    while largest_net_input(drawn) > LARGEST_Z:
        drawn = drawn._replace(theta=drawn.theta * drawn.theta.dtype.type(0.8))
    return drawn


def largest_net_input(drawn: Case) -> float:
    """Return the largest |z| of any layer, including the x of an ActivationLayer."""
    network = drawn.network
    saved = network.forward(network.params(drawn.theta), drawn.batch.x, drawn.mask_seed)
    return max(float(np.abs(getattr(record, "z", record.x)).max()) for record in saved)


def same_bits(a: Any, b: Any) -> bool:
    """Return whether two numbers or arrays have equal shape, dtype and bits, including NaN."""
    a, b = np.asarray(a), np.asarray(b)
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
