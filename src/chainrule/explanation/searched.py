"""The step of L-BFGS, which SciPy chooses by a line search: its result, without a formula.

Everything up to the gradient is worked out as for other optimizers; no equation gives the rest.
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
    "L-BFGS chose this step by a line search along a direction that it builds from earlier "
    "gradients; at its first step that is the gradient itself. No single formula gives it."
)


def with_search(
    writer: Writer, step: ExampleStep, optimizer: LBFGS, only: str | None = None
) -> ExampleStep:
    """Return a step that ends at the gradient, with the parameters that L-BFGS finds.

    Parameters
    ----------
    writer : Writer
    step : ExampleStep
    optimizer : LBFGS
    only : str, optional
        The key of the one parameter that is wanted.

    Raises
    ------
    MissingPackageError
        If SciPy is not installed.
    """
    setup = writer.setup
    batch = setup.batch
    # The penalty divides by the weights as they were given, which only their total remembers.
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
    rows = [q for q in _rows(writer, theta) if step.quantities and _wanted(q, only)]
    if rows:
        rows[0] = replace(rows[0], remark=REMARK)
    return replace(step, loss_after=after, quantities=(*step.quantities, *rows))


def _wanted(q: Quantity, only: str | None) -> bool:
    return only is None or q.key.replace("_new", "") == only


def _rows(writer: Writer, theta: Array) -> list[Quantity]:
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
