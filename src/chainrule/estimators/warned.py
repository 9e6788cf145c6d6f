"""Warnings: they show the line that called the estimator, and are filtered as scikit-learn's are.

What to warn of is decided elsewhere.
"""

import inspect
import warnings
from types import FrameType

MODULE = "sklearn.neural_network"  # scikit-learn's users have filters with module="sklearn"
INSIDE = ("chainrule.", "sklearn.callback.")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of something, at the line outside that led here."""
    frame = outside(inspect.currentframe())
    if frame is None:
        warnings.warn(message, category, stacklevel=2)
        return
    seen = frame.f_globals.setdefault("__warningregistry__", {})
    place = frame.f_code.co_filename, frame.f_lineno
    warnings.warn_explicit(message, category, *place, module=MODULE, registry=seen)


def outside(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that is neither ours nor scikit-learn's wrapper of `fit`."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith(INSIDE):
        frame = frame.f_back
    return frame
