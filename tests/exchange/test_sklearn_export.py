"""scikit-learn's own MLP predicts the numbers of the estimator it was made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import from_sklearn, to_sklearn
from chainrule.exchange.sklearn_export import ACTIVATIONS
from tests.estimators.data import NUMBERS, TARGETS, X, quick

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def compare(ours: Any, theirs: Any) -> None:
    """Compare predictions and probabilities."""
    assert type(theirs).__module__.startswith("sklearn.")
    if hasattr(ours, "predict_proba"):
        assert np.array_equal(theirs.predict(X), ours.predict(X))
        p, q = np.asarray(theirs.predict_proba(X)), np.asarray(ours.predict_proba(X))
        np.testing.assert_allclose(p, q, rtol=1e-12, atol=1e-14)
    else:
        np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_are_the_same(kind: str, activation: str):
    ours = quick(kind, activation=activation, max_iter=20, engine="reference").fit(X, TARGETS[kind])
    theirs = to_sklearn(ours)
    compare(ours, theirs)
    assert from_sklearn(theirs).theta_.tobytes() == ours.theta_.tobytes()


def test_it_can_be_saved_with_skops(tmp_path: Path):
    io: Any = pytest.importorskip("skops.io", reason="pip install 'chainrule[exchange]'")
    ours = quick("binary", max_iter=20, engine="reference").fit(X, TARGETS["binary"])
    scaled = make_pipeline(StandardScaler(with_mean=False, with_std=False), to_sklearn(ours))
    scaled[0].fit(X)
    io.dump(scaled, tmp_path / "m.skops")
    compare(ours, io.load(tmp_path / "m.skops", trusted=[])[-1])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"activation": "gelu"}, "the activations gelu are not one of"),
        ({"layer_norm": True}, "has no layer-norm layer"),
        ({"loss": "huber"}, "does not have the loss 'huber'"),
    ],
)
def test_what_scikit_learn_does_not_have_is_named(settings: dict[str, Any], words: str):
    ours = quick("one", engine="reference", max_iter=2, **settings).fit(X, NUMBERS)
    with pytest.raises(ValueError, match=words):
        to_sklearn(ours)


def test_training_can_be_continued():
    ours = quick("binary", max_iter=3, engine="reference").fit(X, TARGETS["binary"])
    theirs = to_sklearn(ours)
    theirs.partial_fit(X, TARGETS["binary"])
    assert len(theirs.loss_curve_) == 1
    assert theirs.score(X, TARGETS["binary"]) > 0.5
