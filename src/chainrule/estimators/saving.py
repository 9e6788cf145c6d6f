"""Estimators in files: everything that pickle keeps, without code."""

import os
from collections.abc import Mapping
from itertools import chain
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DamagedFileError, InputError
from chainrule.estimators.columns import ColumnLabels
from chainrule.estimators.history import TrainingHistory
from chainrule.estimators.hyperparameters import check_hyperparameters
from chainrule.estimators.labels import Labels
from chainrule.estimators.networks import Forward
from chainrule.estimators.persistence import Plain, types
from chainrule.estimators.progress import warn
from chainrule.files import (
    Content,
    Functions,
    check_state,
    check_vector,
    conforms,
    errors_about,
    model_in,
    read,
    require_fields,
    shown,
    values_of,
    write,
)
from chainrule.health import Health
from chainrule.lbfgs_search import CurvatureMemory
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]
Path: TypeAlias = str | os.PathLike[str]

FIELDS: dict[str, Any] = {"class": str, "parameters": dict[str, Any], "attributes": dict[str, Any]}
LISTS = list[float] | None
# The attributes that estimators set, and their types.
ATTRIBUTES: dict[str, Any] = {
    "_forward": Forward,
    "_health": Health,
    "_history": TrainingHistory,
    "_labels": Labels | ColumnLabels,
    "_random_state": np.random.RandomState,
    "_set_activation": str,
    "_set_before": dict[str, list[Array]],
    "_theta": np.ndarray,
    "_width": int,
    "best_loss_": float | None,
    "best_validation_score_": float | None,
    "classes_": Array | list[Array],
    "feature_names_in_": np.ndarray,
    "loss_": float,
    "loss_curve_": list[float],
    "n_features_in_": int,
    "n_iter_": int,
    "n_layers_": int,
    "n_outputs_": int,
    "network_": Network,
    "stop_reason_": str,
    "t_": int,
    "validation_loss_curve_": list[float],
    "validation_scores_": LISTS,
}
ROUTING = "_metadata_request"  # what `set_fit_request` and the like of scikit-learn set
OF_PROCESS = "communicator"  # a parameter that is not saved: it connects running processes
# The beginnings of names under which scikit-learn keeps its own callbacks, also while a fit runs.
LEFT_OUT = ("_skl_callbacks", "_callback_fit_ctx")
NEEDED = {"_forward", "_history", "_theta", "network_", "n_features_in_", "n_outputs_"}  # if fitted


class Saving(Plain):
    """An estimator that is saved to a file and loaded from it."""

    def save(self, path: Path) -> None:
        """Save the estimator to a file, from which `load` returns it as it is.

        The file contains the parameters, weights, training history and the state from which
        training continues. It is a safetensors file: arrays, and a description in JSON. Of
        functions, such as callbacks, it contains the names only.

        Parameters
        ----------
        path : str or path
            Such as ``"model.safetensors"``. An existing file is replaced when the new one is
            complete.

        Raises
        ------
        FileError
            If the operating system cannot write the file; an existing one is then unchanged.
        InputError
            If an attribute or a parameter cannot be saved; the message names it.

        Examples
        --------
        >>> from chainrule import MLPClassifier
        >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "no"]
        >>> xor = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0).fit(X, y)
        >>> xor.save("xor.safetensors")
        >>> MLPClassifier.load("xor.safetensors").predict(X).tolist()
        ['no', 'yes', 'yes', 'no']
        """
        if getattr(self, "_skl_callbacks", ()):
            warn(
                "the callbacks of set_callbacks are not saved; call set_callbacks again after "
                "loading, or put functions into callbacks=[…]"
            )
        write(path, "estimator", described(self), types())

    @classmethod
    def load(cls, path: Path, functions: Functions | None = None) -> Self:
        """Return the estimator that a file, or a checkpoint of `fit`, contains.

        Nothing in the file is executed, and everything is checked.

        Parameters
        ----------
        path : str or path
        functions : mapping of str to callable, optional
            The functions that the estimator was made with, such as callbacks or those of a
            `Custom` activation, by the names in the file. A file that needs some is refused
            without them; the message lists the names.

        Returns
        -------
        estimator
            Its predictions are the same, bit for bit, and so is its further training.

        Raises
        ------
        FileError
            If the operating system cannot read the file.
        InputError
            If the file is damaged, of a newer version, contains something else, or if functions
            are missing.
        """
        content = read(path)
        model = model_in(content, path) if content.kind == "checkpoint" else content
        return estimator_of(model, path, functions, (cls,))


def described(estimator: Any) -> dict[str, Any]:
    """Return what a file contains of an estimator.

    Raises
    ------
    InputError
        If a parameter has an invalid value.
    """
    check_hyperparameters(estimator)
    parameters = estimator.get_params(deep=False)
    del parameters[OF_PROCESS]
    attributes = {
        name: value
        for name, value in vars(estimator).items()
        if name not in (*parameters, OF_PROCESS) and not name.startswith(LEFT_OUT)
    }
    if ROUTING in attributes:
        attributes[ROUTING] = _requests(attributes[ROUTING])
    return {
        "class": type(estimator).__name__,
        "parameters": parameters,
        "attributes": attributes,
    }


def estimator_of(
    content: Content,
    path: Path,
    functions: Functions | None,
    classes: tuple[type[Any], ...],
) -> Any:
    """Return the estimator in the content of a file.

    Parameters
    ----------
    content : Content
    path : str or path
        For messages.
    functions : mapping of str to callable, optional
    classes : tuple of type
        The estimator must be of one of them.

    Raises
    ------
    InputError
        If its parts do not fit each other, or functions are missing.
    """
    with errors_about(path):
        if content.kind != "estimator":
            raise InputError(f"it contains a {content.kind}, no estimator; use chainrule.load")
        cls = _class_of(content, classes)
        values = values_of(content.body, content.arrays, types(), functions)
        require_fields(values, FIELDS, "an estimator's file")
        made = _made(cls, values["parameters"])
        attributes = dict(values["attributes"])
        _set_requests(made, attributes.pop(ROUTING, {}))
        _check_attributes(cls, attributes)
        vars(made).update(attributes)
        _check_fitted(vars(made))
        return made


def _class_of(content: Content, classes: tuple[type[Any], ...]) -> type[Any]:
    name = content.body.get("class")
    for cls in classes:
        if cls.__name__ == name:
            return cls
    if name in ("MLPClassifier", "MLPRegressor"):
        raise InputError(f"it contains an {name}; use {name}.load(path) or chainrule.load(path)")
    if not isinstance(name, str):
        raise DamagedFileError(f"it contains an estimator of the class {name!r:.80}")
    raise InputError(
        f"it contains an estimator of the class {name!r:.80}; use the method load of that class"
    )


def _made(cls: type[Any], parameters: Mapping[str, Any]) -> Any:
    """Return an estimator with parameters, which must be exactly those of its class."""
    known = set(cls._get_param_names()) - {OF_PROCESS}
    if parameters.keys() != known:
        wrong = sorted(map(str, parameters.keys() ^ known))
        raise DamagedFileError(f"the parameters {shown(wrong)} are missing or unknown")
    made = cls(**parameters)
    check_hyperparameters(made)
    return made


def _requests(routing: Any) -> dict[str, dict[str, Any]]:
    """Return the metadata that each method requests in scikit-learn's routing."""
    methods = vars(routing).items()
    return {name: dict(m.requests) for name, m in methods if getattr(m, "requests", None)}


def _set_requests(estimator: Any, requests: Any) -> None:
    """Set the metadata that each method requests, as `_requests` returned them."""
    if not conforms(requests, dict[str, dict[str, bool | str | None]]):
        raise DamagedFileError(f"the requests for metadata are {shown(requests)}")
    routing = estimator._get_metadata_request()  # noqa: SLF001 (scikit-learn's, a copy)
    for method, parameters in requests.items():
        known: dict[str, Any] = getattr(getattr(routing, method, None), "requests", {})
        for parameter, alias in parameters.items():
            if parameter not in known:
                raise DamagedFileError(f"{shown(method)} has no metadata {shown(parameter)}")
            known[parameter] = alias
    if requests:
        setattr(estimator, ROUTING, routing)


def _check_attributes(cls: type[Any], attributes: Mapping[str, Any]) -> None:
    """Raise DamagedFileError unless attributes have their types, and replace no method."""
    for name, value in attributes.items():
        if name in ATTRIBUTES:
            if not conforms(value, ATTRIBUTES[name]):
                raise DamagedFileError(f"{name} is {value!r:.80}, of a wrong type")
        elif not name.isidentifier() or _is_method(cls, name):
            raise DamagedFileError(f"an estimator cannot have an attribute {name!r:.80}")


def _is_method(cls: type[Any], name: str) -> bool:
    """Return whether a class has a method, property or the like of this name."""
    found = getattr(cls, name, None)
    return found is not None and type(found).__name__ != "PrivateAttribute"


def _check_fitted(own: Mapping[str, Any]) -> None:
    """Raise DamagedFileError unless the fitted attributes fit each other."""
    if "network_" not in own:
        if NEEDED & own.keys():
            raise DamagedFileError("it has attributes of a fit, but no network")
        return
    missing = sorted(NEEDED - own.keys())
    if missing:
        raise DamagedFileError(f"the fitted attributes {', '.join(missing)} are missing")
    network: Network = own["network_"]
    _check_outputs(own, network)
    check_history(own["_history"], network, own["_theta"])
    forward: Forward = own["_forward"]
    same = (forward.network.inputs, forward.network.layout) == (network.inputs, network.layout)
    if not same or forward.engine not in ("auto", "compiled", "reference"):
        raise DamagedFileError("the network that predicts is not the one that was trained")


def _check_outputs(own: Mapping[str, Any], network: Network) -> None:
    """Raise DamagedFileError unless inputs and outputs are those of the network."""
    names, features = own.get("feature_names_in_"), own["n_features_in_"]
    if network.inputs != features or (names is not None and names.shape != (features,)):
        raise DamagedFileError(f"the network has {network.inputs} inputs, the data {features}")
    if "_labels" in own:
        labels = own["_labels"]
        _check_labels(labels)
        if not same_classes(own.get("classes_"), labels.classes):
            raise DamagedFileError("classes_ are not the classes of the outputs")
    outputs = labels_outputs(own, network)
    if not outputs == own["n_outputs_"] == network.outputs:
        raise DamagedFileError(f"the network has {network.outputs} outputs, not {outputs}")


def labels_outputs(own: Mapping[str, Any], network: Network) -> int | None:
    """Return the number of outputs that the targets need, None if nothing says it."""
    if "_labels" in own:
        return own["_labels"].outputs(network.loss)
    return own.get("_width")


def _check_labels(labels: Labels | ColumnLabels) -> None:
    """Raise DamagedFileError unless classes are sorted, and as many as their kind has."""
    for one in labels.columns if isinstance(labels, ColumnLabels) else (labels,):
        least, most = {"binary": (1, 2), "multiclass": (3, None)}.get(one.kind, (1, None))
        if one.kind not in ("binary", "multiclass", "multilabel") or one.classes.ndim != 1:
            raise DamagedFileError(f"the classes are of the kind {one.kind!r:.80}")
        if not least <= len(one.classes) <= (most or len(one.classes)):
            raise DamagedFileError(f"{len(one.classes)} classes are not {one.kind}")
        try:
            is_sorted = np.array_equal(np.unique(one.classes), one.classes)
        except TypeError:  # such as texts and numbers
            is_sorted = False
        if not is_sorted:
            raise DamagedFileError("the classes are not sorted, or one occurs twice")


def same_classes(one: Any, other: Any) -> bool:
    """Return whether two arrays of classes, or lists of them, are equal."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(np.array_equal, one, other))
    return isinstance(one, np.ndarray) and np.array_equal(one, other)


def check_history(history: TrainingHistory, network: Network, theta: Array) -> None:
    """Raise DamagedFileError unless a training history fits a network."""
    layout, state = network.layout, history.state
    check_vector(theta, layout, "theta")
    check_vector(state.theta, layout, "the state's theta", theta.dtype)
    check_state(state, history.optimizer, layout)
    if history.best_theta is not None:
        check_vector(history.best_theta, layout, "best_theta", theta.dtype)
    if history.samples < 0 or not 0 <= history.epochs <= len(history.losses):
        raise DamagedFileError(
            f"the history has {history.epochs} epochs and {len(history.losses)} losses"
        )
    memory = history.memory or CurvatureMemory()
    size = np.count_nonzero(layout.trainable)
    vectors = chain(memory.steps, memory.changes)
    if len(memory.steps) != len(memory.changes) or any(v.shape != (size,) for v in vectors):
        raise DamagedFileError("what L-BFGS knows of the curvature does not fit the network")
