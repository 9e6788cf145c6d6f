"""Samples, targets and weights as they are handed in, checked by scikit-learn's own rules.

An error names the row and column at fault; nothing is changed or copied beyond what checking needs.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_array, validate_data

from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]

FLOATS = (np.float64, np.float32)
SPARSE = ("csr", "csc")


def checked_rows(estimator: Any, X: Any, *, reset: bool, what: str = "X") -> Array:
    """Return samples (n, features), float32 or float64; sparse ones are made dense.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set, or compared.
    X : array, sparse matrix or data frame (n, features)
    reset : bool
        Whether these samples say what the features are.
    what : str
        What messages call them.

    Raises
    ------
    InputError
        If they are no such samples; the message names the row and column.
    TypeError
        If an entry is of a type that cannot be a number.
    """
    try:
        rows = validate_data(estimator, X, reset=reset, accept_sparse=SPARSE, dtype=FLOATS)
    except (TypeError, ValueError) as error:
        raise located(error, X, what) from None
    return dense(rows)


def checked_pair(
    estimator: Any, X: Any, y: Any, *, reset: bool, numeric: bool
) -> tuple[Array, Array]:
    """Return samples and targets, (n, features) and (n,) or (n, outputs).

    Raises
    ------
    InputError
        If they do not fit, or are not finite; the message names the row and column.
    TypeError
        If an entry is of a type that cannot be a number.
    """
    try:
        rows, wanted = validate_data(
            estimator, X, y, reset=reset, accept_sparse=SPARSE, dtype=FLOATS,
            multi_output=True, y_numeric=numeric,
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise located(error, X, "X", y) from None
    return dense(rows), column(dense(wanted))


def checked_targets(y: Any, *, numeric: bool, what: str = "y") -> Array:
    """Return targets alone, such as those of one sample to explain."""
    wishes: dict[str, Any] = {"accept_sparse": "csr", "dtype": "numeric" if numeric else None}
    try:
        wanted = check_array(y, ensure_2d=False, input_name=what, **wishes)
    except (TypeError, ValueError) as error:
        raise located(error, None, what, y) from None
    return column(dense(wanted))


def column(y: Array) -> Array:
    """Return targets (n, 1) as (n,), with scikit-learn's warning, and others as they are."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def dense(array: Any) -> Array:
    """Return an array as it is, and a sparse matrix as an array."""
    return array.toarray() if hasattr(array, "toarray") else array


def checked_weights(weights: Any, n: int, what: str = "sample_weight") -> Array | None:
    """Return sample weights (n,), float64; a number stands for all of them.

    Raises
    ------
    InputError
        If there is not one for each sample, or one is negative or not finite, or all are 0.
    """
    if weights is None:
        return None
    try:
        given = np.asarray(weights, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} holds no numbers: {error}; give one for each sample") from None
    given = np.full(n, given) if given.ndim == 0 else given
    if given.shape != (n,):
        raise InputError(f"{what}.shape == {given.shape}, expected {(n,)}: one for each sample")
    bad = np.flatnonzero(~((given >= 0) & np.isfinite(given)))
    if len(bad):
        raise InputError(
            f"{what} of row {bad[0]} is {given[bad[0]]}; weights must be finite and at least 0"
        )
    if not given.any():
        raise InputError(f"{what} is zero for every sample; give at least one a weight above zero")
    return given


# ---- where the fault is -------------------------------------------------------------------------


def located(error: Exception, X: Any, what: str, y: Any = None) -> Exception:
    """Return scikit-learn's error with the row and column at fault, and the remedy."""
    text = str(error)
    if text.startswith("Input ") and "contains" in text:
        text = text.split("\n", 1)[0]  # the rest recommends other estimators
    about_y = text.startswith("Input y") or X is None
    place = next(faults(y if about_y else X, "y" if about_y else what), "")
    kind = TypeError if isinstance(error, TypeError) else InputError
    return kind(f"{text} {place}".rstrip())


def faults(values: Any, what: str) -> Iterator[str]:
    """Yield where an entry is no finite number, column by column, with the remedy."""
    if hasattr(values, "toarray"):
        values = values.toarray()
    table = np.asarray(values, dtype=object)
    names = [str(name) for name in getattr(values, "columns", ())]
    columns = table.T if table.ndim == 2 else [table] if table.ndim == 1 else []
    for place, column in enumerate(columns):
        named = column_name(names, place) if table.ndim == 2 else what
        for row, value in enumerate(column):
            if fault := fault_of(value):
                yield f"{named}, row {row}, {fault}"


def column_name(names: Sequence[str], place: int) -> str:
    """Return what a column is called in a message."""
    return f"Column {names[place]!r}" if names else f"Column {place}"


def fault_of(value: Any) -> str:
    """Say what is wrong with an entry, and what to do; nothing if it is a finite number."""
    if isinstance(value, complex | np.complexfloating):
        return f"is {value}; give real numbers, such as X.real"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return (
            f"is {value!r}, which is no number; encode such a column, for example with "
            "OneHotEncoder in a ColumnTransformer, or leave it out"
        )
    if np.isfinite(number):
        return ""
    return f"is {value}; repair it (SimpleImputer fills gaps) or leave the row out"
