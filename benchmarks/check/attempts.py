"""Create attempts for `check`: functions, or numbers by name, with a mistake or without.

The mistakes are made with the engine's equations, and submitted as a learner would submit them.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.check.setups import Setup, mistakes_on, rule, setups
from chainrule.diagnosis.hypotheses import Variant
from chainrule.diagnosis.replay import Replay, Setting
from chainrule.diagnosis.sessions import Session
from chainrule.errors import ChainruleError
from chainrule.submission import samples_of_call
from chainrule.wiring import Step

Array: TypeAlias = NDArray[Any]

FORMS = ("gradients", "step", "dW numbers", "W_new numbers")
CONVENTIONS = ("rows, mean", "columns, sum", "without ½")
PRECISIONS = {
    "gradients": ("float64", "float32"),
    "step": ("float64", "float32"),
    "dW numbers": ("float64", "float32", "6 digits", "4 digits"),
    "W_new numbers": ("float64", "float32", "6 digits", "4 digits"),
}
UPDATES = ("step", "W_new numbers")
SHOWN = (("dC", "d{}"), ("w_new", "{}_new"))  # of an array's scope, and the key


@dataclass(frozen=True)
class Case:
    """One attempt.

    Parameters
    ----------
    setup_name : str
        The name of the network and its numbers in `setups`.
    optimizer : str
        Empty if gradients are submitted.
    number : int or None
        The index of the mistake in `mistakes_on`; None for a right attempt.
    form, convention, precision : str
    loss : bool
        Whether the loss is submitted, too.
    """

    setup_name: str
    optimizer: str
    number: int | None
    form: str
    convention: str
    precision: str
    loss: bool = False

    @property
    def setup(self) -> Setup:
        """The network with its numbers."""
        return setups()[self.setup_name]

    @property
    def variant(self) -> Variant | None:
        """The mistake."""
        return (
            None
            if self.number is None
            else mistakes_on(self.setup_name, self.optimizer)[self.number]
        )

    @property
    def id(self) -> str:
        """The mistake's id, or "none"."""
        return "none" if self.variant is None else self.variant.mistake.id

    @property
    def reports_numbers(self) -> bool:
        """Whether numbers are submitted instead of a function."""
        return self.form.endswith("numbers")

    @property
    def updates(self) -> bool:
        """Whether new weights are submitted instead of gradients."""
        return self.form in UPDATES

    def __str__(self) -> str:
        rule = f", {self.optimizer}" if self.optimizer not in ("", "sgd") else ""
        loss = ", with the loss" if self.loss else ""
        where = f"{self.setup_name}{rule}, {self.form}, {self.convention}, {self.precision}{loss}"
        return f"{self.id} [{where}] {equations_of(self.variant)}".strip()


def equations_of(variant: Variant | None) -> str:
    """Return the equations that make a mistake."""
    if variant is None:
        return ""
    return "; ".join(f"{where}.{name} = {text}" for (where, name), text in variant.replace.items())


def scale(convention: str, samples: int) -> float:
    """Return the factor by which a convention multiplies all gradients."""
    return {"rows, mean": 1.0, "columns, sum": float(samples), "without ½": 2.0}[convention]


class Numbers:
    """The numbers that the engine computes with a mistake, in successive calls.

    Parameters
    ----------
    case : Case
        Its network, optimizer, mistake and convention are used.
    dtype : str
    right : bool
        Whether to compute the right numbers.
    both : bool
        Whether to return gradients and new weights, whichever the case submits.
    """

    def __init__(
        self, case: Case, dtype: str = "float64", *, right: bool = False, both: bool = False
    ) -> None:
        self.shown = [pair for pair in SHOWN if both or (pair[0] == "w_new") == case.updates]
        self.case, self.dtype = case, dtype
        self.changes = () if right or case.variant is None else (case.variant,)
        keeps_state = case.optimizer not in ("", "sgd")
        self.keeps_state = keeps_state or any(v.form.needs_second_call for v in self.changes)

    def step(
        self,
        W: Sequence[Array],
        b: Sequence[Array],
        x: Array,
        t: Array,
        rate: float,
        past: list[Any],
    ) -> tuple[Step, Array]:
        """Return the wired step and its loss; it is appended to `past`, the previous calls."""
        network = self.case.setup.network
        theta = network.pack(W, b, self.dtype)
        setting = Setting(network, rule(self.case.optimizer, rate))
        before = list(past) if self.keeps_state else []
        at = len(before)  # replay.steps appends to the list
        first = x / samples_of_call(np.ones(()), at)  # a replay reduces the input from call to call
        session = Session(first.astype(self.dtype), t.astype(self.dtype), theta, ())
        replay = Replay(
            setting, session, self.changes, scale(self.case.convention, len(x)), None, before
        )
        step = replay.steps(at)[0]
        past.append([step])
        loss = replay.value_of(at, "loss") if self.case.loss else np.zeros(())
        return step, np.asarray(loss, float)

    def answers(
        self,
        W: Sequence[Array],
        b: Sequence[Array],
        x: Array,
        t: Array,
        rate: float,
        past: list[Any],
    ) -> dict[str, Array]:
        """Return the arrays of one call by name."""
        with np.errstate(all="ignore"):
            step, loss = self.step(W, b, x, t, rate, past)
            found = {
                key.format(label): np.asarray(scope[name], self.dtype)
                for name, key in self.shown
                for label, scope in step.arrays.items()
            }
            if self.case.loss:
                found["loss"] = loss * scale(self.case.convention, len(x))
        return found

    def calls(
        self, setup: Setup, count: int, right: "Numbers | None" = None
    ) -> Iterator[tuple[dict[str, Array], dict[str, Array]]]:
        """Yield the arrays of successive calls and the right ones; of new parameters, the changes.

        Each call continues from the results of the previous one. If gradients are returned, its
        input is a little smaller each time, as in `check`. The calls end if the mistake cannot be
        computed or changes the shapes of parameters.
        """
        W, b, pasts = list(setup.W), list(setup.b), ([], [])
        fading = any(label == "dC" for label, _ in self.shown)
        for call in range(count):
            given = (
                W,
                b,
                samples_of_call(setup.x, call) if fading else setup.x,
                setup.t,
                setup.rate,
            )
            try:
                found = self.answers(*given, pasts[0])
            except (ChainruleError, ValueError, OverflowError):
                return
            good = right.answers(*given, pasts[1]) if right is not None else {}
            yield changes(found, W, b), changes(good, W, b)
            try:
                W = [found.get(f"W{i + 1}_new", w).reshape(w.shape) for i, w in enumerate(W)]
                b = [found.get(f"b{i + 1}_new", v).reshape(v.shape) for i, v in enumerate(b)]
            except ValueError:
                return


def changes(found: Mapping[str, Array], W: Sequence[Array], b: Sequence[Array]) -> dict[str, Array]:
    """Return arrays with changes instead of new parameters, if the shapes allow it."""
    old = {f"W{i + 1}_new": w for i, w in enumerate(W)}
    old |= {f"b{i + 1}_new": v for i, v in enumerate(b)}
    return {
        name: a - old[name] if name in old and a.shape == old[name].shape else a
        for name, a in found.items()
    }


def function(case: Case) -> Callable[..., Any]:
    """Return an attempt as a function of (weights, biases, x, t), for steps also learning_rate."""
    numbers, transposed = Numbers(case, case.precision), case.convention == "columns, sum"
    widths = case.setup.network.widths
    depth = len(widths) - 1
    memory: list[Any] = []

    def answer(weights: Any, biases: Any, x: Any, t: Any, rate: float, past: list[Any]) -> Any:
        W, b, x, t = _plain(weights, biases, x, t, widths, transposed=transposed)
        found = numbers.answers(W, b, x, t, rate, past)
        stem = "{}{}_new" if case.updates else "d{}{}"
        arrays = {n: a.T if transposed and n != "loss" else a for n, a in found.items()}
        out = tuple(
            [arrays[stem.format(letter, i)] for i in range(1, depth + 1)] for letter in "Wb"
        )
        return (*out, float(found["loss"])) if case.loss else out

    def gradients(weights: Any, biases: Any, x: Any, t: Any) -> Any:
        return answer(weights, biases, x, t, 1.0, gradients.past)  # type: ignore[attr-defined]

    def step(weights: Any, biases: Any, x: Any, t: Any, learning_rate: float) -> Any:
        return answer(weights, biases, x, t, learning_rate, step.past)  # type: ignore[attr-defined]

    chosen = step if case.updates else gradients
    chosen.past = memory  # type: ignore[attr-defined] (the state is an attribute of the function)
    return chosen


def _plain(
    weights: Any, biases: Any, x: Any, t: Any, widths: Sequence[int], *, transposed: bool
) -> tuple[list[Array], list[Array], Array, Array]:
    """Return arguments in the engine's layout.

    Raises
    ------
    ValueError
        If they do not have the layout of the program.
    """
    W = [np.asarray(w).T if transposed else np.asarray(w) for w in weights]
    b = [np.asarray(v).reshape(-1) for v in biases]
    x, t = (np.asarray(a).T if transposed else np.asarray(a) for a in (x, t))
    shapes = [(out, inn) for inn, out in itertools.pairwise(widths)]
    fits = [w.shape for w in W] == shapes and [len(v) for v in b] == list(widths[1:])
    if (
        not fits
        or x.ndim != 2
        or t.ndim != 2
        or (x.shape[1], t.shape[1]) != (widths[0], widths[-1])
    ):
        raise ValueError("the shapes do not fit the network")
    return W, b, x, t


def reported_numbers(case: Case) -> dict[str, Any]:
    """Return an attempt as numbers by name, with the digits of its precision."""
    g = case.setup
    dtype = "float32" if case.precision == "float32" else "float64"
    found = Numbers(case, dtype).answers(g.W, g.b, g.x, g.t, g.rate, [])
    transposed = case.convention == "columns, sum"
    arrays = {n: a.T if transposed and n.lstrip("d")[0] == "W" else a for n, a in found.items()}
    if case.precision in ("float64", "float32"):
        return arrays
    digits = int(case.precision.split()[0])
    return {name: as_texts(array, digits) for name, array in arrays.items()}


def as_texts(array: Array, digits: int) -> Any:
    """Return numbers as texts with this many significant digits."""
    if array.ndim == 0:
        return f"{float(array):#.{digits}g}"
    return [as_texts(part, digits) for part in array]


def rounding(case: Case, array: Array) -> Array:
    """Return the largest rounding error of each number in a case's precision."""
    size = np.abs(array)
    if case.reports_numbers and case.precision.endswith("digits"):
        digits = int(case.precision.split()[0])
        with np.errstate(divide="ignore"):
            power = np.where(size > 0, np.floor(np.log10(np.where(size > 0, size, 1.0))), 0.0)
        return 0.5 * 10.0 ** (power - digits + 1)
    relative = 3e-6 if case.precision == "float32" else 1e-11
    return relative * size


def declared(case: Case) -> Mapping[str, Any]:
    """Return the arguments of `check` in addition to the attempt."""
    g = case.setup
    options: dict[str, Any] = {}
    if case.updates and (case.reports_numbers or g.declared is None):
        options["learning_rate"] = g.rate
    if case.updates:
        options["optimizer"] = dataclasses.replace(rule(case.optimizer, g.rate))  # type: ignore[type-var]
    if g.declared is not None and not case.reports_numbers:
        return {"network": g.declared, **options}
    return {"network": g.network, "theta": g.theta, "x": g.x, "t": g.t, **options}
