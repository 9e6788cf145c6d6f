"""Problems: a network, its first weights, its data, and how it is trained.

Some have a name, others come from a file or from settings. The published ones carry what was
printed and where it is wrong; nothing here computes.
"""

from chainrule.problems.faults import SettingError
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
