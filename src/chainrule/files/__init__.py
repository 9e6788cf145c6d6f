"""Model files and checkpoints: arrays and strictly checked JSON in a safetensors file."""

from chainrule.files.atomic import write_atomically
from chainrule.files.checkpoints import Checkpoints, array_names, model_in
from chainrule.files.container import errors_about, write_container
from chainrule.files.descriptions import Types, conforms, engine_types, from_plain, to_plain
from chainrule.files.kinds import (
    VERSIONS,
    Content,
    describe,
    read,
    require_fields,
    upgraded,
    values_of,
    write,
)
from chainrule.files.networks import (
    TrainedNetwork,
    check_state,
    check_vector,
    network_of,
    save_network,
    trained_network,
)
from chainrule.files.values import Functions, Reader, Writer, shown

__all__ = [
    "Checkpoints",
    "Content",
    "Functions",
    "Reader",
    "TrainedNetwork",
    "Types",
    "VERSIONS",
    "Writer",
    "array_names",
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
    "shown",
    "to_plain",
    "trained_network",
    "upgraded",
    "values_of",
    "write",
    "write_atomically",
    "write_container",
]
