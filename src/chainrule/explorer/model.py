"""The state of a live page as JSON: network, parameters, data, optimizer, and where a run is."""

from typing import Any

from chainrule.activations import Activation
from chainrule.explanation import Setup, WorkedExample, activation_of
from chainrule.explorer.data_sets import page_data
from chainrule.explorer.notations import notation_model
from chainrule.explorer.tables import (
    activation_entry,
    initializer_entry,
    loss_entry,
    named,
    own_fields,
    rate_entry,
)
from chainrule.layers import Dense, Layer
from chainrule.losses import Loss
from chainrule.network import Network
from chainrule.optimizers import ClipNorm, Optimizer

SEARCH = (
    "L-BFGS chooses its step by trying several, which the live part does not compute. It shows the "
    "gradients without an update; the page below has the update."
)


def model_of(example: WorkedExample) -> dict[str, Any]:
    """Return the state at which the page of a worked example begins.

    Parameters
    ----------
    example : WorkedExample

    Returns
    -------
    dict
        ``network``, ``theta``, ``data``, ``optimizer``, ``state``, ``notation``, ``digits``,
        ``title``, ``source``, ``notes``: plain values, ready for JSON.

    Raises
    ------
    InputError
        If a function of the user's own uses what the page has no function for.
    """
    digits = example.digits
    return {
        **setup_model(example.setup),
        "notation": notation_model(example.notation),
        "digits": {
            "significant": digits.significant,
            "decimals": digits.decimals,
            "padded": digits.padded,
        },
        "title": example.title,
        "source": example.source,
        "notes": notes_model(example),
        **({"no_update": SEARCH} if example.setup.search else {}),
    }


def notes_model(example: WorkedExample) -> dict[str, Any]:
    """Return what the page writes to its JSON but cannot make: remarks by key, and errata."""
    first, begin = example.steps[0], example.setup.state.step + 1
    rows = first.quantities if first.number == begin else ()
    return {
        "remarks": {row.key: row.remark for row in rows if row.remark},
        "errata": [vars(figure).copy() for figure in example.errata],
    }


def setup_model(setup: Setup) -> dict[str, Any]:
    """Return network, parameters, data, optimizer and state of the input of an example."""
    batch, state = setup.batch, setup.state
    return {
        "network": network_model(setup.network),
        "theta": state.theta.tolist(),
        "data": {
            "x": batch.x.tolist(),
            "t": batch.t.tolist(),
            "weight": None if batch.weight is None else batch.weight.tolist(),
            "total": batch.total,
            **page_data(batch),
        },
        "optimizer": None if setup.rule is None else optimizer_model(setup.rule),
        "state": {
            "step": state.step,
            "slots": [slot.tolist() for slot in state.slots],
            "seed": state.seed,
        },
    }


def network_model(network: Network) -> dict[str, Any]:
    """Return the description of a network."""
    return {
        "inputs": network.inputs,
        "layers": [layer_model(layer) for layer in network.layers],
        "loss": loss_model(network.loss),
        "penalty": network.penalty.constants,
    }


def layer_model(layer: Layer) -> dict[str, Any]:
    """Return the description of a layer."""
    found: dict[str, Any] = {"kind": layer.kind, **own_fields(layer)}
    if (f := activation_of(layer)) is not None:
        found["activation"] = activation_model(f)
    if isinstance(layer, Dense):
        found["initializer"] = initializer_entry(layer.initializer)
        found["bias_initializer"] = initializer_entry(layer.bias_initializer)
    return found


def activation_model(f: Activation) -> dict[str, Any]:
    """Return an activation's name and constants, and its functions if it is not registered."""
    return {**named("activations", activation_entry(f), f.name), "constants": f.constants}


def loss_model(loss: Loss) -> dict[str, Any]:
    """Return a loss's name and constants, and its equations if it is not registered."""
    return {**named("losses", loss_entry(loss), loss.name), "constants": loss.constants}


def optimizer_model(rule: Optimizer) -> dict[str, Any]:
    """Return an optimizer's name and constants, its learning rate, and its clipping."""
    clip, rate = rule.clip, rule.learning_rate
    kind = "norm" if isinstance(clip, ClipNorm) else "value"
    return {
        "name": rule.name,
        "constants": {n: v for n, v in rule.numbers.items() if n != "learning_rate"},
        "learning_rate": rate_entry(rate),
        "clip": None if clip is None else {"kind": kind, "limit": clip.limit},
    }
