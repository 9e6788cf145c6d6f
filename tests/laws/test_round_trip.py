"""The round trip law: every description prints as the Python that builds it.

And it compares, hashes, pickles and copies as a value. What is not a description, such as a user's
own function, keeps all of that but the printing.
"""

import copy
import itertools
import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import activations, initializers, layers, losses, optimizers, schedules
from chainrule.activations import ACTIVATIONS, ELU, Custom, LeakyReLU, Tanh
from chainrule.initializers import INITIALIZERS, Constant, Glorot, Orthogonal, Uniform
from chainrule.layers import LAYERS, ActivationLayer, Dense, Dropout, LayerNorm
from chainrule.loops import Batches
from chainrule.losses import LOSSES, CustomLoss, Huber, Quantile
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, SGD, ClipNorm, ClipValue, Momentum
from chainrule.penalties import Penalty
from chainrule.schedules import ConstantRate, CosineDecay, WarmUp
from chainrule.training import EarlyStopping
from tests.laws.nets import (
    ACTIVATION_VARIANTS,
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    ALL_SCHEDULES,
    LOSS_VARIANTS,
    PAIRS,
    PENALTY,
    STACKS,
    case,
    example_layer,
    same_bits,
)

NAMES = {
    name: value
    for module in (chainrule, activations, initializers, layers, losses, optimizers, schedules)
    for name, value in vars(module).items()
}
NAMES |= {
    "Batches": Batches,
    "EarlyStopping": EarlyStopping,
    "Network": Network,
    "Penalty": Penalty,
}


def from_numpy() -> Network:
    """Return a network whose numbers were NumPy's, and whose layers a list."""
    two: Any = np.int64(2)
    half: Any = np.float32(0.5)
    layers: Any = [Dense(two, "tanh"), Dropout(half)]
    return Network(two, layers, "huber", Penalty(half))


PRINTED: dict[str, Any] = {
    **{f"activation {name}": value for name, value in ACTIVATIONS.items()},
    **{f"loss {name}": value for name, value in LOSSES.items()},
    **{f"layer {name}": example_layer(kind, 3, Tanh()) for name, kind in LAYERS.items()},
    **{f"initializer {name}": value for name, value in INITIALIZERS.items()},
    **{f"schedule {name}": value for name, value in ALL_SCHEDULES.items()},
    **{f"optimizer {name}": value for name, value in OPTIMIZERS.items()},
    **{f"tuned {name}": value for name, value in PAIRS.items()},
    **{f"network {name}": case(layers=name, penalty=PENALTY).network for name in STACKS},
    "elu": ELU(0.3),
    "leaky": LeakyReLU(0.2),
    "huber": Huber(2.5),
    "quantile": Quantile(0.1),
    "glorot": Glorot("normal"),
    "uniform": Uniform(-0.1, 1 / 3),
    "orthogonal": Orthogonal(2.0),
    "frozen": Dense(2, "relu", Uniform(0, 1), Constant(0.1), trainable=("b",)),
    "frozen norm": LayerNorm(0.1, trainable=False),
    "dropout": Dropout(0.25),
    "activation": ActivationLayer(ELU(0.5)),
    "clipped": SGD(WarmUp(10, CosineDecay(0.1, 100)), ClipNorm(1.0)),
    "clipped value": Momentum(1e-3, clip=ClipValue(0.5)),
    "penalty": PENALTY,
    "batches": Batches(32, shuffle=False),
    "early stopping": EarlyStopping(3, 0.01, "metric"),
    "numbers of NumPy": from_numpy(),
}

OWN: dict[str, Any] = {
    f"own {name}": value
    for table in (ALL_ACTIVATIONS, ACTIVATION_VARIANTS, ALL_LOSSES, LOSS_VARIANTS)
    for name, value in table.items()
    if isinstance(value, Custom | CustomLoss)
}
OWN["own network"] = case("custom", "custom").network
EVERY = PRINTED | OWN


def equal(a: Any, b: Any) -> bool:
    """Tell whether two descriptions are of one class, equal, and hash alike."""
    return type(a) is type(b) and a == b and hash(a) == hash(b)


@pytest.mark.parametrize("name", PRINTED)
def test_it_prints_as_the_code_that_builds_it(name):
    text = repr(PRINTED[name])
    built = eval(text, NAMES)  # noqa: S307 (our own text)
    assert equal(built, PRINTED[name])
    assert repr(built) == text


@pytest.mark.parametrize("name", EVERY)
def test_it_pickles_and_copies(name):
    value = EVERY[name]
    assert equal(pickle.loads(pickle.dumps(value)), value)  # noqa: S301 (our own bytes)
    assert equal(copy.copy(value), value)
    assert equal(copy.deepcopy(value), value)
    assert equal(replace(value), value)


@pytest.mark.parametrize("name", EVERY)
def test_it_is_frozen_and_holds_no_arrays(name):
    value = EVERY[name]
    assert is_dataclass(value)
    for field in fields(value):
        held = getattr(value, field.name)
        assert not isinstance(held, np.ndarray | np.generic)
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, held)


def test_all_are_different():
    for one, other in itertools.combinations(EVERY.values(), 2):
        assert (one == other) == (repr(one) == repr(other))


CHANGES = [
    (Dense(3, "tanh"), "units", 4),
    (Dense(3, "tanh"), "activation", "relu"),
    (Dense(3, "tanh"), "initializer", Uniform()),
    (Dense(3, "tanh"), "bias_initializer", Uniform()),
    (Dense(3, "tanh"), "bias", False),
    (Dense(3, "tanh"), "trainable", ("W",)),
    (LayerNorm(), "eps", 0.1),
    (mlp(2, 2, activation="tanh", loss="huber"), "inputs", 3),
    (mlp(2, 2, activation="tanh", loss="huber"), "loss", "quantile"),
    (mlp(2, 2, activation="tanh", loss="huber"), "penalty", Penalty(l1=1)),
    (SGD(0.1), "learning_rate", 0.2),
    (SGD(0.1), "learning_rate", ConstantRate(0.1)),
    (SGD(0.1), "clip", ClipNorm(1)),
]


@pytest.mark.parametrize(("value", "field", "other"), CHANGES)
def test_a_changed_field_is_another_description(value, field, other):
    changed = replace(value, **{field: other})
    assert changed != value
    assert repr(changed) != repr(value)


def test_names_and_objects_are_the_same():
    assert Dense(2, "tanh", "he", "constant") == Dense(2, Tanh(), INITIALIZERS["he"], Constant())
    assert ActivationLayer("relu") == ActivationLayer(ACTIVATIONS["relu"])
    assert Network(2, (Dense(2, "tanh"),), "huber") == Network(2, (Dense(2, Tanh()),), Huber())
    assert SGD(1) == SGD(1.0) == SGD(np.float64(1))
    assert WarmUp(3, 0.5) == WarmUp(3, ConstantRate(0.5))


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_views_and_pack(name, dtype):
    network, theta = case(layers=name, dtype=dtype)[:2]
    views = network.views(theta)
    numbers = sorted({int(view[1:]) for view in views})
    W = [views[f"W{i}"] for i in numbers]
    b = [views.get(f"b{i}") for i in numbers]
    assert same_bits(network.pack(W, b, dtype), theta)
    assert same_bits(network.layout.join(views, theta.dtype), theta)


def test_views_are_views():
    network, theta = case()[:2]
    theta = theta.copy()
    network.views(theta)["b3"][1] = 42.0
    assert np.flatnonzero(theta == 42.0).tolist() == [network.layout.blocks[4].start + 1]


def test_the_layout_covers_theta_once():
    layout = case(layers="layer-norm").network.layout
    counts = np.zeros(layout.size)
    for block in layout.blocks:
        block.view(counts)[...] += 1
    assert (counts == 1).all()
    assert [b.name for b in layout.blocks] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    weights = [b.view(layout.decays).all() for b in layout.blocks]
    assert weights == [True, False, False, False, True, False]  # W2 is LayerNorm's scale
