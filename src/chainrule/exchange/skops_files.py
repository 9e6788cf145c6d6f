"""scikit-learn's models in skops files: exports to them, and imports that run no code."""

import os
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from chainrule.errors import FileError, InputError, missing, system_reason
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.exchange.comparison import Difference, compare
from chainrule.exchange.parts import LABEL, PREDICTION, PROBABILITIES, Parts
from chainrule.exchange.records import Exported
from chainrule.exchange.sklearn_export import to_sklearn
from chainrule.models import TableModel

PathLike: TypeAlias = str | os.PathLike[str]

# Types of scikit-learn that skops does not know, and that only hold the state of a fit.
OPTIMIZERS = tuple(
    f"sklearn.neural_network._stochastic_optimizers.{name}"
    for name in ("AdamOptimizer", "SGDOptimizer")
)


def load_skops() -> Any:
    """Return skops.io, or raise MissingPackageError."""
    try:
        return import_module("skops.io")
    except ImportError:
        raise missing("skops", "a skops file", "files") from None


# ---- import -------------------------------------------------------------------------------------


def read_skops(path: PathLike) -> Any:
    """Return the object in a skops file, if it is made of types that are known to be harmless.

    Raises
    ------
    FileError
        If the operating system cannot read the file.
    InputError
        If it is damaged, or has other types; nothing is loaded then.
    """
    library = load_skops()
    try:
        unknown = [
            name for name in library.get_untrusted_types(file=path) if name not in OPTIMIZERS
        ]
        if not unknown:
            return library.load(path, trusted=list(OPTIMIZERS))
    except OSError as error:
        raise FileError(error.errno, f"cannot read {path}: {system_reason(error)}") from None
    except Exception:  # noqa: BLE001 (skops raises errors of many kinds about damaged files)
        raise InputError(f"{path} is not a skops file, or is damaged; write it again") from None
    raise InputError(
        f"{path} has types that may run code when they are loaded: {', '.join(unknown)}; nothing "
        "was loaded. If you trust it, load it in Python with skops.io.load(path, trusted=[...])"
    )


# ---- export -------------------------------------------------------------------------------------


def as_skops(parts: Parts, name: str, rows: Any) -> Exported:
    """Return a model as scikit-learn's own MLP, or pipeline that ends in it, in a skops file."""
    library, made = load_skops(), sklearn_model(parts)
    content = library.dumps(made)
    trusted = library.get_untrusted_types(data=content)
    loaded = library.loads(content, trusted=trusted)
    difference = compared_with_sklearn(parts, loaded, rows)
    listed = f", trusted={trusted}" if trusted else ""
    return Exported({name: content}, difference, f"Load it with skops.io.load({name!r}{listed}).")


def sklearn_model(parts: Parts) -> Any:
    """Return scikit-learn's model of an estimator or of the model of a table."""
    if isinstance(parts.model, TableModel):
        return with_network(parts.model.to_sklearn(), to_sklearn(parts.model.estimator))
    if not isinstance(parts.model, MLPClassifier | MLPRegressor):
        raise InputError(
            "scikit-learn has no model of a network alone; export to ONNX or PyTorch instead"
        )
    made = to_sklearn(parts.model)
    if parts.feature_names:
        made.feature_names_in_ = np.array(parts.feature_names, object)
    return made


def with_network(model: Any, network: Any) -> Any:
    """Return a pipeline, or the regressor around it, with another network as its last step."""
    pipeline = getattr(model, "regressor_", model)
    pipeline.steps[-1] = (pipeline.steps[-1][0], network)
    return model


def compared_with_sklearn(parts: Parts, loaded: Any, rows: Any) -> Difference:
    """Return how much the predictions of the loaded model differ from those of the model."""
    expected, x = parts.predicted(rows), as_their_input(parts, rows)
    found = {PREDICTION: np.asarray(loaded.predict(x))}
    if LABEL in expected:
        found = {LABEL: found[PREDICTION], PROBABILITIES: np.asarray(loaded.predict_proba(x))}
    version = import_module("sklearn").__version__
    return compare(f"scikit-learn {version}", expected, found, parts.theta.dtype)


def as_their_input(parts: Parts, rows: Any) -> Any:
    """Return rows as scikit-learn's model takes them: a data frame if columns have names."""
    if parts.preparation is not None:
        return rows.to_arrow().to_pandas()
    if not parts.feature_names:
        return rows
    try:
        pandas = import_module("pandas")
    except ImportError:
        raise missing("pandas", "a skops file of columns with names", "frames") from None
    return pandas.DataFrame(rows, columns=list(parts.feature_names))
