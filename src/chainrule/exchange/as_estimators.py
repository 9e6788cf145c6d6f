"""Networks of other programs as estimators, which the command line and scikit-learn can use."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ChainruleError, InputError
from chainrule.estimators import MLPClassifier, MLPRegressor, prediction_parts
from chainrule.files import TrainedNetwork
from chainrule.layers import Dense, Dropout

Array: TypeAlias = NDArray[Any]
Estimator: TypeAlias = MLPClassifier | MLPRegressor

ROWS = 50  # on which the predictions must be the same bytes
BINARY = "logistic-cross-entropy"


def as_estimator(
    trained: TrainedNetwork, classes: Sequence[str] | None = None
) -> Estimator | TrainedNetwork:
    """Return the estimator with a network's weights, or the network if no estimator has its layers.

    Parameters
    ----------
    trained : TrainedNetwork
    classes : sequence of str, optional
        What the outputs of a classifier mean, in their order; numbers from 0 by default.

    Raises
    ------
    InputError
        If the classes do not fit the outputs.
    """
    classifies, outputs = is_classifier(trained), trained.network.outputs
    if classes is not None:
        check_classes(classes, max(outputs, 2) if classifies else 0)
    try:
        made = estimator_of(trained, classes, classifies=classifies)
    except ChainruleError:  # such as an output activation that no estimator has
        return trained
    return trained if made is None or not predicts_the_same(made, trained) else made


def is_classifier(trained: TrainedNetwork) -> bool:
    """Return whether the outputs of a network are the probabilities of classes."""
    loss = trained.network.loss
    return loss.classes or (loss.name == BINARY and trained.network.outputs == 1)


def check_classes(classes: Sequence[str], wanted: int) -> None:
    """Raise InputError if there is not a name for each class."""
    if not wanted:
        raise InputError("the model predicts numbers, which have no classes; remove their names")
    if len(set(classes)) != len(classes) or len(classes) != wanted:
        raise InputError(
            f"{len(set(classes))} different classes are named, but the model has {wanted}; name "
            "each class once, in the order of the outputs"
        )


def estimator_of(
    trained: TrainedNetwork, classes: Sequence[str] | None, *, classifies: bool
) -> Estimator | None:
    """Return the estimator of a chain of Dense layers, or None for other layers."""
    network, views = trained.network, trained.network.layout.views(trained.theta)
    if not all(isinstance(layer, Dense | Dropout) for layer in network.layers):
        return None
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    arrays = iter(views.values())
    coefs: list[Array] = []
    intercepts: list[Array] = []
    for layer in dense:
        coefs.append(np.array(next(arrays).T))
        zeros = np.zeros(layer.units, trained.theta.dtype)
        intercepts.append(np.array(next(arrays)) if layer.bias else zeros)
    params = {"activation": [layer.activation for layer in dense[:-1]], "loss": network.loss}
    if classifies:
        named = None if classes is None else np.array(classes)
        return MLPClassifier.from_weights(coefs, intercepts, classes=named, **params)
    if network.loss.name == BINARY:
        return MLPClassifier.from_weights(coefs, intercepts, multilabel=True, **params)
    return MLPRegressor.from_weights(coefs, intercepts, **params)


def predicts_the_same(made: Estimator, trained: TrainedNetwork) -> bool:
    """Return whether an estimator's network gives the numbers of another one."""
    parts = prediction_parts(made)
    rng = np.random.default_rng(0)
    x = rng.normal(scale=2.0, size=(ROWS, trained.network.inputs)).astype(trained.theta.dtype)
    ours, theirs = parts.network.predict(parts.theta, x), trained.predict(x)
    return ours.shape == theirs.shape and bool(np.array_equal(ours, theirs, equal_nan=True))
