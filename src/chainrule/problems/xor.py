"""XOR in a 2-2-1 network: the smallest problem that requires a hidden layer.

Its weights are drawn uniformly from [−1, 1], and every step uses all four samples.
"""

from chainrule.initializers import Uniform
from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.problems.model import Problem

XOR = Problem(
    name="xor",
    title="XOR: 2-2-1, logistic, squared error",
    source="the classic since Rumelhart, Hinton and Williams, 1986",
    network=mlp(
        2,
        2,
        1,
        activation="logistic",
        loss="squared-error",
        initializer=Uniform(-1, 1),
        bias_initializer=Uniform(-1, 1),
    ),
    x=((0, 0), (0, 1), (1, 0), (1, 1)),
    t=((0,), (1,), (1,), (0,)),
    optimizer=SGD(0.5),
)
