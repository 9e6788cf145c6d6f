"""Find out which quantities of a network the names of reported numbers stand for.

All names are taken from a worked example of the same network, whose numbers are not used.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import InputError, unknown
from chainrule.explanation import Notation, WorkedExample, explain
from chainrule.network import Network
from chainrule.optimizers import LBFGS, Optimizer
from chainrule.submission.numbers.reported_numbers import (
    ReportedEntry,
    ReportedNumbers,
    assemble,
    split_key,
)

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
# Other names of the loss, if the notation does not use them for something else.
LOSS_NAMES = (
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


DERIVATION_FACTORS = re.compile(r"local\d+$")  # shown by some notations; not quantities


class Meaning(NamedTuple):
    """The quantity that a name stands for.

    Attributes
    ----------
    key : str
    sign : int
        −1 if the notation defines the name with the opposite sign.
    """

    key: str
    sign: int = 1


def resolve_names(
    numbers: ReportedNumbers,
    network: Network,
    samples: int = 1,
    notation: str | Notation = "plain",
    optimizer: str | Optimizer | LBFGS | None = "sgd",
    theta: ArrayLike | None = None,
) -> ReportedNumbers:
    """Return numbers with this package's names and shapes.

    Parameters
    ----------
    numbers : ReportedNumbers
    network : Network
    samples : int, default 1
    notation : str or Notation, default "plain"
        The notation whose names are understood in addition to the keys.
    optimizer : str, Optimizer or LBFGS, optional
        The optimizer, whose state has names such as ``m_W1``.
    theta : array (parameters,), optional
        The old parameters. Weights with a bare name such as ``W1`` count as the new ones, unless
        they all equal these, or the new ones are given with their own names.

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
        If a name does not stand for a quantity.
    """
    names = QuantityNames(network, samples, notation, optimizer)
    given = [e for e in numbers.entries if not DERIVATION_FACTORS.match(e.name)]
    entries = [names.with_key(entry) for entry in given]
    entries, is_in_out = _to_standard_layout(entries, names.shapes, names.is_weight)
    entries, in_columns = _to_standard_layout(entries, names.shapes, names.has_samples)
    fitted = [names.fit(entry) for entry in entries]
    old = None if theta is None else network.views(np.asarray(theta))
    final = _with_new_names(fitted, old)
    return replace(
        numbers,
        steps=assemble(final, names.shapes),
        entries=tuple(final),
        weights="(in, out)" if is_in_out else "(out, in)",
        samples="columns" if in_columns else "rows",
    )


class QuantityNames:
    """The names and shapes of all quantities of a network.

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
        same_shape = {"da": "a", "delta_sample": "delta"}
        shapes |= {
            f"{new}{key.removeprefix(old)}": shape
            for key, shape in [*shapes.items()]
            for new, old in same_shape.items()
            if re.fullmatch(rf"{old}\d+", key)
        }
        outputs = (samples, network.widths[-1])
        self.shapes: dict[str, tuple[int, ...]] = {"o": outputs, "p": outputs, **shapes}
        self._own: dict[str, Meaning] | None = None

    def _example(self, level: Any) -> WorkedExample:
        """Return a worked example of the network, for its names."""
        x = np.zeros((self.samples, self.network.inputs))
        t = np.zeros((self.samples, self.network.widths[-1]))
        t[:, 0] = 1.0  # valid targets for every loss
        theta = self.network.initialize(0)
        return explain(
            self.network, theta, x, t, self.optimizer, notation=self.notation, level=level
        )

    @property
    def own(self) -> dict[str, Meaning]:
        """The notation's own names, also as they can be typed."""
        if self._own is None:
            self._own = self._notation_names()
        return self._own

    def _notation_names(self) -> dict[str, Meaning]:
        names: dict[str, Meaning] = {}
        quantities = self._example("scalars").steps[0].quantities
        for q in quantities:
            meaning = Meaning(q.key, q.sign)
            names = {q.name: meaning, to_ascii(q.name): meaning} | names
        self._add_shapes((split_key(q.key)[0], q.ref.index) for q in quantities)
        return {**dict.fromkeys(map(to_ascii, LOSS_NAMES), Meaning("loss")), **names}

    def _add_shapes(self, entries: Iterable[tuple[str, tuple[int, ...]]]) -> None:
        """Add the shapes of quantities that are single numbers only, such as a path's share."""
        sizes: dict[str, tuple[int, ...]] = {}
        for name, index in entries:
            before = sizes.get(name, (0,) * len(index))
            sizes[name] = tuple(max(n, i + 1) for n, i in zip(before, index, strict=True))
        self.shapes = {**sizes, **self.shapes}

    def with_key(self, entry: ReportedEntry) -> ReportedEntry:
        """Return an entry with the key that its name stands for."""
        if entry.name in self.shapes:
            return entry
        meaning = self.own.get(entry.key) or self.own.get(to_ascii(entry.key))
        if entry.name in self.shapes:  # `own` has added the shapes of single numbers
            return entry
        if meaning is None:
            choices = {*self.shapes, *(n for n in self.own if self.notation != "plain")}
            raise InputError(f"{entry.where}: {unknown('quantity', entry.key, choices)}")
        name, index = split_key(meaning.key)
        if entry.values.shape:
            raise InputError(
                f"{entry.where}: {entry.key} is a single number, but an array of shape "
                f"{entry.values.shape} was given"
            )
        return entry._replace(name=name, index=index, values=meaning.sign * entry.values)

    def is_weight(self, name: str) -> bool:
        """Return whether an array has the shape of a layer's weights."""
        return len(self.shapes[name]) == 2 and bool(re.search(r"W\d+(_new)?$", name))

    def has_samples(self, name: str) -> bool:
        """Return whether an array has a row for each sample."""
        return len(self.shapes[name]) > 1 and not self.is_weight(name)

    def fit(self, entry: ReportedEntry) -> ReportedEntry:
        """Return an entry with the shape or indices that its array requires.

        Raises
        ------
        InputError
            If it cannot.
        """
        shape = self.shapes[entry.name]
        has_one_sample = self.has_samples(entry.name) and self.samples == 1
        if entry.index is None:
            return _fit_array(entry, shape, len(shape) - has_one_sample)
        index = entry.index
        if has_one_sample and len(index) == len(shape) - 1:
            index = (0, *index)
        if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
            axes = "(to, from)" if self.is_weight(entry.name) else "(sample, unit)"
            order = f" {axes}" if len(shape) == 2 else ""
            raise InputError(
                f"{entry.where}: {entry.key} does not exist; {entry.name} has the shape {shape}"
                f"{order}, and indices start at 0"
            )
        return entry._replace(index=index)


def to_ascii(name: str) -> str:
    """Return a name as it can be typed: dE/dw5 for ∂E_total/∂w5, w5+ for w5⁺."""
    signs = {"∂": "d", "δ": "delta", "Δ": "Delta", "⁺": "+", "η": "eta", "θ": "theta", "σ": "sigma"}
    for sign, letters in signs.items():
        name = name.replace(sign, letters)
    name = re.sub(r"[\s{}]", "", name)
    name = re.sub(r"\bdE_?tot(al)?(?=/)", "dE", name)
    return re.sub(r"(_new|_neu|')$", "+", name)


# ---- shapes -------------------------------------------------------------------------------------


def _to_standard_layout(
    entries: list[ReportedEntry], shapes: Shapes, belongs: Callable[[str], bool]
) -> tuple[list[ReportedEntry], bool]:
    """Return entries in the standard layout, and whether their arrays had to be transposed.

    They are transposed if all whole arrays fit transposed, and one of them fits only so.
    """
    whole = [e for e in entries if e.index is None and e.values.ndim == 2 and belongs(e.name)]
    transposed = [e for e in whole if e.values.shape == shapes[e.name][::-1]]
    standard = [e for e in whole if e.values.shape == shapes[e.name]]
    square = [e for e in standard if e.values.shape[0] == e.values.shape[1]]
    if len(transposed) < len(whole) or len(transposed) == len(square):
        return entries, False
    if len(standard) > len(square):
        return entries, False
    changed = {id(e) for e in whole}
    return [_transpose(e) if id(e) in changed else e for e in entries], True


def _transpose(entry: ReportedEntry) -> ReportedEntry:
    return entry._replace(values=entry.values.T, half_unit=entry.half_unit.T)


def _fit_array(entry: ReportedEntry, shape: tuple[int, ...], indices: int) -> ReportedEntry:
    """Return a whole array in its shape; axes of length 1 may be missing or added.

    `indices` is the number of indices of a single entry in the message.
    """
    bare = tuple(n for n in entry.values.shape if n != 1)
    if bare != tuple(n for n in shape if n != 1):
        raise InputError(
            f"{entry.where}: {entry.name} has the shape {shape}, but an array of shape "
            f"{entry.values.shape} was given; give all entries, or single ones such as "
            f"{entry.name}[{','.join('0' * indices)}]"
        )
    return entry._replace(
        values=entry.values.reshape(shape), half_unit=entry.half_unit.reshape(shape)
    )


# ---- old and new weights ------------------------------------------------------------------------


def _with_new_names(
    entries: list[ReportedEntry], old: Mapping[str, NDArray[Any]] | None
) -> list[ReportedEntry]:
    """Return entries in which new parameters with a bare name such as W1 are called W1_new."""
    bare = [e for e in entries if re.fullmatch(r"[Wb]\d+", e.name)]
    steps = {e.step for e in bare} - {e.step for e in entries if e.name.endswith("_new")}
    if old is not None and all(_is_old(e, old) for e in bare):
        steps.clear()
    changed = {id(e) for e in bare if e.step in steps}
    return [e._replace(name=f"{e.name}_new") if id(e) in changed else e for e in entries]


def _is_old(entry: ReportedEntry, old: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether an entry equals the old parameters within its rounding."""
    right = old[entry.name] if entry.index is None else old[entry.name][entry.index]
    near = np.abs(entry.values - right) <= entry.half_unit * (1 + 1e-6) + 1e-15
    return bool(np.all(near | np.isnan(entry.values)))
