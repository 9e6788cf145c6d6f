"""The gradient check: an analytic gradient against numerical derivatives, entry by entry.

It takes any value and any gradient, ours or yours. It says whether they agree and where not; which
mistake explains the difference is the work of ``diagnosis``.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.derivatives import STEP, Difference, central_difference, complex_step
from chainrule.descriptions import check_int
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]
ValueOf: TypeAlias = Callable[[Any], Any]

PER_ARRAY = 24  # entries sampled of each parameter array of a large network
ALL_BELOW = 300  # parameters: below, every entry is checked
RELATIVE = 1e-7  # of the larger of the two derivatives of an entry
UNSURE = 1e-3  # of the largest in its array: an error bar that says nothing,
NEGLIGIBLE = 1e-8  # unless it is smaller than this, of the largest of all
ROUGH = 1e-8  # relative rounding error of a function that leaves few digits: float32 has 6e-8
OF_ARRAY = 1e-10  # of the largest derivative in its array: what cancellation may leave


class Entry(NamedTuple):
    """One entry of θ, with both derivatives.

    Attributes
    ----------
    name : str
        Such as ``"W2[0,1]"``.
    analytic, numerical : float
    error : float
        The numerical derivative's error bar; 0 for the complex step.
    relative : float
        |analytic − numerical| over the larger of the two; 0 where both are 0.
    verdict : str
        ``"right"``, ``"wrong"``, ``"kink"`` where the function has no single slope, or ``"unsure"``
        where the error bar is too wide to tell.
    """

    name: str
    analytic: float
    numerical: float
    error: float
    relative: float
    verdict: str


@dataclass(frozen=True)
class GradientReport:
    """What a gradient check found; it is true where the gradient is right.

    Parameters
    ----------
    method : str
        ``"complex step"`` or ``"central differences"``.
    entries : tuple of Entry
        All that were checked.
    total : int
        The number of parameters.
    notes : tuple of str
        Advice, and what was done about it.
    """

    method: str
    entries: tuple[Entry, ...]
    total: int
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no entry is wrong, and at least one could be judged."""
        verdicts = [e.verdict for e in self.entries]
        return "wrong" not in verdicts and "right" in verdicts

    @property
    def worst(self) -> Entry:
        """The entry with the largest relative error, wrong ones first, those not judged last."""
        order = {"wrong": 2, "right": 1}
        return max(self.entries, key=lambda e: (order.get(e.verdict, 0), e.relative))

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        wrong = [e for e in self.entries if e.verdict == "wrong"]
        verdict = "right" if self.ok else "wrong" if wrong else "not judged"
        head = (
            f"gradient {verdict}: {len(self.entries)} of {self.total} "
            f"entries by {self.method}, {len(wrong)} wrong, worst relative error "
            f"{self.worst.relative:.2g} at {self.worst.name}"
        )
        rows = [
            f"  {e.name}: {e.analytic:.9g}, numerically {e.numerical:.9g} ± {e.error:.1g}"
            for e in wrong[:10]
        ]
        return "\n".join([head, *rows, *(f"  note: {n}" for n in self.notes)])


def check_gradient(
    value: ValueOf,
    gradient: Callable[[Any], ArrayLike] | ArrayLike,
    theta: ArrayLike,
    *,
    arrays: Mapping[str, tuple[int, ...]] | None = None,
    seed: int = 0,
    entries: int | None = None,
) -> GradientReport:
    """Check a gradient against numerical derivatives of its function.

    Parameters
    ----------
    value : callable
        ``value(theta)`` returns a number; it should compute in the precision of θ. Where it takes
        complex θ, the complex step is used, once central differences have confirmed it.
    gradient : callable or array (parameters,)
        ``gradient(theta)``, or its result.
    theta : array (parameters,)
        Where; taken to float64.
    arrays : mapping of str to tuple of int, optional
        Names and shapes of the parameter arrays in θ, in order, so that some entries of every one
        are checked and can be named.
    seed : int, default 0
        Of the sample of entries.
    entries : int, optional
        How many of each array; by default all of up to 300 parameters, else 24 of each array.

    Returns
    -------
    GradientReport

    Raises
    ------
    InputError
        If θ is empty or not finite, value gives no finite number, the gradient has another
        shape, or `arrays` do not make up θ.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import check_gradient
    >>> bool(check_gradient(lambda w: np.sum(w**3), lambda w: 3 * w**2, [1.0, 2.0]))
    True
    """
    given = _reals(theta, "theta")
    notes, point = _precision_note(given), given.astype(np.float64)
    if point.ndim != 1 or not len(point) or not np.isfinite(point).all():
        raise InputError(f"theta must be a vector of finite numbers, not {point!r}")
    analytic = _reals(gradient(point.copy()) if callable(gradient) else gradient, "the gradient")
    if analytic.shape != point.shape:
        raise InputError(
            f"the gradient has shape {analytic.shape}, but theta {point.shape}; return one "
            "derivative for each parameter"
        )
    shapes = dict(arrays) if arrays else {"theta": point.shape}
    if sum(map(math.prod, shapes.values())) != len(point):
        raise InputError(f"arrays={shapes} do not make up theta, {point.shape}; name every array")
    chosen = sample_entries(shapes, seed, entries)
    method, differences, more = _numerical(value, point, chosen, analytic)
    judged = _judge(chosen, analytic, differences)
    return GradientReport(method, tuple(judged), len(point), (*notes, *more, *_unjudged(judged)))


def _reals(values: ArrayLike, what: str) -> Array:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what} is no vector: {error}; give one flat array") from None
    if array.dtype.kind not in "buif":
        raise InputError(f"{what} has dtype {array.dtype}; give a vector of real numbers")
    return array


def merge_reports(reports: Sequence[GradientReport], samples: tuple[int, int]) -> GradientReport:
    """Return one report of several checks of the same parameters, on so many samples of so many."""
    entries = tuple(e for r in reports for e in r.entries)
    notes = dict.fromkeys(n for r in reports for n in r.notes)
    used, there = samples
    if used < there:
        notes[f"checked on the first {used} of {there} samples, which is enough"] = None
    total = sum(r.total for r in reports)
    return GradientReport(reports[0].method, entries, total, tuple(notes))


def _unjudged(entries: list[Entry]) -> list[str]:
    kinks = sum(e.verdict == "kink" for e in entries)
    unsure = sum(e.verdict == "unsure" for e in entries)
    notes = [f"{kinks} entries lie at a kink, where there is no single slope: not judged"]
    remedy = "compute value in float64, or check at another theta"
    notes += [f"{unsure} entries have error bars too wide to judge; {remedy}"]
    return [n for n, count in zip(notes, (kinks, unsure), strict=True) if count]


def sample_entries(
    shapes: Mapping[str, tuple[int, ...]], seed: int, entries: int | None
) -> dict[int, str]:
    """Return places in θ and their names: some of every array, so that biases cannot hide."""
    rng = np.random.default_rng(check_int(seed, "seed", 0))
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    few = total if total <= ALL_BELOW else PER_ARRAY
    most = few if entries is None else check_int(entries, "entries")
    chosen: dict[int, str] = {}
    start = 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        drawn: list[int] = rng.choice(size, min(most, size), replace=False).tolist()
        for i in sorted(drawn):
            place = ",".join(map(str, np.unravel_index(i, shape)))
            chosen[start + i] = f"{name}[{place}]"
        start += size
    return chosen


def _precision_note(theta: Array) -> list[str]:
    if theta.dtype != np.float32:
        return []
    return ["theta was float32: checked in float64, since float32 leaves 3 or 4 digits"]


# ---- numerical derivatives ----------------------------------------------------------------------


def numerical_gradient(value: ValueOf, theta: Array, analytic: Array) -> Array:
    """Return ∂value/∂θ for every entry, NaN at a kink, by the method that fits the function.

    Parameters
    ----------
    value : callable
        ``value(theta)`` returns a number.
    theta, analytic : array (parameters,), float64
        Where, and the gradient that it will stand beside; an entry that differs gets a second look.

    Returns
    -------
    array (parameters,)
    """
    chosen = {i: f"theta[{i}]" for i in range(len(theta))}
    _, differences, _ = _numerical(value, theta, chosen, analytic)
    return np.array([np.nan if d.kink else d.value for d in differences])


def _numerical(
    value: ValueOf, theta: Array, chosen: dict[int, str], analytic: Array
) -> tuple[str, list[Difference], list[str]]:
    """Return the method, a derivative for each chosen entry, and notes."""
    noise, places = _noise(value, theta), list(chosen)
    notes = ["value computes in float32: few digits remain"] if noise > ROUGH else []
    steps = None if noise > ROUGH else _complex(value, theta, places)
    if steps is not None:
        exact = [Difference(step, 0.0, STEP, kink=False) for step in steps.tolist()]
        verdicts = [e.verdict for e in _judge(chosen, analytic, exact)]
        accused = [i for i, verdict in zip(places, verdicts, strict=True) if verdict == "wrong"]
        of_each_array = {array_name(name): i for i, name in chosen.items()}.values()
        spread = places[:: max(1, len(places) // 4)]
        witnesses = dict.fromkeys([*spread, *of_each_array, *accused])
        second = {i: _central(value, theta, i, noise) for i in witnesses}
        first = dict(zip(places, exact, strict=True))
        if all(_agree(first[i], d) for i, d in second.items()):
            kinks = {i: second[i] for i in accused if second[i].kink}
            return "complex step", list((first | kinks).values()), notes
    differences = [_central(value, theta, i, noise) for i in places]
    return "central differences", differences, notes


def _noise(value: ValueOf, theta: Array) -> float:
    """Return the relative rounding error of a value: its third differences along a tiny line.

    In float64 nothing else is left of a smooth function there; the median is deaf to a single kink.
    """
    step = 2e-7 * (np.abs(theta) + 0.01)
    line = [np.asarray(value(theta + k * step)) for k in range(12)]
    if line[0].shape != () or line[0].dtype.kind not in "uif" or not np.isfinite(line[0]):
        raise InputError(f"value(theta) is {line[0]!r}; it must return one finite real number")
    numbers = np.array(line, dtype=np.float64)
    rough = np.median(np.abs(np.diff(numbers, 3))) / math.sqrt(20)  # each sums errors as 1, 3, 3, 1
    least = 2.0**-23 if line[0].dtype == np.float32 else 2.0**-52
    size = np.abs(numbers).max()
    return max(least, float(rough / size)) if size > 0 else least


def _complex(value: ValueOf, theta: Array, places: list[int]) -> Array | None:
    """Return complex-step derivatives, or None where the function does not take complex θ."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy warns when it drops an imaginary part
        try:
            steps = complex_step(value, theta, places)
        except Exception:  # noqa: BLE001 (a user's function may fail in any way here)
            return None
    return steps if np.isfinite(steps).all() else None


def _agree(exact: Difference, d: Difference) -> bool:
    """Tell whether a central difference bears a complex step out; at a kink it cannot."""
    return d.kink or not abs(exact.value - d.value) > 10 * d.error + 1e-6 * abs(d.value)


def _central(value: ValueOf, theta: Array, i: int, noise: float) -> Difference:
    point = theta.copy()

    def along(x: float) -> float:
        point[i] = x
        return float(value(point))

    return central_difference(along, float(theta[i]), max(0.1, abs(float(theta[i]))), noise)


# ---- judging ------------------------------------------------------------------------------------


def _judge(chosen: dict[int, str], analytic: Array, differences: list[Difference]) -> list[Entry]:
    largest: dict[str, float] = {}
    for name, d in zip(chosen.values(), differences, strict=True):
        largest[array_name(name)] = max(largest.get(array_name(name), 0.0), abs(d.value))
    everywhere = max(largest.values())
    return [
        _entry(name, float(analytic[i]), d, largest[array_name(name)], everywhere)
        for (i, name), d in zip(chosen.items(), differences, strict=True)
    ]


def array_name(name: str) -> str:
    """Return the array's name of an entry's: ``"W2[0,1]"`` -> ``"W2"``."""
    return name.partition("[")[0]


def _entry(name: str, analytic: float, d: Difference, largest: float, everywhere: float) -> Entry:
    gap, size = abs(analytic - d.value), max(abs(analytic), abs(d.value))
    tolerance = RELATIVE * size + OF_ARRAY * largest
    relative = gap / size if size else 0.0
    vague = size > 0 and d.error > max(UNSURE * largest, NEGLIGIBLE * everywhere)
    if not math.isfinite(analytic):
        verdict = "wrong"
    elif gap <= tolerance + 3 * d.error:
        verdict = "unsure" if vague else "right"
    elif d.kink or math.isinf(d.error):
        verdict = "kink" if d.kink else "unsure"
    else:
        verdict = "wrong"
    return Entry(name, analytic, d.value, d.error, relative, verdict)
