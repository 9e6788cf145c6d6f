"""Names and aliases: every name is registered, aliases resolve, suggestions keep the meaning."""

import subprocess
import sys

import pytest

from chainrule import (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    NOTATIONS,
    OPTIMIZERS,
    PROBLEMS,
    SCHEDULES,
    Dense,
    UnknownNameError,
    mlp,
    names,
)
from chainrule.activations import Activation
from chainrule.descriptions import registered
from chainrule.explanation.record import LEVELS
from chainrule.initializers import initializer
from chainrule.losses import loss
from chainrule.metrics import METRICS
from chainrule.names import ADVICE, KINDS, OTHERS, canonical
from chainrule.optimizers import optimizer
from chainrule.problems import SETTINGS

TABLES = [
    (names.ACTIVATIONS, ACTIVATIONS),
    (names.LOSSES, LOSSES),
    (names.OPTIMIZERS, OPTIMIZERS),
    (names.PROBLEMS, PROBLEMS),
    (names.NOTATIONS, NOTATIONS),
    (names.LEVELS, LEVELS),
]
ALIASES_ONLY = [
    (names.SCHEDULES, SCHEDULES),
    (names.INITIALIZERS, INITIALIZERS),
    (names.METRICS, METRICS),
    (names.SETTINGS, SETTINGS),
]


@pytest.mark.parametrize(("listed", "table"), TABLES)
def test_listed_names_are_the_registered_names(listed, table):
    assert set(listed) == set(table)


@pytest.mark.parametrize(("listed", "table"), ALIASES_ONLY)
def test_aliases_refer_to_registered_names(listed, table):
    assert set(listed) <= set(table)


@pytest.mark.parametrize("kind", KINDS)
def test_spellings_are_unambiguous(kind: str):
    groups: dict[str, str] = {"solver": "optimizer", "option": "setting"}
    group = groups.get(kind, kind)
    spellings = [*KINDS[kind], *(alias for found in KINDS[kind].values() for alias in found)]
    spellings += [*ADVICE.get(group, {}), *OTHERS.get(group, ())]
    folded = [name.casefold().replace("-", "") for name in spellings]
    assert len(folded) == len(set(folded))


def test_names_module_does_not_import_numpy():
    code = "import sys, chainrule.names; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_listed_name_without_a_class_is_an_error():
    with pytest.raises(TypeError, match=r"names\.py lists 'mish'"):
        registered(Activation.__subclasses__(), ("tanh", "mish"))


# ---- aliases ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "typed", "name"),
    [
        ("activation", "sigmoid", "logistic"),
        ("activation", "linear", "identity"),
        ("activation", "none", "identity"),
        ("activation", "swish", "silu"),
        ("activation", "ReLU", "relu"),
        ("activation", "leaky_relu", "leaky-relu"),
        ("activation", "LeakyReLU", "leaky-relu"),
        ("loss", "mae", "absolute-error"),
        ("loss", "l1_loss", "absolute-error"),
        ("loss", "L1Loss", "absolute-error"),
        ("loss", "squared_error", "squared-error"),
        ("loss", "bce", "logistic-cross-entropy"),
        ("loss", "BCEWithLogitsLoss", "logistic-cross-entropy"),
        ("loss", "binary_crossentropy", "logistic-cross-entropy"),
        ("loss", "categorical-crossentropy", "softmax-cross-entropy"),
        ("loss", "sparse_categorical_crossentropy", "softmax-cross-entropy"),
        ("loss", "CrossEntropyLoss", "softmax-cross-entropy"),
        ("loss", "nll", "softmax-cross-entropy"),
        ("loss", "HuberLoss", "huber"),
        ("loss", "smooth_l1_loss", "huber"),
        ("optimizer", "sgdm", "momentum"),
        ("optimizer", "nag", "nesterov"),
        ("optimizer", "gd", "sgd"),
        ("optimizer", "Adam", "adam"),
        ("optimizer", "L-BFGS", "lbfgs"),
        ("initializer", "xavier_uniform", "glorot"),
        ("initializer", "kaiming", "he"),
        ("setting", "lr", "learning-rate"),
        ("setting", "eta", "learning-rate"),
        ("setting", "learning_rate", "learning-rate"),
        ("setting", "epochs", "steps"),
    ],
)
def test_aliases_resolve(kind, typed, name):
    known = {"initializer": INITIALIZERS, "setting": SETTINGS}.get(kind, KINDS[kind])
    assert canonical(kind, typed, known) == name


def test_descriptions_store_the_registered_name():
    assert Dense(3, "sigmoid") == Dense(3, "logistic")
    assert repr(Dense(3, "sigmoid")) == repr(Dense(3, "logistic"))
    assert mlp(2, 3, 1, activation="ReLU", loss="bce").loss.name == "logistic-cross-entropy"
    assert optimizer("sgdm").name == "momentum"
    assert initializer("kaiming") == INITIALIZERS["he"]


# ---- names of other things --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "typed", "parts"),
    [
        ("activation", "softmax", ["part of the loss", "'softmax-cross-entropy'", "'identity'"]),
        ("loss", "mse", ["½ Σ (a − t)²", "2/n times as large", "use 'squared-error'"]),
        ("loss", "MSELoss", ["2/n times as large", "use 'squared-error'"]),
        ("loss", "sse", ["twice as large", "use 'squared-error'"]),
        ("loss", "cross-entropy", ["'softmax-cross-entropy' for", "'logistic-cross-entropy' for"]),
        ("loss", "log_loss", ["'softmax-cross-entropy' for", "'logistic-cross-entropy' for"]),
        ("setting", "weight_decay", ["'l2'", "'alpha'", "'adamw'"]),
    ],
)
def test_names_of_related_things_are_explained(kind, typed, parts):
    known = SETTINGS if kind == "setting" else KINDS[kind]
    with pytest.raises(UnknownNameError) as caught:
        canonical(kind, typed, known)
    message = str(caught.value)
    assert message.startswith(f"unknown {kind} '{typed}': ")
    assert [part for part in parts if part not in message] == []
    assert "did you mean" not in message


@pytest.mark.parametrize(
    ("kind", "other"), [(kind, other) for kind, others in OTHERS.items() for other in others]
)
def test_no_suggestion_for_unrelated_names(kind, other):
    with pytest.raises(UnknownNameError, match="choose one of: ") as caught:
        canonical(kind, other, KINDS[kind])
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "typed", "right"),
    [
        ("activation", "rellu", "relu"),
        ("activation", "sigmod", "logistic"),
        ("activation", "sofmax", "softmax"),
        ("loss", "sqared-error", "squared-error"),
        ("loss", "squared", "squared-error"),
        ("optimizer", "adm", "adam"),
    ],
)
def test_misspellings_give_a_suggestion(kind, typed, right):
    with pytest.raises(UnknownNameError) as caught:
        canonical(kind, typed, KINDS[kind])
    assert str(caught.value) == f"unknown {kind} {typed!r}; did you mean {right!r}?"


@pytest.mark.parametrize("typed", [None, 3, True, (), b"relu"])
def test_values_other_than_strings_are_not_names(typed):
    with pytest.raises(UnknownNameError, match="unknown activation"):
        canonical("activation", typed, ACTIVATIONS)


def test_smooth_l1_is_huber():
    """PyTorch's SmoothL1Loss at its default beta of 1 is our Huber at its default width."""
    assert loss("smooth-l1") == LOSSES["huber"]
    assert LOSSES["huber"].constants == {"width": 1.0}
