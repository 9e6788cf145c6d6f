"""scikit-learn's own checks, without a list of expected failures, and tags no looser than its MLP.

What the checks do not look at stands in the files beside this one.
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

# What scikit-learn leaves out by itself: its MLP has neither.
INAPPLICABLE = r"SCIPY_ARRAY_API is not set|does not have a decision_function method"

PAIRS = [
    (MLPClassifier, neural_network.MLPClassifier),
    (MLPRegressor, neural_network.MLPRegressor),
]
ESTIMATORS = [
    MLPClassifier(),
    MLPClassifier(solver="lbfgs", hidden_layer_sizes=(10,)),
    MLPRegressor(),
    MLPRegressor(solver="lbfgs", hidden_layer_sizes=(10,)),
]


def checks() -> list[Any]:
    """Return scikit-learn's checks of each estimator; 1.6 names one of them twice."""
    marker = parametrize_with_checks(ESTIMATORS).mark
    name = marker.kwargs["ids"]
    named = {
        (repr(estimator), name(check)): (estimator, check) for estimator, check in marker.args[1]
    }
    return [pytest.param(*pair, id="-".join(key)) for key, pair in named.items()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_checks(estimator: Any, check: Any):
    try:
        check(estimator)
    except SkipTest as told:
        if not re.search(INAPPLICABLE, str(told)):
            raise


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_tags_are_no_looser(ours: Any, theirs: Any):
    ours_tags, theirs_tags = get_tags(ours()), get_tags(theirs())
    assert ours_tags == theirs_tags


@pytest.mark.parametrize("estimator", [MLPClassifier(max_iter=5), MLPRegressor(max_iter=5)])
def test_data_frames_and_set_output(estimator: Any):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_dataframe_column_names_consistency(type(estimator).__name__, clone(estimator))
        check_set_output_transform(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_every_parameter_of_scikit_learn_is_there_with_its_default(ours: Any, theirs: Any):
    mine, original = ours().get_params(), theirs().get_params()
    assert {name: mine[name] for name in original} == original


def test_feature_names_are_kept_and_compared():
    frame = pd.DataFrame({"height": [1.0, 2, 3, 4], "width": [4.0, 3, 2, 1]})
    fitted = MLPClassifier((3,), max_iter=2).fit(frame, [0, 1, 0, 1])
    assert fitted.feature_names_in_.tolist() == ["height", "width"]
    with pytest.raises(ValueError, match="unseen at fit time:\n- depth"):
        fitted.predict(frame.rename(columns={"width": "depth"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(frame.to_numpy())


def test_a_text_column_is_named_with_the_remedy():
    frame = pd.DataFrame({"height": [1.0, 2, 3, 4], "town": ["Ulm", "Jena", "Ulm", "Kiel"]})
    with pytest.raises(ValueError, match=r"Column 'town', row 0, is 'Ulm'.*OneHotEncoder"):
        MLPRegressor(max_iter=2).fit(frame, np.arange(4.0))
