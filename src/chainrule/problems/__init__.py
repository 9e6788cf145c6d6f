"""Problems: a network with its initial weights, its data and its optimizer.

Named problems, such as ``"mazur"``, are listed in PROBLEMS; others are read from files or described
by settings. Published problems record errors in what was printed.
"""

from chainrule.problems.errors import SettingError
from chainrule.problems.files import read_problem, read_settings
from chainrule.problems.model import Data, Erratum, Problem
from chainrule.problems.presets import PROBLEMS, problem
from chainrule.problems.settings import EXCLUSIVE, SETTINGS, Spec, check_settings, specify

__all__ = [
    "EXCLUSIVE",
    "Data",
    "Erratum",
    "PROBLEMS",
    "Problem",
    "SETTINGS",
    "SettingError",
    "Spec",
    "check_settings",
    "problem",
    "read_problem",
    "read_settings",
    "specify",
]
