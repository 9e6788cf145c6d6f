"""The level "scalars": each number of a step with its name, its lines and its result.

All formulas and values come from the scopes that the engine wires.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby, product
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule import loops
from chainrule.equations import Scope
from chainrule.errors import InputError
from chainrule.explanation import chain, expand, remarks
from chainrule.explanation.apply_notation import apply_notation, negated, shorten
from chainrule.explanation.contents import contents, refer
from chainrule.explanation.derivations import derivation
from chainrule.explanation.notation import Notation, Places, key
from chainrule.explanation.numerical import deltas_by_sample, numerical_derivatives
from chainrule.explanation.record import ExampleStep
from chainrule.explanation.setup import Setup
from chainrule.loops import State
from chainrule.network import MaskSeed
from chainrule.pages import (
    Digits,
    Expression,
    Index,
    Leaf,
    Line,
    LineKind,
    Quantity,
    Ref,
    calls,
    choose_digits,
    computes,
    in_numbers,
    in_symbols,
    plain_name,
    write_number,
)
from chainrule.wiring import Memory, Step, wire

Array: TypeAlias = NDArray[Any]

FEW_SAMPLES = 6  # up to this number, each path of the chain rule has its own row
MOST_PATHS = 300  # rows of single paths
SEEN = 8  # the first units of a layer that a picture may show, before the last
SMALL = 6  # up to this number of classes, the Jacobian of a softmax is written out


@dataclass(frozen=True, eq=False)
class Writer:
    """Writes quantities in a notation, with given digits.

    Parameters
    ----------
    setup : Setup
    notation : Notation
    digits : Digits
    most_terms : int
        The most terms shown of a sum; the others are replaced by their total.
    focus : (int, str, tuple of int), optional
        The layer's position, the name and the index of a parameter whose terms are always shown.
    """

    setup: Setup
    notation: Notation
    digits: Digits
    most_terms: int = 10**9
    focus: tuple[int, str, Index] | None = None
    names: dict[Ref, str] = field(default_factory=dict[Ref, str])

    @property
    def places(self) -> Places:
        """What names depend on."""
        return Places(self.setup.network, len(self.setup.batch.x))

    def name(self, ref: Ref) -> str:
        """Return a number's name, in markup."""
        if ref not in self.names:
            self.names[ref] = self.notation(ref, self.places)
        return self.names[ref]

    def array_name(self, ref: Ref) -> str:
        """Return a whole array's name, in markup."""
        whole = ref._replace(index=(), sampled=False)
        if whole not in self.names:
            self.names[whole] = self.notation.array(whole, self.places)
        return self.names[whole]

    def keeps(self, leaf: Leaf) -> bool:
        """Return whether a leaf is the parameter that a derivation is about."""
        if self.focus is None or leaf.name != self.focus[1] or leaf.index != self.focus[2]:
            return False
        return leaf.scope.label == f"layer{self.setup.network.labels[self.focus[0]]}"

    def wired(self, state: State) -> Step:
        """Return the scopes of the step that begins at a state."""
        return wired(self.setup, state)


def wired(setup: Setup, state: State, given: Memory | None = None) -> Step:
    """Return the scopes of the step that begins at a state."""
    network, rule = setup.network, setup.rule
    memory = loops.OptimizerState(state.step, state.slots, network.layout) if rule else None
    mask_seed = MaskSeed(state.seed, state.step)
    return wire(network, state.theta, setup.batch, rule, memory, mask_seed=mask_seed, values=given)


def work_out(writer: Writer, state: State) -> ExampleStep:
    """Return the step that begins at a state, with every number."""
    with np.errstate(
        all="ignore"
    ):  # numbers that are not finite are rejected when they are written
        step = writer.wired(state)
        require_finite(float(step.value), "the loss")
        numerical = numerical_derivatives(writer.setup, state, step)
        rows = list(_quantities(writer, step, numerical))
    place = sum(q.section != "update" for q in rows)  # the update comes last
    single = [
        _delta_of_sample(writer, ref, value) for ref, value in deltas_by_sample(writer.setup, state)
    ]
    every = by_sample([*rows[:place], *single, *rows[place:]], len(writer.setup.batch.x))
    return finished(writer, state, step, tuple(remarks.attach(every, step)))


def by_sample(rows: list[Quantity], samples: int) -> list[Quantity]:
    """Return rows sorted by sample within each section, those of all samples together last."""

    def sample(q: Quantity) -> int:
        return q.ref.index[0] if q.ref.sampled else samples

    sections = [list(group) for _, group in groupby(rows, lambda q: q.section)]
    ordered = (
        group if group[0].section == "given" else sorted(group, key=sample) for group in sections
    )
    return [q for group in ordered for q in group] if samples > 1 else rows


def finished(
    writer: Writer, state: State, step: Step, quantities: tuple[Quantity, ...] = ()
) -> ExampleStep:
    """Return a step with the loss before and after it."""
    setup = writer.setup
    mask_seed = MaskSeed(state.seed, state.step)  # the same masks before and after
    with np.errstate(all="ignore"):
        before = require_finite(float(step.value), "the loss")
        value = setup.network.value
        after = float(value(step.theta_new, setup.batch, mask_seed)) if setup.rule else None
    return ExampleStep(state.step + 1, before, require_finite(after, "the loss after"), quantities)


Finite = TypeVar("Finite", float, float | None)


def require_finite(value: Finite, what: str) -> Finite:
    """Return a number, or raise InputError if it is not finite."""
    if value is not None and not math.isfinite(value):
        raise InputError(
            f"{what} is {value}, and an example needs finite numbers; lower the learning rate, or "
            "bring the inputs and weights to a common scale"
        )
    return value


# ---- rows ---------------------------------------------------------------------------------------


def pieces(writer: Writer, step: Step) -> tuple[str, ...]:
    """Return which parts of the chain rule have rows of their own."""
    samples = len(writer.setup.batch.x)
    paths = sum(np.prod(chain.PIECES["path"].shape(s)) for s in step.layers if chain.several(s))
    chosen = ["slope"]
    if samples == 1 and "local" in writer.notation.patterns:
        chosen.append("local")
    if samples <= FEW_SAMPLES and paths <= MOST_PATHS:
        chosen.append("path")
    return tuple(chosen)


def _quantities(writer: Writer, step: Step, numerical: dict[str, Array]) -> Iterator[Quantity]:
    """Yield every number of a step."""
    parts = pieces(writer, step)
    few = len(step.batch.x) <= FEW_SAMPLES and step.network.widths[-1] <= SMALL
    derived = derivation(step) if few else None
    for section, scope, name in contents(step, writer.setup.rule, parts):
        if scope is step.loss and name == "do" and derived:
            for other in ("dp", "J"):
                if other in derived.equations:
                    yield from _entries(writer, step, section, derived, other)
        for index in np.ndindex(*shape(scope, name)):
            found = quantity(writer, step, section, scope, name, index, numerical, parts)
            if scope is step.loss and name == "do" and derived:
                found = _derived(writer, step, found, derived, index)
            yield found


def drawn(writer: Writer, step: Step) -> tuple[Quantity, ...]:
    """Return the numbers in a picture of the network: the first sample, some of wide layers."""
    rows: list[Quantity] = []
    for section, scope, name in contents(step, writer.setup.rule):
        if name not in ("a", "p", "t", "W", "b"):
            continue
        seen = [_seen(n) for n in np.shape(scope[name])]
        if name in ("a", "p", "t"):
            seen[0] = [0]
        rows += [quantity(writer, step, section, scope, name, i, {}, ()) for i in product(*seen)]
    return tuple(replace(q, lines=()) for q in rows)


def _seen(units: int) -> list[int]:
    return sorted({*range(min(units, SEEN)), units - 1})


def _entries(
    writer: Writer, step: Step, section: str, scope: Scope, name: str
) -> Iterator[Quantity]:
    for index in np.ndindex(*np.shape(scope[name])):
        found = quantity(writer, step, section, scope, name, index, {}, ())
        yield replace(found, lines=tuple(replace(n, kind="derivation") for n in found.lines))


def _derived(writer: Writer, step: Step, row: Quantity, scope: Scope, index: Index) -> Quantity:
    """Return a row with another derivation after the equation that ran."""
    tree = expand.named(scope, "do", index)
    other = line(writer, step, "derivation", tree, row.value, row.sign)
    return replace(row, lines=(*row.lines, other)) if other.exact else row


def shape(scope: Scope, name: str) -> Index:
    """Return the shape of an array or of a part of the chain rule."""
    return chain.PIECES[name].shape(scope) if name in chain.PIECES else np.shape(scope[name])


def expression(scope: Scope, name: str, index: Index) -> Expression:
    """Return the line of one entry."""
    if name in chain.PIECES:
        return chain.PIECES[name].expression(scope, index)
    return expand.named(scope, name, index)


def quantity(
    writer: Writer,
    step: Step,
    section: str,
    scope: Scope,
    name: str,
    index: Index,
    numerical: dict[str, Array],
    parts: tuple[str, ...],
) -> Quantity:
    """Return one number with its lines."""
    ref = refer(step, scope, name, index)
    markup = writer.name(ref)
    tree = expression(scope, name, index) if section != "given" else None
    value = tree.value if tree and name in chain.PIECES else expand.number(scope[name], index)
    require_finite(value, plain_name(markup))
    sign = -1 if ref.quantity in writer.notation.negated else 1
    lines: list[Line] = []
    if tree is not None:
        others = chain.routes(scope, name, index, parts)
        lines = [line(writer, step, "chain", other, value, sign) for other in others]
        lines.append(line(writer, step, "equation", tree, value, sign))
    array = numerical.get(ref.quantity + ref.layer)
    derivative = None if array is None or np.isnan(array[index]) else float(array[index])
    result = writer.digits.result
    return Quantity(
        ref,
        key(ref, writer.places),
        plain_name(markup),
        markup,
        section,
        value,
        result(signed(value, sign)),
        sign,
        tuple(lines),
        derivative,
        "" if derivative is None else result(signed(derivative, sign)),
    )


def signed(value: float, sign: int) -> float:
    """Return a value with a name's sign; integers stay integers."""
    return -value if sign < 0 else value


def line(
    writer: Writer, step: Step, kind: LineKind, tree: Expression, value: float, sign: int
) -> Line:
    """Return a line for a number, with enough digits substituted to recompute the result."""

    def of(leaf: Leaf) -> Ref:
        return refer(step, leaf.scope, leaf.name, leaf.index)

    tree = apply_notation(
        shorten(tree, writer.most_terms, writer.keeps), of, writer.name, writer.notation
    )
    tree = negated(tree) if sign < 0 else tree
    text = in_symbols(tree)
    if not computes(tree):  # another name for the same number: nothing to substitute
        return Line(kind, tree, text)
    count, exact = choose_digits(
        lambda digits: in_numbers(tree, lambda number: write_number(number, digits)),
        sign * value,
        writer.digits,
        calls(tree),
    )
    written = in_numbers(tree, lambda number: write_number(number, count))
    return Line(kind, tree, text, written, count, exact)


def _delta_of_sample(writer: Writer, ref: Ref, value: float) -> Quantity:
    """Return the delta of one sample on its own, without its weight."""
    markup = writer.name(ref)
    sign = -1 if ref.quantity in writer.notation.negated else 1
    shown = writer.digits.result(signed(value, sign))
    return Quantity(
        ref, key(ref, writer.places), plain_name(markup), markup, "backward", value, shown, sign
    )
