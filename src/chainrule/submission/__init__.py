"""What a learner submits for checking: find the function or class, call it, read its results.

Nothing in this package judges the results; `chainrule.diagnosis` does.
"""

from chainrule.submission.attempts import Attempt, HandinError, attempt_of
from chainrule.submission.reading import find, layers_of, read, widths_of

__all__ = ["Attempt", "HandinError", "attempt_of", "find", "layers_of", "read", "widths_of"]
