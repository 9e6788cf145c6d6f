"""Problems with a name: a network, its first weights, its data, and how it is trained.

The published ones carry what was printed and where it is wrong; nothing here computes.
"""

from chainrule.errors import unknown
from chainrule.problems.half_adder import HALF_ADDER
from chainrule.problems.mazur import MAZUR
from chainrule.problems.model import Erratum, Problem

__all__ = ["PROBLEMS", "Erratum", "Problem", "problem"]

PROBLEMS: dict[str, Problem] = {
    "half-adder": HALF_ADDER,
    "mazur": MAZUR,
}


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
    if str(name) not in PROBLEMS:
        raise unknown("problem", name, PROBLEMS)
    return PROBLEMS[name]
