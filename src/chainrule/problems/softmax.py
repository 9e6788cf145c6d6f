"""Three species of iris in a 4-3-3 network: tanh, then softmax and cross-entropy.

There are two flowers of each species, in centimeters as Fisher printed them. The initial weights
are short numbers that are easy to follow by hand.
"""

from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.problems.model import Problem

SOFTMAX = Problem(
    name="softmax",
    title="Three kinds of iris: 4-3-3, tanh, softmax and cross-entropy",
    source="flowers measured by Anderson, printed by Fisher, 1936",
    network=mlp(4, 3, 3, activation="tanh", loss="softmax-cross-entropy"),
    x=(
        (5.1, 3.5, 1.4, 0.2),
        (4.9, 3.0, 1.4, 0.2),
        (7.0, 3.2, 4.7, 1.4),
        (6.4, 3.2, 4.5, 1.5),
        (6.3, 3.3, 6.0, 2.5),
        (5.8, 2.7, 5.1, 1.9),
    ),  # sepal length and width, petal length and width
    t=(
        (1, 0, 0),
        (1, 0, 0),
        (0, 1, 0),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 1),
    ),  # setosa, versicolor, virginica
    weights=(
        ((0.10, -0.20, 0.15, 0.25), (-0.15, 0.30, 0.05, -0.10), (0.05, 0.10, -0.20, 0.30)),
        ((0.20, -0.30, 0.10), (-0.10, 0.25, 0.30), (0.15, 0.05, -0.25)),
    ),
    biases=((0.05, -0.05, 0.10), (0.10, -0.10, 0.05)),
    optimizer=SGD(0.1),
)
