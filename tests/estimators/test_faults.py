"""Messages about bad data have the name, row and column, the value, and the remedy for that value.

Which data are refused, and that the estimator stays as it was, stands in test_bad_data.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule.estimators import data
from tests.estimators.data import BINARY, CLASSES, LABELS, NUMBERS, TARGETS, X, bytes_of, quick
from tests.estimators.test_bad_data import changed, same, state_of

FRAME = pd.DataFrame(X, columns=list("abcd"))
OBJECTS = BINARY.astype(object)
UNEVEN = [*X.tolist()[:-1], [1.0]]
REPAIR = r"repair it \(SimpleImputer fills gaps\) or leave the row out$"


def with_entry(value: Any) -> pd.DataFrame:
    """Return a data frame with a value in column b, row 3."""
    frame = FRAME.astype(object)
    frame.loc[3, "b"] = value
    return frame


SAMPLES: dict[str, tuple[Any, str]] = {
    "None": (with_entry(None), f"Column 'b', row 3, is None; {REPAIR}"),
    "NA": (with_entry(pd.NA), f"Column 'b', row 3, is <NA>; {REPAIR}"),
    "nullable": (
        FRAME.assign(b=pd.array([None] + [1] * 59, dtype="Int64")),
        f"Column 'b', row 0, is <NA>; {REPAIR}",
    ),
    "text": (
        with_entry("tall"),
        "'tall'. Column 'b', row 3, is 'tall', which is not a number; enc",
    ),
    "date": (
        FRAME.assign(b=pd.date_range("2020", periods=60)),
        "Column 'b', row 0, is 2020-01-01 00:00:00, a time; give a number for it",
    ),
    "whole": ([[10**400, 1, 2, 3]] * 60, "Column 0, row 0, is larger than the largest float; scal"),
    "complex": (X + 1j, r"^Complex data not supported. Column 0, row 0, is \(.*j\); .* X.real$"),
    "uneven": (UNEVEN, "X, row 59, has 1 entries and row 0 has 4; give each as many"),
    "a dict": ({"a": 1}, "X is {'a': 1}; give an array, a sparse matrix or a data frame"),
    "nothing": (None, "X is None; give an array, a sparse matrix or a data frame"),
    "cut": (X[:, 0], r"^Expected 2D array, got 1D array instead. Reshape your data either using"),
}
CALLS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "fit": lambda e, X, y: e.fit(X, y),
    "predict": lambda e, X, _: e.predict(X),
    "score": lambda e, X, y: e.score(X, y),
    "explain": lambda e, X, y: e.explain(X, y),
}


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bad", SAMPLES)
def test_samples(call: str, bad: str):
    given, message = SAMPLES[bad]
    fitted = quick("classes").fit(X, CLASSES)
    before = state_of(fitted)
    if call == "explain" and bad == "cut":  # a single sample
        message = "X has 60 features, but"
    with pytest.raises((ValueError, TypeError), match=message):
        CALLS[call](fitted, given, CLASSES)
    assert same(before, state_of(fitted))


LABELED = r"; leave such rows out, or give them a class$"
TARGETED: dict[tuple[str, str], tuple[Any, str]] = {
    ("binary", "NaN"): (changed(OBJECTS, 4, np.nan), f"y, row 4, is nan{LABELED}"),
    ("binary", "None"): (changed(OBJECTS, 4, None), f"y, row 4, is None{LABELED}"),
    ("binary", "mixed"): (changed(OBJECTS, 3, 5), "y, row 3, is 5, but most are like '[a-z]*'; g"),
    ("binary", "complex"): (CLASSES + 0j, r"y, row 0, is \(?[0-2+]*0j\)?; give real numbers"),
    ("binary", "short"): (BINARY[:-1], "X has 60 rows, but y has 59; give one for each"),
    ("binary", "nothing"): (None, "y is None; give a target for each row$"),
    ("binary", "single"): ("yes", "y is 'yes'; give a target for each row"),
    ("labels", "NaN"): (
        changed(LABELS * 1.0, (4, 1), np.nan),
        f"y, column 1, row 4, is nan{LABELED}",
    ),
    ("labels", "twos"): (changed(LABELS, (4, 1), 2), "y, column 1, row 4, is 2; of many labels"),
    ("one", "words"): (
        BINARY,
        "y, row 0, is '[a-z]*', which is not a number; give numbers, or use M",
    ),
    ("one", "NaN"): (changed(NUMBERS, 9, np.nan), "y, row 9, is nan; leave such rows out$"),
    ("one", "None"): (changed(NUMBERS.astype(object), 9, None), "y, row 9, is None; leave such"),
    ("one", "word"): (
        changed(NUMBERS.astype(object), 9, "x"),
        "y, row 9, is 'x', which is not a number; give numb",
    ),
    ("one", "NA"): (pd.Series(changed(NUMBERS.astype(object), 9, pd.NA)), "y, row 9, is <NA>; le"),
    ("many", "frame"): (
        pd.DataFrame(changed(TARGETS["many"], (8, 1), np.nan), columns=list("uvw")),
        "y, column 'v', row 8, is nan; leave such rows out$",
    ),
    ("many", "flat"): (NUMBERS, r"y has shape \(60,\), but this regressor was fitted to \(n, 3\)"),
}


@pytest.mark.parametrize("call", ["fit", "score", "explain"])
@pytest.mark.parametrize(("kind", "bad"), TARGETED)
def test_targets(kind: str, bad: str, call: str):
    y, message = TARGETED[kind, bad]
    fitted = quick(kind).fit(X, TARGETS[kind])
    before = state_of(fitted)
    if call == "fit" and bad in ("twos", "flat"):  # other targets for a new fit
        return
    with pytest.raises((ValueError, TypeError), match=message):
        CALLS[call](fitted, X, y)
    assert same(before, state_of(fitted))


@pytest.mark.parametrize(
    ("kind", "y", "message"),
    [
        ("classes", BINARY, "y holds labels like '[a-z]*', but the classes are"),
        ("binary", NUMBERS, "y holds labels like .*, but the classes are"),
        ("binary", LABELS, r"y has shape \(60, 3\), but this classifier has one label a sample"),
        ("labels", CLASSES, r"y has shape \(60,\), but this classifier has 3 labels"),
        ("one", TARGETS["many"], r"y has shape \(60, 3\), but this regressor was fitted to \(n, 1"),
    ],
)
def test_a_score_of_targets_of_another_kind(kind: str, y: Any, message: str):
    with pytest.raises(ValueError, match=message):
        quick(kind).fit(X, TARGETS[kind]).score(X, y)


def test_a_label_that_was_never_seen_is_not_predicted():
    fitted = quick("classes").fit(X, CLASSES)
    right = fitted.predict(X) == CLASSES
    right[7] = False
    assert fitted.score(X, changed(CLASSES, 7, 9)) == pytest.approx(right.mean())


@pytest.mark.parametrize("kind", ["binary", "classes", "labels", "one", "many"])
def test_a_score_is_scikit_learns(kind: str):
    from sklearn.metrics import accuracy_score, r2_score

    fitted, y = quick(kind, max_iter=40).fit(X, TARGETS[kind]), TARGETS[kind]
    metric: Any = r2_score if kind in ("one", "many") else accuracy_score
    for more in ({}, {"sample_weight": np.arange(60) % 4}):
        assert fitted.score(X, y, **more) == pytest.approx(metric(y, fitted.predict(X), **more))


def test_class_weights_that_leave_nothing():
    with pytest.raises(ValueError, match="leaves every sample a weight of 0; give at least one"):
        quick("binary", class_weight={"yes": 0, "no": 0}).fit(X, BINARY)
    for wrong in (None, [1]):
        with pytest.raises(ValueError, match=r"class_weight of 'yes' is .*; give a number from 0"):
            quick("binary", class_weight={"yes": wrong}).fit(X, BINARY)


def test_a_scorer_that_fails_is_named():
    def wrong(*_: Any) -> str:
        return "good"

    with pytest.raises(ValueError, match="could not convert") as caught:
        quick("one", early_stopping=True, scoring=wrong).fit(X, NUMBERS)
    assert "raised by scoring=" in caught.value.__notes__[0]


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_fault_among_many_floats_is_looked_up_once(order: Any, monkeypatch: pytest.MonkeyPatch):
    """A Python object for each entry of a large array would take longer than training."""
    looked_at: list[Any] = []
    judge = data.fault_of
    monkeypatch.setattr(
        data, "fault_of", lambda value, what: looked_at.append(value) or judge(value, what)
    )
    wide = np.zeros((50, 300), order=order)
    wide[[40, 41], 299] = np.nan
    with pytest.raises(ValueError, match="Column 299, row 40, is nan"):
        quick("one").fit(wide, NUMBERS[:50])
    assert len(looked_at) == 1


INDEXED = pd.DataFrame(X, columns=list("abcd"), index=range(100, 160))
WORDS = changed(OBJECTS, 0, 5)


def entry(row: int, column: str, value: Any, frame: pd.DataFrame = INDEXED) -> pd.DataFrame:
    """Return a frame with another entry."""
    other = frame.astype(object)
    other.iloc[row, frame.columns.get_loc(column)] = value
    return other


@pytest.mark.parametrize(
    ("kind", "given", "y", "message"),
    [
        ("one", entry(3, "b", np.nan), NUMBERS, r"Column 'b', row 3 \(index 103\), is nan"),
        (
            "one",
            X,
            pd.Series(changed(NUMBERS, 5, np.nan), index=range(1, 61)),
            r"row 5 \(index 6\)",
        ),
        # The error of the conversion is about the word, not about a gap in another column.
        (
            "one",
            entry(7, "c", "tall", entry(2, "a", np.nan)),
            NUMBERS,
            r"'tall'. Column 'c', row 7 ",
        ),
        (
            "one",
            entry(7, "a", "tall", entry(2, "c", np.nan)),
            NUMBERS,
            r"'tall'. Column 'a', row 7 ",
        ),
        ("one", entry(3, "b", np.nan).set_axis([3, 2, 1, 0], axis=1), NUMBERS, "Column 2, row 3 "),
        ("binary", X, WORDS, r"y, row 0, is 5, but most are like '(yes|no)'; give labels of one k"),
        (
            "binary",
            X,
            changed(np.arange(60).astype(object), 0, "a"),
            "row 0, is 'a', but most are li",
        ),
        (
            "labels",
            X,
            pd.DataFrame(LABELS, columns=list("uvw")).astype(object).replace({"v": {1: None}}),
            r"y, column 'v', row \d+, is None",
        ),
        ("one", X, changed(NUMBERS.astype(str), 4, "x"), "y, row 4, is 'x', which is not a number"),
        (
            "many",
            X.astype(np.float32),
            changed(TARGETS["many"], (8, 1), 1e60),
            r"y, column 1, row 8, is 1e\+60, beyond float32",
        ),
    ],
)
def test_the_right_cell_is_named(kind: str, given: Any, y: Any, message: str):
    with pytest.raises(ValueError, match=message):
        quick(kind).fit(given, y)


def test_names_that_are_not_unique_are_not_an_entry():
    twice = FRAME.set_axis(list("aacd"), axis=1)
    twice.iloc[1, 1] = np.nan
    with pytest.raises(ValueError, match=r"'a' 2 times$"):
        quick("one").fit(twice, NUMBERS)


@pytest.mark.parametrize("kind", [object, np.longdouble, "Float64"])
def test_numbers_of_other_types_are_accepted(kind: Any):
    given: Any = pd.Series(NUMBERS).astype(kind)
    expected = quick("one").fit(X, NUMBERS)
    assert bytes_of(quick("one").fit(X.astype(object), given)) == bytes_of(expected)
    assert expected.score(X, given) == expected.score(X, NUMBERS)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("binary", OBJECTS),
        ("binary", BINARY.tolist()),
        ("binary", pd.Series(pd.Categorical(BINARY))),
        ("binary", pd.Series(BINARY, dtype="string")),
        ("classes", CLASSES.astype(object)),
        ("labels", LABELS.astype(object)),
        ("labels", LABELS.astype(bool)),
    ],
)
def test_labels_of_other_types_are_accepted(kind: str, given: Any):
    expected = quick(kind).fit(X, TARGETS[kind])
    other = quick(kind).fit(X, given)
    assert bytes_of(other) == bytes_of(expected)
    assert other.classes_.dtype == expected.classes_.dtype
    assert other.predict(X).dtype == expected.predict(X).dtype
    assert other.score(X, given) == expected.score(X, TARGETS[kind])
