"""Samples, targets and weights as they are handed in, checked by scikit-learn's own rules.

Nothing is changed or copied beyond what checking needs; what is wrong is told in ``faults``.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import check_array, validate_data

from chainrule.errors import InputError
from chainrule.estimators.faults import label_faults, located, short
from chainrule.estimators.warned import warn

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
    except (TypeError, ValueError, OverflowError) as error:
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
    if y is None:
        raise InputError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None; give a target for each row"
        )
    rows = checked_rows(estimator, X, reset=reset)
    wanted = checked_targets(y, numeric=numeric)
    check_lengths(rows, wanted)
    return rows, wanted


def checked_targets(y: Any, *, numeric: bool, what: str = "y") -> Array:
    """Return targets, (n,) or (n, outputs).

    Parameters
    ----------
    y : array, sparse matrix or data frame
    numeric : bool
        Whether they are numbers; else they may be labels of any kind.
    what : str
        What messages call them.

    Raises
    ------
    InputError
        If they are no such targets; the message names the row.
    TypeError
        If an entry is of a type that cannot be a number, or labels are of several kinds.
    """
    if y is None:
        raise InputError(f"{what} is None; give a target for each row")
    wishes: dict[str, Any] = {"accept_sparse": "csr", "dtype": None}
    try:
        wanted = dense(check_array(y, ensure_2d=False, input_name=what, **wishes))
        if numeric and wanted.dtype.type in (np.object_, np.longdouble):
            wanted = plain_numbers(wanted)
    except (TypeError, ValueError, OverflowError) as error:
        raise located(error, y, what, labels=not numeric) from None
    if wanted.dtype.kind == "O":
        check_labels(wanted, what)
        wanted = np.asarray(wanted.tolist())  # the type of their own that words and numbers have
    return column(wanted)


def plain_numbers(y: Array) -> Array:
    """Return numbers of another type as float64."""
    numbers = y.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("Input contains NaN or infinity")
    return numbers


def check_labels(y: Array, what: str) -> None:
    """Raise InputError where a label is missing, or cannot be compared with the others."""
    fault = next(label_faults(y, what), "")
    if fault:
        raise InputError(fault)


def check_lengths(X: Array, y: Array, of: str = "") -> None:
    """Raise InputError where there is not a target for each row of X, or of X_val."""
    if len(X) != len(y):
        raise InputError(
            f"inconsistent numbers of samples: X{of} has {len(X)} rows, but y{of} has {len(y)}; "
            "give one for each, and samples as rows"
        )


def check_precision(t: Array, dtype: Any, what: str = "y") -> None:
    """Raise InputError where a target is beyond what samples of this precision are computed in."""
    most = np.finfo(dtype).max
    if t.dtype.kind == "f" and t.dtype.itemsize > np.dtype(dtype).itemsize:
        beyond = np.argwhere(np.abs(t) > most)
        if len(beyond):
            row = int(beyond[0][0])
            raise InputError(
                f"{what}, row {row}, is {short(t[tuple(beyond[0])])}, beyond {np.dtype(dtype)}, in "
                "which X is computed; scale it, or give X in float64"
            )


def column(y: Array) -> Array:
    """Return targets (n, 1) as (n,), with scikit-learn's warning, and others as they are."""
    if y.ndim != 2 or y.shape[1] != 1:
        return y
    warn(
        "A column-vector y was passed when a 1d array was expected. Please change the shape of y "
        "to (n_samples, ), for example using ravel().",
        DataConversionWarning,
    )
    return y[:, 0]


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
        given = real_numbers(weights)
    except (TypeError, ValueError):
        raise InputError(f"{what} is {short(weights)}; give a number for each sample") from None
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


def real_numbers(values: Any) -> Array:
    """Return values as float64; NumPy alone would read text, and drop imaginary parts."""
    given = np.asarray(values)
    if given.dtype.kind not in "buifO":
        raise TypeError
    return given.astype(np.float64)
