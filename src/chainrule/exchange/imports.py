"""The formats from which models are imported, by the ending of the file; and `import_model`."""

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from chainrule.errors import InputError
from chainrule.exchange.as_estimators import as_estimator
from chainrule.exchange.onnx_import import from_onnx
from chainrule.exchange.sklearn_import import from_sklearn, is_sklearn_mlp
from chainrule.exchange.skops_files import read_skops
from chainrule.exchange.torch_import import from_torch
from chainrule.network import Network

PathLike: TypeAlias = str | os.PathLike[str]
Classes: TypeAlias = Sequence[str] | None
Importer: TypeAlias = Callable[[PathLike, Network | None, Classes], Any]

PICKLES = (".pkl", ".pickle", ".joblib")


def of_onnx(path: PathLike, network: Network | None, classes: Classes) -> Any:
    """Return the model in an ONNX file."""
    reject_network(path, network)
    return as_estimator(from_onnx(path), classes)


def of_state_dict(path: PathLike, network: Network | None, classes: Classes) -> Any:
    """Return the model of a state dict and the description of its network."""
    return as_estimator(from_torch(path, network), classes)


def of_skops(path: PathLike, network: Network | None, classes: Classes) -> Any:
    """Return the estimator of scikit-learn's MLP in a skops file."""
    reject_network(path, network)
    if classes is not None:
        raise InputError(f"{path} has the names of its classes; remove yours")
    model = read_skops(path)
    if not is_sklearn_mlp(model):
        raise InputError(
            f"{path} has a {type(model).__name__}, but a model file has an MLP alone; in Python, "
            "from_sklearn keeps the other steps of a pipeline"
        )
    return from_sklearn(model)


# What reads a model, by the ending of the file; of several endings that fit, the longest counts.
IMPORTS: dict[str, Importer] = {
    ".onnx": of_onnx,
    ".skops": of_skops,
    ".safetensors": of_state_dict,
    ".pt": of_state_dict,
    ".pth": of_state_dict,
}
NEED_NETWORK = tuple(ending for ending, reader in IMPORTS.items() if reader is of_state_dict)


def import_model(path: PathLike, network: Network | None = None, classes: Classes = None) -> Any:
    """Return the model in a file of another program; nothing in the file is executed.

    Parameters
    ----------
    path : str or path
        ``.onnx``; ``.skops``, with scikit-learn's MLP; or ``.safetensors``, ``.pt`` or ``.pth``,
        a state dict of PyTorch.
    network : Network, optional
        The description of the network, which a state dict requires.
    classes : sequence of str, optional
        What the outputs of a classifier mean; numbers from 0 by default. A skops file has its own.

    Returns
    -------
    MLPClassifier, MLPRegressor or TrainedNetwork
        A network if no estimator has its layers.

    Raises
    ------
    FileError
        If the operating system cannot read the file.
    InputError
        If the file is of an unknown kind, damaged, or may contain code.
    MissingPackageError
        If a package that reads the format is not installed.
    """
    return importer(os.fspath(path))(path, network, classes)


def importer(name: str) -> Importer:
    """Return what reads files with the ending of a name."""
    if name.lower().endswith(PICKLES):
        raise InputError(
            f"{name} is a pickle, which may run any code when it is loaded; save the model with "
            "skops.io.dump, or if you trust the file, load it in Python and call "
            "chainrule.save(chainrule.from_sklearn(model), 'model.safetensors')"
        )
    fitting = [ending for ending in IMPORTS if name.lower().endswith(ending)]
    if not fitting:
        raise InputError(f"{name!r} has an unknown ending; choose one of {' '.join(IMPORTS)}")
    return IMPORTS[max(fitting, key=len)]


def reject_network(path: PathLike, network: Network | None) -> None:
    """Raise InputError for the description of a network that the file has itself."""
    if network is not None:
        raise InputError(f"{path} has its own layers; remove the description of the network")
