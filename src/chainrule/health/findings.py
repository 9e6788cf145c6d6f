# pyright: strict
"""A finding: one reason why a run does not learn, as a plain record."""

from dataclasses import dataclass

# A run that has left behind nine tenths of the best constant's error has learned: whatever its
# units look like (the saturated ones of a solved XOR, say), there is nothing to repair.
SOLVED = 0.1


@dataclass(frozen=True)
class Finding:
    """One reason why a run does not learn.

    Parameters
    ----------
    id : str
        That of the examination, such as ``"saturated-units"``.
    layer : str or None
        Which layer, as keys call it, such as ``"1"``; None where it belongs to no single one.
    sentence : str
        The finding in words, with its number and what that is held against.
    number : float
        What was measured.
    threshold : float
        The limit that it passed.
    remedy : str
        What to do.
    sign : bool
        Whether it is a sign that the run does not learn, and no reason for it.
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
