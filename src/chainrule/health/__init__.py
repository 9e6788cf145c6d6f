# pyright: strict
"""The health report: why a training run does not learn, with measured numbers and remedies.

``diagnose`` examines parameters, data and records; it does not train, and changes nothing.
"""

from chainrule.health.bounds import share_left
from chainrule.health.diagnosing import diagnose
from chainrule.health.examinations import EXAMINATIONS, Examination
from chainrule.health.findings import Finding
from chainrule.health.formatting import Names
from chainrule.health.report import Health

__all__ = ["EXAMINATIONS", "Examination", "Finding", "Health", "Names", "diagnose", "share_left"]
