"""scikit-learn's own checks, without expected failures, and the same tags as its MLP.

They run for two estimators, and for four with ``--full``.
"""

import re
import warnings
from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_set_output_transform,
    parametrize_with_checks,
)

from chainrule import MLPClassifier, MLPRegressor

# Checks that scikit-learn skips for its own MLP too, which has neither.
INAPPLICABLE = r"SCIPY_ARRAY_API is not set|does not have a decision_function method"

PAIRS = [
    (MLPClassifier, neural_network.MLPClassifier),
    (MLPRegressor, neural_network.MLPRegressor),
]
SMALL = {"hidden_layer_sizes": (10,), "solver": "lbfgs"}
ESTIMATORS = [MLPClassifier(), MLPRegressor(**SMALL, max_iter=20)]
ALL_ESTIMATORS = [MLPClassifier(), MLPClassifier(**SMALL), MLPRegressor(), MLPRegressor(**SMALL)]


def checks(estimators: list[Any]) -> list[Any]:
    """Return scikit-learn's checks of each estimator; 1.6 names one of them twice."""
    marker = parametrize_with_checks(estimators).mark
    name = marker.kwargs["ids"]
    named = {
        (repr(estimator), name(check)): (estimator, check) for estimator, check in marker.args[1]
    }
    return [pytest.param(*pair, id="-".join(key)) for key, pair in named.items()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "check" in metafunc.fixturenames:
        full = metafunc.config.getoption("full")
        rows = checks(ALL_ESTIMATORS if full else ESTIMATORS)
        metafunc.parametrize(("estimator", "check"), rows)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks(estimator: Any, check: Any):
    try:
        check(estimator)
    except SkipTest as skipped:
        if not re.search(INAPPLICABLE, str(skipped)):
            raise


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_tags_are_those_of_scikit_learn(ours: Any, theirs: Any):
    ours_tags, theirs_tags = get_tags(ours()), get_tags(theirs())
    theirs_tags.input_tags.sparse = True  # as it is; scikit-learn 1.6 did not say so
    assert ours_tags == theirs_tags


@pytest.mark.parametrize("estimator", [MLPClassifier(max_iter=5), MLPRegressor(max_iter=5)])
def test_data_frames_and_set_output(estimator: Any):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_dataframe_column_names_consistency(type(estimator).__name__, clone(estimator))
        check_set_output_transform(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_every_parameter_of_scikit_learn_exists_with_its_default(ours: Any, theirs: Any):
    mine, original = ours().get_params(), theirs().get_params()
    assert {name: mine[name] for name in original} == original


def test_feature_names_are_stored_and_compared():
    frame = pd.DataFrame({"height": [1.0, 2, 3, 4], "width": [4.0, 3, 2, 1]})
    fitted = MLPClassifier((3,), max_iter=2).fit(frame, [0, 1, 0, 1])
    assert fitted.feature_names_in_.tolist() == ["height", "width"]
    with pytest.raises(ValueError, match="unseen at fit time:\n- depth"):
        fitted.predict(frame.rename(columns={"width": "depth"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(frame.to_numpy())


def test_the_error_for_a_text_column_contains_the_remedy():
    frame = pd.DataFrame({"height": [1.0, 2, 3, 4], "town": ["Ulm", "Jena", "Ulm", "Kiel"]})
    with pytest.raises(ValueError, match=r"Column 'town', row 0, is 'Ulm'.*OneHotEncoder"):
        MLPRegressor(max_iter=2).fit(frame, np.arange(4.0))
