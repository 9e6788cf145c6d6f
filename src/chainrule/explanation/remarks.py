"""One plain sentence where a learner stumbles, beside the first number that it is about.

Each says why, in words; what it speaks of is looked up in the step, so that none stands where it
does not apply.
"""

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
    """A sentence, and where it belongs.

    Parameters
    ----------
    text : str
    applies : callable
        ``applies(quantity, step)``; the first quantity for which it holds gets the sentence.
    """

    text: str
    applies: Applies


def attach(quantities: Iterable[Quantity], step: Step) -> list[Quantity]:
    """Return quantities with the remarks that apply."""
    left = list(REMARKS)
    rows: list[Quantity] = []
    for q in quantities:
        mine = [remark for remark in left if remark.applies(q, step)]
        for remark in mine:
            left.remove(remark)
        text = " ".join(remark.text for remark in mine)
        rows.append(replace(q, remark=text) if text else q)
    return rows


def of_array(name: str, scope: Scope, step: Step) -> str:
    """Return the sentence about a whole array, or nothing."""
    if name == "do" and len(step.batch.x) > 1:
        return MEAN
    if name == "db":
        return BIAS
    if name == "dx" and "delta" in scope and scope is not step.layers[0]:
        return f"{OLD} {PATHS}" if np.shape(scope["delta"])[1] > 1 else OLD
    return ""


# ---- where ---------------------------------------------------------------------------------------


def _bias(q: Quantity, step: Step) -> bool:
    dense = q.ref.quantity == "db" and q.section == "backward"
    return dense and isinstance(step.network.layers[step.network.labels.index(q.ref.layer)], Dense)


def _hidden(q: Quantity, step: Step) -> bool:
    """Tell whether a row is the derivative by a hidden unit's output, through a layer's weights."""
    inner = q.ref.quantity == "dx" and q.ref.layer != step.network.labels[0]
    place = step.network.labels.index(q.ref.layer) if inner else 0
    return inner and isinstance(step.network.layers[place], Dense)


def _paths(q: Quantity, step: Step) -> bool:
    return _hidden(q, step) and step.network.widths[step.network.labels.index(q.ref.layer) + 1] > 1


def _flat(q: Quantity, step: Step) -> bool:
    """Tell whether a unit is so far out that little passes back."""
    return q.ref.quantity == "slope" and 0 < abs(q.value) < 1e-3 and abs(_net(q, step)) > FAR


def _net(q: Quantity, step: Step) -> float:
    """Return the net input of the unit and the sample that a slope is about."""
    scope = step.layers[step.network.labels.index(q.ref.layer)]
    return float(scope["z" if "z" in scope else "x"][q.ref.index])


def _dead(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "slope" and q.value == 0 and _relu(q, step)


def _rounded(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "slope" and q.value == 0 and not _relu(q, step)


def _relu(q: Quantity, step: Step) -> bool:
    layer = step.network.layers[step.network.labels.index(q.ref.layer)]
    return isinstance(activation_of(layer), ReLU)


def _kinked(q: Quantity, step: Step) -> bool:
    gradient = q.ref.quantity in ("dW", "db") and q.section == "backward"
    return gradient and q.numerical is None and at_kink(step)


def _aside(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "dp" and q.section == "backward"


def _left_out(q: Quantity, step: Step) -> bool:
    if q.ref.quantity != "mask" or q.value != 0:
        return False
    return isinstance(step.network.layers[step.network.labels.index(q.ref.layer)], Dropout)


def _parted(q: Quantity, step: Step) -> bool:
    """Tell whether a numerical derivative stands apart from the right one by rounding."""
    if q.numerical is None:
        return False
    return abs(q.numerical - q.value) > UNLIKE * max(abs(q.value), abs(q.numerical))


def _frozen(q: Quantity, step: Step) -> bool:
    if q.section != "update" or q.ref.quantity not in ("W_new", "b_new"):
        return False
    name = q.ref.quantity.removesuffix("_new") + q.ref.layer
    return not next(b.trains for b in step.network.layout.blocks if b.name == name)


def _mean(q: Quantity, step: Step) -> bool:
    return q.ref.quantity == "do" and len(step.batch.x) > 1


def _velocity(q: Quantity, step: Step) -> bool:
    first = next(iter(step.arrays.values()))
    return q.ref.quantity in ("v_W_new", "v_b_new") and "momentum" in first.values


FAR = 4.0  # of a net input
UNLIKE = 1e-6  # relative: beyond, a reader sees two different numbers

MEAN = (
    "The derivative of the mean: every sample's share, times its weight if it has one, is divided "
    "by the number of samples, here, once and for all."
)

BIAS = (
    "A bias is added as it stands, so the net input changes by as much as the bias does and "
    "∂net/∂b is 1: what is left is the derivative by the net input, of every sample, even where "
    "the bias has the value 0."
)

OLD = (
    "These are the old weights, those that the forward pass used: every derivative is taken at "
    "one and the same point, and nothing is changed before all of them are known."
)

PATHS = (
    "This unit feeds every unit above it. If it changes a little, all of those paths change "
    "the error at once, so what they bring is added."
)

REMARKS = (
    Remark(
        MEAN,
        _mean,
    ),
    Remark(
        "This did not run: it is a part of another way to the derivative by the output, which "
        "stands below, under the one that ran.",
        _aside,
    ),
    Remark(
        "This unit is far out on the flat part of its activation: almost nothing passes back "
        "through it, so it hardly learns in this step.",
        _flat,
    ),
    Remark("The slope is 0 here: nothing passes back through this unit for this sample.", _dead),
    Remark(
        "The slope is not quite 0, but too small to be told from it: the activation's value has no "
        "digits left.",
        _rounded,
    ),
    Remark(
        "There is a kink here: to one side the error has another slope than to the other, and no "
        "numerical derivative is right. The formula takes 0 at the kink.",
        _kinked,
    ),
    Remark(
        BIAS,
        _bias,
    ),
    Remark(
        OLD,
        _hidden,
    ),
    Remark(
        PATHS,
        _paths,
    ),
    Remark(
        "A mask of 0 leaves the unit out of this step, forward and backward alike; those that stay "
        "are divided by the share that is kept, so that the sum stays as large on average.",
        _left_out,
    ),
    Remark(
        "Layer normalization: every input of a sample moves its mean and its variance too, so each "
        "dx has three terms.",
        lambda q, s: (
            q.ref.quantity == "dx"
            and isinstance(s.network.layers[s.network.labels.index(q.ref.layer)], LayerNorm)
        ),
    ),
    Remark(
        "The two part: both come from rounded numbers, and rounding is most of what is left of a "
        "number as small as this.",
        _parted,
    ),
    Remark(
        "The moving average begins at 0, so at first it is too small; the division by 1 − β to the "
        "power of the step's number takes that back.",
        lambda q, _: q.ref.quantity in ("mhat_W", "mhat_b"),
    ),
    Remark(
        "The velocity keeps a part of the step before; the rate times the new gradient is "
        "taken off.",
        _velocity,
    ),
    Remark("This array is frozen: it has a gradient, but the update leaves it as it is.", _frozen),
)
