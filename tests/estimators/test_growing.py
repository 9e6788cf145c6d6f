"""Classes that are added later: the network keeps what it knows, and learns the new ones."""

from typing import Any

import numpy as np
import pytest

from chainrule import MLPClassifier
from tests.estimators.data import BINARY, CLASSES, LABELS, X, bytes_of, quick

STILL: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 1e-300, "momentum": 0.0}


def grown(y: Any, classes: Any, **choices: Any) -> tuple[Any, Any]:
    """Return probabilities before and after classes were added, without learning in between."""
    fitted = quick("classes", max_iter=60, learning_rate_init=0.05, **choices).fit(X, y)
    before = fitted.predict_proba(X)
    fitted.set_params(**STILL).partial_fit(X, y, classes=classes)
    assert np.array_equal(fitted.classes_, np.unique(classes))
    return before, fitted.predict_proba(X)


@pytest.mark.parametrize("loss", ["log_loss", "softmax-squared-error"])
@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (BINARY, ["maybe", "no", "yes"]),
        (BINARY, ["a", "no", "sure", "yes", "z"]),
        (CLASSES, [0, 1, 2, 7]),
        (CLASSES, [-1, 0, 1, 2]),
    ],
)
def test_known_classes_keep_their_odds(y: Any, classes: Any, loss: str):
    before, after = grown(y, classes, loss=loss)
    known = np.isin(np.unique(classes), np.unique(y))
    among = after[:, known] / after[:, known].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(among, before, rtol=1e-9, atol=1e-12)
    assert after[:, ~known].min() > 0


def test_outputs_of_their_own_keep_their_probabilities():
    before, after = grown(CLASSES, [0, 1, 2, 3], loss="squared_error")
    assert np.array_equal(after[:, :3].argmax(axis=1), before.argmax(axis=1))
    before, after = grown(BINARY, ["a", "no", "yes"], loss="squared_error")
    np.testing.assert_allclose(after[:, 2] / (after[:, 1] + after[:, 2]), before[:, 1], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:there is one class only")
@pytest.mark.parametrize("label", ["no", "yes"])
@pytest.mark.parametrize("classes", [["no", "yes"], ["maybe", "no", "yes"]])
def test_one_class_becomes_several(label: str, classes: list[str]):
    before, after = grown(np.repeat([label], 60), classes)
    assert after.shape == (60, len(classes))
    assert (after.argmax(axis=1) == classes.index(label)).mean() > 0.9
    if len(classes) == 2:
        np.testing.assert_allclose(after[:, classes.index(label)], before[:, 0], rtol=1e-9)


def test_a_new_class_is_learned_and_the_others_are_not_forgotten():
    some = CLASSES < 2
    fitted = quick("classes", max_iter=200, learning_rate_init=0.02).fit(X[some], CLASSES[some])
    assert fitted.n_outputs_ == 1
    length, seen = len(fitted.loss_curve_), fitted.t_
    for _ in range(200):
        fitted.partial_fit(X, CLASSES, classes=[0, 1, 2])
    assert fitted.n_outputs_ == 3
    assert fitted.out_activation_ == "softmax"
    assert fitted.score(X, CLASSES) > 0.85
    assert len(fitted.loss_curve_) == length + 200
    assert fitted.t_ == seen + 200 * 60
    assert bool(fitted.check_gradient(X, CLASSES))


def test_classes_that_are_the_same_change_nothing():
    one, two = (quick("classes").fit(X, CLASSES) for _ in range(2))
    one.partial_fit(X, CLASSES)
    two.partial_fit(X, CLASSES, classes=[2, 1, 0])
    assert bytes_of(one) == bytes_of(two)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 3], [7]])
def test_classes_cannot_be_left_out(classes: list[int]):
    fitted = quick("classes").fit(X, CLASSES)
    before = dict(vars(fitted))
    with pytest.raises(
        ValueError, match=r"is not the same as on last call.*, or name these and more"
    ):
        fitted.partial_fit(X, CLASSES, classes=classes)
    assert vars(fitted) == before


def test_a_call_that_fails_adds_nothing():
    fitted = quick("classes").fit(X, CLASSES)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match=r"row 0 is 9.*add them with partial_fit"):
        fitted.partial_fit(X, np.append(9, CLASSES[1:]), classes=[0, 1, 2, 3])
    assert vars(fitted) == before
    assert fitted.predict_proba(X).shape == (60, 3)


def test_labels_of_several_columns_are_not_classes():
    fitted = MLPClassifier((3,), max_iter=2).fit(X, LABELS)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        fitted.partial_fit(X, LABELS, classes=[0, 1, 2, 3])


def test_weights_are_kept_with_layer_norm_and_other_layers():
    fitted = quick("classes", layer_norm=True, dropout=0.1, hidden_layer_sizes=(6, 4))
    fitted.fit(X, CLASSES)
    before = [c.copy() for c in fitted.coefs_]
    fitted.set_params(**STILL).partial_fit(X, CLASSES, classes=[0, 1, 2, 3])
    assert all(map(np.array_equal, before[:-1], fitted.coefs_[:-1]))
    assert np.array_equal(before[-1], fitted.coefs_[-1][:, :3])
