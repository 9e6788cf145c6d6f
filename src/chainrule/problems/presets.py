"""The table of named problems, each described in a file of its own."""

from chainrule.names import canonical
from chainrule.problems.digits import DIGITS
from chainrule.problems.half_adder import HALF_ADDER
from chainrule.problems.huddar import HUDDAR
from chainrule.problems.mazur import MAZUR
from chainrule.problems.model import Problem
from chainrule.problems.softmax import SOFTMAX
from chainrule.problems.xor import XOR


def problem(name: str) -> Problem:
    """Return the problem of a name.

    Parameters
    ----------
    name : str
        Such as ``"mazur"``.

    Returns
    -------
    Problem

    Raises
    ------
    UnknownNameError
        If the table has no such name.
    """
    return PROBLEMS[canonical("problem", name, PROBLEMS)]


PROBLEMS: dict[str, Problem] = {
    "digits": DIGITS,
    "half-adder": HALF_ADDER,
    "huddar": HUDDAR,
    "mazur": MAZUR,
    "softmax": SOFTMAX,
    "xor": XOR,
}
