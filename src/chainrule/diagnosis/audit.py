"""Check an estimator: one training step of an MLP of scikit-learn or of this package.

`partial_fit` is called twice on a copy, and its weights before and after the second call, and its
loss, are checked like any other numbers.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.diagnosis.numbers import check_numbers
from chainrule.diagnosis.options import CheckOptions
from chainrule.diagnosis.report import Diagnosis
from chainrule.errors import ChainruleError, InputError
from chainrule.losses import one_hot
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.penalties import Penalty
from chainrule.submission import read_numbers

Array = NDArray[Any]

RATE = 0.1
SAMPLES, FEATURES, OUTPUTS, CLASSES = 7, 4, 2, 3  # of the data, if none are given
MOST = 200  # samples that are used
EPS = float(np.finfo(float).eps)  # the smallest probability in scikit-learn's loss

# Parameters for a step that is a multiple of the gradient of all samples, without dropout.
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
LEFT_OUT = ("dropout", "class_weight", "clip")  # they would change the gradient itself

# The loss of a classifier by its output activation, and of a regressor by its parameter.
CLASSIFIED = {"softmax": "softmax-cross-entropy", "logistic": "logistic-cross-entropy"}
REGRESSED = {"squared_error": "squared-error", "poisson": "poisson"}


class Data(NamedTuple):
    """Samples and targets as the estimator takes them, and all possible classes."""

    x: Array
    y: Array
    classes: Array | None


def is_estimator(attempt: Any) -> bool:
    """Return whether an object is an estimator."""
    wanted = ("fit", "get_params", "set_params", "predict")
    return not isinstance(attempt, type) and all(hasattr(attempt, name) for name in wanted)


def check_estimator(estimator: Any, options: CheckOptions) -> Diagnosis:
    """Return the diagnosis of an estimator's step.

    Raises
    ------
    InputError
        If it is not a multi-layer perceptron, or the data do not match it.
    """
    known = choices_of(estimator)
    data = data_of(estimator, options.x, options.t)
    copy = plain_copy(estimator, known, len(data.x))
    step(copy, data)
    network = network_of(copy)
    old = parameters(copy, network)
    step(copy, data)
    reported = {f"{name}_new": w for name, w in network.views(parameters(copy, network)).items()}
    left = [f"{name}={known[name]!r}" for name in LEFT_OUT if known.get(name) not in (None, 0)]
    if is_ours(copy) or is_plain_loss(network, old, data.x):
        reported["loss"] = np.asarray(copy.loss_)
    else:
        left.append("loss_, which is not exactly the loss of its gradient")
    t = targets(data, network)
    asked = replace(options, network=network, theta=old, x=data.x, t=t, rate=RATE, rule=None)
    found = check_numbers(read_numbers(reported, exact=True), asked)
    all_remarks = (*remarks(found, network, left), *found.remarks)
    return replace(found, source=type(estimator).__name__, remarks=all_remarks)


def remarks(found: Diagnosis, network: Network, left: Sequence[str]) -> tuple[str, ...]:
    """Return how the estimator was trained, and which known issue explains a mistake."""
    how = f"trained with sgd, learning rate {RATE}, no momentum, all samples in one batch"
    how += f"; ignored: {', '.join(left)}" if left else ""
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
    """Return the parameters of a multi-layer perceptron."""
    known = estimator.get_params(deep=False)
    if "hidden_layer_sizes" not in known:
        raise InputError(
            f"{type(estimator).__name__} is not a multi-layer perceptron; pass an MLPClassifier or "
            "MLPRegressor, or your own function or class"
        )
    return known


def plain_copy(estimator: Any, known: Mapping[str, Any], samples: int) -> Any:
    """Return an unfitted copy whose steps are plain gradient descent."""
    wanted = {**PLAIN, "batch_size": samples}
    plain = {name: value for name, value in wanted.items() if name in known}
    return type(estimator)(**{**known, **plain})


def step(estimator: Any, data: Data) -> None:
    """Make one training step with an estimator."""
    known = {} if data.classes is None else {"classes": data.classes}
    try:
        estimator.partial_fit(data.x, data.y, **known)
    except ChainruleError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{type(estimator).__name__} cannot be trained: {str(error).rstrip('.')}; correct it "
            "and check again"
        ) from error


def is_ours(estimator: Any) -> bool:
    """Return whether an estimator is one of this package, which has its network."""
    return isinstance(getattr(estimator, "network_", None), Network)


def parameters(estimator: Any, network: Network) -> Array:
    """Return a copy of an estimator's parameters, (parameters,)."""
    if is_ours(estimator):
        return np.array(estimator.theta_)  # coefs_ are without those of a LayerNorm
    return network.pack([w.T for w in estimator.coefs_], list(estimator.intercepts_))


def is_plain_loss(network: Network, theta: Array, x: Array) -> bool:
    """Return whether scikit-learn's ``loss_`` is the loss whose gradient it uses."""
    if network.loss.name == "poisson":
        return False  # scikit-learn adds a term that depends only on the targets
    p = network.predict(theta, x)  # (n, outputs)
    clipped = network.loss.owns_link and bool(np.any((p < EPS) | (p > 1 - EPS)))
    return not clipped


def network_of(estimator: Any) -> Network:
    """Return the network that an estimator trains."""
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
    """Return the data of the step: those given, or designed ones of the estimator's shape."""
    if (x is None) != (t is None):
        raise InputError("pass both x and t to check an estimator, or neither")
    several = t is not None and is_classifier(estimator) and has_columns(as_array(t))
    if several or isinstance(getattr(estimator, "classes_", None), list):
        raise InputError(
            "there are several columns of labels, each with classes of its own; check a classifier "
            "of one column, or give columns of 0 and 1"
        )
    given = designed(estimator) if x is None or t is None else (x, t)
    rows, y = samples_of(given[0]), column(as_array(given[1]))
    if y.ndim == 0 or len(rows) != len(y):
        raise InputError(
            f"x has {len(rows)} samples, but t has shape {y.shape}; pass one target per sample"
        )
    classes = classes_of(y) if is_classifier(estimator) else None
    return Data(rows[:MOST], y[:MOST], classes)


def classes_of(y: Array) -> Array:
    """Return the classes of the targets; for multilabel targets, their numbers."""
    if y.ndim > 1:
        return np.arange(int(y.shape[1]))
    try:
        return np.unique(y)
    except TypeError as error:
        raise InputError(
            f"the labels in t cannot be compared: {error}; use labels of one type"
        ) from None


def samples_of(x: Any) -> Array:
    """Return samples as numbers, (n, features)."""
    try:
        rows = np.asarray(as_array(x), float)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"x is not an array of numbers: {error}; pass an array of shape (n, features)"
        ) from None
    if rows.ndim != 2:
        raise InputError(f"x has shape {rows.shape}; pass (n, features), one row per sample")
    return rows


def as_array(values: Any) -> Array:
    """Return a dense array, also of a sparse matrix."""
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values)


def has_columns(y: Array) -> bool:
    """Return whether there are several columns with labels other than 0 and 1."""
    return y.ndim == 2 and y.shape[1] > 1 and not bool(np.isin(y, (0, 1)).all())


def column(y: Array) -> Array:
    """Return targets (n, 1) as (n,), and others unchanged."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def targets(data: Data, network: Network) -> Array:
    """Return targets as the network takes them, (n, outputs)."""
    if data.classes is None or data.y.ndim == 2:
        return np.asarray(data.y, float).reshape(len(data.y), -1)
    numbers = np.searchsorted(data.classes, data.y)
    if network.outputs == 1:  # two classes: the probability of the second
        return numbers[:, None].astype(float)
    return one_hot(numbers, network.outputs)


def is_classifier(estimator: Any) -> bool:
    """Return whether an estimator is a classifier."""
    return hasattr(estimator, "predict_proba")


def designed(estimator: Any) -> tuple[Array, Array]:
    """Return random samples and targets with the shapes that the estimator was fitted to."""
    rng = np.random.default_rng(0)
    classes = np.asarray(getattr(estimator, "classes_", np.arange(CLASSES)))
    n, d = max(SAMPLES, len(classes)), getattr(estimator, "n_features_in_", FEATURES)
    x = rng.normal(size=(n, d))
    if has_many_labels(estimator, x):
        return x, (np.arange(n)[:, None] + np.arange(len(classes))) % 2
    if is_classifier(estimator):
        return x, classes[np.arange(n) % len(classes)]
    t = rng.uniform(0.15, 0.95, (n, getattr(estimator, "n_outputs_", OUTPUTS)))
    return x, t / t.sum(axis=1, keepdims=True) if t.shape[1] > 1 else t  # as every loss allows


def has_many_labels(estimator: Any, x: Array) -> bool:
    """Return whether a classifier was fitted to multilabel targets."""
    if not (hasattr(estimator, "classes_") and hasattr(estimator, "coefs_")):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing names of a data frame's columns
        return np.ndim(estimator.predict(x)) == 2
