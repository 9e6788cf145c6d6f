"""Replays what a program was asked, under a hypothesis: the engine's wiring with other equations.

Every number is evaluated when it is wanted, so that a wrong hypothesis costs little.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.diagnosis.hypotheses import Variant
from chainrule.equations import EquationError, free_names
from chainrule.network import Network
from chainrule.optimizers import Optimizer, OptimizerState
from chainrule.submission import samples_of_call
from chainrule.wiring import Step, wire

Array: TypeAlias = NDArray[Any]

# Where each quantity of a layer stands in the scopes.
OF_LOSS = {"p": "p", "o": "o", "do": "do", "terms": "terms", "error": "terms"}


@dataclass(frozen=True, eq=False)
class Seen:
    """An array as it was handed in.

    Parameters
    ----------
    name : str
        Such as ``"dW1"``, ``"W1_new"``, ``"delta2"``, ``"loss"``.
    values : array
        NaN where nothing was handed in, if `partial`.
    half : array or float
        How far each may be from the exact number because it was rounded.
    partial : bool
        Whether entries may be missing.
    shift : array or float
        From what was handed in to the middle of what it may stand for.
    """

    name: str
    values: Array
    half: Any = 0.0
    partial: bool = False
    shift: Any = 0.0


SINGLE_PRECISION = 5e-5  # relative, of what is computed in single precision


def _cut_off(seen: Seen) -> Seen:
    """Return an array whose numbers may lie up to a whole unit further from zero."""
    return replace(seen, half=1.5 * seen.half, shift=np.sign(seen.values) * seen.half / 2)


def _turned(seen: Seen) -> Seen:
    if not re.fullmatch(r"d?W\d+(_new)?", seen.name):
        return seen
    half = seen.half.T if np.shape(seen.half) else seen.half
    return replace(seen, values=seen.values.T, half=half)


@dataclass(frozen=True, eq=False)
class Session:
    """What was asked and answered: some calls in a row on one network's numbers.

    Parameters
    ----------
    x, t : array (n, d), (n, k)
    theta : array (parameters,)
        Before the first call.
    calls : tuple of tuple of Seen
        What each call gave, in the order in which it is computed.
    goes_on : bool
        Whether each call begins with what the one before gave, as updates do.
    tolerance : float
        Relative to the largest entry of an array, for rounding in the program's own arithmetic.
    widths : tuple of int
        Of a designed network's layers; empty where there is only the network declared.
    """

    x: Array
    t: Array
    theta: Array
    calls: tuple[tuple[Seen, ...], ...]
    goes_on: bool = False
    tolerance: float = 1e-9
    widths: tuple[int, ...] = ()

    @cached_property
    def floor(self) -> float:
        """What counts as rounding of a number that ought to be zero."""
        arrays = [a.values for call in self.calls for a in call if a.name != "loss"]
        sizes = [float(np.nanmax(np.abs(a), initial=0.0)) for a in arrays if a.size]
        return 1e-4 * self.tolerance * max((s for s in sizes if np.isfinite(s)), default=0.0)

    def at(self, call: int) -> Array:
        """Return the samples of a call."""
        return self.x if self.goes_on else samples_of_call(self.x, call)

    def cut_off(self) -> "Session":
        """Return the session with room for digits that were cut off instead of rounded."""
        return replace(self, calls=tuple(tuple(map(_cut_off, call)) for call in self.calls))

    def loosened(self) -> "Session":
        """Return the session with the tolerance of single precision."""
        return replace(self, tolerance=max(self.tolerance, SINGLE_PRECISION))

    def turned(self) -> "Session":
        """Return the session with every weight's array transposed."""
        calls = tuple(tuple(_turned(a) for a in call) for call in self.calls)
        return replace(self, calls=calls)

    def renamed(self, old: str, new: str) -> "Session":
        """Return the session with another name for one of its arrays."""
        calls = tuple(
            tuple(replace(a, name=new) if a.name == old else a for a in call) for call in self.calls
        )
        return replace(self, calls=calls)

    def without(self, name: str) -> "Session":
        """Return the session without what has a name."""
        calls = tuple(tuple(a for a in call if a.name != name) for call in self.calls)
        return replace(self, calls=calls)


@dataclass(frozen=True, eq=False)
class Setting:
    """What is taken to be right: the network, the optimizer, and how samples are gone through.

    Parameters
    ----------
    network : Network
    rule : Optimizer or None
    online : bool
        Whether each sample has an update of its own.
    """

    network: Network
    rule: Optimizer | None = None
    online: bool = False


@dataclass(eq=False)
class Replay:
    """A session under a hypothesis.

    Parameters
    ----------
    setting : Setting
    session : Session
    changes : tuple of Variant
    scale : float
        What the gradient of the loss is multiplied with before anything else.
    truth : Replay, optional
        The same without changes, whose numbers are taken where the changes do not reach.
    """

    setting: Setting
    session: Session
    changes: tuple[Variant, ...] = ()
    scale: float = 1.0
    truth: "Replay | None" = None
    _steps: list[list[Step]] = field(default_factory=list[list[Step]])

    def signal(self, call: int, name: str) -> Array:
        """Return the array of a name in a call; of a new parameter the change that is made to it.

        Raises
        ------
        EquationError
            If the hypothesis cannot be computed on this network.
        """
        if self.setting.online and not is_update(name):  # before the first sample's update
            return self._at_once(call).signal(0, name)
        steps = self._call(call)
        if is_late(name, self.changes):
            return np.asarray(self._after(steps[-1]))
        if is_update(name):
            label = name[:-4]
            first, last = steps[0].arrays[label], steps[-1].arrays[label]
            return np.asarray(last["w_new"] - first["w"])
        return np.asarray(read(steps[0], name))

    def _after(self, step: Step) -> Any:
        """Return the loss after an update."""
        s = self.session
        batch = Batch(s.x, s.t, None, float(len(s.x)))
        return self.setting.network.value(step.theta_new, batch)

    def _at_once(self, call: int) -> "Replay":
        """Return the call with all its samples together, at the parameters that it begins with."""
        start = theta_of(self._call(call)[0])
        session = replace(self.session, x=self.session.at(call), theta=start)
        return Replay(replace(self.setting, online=False), session, self.changes, self.scale)

    def steps(self, call: int = 0) -> list[Step]:
        """Return the scopes of a call: one, or one for each sample."""
        return self._call(call)

    def _call(self, call: int) -> list[Step]:
        while len(self._steps) <= call:
            self._steps.append(self._wire(len(self._steps)))
        return self._steps[call]

    def _wire(self, call: int) -> list[Step]:
        """Return the wired steps of a call, which goes on from the one before."""
        theta = self.session.theta
        before = self._steps[-1][-1] if self._steps else None
        if before is not None and self.session.goes_on:
            theta = after(self.session.calls[call - 1], before)
        chain: list[Step] = []
        batches = self._batches(call)
        for batch in batches:
            count = call * len(batches) + len(chain)
            step = self._step(theta, batch, count, chain[-1] if chain else before)
            chain.append(step)
            if self.setting.online and len(chain) < len(batches):
                theta = self._after_one(step)
        return chain

    def _after_one(self, step: Step) -> Array:
        try:
            return step.theta_new
        except ValueError as error:
            raise EquationError(f"an update has another shape: {error}") from None

    def _batches(self, call: int) -> list[Batch]:
        x, t = self.session.at(call), self.session.t
        if not self.setting.online:
            return [Batch(x, t, None, float(len(x)))]
        return [Batch(x[i : i + 1], t[i : i + 1], None, 1.0) for i in range(len(x))]

    def _step(self, theta: Array, batch: Batch, count: int, before: Step | None) -> Step:
        """Return the scopes of one update, with the memory of the one before."""
        network, rule = self.setting.network, self.setting.rule
        state = None
        if rule is not None:
            empty = tuple(np.zeros_like(theta) for _ in rule.slots)
            state = OptimizerState(count, empty, network.layout)
        given = memory(before) if before is not None else {}
        if self._shares(before):
            given |= unreached(self.truth.steps(count)[0], self.changes)  # pyright: ignore[reportOptionalMemberAccess]
        step = wire(network, theta, batch, rule, state, replace=self._replaced(), values=given)
        self._add_numbers(step, count + 1)
        return step

    def _add_numbers(self, step: Step, k: int) -> None:
        """Give every scope the single numbers that replaced equations name beyond its own."""
        named = {n for v in self.changes for text in v.replace.values() for n in free_names(text)}
        rule = self.setting.rule
        rate = {} if rule is None else {"learning_rate": rule.constants(k, 0.0)["learning_rate"]}
        n = len(step.batch.x)
        # raw * da is a sample's own error, whatever convention the scale is
        numbers = {"outputs": step.network.outputs, "n": n, "raw": n / abs(self.scale), "k": k}
        numbers |= rate
        for name in named & numbers.keys():
            for scope in step.scopes.values():
                if name not in scope:
                    scope.values[name] = numbers[name]

    def _shares(self, before: Step | None) -> bool:
        """Tell whether the truth has gone through the same numbers."""
        if self.truth is None or self.setting.online or not self.changes:
            return False
        if before is None or not self.session.goes_on:
            return before is None
        names = {seen.name for call in self.session.calls for seen in call}
        return all(f"{label}_new" in names for label in before.arrays)  # the same parameters

    def _replaced(self) -> dict[tuple[str | int, str], str]:
        network = self.setting.network
        changed: dict[tuple[str | int, str], str] = {}
        for variant in self.changes:
            changed |= variant.replace
        if self.scale != 1.0:
            own = changed.get(("loss", "do"), network.loss.equations()["do"])
            sign = "-" if self.scale < 0 else ""
            changed["loss", "do"] = f"{sign}{abs(self.scale)!r} * ({own})"
        return changed


def is_late(name: str, changes: Iterable[Variant]) -> bool:
    """Tell whether a name is that of a loss which is taken after the update."""
    return name == "loss" and any(v.form.after for v in changes)


def is_update(name: str) -> bool:
    """Tell whether a name is that of new parameters, such as ``"W1_new"``."""
    return name.endswith("_new") and "_" not in name[:-4]


def read(step: Step, name: str) -> Any:
    """Return the array that a key names, out of the scopes.

    Raises
    ------
    EquationError
        If this network has none of that name.
    """
    if name in ("loss", "penalty"):
        return step.value if name == "loss" else step.penalty["value"]
    if name in OF_LOSS:
        return step.loss[OF_LOSS[name]]
    arrays, labels = step.arrays, step.network.labels
    if name.startswith("d") and name[1:] in arrays:
        return arrays[name[1:]]["dC"]
    own, _, label = name.removesuffix("_new").rpartition("_")  # m_W1_new, g_b2
    if label in arrays and own:
        return arrays[label][own + ("_new" if name.endswith("_new") else "")]
    if name.startswith("delta_sample"):
        return len(step.batch.x) * read(step, name.replace("_sample", ""))
    for label, scope in zip(labels, step.layers, strict=True):
        stem = name.removesuffix(label) if label.isdigit() else name.removesuffix(f"_{label}")
        if stem != name and stem in scope:
            return scope[stem]
    raise EquationError(f"no quantity is called {name!r} here")


BACKWARD = ("da", "delta", "dW", "db", "dx")


def unreached(truth: Step, changes: Iterable[Variant]) -> dict[str, dict[str, Any]]:
    """Return the numbers of the truth that changes of the backward pass do not reach, by scope.

    Nothing, if a change is in the forward pass or the loss.
    """
    changed = {key for v in changes for key in v.replace if key[0] not in truth.arrays}
    labels = truth.network.labels
    if any(where == "loss" or name not in BACKWARD for where, name in changed):
        return {}
    highest = max((labels.index(where) for where, _ in changed), default=-1)
    given = {"loss": {n: truth.loss[n] for n in ("p", "do")}}
    for place, scope in enumerate(truth.layers):
        names = ("z", "a", "delta", "dW", "db", "dx") if place > highest else ("z", "a")
        given[scope.label] = {n: scope[n] for n in names if n in scope.equations}
    return given


def memory(step: Step) -> dict[str, dict[str, Any]]:
    """Return what the next call finds of this one: slots and added states, by scope."""
    scopes = {**step.arrays, **{scope.label: scope for scope in step.layers}}
    return {
        label: {n[:-4]: scope[n] for n in scope.equations if n.endswith("_new") and n != "w_new"}
        for label, scope in scopes.items()
    }


def theta_of(step: Step) -> Array:
    """Return the parameters that a step begins with."""
    arrays = {label: np.asarray(scope["w"]) for label, scope in step.arrays.items()}
    return step.network.layout.join(arrays, np.float64)


def after(seen: Iterable[Seen], before: Step) -> Array:
    """Return the parameters that a call left: as handed in, else as the hypothesis has them."""
    given = {s.name: s.values for s in seen}
    arrays: dict[str, Array] = {}
    for label, scope in before.arrays.items():
        new = given.get(f"{label}_new")
        usable = new is not None and new.shape == np.shape(scope["w"]) and np.isfinite(new).all()
        arrays[label] = new if new is not None and usable else np.asarray(scope["w_new"])
    return before.network.layout.join(arrays, np.float64)
