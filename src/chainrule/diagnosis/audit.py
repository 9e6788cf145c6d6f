"""Estimators audited: what one public step of scikit-learn's MLPs, or of ours, changes is judged.

Nothing inside an estimator is looked at: `partial_fit` is called twice on a copy, and its weights
before and after the second call, and its loss, are checked like anybody's numbers.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.diagnosis.numbers import check_numbers
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.terms import Terms
from chainrule.errors import ChainruleError, InputError
from chainrule.losses import one_hot
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.penalties import Penalty
from chainrule.submission import read_numbers

Array = NDArray[Any]

RATE = 0.1
SAMPLES, FEATURES, OUTPUTS, CLASSES = 7, 4, 2, 3  # of the data, where none are given
MOST = 200  # samples that are asked about
EPS = float(np.finfo(float).eps)  # below which scikit-learn's loss takes a probability for this

# A step that is a multiple of the gradient, of all samples at once, without a mask.
PLAIN = {
    "solver": "sgd",
    "learning_rate": "constant",
    "learning_rate_init": RATE,
    "momentum": 0.0,
    "shuffle": False,
    "early_stopping": False,
    "warm_start": False,
    "random_state": 0,
    "dropout": 0.0,
    "max_iter": 1,
    "class_weight": None,
    "clip": None,
    "callbacks": None,
    "verbose": False,
}
LEFT_OUT = ("dropout", "class_weight", "clip")  # which would change the gradient itself

# Of what stands behind the last net input: a classifier's loss, and a regressor's.
CLASSIFIED = {"softmax": "softmax-cross-entropy", "logistic": "logistic-cross-entropy"}
REGRESSED = {"squared_error": "squared-error", "poisson": "poisson"}


class Data(NamedTuple):
    """Samples and targets as the estimator takes them, and all classes that there may be."""

    x: Array
    y: Array
    classes: Array | None


def is_estimator(attempt: Any) -> bool:
    """Tell whether something is an estimator that can be stepped."""
    wanted = ("fit", "get_params", "set_params", "predict")
    return not isinstance(attempt, type) and all(hasattr(attempt, name) for name in wanted)


def check_estimator(estimator: Any, terms: Terms) -> Diagnosis:
    """Return the diagnosis of an estimator's step.

    Raises
    ------
    InputError
        If it is no multi-layer perceptron, or the data do not fit it.
    """
    known = choices_of(estimator)
    data = data_of(estimator, terms.x, terms.t)
    copy = plain_copy(estimator, known, len(data.x))
    step(copy, data)
    network = network_of(copy)
    old = parameters(copy, network)
    step(copy, data)
    told = {f"{name}_new": w for name, w in network.views(parameters(copy, network)).items()}
    left = [f"{name}={known[name]!r}" for name in LEFT_OUT if known.get(name) not in (None, 0)]
    if is_ours(copy) or is_plain_loss(network, old, data.x):
        told["loss"] = np.asarray(copy.loss_)
    else:
        left.append("loss_, which is not quite what its gradient is of")
    t = targets(data, network)
    asked = replace(terms, network=network, theta=old, x=data.x, t=t, rate=RATE, rule=None)
    found = check_numbers(read_numbers(told, exact=True), asked)
    said = (*remarks(found, network, left), *found.remarks)
    return replace(found, source=type(estimator).__name__, remarks=said)


def remarks(found: Diagnosis, network: Network, left: Sequence[str]) -> tuple[str, ...]:
    """Return what else is to be said: how it was asked, and a known fault by its number."""
    how = f"asked as sgd with the rate {RATE}, without momentum, over all samples at once"
    how += f"; left out: {', '.join(left)}" if left else ""
    k, ids = network.outputs, [finding.mistake.id for finding in found.mistakes]
    if k > 1 and network.loss.name == "squared-error" and "lost-factor" in ids:
        factor = (
            f"loss_ is the mean over {k} outputs and the step follows the sum: they differ by the "
            f"factor {k} (scikit-learn's issue 8349)"
        )
        return (how, factor)
    return (how,)


# ---- the step -----------------------------------------------------------------------------------


def choices_of(estimator: Any) -> Mapping[str, Any]:
    """Return the constructor's choices of a multi-layer perceptron."""
    known = estimator.get_params(deep=False)
    if "hidden_layer_sizes" not in known:
        raise InputError(
            f"{type(estimator).__name__} is no multi-layer perceptron; hand in an MLPClassifier or "
            "MLPRegressor, or your own function or class"
        )
    return known


def plain_copy(estimator: Any, known: Mapping[str, Any], samples: int) -> Any:
    """Return an unfitted copy whose steps are plain gradient descent."""
    wanted = {**PLAIN, "batch_size": samples}
    plain = {name: value for name, value in wanted.items() if name in known}
    return type(estimator)(**{**known, **plain})


def step(estimator: Any, data: Data) -> None:
    """Let an estimator make one step."""
    known = {} if data.classes is None else {"classes": data.classes}
    try:
        estimator.partial_fit(data.x, data.y, **known)
    except ChainruleError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{type(estimator).__name__} makes no step: {str(error).rstrip('.')}; change that, and "
            "hand it in again"
        ) from error


def is_ours(estimator: Any) -> bool:
    """Tell whether an estimator says itself which network it trains."""
    return isinstance(getattr(estimator, "network_", None), Network)


def parameters(estimator: Any, network: Network) -> Array:
    """Return a copy of an estimator's parameters, (parameters,)."""
    if is_ours(estimator):
        return np.array(estimator.theta_)  # coefs_ are without those of a LayerNorm
    return network.pack([w.T for w in estimator.coefs_], list(estimator.intercepts_))


def is_plain_loss(network: Network, theta: Array, x: Array) -> bool:
    """Tell whether scikit-learn's ``loss_`` is the loss that its gradient is of."""
    if network.loss.name == "poisson":
        return False  # theirs has a term of the targets alone
    p = network.predict(theta, x)  # (n, outputs)
    clipped = network.loss.owns_link and bool(np.any((p < EPS) | (p > 1 - EPS)))
    return not clipped


def network_of(estimator: Any) -> Network:
    """Return the network that an estimator says it is."""
    if is_ours(estimator):
        return estimator.network_
    params, link = estimator.get_params(deep=False), estimator.out_activation_
    classified, loss = is_classifier(estimator), params.get("loss", "squared_error")
    widths = [len(w) for w in estimator.coefs_] + [len(estimator.intercepts_[-1])]
    return mlp(
        *widths,
        activation=params["activation"],
        output="identity",
        loss=CLASSIFIED[link] if classified else REGRESSED[loss],
        penalty=Penalty(alpha=params["alpha"]),
    )


# ---- the data -----------------------------------------------------------------------------------


def data_of(estimator: Any, x: ArrayLike | None, t: ArrayLike | None) -> Data:
    """Return data to step on: those given, or designed ones of the estimator's own shape."""
    if (x is None) != (t is None):
        raise InputError("give both x and t to ask an estimator about, or neither")
    given = designed(estimator) if x is None or t is None else (x, t)
    rows, y = samples_of(given[0]), column(as_array(given[1]))
    if y.ndim == 0 or len(rows) != len(y):
        raise InputError(f"x has {len(rows)} samples, but t has shape {y.shape}; give one for each")
    classes = classes_of(y) if is_classifier(estimator) else None
    return Data(rows[:MOST], y[:MOST], classes)


def classes_of(y: Array) -> Array:
    """Return the classes that targets have; of several labels each, their numbers."""
    if y.ndim > 1:
        return np.arange(int(y.shape[1]))
    try:
        return np.unique(y)
    except TypeError as error:
        raise InputError(f"t holds labels of several kinds: {error}; give one kind") from None


def samples_of(x: Any) -> Array:
    """Return samples as numbers, (n, features)."""
    try:
        rows = np.asarray(as_array(x), float)
    except (TypeError, ValueError) as error:
        raise InputError(f"x is no array of numbers: {error}; give (n, features)") from None
    if rows.ndim != 2:
        raise InputError(f"x has shape {rows.shape}; give (n, features), a row for each sample")
    return rows


def as_array(values: Any) -> Array:
    """Return an array, also of a sparse matrix."""
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values)


def column(y: Array) -> Array:
    """Return targets (n, 1) as (n,), and others as they are."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def targets(data: Data, network: Network) -> Array:
    """Return targets as the network takes them, (n, outputs)."""
    if data.classes is None or data.y.ndim == 2:
        return np.asarray(data.y, float).reshape(len(data.y), -1)
    numbers = np.searchsorted(data.classes, data.y)
    if network.outputs == 1:  # of two classes, how much it is the second
        return numbers[:, None].astype(float)
    return one_hot(numbers, network.outputs)


def is_classifier(estimator: Any) -> bool:
    """Tell whether an estimator tells classes apart."""
    return hasattr(estimator, "predict_proba")


def designed(estimator: Any) -> tuple[Array, Array]:
    """Return samples and targets that show every path, shaped like those that it was fitted to."""
    dice = np.random.default_rng(0)
    classes = np.asarray(getattr(estimator, "classes_", np.arange(CLASSES)))
    n, d = max(SAMPLES, len(classes)), getattr(estimator, "n_features_in_", FEATURES)
    x = dice.normal(size=(n, d))
    if has_many_labels(estimator, x):
        return x, (np.arange(n)[:, None] + np.arange(len(classes))) % 2
    if is_classifier(estimator):
        return x, classes[np.arange(n) % len(classes)]
    t = dice.uniform(0.15, 0.95, (n, getattr(estimator, "n_outputs_", OUTPUTS)))
    return x, t / t.sum(axis=1, keepdims=True) if t.shape[1] > 1 else t  # which every loss takes


def has_many_labels(estimator: Any, x: Array) -> bool:
    """Tell whether a classifier was fitted to many labels at once."""
    if not (hasattr(estimator, "classes_") and hasattr(estimator, "coefs_")):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the names of a data frame's columns are missing
        return np.ndim(estimator.predict(x)) == 2
