"""The gradient check: compare an analytic gradient with numerical derivatives, entry by entry.

`check_gradient` takes any function and gradient; `check_objective` is the check of a network, which
`Network.check_gradient` calls. Which mistake explains a difference is found by `diagnosis`.
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

ALL_BELOW = 300  # with up to this many parameters, every entry is checked
PER_ARRAY = 24  # with more, this many entries of each parameter array
# An analytic derivative may differ from the numerical one by the sum of
RELATIVE = 1e-7  # × the larger of the two, and
OF_ARRAY = 1e-10  # × the largest derivative in its array, which cancellation may leave.
# The complex step is used if central differences agree with it within
AGREE_ERRORS = 10  # × their error bar, and
AGREE_RELATIVE = 1e-6  # × their value.
# An error bar is too wide to judge by if it exceeds
UNSURE = 1e-3  # × the largest derivative in the entry's array, and
NEGLIGIBLE = 1e-8  # × the largest derivative of all arrays.
ROUGH = 1e-8  # relative rounding error of a function that leaves few digits; float32 has 6e-8
DESCENT_STEPS = 10  # of training, before a network is checked for the second time


class Entry(NamedTuple):
    """One entry of θ with its two derivatives and the verdict on them.

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
        where the error bar is too wide to judge.
    """

    name: str
    analytic: float
    numerical: float
    error: float
    relative: float
    verdict: str


@dataclass(frozen=True)
class GradientReport:
    """The result of a gradient check; it is true if the gradient is right.

    Parameters
    ----------
    method : str
        ``"complex step"`` or ``"central differences"``.
    entries : tuple of Entry
        The entries that were checked.
    total : int
        The number of parameters.
    notes : tuple of str
        What limits the check, such as a value that is computed in float32.
    """

    method: str
    entries: tuple[Entry, ...]
    total: int
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no entry is wrong and at least one is right."""
        verdicts = [e.verdict for e in self.entries]
        return "wrong" not in verdicts and "right" in verdicts

    @property
    def worst(self) -> Entry:
        """The entry with the largest relative error; wrong ones first, those not judged last."""
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
            f"{self.worst.relative:.2g} at {place(self.worst)}"
        )
        rows = [
            f"  {place(e)}: {e.analytic:.9g}, numerically {e.numerical:.9g} ± {e.error:.1g}"
            for e in wrong[:10]
        ]
        return "\n".join([head, *rows, *(f"  note: {n}" for n in self.notes)])


def place(entry: Entry) -> str:
    """Return the name of an entry, then where it was checked: "W1[0,2] after 10 steps"."""
    where, _, name = entry.name.rpartition(" ")
    return f"{name} {where}" if where else name


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
        ``value(theta)`` returns a number; it should compute in the precision of θ. If it accepts
        complex θ, the complex step is used, after central differences have confirmed it.
    gradient : callable or array (parameters,)
        ``gradient(theta)``, or its result.
    theta : array (parameters,)
        The point at which to check; it is converted to float64.
    arrays : mapping of str to tuple of int, optional
        Names and shapes of the parameter arrays in θ, in order, so that some entries of each are
        checked, and the report can name them.
    seed : int, default 0
        Seed of the random choice of entries.
    entries : int, optional
        How many entries of each array to check; by default all of up to 300 parameters, else 24 of
        each array.

    Returns
    -------
    GradientReport

    Raises
    ------
    InputError
        If θ is empty or not finite, `value` does not return a finite number, the gradient has
        another shape than θ, or the sizes of `arrays` do not add up to that of θ.

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
        raise InputError(f"theta={point!r}: give a vector of finite numbers")
    analytic = _reals(gradient(point.copy()) if callable(gradient) else gradient, "the gradient")
    if analytic.shape != point.shape:
        raise InputError(
            f"the gradient has shape {analytic.shape}, but theta {point.shape}; return one "
            "derivative for each parameter"
        )
    shapes = dict(arrays) if arrays else {"theta": point.shape}
    if sum(map(math.prod, shapes.values())) != len(point):
        raise InputError(
            f"arrays={shapes}: their sizes do not add up to the {len(point)} parameters of theta; "
            "list the shape of every array"
        )
    chosen = sample_entries(shapes, seed, entries)
    method, differences, more = _numerical(value, point, chosen, analytic)
    judged = _judge(chosen, analytic, differences)
    notes = (*notes, *more, *_notes_on_unjudged(judged))
    return GradientReport(method, tuple(judged), len(point), notes)


def _reals(values: ArrayLike, what: str) -> Array:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what} is not a vector: {error}; give one flat array") from None
    if array.dtype.kind not in "buif":
        raise InputError(f"{what} has dtype {array.dtype}; give a vector of real numbers")
    return array


def _precision_note(theta: Array) -> list[str]:
    if theta.dtype != np.float32:
        return []
    return ["theta was float32: checked in float64, since float32 leaves 3 or 4 digits"]


def _notes_on_unjudged(entries: list[Entry]) -> list[str]:
    kinks = sum(e.verdict == "kink" for e in entries)
    unsure = sum(e.verdict == "unsure" for e in entries)
    notes = [f"{kinks} entries lie at a kink, where there is no single slope: not judged"]
    remedy = "compute value in float64, or check at another theta"
    notes += [f"{unsure} entries have error bars too wide to judge; {remedy}"]
    return [n for n, count in zip(notes, (kinks, unsure), strict=True) if count]


def sample_entries(
    shapes: Mapping[str, tuple[int, ...]], seed: int, entries: int | None
) -> dict[int, str]:
    """Return positions in θ and their names: some of each array, so that none is left unchecked."""
    rng = np.random.default_rng(check_int(seed, "seed", 0))
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    default = total if total <= ALL_BELOW else PER_ARRAY
    most = default if entries is None else check_int(entries, "entries")
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


# ---- the check of a network ---------------------------------------------------------------------


class Objective(NamedTuple):
    """What a network minimizes, as a function of θ.

    Attributes
    ----------
    value : callable
        ``value(theta)``, a number.
    gradient : callable
        ``gradient(theta)``, (parameters,): the analytic gradient, which is checked.
    arrays : mapping of str to tuple of int
        Names and shapes of the parameter arrays in θ, in order.
    """

    value: ValueOf
    gradient: Callable[[Any], Array]
    arrays: Mapping[str, tuple[int, ...]]


def check_objective(
    loss: Objective,
    penalized: Objective | None,
    theta: Array,
    *,
    seed: int,
    entries: int | None,
    samples: tuple[int, int],
) -> GradientReport:
    """Check a loss at θ and after ten steps of training, then the loss with its penalty.

    At initial weights some mistakes have no effect, such as behind weights of 0; after a few steps
    they do. The loss is checked without the penalty first, because a large penalty hides small
    errors in the gradient of the loss.

    Parameters
    ----------
    loss, penalized : Objective
        Without and with the penalty; None for `penalized` if there is no penalty.
    theta : array (parameters,), float64
    seed, entries : int
        As for `check_gradient`.
    samples : (int, int)
        The number of samples used, and of those available.
    """

    def check(objective: Objective, where: str, point: Array) -> GradientReport:
        arrays = {f"{where}{name}": shape for name, shape in objective.arrays.items()}
        value, gradient, _ = objective
        return check_gradient(value, gradient, point, arrays=arrays, seed=seed, entries=entries)

    later = descend(loss.gradient, theta)
    reports = [check(loss, "", theta), check(loss, f"after {DESCENT_STEPS} steps ", later)]
    if penalized is not None:
        reports.append(check(penalized, "with penalty ", theta))
    return merge_reports(reports, samples)


def descend(gradient: Callable[[Any], Array], theta: Array, steps: int = DESCENT_STEPS) -> Array:
    """Return θ, (parameters,), after some short steps of gradient descent."""
    for _ in range(steps):
        g = gradient(theta)  # (parameters,)
        step = (
            0.1 * g / np.abs(g).max(initial=1.0)
        )  # (parameters,); no entry moves by more than 0.1
        theta = theta - step if np.isfinite(step).all() else theta
    return theta


def merge_reports(reports: Sequence[GradientReport], samples: tuple[int, int]) -> GradientReport:
    """Merge reports on the same parameters; `samples` is (used, available)."""
    entries = tuple(e for r in reports for e in r.entries)
    notes = dict.fromkeys(n for r in reports for n in r.notes)  # each once, in order
    used, available = samples
    if used < available:
        notes[f"checked on the first {used} of {available} samples, which is enough"] = None
    total = sum(r.total for r in reports)
    return GradientReport(reports[0].method, entries, total, tuple(notes))


# ---- numerical derivatives ----------------------------------------------------------------------


def numerical_gradient(value: ValueOf, theta: Array, analytic: Array) -> Array:
    """Return ∂value/∂θ for every entry, NaN at a kink, by the method that suits the function.

    Parameters
    ----------
    value : callable
        ``value(theta)`` returns a number.
    theta : array (parameters,), float64
    analytic : array (parameters,), float64
        The gradient it will be compared with. Entries that differ from the complex step are
        computed by central differences, too.

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
    noise = _noise(value, theta)
    if noise > ROUGH:
        notes = ["value computes in float32: few digits remain"]
    else:
        notes: list[str] = []
        exact = _confirmed_complex_step(value, theta, chosen, analytic, noise)
        if exact is not None:
            return "complex step", exact, notes
    differences = [_central(value, theta, i, noise) for i in chosen]
    return "central differences", differences, notes


def _noise(value: ValueOf, theta: Array) -> float:
    """Return the relative rounding error of a value: its third differences along a tiny line.

    In float64, nothing but rounding is left of the third differences of a smooth function over so
    short a line. The median ignores a single kink.
    """
    step = 2e-7 * (np.abs(theta) + 0.01)  # (parameters,)
    line = [np.asarray(value(theta + k * step)) for k in range(12)]
    if line[0].shape != () or line[0].dtype.kind not in "uif" or not np.isfinite(line[0]):
        raise InputError(f"value(theta) is {line[0]!r}; it must return one finite real number")
    values = np.array(line, dtype=np.float64)  # (12,)
    # A third difference adds four rounding errors with the weights 1, 3, 3, 1: 1 + 9 + 9 + 1 = 20.
    # Sorted, because np.median imports numpy.ma, a tenth of the time to start `chainrule explain`.
    median = np.sort(np.abs(np.diff(values, 3)))[4]  # of nine
    rough = median / math.sqrt(20)
    least = 2.0**-23 if line[0].dtype == np.float32 else 2.0**-52
    size = np.abs(values).max()
    return max(least, float(rough / size)) if size > 0 else least


def _confirmed_complex_step(
    value: ValueOf, theta: Array, chosen: dict[int, str], analytic: Array, noise: float
) -> list[Difference] | None:
    """Return complex-step derivatives, or None unless central differences agree with them.

    The complex step is exact for an analytic function. For others, such as ``|w|`` or a value that
    drops imaginary parts, it is wrong without a warning; hence the second opinion.
    """
    steps = _complex_step(value, theta, list(chosen))
    if steps is None:
        return None
    exact = {
        i: Difference(step, 0.0, STEP, kink=False)
        for i, step in zip(chosen, steps.tolist(), strict=True)
    }
    judged = _judge(chosen, analytic, list(exact.values()))
    suspect = [i for i, e in zip(chosen, judged, strict=True) if e.verdict == "wrong"]
    second_opinion = {
        i: _central(value, theta, i, noise) for i in _places_to_confirm(chosen, suspect)
    }
    if not all(_agree(exact[i], d) for i, d in second_opinion.items()):
        return None
    kinks = {i: second_opinion[i] for i in suspect if second_opinion[i].kink}
    return list((exact | kinks).values())


def _places_to_confirm(chosen: dict[int, str], suspect: list[int]) -> list[int]:
    """Return some entries of θ: about four evenly spaced, one of each array, and the suspects."""
    places = list(chosen)
    of_each_array = {array_name(name): i for i, name in chosen.items()}.values()
    spread = places[:: max(1, len(places) // 4)]
    return list(dict.fromkeys([*spread, *of_each_array, *suspect]))


def _complex_step(value: ValueOf, theta: Array, places: list[int]) -> Array | None:
    """Return complex-step derivatives, or None if the function does not accept complex θ."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy warns when it drops an imaginary part
        try:
            steps = complex_step(value, theta, places)
        except Exception:  # noqa: BLE001 (a user's function may fail in any way here)
            return None
    return steps if np.isfinite(steps).all() else None


def _agree(exact: Difference, d: Difference) -> bool:
    """Return whether a central difference confirms a complex step; at a kink it cannot judge."""
    tolerance = AGREE_ERRORS * d.error + AGREE_RELATIVE * abs(d.value)
    return d.kink or not abs(exact.value - d.value) > tolerance


def _central(value: ValueOf, theta: Array, i: int, noise: float) -> Difference:
    point = theta.copy()

    def along(x: float) -> float:
        point[i] = x
        return float(value(point))

    return central_difference(along, float(theta[i]), max(0.1, abs(float(theta[i]))), noise)


# ---- judging ------------------------------------------------------------------------------------


def _judge(chosen: dict[int, str], analytic: Array, differences: list[Difference]) -> list[Entry]:
    """Return the chosen entries with their verdicts; sizes are compared within each array."""
    largest: dict[str, float] = {}  # |derivative| by array
    for name, d in zip(chosen.values(), differences, strict=True):
        largest[array_name(name)] = max(largest.get(array_name(name), 0.0), abs(d.value))
    everywhere = max(largest.values())
    return [
        _entry(name, float(analytic[i]), d, largest[array_name(name)], everywhere)
        for (i, name), d in zip(chosen.items(), differences, strict=True)
    ]


def array_name(name: str) -> str:
    """Return the name of the array that an entry is in: ``"W2[0,1]"`` -> ``"W2"``."""
    return name.partition("[")[0]


def _entry(name: str, analytic: float, d: Difference, largest: float, everywhere: float) -> Entry:
    """Judge one entry; `largest` is of its array, `everywhere` of all arrays."""
    gap, size = abs(analytic - d.value), max(abs(analytic), abs(d.value))
    tolerance = RELATIVE * size + OF_ARRAY * largest
    relative = gap / size if size else 0.0
    vague = size > 0 and d.error > max(UNSURE * largest, NEGLIGIBLE * everywhere)
    if not math.isfinite(analytic):  # the value is finite, so its gradient must be
        verdict = "wrong"
    elif gap <= tolerance + 3 * d.error:
        verdict = "unsure" if vague else "right"
    elif d.kink or math.isinf(d.error):
        verdict = "kink" if d.kink else "unsure"
    else:
        verdict = "wrong"
    return Entry(name, analytic, d.value, d.error, relative, verdict)
