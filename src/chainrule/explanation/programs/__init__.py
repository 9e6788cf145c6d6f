"""Programs that recompute a worked example from scratch, for reading and running elsewhere.

They do not import chainrule and contain no results, only data, first parameters and formulas.
"""

from dataclasses import replace

import numpy as np

from chainrule.batch import Batch, check_finite
from chainrule.errors import InputError
from chainrule.explanation.programs.in_numpy import write_numpy
from chainrule.explanation.programs.in_pytorch import ACTIVATIONS as TORCH_ACTIVATIONS
from chainrule.explanation.programs.in_pytorch import LINKS as TORCH_LINKS
from chainrule.explanation.programs.in_pytorch import write_torch
from chainrule.explanation.programs.source import Program
from chainrule.explanation.setup import Setup

__all__ = ["TORCH_ACTIVATIONS", "TORCH_LINKS", "doubled", "numpy_program", "pytorch_program"]


def numpy_program(setup: Setup, title: str = "Worked example") -> str:
    """Return a NumPy program that recomputes the example, with backpropagation written out.

    Parameters
    ----------
    setup : Setup
    title : str
        What its first line says.

    Returns
    -------
    str
        The source. It prints ``name = value`` for the first and the last step, with keys as names
        and arrays as nested lists, then the loss after the last step.

    Raises
    ------
    InputError
        If a number is not finite, the source of a user's own function cannot be put in, or the
        optimizer is L-BFGS.

    Notes
    -----
    The formulas are the engine's equations, so the numbers agree with it within rounding.
    """
    program = Program(doubled(setup), title, "NumPy", ["import numpy as np"])
    write_numpy(program)
    return program.text()


def pytorch_program(setup: Setup, title: str = "Worked example") -> str:
    """Return a PyTorch program that recomputes the example, with the derivatives from autograd.

    Parameters
    ----------
    setup : Setup
    title : str
        What its first line says.

    Returns
    -------
    str
        The source. It prints as `numpy_program` does; with a penalty, ``dC_W1`` for ``dW1``.

    Raises
    ------
    InputError
        If a number is not finite, a layer is unknown, the source of a user's own function cannot
        be put in, or the optimizer is L-BFGS.

    Notes
    -----
    Nothing in it comes from the engine's backward equations: it is an independent check. An
    optimizer of ``torch.optim`` is used where it is the same rule, else the update is written out.
    """
    program = Program(doubled(setup), title, "PyTorch", ["import torch"])
    write_torch(program)
    return program.text()


def doubled(setup: Setup) -> Setup:
    """Return the example in double precision; raise InputError if it has no program."""
    if setup.search is not None:
        raise InputError(
            "lbfgs is a line search of SciPy and has no equations to write down; use another "
            "optimizer, or none, to get a program"
        )
    x, t, weight, total = setup.batch
    theta = check_finite(setup.theta, "theta").astype(np.float64)
    weight = None if weight is None else weight.astype(np.float64)
    batch = Batch(check_finite(x, "x").astype(np.float64), t.astype(np.float64), weight, total)
    slots = tuple(check_finite(slot, "a moving average").astype(np.float64) for slot in setup.slots)
    return replace(setup, theta=theta, batch=batch, slots=slots)
