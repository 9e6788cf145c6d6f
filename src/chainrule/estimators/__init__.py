"""scikit-learn estimators, MLPClassifier and MLPRegressor, which train with chainrule's engine."""

from importlib.util import find_spec

from chainrule.errors import missing

if find_spec("sklearn") is None:
    raise missing("scikit-learn", "an estimator", "train")

from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.fitting import NotFiniteError
from chainrule.estimators.introspection import DropoutPrediction, Gradients
from chainrule.estimators.labels import Labels
from chainrule.estimators.persistence import types as estimator_types
from chainrule.estimators.prediction import PredictionParts, prediction_parts, without_names
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.saving import described, estimator_of
from chainrule.estimators.training_state import with_training_state

__all__ = [
    "DropoutPrediction",
    "Gradients",
    "Labels",
    "MLPClassifier",
    "MLPRegressor",
    "NotFiniteError",
    "PredictionParts",
    "described",
    "estimator_of",
    "estimator_types",
    "prediction_parts",
    "with_training_state",
    "without_names",
]
