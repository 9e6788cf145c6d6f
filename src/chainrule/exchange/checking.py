"""Checks PyTorch's modules, whose gradients are compared with ours, and pipelines."""

import copy
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis import Diagnosis, check
from chainrule.errors import InputError
from chainrule.exchange.foreign_steps import TorchStep, torch_step
from chainrule.exchange.pipelines import network_inputs
from chainrule.exchange.torch_modules import as_array, is_module
from chainrule.layers import Dropout

Array: TypeAlias = NDArray[Any]

MOST_PASSES = 10  # that gradients may have been added up from
SAME_FACTOR = 1e-4  # how far a factor may be from a whole number
TOLERANCES = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-4}  # of equal gradients
BACKWARD = "the gradients are those of loss.backward() on a copy, because the module had no .grad"


def check_foreign(
    model: Any, x: Any, t: Any, *, loss: Any = None, optimizer: Any = None, **settings: Any
) -> Diagnosis:
    """Check the gradient of a module, or a pipeline's estimator; `chainrule.check` calls it.

    Parameters
    ----------
    model : torch.nn.Sequential, or Pipeline of scikit-learn
    x, t : array or tensor
    loss, optimizer : loss and optimizer of PyTorch, optional
    **settings
        As in `chainrule.check`: strict, hint, notation, seconds.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        If the samples are missing, or the model cannot be read.
    """
    if x is None or t is None:
        raise InputError(f"{type(model).__name__} is checked on your samples; give x and t")
    if is_module(model):
        return check_module(model, x, t, loss, optimizer, settings)
    if loss is not None:
        raise InputError("loss is for modules of PyTorch; a pipeline has its own, so remove it")
    return check(model.steps[-1][1], x=network_inputs(model, x), t=t, **settings)


def check_module(
    module: Any, x: Any, t: Any, loss: Any, optimizer: Any, settings: dict[str, Any]
) -> Diagnosis:
    """Return the diagnosis of a module's gradients: its own .grad, or those of a backward pass."""
    step = torch_step(module, x, t, loss, optimizer)
    kind, (theirs, note) = type(module).__name__, gradients(module, step, x, t, loss)
    if step.sample_weight is not None:
        return weighted(step, np.concatenate([g.ravel() for g in theirs]), kind, note)
    names = [block.name for block in step.network.layout.blocks]
    numbers = {f"d{name}": g for name, g in zip(names, theirs, strict=True)}
    found = check(numbers, step.intended, step.theta, step.x, step.t, **settings)
    flat = np.concatenate([g.ravel() for g in theirs])
    ours = gradient_of(step)
    remarks = (*step.remarks, *note, *found.remarks)
    factor = factor_of(flat, ours)
    if not agree(flat, ours):
        require_no_masks(step, note)
    is_multiple = agree(flat, factor * ours) and not agree(flat, ours)
    if is_multiple and found.verdict in ("right", "unknown"):
        return Diagnosis("unknown", wrong_factor(factor), source=kind, remarks=remarks)
    text = compared(step.network.loss.name, flat, ours)
    others = {k: v for k, v in found.convention.items() if k != "scale"}  # a remark has the factor
    return replace(found, source=kind, convention=others, remarks=(text, *remarks))


def gradient_of(step: TorchStep) -> Array:
    """Return our gradient of the loss that PyTorch computes, (parameters,)."""
    return step.network.loss_and_gradient(step.theta, step.x, step.t, step.sample_weight)[1]


def factor_of(theirs: Array, ours: Array) -> float:
    """Return the factor with which ours comes nearest to theirs."""
    return float(np.dot(theirs, ours) / np.dot(ours, ours)) if ours.any() else 1.0


def weighted(step: TorchStep, theirs: Array, kind: str, note: tuple[str, ...]) -> Diagnosis:
    """Return the diagnosis of gradients with class weights, in which no mistakes are searched."""
    ours = gradient_of(step)
    remarks = (compared(step.network.loss.name, theirs, ours), *step.remarks, *note)
    if agree(theirs, ours):
        sentence = "The gradients are those of the weighted loss."
        return Diagnosis("right", sentence, source=kind, remarks=remarks)
    require_no_masks(step, note)
    factor = factor_of(theirs, ours)
    other = "The gradients are not those of the weighted loss; compare them without weight=, too."
    sentence = wrong_factor(factor) if agree(theirs, factor * ours) else other
    return Diagnosis("unknown", sentence, source=kind, remarks=remarks)


def gradients(
    module: Any, step: TorchStep, x: Any, t: Any, loss: Any
) -> tuple[list[Array], tuple[str, ...]]:
    """Return the gradient of each array, and a remark if it had to be computed."""
    if any(tensor.grad is not None for _, tensor in step.read.parameters):
        return own_gradients(step)
    torch: Any = import_module("torch")
    other = copy.deepcopy(module).eval()  # without random masks, as ours
    other.requires_grad_(requires_grad=True)  # frozen weights too
    dtype = step.read.parameters[0][1].dtype
    loss(other(torch.as_tensor(x, dtype=dtype)), as_target(torch, t, dtype)).backward()
    found = dict(other.named_parameters())
    return [as_array(found[name].grad) for name in names_in(module, step)], (BACKWARD,)


def own_gradients(step: TorchStep) -> tuple[list[Array], tuple[str, ...]]:
    """Return each parameter's .grad; ours, with a remark, of those that are frozen."""
    ours = gradient_of(step)
    views = step.network.layout.views(ours).values()
    pairs = list(zip(step.read.parameters, views, strict=True))
    for (name, tensor), _ in pairs:
        if tensor.grad is None and tensor.requires_grad:
            raise InputError(f"{name} has no .grad, but others have; call backward() on the loss")
    frozen = [name for (name, tensor), _ in pairs if tensor.grad is None]
    note = (f"frozen, so without a gradient to compare: {', '.join(frozen)}",) if frozen else ()
    return [view if p.grad is None else as_array(p.grad) for (_, p), view in pairs], note


def require_no_masks(step: TorchStep, note: tuple[str, ...]) -> None:
    """Raise InputError if a module's own gradients may have the random masks of dropout."""
    if BACKWARD in note:
        return
    for layer in step.network.layers:
        if isinstance(layer, Dropout) and layer.rate:
            raise InputError(
                f"the module has Dropout(p={layer.rate:g}), and its .grad is not that without a "
                "mask; masks are random and cannot be compared. Call module.eval(), zero_grad() "
                "and backward() before the check"
            )


def names_in(module: Any, step: TorchStep) -> list[str]:
    """Return the names of the parameters in the module, in the order of θ."""
    names = {id(tensor): name for name, tensor in module.named_parameters()}
    return [names[id(tensor)] for _, tensor in step.read.parameters]


def as_target(torch: Any, t: Any, dtype: Any) -> Any:
    """Return targets as a tensor: whole numbers of one dimension are classes."""
    made = torch.as_tensor(t)
    whole = not made.is_floating_point() and made.ndim == 1
    return made.to(torch.int64 if whole else dtype)


def agree(theirs: Array, ours: Array) -> bool:
    """Return whether gradients are equal within rounding."""
    allowed = TOLERANCES[theirs.dtype] * max(float(np.abs(ours).max()), 1e-12)
    return float(np.abs(theirs - ours).max()) <= allowed


def wrong_factor(factor: float) -> str:
    """Return what gradients are that are right up to a factor."""
    passes = round(factor)
    if 2 <= passes <= MOST_PASSES and abs(factor - passes) < SAME_FACTOR:
        return (
            f".grad is {passes} times the gradient, the sum of {passes} backward passes. Call "
            "zero_grad() before each."
        )
    return f".grad is {factor:.6g} times the gradient of this loss on these samples."


def compared(loss: str, theirs: Array, ours: Array) -> str:
    """Return how much gradients differ from those of the loss that PyTorch computes."""
    same = "the same within rounding" if agree(theirs, ours) else "different"
    largest = float(np.abs(theirs - ours).max())
    return (
        f".grad and the gradient of chainrule for {loss} are {same}: the largest difference is "
        f"{largest:.2g}"
    )
