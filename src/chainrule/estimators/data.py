"""Validation of samples, targets and sample weights by scikit-learn's rules.

An error message names the row and column at fault, the value there, and the remedy.
"""

import re
import reprlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import check_array, validate_data

from chainrule.errors import InputError
from chainrule.estimators.progress import warn
from chainrule.sparse_samples import is_sparse, sparse_rows

Array: TypeAlias = NDArray[Any]

FLOATS = (np.float64, np.float32)
SPARSE = ("csr", "csc")

# What scikit-learn's messages go on with is the whole array, or names of other estimators.
FIRST_LINE = ("Input X", "Input y", "Input contains", "Complex data", "The DType", "setting an")
NO_ENTRY = ("Expected unique column names",)  # what no entry is to blame for
MOST_FAULTS = 1000
ARRAY = re.compile(r":\narray=.*\n(?=Reshape)", re.DOTALL)

ENCODE = (
    "encode such a column, for example with OneHotEncoder in a ColumnTransformer, or leave it out"
)
REPAIR = "repair it (SimpleImputer fills gaps) or leave the row out"
CLASSIFY = "give numbers, or use MLPClassifier"
LEAVE = "leave such rows out"
SAMPLES = "an array, a sparse matrix or a data frame, with samples as rows"
TARGETS = "a target for each row"


def checked_rows(estimator: Any, X: Any, *, reset: bool, what: str = "X") -> Any:
    """Return samples (n, features), float32 or float64: an array, or SparseSamples.

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
    return sparse_rows(rows, what) if is_sparse(rows) else rows


def checked_pair(
    estimator: Any, X: Any, y: Any, *, reset: bool, numeric: bool
) -> tuple[Any, Array]:
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
        check_labels(y if hasattr(y, "iloc") else wanted, what)  # a frame has names
        wanted = own_type(wanted)
    return column(wanted)


def own_type(y: Array) -> Array:
    """Return labels in a type of their own; columns of words and of numbers stay objects."""
    words = [isinstance(label, str) for label in y.flat]
    return y if any(words) and not all(words) else np.asarray(y.tolist())


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
            row, *rest = beyond[0].tolist()
            column = f"column {rest[0]}, " if t.shape[1:] > (1,) else ""
            raise InputError(
                f"{what}, {column}row {row}, is {short(t[tuple(beyond[0])])}, beyond "
                f"{np.dtype(dtype)}, in which X is computed; scale it, or give X in float64"
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


def checked_weights(
    weights: Any, n: int, what: str = "sample_weight", outputs: int | None = None
) -> Array | None:
    """Return weights (n,) or (n, outputs), float64; a number stands for all of them.

    Parameters
    ----------
    weights : array-like, number or None
    n : int
        The number of samples.
    what : str
        What messages call them.
    outputs : int, optional
        How many outputs may have weights of their own.

    Raises
    ------
    InputError
        If there is not one for each, or one is negative or not finite, or all are 0, also those of
        one output.
    """
    if weights is None:
        return None
    try:
        given = real_numbers(weights)
    except (TypeError, ValueError):
        raise InputError(f"{what} is {short(weights)}; give a number for each sample") from None
    given = np.full(n, given) if given.ndim == 0 else given
    if given.shape not in ((n,), (n, outputs)):
        each = "" if outputs is None else f", or {(n, outputs)}: one for each target"
        raise InputError(
            f"{what}.shape == {given.shape}, expected {(n,)}: one for each sample{each}"
        )
    bad = np.argwhere(~((given >= 0) & np.isfinite(given)))
    if len(bad):
        of = f"row {bad[0][0]}" + (f", column {bad[0][1]}," if given.ndim == 2 else "")
        raise InputError(
            f"{what} of {of} is {given[tuple(bad[0])]}; weights must be finite and at least 0"
        )
    if not given.any(axis=0).all():
        of = f" in column {np.argmin(given.any(axis=0))}" if given.ndim == 2 else ""
        raise InputError(
            f"{what} is zero for every sample{of}; give at least one a weight above zero"
        )
    return given


def without_masked(y: Any, weights: Any) -> Any:
    """Return targets with 0 for those that are NaN and have a weight of 0: they do not count."""
    if weights is None or not hasattr(y, "__len__"):
        return y
    try:
        values, given = np.asarray(y), np.asarray(weights)
    except ValueError:  # rows of several lengths
        return y
    if values.dtype.kind != "f" or given.dtype.kind not in "buif" or not np.isnan(values).any():
        return y
    given = given[:, None] if given.ndim < values.ndim and given.ndim == 1 else given
    if given.shape not in (values.shape, (len(values), 1)):
        return y  # which is an error elsewhere
    masked = np.isnan(values) & (given == 0)
    return (
        y.mask(masked, 0.0)
        if hasattr(y, "mask") and hasattr(y, "iloc")
        else np.where(masked, 0.0, values)
    )


def real_numbers(values: Any) -> Array:
    """Return values as float64; NumPy alone would read text, and drop imaginary parts."""
    given = np.asarray(values)
    if given.dtype.kind not in "buifO":
        raise TypeError
    return given.astype(np.float64)


# ---- error messages ------------------------------------------------------------------------------


def located(error: Exception, values: Any, what: str, *, labels: bool = False) -> Exception:
    """Return scikit-learn's error with the row and column at fault, and the remedy.

    Parameters
    ----------
    error : Exception
    values : array-like
        That were refused.
    what : str
        What messages call them; those that begin with ``y`` are targets.
    labels : bool, default False
        Whether they may be other than numbers.
    """
    found = label_faults(values, what) if labels else faults(values, what)
    text = shortened(str(error), what)
    place = "" if text.startswith(NO_ENTRY) else told_of(list(islice(found, MOST_FAULTS)), text)
    kind = TypeError if isinstance(error, TypeError) else InputError
    return kind(f"{text.rstrip('.')}. {place}" if place else text)


def told_of(found: list[str], text: str) -> str:
    """Return the fault that an error is about: of entries that are words, or that are missing."""
    of_words = "could not convert" in text
    same = (fault for fault in found if ("which is not a number" in fault) == of_words)
    return next(same, found[0] if found else "")


def shortened(text: str, what: str) -> str:
    """Return a message without the array in it, and with the right name."""
    if text.startswith(FIRST_LINE):
        text = text.partition("\n")[0].partition(". ")[0]
    text = ARRAY.sub(". ", text)
    if what == "X" or re.search(rf"\b{what}\b", text):
        return text
    start = next((start for start in ("Input X", "X") if text.startswith(f"{start} ")), None)
    return f"{what}: {text}" if start is None else start[:-1] + what + text[len(start) :]


# ---- numbers ------------------------------------------------------------------------------------


def faults(values: Any, what: str) -> Iterator[str]:
    """Yield where an entry is not a finite number, column by column, with the remedy."""
    if is_sparse(values):
        if what.startswith("y"):
            values = values.toarray()
        else:
            yield from stored_faults(values.tocoo(), what)
            return
    if uneven := uneven_row(values):
        yield f"{what}, {uneven}"
        return
    names = list(getattr(values, "columns", ()))
    table = plain_table(values)
    if not table.ndim:
        yield f"{what} is {short(values)}; give {TARGETS if what.startswith('y') else SAMPLES}"
        return
    for place, column in enumerate(table.T if table.ndim == 2 else [table]):
        named = what if table.ndim != 2 else column_name(what, names, place)
        for row in rows_at_fault(column):
            if fault := fault_of(column[row], what):
                yield f"{named}, {row_name(values, row)}, {fault}"


def stored_faults(entries: Any, what: str) -> Iterator[str]:
    """Yield the faults of a sparse matrix's stored entries, given by row and column."""
    wrong = np.flatnonzero(~np.isfinite(entries.data)) if entries.data.dtype.kind in "fc" else ()
    for entry in wrong:
        row, column = entries.row[entry], entries.col[entry]
        yield f"{column_name(what, (), column)}, row {row}, {fault_of(entries.data[entry], what)}"


def row_name(values: Any, row: int) -> str:
    """Return what a row is called: its number, and its label in a frame with others."""
    index = getattr(values, "index", None)  # a list has a method of that name
    label = row if index is None or callable(index) else index[row]
    return f"row {row}" if label is row or label == row else f"row {row} (index {short(label)})"


def plain_table(values: Any) -> Array:
    """Return values as an array of floats where they are, else of objects."""
    table = values if isinstance(values, np.ndarray) else np.asarray(values)
    return table if table.dtype.kind in "fc" else np.asarray(values, dtype=object)


def rows_at_fault(column: Array) -> Iterator[int]:
    """Yield rows that have to be looked at: of floats the first that is not finite."""
    if column.dtype.kind not in "fc":
        yield from range(len(column))
        return
    yield from np.flatnonzero(~np.isfinite(column) | (column.dtype.kind == "c"))[:1].tolist()


def uneven_row(values: Any) -> str:
    """Say which of some listed rows is longer or shorter than the first; nothing if none is."""
    if not isinstance(values, list | tuple) or not all(hasattr(row, "__len__") for row in values):
        return ""
    sizes = [len(row) for row in values if not isinstance(row, str)]
    for row, size in enumerate(sizes):
        if size != sizes[0]:
            return f"row {row}, has {size} entries and row 0 has {sizes[0]}; give each as many"
    return ""


def column_name(what: str, names: Sequence[Any], place: int) -> str:
    """Return what a column is called in a message."""
    name = short(names[place]) if names else str(place)
    return f"Column {name}" if what == "X" else f"{what}, column {name}"


def fault_of(value: Any, what: str = "X") -> str:
    """Say what is wrong with an entry, and what to do; nothing if it is a finite number."""
    of_targets = what.startswith("y")
    if is_missing(value):
        return f"is {value}; {LEAVE if of_targets else REPAIR}"
    if isinstance(value, complex | np.complexfloating):
        return f"is {value}; give real numbers, such as {what}.real"
    if isinstance(value, np.datetime64 | np.timedelta64) or hasattr(value, "isoformat"):
        return f"is {value}, a time; give a number for it, such as the days since a first one"
    try:
        number = float(value)
    except OverflowError:
        return "is larger than the largest float; scale it"
    except (TypeError, ValueError):
        return f"is {short(value)}, which is not a number; {CLASSIFY if of_targets else ENCODE}"
    if np.isfinite(number):
        return ""
    return f"is {value}; {LEAVE if of_targets else REPAIR}"


def first_word(y: Array) -> tuple[int, ...]:
    """Return the place of the first target that cannot be read as a number, or of the first."""
    places = (place for place, value in np.ndenumerate(y) if "number" in fault_of(value, "y"))
    return next(places, (0,) * y.ndim)


def is_missing(value: Any) -> bool:
    """Return whether an entry stands for nothing: None, NaN, pandas' NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def short(value: Any) -> str:
    """Return a value as it is typed, and cut if it is long."""
    return reprlib.repr(value.item() if isinstance(value, np.generic) else value)


# ---- labels -------------------------------------------------------------------------------------


def label_faults(values: Any, what: str) -> Iterator[str]:
    """Yield where a label is missing, infinite, complex, or of another kind than the first."""
    if uneven := uneven_row(values):
        yield f"{what}, {uneven}"
        return
    table = np.asarray(values, dtype=object)
    if not table.ndim:
        yield f"{what} is {short(values)}; give {TARGETS}"
        return
    names = list(getattr(values, "columns", ()))
    usual = [usual_label(column) for column in (table.T if table.ndim > 1 else [table])]
    for place, label in np.ndenumerate(table):
        named = what if table.ndim == 1 else column_name(what, names, place[1])
        if fault := label_fault(label, usual[place[1] if table.ndim > 1 else 0]):
            yield f"{named}, {row_name(values, place[0])}, {fault}"


def usual_label(column: Array) -> Any:
    """Return a label of the kind that most labels of a column have: words, or not."""
    known = [label for label in column if not is_missing(label)]
    words = [isinstance(label, str) for label in known]
    most = 2 * sum(words) >= len(words)
    return next((label for label, word in zip(known, words, strict=True) if word == most), None)


def label_fault(label: Any, usual: Any) -> str:
    """Return what is wrong with a label, compared with most of them, and the remedy, or ''."""
    if isinstance(label, complex):
        return f"is {label}; give real numbers, or words"
    if is_missing(label) or label in (np.inf, -np.inf):
        return f"is {label}; {LEAVE}, or give them a class"
    if isinstance(label, str) != isinstance(usual, str):
        return f"is {short(label)}, but most are like {short(usual)}; give labels of one kind"
    return ""
