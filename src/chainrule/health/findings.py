# pyright: strict
"""A finding: one reason why a run does not learn, as a plain record."""

from dataclasses import dataclass

# With at most this share of the constant prediction's error left, a run has learned: whatever its
# units look like (those of a solved XOR are saturated), there is nothing to repair.
SOLVED = 0.1


@dataclass(frozen=True)
class Finding:
    """One reason why a run does not learn.

    Parameters
    ----------
    id : str
        The id of the examination, such as ``"saturated-units"``.
    layer : str or None
        The label of the layer, as in parameter names, such as ``"1"``; None if the finding is not
        about a single layer.
    sentence : str
        The finding in words, with the measured number and its limit.
    number : float
        The measured number.
    threshold : float
        The limit that the number passed.
    remedy : str
        What to do.
    sign : bool
        Whether it is a sign that the run does not learn, and not a reason for it.
    """

    id: str
    layer: str | None
    sentence: str
    number: float
    threshold: float
    remedy: str
    sign: bool = False

    def __str__(self) -> str:
        return f"{self.sentence}; {self.remedy}"
