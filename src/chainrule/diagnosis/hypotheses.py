"""Hypotheses: the forms of the catalogue, placed in the layers of a network.

A variant is one form in certain layers, as the replacements that the engine's wiring takes. Whether
it is true is not asked here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from chainrule.diagnosis.catalogue import MISTAKES, Form, Mistake
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.optimizers import Optimizer

Where: TypeAlias = tuple[str, str]
AUXILIARY = ("edited", "shape", "q", "dsum_new", "first_new", "second_new")  # names that forms add


@dataclass(frozen=True, eq=False)
class Variant:
    """One form of a mistake in certain layers.

    Parameters
    ----------
    mistake : Mistake
    form : Form
    labels : tuple of str
        The layers that it is in, as keys call them.
    replace : dict of (str, str) to str
        What `wire` takes.
    """

    mistake: Mistake
    form: Form
    labels: tuple[str, ...]
    replace: dict[Where, str]

    @property
    def place(self) -> tuple[str, str]:
        """The layer (or array, or loss) and the name of its first replaced equation."""
        if self.form.after:
            return "loss", "value"
        shown = [key for key in self.replace if key[1] not in AUXILIARY]
        return max(shown, key=_late) if shown else next(iter(self.replace))

    @cached_property
    def signature(self) -> tuple[tuple[Where, str], ...]:
        """What tells it from other variants."""
        return tuple(sorted(self.replace.items()))

    def reaches(self, name: str, network: Network) -> bool:
        """Tell whether it can change a gradient, or an update, of a name such as ``"dW1"``."""
        if self.form.after:
            return name == "loss"
        array = name.removesuffix("_new").removeprefix("d" if not name.endswith("_new") else "")
        block = next((b for b in network.layout.blocks if b.name == array), None)
        if block is None:
            return True
        return any(_goes(key, array, block.layer, network) for key in self.replace)

    def clashes(self, other: "Variant") -> bool:
        """Tell whether both replace one equation, so that they cannot hold together."""
        return bool(self.replace.keys() & other.replace.keys())


def _goes(key: Where, array: str, layer: int, network: Network) -> bool:
    """Tell whether a replaced equation reaches the gradient of an array of a layer."""
    where, name = key
    if where not in network.labels:
        return where in ("loss", array)
    place = network.layer(where)
    match name:
        case "dW" | "db":
            return f"{name[1:]}{where}" == array or (name == "dW" and place > layer)
        case "dx":
            return place > layer
        case "delta":
            return place >= layer
        case _:
            return True


def _late(key: Where) -> int:
    """Return how late in the network a replaced equation stands: its layer's number."""
    digits = "".join(c for c in key[0] if c.isdigit())
    return int(digits or 0)


def variants(network: Network, rule: Optimizer | None) -> list[Variant]:
    """Return every form of every mistake in every choice of layers, without repetitions.

    Parameters
    ----------
    network : Network
    rule : Optimizer or None
        Without one, mistakes of the update are left out.
    """
    found: dict[tuple[str, object], Variant] = {}
    for mistake in MISTAKES.values():
        for form in mistake.forms:
            if applies(form, network, rule):
                for variant in place(mistake, form, network):
                    found.setdefault((mistake.id, variant.signature), variant)
    return list(found.values())


def applies(form: Form, network: Network, rule: Optimizer | None) -> bool:
    """Tell whether a form is about this loss, this optimizer, and whether there is an update."""
    of_loss = not form.objective or network.loss.name in form.objective.split()
    of_rule = not form.optimizer or (rule is not None and rule.name in form.optimizer.split())
    return of_loss and of_rule and not (form.step and rule is None)


def place(mistake: Mistake, form: Form, network: Network) -> Iterator[Variant]:
    """Yield a form in each choice of layers that it allows."""
    if form.after:
        yield Variant(mistake, form, (), {})
    elif not form.where:
        yield Variant(mistake, form, (), {("loss", n): text for n, text in form.loss.items()})
    for chosen in choices(form, network) if form.where else []:
        replace = replacements(form, chosen, network)
        if replace:
            yield Variant(mistake, form, chosen, replace)


def replacements(form: Form, chosen: tuple[str, ...], network: Network) -> dict[Where, str]:
    """Return a form's equations in the layers chosen."""
    dense = dense_labels(network)
    replace: dict[Where, str] = {("loss", n): text for n, text in form.loss.items()}
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


def choices(form: Form, network: Network) -> list[tuple[str, ...]]:
    """Return the choices of layers that a form's `where` means, each once."""
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
    named = form.activation.split()
    kept = (
        tuple(x for x in labels if not named or function(network, x) in named) for labels in chosen
    )
    return [labels for labels in dict.fromkeys(kept) if labels]


def dense_labels(network: Network) -> list[str]:
    """Return the labels of the Dense layers."""
    pairs = zip(network.labels, network.layers, strict=True)
    return [label for label, layer in pairs if isinstance(layer, Dense)]


def function(network: Network, label: str) -> str:
    """Return the name of a layer's activation."""
    layer = network.layers[network.layer(label)]
    return layer.activation.name if isinstance(layer, Dense) else ""


def has_bias(network: Network, label: str) -> bool:
    """Tell whether a layer has a bias."""
    layer = network.layers[network.layer(label)]
    return isinstance(layer, Dense) and layer.bias
