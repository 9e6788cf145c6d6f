"""The step of L-BFGS, which SciPy finds by a line search: its result, without a formula.

Everything up to the gradient is worked out as for other optimizers.
"""

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.explanation.notation import key
from chainrule.explanation.record import ExampleStep
from chainrule.explanation.work import Writer
from chainrule.optimizers import LBFGS
from chainrule.pages import Quantity, Ref, plain_name
from chainrule.training import train

Array: TypeAlias = NDArray[Any]

REMARK = (
    "L-BFGS found this step by a line search along a direction computed from earlier gradients "
    "(at the first step, along the negative gradient). No single formula gives the result."
)


def with_search(
    writer: Writer, step: ExampleStep, optimizer: LBFGS, only: str | None = None
) -> ExampleStep:
    """Return a step that ends at the gradient, extended by the parameters that L-BFGS finds.

    Parameters
    ----------
    writer : Writer
    step : ExampleStep
    optimizer : LBFGS
    only : str, optional
        The key of the only parameter to add.

    Raises
    ------
    MissingPackageError
        If SciPy is not installed.
    """
    setup = writer.setup
    batch = setup.batch
    # Undo the scaling to a mean of 1: the penalty is divided by the sum of the weights as given.
    weights = None if batch.weight is None else batch.weight * batch.total / len(batch.x)
    run = train(
        setup.network,
        batch.x,
        batch.t,
        optimizer,
        epochs=1,
        theta=setup.theta,
        sample_weight=weights,
    )
    run.finish()
    theta = run.theta
    after = float(setup.network.value(theta, batch))
    rows = [q for q in _new_parameters(writer, theta) if step.quantities and _is_selected(q, only)]
    if rows:
        rows[0] = replace(rows[0], remark=REMARK)
    return replace(step, loss_after=after, quantities=(*step.quantities, *rows))


def _is_selected(q: Quantity, only: str | None) -> bool:
    return only is None or q.key.replace("_new", "") == only


def _new_parameters(writer: Writer, theta: Array) -> list[Quantity]:
    """Return each new parameter."""
    network = writer.setup.network
    rows: list[Quantity] = []
    for block in network.layout.blocks:
        for index in np.ndindex(*block.shape):
            label = network.labels[block.layer]
            ref = Ref(f"{block.param}_new", label, index, sampled=False)
            value = float(block.view(theta)[index])
            markup = writer.name(ref)
            rows.append(
                Quantity(
                    ref,
                    key(ref, writer.places),
                    plain_name(markup),
                    markup,
                    "update",
                    value,
                    writer.digits.result(value),
                )
            )
    return rows
