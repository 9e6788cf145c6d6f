"""The lines that make a program train."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

DriverKind: TypeAlias = Literal["usual", "single", "square", "sample", "gradients"]


@dataclass(frozen=True)
class Driver:
    """Lines that make a program train.

    Parameters
    ----------
    lines : str
    kind : {"usual", "single", "square", "sample", "gradients"}
        Whether the network has several outputs, one, or layers of one width, since its gradients
        do not fit otherwise; whether functions for batches work with one sample only; or whether
        a function that updates could not be called.
    part : str
        The class or function that is judged, if others have to be judged, too.
    several : bool
        Whether forward and backward pass are functions of their own, which are joined.
    """

    lines: str
    kind: DriverKind = "usual"
    part: str = ""
    several: bool = False


@dataclass(frozen=True)
class Joined:
    """What was found in a program.

    Parameters
    ----------
    drivers : tuple of Driver
        Those that are judged first come first.
    omitted : tuple of (int, int)
        The first and last lines of statements of the program that fail.
    reasons : tuple of str
        Why they fail, and which functions are not run.
    """

    drivers: tuple[Driver, ...] = ()
    omitted: tuple[tuple[int, int], ...] = ()
    reasons: tuple[str, ...] = ()
