"""Everything that is registered, as JSON: the equations, functions and defaults of the live page.

The page wires networks, losses and optimizers that nobody chose in Python, so it gets every entry
of the tables, not only those of one example.
"""

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import InputError
from chainrule.explorer.mistakes import catalogue
from chainrule.explorer.notations import text_tables
from chainrule.explorer.slopes import slope_of
from chainrule.explorer.trees import Tree, function_of, substituted, tree_of, trees_of
from chainrule.initializers import (
    INITIALIZERS,
    Constant,
    Glorot,
    He,
    Initializer,
    LeCun,
    Orthogonal,
    Uniform,
)
from chainrule.layers import LAYERS, Dense, Layer
from chainrule.losses import LOSSES, CustomLoss, Loss
from chainrule.optimizers import OPTIMIZERS, ClipNorm, ClipValue, Optimizer
from chainrule.penalties import Penalty
from chainrule.schedules import Schedule, WarmUp, schedule
from chainrule.wiring import CLIP_FACTOR

INPUTS, UNITS = 7, 5  # stand for a layer's numbers of inputs and outputs
SIZES = {INPUTS: "in", UNITS: "out"}
# What a layer's equations call a number that its fields give by a formula.
CONSTANTS = {"dropout": {"keep": "1 - rate"}}
VARIANCES: dict[type[Initializer], str] = {
    Glorot: "2 / (fan_in + fan_out)",
    He: "2 / fan_in",
    LeCun: "1 / fan_in",
}


@cache
def tables() -> dict[str, Any]:
    """Return the tables: equations and defaults of what is registered, texts, and mistakes.

    Returns
    -------
    dict
        Plain values, ready for JSON, with equations as trees.
    """
    return {
        "activations": {name: activation_entry(f) for name, f in ACTIVATIONS.items()},
        "losses": {name: loss_entry(loss) for name, loss in LOSSES.items()},
        "optimizers": {
            name: optimizer_entry(rule)
            for name, rule in OPTIMIZERS.items()
            if isinstance(rule, Optimizer)  # L-BFGS has no equations
        },
        "clips": {
            "norm": trees_of(ClipNorm(1.0).equations()),
            "value": trees_of(ClipValue(1.0).equations()),
            "factor": tree_of(CLIP_FACTOR),
        },
        "layers": {kind: layer_entry(kind) for kind in LAYERS},
        "penalty": {
            "arrays": trees_of(Penalty().array_equations()),
            "value": trees_of(Penalty().equations(["W"])),
            "limits": limits_of(Penalty()),
        },
        "initializers": {name: initializer_entry(i) for name, i in INITIALIZERS.items()},
        "mistakes": catalogue(),
        **text_tables(),
    }


# ---- activations and losses ---------------------------------------------------------------------


def activation_entry(f: Activation) -> dict[str, Any]:
    """Return an activation's formulas, the functions that are computed, and its constants."""
    written = {"formula": f.formula, "dformula": f.dformula}
    return {
        **{name: tree_of(text) if text else None for name, text in written.items()},
        "f": function_of(f.f),
        "df": function_of(f.df) if f.df else slope_of(function_of(f.f)),
        "constants": f.constants,
        "python": type(f).__name__,
        "limits": limits_of(f),
    }


def loss_entry(loss: Loss) -> dict[str, Any]:
    """Return a loss's equations, with and without sample weights, and what they use."""
    return {
        "equations": trees_of(loss.equations()),
        "weighted": trees_of(loss.equations(weighted=True)),
        "constants": loss.constants,
        "functions": {name: function_of(f) for name, f in _functions(loss).items()},
        "python": type(loss).__name__,
        "owns_link": loss.owns_link,
        "classes": loss.classes,
        "domain": target_domain(loss),
        "limits": limits_of(loss),
    }


def target_domain(loss: Loss) -> dict[str, Any]:
    """Return the least and the largest target of a loss, if any, and whether a row sums to 1."""

    def refuses(*row: float) -> bool:
        try:
            loss.check_targets(np.array([row]))
        except InputError:
            return True
        return False

    return {
        "low": 0 if refuses(-1, 2) else None,
        "high": 1 if refuses(2, 0) else None,
        "sums": refuses(0.5, 0.25),
    }


def _functions(loss: Loss) -> dict[str, Any]:
    if not isinstance(loss, CustomLoss):
        return loss.functions
    if loss.dterm is None:
        raise InputError(
            f"the loss {loss.name} has no derivative of its own, and the page cannot compute with "
            "complex numbers; give dterm"
        )
    return {"term": loss.term, "dterm": loss.dterm}


# ---- layers -------------------------------------------------------------------------------------


def layer_entry(kind: str) -> dict[str, Any]:
    """Return what a kind of layer computes, for each combination of options that matters."""
    layer = _example(kind)
    shapes = layer.shapes(INPUTS)
    return {
        "equations": [[options, trees_of(texts)] for options, texts in _variants(layer)],
        "shapes": {name: [SIZES[n] for n in shape] for name, shape in shapes.items()},
        "weights": list(layer.weights),
        "constants": trees_of(CONSTANTS.get(kind, {n: n for n in layer.constants})),
        "functions": sorted(layer.functions),
        "own_width": layer.width(INPUTS) == UNITS,
        "python": type(layer).__name__,
        "defaults": layer.numbers,
        "limits": limits_of(layer),
        "initializers": {name: initializer_entry(i) for name, i in layer.initializers().items()},
    }


def _example(kind: str) -> Layer:
    if kind == "dense":
        return Dense(UNITS, "identity")
    activation = {"activation": "identity"} if kind == "activation" else {}
    return LAYERS[kind](**activation)


def _variants(layer: Layer) -> Iterator[tuple[dict[str, bool], dict[str, str]]]:
    """Yield the equations of each combination of the options that change them."""
    options = {"bias": (True, False)} if isinstance(layer, Dense) else {}
    found: dict[tuple[Any, ...], dict[str, str]] = {}
    for bias, training in product(options.get("bias", (True,)), (True, False)):
        one = Dense(UNITS, "identity", bias=bias) if options else layer
        found[bias, training] = one.equations(training=training)
    depends = found[True, True] != found[True, False]
    for (bias, training), equations in found.items():
        if depends or training:
            own = {"bias": bias} if options else {}
            yield own | ({"training": training} if depends else {}), equations


def initializer_entry(drawn: Initializer) -> dict[str, Any]:
    """Return an initializer's class, and a variance, bounds, a constant, or orthogonal rows."""
    return {"python": type(drawn).__name__, **_drawing(drawn)}


def _drawing(drawn: Initializer) -> dict[str, Any]:
    match drawn:
        case Glorot() | He() | LeCun():
            variance = tree_of(VARIANCES[type(drawn)])
            return {"variance": variance, "distribution": drawn.distribution}
        case Uniform(low, high):
            return {"low": low, "high": high}
        case Constant(value):
            return {"value": value}
        case Orthogonal(gain):
            return {"gain": gain}
        case _:
            raise InputError(f"{drawn!r}: the page has no such initializer; add it to tables.py")


# ---- optimizers ---------------------------------------------------------------------------------


def optimizer_entry(rule: Optimizer) -> dict[str, Any]:
    """Return an optimizer's equations, its slots, and the constants' defaults."""
    constants = {n: v for n, v in rule.numbers.items() if n != "learning_rate"}
    full, none = rule.constants(1, 1.0), rule.constants(1, 0.0)
    return {
        "equations": trees_of(rule.equations),
        "python": type(rule).__name__,
        "slots": list(rule.slots),
        "constants": constants,
        "decaying": [name for name in constants if full[name] != none[name]],
        "learning_rate": rate_entry(rule.learning_rate),
        "limits": limits_of(rule),
    }


def rate_entry(rate: float | Schedule) -> float | dict[str, Tree]:
    """Return a learning rate as a number, or as a tree in k, the number of the update."""
    return {"words": repr(rate), "tree": _rate(rate)} if isinstance(rate, Schedule) else rate


def _rate(rate: Schedule) -> Tree:
    if not isinstance(rate, WarmUp):
        found = function_of(rate.__call__)
        lets: dict[str, Tree] = {}
        for name, value in found["lets"]:
            lets[name] = substituted(value, lets)
        return substituted(found["value"], lets)
    then, k = _rate(schedule(rate.then)), ["name", "k"]
    rising = ["/", ["*", substituted(then, {"k": 1}), k], rate.steps]
    after = substituted(then, {"k": ["-", k, rate.steps]})
    return ["call", "where", [["<=", k, rate.steps], rising, after], {}]


def named(table: str, entry: dict[str, Any], name: str) -> dict[str, Any]:
    """Return ``{"name": …}``, with the entry if the table has no such one, as for Custom."""

    def computed(one: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in one.items() if key != "constants"}

    registered = computed(tables()[table].get(name, {})) == computed(entry)
    return {"name": name} if registered else {"name": name, "entry": entry}


def limits_of(description: Any) -> dict[str, str]:
    """Return the intervals of a description's numbers by name, such as ``"[0, 1)"``."""
    found = {f.name: getattr(f.type, "__metadata__", ()) for f in fields(description)}
    return {n: limits[0] for n, limits in found.items() if limits and isinstance(limits[0], str)}


def own_fields(description: Any) -> dict[str, Any]:
    """Return the fields of a description that are numbers, bools, texts or tuples, by name."""
    plain = (bool, int, float, str, tuple)
    values: dict[str, Any] = {f.name: getattr(description, f.name) for f in fields(description)}
    return {
        n: [*v] if isinstance(v, tuple) else v for n, v in values.items() if isinstance(v, plain)
    }
