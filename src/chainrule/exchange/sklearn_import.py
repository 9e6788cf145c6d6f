"""Estimators from scikit-learn's MLP, with its weights and the state of its optimizer."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.estimators import MLPClassifier, MLPRegressor, with_training_state
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]
Estimator: TypeAlias = MLPClassifier | MLPRegressor

MLPS = ("MLPClassifier", "MLPRegressor")


def library_of(thing: Any) -> str:
    """Return the name of the package that an object's class is from."""
    return type(thing).__module__.partition(".")[0]


def is_sklearn_mlp(thing: Any) -> bool:
    """Return whether an object is scikit-learn's MLPClassifier or MLPRegressor."""
    return library_of(thing) == "sklearn" and type(thing).__name__ in MLPS


def is_pipeline(thing: Any) -> bool:
    """Return whether an object is a pipeline of scikit-learn."""
    return library_of(thing) == "sklearn" and type(thing).__name__ == "Pipeline"


def from_sklearn(model: Any) -> Any:
    """Return the estimator of this package with the weights of scikit-learn's MLP.

    Parameters
    ----------
    model : sklearn.neural_network.MLPClassifier, MLPRegressor or Pipeline
        Fitted. Of a pipeline, its last step.

    Returns
    -------
    MLPClassifier, MLPRegressor or Pipeline
        Its weights are the same numbers, and its predictions the same within rounding. Training
        continues with the averages of the optimizer. A pipeline has the same other steps.

    Raises
    ------
    InputError
        If it is another model, or not fitted.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> from chainrule import from_sklearn
    >>> X, y = [[0.0], [1.0], [2.0]], ["no", "yes", "yes"]
    >>> theirs = MLPClassifier((3,), solver="lbfgs", random_state=0).fit(X, y)
    >>> ours = from_sklearn(theirs)
    >>> float(abs(ours.predict_proba(X) - theirs.predict_proba(X)).max()) < 1e-12
    True
    """
    if is_pipeline(model):
        *before, (name, last) = model.steps
        return type(model)([*before, (name, from_sklearn(last))])
    if not is_sklearn_mlp(model):
        raise InputError(
            f"{type(model).__name__} is not a multi-layer perceptron of scikit-learn; give an "
            "MLPClassifier, an MLPRegressor, or a pipeline that ends in one"
        )
    if not hasattr(model, "coefs_"):
        raise InputError(f"this {type(model).__name__} is not fitted; call fit first")
    made: Any = estimator_of(model)
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        made.feature_names_in_ = names
    step, averages = averages_of(model, made.network_)
    return with_training_state(made, step, averages, present_rate(model), int(model.t_))


def estimator_of(model: Any) -> Estimator:
    """Return an estimator with the parameters, weights and classes of a fitted one."""
    params = model.get_params(deep=False)
    own = {name: value for name, value in params.items() if name != "hidden_layer_sizes"}
    weights = ([np.array(w) for w in model.coefs_], [np.array(b) for b in model.intercepts_])
    if type(model).__name__ == "MLPRegressor":
        return MLPRegressor.from_weights(*weights, **own)
    several = bool(model._label_binarizer.y_type_.startswith("multilabel"))  # noqa: SLF001 (theirs)
    classes = None if several else model.classes_
    return MLPClassifier.from_weights(*weights, classes=classes, multilabel=several, **own)


def present_rate(model: Any) -> float | None:
    """Return what an adaptive learning rate has fallen to."""
    optimizer = getattr(model, "_optimizer", None)
    adaptive = model.solver == "sgd" and model.learning_rate == "adaptive"
    return float(optimizer.learning_rate) if adaptive and optimizer is not None else None


def averages_of(model: Any, network: Network) -> tuple[int, tuple[Array, ...]]:
    """Return the number of updates that Adam has made, and the averages of any optimizer."""
    optimizer = getattr(model, "_optimizer", None)
    if model.solver == "adam" and optimizer is not None:
        both = (optimizer.ms, optimizer.vs)
        return int(optimizer.t), tuple(joined(network, arrays) for arrays in both)
    if model.solver == "sgd" and model.momentum and optimizer is not None:
        return 0, (joined(network, optimizer.velocities),)
    return 0, ()


def joined(network: Network, arrays: list[Array]) -> Array:
    """Return scikit-learn's arrays, first those of the weights, as one vector in our order."""
    half = len(arrays) // 2
    values = {f"W{k + 1}": w.T for k, w in enumerate(arrays[:half])}
    values |= {f"b{k + 1}": b for k, b in enumerate(arrays[half:])}
    return network.layout.join(values, arrays[0].dtype)


def with_their_eps(ours: Estimator) -> Estimator:
    """Return the estimator with the ε by which our Adam makes scikit-learn's next step.

    scikit-learn adds ε before the correction of v: with ε / √(1 − β₂ᵏ), ours is the same at step k.
    """
    state: Any = ours._history.state  # noqa: SLF001 (of this package)
    corrected = ours.epsilon / float(np.sqrt(1 - ours.beta_2 ** (state.step + 1)))
    return ours.set_params(epsilon=corrected)
