"""Bad data, for every method: a clear error that names the place, and the estimator is unchanged.

The estimator is looked at before and after, unfitted and fitted.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network

from chainrule import ChainruleError
from tests.estimators.data import BINARY, CLASSES, LABELS, NUMBERS, TARGETS, X, quick

KINDS = list(TARGETS)


def changed(array: Any, place: Any, value: Any) -> Any:
    """Return a copy with one entry replaced."""
    copy = np.array(array)
    copy[place] = value
    return copy


BAD_X: dict[str, tuple[Any, str]] = {
    "NaN": (changed(X, (5, 2), np.nan), r"contains NaN\. Column 2, row 5, is nan; repair"),
    "infinity": (changed(X, (7, 1), np.inf), r"infinity.*Column 1, row 7, is inf; repair"),
    "strings": (changed(X.astype(object), (3, 0), "tall"), r"Column 0, row 3, is 'tall'.*encode"),
    "text frame": (
        pd.DataFrame(changed(X.astype(object), (4, 1), "x"), columns=list("abcd")),
        r"Column 'b', row 4, is 'x'.*encode",
    ),
    "complex": (X + 1j, r"Complex data not supported.*Column 0, row 0, is .*; give real numbers"),
    "objects": (changed(X.astype(object), (2, 3), {"a": 1}), r"Column 3, row 2, is \{'a': 1\}"),
    "empty": (X[:0], r"0 sample\(s\)"),
    "no columns": (X[:, :0], r"0 feature\(s\)"),
    "flat": (X[:, 0], r"Expected 2D array, got 1D array"),
    "cube": (X[:, :, None], r"dim 3|3 dim"),
    "none": (None, r"Expected 2D array|array must|NoneType|dtype"),
}

METHODS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "fit": lambda e, X, y: e.fit(X, y),
    "partial_fit": lambda e, X, y: e.partial_fit(X, y),
    "initialize": lambda e, X, y: e.initialize(X, y),
    "predict": lambda e, X, _: e.predict(X),
    "score": lambda e, X, y: e.score(X, y),
    "activations": lambda e, X, _: e.activations(X),
    "gradients": lambda e, X, y: e.gradients(X, y),
    "explain": lambda e, X, y: e.explain(X, y),
    "check_gradient": lambda e, X, y: e.check_gradient(X, y),
}
ONE_SAMPLE = ("gradients", "explain", "check_gradient")  # a one-dimensional X is one sample


def state_of(estimator: Any) -> dict[str, Any]:
    """Return the attributes of an estimator, for comparison."""
    held = dict(vars(estimator))
    theta = held.get("_theta")
    return {**held, "bytes": b"" if theta is None else theta.tobytes()}


def same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Return whether the attributes of an estimator are the same."""
    return before.keys() == after.keys() and all(
        after[k] is v or (k == "bytes" and after[k] == v) for k, v in before.items()
    )


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("kind", ["classes", "many"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", BAD_X)
def test_bad_samples(kind: str, method: str, bad: str):
    if bad in ("flat", "none") and method in ONE_SAMPLE:
        return_to = quick(kind).fit(X, TARGETS[kind])
        with pytest.raises((ValueError, TypeError)):
            METHODS[method](return_to, BAD_X[bad][0][:3] if bad == "flat" else None, TARGETS[kind])
        return
    given, message = BAD_X[bad]
    fitted = quick(kind).fit(X, TARGETS[kind])
    before = state_of(fitted)
    y = TARGETS[kind][: len(given)] if bad == "empty" else TARGETS[kind]
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
        METHODS[method](fitted, given, y)
    assert same(before, state_of(fitted))


@pytest.mark.parametrize("bad", BAD_X)
@pytest.mark.parametrize("kind", ["binary", "one"])
def test_an_unfitted_estimator_stays_unfitted(kind: str, bad: str):
    unfitted = quick(kind)
    with pytest.raises((ValueError, TypeError)):
        unfitted.fit(BAD_X[bad][0], TARGETS[kind])
    assert vars(unfitted) == vars(quick(kind))


BAD_Y: dict[tuple[str, str], tuple[Any, str]] = {
    ("binary", "empty"): (np.array([], "<U1"), "y: Found array with 0 sample"),
    ("one", "empty"): ([], "y: Found array with 0 sample"),
    ("binary", "numbers"): (NUMBERS, "Unknown label type: continuous; y, row 0, .* MLPRegressor"),
    ("classes", "NaN"): (changed(NUMBERS, 4, np.nan), r"Input y contains NaN\. y, row 4, is nan"),
    ("classes", "columns"): (np.column_stack([NUMBERS, CLASSES]), "continuous-multioutput"),
    ("classes", "short"): (CLASSES[:-1], "X has 60 rows, but y has 59; give one for each"),
    ("binary", "none"): (None, "requires y to be passed, but the target y is None"),
    ("binary", "mixed"): (
        changed(BINARY.astype(object), 3, 5),
        "y, row 3, is 5, but most are like '",
    ),
    ("labels", "twos"): (LABELS * 2, r"y, column \d, row \d, is 2; of many labels at once each"),
    ("one", "strings"): (BINARY, "y, row 0, is '.*', which is not a number; .* MLPClassifier"),
    ("one", "NaN"): (changed(NUMBERS, 9, np.nan), r"Input y contains NaN\. y, row 9, is nan"),
    ("many", "infinity"): (
        changed(TARGETS["many"], (8, 1), np.inf),
        "Input y contains infinity.* y, column 1, row 8",
    ),
    ("one", "complex"): (NUMBERS + 1j, "Complex data not supported"),
    ("one", "short"): (NUMBERS[:-2], "X has 60 rows, but y has 58; give one for each"),
    ("one", "objects"): (
        changed(NUMBERS.astype(object), 1, {"a": 1}),
        "must be a string or a.*number",
    ),
}


@pytest.mark.parametrize("method", ["fit", "initialize", "partial_fit"])
@pytest.mark.parametrize(("kind", "bad"), BAD_Y)
def test_bad_targets(kind: str, bad: str, method: str):
    y, message = BAD_Y[kind, bad]
    unfitted = quick(kind)
    classes = {"classes": np.unique(TARGETS[kind])} if kind in ("binary", "classes") else {}
    if method == "partial_fit":
        if bad == "one class":  # is accepted if all classes are named
            unfitted.partial_fit(X, y, **classes)
            assert unfitted.classes_.tolist() == ["no", "yes"]
            return
        message = {"numbers": "labels like .*, but the classes are"}.get(bad, message)
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
        getattr(unfitted, method)(X, y, **(classes if method == "partial_fit" else {}))
    assert vars(unfitted) == vars(quick(kind))


BAD_WEIGHTS: dict[str, tuple[Any, str]] = {
    "zero": (np.zeros(60), "zero for every sample"),
    "negative": (changed(np.ones(60), 6, -1.0), r"of row 6 is -1\.0; weights must be"),
    "NaN": (changed(np.ones(60), 2, np.nan), "of row 2 is nan"),
    "short": (np.ones(59), r"shape == \(59,\), expected \(60,\)"),
    "text": (["a"] * 60, r"is \['a', .*\]; give a number for each sample"),
    "numbers as text": (["1"] * 60, r"is \['1', .*\]; give a number for each sample"),
    "complex": (np.ones(60) + 1j, "is array.*; give a number for each sample"),
    "None": (changed(np.ones(60).astype(object), 3, None), "of row 3 is nan"),
    "uneven": ([[1], [1, 2]] * 30, r"is \[\[1\], .*\]; give a number for each sample"),
    "table": (np.ones((60, 1)), r"expected \(60,\)"),
}


@pytest.mark.parametrize("kind", ["labels", "one"])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "score", "gradients", "check_gradient"])
@pytest.mark.parametrize("bad", BAD_WEIGHTS)
def test_bad_weights(kind: str, method: str, bad: str):
    weight, message = BAD_WEIGHTS[bad]
    fitted = quick(kind).fit(X, TARGETS[kind])
    before = state_of(fitted)
    with pytest.raises(ChainruleError, match=message):
        getattr(fitted, method)(X, TARGETS[kind], sample_weight=weight)
    assert same(before, state_of(fitted))


BAD_VALIDATION: dict[str, tuple[dict[str, Any], str]] = {
    "unknown label": (
        {"X_val": X, "y_val": changed(BINARY.astype("<U5"), 11, "maybe")},
        "`y_val` has classes not in .*: row 11 is .*maybe",
    ),
    "no y": ({"X_val": X}, "belong together"),
    "no X": ({"y_val": BINARY}, "belong together"),
    "weights alone": ({"sample_weight_val": np.ones(60)}, "belong together"),
    "NaN": (
        {"X_val": changed(X, (3, 1), np.nan), "y_val": BINARY},
        "Input X_val contains NaN. X_val, column 1, row 3, is nan",
    ),
    "columns": ({"X_val": X[:, :2], "y_val": BINARY}, "X_val has 2 features, .* expecting 4"),
    "empty": ({"X_val": X[:0], "y_val": BINARY[:0]}, r"X_val: Found array with 0 sample\(s\)"),
    "missing label": (
        {"X_val": X, "y_val": changed(BINARY.astype(object), 4, None)},
        "y_val, row 4, is None; leave such rows out, or give them a class",
    ),
    "short": ({"X_val": X, "y_val": BINARY[:5]}, "X_val has 60 rows, but y_val has 5"),
    "weights": (
        {"X_val": X, "y_val": BINARY, "sample_weight_val": -np.ones(60)},
        "sample_weight_val of row 0 is -1",
    ),
    "numbers": ({"X_val": X, "y_val": NUMBERS}, "y_val holds labels like .*, but the classes are"),
}


@pytest.mark.parametrize("bad", BAD_VALIDATION)
@pytest.mark.parametrize("early", [False, True])
def test_bad_validation_data(bad: str, early: bool):
    given, message = BAD_VALIDATION[bad]
    fitted = quick("binary", early_stopping=early).fit(X, BINARY)
    before = state_of(fitted)
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, BINARY, **given)
    assert same(before, state_of(fitted))


@pytest.mark.parametrize("method", ["predict", "score", "explain", "partial_fit", "gradients"])
def test_another_number_of_features(method: str):
    fitted = quick("one").fit(X, NUMBERS)
    before = state_of(fitted)
    with pytest.raises(ValueError, match="X has 3 features, but MLPRegressor is expecting 4"):
        METHODS[method](fitted, X[:, :3], NUMBERS)
    assert same(before, state_of(fitted))


@pytest.mark.parametrize("method", ["predict", "score", "explain", "activations", "gradients"])
def test_nothing_is_fitted(method: str):
    with pytest.raises(ValueError, match="is not fitted yet"):
        METHODS[method](quick("one"), X, NUMBERS)


def test_one_row_is_enough_for_numbers_and_for_prediction():
    fitted = quick("one", max_iter=400, learning_rate_init=0.05).fit(X[:1], NUMBERS[:1])
    assert fitted.predict(X[:1]) == pytest.approx(NUMBERS[:1], abs=0.01)
    with pytest.warns(UserWarning, match=r"one class only, \['(yes|no)'\], which is predicted"):
        lone = quick("binary").fit(X[:1], BINARY[:1])
    assert np.array_equal(lone.predict(X), np.repeat(BINARY[:1], 60))


@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "softmax-squared-error"])
@pytest.mark.parametrize("label", ["yes", 7])
@pytest.mark.filterwarnings("ignore:there is one class only")
def test_one_class_is_fitted_as_scikit_learn_does(label: Any, loss: str):
    y = np.repeat([label], 60)
    ours = quick("binary", loss=loss, early_stopping=True, verbose="health").fit(X, y)
    theirs: Any = neural_network.MLPClassifier((5,), max_iter=6).fit(X, y)
    for name in ("classes_", "n_outputs_", "out_activation_"):
        if loss == "log_loss" or name == "classes_":
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours.predict_proba(X).shape == theirs.predict_proba(X).shape
    assert ours.score(X, y) == ours.partial_fit(X, y, X_val=X, y_val=y).score(X, y) == 1
    with pytest.raises(ValueError, match="has classes not in"):
        ours.partial_fit(X, np.repeat(["no"], 60) if label == "yes" else y + 1, X_val=X, y_val=y)


@pytest.mark.parametrize("classes", [[], np.array([], int)])
def test_no_class_raises_an_error(classes: Any):
    with pytest.raises(ValueError, match="classes is empty; give the labels of all classes"):
        quick("binary").partial_fit(X, BINARY, classes=classes)


def test_too_little_to_hold_out():
    with pytest.raises(ValueError, match="validation set is too small, 1 of 5"):
        quick("one", early_stopping=True).fit(X[:5], NUMBERS[:5])


def test_early_stopping_by_parts_needs_validation_data():
    estimator = quick("one", early_stopping=True)
    with pytest.raises(ValueError, match="give X_val and y_val"):
        estimator.partial_fit(X, NUMBERS)
    estimator.partial_fit(X, NUMBERS, X_val=X, y_val=NUMBERS)
    assert len(estimator.validation_scores_) == 1


def test_lbfgs_has_no_partial_fit():
    assert not hasattr(quick("one", solver="lbfgs"), "partial_fit")


def test_other_classes_in_a_later_part():
    parts = quick("classes").partial_fit(X, CLASSES, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="not the same as on last call to partial_fit"):
        parts.partial_fit(X, CLASSES, classes=[0, 1])
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        quick("classes").partial_fit(X, CLASSES)
