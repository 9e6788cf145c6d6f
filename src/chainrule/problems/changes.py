"""A problem made of settings: one to start from, or none, and what is changed about it.

What a setting may be is checked in settings.py; here the values must fit each other.
"""

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
from chainrule.problems.faults import SettingError, about
from chainrule.problems.model import Problem

NEEDED = ("layers", "inputs", "targets")  # by a problem that starts from none
PLANNED = ("activation", "loss", "output", "dropout")
PENALTIES = ("l1", "l2", "alpha")
TRAINED = {
    "learning-rate": ("learning_rate", float),
    "momentum": ("momentum", float),
    "clip-norm": ("clip", ClipNorm),
    "clip-value": ("clip", ClipValue),
}  # by setting: the optimizer's field, and what makes its value
NUMBERS = ("network", "x", "t", "weights", "biases", "sample_weights", "optimizer")

Settings = Mapping[str, Any]


def change(base: Problem | None, s: Settings) -> Problem:
    """Return a problem with changes.

    Parameters
    ----------
    base : Problem or None
        The problem to start from; without one, `s` gives layers, inputs and targets.
    s : mapping
        Checked settings.

    Returns
    -------
    Problem
        Its given weights are the base's only where its layers are.

    Raises
    ------
    SettingError
        If one is missing, fits no other, or would change nothing.
    """
    for key in NEEDED if base is None else ():
        if key not in s:
            raise SettingError(
                key, "is missing; give layers, inputs and targets, or a preset to start from"
            )
    network = network_of(base, s)
    made = Problem(
        name=base.name if base else "own",
        title="",
        source="",
        network=network,
        x=base.x if base else s["inputs"],
        t=base.t if base else s["targets"],
        optimizer=optimizer_of(base.optimizer if base else SGD(0.5), s),
        notation=s.get("notation", base.notation if base else "plain"),
        decimals=base.decimals if base else None,
    )
    return with_words(with_parameters(with_data(made, base, s), base, s), base, s)


def draws(problem: Problem) -> bool:
    """Tell whether a seed changes anything."""
    rates = [layer.rate for layer in problem.network.layers if isinstance(layer, Dropout)]
    return any(rates) or not np.array_equal(problem.theta(0), problem.theta(1))


# ---- the network --------------------------------------------------------------------------------


def network_of(base: Problem | None, s: Settings) -> Network:
    """Return the network: the base's plan with changes, built anew."""
    plan = plan_of(base.network) if base else {"activation": "logistic", "loss": SquaredError()}
    sizes = s.get("layers", plan.pop("sizes", ()))
    names = {"layer-norm": "layer_norm"} | {key: key for key in PLANNED}
    plan |= {name: s[key] for key, name in names.items() if key in s} | biases_of(plan, s)
    penalty = {key: s[key] for key in PENALTIES if key in s}
    plan["penalty"] = replace(plan.get("penalty", Penalty()), **penalty)
    with about("layers"):
        mlp(*sizes, activation="identity", loss="squared-error")
    with about("activation"):
        network = mlp(*sizes, **plan)
    refuse_idle(network, s)
    return network


def plan_of(network: Network) -> dict[str, Any]:
    """Return what `mlp` made a network of."""
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
    """Return the one activation that the output rule makes these of, else all of them."""
    last = Identity() if loss.owns_link else chosen[0]
    return chosen[0] if chosen == [chosen[0]] * (len(chosen) - 1) + [last] else chosen


def biases_of(plan: Mapping[str, Any], s: Settings) -> dict[str, bool]:
    """Return whether there are biases, and whether they train."""
    bias = s["biases"] != () if "biases" in s else plan.get("bias", True)
    if s.get("train-biases") and not bias:
        raise SettingError(
            "train-biases", "this network has no biases; give biases, or leave train-biases out"
        )
    return {"bias": bias, "train_biases": s.get("train-biases", plan.get("train_biases", True))}


def refuse_idle(network: Network, s: Settings) -> None:
    """Raise SettingError where a setting reaches no layer."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    for key in ("dropout", "layer-norm"):
        if s.get(key) and len(dense) == 1:
            raise SettingError(key, "stands behind hidden layers, and there is none; leave it out")
    named = s.get("activation")
    if isinstance(named, Activation) and named not in [layer.activation for layer in dense]:
        raise SettingError(
            "activation",
            f"no layer has {named.name}: the only one is the output, which loss or output decides; "
            "leave it out, or add a hidden layer",
        )
    if isinstance(named, tuple) and s.get("output", named[-1]) != named[-1]:
        raise SettingError(
            "output", f"activation names {named[-1].name} for the last layer; leave one of them out"
        )


# ---- how it is trained --------------------------------------------------------------------------


def optimizer_of(old: Optimizer | LBFGS, s: Settings) -> Optimizer | LBFGS:
    """Return the optimizer: another only where its kind is another, so that the rate is kept."""
    chosen = s.get("optimizer", old)
    rule = old if type(chosen) is type(old) else chosen
    for key, (field, make) in TRAINED.items():
        if key not in s:
            continue
        if not hasattr(rule, field):
            raise SettingError(
                key, f"{rule.name} has no {field}; leave it out, or choose another optimizer"
            )
        with about(key):
            # Every optimizer is a dataclass, which their family does not say.
            rule = replace(rule, **{field: make(s[key])})  # pyright: ignore[reportArgumentType]
    return rule


# ---- data ---------------------------------------------------------------------------------------


def with_data(problem: Problem, base: Problem | None, s: Settings) -> Problem:
    """Return the problem with its samples, which fit its network."""
    network = problem.network
    x = in_rows(s["inputs"], network.inputs) if "inputs" in s else problem.x
    with about("inputs"):
        X = network.samples(loaded(x), np.zeros(0))  # (n, inputs)
    t = s.get("targets", problem.t)
    with about("targets"):
        T = as_targets(loaded(t), len(X), network.outputs, network.loss, single=len(X) == 1)
    weights = s.get("sample-weights", base.sample_weights if base else ())
    with about("sample-weights"):
        normalize_weights(weights or None, len(X), np.float64)
    return replace(
        problem,
        x=nested(X.tolist()) if "inputs" in s else problem.x,
        t=nested(T.tolist()) if "targets" in s else problem.t,
        sample_weights=weights,
    )


def in_rows(given: Any, inputs: int) -> Any:
    """Return numbers in a row: those of one sample, or of samples with a single input."""
    if not isinstance(given, tuple) or any(isinstance(part, tuple) for part in given):
        return given
    return tuple((part,) for part in given) if inputs == 1 else (given,)


def loaded(rows: Any) -> Any:
    """Return rows, loaded if need be."""
    return rows() if callable(rows) else rows


def nested(lists: Any) -> Any:
    """Return lists of lists as tuples, which compare and hash."""
    return tuple(map(nested, lists)) if isinstance(lists, list) else lists


# ---- first parameters ---------------------------------------------------------------------------


def with_parameters(problem: Problem, base: Problem | None, s: Settings) -> Problem:
    """Return the problem with the parameters given, else the base's if its layers are the same."""
    same = base is not None and sizes_of(base.network) == sizes_of(problem.network)
    for key, param in (("weights", "W"), ("biases", "b")):
        given = s.get(key, getattr(base, key) if same else ())
        if given:
            with about(key):
                arrays = by_layer(problem.network, param, given)
                replace(problem, **{key: arrays}).theta()  # tells what does not fit
            problem = replace(problem, **{key: arrays})
    return problem


def sizes_of(network: Network) -> tuple[int, ...]:
    """Return the shapes of its weights."""
    return plan_of(network)["sizes"]


def by_layer(network: Network, param: str, given: Any) -> tuple[Any, ...]:
    """Return an array for each layer with parameters, of numbers in a row or of Dense layers' own.

    A LayerNorm that is not spoken of begins as it always does, with ones and zeros.
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
    """Return numbers in a row as arrays, in order."""
    total = sum(b.size for b in blocks)
    if len(given) != total:
        shapes = ", ".join(f"{b.name} {b.shape}" for b in blocks)
        raise InputError(
            f"{len(given)} numbers are given for {total}: {shapes}; give all, or a list for each"
        )
    bounds = np.cumsum([0, *(b.size for b in blocks)])
    return tuple(
        nested(np.reshape(given[start : start + b.size], b.shape).tolist())
        for b, start in zip(blocks, bounds, strict=False)
    )


# ---- words --------------------------------------------------------------------------------------


def with_words(made: Problem, base: Problem | None, s: Settings) -> Problem:
    """Return the problem with a title, a source, and the errata that still have a place in it."""
    title, source = describe(made.network), ""
    if base is not None:
        source = base.source if is_same(base, made) else f"{base.source}; changed here"
        if same_units_and_data(base, made):
            title = base.title
            if same_rule(base.optimizer, made.optimizer):
                made = replace(made, errata=base.errata)
    return replace(made, title=s.get("title", title), source=s.get("source", source))


def is_same(one: Problem, two: Problem) -> bool:
    """Tell whether two problems have the same numbers."""
    return all(getattr(one, name) == getattr(two, name) for name in NUMBERS)


def same_units_and_data(one: Problem, two: Problem) -> bool:
    """Tell whether two problems have the same units and data, however they are trained."""
    return (one.x, one.t) == (two.x, two.t) and untrained(one.network) == untrained(two.network)


def same_rule(one: Optimizer | LBFGS, two: Optimizer | LBFGS) -> bool:
    """Tell whether two optimizers differ in numbers alone.

    A mistake in the order of updates, as errata have it, is none that any rule can make: a norm is
    over all gradients, so that nothing can be updated before the last of them.
    """
    return type(one) is type(two) and getattr(one, "clip", None) == getattr(two, "clip", None)


def untrained(network: Network) -> Network:
    """Return a network without what matters in training alone."""
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
