# pyright: strict
"""The health of a run: why it does not learn, with the number that proves it and the remedy.

``diagnose`` looks at parameters, data and records; it trains nothing and changes nothing.
"""

from chainrule.health.diagnosing import diagnose
from chainrule.health.examinations import EXAMINATIONS, Examination
from chainrule.health.findings import Finding
from chainrule.health.report import Health
from chainrule.health.words import Names

__all__ = ["EXAMINATIONS", "Examination", "Finding", "Health", "Names", "diagnose"]
