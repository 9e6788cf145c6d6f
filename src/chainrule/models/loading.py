"""Saves any model, and loads it by the kind that its file names."""

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from chainrule.descriptions import check_type
from chainrule.errors import InputError
from chainrule.files import (
    Content,
    Functions,
    TrainedNetwork,
    model_in,
    network_of,
    read,
    save_network,
    trained_network,
)
from chainrule.training import Run

Path: TypeAlias = str | os.PathLike[str]
Loader: TypeAlias = Callable[[Content, Path, Functions | None], Any]


def save(model: Any, path: Path) -> None:
    """Save a model to a file, from which `load` returns it.

    The file is a safetensors file: arrays, and a description in JSON. It contains no code; of
    functions of your own, it contains the names.

    Parameters
    ----------
    model : TableModel, Run, TrainedNetwork, MLPClassifier or MLPRegressor
        A run is saved with its parameters, optimizer and state, but without its data and records.
    path : str or path
        Such as ``"model.safetensors"``. An existing file is replaced when the new one is complete.

    Raises
    ------
    FileError
        If the operating system cannot write the file; an existing one is then unchanged.
    InputError
        If the model, or a part of it, cannot be saved.

    Examples
    --------
    >>> from chainrule import load, mlp, save, train
    >>> network = mlp(1, 2, 1, activation="tanh", loss="squared-error")
    >>> X, y = [[0.0], [1.0]], [[0.0], [1.0]]
    >>> run = train(network, X, y, epochs=2)
    >>> last = run.finish()
    >>> save(run, "run.safetensors")
    >>> saved = load("run.safetensors")
    >>> longer = train(saved.network, X, y, saved.optimizer, state=saved.state, epochs=3)
    >>> longer.finish().epoch
    5
    """
    check_type(path, str | os.PathLike, "path", "give the name of a file")
    if isinstance(model, Run):
        save_network(path, trained_network(model))
    elif isinstance(model, TrainedNetwork):
        save_network(path, model)
    elif callable(own := getattr(model, "save", None)) and not isinstance(model, type):
        own(path)
    else:
        raise InputError(
            f"cannot save {model!r:.200}; give an estimator, a run of chainrule.train, or "
            "TrainedNetwork(network, theta)"
        )


def load(path: Path, functions: Functions | None = None) -> Any:
    """Return the model that a file or a checkpoint contains.

    Nothing in the file is executed, and everything is checked.

    Parameters
    ----------
    path : str or path
    functions : mapping of str to callable, optional
        The functions that the model was made with, such as callbacks or those of a `Custom`
        activation, by the names in the file. A file that needs some is refused without them; the
        message lists the names.

    Returns
    -------
    TableModel, MLPClassifier, MLPRegressor or TrainedNetwork
        What was saved: a model of a table, an estimator, or the network of a run.

    Raises
    ------
    FileError
        If the operating system cannot read the file.
    InputError
        If the file is damaged or of a newer version, or if functions are missing.
    """
    check_type(path, str | os.PathLike, "path", "give the name of a file")
    if functions is not None:
        check_type(functions, Mapping, "functions", "give a mapping of names to functions")
    content = read(path)
    model = model_in(content, path) if content.kind == "checkpoint" else content
    return LOADERS[model.kind](model, path, functions)


def _load_estimator(content: Content, path: Path, functions: Functions | None) -> Any:
    from chainrule.estimators import MLPClassifier, MLPRegressor, estimator_of

    return estimator_of(content, path, functions, (MLPClassifier, MLPRegressor))


def _load_table_model(content: Content, path: Path, functions: Functions | None) -> Any:
    from chainrule.models.table_files import table_model_parts
    from chainrule.models.table_model import TableModel

    return TableModel(*table_model_parts(content, path, functions))


# How a model is made from the content of its file, by the kind that the file names.
LOADERS: dict[str, Loader] = {
    "estimator": _load_estimator,
    "network": network_of,
    "table model": _load_table_model,
}
