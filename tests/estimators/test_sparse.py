"""Estimators with sparse samples: the numbers of dense ones, without a dense copy of X."""

import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from chainrule import Adam, InputError, MLPClassifier
from chainrule.optimizers import ClipNorm
from tests.estimators.data import BINARY, LABELS, NUMBERS, TARGETS, N, quick
from tests.estimators.data import X as FULL
from tests.rows import more

X = np.where(np.abs(FULL) > 0.7, FULL, 0)
FORMS = {"csr": sp.csr_matrix, "csc": sp.csc_array, "coo": sp.coo_array}
WEIGHT = np.linspace(0.5, 2, N)


def same(thin: Any, dense: Any, rtol: float = 1e-8) -> None:
    """Compare the weights and the losses of two fitted estimators."""
    np.testing.assert_allclose(thin.theta_, dense.theta_, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(thin.loss_curve_, dense.loss_curve_, rtol=rtol)
    assert (thin.n_iter_, thin.stop_reason_) == (dense.n_iter_, dense.stop_reason_)


@pytest.fixture
def never_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test fail if a sparse matrix is made dense."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a sparse matrix was made dense")

    for kind in (sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array, sp.coo_array):
        monkeypatch.setattr(kind, "toarray", refuse)
        monkeypatch.setattr(kind, "todense", refuse)


# ---- the numbers of dense samples ----------------------------------------------------------------

CHOICES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "momentum": 0.5},
    "lbfgs": {"solver": "lbfgs"},
    "no penalty": {"alpha": 0.0},
    "all penalties": {"l1": 0.001, "l2": 0.001, "alpha": 0.1},
    "clipped": {"solver": Adam(0.01, clip=ClipNorm(0.1))},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 30},
    "small batches": {"batch_size": 7, "shuffle": False},
    "layers": {"hidden_layer_sizes": (5, 4), "dropout": 0.2, "layer_norm": True},
    "reference": {"engine": "reference"},
}


@pytest.mark.every_value(kind=TARGETS, form=FORMS, choice=CHOICES, dtype=["float64", "float32"])
def test_fit_gives_the_numbers_of_dense_samples(kind, form, choice, dtype):
    samples, y = X.astype(dtype), TARGETS[kind]
    dense = quick(kind, **CHOICES[choice]).fit(samples, y)
    made = FORMS[form](samples)
    thin = quick(kind, **CHOICES[choice]).fit(made, y)
    assert thin.theta_.dtype == dtype
    loose = choice == "lbfgs"  # whose line search amplifies rounding
    same(thin, dense, 1e-2 if dtype == "float32" else 1e-4 if loose else 1e-8)
    rtol = 1e-4 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(thin.score(made, y), thin.score(samples, y), rtol=rtol)
    method = getattr(thin, "predict_proba" if hasattr(thin, "predict_proba") else "predict")
    np.testing.assert_allclose(method(made), method(samples), rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_of_rows(form: str):
    """partial_fit gives the numbers of dense rows, also with weights and classes unseen so far."""
    thin, dense = quick("binary"), quick("binary")
    for k in [*range(0, N, 10), *range(0, N, 20)]:
        rows = slice(k, k + 10)
        options = {"classes": np.unique(BINARY), "sample_weight": WEIGHT[rows]}
        dense.partial_fit(X[rows], BINARY[rows], **options)
        thin.partial_fit(FORMS[form](X[rows]), BINARY[rows], **options)
    same(thin, dense)


def test_weights_and_validation_data():
    options = {"sample_weight": WEIGHT, "y_val": BINARY[:20], "sample_weight_val": WEIGHT[:20]}
    choices = {"early_stopping": True, "class_weight": "balanced", "scoring": "accuracy"}
    dense = quick("binary", **choices).fit(X, BINARY, X_val=X[:20], **options)
    for form in FORMS.values():
        thin = quick("binary", **choices).fit(form(X), BINARY, X_val=form(X[:20]), **options)
        same(thin, dense)
        np.testing.assert_allclose(thin.validation_loss_curve_, dense.validation_loss_curve_)


def test_dense_and_sparse_samples_may_alternate():
    alternating, dense = quick("one", warm_start=True), quick("one", warm_start=True)
    for samples in (X, sp.csr_matrix(X), X):
        same(alternating.fit(samples, NUMBERS), dense.fit(X, NUMBERS))
    copy = pickle.loads(pickle.dumps(alternating))  # noqa: S301 (made here)
    np.testing.assert_array_equal(
        copy.predict(sp.csr_matrix(X)), alternating.predict(sp.csr_matrix(X))
    )


# ---- no dense copy -------------------------------------------------------------------------------


@pytest.mark.usefixtures("never_dense")
@pytest.mark.parametrize(
    "form", [sp.csr_matrix, more(sp.csr_array), more(sp.csc_matrix), sp.csc_array]
)
@pytest.mark.parametrize("solver", ["adam", pytest.param("lbfgs", marks=pytest.mark.full_only)])
def test_a_million_columns_stay_sparse(form: Any, solver: str):
    rng = np.random.default_rng(0)
    places = np.repeat(np.arange(40), 3), rng.integers(0, 10**6, 120)
    samples = form((rng.random(120), places), shape=(40, 10**6))
    y = rng.integers(0, 2, 40)
    model = MLPClassifier((2,), solver=solver, max_iter=2, random_state=0).fit(samples, y)
    assert model.predict_proba(samples).shape == (40, 2)
    assert np.isfinite(model.score(samples, y))
    assert [coefs.shape for coefs in model.gradients(samples, y).coefs] == [(10**6, 2), (2, 1)]
    if solver == "adam":
        model.partial_fit(samples, y)
        model.set_params(early_stopping=True, validation_fraction=0.2).fit(samples, y)


# ---- what else estimators do ---------------------------------------------------------------------


def test_introspection_of_a_model_fitted_to_sparse_samples():
    thin = quick("binary").fit(sp.csr_matrix(X), BINARY)
    some, y = sp.csc_matrix(X[:4]), BINARY[:4]
    assert thin.check_gradient(some, y)
    expected = thin.gradients(X[:4], y)
    for a, b in zip(thin.gradients(some, y).coefs, expected.coefs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    dx = thin.gradients(some, y, wrt="inputs")
    np.testing.assert_allclose(dx, thin.gradients(X[:4], y, wrt="inputs"), rtol=1e-12)
    for a, b in zip(thin.activations(some), thin.activations(X[:4]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    page = thin.explain(some, y, level="summary").to_text()
    assert page == thin.explain(X[:4], y, level="summary").to_text()


def test_dropout_predictions():
    thin = quick("one", dropout=0.3).fit(sp.csr_matrix(X), NUMBERS)
    found, expected = (thin.predict_with_dropout(s, draws=5) for s in (sp.csr_array(X), X))
    np.testing.assert_allclose(found.std, expected.std, rtol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-5], ids=["usual", "large columns", "small columns"])
def test_health_says_the_same_of_sparse_samples(scale: float):
    samples = X * np.array([1, scale, 1, min(scale, 1)])
    samples = samples * min(scale, 1.0)
    labels = np.roll(BINARY, 7)  # that have little to do with X
    reports = [
        quick("binary", verbose="health", max_iter=120, learning_rate_init=1e-5).fit(s, labels)
        for s in (samples, sp.csr_matrix(samples))
    ]
    dense, thin = (str(report.health_) for report in reports)
    assert thin == dense
    assert ("inputs:" in dense.lower()) == (scale != 1.0)


# ---- bad input -----------------------------------------------------------------------------------


def broken(value: float) -> Any:
    """Return samples with one entry that is not finite."""
    made = sp.csr_matrix(X)
    made.data[3] = value
    return made


def outside() -> Any:
    """Return samples with an entry beyond the last column."""
    made = sp.csr_matrix(X)
    made.indices[3] = 99
    return made


BAD = {
    "NaN": (broken(np.nan), r"Column \d, row \d+, is nan; repair it \(SimpleImputer"),
    "infinity": (broken(np.inf), r"Column \d, row \d+, is inf; repair it"),
    "no such column": (outside(), "indices contains 99, but there are only 4 columns"),
    "complex numbers": (sp.csr_matrix(X + 1j), "[Cc]omplex"),
    "no rows": (sp.csr_matrix((0, 4)), "0 sample"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
def test_bad_samples(name: str, method: str):
    samples, message = BAD[name]
    model = quick("one").fit(sp.csr_matrix(X), NUMBERS)
    arguments = (samples,) if method == "predict" else (samples, NUMBERS[: samples.shape[0]])
    with pytest.raises((InputError, ValueError), match=message):
        getattr(model, method)(*arguments)


def test_other_numbers_of_columns():
    model = quick("binary").fit(sp.csr_matrix(X), BINARY)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        model.predict(sp.csr_matrix(X[:, :3]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")  # a column
def test_sparse_targets():
    """Rows of labels may be sparse; numbers for a regressor are made dense, as before."""
    dense = quick("labels").fit(X, LABELS)
    same(quick("labels").fit(sp.csr_matrix(X), sp.csr_matrix(LABELS)), dense)
    numbers = sp.csr_matrix(NUMBERS[:, None])
    same(quick("one").fit(sp.csr_matrix(X), numbers), quick("one").fit(X, NUMBERS))
