"""Finds out which quantities of a network the names of handed-in numbers mean.

A worked example of the same network knows all names; its own numbers are not used.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError, unknown
from chainrule.explanation import Notation, WorkedExample, explain
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.submission.numbers.reported_numbers import Item, ReportedNumbers, assemble, split_key

Shapes = Mapping[str, tuple[int, ...]]
# Other words for the loss, where the notation does not have them for something else.
LOSS = (
    "loss",
    "E",
    "E_total",
    "Etotal",
    "E_tot",
    "C",
    "J",
    "L",
    "cost",
    "error_total",
    "total error",
)


ONLY_BESIDE = re.compile(r"local\d+$")  # factors that a derivation shows, in some notations only


class Meaning(NamedTuple):
    """What a name means.

    Attributes
    ----------
    key : str
    sign : int
        −1 where the notation defines the name with the opposite sign.
    """

    key: str
    sign: int = 1


def resolve_names(
    figures: ReportedNumbers,
    network: Network,
    samples: int = 1,
    notation: str | Notation = "plain",
    optimizer: str | Optimizer | LBFGS | None = "sgd",
    theta: ArrayLike | None = None,
) -> ReportedNumbers:
    """Return figures by this package's names, each array in its own shape.

    Parameters
    ----------
    figures : ReportedNumbers
    network : Network
    samples : int, default 1
    notation : str or Notation, default "plain"
        Whose names are understood beside the keys.
    optimizer : str, Optimizer or LBFGS, optional
        Whose memory has names, such as ``m_W1``.
    theta : array (parameters,), optional
        The old parameters. Weights that are given by their bare name are the new ones, unless they
        all equal these, or the new ones are given apart.

    Returns
    -------
    ReportedNumbers
        The values of a `ReportedArray` are (out, in) or (samples, units), also if they were
        submitted transposed.

    Raises
    ------
    InputError
        If a shape or index does not fit.
    UnknownNameError
        If a name is no quantity's.
    """
    names = Names(network, samples, notation, optimizer)
    items = [names.meant(item) for item in figures.items if not ONLY_BESIDE.match(item.name)]
    items, weights = _turned(items, names.shapes, names.is_weight)
    items, rows = _turned(items, names.shapes, names.is_sampled)
    placed = [names.placed(item) for item in items]
    final = _renewed(placed, None if theta is None else network.views(np.asarray(theta)))
    steps = assemble(final, names.shapes)
    return replace(
        figures,
        steps=steps,
        items=tuple(final),
        weights="(in, out)" if weights else "(out, in)",
        samples="columns" if rows else "rows",
    )


class Names:
    """All names of a network's quantities.

    Parameters
    ----------
    network : Network
    samples : int
    notation : str or Notation
    optimizer : str, Optimizer, LBFGS or None
    """

    def __init__(
        self,
        network: Network,
        samples: int,
        notation: str | Notation,
        optimizer: str | Optimizer | LBFGS | None,
    ) -> None:
        self.network, self.samples = network, samples
        self.notation, self.optimizer = notation, optimizer
        arrays = self._example("matrices").steps[0].matrices
        shapes = {m.key: tuple(m.array.shape) for m in arrays}
        beside = {"da": "a", "delta_sample": "delta"}
        shapes |= {
            f"{new}{key.removeprefix(old)}": shape
            for key, shape in [*shapes.items()]
            for new, old in beside.items()
            if re.fullmatch(rf"{old}\d+", key)
        }
        outputs = (samples, network.widths[-1])
        self.shapes: dict[str, tuple[int, ...]] = {"o": outputs, "p": outputs, **shapes}
        self._own: dict[str, Meaning] | None = None

    def _example(self, level: Any) -> WorkedExample:
        """Return a worked example of the network, for its names."""
        x = np.zeros((self.samples, self.network.inputs))
        t = np.zeros((self.samples, self.network.widths[-1]))
        t[:, 0] = 1.0  # which every loss takes
        theta = self.network.initialize(0)
        return explain(
            self.network, theta, x, t, self.optimizer, notation=self.notation, level=level
        )

    @property
    def own(self) -> dict[str, Meaning]:
        """The notation's own names, as they are and in their plainest spelling."""
        if self._own is None:
            self._own = self._spelled()
        return self._own

    def _spelled(self) -> dict[str, Meaning]:
        names: dict[str, Meaning] = {}
        quantities = self._example("scalars").steps[0].quantities
        for q in quantities:
            meaning = Meaning(q.key, q.sign)
            names = {q.name: meaning, plainest(q.name): meaning} | names
        self._add_pieces((split_key(q.key)[0], q.ref.index) for q in quantities)
        return {**dict.fromkeys(map(plainest, LOSS), Meaning("loss")), **names}

    def _add_pieces(self, entries: Iterable[tuple[str, tuple[int, ...]]]) -> None:
        """Add the shapes of what only single numbers have, such as a path's share."""
        sizes: dict[str, tuple[int, ...]] = {}
        for name, index in entries:
            before = sizes.get(name, (0,) * len(index))
            sizes[name] = tuple(max(n, i + 1) for n, i in zip(before, index, strict=True))
        self.shapes = {**sizes, **self.shapes}

    def meant(self, item: Item) -> Item:
        """Return an item by the key that its name means."""
        if item.name in self.shapes:
            return item
        meaning = self.own.get(item.key) or self.own.get(plainest(item.key))
        if item.name in self.shapes:  # which now has the pieces as well
            return item
        if meaning is None:
            choices = {*self.shapes, *(n for n in self.own if self.notation != "plain")}
            raise InputError(f"{item.where}: {unknown('quantity', item.key, choices)}")
        name, index = split_key(meaning.key)
        if item.values.shape:
            raise InputError(f"{item.where}: {item.key} is one number, not {item.values.shape}")
        return item._replace(name=name, index=index, values=meaning.sign * item.values)

    def is_weight(self, name: str) -> bool:
        """Tell whether an array belongs to the weights of a layer."""
        return len(self.shapes[name]) == 2 and bool(re.search(r"W\d+(_new)?$", name))

    def is_sampled(self, name: str) -> bool:
        """Tell whether an array has a row for each sample."""
        return len(self.shapes[name]) > 1 and not self.is_weight(name)

    def placed(self, item: Item) -> Item:
        """Return an item that fits its array.

        Raises
        ------
        InputError
            If it cannot.
        """
        shape = self.shapes[item.name]
        alone = self.is_sampled(item.name) and self.samples == 1
        if item.index is None:
            return _fitted(item, shape, len(shape) - alone)
        index = item.index
        if alone and len(index) == len(shape) - 1:
            index = (0, *index)
        if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
            what = "(to, from)" if self.is_weight(item.name) else "(sample, unit)"
            kind = f" {what}" if len(shape) == 2 else ""
            raise InputError(
                f"{item.where}: there is no {item.key}; {item.name} is {shape}{kind}, and indices "
                "count from 0"
            )
        return item._replace(index=index)


def plainest(name: str) -> str:
    """Return a name as it can be typed: dE/dw5 for ∂E_total/∂w5, w5+ for w5⁺."""
    signs = {"∂": "d", "δ": "delta", "Δ": "Delta", "⁺": "+", "η": "eta", "θ": "theta", "σ": "sigma"}
    for sign, letters in signs.items():
        name = name.replace(sign, letters)
    name = re.sub(r"[\s{}]", "", name)
    name = re.sub(r"\bdE_?tot(al)?(?=/)", "dE", name)
    return re.sub(r"(_new|_neu|')$", "+", name)


# ---- shapes -------------------------------------------------------------------------------------


def _turned(
    items: list[Item], shapes: Shapes, belongs: Callable[[str], bool]
) -> tuple[list[Item], bool]:
    """Return items turned to our orientation, and whether they were the other way round.

    They are turned if at least one whole array fits only the other way, and none only ours.
    """
    whole = [i for i in items if i.index is None and i.values.ndim == 2 and belongs(i.name)]
    other = [i for i in whole if i.values.shape == shapes[i.name][::-1]]
    ours = [i for i in whole if i.values.shape == shapes[i.name]]
    square = [i for i in ours if i.values.shape[0] == i.values.shape[1]]
    if len(other) < len(whole) or len(other) == len(square) or len(ours) > len(square):
        return items, False
    turned = {id(i) for i in whole}
    return [_transposed(i) if id(i) in turned else i for i in items], True


def _transposed(item: Item) -> Item:
    return item._replace(values=item.values.T, half=item.half.T)


def _fitted(item: Item, shape: tuple[int, ...], indices: int) -> Item:
    """Return a whole array in its shape; only axes of length 1 may be more or fewer.

    A message names single entries by so many `indices`.
    """
    bare = tuple(n for n in item.values.shape if n != 1)
    if bare != tuple(n for n in shape if n != 1):
        raise InputError(
            f"{item.where}: {item.name} is {shape}, but {item.values.shape} was given; give all of "
            f"its entries, or single ones such as {item.name}[{','.join('0' * indices)}]"
        )
    return item._replace(values=item.values.reshape(shape), half=item.half.reshape(shape))


# ---- old and new weights ------------------------------------------------------------------------


def _renewed(items: list[Item], old: Mapping[str, NDArray[Any]] | None) -> list[Item]:
    """Return items in which bare weights are the new ones, where that is what they are."""
    bare = [i for i in items if re.fullmatch(r"[Wb]\d+", i.name)]
    steps = {i.step for i in bare} - {i.step for i in items if i.name.endswith("_new")}
    if old is not None and all(_is_old(i, old) for i in bare):
        steps.clear()
    changed = {id(i) for i in bare if i.step in steps}
    return [i._replace(name=f"{i.name}_new") if id(i) in changed else i for i in items]


def _is_old(item: Item, old: Mapping[str, NDArray[Any]]) -> bool:
    """Tell whether an item is an old parameter, within the digits that were given."""
    right = old[item.name] if item.index is None else old[item.name][item.index]
    near = np.abs(item.values - right) <= item.half * (1 + 1e-6) + 1e-15
    return bool(np.all(near | np.isnan(item.values)))
