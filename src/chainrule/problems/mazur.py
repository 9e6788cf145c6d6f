"""The most-read worked example: Matt Mazur's 2-2-2 network of 2015, with its errata.

The post's eight new weights are right. Its later numbers come from a program that updated the
output weights before it computed the hidden deltas from them.
"""

from chainrule.multilayer import mlp
from chainrule.optimizers import SGD
from chainrule.problems.model import Erratum, Problem

UPDATED_WEIGHTS: dict[tuple[str | int, str], str] = {("not-first", "dx"): "delta @ W_new"}
CAUSE = (
    "the program behind it changed the output weights before it computed the hidden deltas from "
    "them; the author's script was corrected (4b6faac, 2015-03-15), the post kept the number"
)

MAZUR = Problem(
    name="mazur",
    title="The 2-2-2 example: one step of backpropagation by hand",
    source="Matt Mazur, A Step by Step Backpropagation Example, 2015",
    network=mlp(2, 2, 2, activation="logistic", loss="squared-error", train_biases=False),
    x=((0.05, 0.10),),
    t=((0.01, 0.99),),
    weights=(((0.15, 0.20), (0.25, 0.30)), ((0.40, 0.45), (0.50, 0.55))),
    biases=((0.35, 0.35), (0.60, 0.60)),
    optimizer=SGD(0.5),
    notation="mazur",
    decimals=9,
    errata=(
        Erratum(
            "E after 1 step",
            1,
            "cost",
            "value",
            "0.291027924",
            CAUSE,
            replace=UPDATED_WEIGHTS,
        ),
        Erratum(
            "E after 10,000 steps",
            10_000,
            "cost",
            "value",
            "0.000035085",
            CAUSE,
            replace=UPDATED_WEIGHTS,
        ),
        Erratum(
            "E after 10,000 steps, newer copies",
            10_000,
            "cost",
            "value",
            "0.0000351085",
            "the right program's error before its last update: off by one step",
            at_step=9_999,
        ),
        Erratum(
            "out_o1 after 10,000 steps",
            10_000,
            "loss",
            "p[0, 0]",
            "0.015912196",
            CAUSE,
            replace=UPDATED_WEIGHTS,
        ),
        Erratum(
            "out_o2 after 10,000 steps",
            10_000,
            "loss",
            "p[0, 1]",
            "0.984065734",
            CAUSE,
            replace=UPDATED_WEIGHTS,
        ),
        Erratum(
            "∂E_o2/∂out_h1",
            0,
            "layer2",
            "delta[0, 1] * W[1, 0]",
            "-0.019049119",
            "δ_o2 was rounded to nine decimals before it was multiplied by w7",
            rounded={("layer2", "delta"): 9},
        ),
    ),
)
