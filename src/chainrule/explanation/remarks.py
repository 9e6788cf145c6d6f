"""Explanatory sentences for learners, each attached to the first number that it applies to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from chainrule.activations import ReLU
from chainrule.equations import Scope
from chainrule.explanation.numerical import at_kink
from chainrule.explanation.setup import activation_of
from chainrule.layers import Dense, Dropout, LayerNorm
from chainrule.pages import Quantity
from chainrule.wiring import Step

Applies = Callable[[Quantity, Step], bool]


@dataclass(frozen=True)
class Remark:
    """A sentence and the condition under which it applies.

    Parameters
    ----------
    text : str
    applies : callable
        ``applies(quantity, step)``; the first quantity for which it is true gets the sentence.
    """

    text: str
    applies: Applies


def attach(quantities: Iterable[Quantity], step: Step) -> list[Quantity]:
    """Return quantities with the remarks that apply."""
    remaining = list(REMARKS)
    rows: list[Quantity] = []
    for q in quantities:
        applicable = [remark for remark in remaining if remark.applies(q, step)]
        for remark in applicable:
            remaining.remove(remark)
        text = " ".join(remark.text for remark in applicable)
        rows.append(replace(q, remark=text) if text else q)
    return rows


def of_array(name: str, scope: Scope, step: Step) -> str:
    """Return the sentence about a whole array, or an empty string."""
    if name == "do" and len(step.batch.x) > 1:
        return MEAN
    if name == "db":
        return BIAS
    if name == "dx" and "delta" in scope and scope is not step.layers[0]:
        return f"{OLD} {PATHS}" if np.shape(scope["delta"])[1] > 1 else OLD
    return ""


# ---- conditions ----------------------------------------------------------------------------------


def _is_bias(q: Quantity, step: Step) -> bool:
    dense = q.ref.quantity == "db" and q.section == "backward"
    return dense and isinstance(step.network.layers[step.network.labels.index(q.ref.layer)], Dense)


def _is_of_hidden_unit(q: Quantity, step: Step) -> bool:
    """Return whether a row is ∂C/∂a of a hidden unit, computed through a dense layer's weights."""
    inner = q.ref.quantity == "dx" and q.ref.layer != step.network.labels[0]
    place = step.network.labels.index(q.ref.layer) if inner else 0
    return inner and isinstance(step.network.layers[place], Dense)


def _has_several_paths(q: Quantity, step: Step) -> bool:
    return (
        _is_of_hidden_unit(q, step)
        and step.network.widths[step.network.labels.index(q.ref.layer) + 1] > 1
    )


def _is_flat(q: Quantity, step: Step) -> bool:
    """Return whether a unit is saturated, so that little of the error signal passes back."""
    return q.ref.quantity == "slope" and 0 < abs(q.value) < 1e-3 and abs(_net_input(q, step)) > FAR


def _net_input(q: Quantity, step: Step) -> float:
    """Return the net input of the unit and the sample that a slope belongs to."""
    scope = step.layers[step.network.labels.index(q.ref.layer)]
    return float(scope["z" if "z" in scope else "x"][q.ref.index])


def _is_inactive_relu(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "slope" and q.value == 0 and _is_relu(q, step)


def _is_rounded_to_zero(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "slope" and q.value == 0 and not _is_relu(q, step)


def _is_relu(q: Quantity, step: Step) -> bool:
    layer = step.network.layers[step.network.labels.index(q.ref.layer)]
    return isinstance(activation_of(layer), ReLU)


def _is_at_kink(q: Quantity, step: Step) -> bool:
    gradient = q.ref.quantity in ("dW", "db") and q.section == "backward"
    return gradient and q.numerical is None and at_kink(step)


def _is_normalized(q: Quantity, step: Step) -> bool:
    if q.ref.quantity != "dx":
        return False
    return isinstance(step.network.layers[step.network.labels.index(q.ref.layer)], LayerNorm)


def _is_from_another_derivation(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "dp" and q.section == "backward"


def _is_dropped(q: Quantity, step: Step) -> bool:
    if q.ref.quantity != "mask" or q.value != 0:
        return False
    return isinstance(step.network.layers[step.network.labels.index(q.ref.layer)], Dropout)


def _differs_from_numerical(q: Quantity, step: Step) -> bool:
    """Return whether rounding makes the numerical derivative visibly different."""
    if q.numerical is None:
        return False
    return abs(q.numerical - q.value) > UNLIKE * max(abs(q.value), abs(q.numerical))


def _is_frozen(q: Quantity, step: Step) -> bool:
    if q.section != "update" or q.ref.quantity not in ("W_new", "b_new"):
        return False
    name = q.ref.quantity.removesuffix("_new") + q.ref.layer
    return not next(b.trains for b in step.network.layout.blocks if b.name == name)


def _has_several_samples(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "do" and len(step.batch.x) > 1


def _is_velocity(q: Quantity, step: Step) -> bool:
    first = next(iter(step.arrays.values()))
    return q.ref.quantity in ("v_W_new", "v_b_new") and "momentum" in first.values


FAR = 4.0  # net inputs beyond this count as saturated
UNLIKE = 1e-6  # relative difference beyond which a reader sees two different numbers

MEAN = (
    "The error is a mean over the samples, so each sample's part, times its weight if it has one, "
    "is divided by the number of samples. This happens once, here."
)

BIAS = (
    "The bias is added to the net input, so ∂net/∂b is 1 and the gradient is the derivative with "
    "respect to the net input, added up over the samples. This also holds where the bias is 0."
)

OLD = (
    "These are the old weights, which the forward pass used: all derivatives are taken at the same "
    "point, and no weight changes until all of them are known."
)

PATHS = (
    "This unit feeds every unit of the next layer. A small change of its output changes the error "
    "along all of these paths at once, so their contributions are added."
)

REMARKS = (
    Remark(MEAN, _has_several_samples),
    Remark(
        "The program did not compute this number: it is part of another derivation of the "
        "derivative with respect to the output, shown below the equation that was used.",
        _is_from_another_derivation,
    ),
    Remark(
        "The net input lies far out on the flat part of the activation: almost no error signal "
        "passes back through this unit, so its weights hardly change in this step.",
        _is_flat,
    ),
    Remark(
        "The slope is 0 here: no error signal passes back through this unit for this sample.",
        _is_inactive_relu,
    ),
    Remark(
        "The slope is not exactly 0, but it is smaller than rounding: the activation's value is "
        "as close to its limit as a floating-point number can be.",
        _is_rounded_to_zero,
    ),
    Remark(
        "The error has a kink here: its slopes to the left and to the right differ, so no "
        "numerical derivative is right. The formula takes 0 at the kink.",
        _is_at_kink,
    ),
    Remark(BIAS, _is_bias),
    Remark(OLD, _is_of_hidden_unit),
    Remark(PATHS, _has_several_paths),
    Remark(
        "A mask of 0 removes the unit from this step, in the forward and in the backward pass. The "
        "units that remain are divided by the fraction that is kept, so that sums over units keep "
        "their size on average.",
        _is_dropped,
    ),
    Remark(
        "Layer normalization: every input of a sample also changes the sample's mean and variance, "
        "so each dx has three terms.",
        _is_normalized,
    ),
    Remark(
        "The two numbers differ: both are computed from rounded numbers, and most digits of a "
        "derivative as small as this are rounding errors.",
        _differs_from_numerical,
    ),
    Remark(
        "The moving average starts at 0, so it is too small at first; dividing by 1 − β to the "
        "power of the step's number corrects this.",
        lambda q, _: q.ref.quantity in ("mhat_W", "mhat_b"),
    ),
    Remark(
        "The velocity keeps a fraction of its previous value, and the learning rate times the new "
        "gradient is subtracted.",
        _is_velocity,
    ),
    Remark(
        "This array is frozen: it has a gradient, but the update does not change it.", _is_frozen
    ),
)
