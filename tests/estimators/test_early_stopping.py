"""Early stopping: on the score, the loss or any scorer; the best weights come back.

Validation data that are passed are encoded in the same way as the training data.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import accuracy_score, log_loss, make_scorer, r2_score

from chainrule import MLPClassifier
from tests.estimators.data import BINARY, CLASSES, LABELS, NUMBERS, TARGETS, X, bytes_of, quick

NEW = np.random.default_rng(1).normal(size=(30, 4))
NEW_NUMBERS = NEW @ np.array([1.0, -2.0, 0.5, 0.0])
FAST: dict[str, Any] = {
    "early_stopping": True,
    "learning_rate_init": 0.05,
    "max_iter": 300,
    "n_iter_no_change": 8,
}


@pytest.mark.parametrize("kind", TARGETS)
def test_the_best_weights_come_back(kind: str):
    seen: list[tuple[float, bytes]] = []

    def note(estimator: Any, record: Any) -> None:
        seen.append((record.metric, bytes_of(estimator)))

    fitted = quick(kind, callbacks=[note], **FAST).fit(X, TARGETS[kind])
    scores = [score for score, _ in seen]
    assert scores == fitted.validation_scores_
    assert fitted.best_validation_score_ == max(scores)
    assert bytes_of(fitted) == seen[scores.index(max(scores))][1]
    assert len(fitted.validation_loss_curve_) == fitted.n_iter_ == len(scores)
    assert fitted.best_loss_ is None


def test_the_score_is_scikit_learns_on_the_rows_held_out():
    fitted = quick("one", callbacks=[], **{**FAST, "max_iter": 1}).fit(X, NUMBERS)
    held = fitted.validation_scores_[0]
    scores = []
    for seed in range(3):  # the same seed selects the same rows, another seed others
        again = quick("one", **{**FAST, "max_iter": 1, "random_state": seed}).fit(X, NUMBERS)
        scores.append(again.validation_scores_[0])
    assert held not in scores
    assert quick("one", **{**FAST, "max_iter": 1}).fit(X, NUMBERS).validation_scores_ == [held]


@pytest.mark.parametrize(
    "scoring", [None, "loss", "neg_mean_absolute_error", make_scorer(r2_score)]
)
def test_handed_in_data_are_what_is_scored(scoring: Any):
    fitted = quick("one", scoring=scoring, **{**FAST, "max_iter": 12}).fit(
        X, NUMBERS, X_val=NEW, y_val=NEW_NUMBERS
    )
    p = fitted.predict(NEW)
    best = {
        None: r2_score(NEW_NUMBERS, p),
        "loss": -np.mean((NEW_NUMBERS - p) ** 2) / 2,
        "neg_mean_absolute_error": -np.mean(np.abs(NEW_NUMBERS - p)),
    }.get(scoring if isinstance(scoring, str) else None)
    assert fitted.best_validation_score_ == pytest.approx(best)
    assert len(fitted.loss_curve_) == fitted.n_iter_


def test_weights_of_validation_data_count():
    weight = np.r_[np.ones(15), np.zeros(15)]
    some = quick("one", **FAST).fit(
        X, NUMBERS, X_val=NEW, y_val=NEW_NUMBERS, sample_weight_val=weight
    )
    half = quick("one", **FAST).fit(X, NUMBERS, X_val=NEW[:15], y_val=NEW_NUMBERS[:15])
    np.testing.assert_allclose(some.validation_loss_curve_, half.validation_loss_curve_)
    np.testing.assert_allclose(some.validation_scores_, half.validation_scores_)


def test_labels_of_validation_data_are_encoded_alike():
    half = quick("binary", max_iter=3).fit(
        X, BINARY, X_val=X[BINARY == "yes"], y_val=["yes"] * sum(BINARY == "yes")
    )
    p = half.predict_proba(X[BINARY == "yes"])[:, 1]
    assert half.validation_loss_curve_[-1] == pytest.approx(-np.log(p).mean())


@pytest.mark.parametrize("kind", TARGETS)
def test_without_early_stopping_validation_data_only_draw_a_curve(kind: str):
    bare = quick(kind, batch_size=7).fit(X, TARGETS[kind])
    curve = quick(kind, batch_size=7).fit(X, TARGETS[kind], X_val=X, y_val=TARGETS[kind])
    assert bytes_of(bare) == bytes_of(curve)
    assert len(curve.validation_loss_curve_) == 6
    assert curve.validation_scores_ is None
    assert bare.validation_loss_curve_ == []


@pytest.mark.parametrize("kind", ["binary", "classes"])
def test_the_curve_is_the_log_loss(kind: str):
    fitted = quick(kind).fit(X, TARGETS[kind], X_val=X, y_val=TARGETS[kind])
    expected = log_loss(TARGETS[kind], fitted.predict_proba(X))
    assert fitted.validation_loss_curve_[-1] == pytest.approx(expected)


def accuracy(estimator: Any, X: Any, y: Any) -> float:
    return float(np.mean(estimator.predict(X) == y))


WEIGHTS = np.linspace(0, 1, 60)
SCORERS: dict[str, tuple[str, Any, Any]] = {
    "a function": ("binary", accuracy, lambda y, p: np.mean(p == y)),
    "a scorer with weights": (
        "binary",
        make_scorer(accuracy_score),
        lambda y, p: np.average(p == y, weights=WEIGHTS),
    ),
    "a scorer without": ("one", "neg_max_error", lambda y, p: -np.max(np.abs(y - p))),
}


@pytest.mark.parametrize("name", SCORERS)
def test_weights_go_to_scorers_that_take_them(name: str):
    kind, scoring, expected = SCORERS[name]
    more = {"class_weight": {"yes": 7.0}} if kind == "binary" else {}
    y = TARGETS[kind]
    fitted = quick(kind, early_stopping=True, scoring=scoring, **more).fit(
        X, y, WEIGHTS, X_val=X, y_val=y, sample_weight_val=WEIGHTS
    )
    assert fitted.best_validation_score_ == pytest.approx(expected(y, fitted.predict(X)))
    held_out = quick(kind, early_stopping=True, scoring=scoring, **more).fit(X, y, 1 + WEIGHTS)
    assert len(held_out.validation_scores_) == 6


def held_out(groups: Any = None, **choices: Any) -> np.ndarray:
    """Return which rows early stopping holds out."""
    seen: list[Any] = []

    def note(_: Any, X: Any, y: Any) -> float:
        seen.append(y)
        return 0.0

    estimator = quick("one", early_stopping=True, scoring=note, **choices)
    estimator.fit(X, np.arange(60.0), groups=groups)
    return seen[0].astype(int)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.98])
def test_the_last_rows_are_held_out(fraction: float):
    rows = held_out(validation_split="last", validation_fraction=fraction)
    assert rows.tolist() == list(range(60 - int(np.ceil(fraction * 60)), 60))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("order", ["random", "last"])
def test_groups_are_held_out_whole(order: str, seed: int):
    groups = np.array(list("edcba"))[np.arange(60) // 2 % 5]
    rows = held_out(groups, validation_split=order, validation_fraction=0.3, random_state=seed)
    assert len(rows) == 24  # 2 of 5 groups
    assert not {*groups[rows]} & {*np.delete(groups, rows)}
    if order == "last":  # in the order in which they appear
        assert {*groups[rows]} == {"a", "b"}


def test_groups_are_held_out_by_the_seed():
    groups = np.arange(60) // 4
    chosen = {tuple(held_out(groups, random_state=seed)) for seed in (0, 0, 1, 2, 3)}
    assert 2 <= len(chosen) <= 4


@pytest.mark.parametrize(
    ("groups", "choices", "message"),
    [
        (None, {"validation_split": "first"}, "validation_split='first': give 'random' or 'last'"),
        (np.zeros(60), {}, "too small, 1 of 1 groups, or leaves none to train on"),
        (np.zeros(59), {}, r"groups has shape \(59,\), but there are 60 rows; give one each"),
        (None, {"validation_split": "last", "validation_fraction": 0.01}, "too small, 1 of 60 sam"),
    ],
)
def test_splits_that_cannot_be(groups: Any, choices: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        held_out(groups, **choices)


@pytest.mark.parametrize(
    ("choices", "data"),
    [
        ({}, {}),
        ({"early_stopping": True}, {"X_val": X, "y_val": NUMBERS}),
        ({"early_stopping": True, "solver": "lbfgs"}, {}),
    ],
)
def test_groups_without_effect_bring_a_warning(choices: dict[str, Any], data: dict[str, Any]):
    with pytest.warns(UserWarning, match="groups has no effect: it decides which rows early_stopp"):
        quick("one", **choices).fit(X, NUMBERS, groups=np.arange(60), **data)


@pytest.mark.parametrize("scoring", [["accuracy"], {"a": "accuracy"}, 3])
def test_one_score_is_asked_for(scoring: Any):
    unfitted = quick("binary", early_stopping=True, scoring=scoring)
    with pytest.raises(ValueError, match="give one score, as a name, a function or None"):
        unfitted.fit(X, BINARY)
    assert not hasattr(unfitted, "classes_")


def test_a_score_that_is_not_a_number_raises_an_error():
    fitted = quick("binary", early_stopping=True, scoring=lambda *_: np.nan)
    with pytest.raises(ValueError, match="cannot compare epochs by a score of nan"):
        fitted.fit(X, BINARY)


def test_validation_data_that_overflow_raise_an_error():
    fitted = quick("one", early_stopping=True, scoring="loss")
    with pytest.raises(ValueError, match="the validation loss is inf; check that X_val is scaled"):
        fitted.fit(X, NUMBERS, X_val=1e200 * X, y_val=NUMBERS)


def test_rows_held_out_that_overflow_are_blamed_on_the_learning_rate():
    fitted = quick("one", early_stopping=True, solver="sgd", learning_rate_init=1e200)
    with pytest.raises(ValueError, match="lower the learning rate") as caught:
        fitted.fit(X, NUMBERS)
    assert "learning_rate_init=1e+200), or scale X and y" in str(caught.value)
    assert "X_val" not in str(caught.value)


@pytest.mark.parametrize(("row", "what"), [(0, "held out"), (None, "left to train on")])
def test_rows_held_out_of_which_none_weighs_anything(row: int | None, what: str):
    weight = np.zeros(60)
    seen: list[Any] = []

    def note(_: Any, held: Any, __: Any) -> float:
        seen.append(held)
        return 0.0

    quick("one", early_stopping=True, scoring=note, max_iter=1).fit(X, NUMBERS)
    held = [i for i in range(60) if (seen[0] == X[i]).all(axis=1).any()]
    weight[[i for i in range(60) if i not in held] if row == 0 else held] = 1
    with pytest.raises(ValueError, match=f"every row that is {what} has a sample weight of 0"):
        quick("one", early_stopping=True).fit(X, NUMBERS, sample_weight=weight)


@pytest.mark.parametrize("kind", [sp.coo_matrix, sp.csr_array, sp.csc_matrix, pd.DataFrame])
def test_rows_are_held_out_of_any_kind_of_samples(kind: Any):
    fitted = quick("binary", early_stopping=True, scoring="accuracy").fit(kind(X), BINARY)
    bare = quick("binary", early_stopping=True, scoring="accuracy").fit(X, BINARY)
    # Products of sparse samples are summed in another order.
    np.testing.assert_allclose(fitted.theta_, bare.theta_, rtol=1e-9)


def test_a_seed_may_be_large():
    assert quick("one", early_stopping=True, random_state=2**33).fit(X, NUMBERS).n_iter_


class Fails:
    """A scorer that fails at its nth call."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def __call__(self, *_: Any) -> float:
        self.left -= 1
        if not self.left:
            raise RuntimeError("no score")
        return 0.0


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("fitted", [False, True])
def test_a_scorer_that_fails_at_once_costs_nothing(method: str, fitted: bool):
    estimator = quick("one", early_stopping=True, warm_start=True)
    estimator = estimator.fit(X, NUMBERS) if fitted else estimator
    before = {name: repr(value) for name, value in vars(estimator).items() if name != "scoring"}
    data: dict[str, Any] = {"X_val": NEW, "y_val": NEW_NUMBERS}
    with pytest.raises(RuntimeError, match="no score"):
        getattr(estimator.set_params(scoring=Fails(1)), method)(X, NUMBERS, **data)
    after = {name: repr(value) for name, value in vars(estimator).items() if name != "scoring"}
    assert after == before
    estimator.set_params(scoring=None)
    getattr(estimator, method)(X, NUMBERS, **data)


def test_a_scorer_that_fails_later_loses_nothing():
    estimator = quick("one", early_stopping=True, scoring=Fails(4))
    with pytest.raises(RuntimeError, match="no score"):
        estimator.fit(X, NUMBERS, X_val=NEW, y_val=NEW_NUMBERS)
    assert len(estimator.validation_scores_) == 3
    assert np.isfinite(estimator.predict(X)).all()


def test_it_stops_early_and_says_so():
    fitted = quick("one", **{**FAST, "tol": 0.5}).fit(X, NUMBERS)
    assert fitted.stop_reason_ == "early stopping"
    assert fitted.n_iter_ < 300


def test_every_class_has_its_share_of_both_parts():
    rare = np.where(np.arange(60) < 50, "often", "seldom")
    counted: list[float] = []

    def count(_: Any, __: Any, y: Any) -> float:
        counted.append(np.mean(y == "seldom"))
        return 0.0

    quick("binary", early_stopping=True, validation_fraction=0.2, scoring=count).fit(X, rare)
    assert counted[0] == pytest.approx(10 / 60)


def test_a_class_with_one_sample_does_not_prevent_it():
    lonely = np.where(np.arange(60) == 7, "once", BINARY)
    assert len(quick("binary", early_stopping=True).fit(X, lonely).classes_) == 3


def test_partial_fit_keeps_the_best_and_goes_on_from_the_last():
    parts = quick("one", **FAST)
    for _ in range(20):
        parts.partial_fit(X, NUMBERS, X_val=NEW, y_val=NEW_NUMBERS)
    whole = quick("one", **{**FAST, "max_iter": 20, "n_iter_no_change": np.inf}).fit(
        X, NUMBERS, X_val=NEW, y_val=NEW_NUMBERS
    )
    assert parts.validation_scores_ == whole.validation_scores_
    assert bytes_of(parts) == bytes_of(whole)


def test_partial_fit_of_many_labels():
    parts = MLPClassifier((8,), random_state=0, learning_rate_init=0.05)
    for _ in range(60):
        parts.partial_fit(X, LABELS, classes=[0, 1, 2])
    assert parts.predict(X).shape == LABELS.shape
    assert parts.score(X, LABELS) > 0.7


def test_class_weights_are_sample_weights():
    by_class = quick("classes", class_weight={0: 3.0, 2: 0.5}).fit(X, CLASSES)
    by_sample = quick("classes").fit(X, CLASSES, sample_weight=np.array([3.0, 1, 0.5])[CLASSES])
    assert bytes_of(by_class) == bytes_of(by_sample)
    counts = np.bincount(CLASSES)
    balanced = quick("classes", class_weight="balanced").fit(X, CLASSES)
    weight = (60 / (3 * counts))[CLASSES]
    assert bytes_of(balanced) == bytes_of(quick("classes").fit(X, CLASSES, sample_weight=weight))
    both = quick("classes", class_weight={0: 3.0}).fit(X, CLASSES, sample_weight=weight)
    product = weight * np.where(CLASSES == 0, 3, 1)
    assert bytes_of(both) == bytes_of(quick("classes").fit(X, CLASSES, sample_weight=product))


@pytest.mark.parametrize(
    ("kind", "choice", "message"),
    [
        ("classes", {7: 1.0}, "class_weight names 7, but the classes are"),
        ("classes", {0: -1.0}, "class_weight of 0 is -1.0; give a number from 0"),
        ("classes", "even", "class_weight='even': give 'balanced', a dict or None"),
        ("labels", {0: 2.0}, "give sample_weight instead"),
    ],
)
def test_wrong_class_weights(kind: str, choice: Any, message: str):
    with pytest.raises(ValueError, match=message):
        quick(kind, class_weight=choice).fit(X, TARGETS[kind])


def test_whole_weights_are_repeated_rows():
    weight = np.arange(60) % 3
    rows = np.repeat(np.arange(60), weight)
    one = quick("one", max_iter=20).fit(X, NUMBERS, sample_weight=weight)
    two = quick("one", max_iter=20).fit(X[rows], NUMBERS[rows])
    np.testing.assert_allclose(one.predict(X), two.predict(X), rtol=1e-9)


def test_class_weights_count_in_rows_held_out_and_not_in_data_handed_in():
    """As in scikit-learn's gradient boosting, of 1.9."""
    heavy: dict[str, Any] = {"class_weight": {0: 9.0}, **FAST, "max_iter": 3}
    fitted = quick("classes", **heavy).fit(X, CLASSES)
    weight = np.where(CLASSES == 0, 9.0, 1.0)
    plain = {**heavy, "class_weight": None}
    by_sample = quick("classes", **plain).fit(X, CLASSES, sample_weight=weight)
    assert fitted.validation_loss_curve_ == by_sample.validation_loss_curve_
    assert fitted.validation_scores_ == by_sample.validation_scores_
    y_new = np.digitize(NEW_NUMBERS, [-1.0, 1.0])
    handed_in = quick("classes", **heavy).fit(X, CLASSES, X_val=NEW, y_val=y_new)
    assert handed_in.best_validation_score_ == handed_in.score(NEW, y_new)
    assert handed_in.best_validation_score_ != handed_in.score(
        NEW, y_new, sample_weight=np.where(y_new == 0, 9.0, 1.0)
    )
