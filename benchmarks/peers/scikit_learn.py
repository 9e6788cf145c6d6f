"""scikit-learn: MLPClassifier and MLPRegressor, with the same initial weights and order of samples.

Its own loop runs; only the function that draws the order is replaced. Inputs are known to be
finite, which its guide to speed says how to say.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import sklearn
import threadpoolctl
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor, _multilayer_perceptron

from benchmarks.peers import Predict, Session, Variant
from benchmarks.workloads import EPSILON, Array, Layers, Workload, data, layers, order

NAME = "scikit-learn"
FOREVER = 10**9
sklearn.set_config(assume_finite=True)
warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is intended


def refuses(w: Workload) -> str:
    """Return what it has not."""
    return "" if w.output != "logistic" else "it has no squared error on logistic outputs"


def variants(w: Workload) -> Sequence[Variant]:
    """Return one core, and all."""
    pools = threadpoolctl.threadpool_info()
    most = max((pool["num_threads"] for pool in pools), default=1)
    return [{"threads": n} for n in sorted({1, most})]


def estimator(w: Workload) -> Any:
    """Return an estimator with the weights given."""
    kind: Any = MLPClassifier if w.output == "softmax" else MLPRegressor
    made = kind(
        hidden_layer_sizes=w.sizes[1:-1],
        activation=w.activation,
        solver=w.rule,
        alpha=0,
        batch_size=w.batch,
        learning_rate_init=w.rate,
        momentum=0,
        nesterovs_momentum=False,
        max_iter=1,
        tol=0,
        n_iter_no_change=FOREVER,
        warm_start=True,
        shuffle=False,
        epsilon=EPSILON,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the batch is larger than these few rows
        made.fit(*a_few(w))
    del made._optimizer  # noqa: SLF001 (partial_fit would go on with its averages)
    for mine, bias, (W, b) in zip(made.coefs_, made.intercepts_, layers(w), strict=True):
        mine[...], bias[...] = W.T, b
    return made.set_params(max_iter=w.epochs, shuffle=True)


def a_few(w: Workload) -> tuple[Array, Array]:
    """Return a row of each class, by which an estimator learns its shapes."""
    if w.output == "softmax":
        return np.zeros((w.sizes[-1], w.sizes[0]), w.dtype), np.arange(w.sizes[-1])
    return np.zeros((2, w.sizes[0]), w.dtype), np.zeros(2, w.dtype)


def targets(w: Workload) -> tuple[Array, Array]:
    """Return the data as it takes them."""
    X, y = data(w)
    return X, y if w.output == "softmax" or y.shape[1] > 1 else y.ravel()


def shuffle_as(w: Workload) -> None:
    """Replace its order of samples by ours, from the first epoch on."""
    orders = (order(w, epoch) for epoch in range(FOREVER))
    _multilayer_perceptron.__dict__["shuffle"] = lambda *_, **__: next(orders)


def weights(made: Any) -> Layers:
    """Return W (out, in) and b of each layer."""
    return [(W.T.copy(), b.copy()) for W, b in zip(made.coefs_, made.intercepts_, strict=True)]


def session(w: Workload, variant: Variant) -> Session:
    """Return an estimator ready to be fitted."""
    made, (X, y) = estimator(w), targets(w)
    shuffle_as(w)

    def run() -> float:
        with threadpoolctl.threadpool_limits(variant["threads"]):
            return float(made.fit(X, y).loss_)

    return Session(run, lambda: weights(made))


def predictor(w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
    """Return its prediction; probabilities of a classifier."""
    threadpoolctl.threadpool_limits(variant["threads"])
    made = estimator(w)
    predict = made.predict_proba if w.output == "softmax" else made.predict
    return lambda: predict(x)


def stopwatch(w: Workload, variant: Variant) -> Iterator[Predict]:
    """Train an epoch at each turn."""
    made, (X, y) = estimator(w), targets(w)
    shuffle_as(w)
    threadpoolctl.threadpool_limits(variant["threads"])
    for _ in range(w.epochs):
        made.partial_fit(X, y)
        yield made.predict_proba


def details(w: Workload) -> str:
    """Return nothing: there is one path."""
    return ""
