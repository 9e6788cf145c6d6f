"""What the prediction of an estimator consists of, for programs and files that repeat it."""

import copy
from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.labels import Labels
from chainrule.estimators.regressor import MLPRegressor
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]


class PredictionParts(NamedTuple):
    """A network with its parameters, and what its outputs mean.

    Attributes
    ----------
    network : Network
        It predicts; its output activation may have been set by the user.
    theta : array (parameters,)
    labels : Labels or None
        The classes of a classifier.
    feature_names : tuple of str
        Empty if the estimator was fitted without names.
    """

    network: Network
    theta: Array
    labels: Labels | None
    feature_names: tuple[str, ...]


def prediction_parts(estimator: MLPClassifier | MLPRegressor) -> PredictionParts:
    """Return what the prediction of a fitted estimator consists of.

    Raises
    ------
    NotFittedError
        If it has no weights yet.
    InputError
        If it has several columns of labels.
    """
    estimator._require_fitted()  # noqa: SLF001 (of this package)
    names = getattr(estimator, "feature_names_in_", ())
    return PredictionParts(
        estimator._forward.network,  # noqa: SLF001
        estimator.theta_,
        estimator._output_labels(),  # noqa: SLF001
        tuple(map(str, names)),
    )


def without_names(estimator: Any) -> Any:
    """Return an estimator that takes arrays without a warning, although it was fitted with names.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor

    Returns
    -------
    MLPClassifier or MLPRegressor
        A shallow copy, or the same one if it has no names.
    """
    if not hasattr(estimator, "feature_names_in_"):
        return estimator
    made = copy.copy(estimator)
    del made.feature_names_in_
    return made
