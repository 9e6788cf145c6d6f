"""Files of every version of every kind, as texts: what must stay readable.

They are written by hand, so that nobody needs an old version of the package to make them, and a
reader sees what such a file contains. Entries are never changed or removed; a new version of a kind
gets a new entry.
"""

import hashlib
import json
import struct
from typing import Any

import numpy as np

DENSE_2 = {
    "type": "Dense",
    "units": 2,
    "activation": {"type": "Tanh"},
    "initializer": {"type": "Glorot", "distribution": "uniform"},
    "bias_initializer": {"type": "Constant", "value": 0.0},
    "bias": True,
    "trainable": True,
}
DENSE_1 = {**DENSE_2, "units": 1, "activation": {"type": "Identity"}}
NETWORK = {
    "type": "Network",
    "inputs": 1,
    "layers": {"tuple": [DENSE_2, DENSE_1]},
    "loss": {"type": "SquaredError"},
    "penalty": {"type": "Penalty", "l1": 0.0, "l2": 0.0, "alpha": 0.01},
}
THETA = [0.5, -0.25, 0.125, 0.0, 1.0, -1.0, 0.75]  # W1 (2, 1), b1 (2,), W2 (1, 2), b2 (1,)
SLOT = [0.25, 0.5, -0.5, 1.0, 0.0, 0.125, -0.125]
MOMENTUM = {"type": "Momentum", "learning_rate": 0.01, "momentum": 0.9, "clip": None}
STATE = {
    "type": "State",
    "theta": {"array": "theta"},
    "step": 6,
    "slots": {"tuple": [{"array": "slot"}]},
    "seed": 3,
    "epoch": 2,
    "batch": 0,
    "loss_sum": 1.5,
    "best_score": None,
    "best_epoch": 0,
    "best_theta": None,
    "engine": "reference",
}
HISTORY = {
    "type": "TrainingHistory",
    "checkpoint": {
        "type": "Checkpoint",
        "state": STATE,
        "plateau": {"type": "Plateau", "epochs": 0, "best": -0.375},
        "best_theta": None,
        "samples": 12,
        "epochs": 2,
    },
    "optimizer": MOMENTUM,
    "learning_rate": None,
    "reason": "epochs",
    "losses": {"floats": "losses"},
    "validation_losses": [],
    "scores": [],
    "fingerprint": None,
    "memory": None,
}
PARAMETERS = {
    "activation": "tanh",
    "alpha": 0.01,
    "batch_size": 2,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "callbacks": None,
    "clip": None,
    "dropout": 0.0,
    "early_stopping": False,
    "engine": "reference",
    "epsilon": 1e-08,
    "hidden_layer_sizes": {"tuple": [2]},
    "initializer": None,
    "l1": 0.0,
    "l2": 0.0,
    "layer_norm": False,
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "loss": "squared_error",
    "max_fun": 15000,
    "max_iter": 2,
    "momentum": 0.9,
    "n_iter_no_change": {"float": "inf"},
    "nesterovs_momentum": True,
    "output_activation": None,
    "power_t": 0.5,
    "random_state": 3,
    "scoring": None,
    "shuffle": True,
    "solver": "momentum",
    "tol": 0.0001,
    "validation_fraction": 0.1,
    "validation_split": "random",
    "verbose": False,
    "warm_start": False,
}
ATTRIBUTES = {
    "n_features_in_": 1,
    "_width": 1,
    "_forward": {"type": "Forward", "network": NETWORK, "engine": "reference"},
    "network_": NETWORK,
    "n_layers_": 3,
    "n_outputs_": 1,
    "_theta": {"array": "theta"},
    "_history": HISTORY,
    "n_iter_": 2,
    "t_": 12,
    "stop_reason_": "epochs",
    "loss_curve_": {"floats": "losses"},
    "validation_loss_curve_": [],
    "validation_scores_": None,
    "best_validation_score_": None,
    "best_loss_": 0.375,
    "loss_": 0.375,
}
ARRAYS = {"theta": THETA, "slot": SLOT, "losses": [0.5, 0.375]}

NETWORK_1: dict[str, Any] = {
    "kind": "network",
    "version": 1,
    "network": NETWORK,
    "theta": {"array": "theta"},
    "optimizer": MOMENTUM,
    "state": STATE,
}
ESTIMATOR_1: dict[str, Any] = {
    "kind": "estimator",
    "version": 1,
    "class": "MLPRegressor",
    "parameters": {"named": PARAMETERS},
    "attributes": {"named": ATTRIBUTES},
}
CHECKPOINT_1: dict[str, Any] = {
    "kind": "checkpoint",
    "version": 1,
    "model": ESTIMATOR_1,
    "fit": {
        "start": {"array": "start"},
        "records": {"array": "records"},
        "identity": {"named": {"seed": "3"}},
    },
}
NUMBER = {"kind": "number", "name": "a", "mean": 1.0, "scale": 2.0, "fill": None}
TARGET = {"column": "y", "task": "regression", "classes": [], "mean": 0.0, "scale": 1.0}
SCORES = {
    "type": "Scores",
    "source": "t.csv",
    "rows": 6,
    "values": {"named": {"r2": 0.5}},
    "classes": {"tuple": []},
    "confusion": {"tuple": []},
}
TABLE_MODEL_1: dict[str, Any] = {
    "kind": "table model",
    "version": 1,
    "estimator": ESTIMATOR_1,
    "preparation": {
        "named": {
            "version": 1,
            "dtype": "float64",
            "columns": [{"named": NUMBER}],
            "target": {"named": TARGET},
            "remarks": [],
        }
    },
    "report": {
        "type": "TrainingReport",
        "source": "t.csv",
        "seconds": 0.5,
        "training": SCORES,
        "validation": None,
        "health": {
            "type": "Health",
            "findings": {"tuple": []},
            "samples": 6,
            "total": 6,
            "updates": 6,
            "left": 0.5,
        },
    },
}
RECORDS = [[1.0, 3.0, 0.5, np.nan, np.nan, 0.01], [2.0, 6.0, 0.375, np.nan, np.nan, 0.01]]

# By kind and version: the description, and the arrays.
SAMPLES: dict[tuple[str, int], tuple[dict[str, Any], dict[str, Any]]] = {
    ("network", 1): (NETWORK_1, {"theta": THETA, "slot": SLOT}),
    ("estimator", 1): (ESTIMATOR_1, ARRAYS),
    ("table model", 1): (TABLE_MODEL_1, ARRAYS),
    ("checkpoint", 1): (CHECKPOINT_1, {**ARRAYS, "start": SLOT, "records": RECORDS}),
}


def file_of(content: dict[str, Any], arrays: dict[str, Any]) -> bytes:
    """Return the bytes of a file, written without the package: this layout must stay readable."""
    stored = {name: np.asarray(array, "<f8") for name, array in sorted(arrays.items())}
    checksum = hashlib.sha256(compact(content).encode())
    header: dict[str, Any] = {}
    end = 0
    for name, array in stored.items():
        checksum.update(compact([name, "<f8", [*array.shape]]).encode() + array.tobytes())
        offsets = [end, end := end + array.nbytes]
        header[name] = {"dtype": "F64", "shape": [*array.shape], "data_offsets": offsets}
    text = compact({"checksum": checksum.hexdigest(), "content": content})
    encoded = compact({"__metadata__": {"chainrule": text}, **header}).encode()
    encoded += b" " * (-len(encoded) % 8)
    return (
        struct.pack("<Q", len(encoded))
        + encoded
        + b"".join(map(np.ndarray.tobytes, stored.values()))
    )


def compact(content: Any) -> str:
    """Return JSON without spaces."""
    return json.dumps(content, separators=(",", ":"))
