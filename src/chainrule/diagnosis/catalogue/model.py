"""The records of the catalogue, `Mistake` and `Form`, and functions that build forms.

A form replaces equations of the engine; `docs/design.md`, "Scopes", lists the names that equations
may use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from chainrule.diagnosis.phrases import layers_words

Equations: TypeAlias = Mapping[str, str]
Stage: TypeAlias = Literal["forward", "loss", "delta", "gradient", "update", "training"]


@dataclass(frozen=True)
class Words:
    """The texts of a form, where those of its entry are not true of it; empty ones are the entry's.

    Parameters
    ----------
    title, wrong, right, why, repair : str
        As those of `Mistake`. A title may contain ``{layers}``, which becomes "layer 2", "layers 1
        and 2" or "every layer", ``{is}``, its verb, and ``{of_layers}``, which becomes " of layer
        2", or nothing if it is made in every layer.
    """

    title: str = ""
    wrong: str = ""
    right: str = ""
    why: str = ""
    repair: str = ""


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
    words : Words
        The texts of this form, where those of the entry are not true of it.
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
    words: Words = Words()


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

    def of_form(
        self, form: Form, layers: Sequence[int] = (), *, all_layers: bool = False
    ) -> "Mistake":
        """Return the entry with the texts of a form, made in certain layers.

        Parameters
        ----------
        form : Form
        layers : sequence of int
        all_layers : bool
            Whether these are all layers of the network.
        """
        own = {name: text for name, text in vars(form.words).items() if text}
        title = in_layers(own.pop("title", self.title), layers, all_layers=all_layers)
        return replace(self, title=f"{title} ({form.note})" if form.note else title, **own)


# ---- functions that build forms -----------------------------------------------------------------


def in_layers(title: str, layers: Sequence[int], *, all_layers: bool) -> str:
    """Return a title with the layers that it names."""
    which = "every layer" if all_layers else layers_words(layers)
    several = len(layers) > 1 and not all_layers
    of_layers = "" if all_layers or not layers else f" of {which}"
    words = {"layers": which or "a layer", "of_layers": of_layers, "is": "are" if several else "is"}
    for name, text in words.items():
        title = title.replace(f"{{{name}}}", text)
    return title


def layer_form(
    where: str,
    activations: str = "",
    note: str = "",
    title: str = "",
    words: Words = Words(),
    **equations: str,
) -> Form:
    """Return a form that replaces equations of layers; a title is the one of its words."""
    words = replace(words, title=title) if title else words
    return Form(where, layer=equations, for_activations=activations, note=note, words=words)


def loss_form(losses: str = "", note: str = "", words: Words = Words(), **equations: str) -> Form:
    """Return a form that replaces equations of the loss."""
    return Form(loss=equations, for_losses=losses, note=note, words=words)


def softmax_forms(note: str = "", title: str = "", **equations: str) -> tuple[Form, ...]:
    """Return forms that replace softmax, one for each loss that contains it."""
    terms = {"softmax-cross-entropy": "-t * log(p)", "softmax-squared-error": "(p - t)**2 / 2"}
    words = Words(title)
    return tuple(
        loss_form(name, note, words, **equations, terms=text) for name, text in terms.items()
    )


def parameter_form(where: str, note: str = "", title: str = "", **equations: str) -> Form:
    """Return a form that replaces update equations of weights and biases alike."""
    words = Words(title)
    return Form(
        where, weights=equations, biases=equations, needs_update=True, note=note, words=words
    )


def optimizer_form(
    optimizers: str, title: str = "", *, needs_second_call: bool = False, **equations: str
) -> Form:
    """Return a form that replaces update equations of the named optimizers."""
    return Form(
        "all",
        weights=equations,
        biases=equations,
        for_optimizers=optimizers,
        needs_update=True,
        needs_second_call=needs_second_call,
        words=Words(title),
    )


def factor_forms(factors: Mapping[str, str]) -> tuple[Form, ...]:
    """Return forms in which one of the factors multiplies some gradients and not others.

    Parameters
    ----------
    factors : mapping of str to str
        Each factor, and the predicate of the title: "have the wrong sign".
    """
    forms: list[Form] = []
    for factor, predicate in factors.items():
        times = f"({factor})"
        gradients = {"dW": f"{times} * delta.T @ x", "db": f"{times} * sum(delta, axis=0)"}
        named = {
            what: Words(f"{what} {predicate}")
            for what in (
                "the deltas backpropagated by {layers}",
                "the gradients{of_layers}",
                "the bias gradients{of_layers}",
                "the weight gradients{of_layers}",
            )
        }
        back, both, biases, weights = named.values()
        forms += [
            Form("not-first*", layer={"dx": f"{times} * delta @ W"}, words=back),
            Form("hidden*", layer=gradients, words=both),
            Form("output", layer=gradients, words=both),
            Form("all*", layer={"db": gradients["db"]}, words=biases),
            Form("all*", layer={"dW": gradients["dW"]}, words=weights),
        ]
    return tuple(forms)
