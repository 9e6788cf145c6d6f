"""One number of a wired step: its formula, the formula with numbers, and the result.

The step may be wired with other equations than the engine's, such as those of a mistake.
"""

from chainrule.explanation.notation import NOTATIONS
from chainrule.explanation.setup import Setup
from chainrule.explanation.work import Writer, quantity
from chainrule.optimizers import Optimizer
from chainrule.pages import Digits, Index, Quantity
from chainrule.wiring import Step


def one_number(
    step: Step, rule: Optimizer | None, scope: str, name: str, index: Index, digits: int = 9
) -> Quantity:
    """Return one number of a step, worked out.

    Parameters
    ----------
    step : Step
    rule : Optimizer or None
        The optimizer that the step was wired with.
    scope : str
        Such as ``"layer1"``, ``"loss"`` or ``"W2"``.
    name : str
        The name of an equation there.
    index : tuple of int
    digits : int, default 9
        Significant digits of the result.

    Returns
    -------
    Quantity

    Raises
    ------
    InputError
        If the number is not finite.
    """
    network = step.network
    arrays = {label: array["w"] for label, array in step.arrays.items()}
    theta = network.layout.join(arrays, float)
    setup = Setup(network, theta, step.batch, rule)
    writer = Writer(setup, NOTATIONS["plain"], Digits(digits))
    return quantity(writer, step, "backward", step.scope(scope), name, index, {}, ())
