"""The most-read worked example: Matt Mazur's 2-2-2 network of 2015, with its errata.

The post's eight new weights are right; the figures it gives for afterwards are those of a program
that changes the output weights before the hidden deltas are computed from them.
"""

from chainrule.network import mlp
from chainrule.optimizers import SGD
from chainrule.problems.model import Erratum, Problem

UPDATED_WEIGHTS = {("not-first", "dx"): "delta @ W_new"}
CAUSE = (
    "computed by a program that changes the output weights before the hidden deltas are computed "
    "from them; its author mended it in the history of the script (4b6faac, 2015-03-15), and the "
    "post kept the figure"
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
            "error after 1 step", "loss", 1, "0.291027924", CAUSE, replace=UPDATED_WEIGHTS
        ),
        Erratum(
            "error after 10,000 steps", "loss", 10_000, "0.000035085", CAUSE,
            replace=UPDATED_WEIGHTS,
        ),
        Erratum(
            "error after 10,000 steps (newer copies)", "loss", 10_000, "0.0000351085",
            "the right program's error before its 10,000th update: off by one step",
            at_step=9_999,
        ),
        Erratum(
            "out_o1 after 10,000 steps", "p", 10_000, "0.015912196", CAUSE, (0, 0),
            UPDATED_WEIGHTS,
        ),
        Erratum(
            "out_o2 after 10,000 steps", "p", 10_000, "0.984065734", CAUSE, (0, 1),
            UPDATED_WEIGHTS,
        ),
        Erratum(
            "∂E_o2/∂out_h1", "path", 0, "-0.019049119",
            "the last digit is off by one: the factors were rounded before they were multiplied",
            (1, 0),
        ),
    ),
)  # fmt: skip
