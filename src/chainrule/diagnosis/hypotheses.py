"""Hypotheses: the forms of the catalogue, applied to the layers of a given network.

A `Variant` holds the equations that `wire` replaces in order to make one mistake in certain layers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from chainrule.diagnosis.catalogue import MISTAKES, Form, Mistake
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.optimizers import Optimizer

EquationKey: TypeAlias = tuple[str, str]
# Intermediate quantities that forms add; they are not shown as the place of a mistake.
AUXILIARY = ("edited", "shape", "inputs", "units", "q", "dsum_new", "first_new", "second_new")


@dataclass(frozen=True, eq=False)
class Variant:
    """One form of a mistake in certain layers.

    Parameters
    ----------
    mistake : Mistake
    form : Form
    labels : tuple of str
        The labels of these layers.
    replace : dict of (str, str) to str
        Equations by scope and name, as `wire` takes them.
    """

    mistake: Mistake
    form: Form
    labels: tuple[str, ...]
    replace: dict[EquationKey, str]

    @property
    def location(self) -> tuple[str, str]:
        """The layer (or array, or loss) and the name of its first replaced equation."""
        if self.form.loss_after_update:
            return "loss", "value"
        shown = [key for key in self.replace if key[1] not in AUXILIARY]
        return max(shown, key=_layer_number) if shown else next(iter(self.replace))

    @cached_property
    def signature(self) -> tuple[tuple[EquationKey, str], ...]:
        """The replaced equations in a hashable form, to compare variants by."""
        return tuple(sorted(self.replace.items()))

    def affects(self, name: str, network: Network) -> bool:
        """Return whether it can change a gradient or an update, such as ``"dW1"``."""
        if self.form.loss_after_update:
            return name == "loss"
        array = name.removesuffix("_new").removeprefix("d" if not name.endswith("_new") else "")
        block = next((b for b in network.layout.blocks if b.name == array), None)
        if block is None:
            return True
        return any(_affects_array(key, array, block.layer, network) for key in self.replace)

    def conflicts_with(self, other: "Variant") -> bool:
        """Return whether both replace the same equation, so that they cannot be combined."""
        return bool(self.replace.keys() & other.replace.keys())


def _affects_array(key: EquationKey, array: str, layer: int, network: Network) -> bool:
    """Return whether a replaced equation can change the gradient of an array of a layer."""
    where, name = key
    if where not in network.labels:
        return where in ("loss", array)
    position = network.layer(where)
    match name:
        case "dW" | "db":
            return f"{name[1:]}{where}" == array or (name == "dW" and position > layer)
        case "dx":
            return position > layer
        case "delta":
            return position >= layer
        case _:
            return True


def _layer_number(key: EquationKey) -> int:
    """Return the number of the layer that a replaced equation belongs to, 0 if there is none."""
    digits = "".join(c for c in key[0] if c.isdigit())
    return int(digits or 0)


def variants(network: Network, rule: Optimizer | None) -> list[Variant]:
    """Return every form of every mistake in every choice of layers, without duplicates.

    Parameters
    ----------
    network : Network
    rule : Optimizer or None
        If None, mistakes in the update are left out.
    """
    found: dict[tuple[str, object], Variant] = {}
    for mistake in MISTAKES.values():
        for form in mistake.forms:
            if applies(form, network, rule):
                for variant in variants_of_form(mistake, form, network):
                    found.setdefault((mistake.id, variant.signature), variant)
    return list(found.values())


def applies(form: Form, network: Network, rule: Optimizer | None) -> bool:
    """Return whether a form applies to the network's loss and to this optimizer."""
    of_loss = not form.for_losses or network.loss.name in form.for_losses.split()
    of_rule = not form.for_optimizers or (
        rule is not None and rule.name in form.for_optimizers.split()
    )
    return of_loss and of_rule and not (form.needs_update and rule is None)


def variants_of_form(mistake: Mistake, form: Form, network: Network) -> Iterator[Variant]:
    """Yield a form in each choice of layers that it allows."""
    if form.loss_after_update:
        yield Variant(mistake, form, (), {})
    elif not form.where:
        yield Variant(mistake, form, (), {("loss", n): text for n, text in form.loss.items()})
    for chosen in layer_choices(form, network) if form.where else []:
        replace = replacements(form, chosen, network)
        if replace:
            yield Variant(mistake, form, chosen, replace)


def replacements(form: Form, chosen: tuple[str, ...], network: Network) -> dict[EquationKey, str]:
    """Return a form's equations for the chosen layers."""
    dense = dense_labels(network)
    replace: dict[EquationKey, str] = {("loss", n): text for n, text in form.loss.items()}
    for label in chosen:
        replace |= {(label, n): text for n, text in form.layer.items()}
        above = dense[dense.index(label) + 1 :][:1]
        replace |= {(up, n): text for up in above for n, text in form.above.items()}
        layer = network.layers[network.layer(label)]
        replace |= {(f"W{label}", n): text for n, text in form.weights.items()}
        if isinstance(layer, Dense) and layer.bias:
            replace |= {(f"b{label}", n): text for n, text in form.biases.items()}
    without = {x for x in dense if not has_bias(network, x)}
    return {
        key: text for key, text in replace.items() if not (key[0] in without and key[1] == "db")
    }


def layer_choices(form: Form, network: Network) -> list[tuple[str, ...]]:
    """Return the sets of layers that a form's `where` stands for, without duplicates."""
    dense = tuple(dense_labels(network))
    stem = form.where.removesuffix("*")
    hidden, first, others = dense[:-1], dense[:1], dense[1:]
    groups = {
        "all": dense,
        "hidden": hidden,
        "output": dense[-1:],
        "not-first": others,
        "first": first,
    }
    chosen = [groups[stem]]
    if form.where.endswith("*"):
        chosen += [hidden, dense[-1:]] if stem == "all" else []
        chosen += [(label,) for label in groups[stem]]
    wanted = form.for_activations.split()
    kept = (
        tuple(x for x in labels if not wanted or activation_name(network, x) in wanted)
        for labels in chosen
    )
    return [labels for labels in dict.fromkeys(kept) if labels]


def dense_labels(network: Network) -> list[str]:
    """Return the labels of the Dense layers."""
    pairs = zip(network.labels, network.layers, strict=True)
    return [label for label, layer in pairs if isinstance(layer, Dense)]


def activation_name(network: Network, label: str) -> str:
    """Return the name of a layer's activation."""
    layer = network.layers[network.layer(label)]
    return layer.activation.name if isinstance(layer, Dense) else ""


def has_bias(network: Network, label: str) -> bool:
    """Return whether a layer has a bias."""
    layer = network.layers[network.layer(label)]
    return isinstance(layer, Dense) and layer.bias
