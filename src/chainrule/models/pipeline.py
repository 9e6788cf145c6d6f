"""The pipeline of scikit-learn's own steps that is equivalent to a TableModel."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import NumberColumn, Preparation, Target, read, words_of
from chainrule.errors import missing
from chainrule.estimators import MLPClassifier, MLPRegressor

Array: TypeAlias = NDArray[Any]
Frame: TypeAlias = Any  # pandas.DataFrame


def as_pipeline(preparation: Preparation, estimator: MLPClassifier | MLPRegressor) -> Any:
    """Return the pipeline, fitted."""
    from sklearn.pipeline import Pipeline

    steps = [("prepare", transformer(preparation)), ("network", estimator)]
    pipeline = Pipeline(steps)
    if preparation.known_target.task == "classification":
        return pipeline
    return with_restored_target(pipeline, preparation.known_target)


def transformer(preparation: Preparation) -> Any:
    """Return the ColumnTransformer of the columns, fitted."""
    from sklearn.compose import ColumnTransformer

    frame = examples(preparation)
    parts = [(c.name, column_steps(c, preparation.dtype), [c.name]) for c in preparation.columns]
    made = ColumnTransformer(parts, verbose_feature_names_out=False, sparse_threshold=0.0)
    made.fit(frame)
    for column in preparation.columns:
        if isinstance(column, NumberColumn):  # exactly as learned, not from the two examples
            scaler = made.named_transformers_[column.name].named_steps["standardize"]
            scaler.mean_, scaler.scale_ = np.array([column.mean]), np.array([column.scale])
            scaler.var_ = scaler.scale_**2
    return made


def examples(preparation: Preparation) -> Frame:
    """Return two rows with a value in every column, from which the steps learn the names."""
    try:
        import pandas as pd
    except ImportError:
        raise missing("pandas", "to_sklearn()", "frames") from None
    return pd.DataFrame({column.name: two_values(column) for column in preparation.columns})


def two_values(column: Any) -> list[Any]:
    """Return two values that a column may have."""
    if column.kind == "number":
        return [column.mean - column.scale, column.mean + column.scale]
    if column.kind == "boolean":
        return [False, True]
    return [column.categories[0], column.categories[-1]]


def column_steps(column: Any, dtype: str) -> Any:
    """Return the pipeline of one column."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    steps: list[tuple[str, Any]] = []
    if column.kind == "category":
        words = FunctionTransformer(as_words, feature_names_out="one-to-one")
        steps.append(("as words", words))
    else:
        numbers = FunctionTransformer(as_numbers, feature_names_out="one-to-one")
        steps.append(("as numbers", numbers))
    if column.fill is not None:
        fill = column.fill if column.kind == "category" else float(column.fill)
        gap: Any = None if column.kind == "category" else np.nan
        imputer = SimpleImputer(strategy="constant", fill_value=fill, missing_values=gap)
        steps.append(("impute", imputer))
    if column.kind == "number":
        steps.append(("standardize", StandardScaler()))
    if column.kind == "category":
        steps.append(("one-hot", one_hot(column.categories)))
    if dtype == "float32":
        single = FunctionTransformer(in_single_precision, feature_names_out="one-to-one")
        steps.append(("precision", single))
    return Pipeline(steps)


def one_hot(categories: tuple[str, ...]) -> Any:
    """Return the encoder of a column of words; unknown ones are all 0."""
    from sklearn import preprocessing

    encoder: Any = preprocessing.OneHotEncoder  # whose types are those of scikit-learn's defaults
    return encoder(
        categories=[np.array(categories, object)],
        handle_unknown="ignore",
        sparse_output=False,
        feature_name_combiner=category_name,
    )


def as_words(frame: Frame) -> Array:
    """Return categories of any type as a model's preparation writes them, None if missing."""
    columns = [words_of(column.values).to_pylist() for column in read(frame).columns]
    return np.array(columns, dtype=object).T  # (n, columns)


def as_numbers(frame: Frame) -> Array:
    """Return numbers and booleans as float64, NaN if missing."""
    return frame.astype("float64").to_numpy()


def in_single_precision(array: Array) -> Array:
    """Return numbers as float32."""
    return np.asarray(array, np.float32)


def category_name(column: str, category: str) -> str:
    """Return the name of the input of a category."""
    return f"{column}={category}"


def with_restored_target(pipeline: Any, target: Target) -> Any:
    """Return a regressor that predicts in the unit of the target."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.zeros((2, 1)))
    scaler.mean_, scaler.scale_ = np.array([target.mean]), np.array([target.scale])
    scaler.var_ = scaler.scale_**2
    made = TransformedTargetRegressor(regressor=pipeline, transformer=scaler)
    made.regressor_, made.transformer_ = pipeline, scaler
    made._training_dim = 1  # noqa: SLF001 (what its fit sets)
    return made
