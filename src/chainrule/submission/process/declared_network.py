"""Write the network that a learner's file declares as a `Network` object as plain values."""

from typing import Any

from chainrule.activations import ACTIVATIONS, Activation, Custom
from chainrule.layers import Dense
from chainrule.losses import LOSSES
from chainrule.network import Network


def network_to_declaration(network: Network) -> tuple[dict[str, Any], list[str]]:
    """Return a network as plain values, and remarks on what these cannot express."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    if len(dense) < len(network.layers):
        return {}, ["its NETWORK has layers other than Dense, so it is not used"]
    declared: dict[str, Any] = {"layers": list(network.widths)}
    remarks: list[str] = []
    if any(isinstance(layer.activation, Custom) for layer in dense):
        remarks.append(
            "a custom activation cannot be taken from a file; call chainrule.check(function, "
            "network) in Python instead"
        )
    else:
        declared["activation"] = [_name_or_repr(layer.activation) for layer in dense]
    if network.loss == LOSSES.get(network.loss.name):
        declared["loss"] = network.loss.name
    else:
        remarks.append(f"a loss such as {network.loss!r} cannot be taken from a file")
    return declared, remarks


def _name_or_repr(f: Activation) -> str:
    return f.name if f == ACTIVATIONS.get(f.name) else repr(f)
