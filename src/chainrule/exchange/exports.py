"""The formats in which a model is handed on, by the ending of the file; and `export`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from chainrule.errors import InputError
from chainrule.exchange.numpy_export import as_numpy
from chainrule.exchange.onnx_export import as_onnx
from chainrule.exchange.parts import Parts, parts_of
from chainrule.exchange.records import Exported
from chainrule.exchange.skops_files import as_skops
from chainrule.exchange.torch_export import ENDING, as_torch
from chainrule.files import write_atomically

PathLike: TypeAlias = str | os.PathLike[str]
Exporter: TypeAlias = Callable[[Parts, str, Any], Exported]

# What writes a model, by the ending of the file; of several endings that fit, the longest counts.
EXPORTS: dict[str, Exporter] = {
    ".onnx": as_onnx,
    ENDING: as_torch,
    ".skops": as_skops,
    ".py": as_numpy,
}


def export(model: Any, path: PathLike, data: Any = None) -> Exported:
    """Write a model in the format of another program, and compare the predictions.

    Parameters
    ----------
    model : TableModel, MLPClassifier, MLPRegressor, Run or TrainedNetwork
    path : str or path
        The ending is the format: ``.onnx``; ``.pt.safetensors``, PyTorch's state dict with the
        source of its module next to it; ``.skops``, scikit-learn's own MLP or pipeline; or
        ``.py``, a NumPy program. Existing files are replaced.
    data : Table or array (n, features), optional
        Rows on which the predictions are compared; by default random ones that fit the model.

    Returns
    -------
    Exported
        The files by name, and in ``difference`` the largest difference between the predictions of
        the file, computed by the other program, and those of the model. Nothing is written if it
        is larger than rounding explains.

    Raises
    ------
    FileError
        If the operating system cannot write the file.
    InputError
        If the ending is unknown, or the format cannot express the model.
    MissingPackageError
        If a package that the format needs is not installed.

    Examples
    --------
    >>> from chainrule import MLPRegressor, export
    >>> line = MLPRegressor.from_weights([[[2.0]]], [[1.0]])
    >>> export(line, "line.onnx").difference.largest
    0.0
    """
    place, parts = Path(path), parts_of(model)
    exported = exporter(place.name)(parts, place.name, parts.samples(data))
    for name, content in exported.files.items():
        write_atomically(place.with_name(name), content)
    return exported


def exporter(name: str) -> Exporter:
    """Return what writes files with the ending of a name."""
    fitting = [ending for ending in EXPORTS if name.lower().endswith(ending)]
    if not fitting:
        raise InputError(f"{name!r} has an unknown ending; choose one of {' '.join(EXPORTS)}")
    return EXPORTS[max(fitting, key=len)]
