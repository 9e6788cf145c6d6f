"""The 2-2-1 example of Mahesh Huddar's lecture and of RGU's notes: no biases, learning rate 1.

The source prints weights as w13, w14, … (from unit, to unit) and deltas with t − y. Here, as in all
problems, W has the shape (to, from) and delta is ∂C/∂z.
"""

from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.problems.model import Problem

HUDDAR = Problem(
    name="huddar",
    title="The 2-2-1 example without biases: one step at rate 1",
    source="Mahesh Huddar's lecture on backpropagation, after notes of RGU",
    network=mlp(2, 2, 1, activation="logistic", loss="squared-error", bias=False),
    x=((0.35, 0.9),),
    t=((0.5,),),
    weights=(((0.1, 0.8), (0.4, 0.6)), ((0.3, 0.9),)),  # w13 w23, w14 w24; w35 w45
    optimizer=SGD(1.0),
)
