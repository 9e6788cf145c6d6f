"""Names of quantities: what this package's keys call them, and what other notations do.

A name never carries meaning for the engine; two notations of one example have the same numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chainrule.errors import unknown
from chainrule.layers import Dense
from chainrule.network import Network


class Ref(NamedTuple):
    """One number of a worked example, by what it is.

    Attributes
    ----------
    quantity : str
        Such as ``"z"``, ``"dW"``, ``"W_new"``, ``"m_W"`` or ``"loss"``.
    layer : str
        The layer's label, ``""`` for what belongs to none.
    index : tuple of int
        (to, from) of a weight, (unit,) of a bias, else (sample, unit), (sample,) or nothing.
    sampled : bool
        Whether the index begins with a sample.
    """

    quantity: str
    layer: str
    index: tuple[int, ...]  # pyright: ignore[reportIncompatibleMethodOverride] (no search here)
    sampled: bool


class Places(NamedTuple):
    """What names depend on: the network, and whether there is more than one sample."""

    network: Network
    samples: int


Namer = Callable[[Ref, Places], str]


@dataclass(frozen=True)
class Notation:
    """A way of naming.

    Parameters
    ----------
    name : str
    namer : callable
        ``namer(ref, places) -> str``.
    """

    name: str
    namer: Namer

    def __call__(self, ref: Ref, places: Places) -> str:
        """Return the name of a number."""
        return self.namer(ref, places)


# ---- keys: quantity, layer, suffix, indices from 0 ----------------------------------------------


def key(ref: Ref, places: Places) -> str:
    """Return the key of a number, such as ``"dW2[0,1]"``; a lone sample's index is left out."""
    name = ref.quantity + ref.layer
    if ref.layer and not ref.layer.isdigit():
        name = f"{ref.quantity}_{ref.layer}"
    elif ref.quantity.endswith("_new"):
        name = f"{ref.quantity[:-4]}{ref.layer}_new"
    index = ref.index[1:] if ref.sampled and places.samples == 1 else ref.index
    return f"{name}[{','.join(map(str, index))}]" if index else name


# ---- the worked example's: w5, net_h1, out_o1 ---------------------------------------------------

PATTERNS = {
    "x": "i{u}",
    "t": "target_o{u}",
    "z": "net_{n}",
    "a": "out_{n}",
    "p": "out_o{u}",
    "error": "E_o{u}",
    "loss": "E",
    "cost": "C",
    "do": "∂E/∂out_o{u}",
    "da": "∂E/∂out_{n}",
    "dx": "",  # is written as the da of the layer below
    "dinput": "∂E/∂i{u}",
    "delta": "δ_{n}",
    "delta_sample": "δ_{n} alone",
    "W": "{w}",
    "b": "b_{n}",
    "dW": "∂E/∂{w}",
    "db": "∂E/∂b_{n}",
    "W_new": "{w}⁺",
    "b_new": "b_{n}⁺",
    "rate": "η",
}


def worked_example(ref: Ref, places: Places) -> str:
    """Return the worked example's name: weights counted through, h for hidden, o for output."""
    if not _plain(places.network) or ref.quantity not in PATTERNS:
        return key(ref, places)
    if ref.quantity == "dx":
        ref = _below(ref)
    pattern = PATTERNS[ref.quantity]
    unit = ref.index[-1] + 1 if ref.index else 0
    sample = f"({ref.index[0] + 1})" if ref.sampled and places.samples > 1 else ""
    name = pattern.format(u=unit, n=_neuron(ref, places), w=_weight(ref, places.network))
    return name + sample


def _plain(network: Network) -> bool:
    """Tell whether every layer is Dense, so that weights can be counted through."""
    return all(isinstance(layer, Dense) for layer in network.layers)


def _below(ref: Ref) -> Ref:
    """Return a layer's dx as what it is one layer down: the da of the units there."""
    layer = int(ref.layer) - 1
    return ref._replace(quantity="da" if layer else "dinput", layer=str(layer))


def _neuron(ref: Ref, places: Places) -> str:
    if not ref.layer or not ref.index:
        return ""
    layer, last = int(ref.layer), len(places.network.layers)
    unit = ref.index[-1] + 1
    if layer == last:
        return f"o{unit}"
    return f"h{unit}" if last == 2 else f"h{layer}.{unit}"


def _weight(ref: Ref, network: Network) -> str:
    """Return w with its number, counted through all layers, row by row."""
    if len(ref.index) != 2 or not ref.layer:
        return ""
    place = int(ref.layer) - 1
    before = sum(b.size for b in network.layout.blocks if b.param == "W" and b.layer < place)
    width = network.widths[place]
    return f"w{before + ref.index[0] * width + ref.index[1] + 1}"


def notation(choice: str | Notation) -> Notation:
    """Return the notation of a name, or the one handed in.

    Raises
    ------
    UnknownNameError
        If the table has no such name.
    """
    if isinstance(choice, Notation):
        return choice
    if choice not in NOTATIONS:
        raise unknown("notation", choice, NOTATIONS)
    return NOTATIONS[choice]


NOTATIONS: dict[str, Notation] = {
    "plain": Notation("plain", key),
    "mazur": Notation("mazur", worked_example),
}
