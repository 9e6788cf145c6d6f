"""Read the network that a learner's file declares as ``NETWORK``."""

import copy
import sys
from typing import Any

PLAIN = (str, int, float, bool, type(None))


def read_declaration(value: object) -> tuple[dict[str, Any], list[str]]:
    """Return a program's NETWORK as plain values, and remarks on what is not used."""
    if value is None:
        return {}, []
    if _is_network(value):
        # Only here, because every check of a file would wait for the import of the engine.
        from chainrule.submission.process.declared_network import network_to_declaration

        return network_to_declaration(value)  # pyright: ignore[reportArgumentType]
    if isinstance(value, dict) and _is_plain(value):  # pyright: ignore[reportUnknownArgumentType]
        return copy.deepcopy(value), []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    remark = (
        "its NETWORK is neither a network nor a dictionary of plain values, so it is not used; "
        'write for instance NETWORK = {"layers": [2, 3, 1], "activation": "logistic"}'
    )
    return {}, [remark]


def _is_network(value: object) -> bool:
    """Return whether a value is a network; the file that made it has imported its module."""
    module = sys.modules.get("chainrule.network")
    return module is not None and isinstance(value, module.Network)


def _is_plain(value: Any) -> bool:
    """Return whether a value consists of strings, numbers, lists, tuples and dictionaries."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)  # pyright: ignore[reportUnknownVariableType]
    return isinstance(value, PLAIN)
