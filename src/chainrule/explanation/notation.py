"""Names of quantities: what this package's keys call them, and what the textbooks do.

A name never carries meaning for the engine; two notations of one example have the same numbers.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from chainrule.descriptions import check_int, check_type
from chainrule.errors import InputError, unknown
from chainrule.explanation.patterns import (
    MAZUR,
    NIELSEN,
    QUANTITIES,
    RUMELHART,
    RUSSELL_NORVIG,
    SIGNS,
    UNNAMED,
)
from chainrule.layout import Block
from chainrule.network import Network
from chainrule.pages import Ref, markup_fault


class Places(NamedTuple):
    """What names depend on: the network, and whether there is more than one sample."""

    network: Network
    samples: int


# ---- keys: quantity, layer, suffix, indices from 0 ----------------------------------------------


def key(ref: Ref, places: Places, count_from: int = 0) -> str:
    """Return the key of a number, such as ``"dW2[0,1]"``; a single sample has no index."""
    name = ref.quantity + ref.layer
    if ref.layer and not ref.layer.isdigit():
        name = f"{ref.quantity}_{ref.layer}"
    elif ref.quantity.endswith("_new"):
        name = f"{ref.quantity[:-4]}{ref.layer}_new"
    index = ref.index[1:] if ref.sampled and places.samples == 1 else ref.index
    return f"{name}[{','.join(str(i + count_from) for i in index)}]" if index else name


# ---- notations ----------------------------------------------------------------------------------

# What a pattern may name, each in pointed brackets.
PLACEHOLDERS = {
    "u": "the unit in its layer; of a weight, the one that it leads to",
    "k": "the unit that a weight comes from",
    "l": "the layer's number",
    "n": "the unit as h1 (of the first of several hidden layers h1.1) or o1",
    "v": "the unit that a path goes through, in the same way",
    "N": "the unit, numbered through the network, inputs first",
    "K": "the unit that a weight comes from, counted so",
    "V": "the unit that a path goes through, counted so",
    "jk": "both units of a weight, with a comma where one has two digits",
    "0": "the number of an input that is always 1: 0, or b where a unit has that number",
    "w": "the weight, numbered through the network",
    "own": "the name of the weight or bias that the quantity belongs to",
    "da": "the name of the derivative by the unit below that a path is part of",
    "q": "the quantity's own word",
    "s": "the sample; a pattern without it gets (s) at its end where there are several",
    "s,": "the sample and a comma, nothing where there is only one",
}


RESIDUALS = ("o-t", "t-o")
OF_PARAMETERS = re.compile(r"\w+_[Wb](_new)?")  # such as m_W, in addition to the general slot


@dataclass(frozen=True)
class Notation:
    """A way of writing: names, the order of a difference, ½ or a division by 2.

    Parameters
    ----------
    name : str
    patterns : mapping of str to str
        What each quantity is called, in the markup ``w_{<w>}``; `PLACEHOLDERS` lists what may stand
        in pointed brackets. What has no pattern goes by its key.
    residual : {"o-t", "t-o"}, default "o-t"
        How the difference of an output and its target is written.
    half : bool, default False
        Whether a half is written ½ in front instead of as a division by 2.
    count_from : {0, 1}, default 0
        What the first unit, sample and index are called.
    first_layer : int, default 0
        The number of the inputs, where layers have numbers.
    negated : tuple of str
        Quantities that this notation defines with the opposite sign, such as Δ.
    about : str
        Where it comes from and what is special about it.

    Raises
    ------
    UnknownNameError
        If there is no such quantity or placeholder.
    InputError
        If a pattern is not in the markup, or an option has an unknown value.
    """

    name: str
    patterns: Mapping[str, str] = field(default_factory=dict[str, str])
    residual: Literal["o-t", "t-o"] = "o-t"
    half: bool = False
    count_from: Literal[0, 1] = 0
    first_layer: int = 0
    negated: tuple[str, ...] = ()
    about: str = ""

    def __post_init__(self) -> None:
        check_type(self.name, str, "a notation's name", "give a word, such as 'course'")
        check_type(self.patterns, Mapping, f"patterns of {self.name!r}", "give a mapping")
        check_type(self.negated, tuple, "negated", "give a list, such as ['delta']")
        check_type(self.half, bool, "half", "give true or false")
        check_type(self.about, str, "about", "give a sentence")
        for quantity in (*self.patterns, *self.negated):
            if quantity not in QUANTITIES and not OF_PARAMETERS.fullmatch(quantity):
                raise unknown("notation quantity", quantity, QUANTITIES)
        for quantity, pattern in self.patterns.items():
            self._check_pattern(quantity, pattern)
        if self.residual not in RESIDUALS:
            raise InputError(f"residual={self.residual!r}: must be 'o-t' or 't-o'")
        if self.count_from not in (0, 1):
            raise InputError(f"count_from={self.count_from!r}: must be 0 or 1")
        check_int(self.first_layer, "first_layer", 0)

    def _check_pattern(self, quantity: str, pattern: str) -> None:
        """Raise an error for a pattern that is not in the markup of names."""
        where = f"pattern of {quantity} in the notation {self.name!r}"
        check_type(pattern, str, where, "give text, such as 'w_{<w>}'")
        for placeholder in re.findall(r"<([^<>]*)>", pattern):
            if placeholder not in PLACEHOLDERS:
                known = [f"<{p}>" for p in PLACEHOLDERS]
                raise unknown(f"placeholder in the {where}:", f"<{placeholder}>", known)
        if fault := markup_fault(re.sub(r"<[^<>]*>", "0", pattern)):
            raise InputError(
                f"{pattern!r}, the {where}, {fault}; write subscripts as _{{…}}, superscripts as "
                "^{…}, and placeholders in pointed brackets, such as w_{<w>}"
            )

    def unnamed(self, refs: Iterable[Ref], network: Network) -> list[str]:
        """Return which quantities the notation has no pattern for, without those none has."""
        if not self.patterns:
            return []
        layered = (ref for ref in refs if not ref.layer or ref.layer.isdigit())
        below_ones = {below(ref, network) for ref in layered}
        missing = {_sort(ref, network) for ref in below_ones if not self._pattern(ref, network)}
        return sorted((missing & QUANTITIES) - UNNAMED - {"p"})  # p is a there, as nothing links

    def __call__(self, ref: Ref, places: Places) -> str:
        """Return the name of a number, in markup."""
        ref = below(ref, places.network) if "da" in self.patterns else ref
        nameless = ref.layer and not ref.layer.isdigit()  # no textbook names dropout1
        if self.patterns and (nameless or (ref.quantity == "dx" and "da" in self.patterns)):
            return self._elsewhere(ref, places)
        pattern = self._pattern(ref, places.network)
        if pattern is None:
            return key(ref, places, self.count_from)
        return self._fill(pattern, ref, places)

    def _elsewhere(self, ref: Ref, places: Places) -> str:
        """Return the name of a number of a layer that has none of its own, such as dropout1."""
        inner = ref.index[1:] if ref.sampled else ref.index
        units = ",".join(str(i + self.count_from) for i in inner)
        word = {"dx": "∂C/∂x"}.get(ref.quantity, ref.quantity)
        sample = f"({ref.index[0] + self.count_from})" if ref.sampled and places.samples > 1 else ""
        return f"{word}^{{{ref.layer}}}" + (f"_{{{units}}}" if units else "") + sample

    def array(self, ref: Ref, places: Places) -> str:
        """Return the name of a whole array, in markup.

        It is the name of its entries with what they have in common: ``net_{h}`` for net_{h1} and
        net_{h2}, ``w_{1…4}`` for four consecutive weights, ``w^{2}`` without the units of
        w^{2}_{jk}. What has no pattern keeps its key.
        """
        ref = ref._replace(index=(), sampled=False)
        ref = below(ref, places.network) if "da" in self.patterns else ref
        if ref.layer and not ref.layer.isdigit() and self.patterns:
            return self._elsewhere(ref, places)
        pattern = self._pattern(ref, places.network)
        if pattern is None or (ref.quantity == "dx" and "da" in self.patterns):
            return key(ref, places)
        if (bare := self._without_units(pattern, ref, places)) not in self.patterns.values():
            return bare
        return self._without_units(pattern.replace("<u>", "<U>"), ref, places)  # C_{1…2}, not C

    def _without_units(self, pattern: str, ref: Ref, places: Places) -> str:
        filled = re.sub(r"<(.*?)>", lambda found: self._common(found[1], ref, places), pattern)
        return re.sub(r"[_^]\{,?\}", "", filled)

    def _common(self, placeholder: str, ref: Ref, places: Places) -> str:
        """Return what the entries of an array have in common in the place of a placeholder."""
        match placeholder:
            case "own":
                return self.array(_owner(ref), places)
            case "q":
                return self._part("q", ref, places)
            case "0" | "l":
                return self._part(placeholder, ref, places)
            case "n":
                return _group(_number(ref, places), places)
            case "w":
                return _span(*_weights(ref, places.network), self.count_from)
            case "U":
                return _span(0, _width(_number(ref, places), places) - 1, self.count_from)
            case "N" | "K":
                layer = _number(ref, places) - (placeholder == "K")
                first = _counted(layer, 0, places)
                return _span(first, first + _width(layer, places) - 1, self.count_from)
            case _:
                return ""

    def _pattern(self, ref: Ref, network: Network) -> str | None:
        """Return the pattern of a quantity, or of what it belongs to; None if there is none."""
        pattern = self.patterns.get(_sort(ref, network))
        if pattern is None and (belongs := _belongs(ref)):
            return self.patterns.get(belongs[0])
        return pattern

    def _fill(self, pattern: str, ref: Ref, places: Places) -> str:
        """Return a pattern with each placeholder replaced."""
        found = re.findall(r"<(.*?)>", pattern)
        several = ref.sampled and places.samples > 1
        for placeholder in found:
            pattern = pattern.replace(f"<{placeholder}>", self._part(placeholder, ref, places), 1)
        shown = several and not {"s", "s,"} & set(found)
        return f"{pattern}({ref.index[0] + self.count_from})" if shown else pattern

    def _part(self, placeholder: str, ref: Ref, places: Places) -> str:
        """Return the text of a placeholder."""
        match placeholder:
            case "own":
                owner = _owner(ref)
                whole = not owner.index and _belongs(ref) is not None  # a sum over an array
                return key(owner, places) if whole else self(owner, places)
            case "da":
                below_one = ref._replace(quantity="dx", index=ref.index[:2])
                return self(below_one, places._replace(samples=1))
            case "q":
                return SIGNS.get(belongs[1], belongs[1]) if (belongs := _belongs(ref)) else ""
            case "s" | "s,":
                alone = places.samples == 1 or not ref.sampled
                comma = "," if placeholder == "s," else ""
                return "" if alone else f"{ref.index[0] + self.count_from}{comma}"
            case "0":
                return "0" if self.count_from else "b"
            case "w":
                return _weight(ref, places.network, self.count_from)
            case _:
                return self._unit(placeholder, ref, places)

    def _unit(self, placeholder: str, ref: Ref, places: Places) -> str:
        """Return the text of a placeholder for a unit or a layer."""
        first, second, *_ = (*(ref.index[1:] if ref.sampled else ref.index), 0, 0)
        layer = _number(ref, places)
        here = layer - (ref.quantity == "path")  # a path leads down to a unit of the layer below
        shown = [str(i + self.count_from) for i in (first, second)]
        return {
            "u": lambda: shown[0],
            "k": lambda: shown[1],
            "jk": lambda: ("" if max(map(len, shown)) == 1 else ",").join(shown),
            "l": lambda: str(layer + self.first_layer),
            "n": lambda: _neuron(here, first, places, self.count_from),
            "v": lambda: _neuron(layer, second, places, self.count_from),
            "N": lambda: str(_counted(here, first, places) + self.count_from),
            "K": lambda: str(_counted(layer - 1, second, places) + self.count_from),
            "V": lambda: str(_counted(layer, second, places) + self.count_from),
        }[placeholder]()


def below(ref: Ref, network: Network) -> Ref:
    """Return a layer's dx as what it is one layer down: the da of the units there."""
    place = network.labels.index(ref.layer) if ref.quantity == "dx" else 0
    under = network.labels[place - 1] if place else "0"
    if ref.quantity != "dx" or not under.isdigit():
        return ref
    return ref._replace(quantity="da" if place else "dinput", layer=under)


def _sort(ref: Ref, network: Network) -> str:
    """Return the pattern's name of a quantity, which depends on what else the network has."""
    stem = ref.quantity.removesuffix("_new").removeprefix("d")
    if stem == "W" and len(ref.index) == 1:  # a LayerNorm's
        return ref.quantity.replace("W", "gain")
    if ref.quantity == "eps" and ref.layer:  # a LayerNorm's, not the optimizer's
        return "epsilon"
    if ref.quantity == "p" and network.loss.owns_link:
        return "link"
    if ref.quantity == "path" and (_above(ref, network) or network.loss.classes):
        return "through"  # no single output's error
    return ref.quantity


def _above(ref: Ref, network: Network) -> bool:
    """Return whether there is a layer above a quantity's layer."""
    return ref.layer != network.labels[-1]


def _belongs(ref: Ref) -> tuple[str, str] | None:
    """Return pattern and word of what belongs to a parameter, such as Adam's ``m_W_new``."""
    found = re.fullmatch(r"(\w+?)_(W|b)(_new)?", ref.quantity)
    return (f"slot{found[3] or ''}", found[1]) if found else None


def _owner(ref: Ref) -> Ref:
    """Return the parameter that a quantity belongs to."""
    if ref.quantity == "local":  # of a net input by a weight: (sample, to, from)
        return Ref("W", ref.layer, ref.index[1:], sampled=False)
    param = "W" if "W" in ref.quantity else "b"
    return Ref(param, ref.layer, ref.index, sampled=False)


def _number(ref: Ref, places: Places) -> int:
    """Return the layer's number; that of a layer without parameters is the one below it."""
    if ref.layer.isdigit():
        return int(ref.layer)
    if ref.quantity in ("p", "t", "o", "do", "error", "s", "e"):
        return sum(label.isdigit() for label in places.network.labels)
    if ref.layer in places.network.labels:
        before = places.network.labels[: places.network.labels.index(ref.layer)]
        return sum(label.isdigit() for label in before)
    return 0


def _neuron(layer: int, unit: int, places: Places, count_from: int) -> str:
    """Return a unit as i1, h1, h2.1 or o1."""
    unit += count_from
    last = sum(label.isdigit() for label in places.network.labels)
    if layer == 0:
        return f"i{unit}"
    if layer == last:
        return f"o{unit}"
    return f"h{unit}" if last == 2 else f"h{layer}.{unit}"


def _group(layer: int, places: Places) -> str:
    """Return what the names of a layer's units begin with: i, h, h2 or o."""
    last = sum(label.isdigit() for label in places.network.labels)
    if layer == 0:
        return "i"
    return "o" if layer == last else "h" if last == 2 else f"h{layer}"


def _span(first: int, last: int, count_from: int) -> str:
    """Return a range of numbers, such as ``"1…4"``."""
    shown = dict.fromkeys((str(first + count_from), str(last + count_from)))
    return "…".join(shown)


def _counted(layer: int, unit: int, places: Places) -> int:
    """Return a unit's number in the whole network, from 0, inputs first."""
    return sum(_width(below, places) for below in range(layer)) + unit


def _width(layer: int, places: Places) -> int:
    """Return how many units a layer with a number has; layer 0 is the inputs."""
    pairs = zip(places.network.labels, places.network.widths[1:], strict=True)
    widths = [width for label, width in pairs if label.isdigit()]
    return (places.network.inputs, *widths)[layer]


def _weight(ref: Ref, network: Network, count_from: int) -> str:
    """Return a weight's number in the whole network, row by row of each matrix."""
    index = ref.index[1:] if ref.sampled else ref.index
    if len(index) != 2:
        return ""
    matrix = _matrix(ref, network)
    return str(_before(matrix, network) + index[0] * matrix.shape[1] + index[1] + count_from)


def _weights(ref: Ref, network: Network) -> tuple[int, int]:
    """Return the numbers of a matrix's first and last weight, counted from 0."""
    matrix = _matrix(ref, network)
    before = _before(matrix, network)
    return before, before + matrix.size - 1


def _matrix(ref: Ref, network: Network) -> Block:
    return next(b for b in network.layout.blocks if b.name == f"W{ref.layer}")


def _before(matrix: Block, network: Network) -> int:
    """Return how many weights the matrices below have."""
    blocks = network.layout.blocks
    return sum(b.size for b in blocks if len(b.shape) == 2 and b.layer < matrix.layer)


# ---- what the textbooks write -------------------------------------------------------------------

NOTATIONS: dict[str, Notation] = {
    "plain": Notation(
        "plain",
        about="This package's keys: the quantity, its layer, indices from 0; delta is ∂C/∂z.",
    ),
    "mazur": Notation(
        "mazur",
        MAZUR,
        residual="t-o",
        half=True,
        count_from=1,
        about="Matt Mazur's worked example: numbered weights, h for hidden, o for output.",
    ),
    "nielsen": Notation(
        "nielsen",
        NIELSEN,
        half=True,
        count_from=1,
        first_layer=1,
        about="Michael Nielsen's book: w^l_jk leads from unit k of layer l − 1 to unit j of layer "
        "l; the inputs are layer 1.",
    ),
    "rumelhart": Notation(
        "rumelhart",
        RUMELHART,
        residual="t-o",
        half=True,
        count_from=1,
        negated=("delta", "delta_sample"),
        about="Rumelhart, Hinton, Williams 1986: units are numbered consecutively, w_ji leads from "
        "i to j, and δ is −∂E/∂net. Biases are the θ.",
    ),
    "russell-norvig": Notation(
        "russell-norvig",
        RUSSELL_NORVIG,
        residual="t-o",
        half=True,
        count_from=1,
        negated=("delta", "delta_sample"),
        about="Russell, Norvig: units are numbered consecutively, w_i,j leads from i to j, and Δ "
        "is −∂Loss/∂in. A bias is the weight w_0,j of an input that is always 1.",
    ),
}
