"""A whole training step computed from equations: scopes of layers, loss and arrays, linked by name.

`wire` gives the same bits as the hand-written passes. Explanations read its scopes; the diagnosis
replaces equations in them to reproduce the mistakes of a program.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.batch import Batch
from chainrule.descriptions import check_type
from chainrule.equations import Scope, Value, free_names
from chainrule.errors import InputError, unknown
from chainrule.layout import Block
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import ClipNorm, Optimizer, OptimizerState

Array: TypeAlias = NDArray[Any]
Replacements: TypeAlias = Mapping[tuple[str | int, str], str]
Memory: TypeAlias = Mapping[str, Mapping[str, Value]]  # scope -> name -> value

# What clipping by norm multiplies each gradient by. For an infinite norm it is NaN, as in ClipNorm.
CLIP_FACTOR = "limit / where(norm > limit, norm, limit) + 0 * norm"


class Step(NamedTuple):
    """The scopes of one training step; each name in them is evaluated when it is first needed.

    Attributes
    ----------
    network : Network
    batch : Batch
    layers : tuple of Scope
        From the first layer to the last.
    loss, penalty, cost, clip : Scope
        ``cost["value"]`` is C, the loss plus the penalty; ``clip["norm"]`` is the gradient's norm.
    arrays : dict of str to Scope
        The optimizer's scope of each parameter array: w, d, dC, g, w_new and the slots.
    """

    network: Network
    batch: Batch
    layers: tuple[Scope, ...]
    loss: Scope
    penalty: Scope
    cost: Scope
    clip: Scope
    arrays: dict[str, Scope]

    @property
    def value(self) -> Value:
        """C, the loss plus the penalty."""
        return self.cost["value"]

    @property
    def gradient(self) -> Array:
        """∂C/∂θ, (parameters,), before clipping."""
        return self._join("dC")

    @property
    def theta_new(self) -> Array:
        """θ after the update, (parameters,)."""
        return self._join("w_new")

    def slots_new(self, optimizer: Optimizer) -> tuple[Array, ...]:
        """Return the optimizer's slots after the update, (parameters,) each."""
        return tuple(self._join(f"{slot}_new") for slot in optimizer.slots)

    def memory(self) -> dict[str, dict[str, Value]]:
        """Return the value of each ``q_new``, which is q in the next step, by scope and name q."""
        return {
            label: {n[:-4]: s[n] for n in s.equations if n.endswith("_new")}
            for label, s in self.scopes.items()
        }

    @property
    def scopes(self) -> dict[str, Scope]:
        """Every scope by its label."""
        others = (*self.layers, self.loss, self.penalty, self.cost, self.clip)
        return {s.label: s for s in others} | self.arrays

    def scope(self, label: str) -> Scope:
        """Return a scope by its label, such as ``"layer1"``, ``"loss"`` or ``"W2"``."""
        known = self.scopes
        if label not in known:
            raise unknown("scope", label, known)
        return known[label]

    def _join(self, name: str) -> Array:
        layout = self.network.layout
        arrays = {n: np.broadcast_to(s[name], np.shape(s["w"])) for n, s in self.arrays.items()}
        return layout.join(arrays, np.result_type(*arrays.values()))


def wire(
    network: Network,
    theta: Array,
    batch: Batch,
    optimizer: Optimizer | None = None,
    state: OptimizerState | None = None,
    *,
    mask_seed: MaskSeed | None = None,
    replace: Replacements | None = None,
    values: Memory | None = None,
) -> Step:
    """Return the scopes of one training step.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
    batch : Batch
        As ``network.batch`` makes it.
    optimizer : Optimizer, optional
        If None, the step ends at the gradient.
    state : OptimizerState, optional
        The optimizer's state; by default, that before the first update.
    mask_seed : MaskSeed, optional
        For dropout masks; if None, dropout is disabled.
    replace : mapping of (where, name) to str, optional
        Equations to use instead of the network's. `where` is ``"all"``, ``"hidden"``,
        ``"output"``, ``"not-first"`` (layers), a layer's number or label, ``"loss"``,
        ``"penalty"``, ``"optimizer"`` or an array such as ``"W2"``. A new name may be added if
        another replacement uses it; ``q_new`` adds a state q that starts at 0.
    values : mapping of str to mapping, optional
        Values by scope label and name, which take precedence over equations: such as ``memory()``
        of the step before.

    Returns
    -------
    Step

    Raises
    ------
    UnknownNameError
        If a replacement names an unknown place or equation.
    EquationError
        If a replacement does not parse; and, when it is evaluated, if it depends on itself.
    """
    theta, replace = network.layout.check(theta), replace or {}
    layers = _layer_scopes(network, theta, batch, mask_seed)
    loss = _loss_scope(network, batch)
    arrays = {b.name: _array_scope(network, b, optimizer) for b in network.layout.blocks}
    penalty, cost = _penalty_scope(network, batch), Scope("cost", {})
    clip = _clip_scope(network, optimizer)
    step = Step(network, batch, layers, loss, penalty, cost, clip, arrays)
    if optimizer is not None:
        bind_optimizer_state(step, optimizer, state or optimizer.start(theta, network.layout))
    for scope in step.scopes.values():
        scope.evaluation_stack = cost.evaluation_stack
    _link_layers(step)
    _link_arrays(step)
    _replace(step, _pairs(replace))
    for label, known in (values or {}).items():
        step.scope(label).values.update(known)
    return step


# ---- scopes -------------------------------------------------------------------------------------


def _layer_scopes(
    network: Network, theta: Array, batch: Batch, mask_seed: MaskSeed | None
) -> tuple[Scope, ...]:
    masks = network.masks(len(batch.x), mask_seed)
    scopes: list[Scope] = []
    for layer, label, params, mask in zip(
        network.layers, network.labels, network.params(theta), masks, strict=True
    ):
        given = {**params, **layer.constants, **({} if mask is None else {"mask": mask})}
        equations = layer.equations(training=mask_seed is not None)
        name = f"layer{label}" if label.isdigit() else label
        scopes.append(Scope(name, equations, given, layer.functions))
    return tuple(scopes)


def _loss_scope(network: Network, batch: Batch) -> Scope:
    loss = network.loss
    given = {"t": batch.t, "n": len(batch.x), **loss.constants}
    weight = {} if batch.weight is None else {"weight": batch.weight}
    if batch.weight is not None and batch.weight.ndim == 2:
        raise InputError(
            f"sample_weight has shape {batch.weight.shape}; a step is worked out with a weight for "
            "each sample, (n,)"
        )
    return Scope("loss", loss.equations(weighted=bool(weight)), {**given, **weight}, loss.functions)


def _penalty_scope(network: Network, batch: Batch) -> Scope:
    decaying = [b.name for b in network.layout.blocks if b.decays]
    if not (network.penalty and decaying):
        return Scope("penalty", {}, {"value": 0.0})
    given = {**network.penalty.constants, "total": batch.total}
    return Scope("penalty", network.penalty.equations(decaying), given)


def _clip_scope(network: Network, optimizer: Optimizer | None) -> Scope:
    if optimizer is None or not isinstance(optimizer.clip, ClipNorm):
        return Scope("clip", {})
    squares = " + ".join(f"{b.name}.squares" for b in network.layout.blocks if b.trains) or "0.0"
    equations = {"norm": f"sqrt({squares})", "factor": CLIP_FACTOR}
    return Scope("clip", equations, {"limit": optimizer.clip.limit})


def _array_scope(network: Network, block: Block, optimizer: Optimizer | None) -> Scope:
    """Return the scope of a parameter array: gradient, penalty, clipping, update in this order."""
    penalized = network.penalty and block.decays
    equations = network.penalty.array_equations() if penalized else {"dC": "d"}
    if optimizer is not None:
        clipping = optimizer.clip.equations() if optimizer.clip else {"g": "dC"}
        frozen = {"w_new": "w", **{f"{slot}_new": slot for slot in optimizer.slots}}
        equations |= {**clipping, **(optimizer.equations if block.trains else frozen)}
    limit = getattr(optimizer.clip, "limit", None) if optimizer else None
    return Scope(block.name, equations, {} if limit is None else {"limit": limit})


def bind_optimizer_state(step: Step, optimizer: Optimizer, state: OptimizerState) -> None:
    """Set each array's slots, and the constants of this update, as values of its scope."""
    for block in step.network.layout.blocks:
        scope = step.arrays[block.name]
        scope.values |= optimizer.constants(state.step + 1, 1.0 if block.decays else 0.0)
        scope.values["k"] = state.step + 1
        views = (block.view(slot) for slot in state.slots)
        scope.values |= dict(zip(optimizer.slots, views, strict=True))


# ---- links --------------------------------------------------------------------------------------


def _link_layers(step: Step) -> None:
    """Link each layer's x to the a below and its da to the dx above; the loss to the last layer."""
    # The data have a scope of their own, so that the first layer, too, has one below it.
    bottom = Scope("input", {}, {"a": step.batch.x, "z": step.batch.x})
    row: list[Scope] = [bottom, *step.layers]
    for below, scope, above in zip(row, row[1:], [*row[2:], None], strict=False):
        scope.links["x"] = (below, "a")
        scope.links["da"] = (step.loss, "do") if above is None else (above, "dx")
        scope.links["n"] = (step.loss, "n")
        scope.neighbors = {"below": below, "last": step.layers[-1], "loss": step.loss}
        scope.neighbors |= {"input": bottom, **step.arrays}
        if above is not None:
            scope.neighbors["above"] = above
    step.loss.links["o"] = (step.layers[-1], "a")
    step.loss.neighbors = {"last": step.layers[-1], "input": bottom}
    step.cost.equations["value"] = "data + penalty" if step.penalty.equations else "data"
    step.cost.links |= {"data": (step.loss, "value"), "penalty": (step.penalty, "value")}


def _link_arrays(step: Step) -> None:
    """Link each array's w and d to its layer, and the penalty's and clipping's names to theirs.

    Its neighbors above and below are the arrays of the same kind in the layers next to it.
    """
    previous: dict[str, Scope] = {}
    for block in step.network.layout.blocks:
        array, layer = step.arrays[block.name], step.layers[block.layer]
        array.links |= {"w": (layer, block.param), "d": (layer, f"d{block.param}")}
        array.links |= {n: (step.penalty, n) for n in ("l1", "l2", "alpha", "total")}
        array.links["factor"] = (step.clip, "factor")
        array.neighbors = {"layer": layer, "loss": step.loss, **step.arrays}
        layer.links[f"{block.param}_new"] = (array, "w_new")
        if (below := previous.get(block.param)) is not None:
            array.neighbors["below"], below.neighbors["above"] = below, array
        previous[block.param] = array
    step.penalty.neighbors = dict(step.arrays)
    step.clip.neighbors = dict(step.arrays)


# ---- replacements -------------------------------------------------------------------------------


def _pairs(replace: Mapping[Any, str]) -> dict[Any, str]:
    """Return replacements as a dict, or raise InputError if a key is not a pair."""
    check_type(replace, Mapping, "replace", "give a dict such as {('hidden', 'dx'): 'da'}")
    for key in replace:
        if not isinstance(key, tuple) or len(key) != 2:  # pyright: ignore[reportUnknownArgumentType]
            raise InputError(
                f"replace: the key {key!r} is not a pair (where, name); give one such as "
                "('hidden', 'dx')"
            )
    return dict(replace)


def _replace(step: Step, replace: dict[tuple[str | int, str], str]) -> None:
    """Replace equations; raise UnknownNameError for unknown places and names."""
    used = {n for text in replace.values() for n in _words(str(text))}
    places = _places(step) if replace else {}
    for (where, name), text in replace.items():
        at = _scopes_at(places, str(where))
        scopes = [s for s in at if name in s.equations or _addable(name, used)]
        if not scopes:
            raise unknown(f"equation of {where}", name, [n for s in at for n in s.equations])
        for s in scopes:
            s.equations[name] = text
            s.values.pop(name, None)  # a value would take precedence
            if name.endswith("_new") and name[:-4] not in s:  # a new state, which starts at 0
                s.values[name[:-4]] = np.zeros_like(s["w"]) if s.label in step.arrays else 0.0
        free_names(text)  # raises EquationError if the text does not parse


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


def _addable(name: str, used: set[str]) -> bool:
    """Return whether a new name is of use: another replacement uses it, or it is a state."""
    return name in used or (name.endswith("_new") and name[:-4] in used)


def _places(step: Step) -> dict[str, list[Scope]]:
    """Return the scopes that each `where` of a replacement stands for."""
    layers = list(step.layers)
    groups = {
        "all": layers,
        "hidden": layers[:-1],
        "output": layers[-1:],
        "not-first": layers[1:],
        "loss": [step.loss],
        "penalty": [step.penalty],
        "optimizer": list(step.arrays.values()),
    }
    named = {label: [s] for label, s in zip(step.network.labels, layers, strict=True)}
    arrays = {name: [s] for name, s in step.arrays.items()}
    return {**groups, **named, **arrays}


def _scopes_at(places: dict[str, list[Scope]], where: str) -> list[Scope]:
    """Return the scopes of a place, or raise an error if there are none."""
    if where not in places:
        raise unknown("place for an equation", where, places)
    if not places[where]:  # such as "hidden" in a network of one layer
        raise InputError(f"this network has no layer of the kind {where!r}; choose another place")
    return places[where]
