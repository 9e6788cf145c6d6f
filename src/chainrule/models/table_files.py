"""Files of a TableModel: the estimator as in a file of its own, the preparation, and the report."""

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from chainrule.data import Preparation
from chainrule.errors import DamagedFileError, InputError
from chainrule.estimators import (
    MLPClassifier,
    MLPRegressor,
    described,
    estimator_of,
    estimator_types,
)
from chainrule.files import (
    VERSIONS,
    Content,
    Functions,
    Writer,
    array_names,
    describe,
    errors_about,
    read,
    require_fields,
    to_plain,
    upgraded,
    values_of,
    write_container,
)
from chainrule.models.records import TrainingReport
from chainrule.models.scores import Scores

Path: TypeAlias = str | os.PathLike[str]
Parts: TypeAlias = tuple[Preparation, Any, TrainingReport]

KIND = "table model"
ESTIMATORS = (MLPClassifier, MLPRegressor)
FIELDS: dict[str, Any] = {"preparation": dict[str, Any], "report": TrainingReport}


def types() -> dict[str, type[Any]]:
    """Return the types that a file may contain, by name."""
    return {**estimator_types(), "Scores": Scores, "TrainingReport": TrainingReport}


def save_table_model(
    path: Path, preparation: Preparation, estimator: Any, report: TrainingReport
) -> None:
    """Write a model to a file, atomically."""
    writer = Writer()
    values = {"preparation": preparation.to_dict(), "report": report}
    body = {
        "kind": KIND,
        "version": VERSIONS[KIND],
        "estimator": describe("estimator", described(estimator), estimator_types(), writer),
        **{name: writer.json(to_plain(v, types()), name) for name, v in values.items()},
    }
    write_container(path, body, writer.arrays)


def load_table_model(path: Path, functions: Functions | None = None) -> Parts:
    """Return what a file contains."""
    return table_model_parts(read(path), path, functions)


def table_model_parts(content: Content, path: Path, functions: Functions | None = None) -> Parts:
    """Return the preparation, the estimator and the report in the content of a file.

    Raises
    ------
    InputError
        If it is the file of something else, or its parts do not fit each other.
    """
    with errors_about(path):
        if content.kind != KIND:
            raise InputError(f"it contains a {content.kind}, no {KIND}; use chainrule.load")
        if content.body.keys() != {"estimator", *FIELDS}:
            raise DamagedFileError(f"a {KIND} has the fields estimator, {', '.join(FIELDS)}")
        kind, body = upgraded(content.body["estimator"])
    own = array_names(body)
    arrays = {name: array for name, array in content.arrays.items() if name in own}
    estimator = estimator_of(Content(kind, body, arrays), path, functions, ESTIMATORS)
    rest = {name: v for name, v in content.arrays.items() if name not in own}
    with errors_about(path):
        values = values_of({name: content.body[name] for name in FIELDS}, rest, types())
        require_fields(values, FIELDS, f"a {KIND}")
        preparation = Preparation.from_dict(values["preparation"])
        check_parts(preparation, vars(estimator), type(estimator))
        return preparation, estimator, values["report"]


def check_parts(preparation: Preparation, own: Mapping[str, Any], cls: type[Any]) -> None:
    """Raise DamagedFileError unless a preparation belongs to an estimator."""
    target = preparation.target
    if target is None:
        raise DamagedFileError("its preparation has no target")
    if (target.task == "classification") is not (cls is MLPClassifier):
        raise DamagedFileError(f"a {target.task} is not predicted by an {cls.__name__}")
    features = len(preparation.feature_names)
    if own.get("n_features_in_") != features:
        raise DamagedFileError(f"the table becomes {features} inputs, which the network has not")
    if target.classes and [*own["classes_"].tolist()] != [*target.classes]:
        raise DamagedFileError("the classes of the target are not those of the network")
