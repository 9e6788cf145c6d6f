"""Exports an estimator as scikit-learn's own MLP, which needs no chainrule to predict."""

from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.estimators import MLPClassifier, MLPRegressor, PredictionParts, prediction_parts
from chainrule.layers import Dense, Dropout

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")  # those that scikit-learn has
# The output activation of each loss that scikit-learn has.
OUTPUTS = {
    "squared-error": "identity",
    "poisson": "exp",
    "logistic-cross-entropy": "logistic",
    "softmax-cross-entropy": "softmax",
}


def to_sklearn(estimator: MLPClassifier | MLPRegressor) -> Any:
    """Return scikit-learn's MLP with the weights of an estimator.

    It predicts, and can be a step of a pipeline or be saved with skops or joblib. Training
    continues with a new optimizer.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted, with an activation and a loss that scikit-learn has.

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor
        Its weights are the same numbers, and its predictions the same within rounding.

    Raises
    ------
    InputError
        If scikit-learn does not have a layer, an activation or the loss; the message names it.

    Examples
    --------
    >>> from chainrule import MLPRegressor, to_sklearn
    >>> line = MLPRegressor.from_weights([[[2.0]]], [[1.0]])
    >>> to_sklearn(line).predict([[3.0]]).tolist()
    [7.0]
    """
    from sklearn import neural_network

    parts = prediction_parts(estimator)
    activation = hidden_activation(parts)
    made: Any = getattr(neural_network, type(estimator).__name__)(
        hidden_layer_sizes=tuple(len(b) for b in estimator.intercepts_[:-1]),
        activation=activation,
    )
    made.coefs_ = [np.array(w) for w in estimator.coefs_]
    made.intercepts_ = [np.array(b) for b in estimator.intercepts_]
    made.out_activation_ = OUTPUTS[parts.network.loss.name]
    made.n_layers_, made.n_outputs_ = len(made.coefs_) + 1, parts.network.outputs
    made.n_features_in_ = parts.network.inputs
    fitted: Any = estimator  # its counts are attributes that a fit sets
    made.t_, made.n_iter_ = int(fitted.t_), int(fitted.n_iter_)
    set_training_state(made)
    if parts.feature_names:
        made.feature_names_in_ = np.array(parts.feature_names, object)
    if parts.labels is not None:
        set_classes(made, parts)
    elif made.out_activation_ == "exp":
        made.loss = "poisson"
    return made


def hidden_activation(parts: PredictionParts) -> str:
    """Return the activation of the hidden layers; raise InputError for what is not there."""
    network, dense = parts.network, []
    for layer in network.layers:
        if isinstance(layer, Dense):
            dense.append(layer.activation.name)
        elif not isinstance(layer, Dropout):
            raise InputError(f"scikit-learn's MLP has no {layer.kind} layer; train without it")
    *hidden, last = dense
    different = sorted(set(hidden))
    if len(different) > 1 or not set(different) <= set(ACTIVATIONS):
        raise InputError(
            f"the activations {', '.join(different)} are not one of scikit-learn's: choose one of "
            f"{', '.join(ACTIVATIONS)} for all hidden layers"
        )
    binary = parts.labels is not None and parts.labels.kind == "binary" and network.outputs > 1
    if network.loss.name not in OUTPUTS or last != "identity" or binary:
        raise InputError(
            f"scikit-learn's MLP does not have the loss {network.loss.name!r} with {last!r} "
            f"outputs for {network.outputs} outputs; export to ONNX instead"
        )
    return different[0] if different else "relu"


def set_training_state(made: Any) -> None:
    """Set what scikit-learn's ``partial_fit`` continues from: no epoch of its own yet."""
    made.loss_curve_, made.validation_scores_ = [], None
    made.best_loss_, made.best_validation_score_ = np.inf, None
    made._no_improvement_count = 0  # noqa: SLF001 (scikit-learn's)


def set_classes(made: Any, parts: PredictionParts) -> None:
    """Set the classes of scikit-learn's classifier."""
    from sklearn.preprocessing import LabelBinarizer

    labels = parts.labels
    if labels is None:
        return
    count = len(labels.classes)
    rows = np.array([np.arange(count) % 2, np.arange(count) < count])
    several = labels.kind == "multilabel"
    made._label_binarizer = LabelBinarizer().fit(  # noqa: SLF001 (scikit-learn's)
        rows.astype(int) if several else labels.classes
    )
    made.classes_ = labels.classes
