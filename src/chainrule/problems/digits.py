"""Handwritten digits in a 64-32-16-10 network, an example with thousands of parameters.

The pictures (Alpaydin and Kaynak, 1998) are loaded from scikit-learn when they are first used.
"""

from functools import cache

from chainrule.errors import missing
from chainrule.losses import one_hot
from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.problems.model import Problem, Rows

BATCH = 32  # pictures, the first of 1,797
INK = 16  # the value of a black pixel


def pictures() -> Rows:
    """Return 8×8 pictures as rows of 64 pixels, from 0 for paper to 1 for ink."""
    return rows_of(load()[0])


def classes() -> Rows:
    """Return which digit each picture shows, as rows of ten with a single 1."""
    return rows_of(load()[1])


@cache
def load() -> tuple[list[list[float]], list[list[float]]]:
    """Load the first pictures and what they show."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise missing("scikit-learn", "the problem 'digits'", "train") from None
    X, y = load_digits(return_X_y=True)
    return (X[:BATCH] / INK).tolist(), one_hot(y[:BATCH], 10).tolist()


def rows_of(lists: list[list[float]]) -> Rows:
    """Return lists as tuples, which can be compared and hashed."""
    return tuple(tuple(row) for row in lists)


DIGITS = Problem(
    name="digits",
    title="Handwritten digits: 64-32-16-10, relu, softmax and cross-entropy",
    source="8×8 pictures by Alpaydin and Kaynak, 1998, as in scikit-learn",
    network=mlp(
        64,
        32,
        16,
        10,
        activation="relu",
        loss="softmax-cross-entropy",
        initializer="he-uniform",
    ),
    x=pictures,
    t=classes,
    optimizer=SGD(0.1),
)
