"""The half adder: from two bits to their sum and carry, with two hidden layers of two units.

Its weights are drawn uniformly from [−1, 1], because its source gives none.
"""

from chainrule.initializers import Uniform
from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.problems.model import Problem

HALF_ADDER = Problem(
    name="half-adder",
    title="The half adder: 2-2-2-2, logistic, squared error",
    source="a general derivation of backpropagation with a gradient check",
    network=mlp(
        2,
        2,
        2,
        2,
        activation="logistic",
        loss="squared-error",
        initializer=Uniform(-1, 1),
        bias_initializer=Uniform(-1, 1),
    ),
    x=((0, 0), (0, 1), (1, 0), (1, 1)),
    t=((0, 0), (1, 0), (1, 0), (0, 1)),
    optimizer=SGD(0.5),
)
