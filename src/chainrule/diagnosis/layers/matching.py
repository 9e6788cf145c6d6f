"""Which returned array is the gradient of which input, and whether it is right."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from chainrule.diagnosis.layers.truth import Truth
from chainrule.diagnosis.layers.values import Array, Leaf

RIGHT = 1e-6  # of the largest entry: differences that rounding and a clipped logarithm leave
CLOSE = 1e-4  # of the largest entry: a small constant such as epsilon is in one of the two only
SINGLE = 5e-3  # of the largest entry, for float32
Status: TypeAlias = Literal["right", "close", "over samples", "wrong"]


@dataclass(frozen=True, eq=False)
class Match:
    """A returned array, the input whose gradient it is, and how it compares.

    Parameters
    ----------
    label : str
        The name of the returned array.
    variable : str
        The input; empty if there is none of its shape.
    theirs : array or None
    right : array
        Empty if there is no input.
    status : {"right", "close", "over samples", "wrong"}
    """

    label: str
    variable: str
    theirs: Array | None
    right: Array = field(default_factory=lambda: np.zeros(0))
    status: Status = "wrong"

    @property
    def numbers(self) -> Array:
        """What was returned, empty where it is None."""
        return np.zeros(0) if self.theirs is None else self.theirs

    @property
    def same_shape(self) -> bool:
        """Whether the array has the shape of its input, up to axes of length one."""
        return self.theirs is not None and fits(self.theirs, self.right)


def fits(theirs: Array, right: Array) -> bool:
    """Return whether two shapes are equal up to axes of length one."""
    if theirs.ndim == right.ndim:
        return theirs.shape == right.shape  # a row in place of a column is transposed
    return theirs.size == right.size and theirs.squeeze().shape == right.squeeze().shape


def matches(
    returned: Sequence[Leaf], truth: Truth, samples: int, *, decisive: bool = False
) -> list[Match]:
    """Return the inputs of returned arrays.

    Names decide where they are keys of a dictionary, or name an input each; otherwise an assignment
    in which all gradients are right is preferred to any other.

    Parameters
    ----------
    returned : sequence of Leaf
    truth : Truth
    samples : int
        The number of samples, by which gradients may be divided.
    decisive : bool
        Whether names of returned arrays decide although only some of them name an input.

    Returns
    -------
    list of Match
        In the order of `returned`.
    """
    return list(map(_labeled, _paired(returned, truth, samples, decisive=decisive)))


def _labeled(match: Match) -> Match:
    """Return a match in which an array without a name is named after its input."""
    named = is_name(match.label) or not match.variable
    return match if named else replace(match, label=f"d{match.variable}")


def _paired(returned: Sequence[Leaf], truth: Truth, samples: int, *, decisive: bool) -> list[Match]:
    """Return the inputs of returned arrays, by names if each names another input."""
    named = {i: _named(leaf.name, list(truth.gradients)) for i, leaf in enumerate(returned)}
    unique = len(set(named.values())) == len(named)
    if all(named.values()) and unique:
        return [_compare(leaf, str(named[i]), truth, samples) for i, leaf in enumerate(returned)]
    fixed = {i: name for i, name in named.items() if name and decisive}
    return _assigned(returned, truth, samples, fixed)


def _assigned(
    returned: Sequence[Leaf], truth: Truth, samples: int, fixed: Mapping[int, str]
) -> list[Match]:
    """Assign inputs to returned arrays: by agreement first, then by shape and order."""
    found: dict[int, Match] = {
        i: _compare(returned[i], n, truth, samples) for i, n in fixed.items()
    }
    for want in ({"right", "close"}, {"over samples"}, {"wrong"}):
        for i, leaf in enumerate(returned):
            taken = {match.variable for match in found.values()}
            options = [
                _compare(leaf, name, truth, samples)
                for name in truth.gradients
                if name not in taken
            ]
            fitting = [m for m in options if m.status in want and m.same_shape]
            if i not in found and fitting:
                found[i] = fitting[0]
    left = [n for n in truth.gradients if n not in {m.variable for m in found.values()}]
    for i, leaf in enumerate(returned):
        if i not in found:
            guess = _named(leaf.name, left) or _by_place(i, list(truth.gradients), left)
            left = [name for name in left if name != guess]
            found[i] = _compare(leaf, guess, truth, samples) if guess else _alone(leaf)
    return [found[i] for i in range(len(returned))]


def _by_place(place: int, names: list[str], left: list[str]) -> str:
    """Return the input at the same place as a returned array, if it is not taken."""
    return names[place] if place < len(names) and names[place] in left else ""


def _alone(leaf: Leaf) -> Match:
    return Match(leaf.name, "", leaf.array)


def _named(label: str, names: Sequence[str]) -> str:
    """Return the input that a returned array is named after: dW for W, grad_x for x."""
    plain = label.lower().replace("_", "")
    for name in names:
        own = name.lower().replace("_", "")
        if plain in (f"d{own}", f"grad{own}", f"{own}grad", f"g{own}", f"d{own}grad", f"dl{own}"):
            return name
    return ""


def _compare(leaf: Leaf, name: str, truth: Truth, samples: int) -> Match:
    """Return a returned array and the right gradient of an input."""
    right, theirs = truth.gradients[name], leaf.array
    match = Match(leaf.name, name, theirs, right)
    if theirs is None or not fits(theirs, right) or not np.isfinite(theirs).all():
        return match
    scale = max(float(np.max(np.abs(g), initial=0.0)) for g in truth.gradients.values())
    status = _status(theirs.reshape(right.shape), right, truth.errors[name], scale, samples)
    return replace(match, status=status)


def _status(theirs: Array, right: Array, errors: Array, scale: float, samples: int) -> Status:
    single = theirs.dtype.kind == "f" and theirs.dtype.itemsize < 8
    loose = SINGLE if single else RIGHT
    if within(theirs, right, errors, scale, loose):
        return "right"
    if within(theirs, right, errors, 0.0, CLOSE):
        return "close"
    if samples > 1 and within(theirs * samples, right, errors, scale, loose):
        return "over samples"
    return "wrong"


def within(theirs: Array, right: Array, errors: Array, scale: float, tolerance: float) -> bool:
    """Return whether two arrays agree within a tolerance, relative to their largest entry."""
    largest = float(np.max(np.abs(right), initial=0.0))
    allowed = tolerance * largest + 1e-9 * scale + 5 * errors
    return bool((np.abs(theirs - right) <= allowed).all())


def is_name(text: str) -> bool:
    """Return whether a label is a name and not a place such as ``"return[0]"``."""
    return bool(re.fullmatch(r"\w+", text))
