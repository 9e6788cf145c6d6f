"""Several columns of labels, each with classes of its own."""

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule import MLPClassifier, check
from tests.estimators.data import BINARY, CLASSES, NUMBERS, X, bytes_of, quick

MIXED = pd.DataFrame({"size": CLASSES, "answer": BINARY, "half": NUMBERS > 0.3})
COLUMNS: dict[str, Any] = {
    "numbers": np.column_stack([CLASSES, (CLASSES == 1) + 5]),
    "words": np.column_stack([BINARY, np.array(["low", "mid", "top"])[CLASSES]]),
    "floats": np.column_stack([CLASSES, CLASSES[::-1]]).astype(float),
    "mixed": MIXED,
}


def fitted_to(name: str, **choices: Any) -> Any:
    return quick("classes", **choices).fit(X, COLUMNS[name])


@pytest.mark.parametrize("name", COLUMNS)
def test_each_column_has_classes_of_its_own(name: str):
    y = np.asarray(COLUMNS[name])
    fitted = fitted_to(name, max_iter=300, learning_rate_init=0.02)
    columns = [np.asarray(column.tolist()) for column in y.T]
    assert len(fitted.classes_) == y.shape[1]
    for known, column in zip(fitted.classes_, columns, strict=True):
        assert np.array_equal(known, np.unique(column))
    predicted = fitted.predict(X)
    assert predicted.shape == y.shape
    right = np.all(predicted == y, axis=1)
    assert fitted.score(X, COLUMNS[name]) == pytest.approx(right.mean())
    if name != "floats":  # the second column is of other rows
        assert right.mean() > 0.75


@pytest.mark.parametrize("name", COLUMNS)
def test_probabilities_of_each_column_sum_to_1(name: str):
    fitted = fitted_to(name)
    found, logs = fitted.predict_proba(X), fitted.predict_log_proba(X)
    for known, part, log in zip(fitted.classes_, found, logs, strict=True):
        assert part.shape == (60, len(known))
        np.testing.assert_allclose(part.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(np.exp(log), part, rtol=1e-6)
    predicted = fitted.predict(X)
    for j, (known, part) in enumerate(zip(fitted.classes_, found, strict=True)):
        assert np.array_equal(known[part.argmax(axis=1)], np.asarray(predicted[:, j].tolist()))


def test_columns_of_two_classes_are_multilabel_targets():
    """The same network as for rows of 0 and 1, under other names."""
    y = np.column_stack([NUMBERS > 0, X[:, 0] > 0])
    labels = quick("labels").fit(X, y.astype(int))
    columns = quick("labels").fit(X, np.where(y, "yes", "no"))
    assert bytes_of(labels) == bytes_of(columns)
    for j, part in enumerate(columns.predict_proba(X)):
        np.testing.assert_allclose(part[:, 1], labels.predict_proba(X)[:, j])


@pytest.mark.parametrize("name", ["numbers", "mixed"])
def test_a_copy_goes_on_and_warm_starts_add_up(name: str):
    whole = fitted_to(name, max_iter=11)
    parts = fitted_to(name, max_iter=4, warm_start=True)
    twin = copy.deepcopy(parts)
    for one in (parts, twin):
        one.set_params(max_iter=7).fit(X, COLUMNS[name])
        assert bytes_of(one) == bytes_of(whole)
    assert np.array_equal(twin.predict(X), whole.predict(X))


def test_partial_fit_needs_the_classes_of_each_column_once():
    y = COLUMNS["numbers"]
    first, names = CLASSES < 2, [[0, 1, 2], [5, 6]]
    fitted = quick("classes").partial_fit(X[first], y[first], classes=names)
    fitted.partial_fit(X, y, classes=names).partial_fit(X, y)
    assert fitted.predict_proba(X)[0].shape == (60, 3)
    with pytest.raises(ValueError, match="is not the same as on last call to partial_fit"):
        fitted.partial_fit(X, y, classes=[[0, 1], [5, 6]])
    with pytest.raises(ValueError, match=r"classes=\[0, 1, 2\], but y has 2 columns of labels"):
        quick("classes").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"classes=\[0, 5\], but y has 2 columns of labels"):
        quick("classes").partial_fit(X, y, classes=[0, 5])


def test_early_stopping_and_weights():
    y = COLUMNS["numbers"]
    weight = np.arange(60) % 3
    fitted = quick("classes", early_stopping=True, max_iter=20, dropout=0.1).fit(X, y, weight)
    assert len(fitted.validation_scores_) == 20
    right = np.all(fitted.predict(X) == y, axis=1)
    assert fitted.score(X, y, weight) == pytest.approx(np.average(right, weights=weight))
    assert bool(fitted.check_gradient(X, y))
    assert fitted.predict_with_dropout(X).std.shape == (60, 5)


@pytest.mark.parametrize(
    ("y", "choices", "message"),
    [
        (np.column_stack([NUMBERS, CLASSES]), {}, "continuous-multioutput"),
        (
            COLUMNS["numbers"],
            {"loss": "softmax-squared-error"},
            "y has 2 columns, each with classes",
        ),
        (
            COLUMNS["numbers"],
            {"class_weight": "balanced"},
            "is for one class a sample; give sample_w",
        ),
        (
            MIXED.astype(object).replace({"answer": {"yes": None}}),
            {},
            r"y, column 'answer', row \d+, is (None|nan)",
        ),
    ],
)
def test_columns_that_cannot_be(y: Any, choices: dict[str, Any], message: str):
    with pytest.raises((ValueError, TypeError), match=message):
        quick("classes", **choices).fit(X, y)


@pytest.mark.parametrize("call", ["score", "partial_fit", "gradients"])
def test_other_columns_are_refused(call: str):
    fitted = fitted_to("numbers")
    with pytest.raises(ValueError, match=r"give \(n, 2\)"):
        getattr(fitted, call)(X, CLASSES)
    if call != "score":  # where an unknown label is a wrong prediction
        y = COLUMNS["numbers"].copy()
        y[4, 1] = 9
        with pytest.raises(ValueError, match=r"y\[:, 1\].* row 4 is 9"):
            getattr(fitted, call)(X, y)


def test_what_is_for_one_column_says_so():
    fitted = fitted_to("numbers")
    with pytest.raises(AttributeError, match="a LabelBinarizer is for one column of labels"):
        _ = fitted._label_binarizer
    with pytest.raises(ValueError, match="cannot be converted to ONNX; fit a classifier for each"):
        fitted.onnx_parser()
    for given in ((fitted, {}), (MLPClassifier((3,)), {"x": X, "t": COLUMNS["numbers"]})):
        with pytest.raises(ValueError, match="each with classes of its own; check a classifier"):
            check(given[0], **given[1])
