"""Predictions of a TableModel's file, without the packages that only training needs.

scikit-learn takes longer to import than ten thousand rows to predict.
"""

import os
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Preparation, Table, Target
from chainrule.errors import ChainruleError
from chainrule.files import Content, check_vector, engine_types, errors_about, read, values_of
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]
Path: TypeAlias = str | os.PathLike[str]


class Predictions(NamedTuple):
    """Predictions for rows.

    Attributes
    ----------
    values : array (n,)
        Classes, or numbers in the unit of the target.
    probabilities : array (n, classes) or None
        None for a regression.
    """

    values: Array
    probabilities: Array | None


@dataclass(frozen=True, eq=False)
class Predictor:
    """The part of a TableModel that predicts, computed by the reference engine.

    Its numbers are those of `TableModel.predict` up to rounding.

    Parameters
    ----------
    preparation : Preparation
    network : Network
    theta : array (parameters,)
    """

    preparation: Preparation
    network: Network
    theta: Array

    @property
    def target(self) -> Target:
        """The column that is predicted."""
        return self.preparation.known_target

    def predict(self, table: Table, *, unknown_categories: str = "warn") -> Predictions:
        """Return the predictions for the rows of a table."""
        X = self.preparation.transform(table, unknown_categories=unknown_categories)
        outputs = np.zeros((0, self.network.outputs))
        p = self.network.predict(self.theta, X) if len(X) else outputs  # (n, outputs)
        if self.target.task == "regression":
            return Predictions(self.target.restore(p[:, 0]), None)
        both = np.hstack([1 - p, p]) if p.shape[1] == 1 else p  # (n, classes)
        classes = np.array(self.target.classes)
        return Predictions(classes[np.argmax(both, axis=1)], both)


def read_predictor(path: Path) -> Predictor | None:
    """Return the predictor in a file, or None if the whole model must be loaded.

    That is so for other kinds of models, for outputs that have to be combined, and for files with a
    fault, of which `chainrule.load` says what it is.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Predictor or None

    Raises
    ------
    FileError
        If the operating system cannot read the file.
    DamagedFileError
        If it is incomplete or damaged.
    """
    content = read(path)
    try:
        with errors_about(path):
            return predictor_in(content) if content.kind == "table model" else None
    except (ChainruleError, KeyError, TypeError, ValueError):
        return None


def predictor_in(content: Content) -> Predictor | None:
    """Return the predictor in the content of a file, checked where it is used."""
    body: Any = content.body
    attributes = body["estimator"]["attributes"]["named"]
    parts = {
        "network": attributes["_forward"]["network"],
        "theta": attributes["_theta"],
        "preparation": body["preparation"],
    }
    values = values_of(parts, content.arrays, engine_types(), complete=False)
    preparation = Preparation.from_dict(values["preparation"])
    network, theta = values["network"], values["theta"]
    check_vector(theta, network.layout, "theta")
    fits = network.inputs == len(preparation.feature_names)
    if not (fits and is_simple(network, preparation.known_target)):
        return None
    return Predictor(preparation, network, theta)


def is_simple(network: Network, target: Target) -> bool:
    """Return whether each output is a number, a class, or the second of two classes."""
    if target.task == "regression":
        return network.outputs == 1
    if network.outputs == 1:
        return len(target.classes) == 2
    return network.loss.classes and network.outputs == len(target.classes)
