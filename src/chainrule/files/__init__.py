"""Model files and checkpoints: arrays and strictly checked JSON in a safetensors file."""

from chainrule.files.checkpoints import Checkpoints, model_in
from chainrule.files.container import errors_about
from chainrule.files.descriptions import Types, conforms, engine_types, from_plain, to_plain
from chainrule.files.kinds import Content, describe, read, require_fields, values_of, write
from chainrule.files.networks import (
    TrainedNetwork,
    check_state,
    check_vector,
    network_of,
    save_network,
    trained_network,
)
from chainrule.files.values import Functions, Reader, Writer

__all__ = [
    "Checkpoints",
    "Content",
    "Functions",
    "Reader",
    "TrainedNetwork",
    "Types",
    "Writer",
    "check_state",
    "check_vector",
    "conforms",
    "describe",
    "engine_types",
    "errors_about",
    "from_plain",
    "model_in",
    "network_of",
    "read",
    "require_fields",
    "save_network",
    "to_plain",
    "trained_network",
    "values_of",
    "write",
]
