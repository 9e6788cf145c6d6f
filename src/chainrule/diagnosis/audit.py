"""Estimators audited: what one public step of scikit-learn's MLPs, or of ours, changes is judged.

Nothing inside an estimator is looked at: `partial_fit` is called twice on a copy, and its weights
before and after the second call, and its loss, are checked like anybody's numbers.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.diagnosis.figures import read_figures
from chainrule.diagnosis.findings import Diagnosis
from chainrule.diagnosis.numbers import check_figures
from chainrule.diagnosis.terms import Terms
from chainrule.errors import InputError
from chainrule.network import Network, mlp
from chainrule.penalties import Penalty

Array = NDArray[Any]

RATE = 0.1
SAMPLES, FEATURES, OUTPUTS, CLASSES = 7, 4, 2, 3  # of the data, where none are given
MOST = 200  # samples that are asked about

# A step that is a multiple of the gradient, of all samples at once, without a mask.
PLAIN = {
    "solver": "sgd", "learning_rate": "constant", "learning_rate_init": RATE, "momentum": 0.0,
    "shuffle": False, "early_stopping": False, "warm_start": False, "random_state": 0,
    "dropout": 0.0, "max_iter": 1, "class_weight": None, "callbacks": None, "verbose": False,
}  # fmt: skip

# Of what stands behind the last net input: a classifier's loss, and a regressor's.
CLASSIFIED = {"softmax": "softmax-cross-entropy", "logistic": "logistic-cross-entropy"}
REGRESSED = {"squared_error": "squared-error", "poisson": "poisson"}


class Data(NamedTuple):
    """Samples, targets as the estimator takes them, and as the network does."""

    x: Array
    y: Array
    t: Array
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
    name = type(estimator).__name__
    data = data_of(estimator, terms.x, terms.t)
    copy = plain_copy(estimator, len(data.x))
    old = stepped(copy, data)
    new = stepped(copy, data)
    network = network_of(copy, [w.shape[0] for w in old[0]] + [old[1][-1].size])
    theta = network.pack([w.T for w in old[0]], list(old[1]))
    told = {f"W{i}_new": w.T for i, w in enumerate(new[0], 1)}
    told |= {f"b{i}_new": b for i, b in enumerate(new[1], 1)}
    if network.objective.name != "poisson":  # of which some leave out what the targets alone give
        told["loss"] = np.asarray(copy.loss_)
    asked = replace(terms, network=network, theta=theta, x=data.x, t=data.t, rate=RATE, rule=None)
    found = check_figures(read_figures(told), asked)
    return replace(found, source=name, remarks=(*remarks(found, network), *found.remarks))


def remarks(found: Diagnosis, network: Network) -> tuple[str, ...]:
    """Return what else is to be said: how it was asked, and a known fault by its number."""
    how = f"asked as sgd with the rate {RATE}, without momentum, over all samples at once"
    k, ids = network.outputs, [finding.mistake.id for finding in found.mistakes]
    if k > 1 and network.objective.name == "squared-error" and "lost-factor" in ids:
        known = (
            f"loss_ is the mean over {k} outputs and the step follows the sum: they differ by the "
            f"factor {k} (scikit-learn's issue 8349)"
        )
        return (how, known)
    return (how,)


# ---- the step -----------------------------------------------------------------------------------


def plain_copy(estimator: Any, samples: int) -> Any:
    """Return an unfitted copy whose steps are plain gradient descent."""
    known = estimator.get_params(deep=False)
    if "hidden_layer_sizes" not in known:
        raise InputError(
            f"{type(estimator).__name__} is no multi-layer perceptron; hand in an MLPClassifier or "
            "MLPRegressor, or your own function or class"
        )
    wanted = {**PLAIN, "batch_size": samples}
    plain = {name: value for name, value in wanted.items() if name in known}
    return type(estimator)(**{**known, **plain})


def stepped(estimator: Any, data: Data) -> tuple[Sequence[Array], Sequence[Array]]:
    """Let an estimator make one step; return copies of its weights and biases."""
    known = {} if data.classes is None else {"classes": data.classes}
    estimator.partial_fit(data.x, data.y, **known)
    return [np.array(w) for w in estimator.coefs_], [np.array(b) for b in estimator.intercepts_]


def network_of(estimator: Any, widths: Sequence[int]) -> Network:
    """Return the network that an estimator says it is."""
    own = getattr(estimator, "network_", None)
    if isinstance(own, Network):
        return own
    params, link = estimator.get_params(deep=False), estimator.out_activation_
    loss = CLASSIFIED[link] if hasattr(estimator, "classes_") else REGRESSED[params["loss"]]
    return mlp(
        *widths, activation=params["activation"], loss=loss, output="identity",
        penalty=Penalty(alpha=params["alpha"]),
    )  # fmt: skip


# ---- the data -----------------------------------------------------------------------------------


def data_of(estimator: Any, x: ArrayLike | None, t: ArrayLike | None) -> Data:
    """Return data to step on: those given, or designed ones of the estimator's own shape."""
    if (x is None) != (t is None):
        raise InputError("give both x and t to ask an estimator about, or neither")
    if x is None or t is None:
        x, t = designed(estimator)
    rows, y = np.asarray(x, float)[:MOST], np.asarray(t)[:MOST]
    if not is_classifier(estimator):
        return Data(rows, y, np.asarray(y, float).reshape(len(y), -1), None)
    if y.ndim == 2:  # several labels each
        return Data(rows, y, y.astype(float), np.arange(y.shape[1]))
    classes, numbers = np.unique(np.asarray(t), return_inverse=True)
    numbers = numbers[:MOST]
    two = len(classes) == 2
    return Data(rows, y, numbers[:, None].astype(float) if two else numbers, classes)


def is_classifier(estimator: Any) -> bool:
    """Tell whether an estimator tells classes apart."""
    return hasattr(estimator, "predict_proba")


def designed(estimator: Any) -> tuple[Array, Array]:
    """Return samples and targets that show every path, shaped like those that it was fitted to."""
    dice = np.random.default_rng(0)
    x = dice.normal(size=(SAMPLES, getattr(estimator, "n_features_in_", FEATURES)))
    if is_classifier(estimator):
        classes = np.asarray(getattr(estimator, "classes_", np.arange(CLASSES)))
        return x, classes[np.arange(SAMPLES) % len(classes)]
    t = dice.uniform(0.5, 2.0, (SAMPLES, getattr(estimator, "n_outputs_", OUTPUTS)))
    return x, t if t.shape[1] > 1 else t[:, 0]
