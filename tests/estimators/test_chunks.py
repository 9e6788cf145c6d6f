"""Fits on chunks: equal to fits on arrays, and clear about what chunks do not allow."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule import Checkpoints, MLPClassifier, MLPRegressor
from chainrule.errors import DivergenceError, InputError

rng = np.random.default_rng(8)
X = rng.normal(size=(300, 4))
LABELS = np.array(["a", "b", "c"])[(X[:, 0] > 0) * 1 + (X[:, 1] > 0)]
AMOUNTS = X @ np.array([[1.0, 2.0], [0.5, -1.0], [0.0, 1.0], [2.0, 0.0]])
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (6,),
    "max_iter": 4,
    "n_iter_no_change": 99,
    "batch_size": 32,
    "random_state": 3,
    "learning_rate_init": 0.05,
}
TARGETS = {"classes": (MLPClassifier, LABELS), "numbers": (MLPRegressor, AMOUNTS)}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def cut(y: Any, size: int = 77, rows: Any = X) -> Iterator[tuple[Any, Any]]:
    """Yield chunks of so many rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size], y[start : start + size]


def same_fit(one: Any, other: Any) -> bool:
    """Return whether two fits have the same bytes."""
    arrays = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return (
        all(a.tobytes() == b.tobytes() for a, b in arrays)
        and one.loss_curve_ == other.loss_curve_
        and (one.t_, one.n_iter_) == (other.t_, other.n_iter_)
    )


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("way", ["list", "callable", "iterable"])
def test_chunks_in_order_give_the_bytes_of_arrays(kind: str, way: str):
    made, y = TARGETS[kind]
    chunks = {"list": list(cut(y)), "callable": lambda: cut(y), "iterable": Again(y)}[way]
    options = {**QUICK, "shuffle": False}
    assert same_fit(made(**options).fit(X, y), made(**options).fit(chunks))


class Again:
    """An iterable that can be read many times, such as a data loader."""

    def __init__(self, y: Any) -> None:
        self.y = y

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return cut(self.y)


@pytest.mark.parametrize("kind", TARGETS)
def test_one_chunk_is_shuffled_as_arrays_are(kind: str):
    made, y = TARGETS[kind]
    assert same_fit(made(**QUICK).fit(X, y), made(**QUICK).fit([(X, y)]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision(dtype: str):
    rows = X.astype(dtype)
    fitted = MLPClassifier(**QUICK).fit([(rows, LABELS)])
    assert fitted.coefs_[0].dtype == dtype
    assert same_fit(MLPClassifier(**QUICK).fit(rows, LABELS), fitted)


@pytest.mark.parametrize("kind", TARGETS)
def test_partial_fit_reads_an_iterator_once(kind: str):
    made, y = TARGETS[kind]
    options = {**QUICK, "shuffle": False}
    classes = {"classes": np.unique(LABELS)} if kind == "classes" else {}
    arrays = made(**options).partial_fit(X, y, **classes).partial_fit(X, y)
    chunks = made(**options).partial_fit(cut(y), **classes).partial_fit(cut(y, 50))
    assert same_fit(arrays, chunks)


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"dropout": 0.2},
        {
            "solver": "sgd",
            "learning_rate": "adaptive",
            "tol": 0.5,
            "n_iter_no_change": 1,
            "max_iter": 12,
        },
    ],
)
def test_options_mean_the_same(options: dict[str, Any]):
    chosen = {**QUICK, "shuffle": False, **options}
    arrays, chunks = MLPClassifier(**chosen), MLPClassifier(**chosen)
    assert same_fit(arrays.fit(X, LABELS), chunks.fit(lambda: cut(LABELS)))


def test_early_stopping_and_callbacks():
    epochs: list[int] = []
    options = {**QUICK, "early_stopping": True, "shuffle": False, "max_iter": 30}
    held = {"X_val": X[:50], "y_val": LABELS[:50]}
    seen = MLPClassifier(**options, callbacks=[lambda _, record: epochs.append(record.epoch)])
    seen.fit(lambda: cut(LABELS), **held)
    assert same_fit(MLPClassifier(**options).fit(X, LABELS, **held), seen)
    assert epochs == list(range(1, seen.n_iter_ + 1))


def test_warm_start_continues():
    options = {**QUICK, "shuffle": False, "warm_start": True, "max_iter": 2}
    arrays, chunks = MLPClassifier(**options), MLPClassifier(**options)
    for _ in range(2):
        arrays.fit(X, LABELS)
        chunks.fit(lambda: cut(LABELS))
    assert same_fit(arrays, chunks)


def test_frames_keep_their_names():
    frame = pd.DataFrame(X, columns=["p", "q", "r", "s"])
    fitted = MLPClassifier(**QUICK).fit([(frame, LABELS)])
    assert fitted.feature_names_in_.tolist() == ["p", "q", "r", "s"]


def test_classes_of_all_chunks_are_known():
    order = np.argsort(LABELS)
    fitted = MLPClassifier(**QUICK).fit(list(cut(LABELS[order], 50, X[order])))
    assert fitted.classes_.tolist() == ["a", "b", "c"]


FAULTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "iterator": (lambda: cut(LABELS), {}, "can be read only once"),
    "lengths": (lambda: [(X, LABELS), (X[:3], LABELS[:2])], {}, "chunk 1: inconsistent numbers"),
    "features": (lambda: [(X, LABELS), (X[:, :3], LABELS)], {}, "chunk 1: X has 3 features"),
    "nan": (lambda: [(X, LABELS), (X * np.nan, LABELS)], {}, "chunk 1: Input X contains NaN"),
    "nothing": (lambda: lambda: iter([]), {}, "no samples"),
    "no chunks": (lambda: lambda: 5, {}, "the callable returned 5"),
    "no pairs": (lambda: lambda: [X], {}, "chunk 0 is a ndarray; give pairs (X, y)"),
    "columns": (
        lambda: [(X, np.c_[LABELS, LABELS])],
        {},
        "classifiers take one column of labels in chunks",
    ),
    "solver": (lambda: [(X, LABELS)], {"solver": "lbfgs"}, "needs all data at once"),
    "weights": (lambda: [(X, LABELS)], {"class_weight": "balanced"}, "needs all data at once"),
    "split": (lambda: [(X, LABELS)], {"early_stopping": True}, "give X_val and y_val"),
    "checkpoints": (
        lambda: [(X, LABELS)],
        {"callbacks": [Checkpoints("fits")]},
        "chunks other than a stream have no Checkpoints",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str):
    chunks, options, part = FAULTS[name]
    model = MLPClassifier(**{**QUICK, **options})
    with pytest.raises(InputError) as caught:
        model.fit(chunks())
    assert part in str(caught.value)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("name", ["sample_weight", "groups"])
def test_arrays_beside_chunks_are_refused(name: str):
    with pytest.raises(InputError, match=f"{name} is given for chunks"):
        MLPClassifier(**QUICK).fit([(X, LABELS)], **{name: np.ones(300)})


def test_first_partial_fit_needs_classes():
    with pytest.raises(InputError, match="classes must be passed"):
        MLPClassifier(**QUICK).partial_fit(cut(LABELS))
    with pytest.raises(InputError, match="no samples"):
        MLPRegressor(**QUICK).partial_fit(iter([]))


def test_divergence_keeps_the_last_finite_weights():
    rows = [(X, AMOUNTS[:, 0]), (X, AMOUNTS[:, 0] * 1e300)]
    model = MLPRegressor(**{**QUICK, "shuffle": False, "solver": "sgd"})
    with pytest.raises(DivergenceError, match="epoch 1, batch "):
        model.fit(rows)
    assert np.isfinite(model.coefs_[0]).all()
    assert vars(model)["stop_reason_"] == "diverged"


def test_a_chunk_that_fails_in_a_later_epoch_keeps_what_was_learned():
    calls: list[int] = []

    def chunks() -> Iterator[tuple[Any, Any]]:
        calls.append(0)
        yield X, LABELS
        if len(calls) == 3:  # the first call is for the classes
            raise OSError("the disk is gone")

    model = MLPClassifier(**QUICK)
    with pytest.raises(OSError, match="the disk is gone"):
        model.fit(chunks)
    assert model.n_iter_ == 1
