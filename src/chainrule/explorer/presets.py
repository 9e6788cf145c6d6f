"""The presets of the live page: the named problems, networks for data sets, pictures of digits."""

from dataclasses import asdict
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.explanation import Setup
from chainrule.explorer.data_sets import RECIPES, seed_of
from chainrule.explorer.model import setup_model
from chainrule.optimizers import Optimizer
from chainrule.problems import PROBLEMS, Problem

PICTURES = 500  # of 1,797, so that the page stays small
INK = 16  # the value of a black pixel
LEVELS = "0123456789abcdefg"
RUNS = "hijklmnopqrstuvwxyz"  # 2, 3, … 20 pixels of paper in a row
ON_PAGE = {"digits"}  # whose data is exported as pictures, and whose weights the page draws


@cache
def presets() -> dict[str, Any]:
    """Return the states of the named problems, and the pictures of digits.

    Returns
    -------
    dict
        ``problems``, a model by name; ``recipes``, the networks of the data sets that the page
        draws; ``digits``, ``{"pixels": …, "classes": …}`` as texts, or None
        if scikit-learn, which has the pictures, is not installed.
    """
    own = {name: problem for name, problem in PROBLEMS.items() if name not in ON_PAGE}
    return {
        "problems": {name: problem_model(problem) for name, problem in own.items()},
        "recipes": {name: asdict(recipe) for name, recipe in RECIPES.items()},
        "digits": digits(),
    }


def problem_model(problem: Problem) -> dict[str, Any]:
    """Return the state at which a named problem begins on the page."""
    seed = seed_of(problem.name)
    x, t, weight = problem.data()
    batch = problem.network.batch(problem.theta(seed), x, t, weight)
    rule = problem.optimizer if isinstance(problem.optimizer, Optimizer) else None
    setup = Setup(problem.network, problem.theta(seed), batch, rule, seed=seed)
    return {**setup_model(setup), "title": problem.title, "source": problem.source}


def digits() -> dict[str, str] | None:
    """Return pictures of 8×8 pixels and what they show, as text; None without scikit-learn."""
    try:
        from sklearn.datasets import load_digits  # pyright: ignore[reportMissingTypeStubs]
    except ModuleNotFoundError:
        return None
    loaded = cast("dict[str, NDArray[Any]]", load_digits())
    first: NDArray[np.float64] = np.asarray(loaded["data"])[:PICTURES]  # (pictures, 64)
    return {"pixels": pixels(first), "classes": "".join(map(str, loaded["target"][:PICTURES]))}


def pixels(X: NDArray[np.float64]) -> str:
    """Return pixels from 0 to 16 as text: one character each, or one for several of paper."""
    text = "".join(LEVELS[int(v)] for v in X.ravel())
    for length in range(len(RUNS) + 1, 1, -1):
        text = text.replace("0" * length, RUNS[length - 2])
    return text
