"""Pipelines of scikit-learn: the inputs of their network, by the names of the original columns."""

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
    """Yield the features of any transformer: as many as before, or by their names."""
    before = [feature.name for feature in features]
    try:
        names = [str(name) for name in step.get_feature_names_out(before)]
    except (AttributeError, ValueError, TypeError):
        names = before
    if len(names) == len(before):
        yield from (Feature(f.name, f.column, f.category) for f in features)
        return
    for name in names:
        fitting = [f for f in features if name.startswith(f.name)]
        longest = max(fitting, key=lambda f: len(f.name), default=None)
        every = SEVERAL.join(dict.fromkeys(f.column for f in features))
        yield Feature(name, every if longest is None else longest.column)
