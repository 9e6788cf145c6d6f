"""Pipelines of scikit-learn: the inputs of their network, by the names of the original columns."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Feature
from chainrule.errors import InputError
from chainrule.estimators import MLPClassifier, MLPRegressor
from chainrule.exchange.sklearn_import import from_sklearn, is_sklearn_mlp

Array: TypeAlias = NDArray[Any]

SEVERAL = " and "  # between columns that an input is computed from
# Transformers each of whose outputs is computed from one column, whose name it contains.
OF_ONE_COLUMN = ("KBinsDiscretizer", "SplineTransformer", "SimpleImputer", "MissingIndicator")
BIN = r"_(sp_)?\d+(\.\d+)?"  # what follows it


def network_step(pipeline: Any) -> Any:
    """Return the last step of a pipeline as an estimator of this package.

    Raises
    ------
    InputError
        If it is not an MLP.
    """
    last = pipeline.steps[-1][1]
    if is_sklearn_mlp(last):
        return from_sklearn(last)
    if isinstance(last, MLPClassifier | MLPRegressor):
        return last
    raise InputError(
        f"the pipeline ends in {type(last).__name__}, which is not a multi-layer perceptron; give "
        "one that ends in an MLPClassifier or MLPRegressor"
    )


def network_inputs(pipeline: Any, x: Any) -> Array:
    """Return what the steps before the last make of samples, (n, inputs)."""
    made = pipeline[:-1].transform(x) if len(pipeline.steps) > 1 else x
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made)


# ---- names --------------------------------------------------------------------------------------


def features_of(pipeline: Any, x: Any) -> tuple[Feature, ...]:
    """Return the name of each input of the network, and the column that it comes from.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted.
    x : data frame or array (n, columns)
    """
    known = getattr(x, "columns", None)
    names = [f"x{k}" for k in range(np.shape(x)[1])] if known is None else [*map(str, known)]
    features = [Feature(name, name) for name in names]
    for _, step in pipeline.steps[:-1]:
        features = list(after_step(step, features))
    return tuple(features)


def after_step(step: Any, features: Sequence[Feature]) -> Iterator[Feature]:
    """Yield the features that a transformer makes of others."""
    if step is None or isinstance(step, str):  # "passthrough"
        yield from features
    elif type(step).__name__ == "Pipeline":
        for _, inner in step.steps:
            features = list(after_step(inner, features))
        yield from features
    elif type(step).__name__ == "ColumnTransformer":
        yield from after_columns(step, features)
    elif type(step).__name__ == "OneHotEncoder":
        yield from after_one_hot(step, features)
    else:
        yield from after_any(step, features)


def after_columns(step: Any, features: Sequence[Feature]) -> Iterator[Feature]:
    """Yield the features that a ColumnTransformer makes, in the order of its output."""
    places = {feature.name: k for k, feature in enumerate(features)}
    for name, inner, columns in step.transformers_:
        width = step.output_indices_[name]
        if (isinstance(inner, str) and inner == "drop") or width.start == width.stop:
            continue
        yield from after_step(inner, [features[k] for k in chosen(columns, places)])


def chosen(columns: Any, places: dict[str, int]) -> list[int]:
    """Return the positions of the columns that a ColumnTransformer chooses."""
    if isinstance(columns, slice):
        return list(range(len(places)))[columns]
    listed = [columns] if isinstance(columns, str | int) else list(columns)
    if listed and isinstance(listed[0], bool | np.bool_):
        return [k for k, wanted in enumerate(listed) if wanted]
    return [places[one] if isinstance(one, str) else int(one) for one in listed]


def after_one_hot(step: Any, features: Sequence[Feature]) -> Iterator[Feature]:
    """Yield a feature for each category, ``city=Oslo``; infrequent ones have their own names."""
    names = iter(step.get_feature_names_out([feature.name for feature in features]))
    for feature, width in zip(features, step._n_features_outs, strict=True):  # noqa: SLF001 (theirs)
        for _ in range(width):
            category = str(next(names)).removeprefix(f"{feature.name}_")
            yield Feature(f"{feature.name}={category}", feature.column, category)


def after_any(step: Any, features: Sequence[Feature]) -> Iterator[Feature]:
    """Yield the features of any transformer, each with the columns that it is computed from."""
    if any(cls.__name__ == "OneToOneFeatureMixin" for cls in type(step).__mro__):
        yield from features
        return
    before = {feature.name: feature for feature in features}
    for k, name in enumerate(names_after(step, [*before])):
        same = before.get(name)
        yield same or Feature(name, SEVERAL.join(sources(step, k, name, features)))


def names_after(step: Any, before: list[str]) -> list[str]:
    """Return the names of what a transformer makes, or numbers if it does not name it."""
    try:
        return [str(name) for name in step.get_feature_names_out(before)]
    except (AttributeError, ValueError, TypeError):
        width = getattr(step, "n_features_out_", len(before))  # of a FunctionTransformer, as many
        return [f"{type(step).__name__.lower()}{k}" for k in range(width)]


def sources(step: Any, k: int, name: str, features: Sequence[Feature]) -> list[str]:
    """Return the columns from which the k-th output of a transformer is computed.

    All of them, unless its name or its powers say which.
    """
    powers = getattr(step, "powers_", None)  # of PolynomialFeatures
    if powers is not None:
        chosen = [f for f, power in zip(features, powers[k], strict=True) if power]
    else:
        made = rf"(missingindicator_)?(?P<name>.*?)({BIN})?"
        found = re.fullmatch(made, name) if type(step).__name__ in OF_ONE_COLUMN else None
        chosen = [f for f in features if found and f.name == found["name"]]
    return [*dict.fromkeys(f.column for f in chosen or features)]
