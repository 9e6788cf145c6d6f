"""scikit-learn's MLPs are read exactly; explanations of pipelines name the original columns."""

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)

import chainrule
from chainrule import check, explain, from_sklearn
from chainrule.exchange.pipelines import features_of
from tests.estimators.data import TARGETS, X

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pandas: Any = pytest.importorskip("pandas", reason="pip install 'chainrule[frames]'")

SOLVERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam"},
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd"},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
}


def fitted(kind: str, **settings: Any) -> Any:
    """Return scikit-learn's MLP after a few updates, of one batch each."""
    cls = MLPRegressor if kind in ("one", "many") else MLPClassifier
    own = {"hidden_layer_sizes": (5,), "activation": "tanh", "alpha": 0.1}
    model = cls(**{**own, "max_iter": 4, "random_state": 0, "batch_size": len(X), **settings})
    return model.fit(X, TARGETS[kind])


def predicted(model: Any) -> Any:
    """Return probabilities or numbers."""
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def theta_of(model: Any, network: Any) -> Any:
    """Return the parameters of scikit-learn's MLP in our order."""
    return network.pack([w.T for w in model.coefs_], list(model.intercepts_))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_are_the_same_within_rounding(kind: str, activation: str):
    model = fitted(kind, activation=activation)
    ours = from_sklearn(model)
    assert ours.theta_.tobytes() == theta_of(model, ours.network_).tobytes()
    np.testing.assert_allclose(predicted(ours), predicted(model), rtol=1e-12, atol=1e-14)
    assert np.array_equal(ours.predict(X), model.predict(X)) or kind in ("one", "many")


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", TARGETS)
def test_the_worked_step_is_the_one_that_scikit_learn_makes(kind: str, solver: str):
    model = fitted(kind, **SOLVERS[solver])
    example = explain(model, X, TARGETS[kind], level="matrices")
    model.partial_fit(X, TARGETS[kind])
    network = example.setup.network
    values = {matrix.key: matrix.array for matrix in example.steps[0].matrices}
    updated = {name: values[f"{name}_new"] for name in network.views(example.setup.theta)}
    expected = network.views(theta_of(model, network))
    for name, array in expected.items():
        np.testing.assert_allclose(updated[name], array, rtol=1e-11, atol=1e-13)


def test_the_eps_of_adam_is_explained():
    example = explain(fitted("one"), X, TARGETS["one"], level="summary")
    assert "scikit-learn's Adam adds eps before the correction" in example.source.replace("S", "s")
    assert example.title == "A step of scikit-learn's MLPRegressor"


def test_training_continues_with_the_averages():
    model = fitted("one")
    ours = from_sklearn(model)
    ours.partial_fit(X, TARGETS["one"])
    model.partial_fit(X, TARGETS["one"])
    assert np.abs(ours.theta_ - theta_of(model, ours.network_)).max() < 1e-7  # eps differs


# ---- pipelines ----------------------------------------------------------------------------------

FRAME = pandas.DataFrame(
    {
        "age": np.linspace(20, 70, 60),
        "city": np.resize(["Oslo", "Rome", "Oslo_2"], 60),
        "income": np.where(np.arange(60) % 7 == 3, np.nan, np.linspace(1e4, 9e4, 60)[::-1]),
    }
)


def pipeline(last: Any, **encoder: Any) -> Any:
    """Return a pipeline whose columns change their order."""
    words = OneHotEncoder(sparse_output=False, **encoder)
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("w", words, ["city"]), ("n", numbers, ["income", "age"])])
    return make_pipeline(columns, last).fit(FRAME, TARGETS["classes"])


THEIRS = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}


@pytest.mark.parametrize("last", [MLPClassifier(**THEIRS), chainrule.MLPClassifier(**THEIRS)])
def test_the_explanation_of_a_row_names_the_original_columns(last: Any):
    piped = pipeline(last)
    found: Any = explain(piped, FRAME, row=7)
    assert {one.column for one in found.influences} == {"city", "income", "age"}
    assert found.confirmed
    p = piped.predict_proba(FRAME)[7]
    assert found.value == pytest.approx(p.max(), rel=1e-12)
    values = {one.column: one.value for one in found.influences}
    assert values == FRAME.iloc[7].to_dict()
    age = next(one for one in found.influences if one.column == "age")
    changed = FRAME.assign(age=FRAME["age"] + 1e-4), FRAME.assign(age=FRAME["age"] - 1e-4)
    above, below = (piped.predict_proba(frame)[7, p.argmax()] for frame in changed)
    assert age.slope == pytest.approx((above - below) / 2e-4, rel=1e-6)
    assert "city=Oslo_2" in found.to_format("text")


def test_the_step_names_the_inputs():
    piped = pipeline(MLPClassifier(**THEIRS), drop="first")
    example = explain(piped, FRAME, TARGETS["classes"], level="summary")
    assert "x[0] is city=Oslo_2 of the column city" in example.source
    assert "x[2] is income, x[3] is age" in example.source


@pytest.mark.parametrize("drop", [None, "first"])
def test_each_input_is_of_the_column_that_changes_it(drop: Any):
    piped = pipeline(MLPClassifier(**THEIRS), drop=drop)
    features, before = features_of(piped, FRAME), piped[:-1].transform(FRAME)
    for column in FRAME:
        other = FRAME.assign(**{column: np.roll(FRAME[column], 1)})
        changes = (piped[:-1].transform(other) != before).any(axis=0)
        assert [f.column == column for f in features] == changes.tolist()


NUMBERS_ONLY = pandas.DataFrame(
    {name: np.roll(np.linspace(1, 9, 60) ** (1 + k / 2), 17 * k) for k, name in enumerate("ap")}
).assign(a_1=np.cos(np.arange(60)), constant=1.0)
TRANSFORMERS = [
    *(StandardScaler(), QuantileTransformer(n_quantiles=5), PCA(), PCA(2), PolynomialFeatures(2)),
    *(KBinsDiscretizer(3, encode="onehot-dense", strategy="uniform"),),
    *(SplineTransformer(), VarianceThreshold(), FunctionTransformer(np.abs), SimpleImputer()),
    *(FunctionTransformer(np.abs, feature_names_out="one-to-one"), MinMaxScaler()),
]


@pytest.mark.filterwarnings("ignore:Bins whose width:UserWarning")
@pytest.mark.filterwarnings("ignore:Feature 3 is constant:UserWarning")
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_an_input_names_every_column_that_changes_it(transformer: Any):
    step = transformer.fit(NUMBERS_ONLY)
    piped = Pipeline([("step", step), ("mlp", MLPClassifier(**THEIRS))])
    features, before = features_of(piped, NUMBERS_ONLY), np.asarray(step.transform(NUMBERS_ONLY))
    named = [set(f.column.split(" and ")) for f in features]
    for column in NUMBERS_ONLY:
        other = NUMBERS_ONLY.assign(**{column: np.roll(NUMBERS_ONLY[column], 1)})
        changes = (np.asarray(step.transform(other)) != before).any(axis=0)
        assert all(
            column in names for names, changed in zip(named, changes, strict=True) if changed
        )
    several = isinstance(transformer, PCA | PolynomialFeatures)
    unknown = isinstance(transformer, FunctionTransformer) and not transformer.feature_names_out
    assert several or unknown or all(len(names) == 1 for names in named)


@pytest.mark.parametrize("kind", ["several", "labels"])
def test_one_of_several_targets_is_explained(kind: str):
    cls = MLPRegressor if kind == "several" else MLPClassifier
    y = np.column_stack([TARGETS["one"], TARGETS["one"] ** 2])
    y = y if kind == "several" else (y > np.median(y, axis=0)).astype(int)
    piped = make_pipeline(StandardScaler(), cls(**THEIRS)).fit(X, y)
    predict = piped.predict if kind == "several" else piped.predict_proba
    above, below = np.array(X, float), np.array(X, float)
    above[3, 1] += 1e-4
    below[3, 1] -= 1e-4
    for k in range(2):
        found: Any = explain(piped, X, row=3, output=k)
        assert found.value == pytest.approx(predict(X)[3, k], rel=1e-12)
        slope = (predict(above)[3, k] - predict(below)[3, k]) / 2e-4
        assert next(one.slope for one in found.influences if one.column == "x1") == pytest.approx(
            slope, rel=1e-6
        )
        assert found.confirmed
        assert (found.target == f"the target[{k}]") == (kind == "several")
    if kind == "several":
        with pytest.raises(chainrule.InputError, match="2 numbers are predicted at once"):
            explain(piped, X, row=3)


def test_arrays_have_numbered_columns():
    piped = make_pipeline(StandardScaler(), MLPClassifier(**THEIRS)).fit(X, TARGETS["binary"])
    found: Any = explain(piped, X, row=3)
    assert {one.column for one in found.influences} == {"x0", "x1", "x2", "x3"}
    assert found.confirmed


def test_a_pipeline_is_checked():
    piped = make_pipeline(StandardScaler(), MLPClassifier(**THEIRS)).fit(X, TARGETS["binary"])
    assert check(piped, x=X, t=TARGETS["binary"]).verdict == "right"


def test_a_pipeline_is_read_with_its_other_steps():
    piped = pipeline(MLPClassifier(**THEIRS))
    ours = from_sklearn(piped)
    np.testing.assert_allclose(ours.predict_proba(FRAME), piped.predict_proba(FRAME), rtol=1e-12)


ERRORS = [
    (lambda: from_sklearn(LinearRegression()), "LinearRegression is not a multi-layer"),
    (lambda: from_sklearn(MLPClassifier()), "is not fitted; call fit first"),
    (lambda: explain(LinearRegression(), X, TARGETS["one"]), "cannot explain LinearRegression"),
    (lambda: explain(fitted("one"), X, TARGETS["one"], loss="mse"), "loss is for PyTorch"),
    (lambda: explain(fitted("one"), X, TARGETS["one"], steps=2), "leave out steps"),
    (lambda: explain(pipeline(MLPClassifier(**THEIRS)), FRAME, row=60), "there is no row 60"),
    (
        lambda: explain(make_pipeline(LinearRegression()).fit(X, TARGETS["one"]), X),
        "the pipeline ends in LinearRegression",
    ),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=[words for _, words in ERRORS])
def test_errors_name_what_cannot_be_read(call: Any, words: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the words are compared below)
        call()
    assert words in str(caught.value)
