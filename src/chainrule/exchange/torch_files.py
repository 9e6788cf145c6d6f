"""Reads the arrays of PyTorch's state dicts: safetensors, or files of torch.save without code."""

import os
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import FileError, InputError, missing, system_reason
from chainrule.exchange.torch_modules import natural

Array: TypeAlias = NDArray[Any]
PathLike: TypeAlias = str | os.PathLike[str]
Shape: TypeAlias = tuple[int, ...]

SAVE = "torch.save(model.state_dict(), path)"


def read_arrays(path: PathLike) -> dict[str, Array]:
    """Return the arrays in a state dict's file by name.

    Raises
    ------
    FileError
        If the operating system cannot read the file.
    InputError
        If it is damaged, or has anything but tensors.
    """
    reader = read_safetensors if os.fspath(path).lower().endswith(".safetensors") else read_saved
    try:
        with Path(path).open("rb"):
            return reader(path)
    except OSError as error:
        raise FileError(error.errno, f"cannot read {path}: {system_reason(error)}") from None


def read_safetensors(path: PathLike) -> dict[str, Array]:
    """Return the arrays in a safetensors file."""
    try:
        library = import_module("safetensors")
        from_numpy = import_module("safetensors.numpy")
    except ImportError:
        raise missing("safetensors", "a state dict", "exchange") from None
    try:
        with library.safe_open(path, "numpy") as file:
            own = "chainrule" in (file.metadata() or {})
        arrays = dict(from_numpy.load_file(path))
    except library.SafetensorError:
        raise InputError(
            f"{path} is not a safetensors file, or is incomplete; write it again"
        ) from None
    if own:
        raise InputError(
            f"{path} is a model of chainrule already, and not a state dict; use it as it is"
        )
    return arrays


def read_saved(path: PathLike) -> dict[str, Array]:
    """Return the arrays in a file of torch.save, without running what else it contains."""
    try:
        torch: Any = import_module("torch")
    except ImportError:
        raise InputError(
            f"{path} is a file of torch.save, which needs torch; install it, or save the state "
            "dict with safetensors"
        ) from None
    try:
        tensors: Any = torch.load(path, weights_only=True, map_location="cpu")
    except OSError:
        raise
    except Exception:  # noqa: BLE001 (torch raises errors of many kinds about damaged files)
        raise InputError(
            f"{path} is damaged, or has objects that only code can restore, such as a whole "
            f"module; save the tensors alone, with {SAVE}"
        ) from None
    if not isinstance(tensors, dict) or not all(map(torch.is_tensor, tensors.values())):
        raise InputError(f"{path} has more than the tensors of a state dict; write it with {SAVE}")
    return {str(name): as_array(torch, tensor) for name, tensor in tensors.items()}


def as_array(torch: Any, tensor: Any) -> Array:
    """Return the numbers of a tensor; those of half precision, which NumPy may lack, as float32."""
    short = tensor.dtype in (torch.float16, torch.bfloat16)
    return np.array((tensor.float() if short else tensor).detach().numpy())


def in_order(path: PathLike, arrays: Mapping[str, Array], shapes: Sequence[Shape]) -> list[str]:
    """Return the names of the arrays in the order of the layers, whose shapes are known.

    A file of torch.save keeps the order of the module. A safetensors file does not, so the names
    must show it.

    Raises
    ------
    InputError
        If layers of the same shapes could have several orders.
    """
    if os.fspath(path).lower().endswith(".safetensors"):
        require_order(path, arrays)
    elif [array.shape for array in arrays.values()] == list(shapes):
        return list(arrays)
    return natural(arrays)


def require_order(path: PathLike, arrays: Mapping[str, Array]) -> None:
    """Raise InputError if layers of the same shapes have names without numbers that order them."""
    seen: dict[tuple[str, Shape], str] = {}
    for name, array in arrays.items():
        layer, _, kind = name.rpartition(".")
        other = seen.setdefault((kind, array.shape), layer)
        if re.sub(r"\d+", "0", other) != re.sub(r"\d+", "0", layer):
            raise InputError(
                f"{path} does not say which of the layers {other!r} and {layer!r}, whose arrays "
                f"have the same shape {array.shape}, comes first; write it with {SAVE}, which "
                "keeps the order"
            )
