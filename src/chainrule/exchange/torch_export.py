"""Exports a model as a PyTorch module and its state dict, and compares what the module predicts."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import missing
from chainrule.exchange.comparison import Difference, compare
from chainrule.exchange.parts import Parts
from chainrule.exchange.records import Exported
from chainrule.exchange.torch_program import state_dict, torch_program

Array: TypeAlias = NDArray[Any]

ENDING = ".pt.safetensors"


def as_torch(parts: Parts, name: str, rows: Any) -> Exported:
    """Return a state dict, and the module next to it: ``net_torch.py`` for ``net.pt.safetensors``.

    The predictions are compared if PyTorch is installed.
    """
    if find_spec("safetensors") is None:
        raise missing("safetensors", "a state dict", "exchange")
    module = f"{name[: -len(ENDING)]}_torch"
    program = torch_program(parts, name, module)
    content = import_module("safetensors.numpy").save(state_dict(parts))
    files = {name: content, f"{module}.py": program.encode()}
    difference = compared_with_torch(parts, program, rows)
    remark = "The predictions were not compared, because torch is not installed."
    return Exported(files, difference, "" if difference else remark)


def compared_with_torch(parts: Parts, program: str, rows: Any) -> Difference | None:
    """Return how much the module's predictions differ from the network's; None without PyTorch."""
    if find_spec("torch") is None:
        return None
    torch: Any = import_module("torch")
    x = parts.inputs(rows)
    expected = {"predictions": parts.network.predict(parts.theta, x)}
    found = {"predictions": module_predictions(torch, parts, program, x)}
    return compare(f"torch {torch.__version__}", expected, found, parts.theta.dtype)


def module_predictions(torch: Any, parts: Parts, program: str, x: Array) -> Array:
    """Return what the module in a program predicts, (n, outputs)."""
    names: dict[str, Any] = {"__name__": Path(__file__).stem}
    exec(program, names)  # noqa: S102 (the text that is exported)
    net = names["Net"]()
    net.load_state_dict({name: torch.tensor(w) for name, w in state_dict(parts).items()})
    with torch.no_grad():
        return np.asarray(net.eval().predict(torch.tensor(np.ascontiguousarray(x))))
