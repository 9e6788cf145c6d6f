"""Repeat the calls that an attempt answered under a hypothesis, with replaced equations.

Values are evaluated lazily, so that a wrong hypothesis is rejected at little cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.diagnosis.hypotheses import Variant
from chainrule.diagnosis.sessions import Observed, Session
from chainrule.equations import EquationError, free_names
from chainrule.network import Network
from chainrule.optimizers import Optimizer, OptimizerState
from chainrule.wiring import Step, wire

Array: TypeAlias = NDArray[Any]

# Keys of quantities in the scope of the loss, and their names there.
LOSS_QUANTITIES = {"p": "p", "o": "o", "do": "do", "terms": "terms", "error": "terms"}


@dataclass(frozen=True, eq=False)
class Setting:
    """The network, the optimizer and the update mode that an attempt is compared with.

    Parameters
    ----------
    network : Network
    rule : Optimizer or None
    online : bool
        Whether there is one update per sample.
    """

    network: Network
    rule: Optimizer | None = None
    online: bool = False


@dataclass(eq=False)
class Replay:
    """A session computed under a hypothesis.

    Parameters
    ----------
    setting : Setting
    session : Session
    changes : tuple of Variant
    scale : float
        A factor that multiplies the gradient of the loss.
    reference : Replay, optional
        The same without changes; its values are reused wherever the changes have no effect.
    """

    setting: Setting
    session: Session
    changes: tuple[Variant, ...] = ()
    scale: float = 1.0
    reference: "Replay | None" = None
    _steps: list[list[Step]] = field(default_factory=list[list[Step]])

    def value_of(self, call: int, name: str) -> Array:
        """Return an array of a call by its name; for a new parameter, the change made to it.

        Raises
        ------
        EquationError
            If the hypothesis cannot be computed on this network.
        """
        if self.setting.online and not is_update(name):  # computed before the first update
            return self._full_batch(call).value_of(0, name)
        steps = self.steps(call)
        if is_loss_after_update(name, self.changes):
            return np.asarray(self._loss_after_update(steps[-1]))
        if is_update(name):
            label = name[:-4]
            first, last = steps[0].arrays[label], steps[-1].arrays[label]
            return np.asarray(last["w_new"] - first["w"])
        return np.asarray(quantity_of(steps[0], name))

    def _loss_after_update(self, step: Step) -> Any:
        """Return the loss over all samples after an update."""
        s = self.session
        batch = Batch(s.x, s.t, None, float(len(s.x)))
        return self.setting.network.value(step.theta_new, batch)

    def _full_batch(self, call: int) -> "Replay":
        """Return a replay of one call in which all samples form one batch."""
        start = theta_before(self.steps(call)[0])
        session = replace(self.session, x=self.session.samples_of(call), theta=start)
        return Replay(replace(self.setting, online=False), session, self.changes, self.scale)

    def steps(self, call: int = 0) -> list[Step]:
        """Return the wired steps of a call: one, or one per sample."""
        while len(self._steps) <= call:
            self._steps.append(self._wired_steps(len(self._steps)))
        return self._steps[call]

    def _wired_steps(self, call: int) -> list[Step]:
        """Return the wired steps of a call, which continues from the previous one."""
        theta = self.session.theta
        before = self._steps[-1][-1] if self._steps else None
        if before is not None and self.session.sequential:
            theta = theta_after(self.session.calls[call - 1], before)
        chain: list[Step] = []
        batches = self._batches(call)
        for batch in batches:
            count = call * len(batches) + len(chain)
            step = self._wired_step(theta, batch, count, chain[-1] if chain else before)
            chain.append(step)
            if self.setting.online and len(chain) < len(batches):
                theta = self._updated_theta(step)
        return chain

    def _updated_theta(self, step: Step) -> Array:
        try:
            return step.theta_new
        except ValueError as error:
            raise EquationError(f"an update has the wrong shape: {error}") from None

    def _batches(self, call: int) -> list[Batch]:
        x, t = self.session.samples_of(call), self.session.t
        if not self.setting.online:
            return [Batch(x, t, None, float(len(x)))]
        return [Batch(x[i : i + 1], t[i : i + 1], None, 1.0) for i in range(len(x))]

    def _wired_step(self, theta: Array, batch: Batch, count: int, before: Step | None) -> Step:
        """Return the wired step of one update, with the state left by the previous one."""
        network, rule = self.setting.network, self.setting.rule
        state = None
        if rule is not None:
            empty = tuple(np.zeros_like(theta) for _ in rule.slots)
            state = OptimizerState(count, empty, network.layout)
        given = carried_over(before) if before is not None else {}
        given |= self._reused_values(count, before)
        step = wire(network, theta, batch, rule, state, replace=self._replacements(), values=given)
        self._add_constants(step, count + 1)
        return step

    def _add_constants(self, step: Step, k: int) -> None:
        """Add the constants that replaced equations name to the scopes that lack them."""
        named = {n for v in self.changes for text in v.replace.values() for n in free_names(text)}
        rule = self.setting.rule
        rate = {} if rule is None else {"learning_rate": rule.constants(k, 0.0)["learning_rate"]}
        n = len(step.batch.x)
        # raw * da is the error of a single sample under every convention of scale
        numbers = {"outputs": step.network.outputs, "n": n, "raw": n / abs(self.scale), "k": k}
        numbers |= rate
        for name in named & numbers.keys():
            for scope in step.scopes.values():
                if name not in scope:
                    scope.values[name] = numbers[name]

    def _reused_values(self, count: int, before: Step | None) -> dict[str, dict[str, Any]]:
        """Return values of the reference, if its update starts from the same parameters."""
        if self.reference is None or self.setting.online or not self.changes:
            return {}
        if before is not None:
            names = {seen.name for call in self.session.calls for seen in call}
            all_known = all(f"{label}_new" in names for label in before.arrays)
            if not (self.session.sequential and all_known):
                return {}
        return unaffected_values(self.reference.steps(count)[0], self.changes)

    def _replacements(self) -> dict[tuple[str | int, str], str]:
        network = self.setting.network
        changed: dict[tuple[str | int, str], str] = {}
        for variant in self.changes:
            changed |= variant.replace
        if self.scale != 1.0:
            own = changed.get(("loss", "do"), network.loss.equations()["do"])
            sign = "-" if self.scale < 0 else ""
            changed["loss", "do"] = f"{sign}{abs(self.scale)!r} * ({own})"
        return changed


def is_loss_after_update(name: str, changes: Iterable[Variant]) -> bool:
    """Return whether a name is the loss, and a change says that it is computed after the update."""
    return name == "loss" and any(v.form.loss_after_update for v in changes)


def is_update(name: str) -> bool:
    """Return whether a name is that of updated parameters, such as ``"W1_new"``."""
    return name.endswith("_new") and "_" not in name[:-4]


def quantity_of(step: Step, name: str) -> Any:
    """Return the array with a given key from the scopes of a step.

    Raises
    ------
    EquationError
        If the network has no such quantity.
    """
    if name in ("loss", "penalty"):
        return step.value if name == "loss" else step.penalty["value"]
    if name in LOSS_QUANTITIES:
        return step.loss[LOSS_QUANTITIES[name]]
    arrays, labels = step.arrays, step.network.labels
    if name.startswith("d") and name[1:] in arrays:
        return arrays[name[1:]]["dC"]
    own, _, label = name.removesuffix("_new").rpartition("_")  # m_W1_new, g_b2
    if label in arrays and own:
        return arrays[label][own + ("_new" if name.endswith("_new") else "")]
    if name.startswith("delta_sample"):
        return len(step.batch.x) * quantity_of(step, name.replace("_sample", ""))
    for label, scope in zip(labels, step.layers, strict=True):
        stem = name.removesuffix(label) if label.isdigit() else name.removesuffix(f"_{label}")
        if stem != name and stem in scope:
            return scope[stem]
    raise EquationError(f"this network has no quantity named {name!r}")


BACKWARD = ("da", "delta", "dW", "db", "dx")


def unaffected_values(reference: Step, changes: Iterable[Variant]) -> dict[str, dict[str, Any]]:
    """Return the reference values that changes in the backward pass leave unaffected, by scope.

    The result is empty if a change is in the forward pass or in the loss.
    """
    changed = {key for v in changes for key in v.replace if key[0] not in reference.arrays}
    labels = reference.network.labels
    if any(where == "loss" or name not in BACKWARD for where, name in changed):
        return {}
    highest = max((labels.index(where) for where, _ in changed), default=-1)
    given = {"loss": {n: reference.loss[n] for n in ("p", "do")}}
    for place, scope in enumerate(reference.layers):
        names = ("z", "a", "delta", "dW", "db", "dx") if place > highest else ("z", "a")
        given[scope.label] = {n: scope[n] for n in names if n in scope.equations}
    return given


def carried_over(step: Step) -> dict[str, dict[str, Any]]:
    """Return what a step leaves for the next one: optimizer slots and added states, by scope."""
    scopes = {**step.arrays, **{scope.label: scope for scope in step.layers}}
    return {
        label: {n[:-4]: scope[n] for n in scope.equations if n.endswith("_new") and n != "w_new"}
        for label, scope in scopes.items()
    }


def theta_before(step: Step) -> Array:
    """Return the parameters that a step starts from."""
    arrays = {label: np.asarray(scope["w"]) for label, scope in step.arrays.items()}
    return step.network.layout.join(arrays, np.float64)


def theta_after(seen: Iterable[Observed], before: Step) -> Array:
    """Return the parameters after a call: as reported, otherwise as the hypothesis gives them."""
    given = {s.name: s.values for s in seen}
    arrays: dict[str, Array] = {}
    for label, scope in before.arrays.items():
        new = given.get(f"{label}_new")
        usable = new is not None and new.shape == np.shape(scope["w"]) and np.isfinite(new).all()
        arrays[label] = new if new is not None and usable else np.asarray(scope["w_new"])
    return before.network.layout.join(arrays, np.float64)
