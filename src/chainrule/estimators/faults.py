"""Where data are at fault: the row and column, the value there, and what to do about it.

It looks once something has been refused, and checks nothing by itself.
"""

import re
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]

# What scikit-learn's messages go on with is the whole array, or names of other estimators.
FIRST_LINE = ("Input X", "Input y", "Input contains", "Complex data", "The DType", "setting an")
ARRAY = re.compile(r":\narray=.*\n(?=Reshape)", re.DOTALL)

ENCODE = (
    "encode such a column, for example with OneHotEncoder in a ColumnTransformer, or leave it out"
)
REPAIR = "repair it (SimpleImputer fills gaps) or leave the row out"
CLASSIFY = "give numbers, or use MLPClassifier"
LEAVE = "leave such rows out"
SAMPLES = "an array, a sparse matrix or a data frame, with samples as rows"
TARGETS = "a target for each row"


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
    place = next(found, "")
    text = shortened(str(error), what)
    kind = TypeError if isinstance(error, TypeError) else InputError
    return kind(f"{text.rstrip('.')}. {place}" if place else text)


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
    """Yield where an entry is no finite number, column by column, with the remedy."""
    if hasattr(values, "toarray"):
        values = values.toarray()
    if uneven := uneven_row(values):
        yield f"{what}, {uneven}"
        return
    names = [str(name) for name in getattr(values, "columns", ())]
    table = plain_table(values)
    if not table.ndim:
        yield f"{what} is {short(values)}; give {TARGETS if what.startswith('y') else SAMPLES}"
        return
    for place, column in enumerate(table.T if table.ndim == 2 else [table]):
        named = what if table.ndim != 2 else column_name(what, names, place)
        for row in rows_at_fault(column):
            if fault := fault_of(column[row], what):
                yield f"{named}, row {row}, {fault}"


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


def column_name(what: str, names: Sequence[str], place: int) -> str:
    """Return what a column is called in a message."""
    name = repr(names[place]) if names else str(place)
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
        return f"is {short(value)}, which is no number; {CLASSIFY if of_targets else ENCODE}"
    if np.isfinite(number):
        return ""
    return f"is {value}; {LEAVE if of_targets else REPAIR}"


def is_missing(value: Any) -> bool:
    """Tell whether an entry stands for nothing: None, NaN, pandas' NA or NaT."""
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
    first = table.flat[0] if table.size else None
    for place, label in np.ndenumerate(table):
        named = what if table.ndim == 1 else f"{what}, column {place[1]}"
        if fault := label_fault(label, first):
            yield f"{named}, row {place[0]}, {fault}"


def label_fault(label: Any, first: Any) -> str:
    """Say what is wrong with a label beside the first, and what to do; or nothing."""
    if isinstance(label, complex):
        return f"is {label}; give real numbers, or words"
    if is_missing(label) or label in (np.inf, -np.inf):
        return f"is {label}; {LEAVE}, or give them a class"
    if isinstance(label, str) != isinstance(first, str):
        return f"is {short(label)}, but row 0 is {short(first)}; give labels of one kind"
    return ""
