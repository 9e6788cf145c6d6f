"""Read the network that a learner's file declares as ``NETWORK``."""

import copy
from typing import Any

from chainrule.activations import ACTIVATIONS, Activation, Custom
from chainrule.layers import Dense
from chainrule.losses import LOSSES
from chainrule.network import Network

PLAIN = (str, int, float, bool, type(None))


def read_declaration(value: object) -> tuple[dict[str, Any], list[str]]:
    """Return a program's NETWORK as plain values, and remarks on what is not used."""
    if value is None:
        return {}, []
    if isinstance(value, Network):
        return network_to_declaration(value)
    if isinstance(value, dict) and _is_plain(value):  # pyright: ignore[reportUnknownArgumentType]
        return copy.deepcopy(value), []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    remark = (
        "its NETWORK is neither a network nor a dictionary of plain values, so it is not used; "
        'write for instance NETWORK = {"layers": [2, 3, 1], "activation": "logistic"}'
    )
    return {}, [remark]


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


def _is_plain(value: Any) -> bool:
    """Return whether a value consists of strings, numbers, lists, tuples and dictionaries."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)  # pyright: ignore[reportUnknownVariableType]
    return isinstance(value, PLAIN)
