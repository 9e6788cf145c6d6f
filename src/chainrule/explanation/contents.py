"""The arrays of a step in the order of a calculation by hand, and the reference of each entry."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.equations import Scope
from chainrule.explanation import chain
from chainrule.optimizers import Optimizer
from chainrule.pages import Index, Ref
from chainrule.wiring import Step

LOSS_NAMES = {"terms": "error", "value": "loss"}
OWN = "decay"  # the only optimizer constant that differs between arrays
PENALTY_SUMS = ("absolute", "square")  # each array's contributions to the penalty


class Array(NamedTuple):
    """One array of a step: the section it belongs to, its scope and its name there."""

    section: str
    scope: Scope
    name: str


def contents(step: Step, rule: Optimizer | None, pieces: tuple[str, ...] = ()) -> Iterator[Array]:
    """Yield all arrays of a step.

    Parameters
    ----------
    step : Step
    rule : Optimizer, optional
    pieces : tuple of str
        The parts of the chain rule that have rows of their own, as keys of `chain.PIECES`.
    """
    yield from _given(step, rule)
    yield from (Array("given", scope, "mask") for scope in step.layers if "mask" in scope)
    for scope in step.layers:
        yield from (Array("forward", scope, name) for name in forward_names(scope))
    yield from _error(step)
    yield Array("backward", step.loss, "do")
    for scope in reversed(step.layers):
        yield Array("backward", scope, "da")
        for name in scope.equations:
            if name not in forward_names(scope):
                before = (p for p in pieces if chain.PIECES[p].belongs(scope) == name)
                yield from (Array("backward", scope, piece) for piece in before)
                yield Array("backward", scope, name)
    if rule is not None:
        yield from _update(step, rule)


def _given(step: Step, rule: Optimizer | None) -> Iterator[Array]:
    """Yield inputs, targets, parameters, and the optimizer's constants and memory."""
    yield Array("given", step.layers[0].neighbors["input"], "a")
    yield Array("given", step.loss, "t")
    if "weight" in step.loss:
        yield Array("given", step.loss, "weight")
    for block in step.network.layout.blocks:
        yield Array("given", step.layers[block.layer], block.param)
    yield from _constants(step)
    if rule is None:
        return
    first = next(iter(step.arrays.values()))
    unused = {OWN, *({"k"} - rule.constants(1, 0.0).keys())}
    names = [name for name, value in first.values.items() if not np.shape(value)]
    yield from (Array("given", first, name) for name in names if name not in unused)
    for scope in step.arrays.values():
        own = [OWN] if OWN in scope.values else []
        yield from (Array("given", scope, name) for name in (*own, *rule.slots))


def _constants(step: Step) -> Iterator[Array]:
    """Yield the scalars that lines use: n, and the settings of layers, loss and penalty."""
    for scope in (*step.layers, step.loss, step.penalty):
        names = [n for n, value in scope.values.items() if not np.shape(value) and n != "value"]
        used = [n for n in names if n != "n" or scope["n"] > 1]
        yield from (Array("given", scope, name) for name in used)


def forward_names(scope: Scope) -> list[str]:
    """Return the names of a layer's forward pass, in order: those up to its output a."""
    order = list(scope.equations)
    return order[: order.index("a") + 1]


def _error(step: Step) -> Iterator[Array]:
    """Yield outputs, predictions, the errors and their mean, then the penalty."""
    yield Array("error", step.loss, "o")
    yield from (Array("error", step.loss, name) for name in step.loss.equations if name != "do")
    if step.penalty.equations:
        idle = unused(step)
        decaying = [step.arrays[b.name] for b in step.network.layout.blocks if b.decays]
        sums = [name for name in PENALTY_SUMS if name not in idle]
        yield from (Array("error", scope, name) for scope in decaying for name in sums)
        names = [name for name in step.penalty.equations if name not in idle]
        yield from (Array("error", step.penalty, name) for name in names)
        yield Array("error", step.cost, "value")


def unused(step: Step) -> set[str]:
    """Return the names that the penalty does not use because their factors are 0."""
    penalty = step.network.penalty
    of_l1 = ["absolute", "sign"] if not penalty.l1 else []
    of_l2 = ["square"] if not (penalty.l2 or penalty.alpha) else []
    return {*of_l1, *of_l2}


def _update(step: Step, rule: Optimizer) -> Iterator[Array]:
    """Yield the penalized gradients, then the clipping of all of them, then each array's update."""
    before = ("sign", "dpenalty", "dC", "squares")
    idle = unused(step)
    for block in step.network.layout.blocks:
        scope = step.arrays[block.name]
        names = [n for n in scope.equations if n in before and n not in idle]
        shown = (n for n in names if block.trains or n != "squares")
        yield from (Array("update", scope, name) for name in shown)
    yield from (Array("update", step.clip, name) for name in step.clip.equations)
    for scope in step.arrays.values():
        names = [n for n in scope.equations if n not in (*before, *PENALTY_SUMS)]
        yield from (Array("update", scope, name) for name in names)


# ---- references ---------------------------------------------------------------------------------


def refer(step: Step, scope: Scope, name: str, index: Index) -> Ref:
    """Return the reference of one entry of an array."""
    label = scope.label
    if label in step.arrays:
        return _of_array(step, scope, name, index)
    if label == "input":
        return Ref("x", "", index, sampled=bool(index))
    if label in ("loss", "derivation"):
        return Ref(LOSS_NAMES.get(name, name), "", index, sampled=bool(index))
    if label in ("cost", "penalty", "clip"):
        short = {"cost": "cost", "penalty": "penalty"}.get(label, name)
        return Ref(short if name == "value" else name, "", index, sampled=False)
    layer = label.removeprefix("layer") if label.startswith("layer") else label
    params = {b.param for b in step.network.layout.blocks if step.layers[b.layer] is scope}
    own = name.removeprefix("d") in params
    return Ref(name, layer, index, sampled=bool(index) and not own)


def _of_array(step: Step, scope: Scope, name: str, index: Index) -> Ref:
    block = next(b for b in step.network.layout.blocks if b.name == scope.label)
    layer = step.network.labels[block.layer]
    if name in scope.values and not np.shape(scope[name]) and name != OWN:
        return Ref(name, "", (), sampled=False)  # a constant such as the learning rate
    named = {"w": block.param, "d": f"d{block.param}", "w_new": f"{block.param}_new"}
    stem = name.removesuffix("_new")
    own = f"{stem}_{block.param}" + ("_new" if stem != name else "")
    return Ref(named.get(name, own), layer, index, sampled=False)
