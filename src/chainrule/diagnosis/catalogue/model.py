"""The records of the catalogue, `Mistake` and `Form`, and functions that build forms.

A form replaces equations of the engine; `docs/design.md`, "Scopes", lists the names that equations
may use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Equations: TypeAlias = Mapping[str, str]
Stage: TypeAlias = Literal["forward", "loss", "delta", "gradient", "update", "training"]


@dataclass(frozen=True)
class Form:
    """One way of making a mistake: equations that replace the right ones.

    Parameters
    ----------
    where : str
        The layers: ``"all"``, ``"hidden"``, ``"output"``, ``"not-first"``, ``"first"``. With a
        star, each of them alone is tried too, and for ``"all*"`` also all hidden layers and the
        output layer.
    layer, above, loss, weights, biases : mapping of str to str
        Equations of these layers, of the layer above each of them, of the loss, and of the update
        of the layers' W and b.
    for_activations, for_losses, for_optimizers : str
        Names, separated by spaces: the form applies only to layers with these activations, and only
        if the loss and the optimizer are among these. Empty means all.
    needs_update : bool
        Whether the mistake shows only in updated parameters.
    needs_second_call : bool
        Whether the mistake shows only from the second call on.
    loss_after_update : bool
        Whether the reported loss is the one after the update.
    note : str
        What distinguishes this form from the others; added to the entry's title.
    title : str
        The title of this form, if the entry's title is not true of it.
    """

    where: str = ""
    layer: Equations = field(default_factory=dict[str, str])
    above: Equations = field(default_factory=dict[str, str])
    loss: Equations = field(default_factory=dict[str, str])
    weights: Equations = field(default_factory=dict[str, str])
    biases: Equations = field(default_factory=dict[str, str])
    for_activations: str = ""
    for_losses: str = ""
    for_optimizers: str = ""
    needs_update: bool = False
    needs_second_call: bool = False
    loss_after_update: bool = False
    note: str = ""
    title: str = ""


@dataclass(frozen=True)
class Mistake:
    """A classic mistake.

    Parameters
    ----------
    id : str
        Stable, such as ``"updated-weights"``.
    number : int
        The number of its kind in the catalogue, from 1; several entries may share one.
    stage : {"forward", "loss", "delta", "gradient", "update", "training"}
        The part of a training step in which it is made.
    title : str
        The mistake as a clause without capital and full stop: "the hidden deltas use …".
    wrong, right : str
        Formulas, in plain text.
    why : str
        Why it happens.
    repair : str
        What to change.
    forms : tuple of Form
        The ways of making it; empty if it is recognized by how a program behaves.
    """

    id: str
    number: int
    stage: Stage
    title: str
    wrong: str
    right: str
    why: str
    repair: str
    forms: tuple[Form, ...] = ()


# ---- functions that build forms -----------------------------------------------------------------


def layer_form(
    where: str, activations: str = "", note: str = "", title: str = "", **equations: str
) -> Form:
    """Return a form that replaces equations of layers."""
    return Form(where, layer=equations, for_activations=activations, note=note, title=title)


def loss_form(losses: str = "", note: str = "", **equations: str) -> Form:
    """Return a form that replaces equations of the loss."""
    return Form(loss=equations, for_losses=losses, note=note)


def softmax_forms(note: str = "", **equations: str) -> tuple[Form, ...]:
    """Return forms that replace softmax, one for each loss that contains it."""
    terms = {"softmax-cross-entropy": "-t * log(p)", "softmax-squared-error": "(p - t)**2 / 2"}
    return tuple(loss_form(name, note, **equations, terms=text) for name, text in terms.items())


def parameter_form(where: str, note: str = "", **equations: str) -> Form:
    """Return a form that replaces update equations of weights and biases alike."""
    return Form(where, weights=equations, biases=equations, needs_update=True, note=note)


def optimizer_form(optimizers: str, *, needs_second_call: bool = False, **equations: str) -> Form:
    """Return a form that replaces update equations of the named optimizers."""
    return Form(
        "all",
        weights=equations,
        biases=equations,
        for_optimizers=optimizers,
        needs_update=True,
        needs_second_call=needs_second_call,
    )


def factor_forms(*factors: str) -> tuple[Form, ...]:
    """Return forms in which one of the factors multiplies some gradients and not others."""
    forms: list[Form] = []
    for factor in factors:
        times = f"({factor})"
        gradients = {"dW": f"{times} * delta.T @ x", "db": f"{times} * sum(delta, axis=0)"}
        forms += [
            Form("not-first*", layer={"dx": f"{times} * delta @ W"}),
            Form("hidden*", layer=gradients),
            Form("output", layer=gradients),
            Form("all*", layer={"db": gradients["db"]}, note="in the biases"),
            Form("all*", layer={"dW": gradients["dW"]}, note="in the weights"),
        ]
    return tuple(forms)
