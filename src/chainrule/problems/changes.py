"""Applies settings to a problem, or builds a problem from settings alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.activations import Activation, Identity
from chainrule.batch import as_targets, normalize_weights
from chainrule.errors import InputError
from chainrule.layers import Dense, Dropout, LayerNorm
from chainrule.layout import Block
from chainrule.losses import Loss, SquaredError
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import LBFGS, SGD, ClipNorm, ClipValue, Optimizer
from chainrule.penalties import Penalty
from chainrule.problems.errors import SettingError, setting_context
from chainrule.problems.model import Problem

REQUIRED = ("layers", "inputs", "targets")  # without a problem to start from
PLANNED = ("activation", "loss", "output", "dropout")
PENALTIES = ("l1", "l2", "alpha")
TRAINED = {
    "learning-rate": ("learning_rate", float),
    "momentum": ("momentum", float),
    "clip-norm": ("clip", ClipNorm),
    "clip-value": ("clip", ClipValue),
}  # by setting: the optimizer's field, and the conversion to its value
NUMBERS = ("network", "x", "t", "weights", "biases", "sample_weight", "optimizer")

Settings = Mapping[str, Any]


def change(base: Problem | None, s: Settings) -> Problem:
    """Return a problem with settings applied.

    Parameters
    ----------
    base : Problem or None
        The problem to start from; without one, `s` gives layers, inputs and targets.
    s : mapping
        Checked settings.

    Returns
    -------
    Problem
        It has the weights of `base` only if its layers have the same sizes.

    Raises
    ------
    SettingError
        If one is missing, contradicts another, or has no effect.
    """
    for key in REQUIRED if base is None else ():
        if key not in s:
            raise SettingError(
                key, "missing; give layers, inputs and targets, or a preset to start from"
            )
    network = network_of(base, s)
    made = Problem(
        name=base.name if base else "own",
        title="",
        source="",
        network=network,
        x=base.x if base else s["inputs"],
        t=base.t if base else s["targets"],
        optimizer=optimizer_of(base.optimizer if base else None, s),
        notation=s.get("notation", base.notation if base else "plain"),
        decimals=base.decimals if base else None,
    )
    return with_title(with_parameters(with_data(made, base, s), base, s), base, s)


def draws(problem: Problem) -> bool:
    """Return whether anything in the problem is random, so that a seed matters."""
    rates = [layer.rate for layer in problem.network.layers if isinstance(layer, Dropout)]
    return any(rates) or not np.array_equal(problem.theta(0), problem.theta(1))


# ---- the network --------------------------------------------------------------------------------


def network_of(base: Problem | None, s: Settings) -> Network:
    """Return a new network from the arguments of the base's, with changes."""
    plan = plan_of(base.network) if base else {"activation": "logistic", "loss": SquaredError()}
    sizes = s.get("layers", plan.pop("sizes", ()))
    names = {"layer-norm": "layer_norm"} | {key: key for key in PLANNED}
    plan |= {name: s[key] for key, name in names.items() if key in s} | biases_of(plan, s)
    penalty = {key: s[key] for key in PENALTIES if key in s}
    plan["penalty"] = replace(plan.get("penalty", Penalty()), **penalty)
    if len(sizes) < 2:
        raise SettingError("layers", "needs at least inputs and outputs, such as 2,3,1")
    with setting_context("layers"):
        mlp(*sizes, activation="identity", loss="squared-error")
    with setting_context("activation"):
        network = mlp(*sizes, **plan)
    reject_unused_settings(network, s)
    return network


def plan_of(network: Network) -> dict[str, Any]:
    """Return the arguments with which `mlp` builds a network."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    rates = [layer.rate for layer in network.layers if isinstance(layer, Dropout)]
    return {
        "sizes": (network.inputs, *(layer.units for layer in dense)),
        "activation": one_or_all([layer.activation for layer in dense], network.loss),
        "loss": network.loss,
        "initializer": dense[0].initializer,
        "bias_initializer": dense[0].bias_initializer,
        "bias": dense[0].bias,
        "train_biases": dense[0].trains("b"),
        "dropout": rates[0] if rates else 0.0,
        "layer_norm": any(isinstance(layer, LayerNorm) for layer in network.layers),
        "penalty": network.penalty,
    }


def one_or_all(chosen: list[Activation], loss: Loss) -> Activation | list[Activation]:
    """Return the one activation from which the output rule makes these, or all of them."""
    last = Identity() if loss.owns_link else chosen[0]
    return chosen[0] if chosen == [chosen[0]] * (len(chosen) - 1) + [last] else chosen


def biases_of(plan: Mapping[str, Any], s: Settings) -> dict[str, bool]:
    """Return whether there are biases, and whether they train."""
    bias = s["biases"] != () if "biases" in s else plan.get("bias", True)
    if s.get("train-biases") and not bias:
        raise SettingError(
            "train-biases", "this network has no biases; give biases, or remove train-biases"
        )
    return {"bias": bias, "train_biases": s.get("train-biases", plan.get("train_biases", True))}


def reject_unused_settings(network: Network, s: Settings) -> None:
    """Raise SettingError if a setting applies to no layer."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    for key in ("dropout", "layer-norm"):
        if s.get(key) and len(dense) == 1:
            raise SettingError(key, "requires a hidden layer; add one to layers, or remove it")
    named = s.get("activation")
    if isinstance(named, Activation) and named not in [layer.activation for layer in dense]:
        raise SettingError(
            "activation",
            f"no layer uses {named.name}, because the output layer's activation follows from the "
            "loss or from output; remove it, or add a hidden layer",
        )
    if isinstance(named, tuple) and s.get("output", named[-1]) != named[-1]:
        raise SettingError(
            "output",
            f"contradicts activation, which names {named[-1].name} for the last layer; remove one "
            "of them",
        )


# ---- how it is trained --------------------------------------------------------------------------


def optimizer_of(old: Optimizer | LBFGS | None, s: Settings) -> Optimizer | LBFGS:
    """Return the optimizer with its settings.

    Another optimizer keeps the learning rate of the problem, so that a rate changes only where the
    learning rate is given. Without a problem to start from, an optimizer has its own default.
    """
    rule = replaced_optimizer(old, s["optimizer"]) if "optimizer" in s else old or SGD()
    for key, (field, make) in TRAINED.items():
        if key not in s:
            continue
        if not hasattr(rule, field):
            raise SettingError(
                key, f"{rule.name} does not use it; remove it, or choose another optimizer"
            )
        with setting_context(key):
            # Every optimizer is a dataclass, although the base class is not.
            rule = replace(rule, **{field: make(s[key])})  # pyright: ignore[reportArgumentType]
    return rule


def replaced_optimizer(old: Optimizer | LBFGS | None, new: Optimizer | LBFGS) -> Optimizer | LBFGS:
    """Return the new optimizer with the learning rate of the old; `old` if it is of that kind."""
    if old is not None and type(new) is type(old):
        return old
    if isinstance(old, Optimizer) and isinstance(new, Optimizer):
        return replace(new, learning_rate=old.learning_rate)  # pyright: ignore[reportArgumentType]
    return new


# ---- data ---------------------------------------------------------------------------------------


def with_data(problem: Problem, base: Problem | None, s: Settings) -> Problem:
    """Return the problem with its samples, which fit its network."""
    network = problem.network
    x = in_rows(s["inputs"], network.inputs) if "inputs" in s else problem.x
    with setting_context("inputs"):
        X = network.samples(loaded(x), np.zeros(0))  # (n, inputs)
    t = s.get("targets", problem.t)
    with setting_context("targets"):
        T = as_targets(loaded(t), len(X), network.outputs, network.loss, single=len(X) == 1)
    weights = s.get("sample-weight", base.sample_weight if base else ())
    with setting_context("sample-weight"):
        normalize_weights(weights or None, len(X), np.float64)
    return replace(
        problem,
        x=nested(X.tolist()) if "inputs" in s else problem.x,
        t=nested(T.tolist()) if "targets" in s else problem.t,
        sample_weight=weights,
    )


def in_rows(given: Any, inputs: int) -> Any:
    """Return a flat list of numbers as rows: one sample, or samples with a single input."""
    if not isinstance(given, tuple) or any(isinstance(part, tuple) for part in given):
        return given
    return tuple((part,) for part in given) if inputs == 1 else (given,)


def loaded(rows: Any) -> Any:
    """Return rows, loading them if necessary."""
    return rows() if callable(rows) else rows


def nested(lists: Any) -> Any:
    """Return lists of lists as tuples, which can be compared and hashed."""
    return tuple(map(nested, lists)) if isinstance(lists, list) else lists


# ---- first parameters ---------------------------------------------------------------------------


def with_parameters(problem: Problem, base: Problem | None, s: Settings) -> Problem:
    """Return the problem with the parameters given, or the base's if its sizes are the same."""
    same = base is not None and sizes_of(base.network) == sizes_of(problem.network)
    for key, param in (("weights", "W"), ("biases", "b")):
        given = s.get(key, getattr(base, key) if same else ())
        if given:
            with setting_context(key):
                arrays = by_layer(problem.network, param, given)
                replace(problem, **{key: arrays}).theta()  # raises if a shape is wrong
            problem = replace(problem, **{key: arrays})
    return problem


def sizes_of(network: Network) -> tuple[int, ...]:
    """Return the sizes of the layers, inputs first."""
    return plan_of(network)["sizes"]


def by_layer(network: Network, param: str, given: Any) -> tuple[Any, ...]:
    """Return an array for each layer with parameters, from a flat list or from arrays.

    If there are arrays for the Dense layers only, each LayerNorm starts with ones and zeros.
    """
    blocks = [b for b in network.layout.blocks if b.param == param]
    dense = [b for b in blocks if isinstance(network.layers[b.layer], Dense)]
    if not any(isinstance(part, tuple) for part in given):
        given = cut(dense, given)
    if not len(given) == len(dense) < len(blocks):
        return given
    own, start = iter(given), network.initialize(0)
    return tuple(next(own) if b in dense else nested(b.view(start).tolist()) for b in blocks)


def cut(blocks: list[Block], given: tuple[float, ...]) -> tuple[Any, ...]:
    """Split a flat list of numbers into arrays, in order."""
    total = sum(b.size for b in blocks)
    if len(given) != total:
        shapes = ", ".join(f"{b.name} {b.shape}" for b in blocks)
        raise InputError(
            f"got {len(given)} numbers, not {total} ({shapes}); give all, or a list for each layer"
        )
    bounds = np.cumsum([0, *(b.size for b in blocks)])
    return tuple(
        nested(np.reshape(given[start : start + b.size], b.shape).tolist())
        for b, start in zip(blocks, bounds, strict=False)
    )


# ---- titles -------------------------------------------------------------------------------------


def with_title(made: Problem, base: Problem | None, s: Settings) -> Problem:
    """Return the problem with a title, a source, and the errata that still apply to it."""
    title, source = describe(made.network), ""
    if base is not None:
        source = base.source if is_same(base, made) else f"{base.source}; changed here"
        if same_units_and_data(base, made):
            title = base.title
            if same_rule(base.optimizer, made.optimizer):
                made = replace(made, errata=base.errata)
    return replace(made, title=s.get("title", title), source=s.get("source", source))


def is_same(one: Problem, two: Problem) -> bool:
    """Return whether two problems have the same numbers."""
    return all(getattr(one, name) == getattr(two, name) for name in NUMBERS)


def same_units_and_data(one: Problem, two: Problem) -> bool:
    """Return whether two problems have the same units and data, however they are trained."""
    return (one.x, one.t) == (two.x, two.t) and untrained(one.network) == untrained(two.network)


def same_rule(one: Optimizer | LBFGS, two: Optimizer | LBFGS) -> bool:
    """Return whether two optimizers differ in numbers only.

    The errata are about updating weights too early. Other rules cannot make that mistake: clipping
    by norm, for example, requires all gradients before the first update.
    """
    return type(one) is type(two) and getattr(one, "clip", None) == getattr(two, "clip", None)


def untrained(network: Network) -> Network:
    """Return a network without what matters in training only."""
    layers = tuple(
        replace(layer, trainable=True) if isinstance(layer, Dense) else layer
        for layer in network.layers
    )
    return replace(network, layers=layers, penalty=Penalty())


def describe(network: Network) -> str:
    """Return a title, such as ``"A 2-3-1 network: tanh, identity, squared-error"``."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    sizes = "-".join(map(str, (network.inputs, *(layer.units for layer in dense))))
    names = dict.fromkeys(layer.activation.name for layer in dense)
    return f"A {sizes} network: {', '.join([*names, network.loss.name])}"
