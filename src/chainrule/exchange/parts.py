"""Models of every kind as one record: the network, what it takes, and what it predicts."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Preparation
from chainrule.errors import InputError
from chainrule.estimators import (
    Labels,
    MLPClassifier,
    MLPRegressor,
    prediction_parts,
    without_names,
)
from chainrule.exchange.sample_rows import sample_table
from chainrule.files import TrainedNetwork
from chainrule.models import TableModel
from chainrule.network import Network, precision_of
from chainrule.training import Run

Array: TypeAlias = NDArray[Any]

ROWS = 200  # that an exported model is compared on
LABEL, PROBABILITIES, PREDICTION = "label", "probabilities", "prediction"


@dataclass(frozen=True, eq=False)
class Parts:
    """A trained model.

    Parameters
    ----------
    model : TableModel, MLPClassifier, MLPRegressor or TrainedNetwork
    network : Network
        It predicts.
    theta : array (parameters,)
    labels : Labels or None
        The classes of a classifier.
    preparation : Preparation or None
        Of the columns of a table.
    feature_names : tuple of str
        Of the network's inputs; may be empty.
    """

    model: Any
    network: Network
    theta: Array
    labels: Labels | None = None
    preparation: Preparation | None = None
    feature_names: tuple[str, ...] = ()

    def samples(self, data: Any = None) -> Any:
        """Return rows that the model takes: those given, or random ones.

        Random numbers are spread around the mean of the training rows, and further out.
        """
        if self.preparation is not None:
            return sample_table(self.preparation, ROWS) if data is None else data
        dtype = precision_of(self.theta)
        if data is None:
            rng = np.random.default_rng(0)
            return rng.normal(scale=2.0, size=(ROWS, self.network.inputs)).astype(dtype)
        return np.asarray(data, dtype)

    def inputs(self, rows: Any) -> Array:
        """Return the inputs of the network for rows of `samples`, (n, inputs)."""
        if self.preparation is None:
            return rows
        return self.preparation.transform(rows, unknown_categories="ignore")

    def predicted(self, rows: Any) -> dict[str, Array]:
        """Return what the model predicts, by the names of the outputs of an exported model."""
        if self.preparation is not None:
            settings = {"unknown_categories": "ignore"}
            return outputs_of(self.model, rows, settings, classifies=bool(self.model.classes))
        if self.labels is None:
            return {PREDICTION: np.asarray(self.model.predict(rows))}
        return outputs_of(self.model, rows, {}, classifies=True)


def outputs_of(
    model: Any, rows: Any, settings: dict[str, str], *, classifies: bool
) -> dict[str, Array]:
    """Return the label and probabilities, or the number, that a model predicts."""
    if not classifies:
        return {PREDICTION: np.asarray(model.predict(rows, **settings))}
    p = np.asarray(model.predict_proba(rows, **settings))
    return {LABEL: np.asarray(model.predict(rows, **settings)), PROBABILITIES: p}


def parts_of(model: Any) -> Parts:
    """Return the parts of a model of any kind.

    Raises
    ------
    InputError
        If it is not a trained model of this package.
    """
    if isinstance(model, Run):
        return Parts(model, model.network, model.theta)
    if isinstance(model, TrainedNetwork):
        return Parts(model, model.network, model.theta)
    if isinstance(model, TableModel):
        own, preparation = prediction_parts(model.estimator), model.preparation
        names = preparation.feature_names
        return Parts(model, own.network, own.theta, own.labels, preparation, names)
    if isinstance(model, MLPClassifier | MLPRegressor):
        own = prediction_parts(model)
        plain = without_names(model)
        return Parts(plain, own.network, own.theta, own.labels, None, own.feature_names)
    raise InputError(
        f"cannot export {type(model).__name__}; give a TableModel, an MLPClassifier, an "
        "MLPRegressor, a run of chainrule.train, or TrainedNetwork(network, theta)"
    )
