"""The hand-in: a learner's program, found, asked and read.

What it answers is judged elsewhere.
"""

from chainrule.diagnosis.handin.attempts import Attempt, HandinError, attempt_of
from chainrule.diagnosis.handin.reading import find, layers_of, read, widths_of

__all__ = ["Attempt", "HandinError", "attempt_of", "find", "layers_of", "read", "widths_of"]
