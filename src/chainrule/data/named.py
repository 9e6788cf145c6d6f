"""Data sets with a name: scikit-learn's real ones, and toys."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from chainrule.data.arrow import arrow
from chainrule.data.table import Origin, Table


def from_sklearn(name: str, target: str) -> Table:
    """Return one of scikit-learn's data sets, with words for its classes."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name.replace('-', '_')}")()
    names = [str(n).removesuffix(" (cm)").replace(" ", "_") for n in bunch.feature_names]
    columns: dict[str, Any] = {n: bunch.data[:, i] for i, n in enumerate(names)}
    classes = bunch.get("target_names")
    y = bunch.target
    if classes is not None and name != "digits":
        y = np.asarray(classes, dtype=object)[y]
    text = f"{len(y):,} rows of scikit-learn's {name}"
    return made(name, {**columns, target: y}, target, text)


def from_samples(name: str) -> Table:
    """Return a toy of the live page: its rows for training, then those for validation."""
    from chainrule.explorer import data_set_samples  # loads the live page

    x, t, held_x, held_t = map(np.array, data_set_samples(name))
    X, y = np.vstack([x, held_x]), np.vstack([t, held_t])[:, 0]
    numbers = {f"x{i + 1}": X[:, i] for i in range(X.shape[1])}
    target = y if name == "regression" else y.astype(np.int64)
    return made(name, {**numbers, "y": target}, "y", f"{len(X)} points drawn at random")


def from_problem(name: str) -> Table:
    """Return the rows of a problem with a name, such as XOR."""
    from chainrule.problems import problem

    asked = problem(name)
    x, t = np.array(asked.x), np.array(asked.t)
    inputs = {f"x{i + 1}": x[:, i].astype(np.int64) for i in range(x.shape[1])}
    return made(name, {**inputs, "y": t[:, 0].astype(np.int64)}, "y", f"{len(x)} rows")


def made(name: str, columns: dict[str, Any], target: str, text: str) -> Table:
    """Return a table of arrays."""
    data = arrow().table({k: arrow().array(v) for k, v in columns.items()})
    return Table.from_arrow(data, Origin(name), (f"{text}; the target is {target!r}",), target)


NAMED_SETS: dict[str, Callable[[], Table]] = {
    "iris": partial(from_sklearn, "iris", "species"),
    "wine": partial(from_sklearn, "wine", "cultivar"),
    "digits": partial(from_sklearn, "digits", "digit"),
    "breast-cancer": partial(from_sklearn, "breast-cancer", "diagnosis"),
    "diabetes": partial(from_sklearn, "diabetes", "progression"),
    "spiral": partial(from_samples, "spiral"),
    "moons": partial(from_samples, "moons"),
    "circles": partial(from_samples, "circles"),
    "regression": partial(from_samples, "regression"),
    "xor": partial(from_problem, "xor"),
}
