"""The derivation of a single parameter in a network of any size: its gradient and its update.

Sums show their largest terms and the total of the others; results of the forward pass for other
units are listed as given.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainrule.equations import Scope
from chainrule.errors import InputError, unknown
from chainrule.explanation import chain, remarks
from chainrule.explanation.apply_notation import shorten
from chainrule.explanation.contents import contents, refer
from chainrule.explanation.numerical import numerical_derivatives
from chainrule.explanation.record import ExampleStep
from chainrule.explanation.work import (
    Writer,
    by_sample,
    drawn,
    expression,
    finished,
    pieces,
    quantity,
    shape,
)
from chainrule.layout import Block
from chainrule.loops import State
from chainrule.pages import Index, Leaf, Quantity, Ref, named_leaves, plain_name
from chainrule.wiring import Step

Entry = tuple[Scope, str, Index]

BACKWARD = ("delta", "slope", "local", "dx", "do", "dxhat")
WHOLE = ("absolute", "square", "squares", "norm", "factor")  # sums over whole arrays: not derived


def find(writer: Writer, name: str) -> tuple[Block, Index]:
    """Return the array and the index of a parameter, by its key or its name in the notation.

    Parameters
    ----------
    writer : Writer
    name : str
        Such as ``"W2[7,3]"``, counted from 0, or ``"w5"``.

    Raises
    ------
    InputError
        If the index is outside the array, or has too few numbers.
    UnknownNameError
        If there is no such array or name.
    """
    blocks = {b.name: b for b in writer.setup.network.layout.blocks}
    array, _, place = name.removesuffix("]").partition("[")
    if array in blocks:
        return blocks[array], _place(blocks[array], name, place)
    for block in blocks.values():
        for index in np.ndindex(*block.shape):
            ref = Ref(block.param, writer.setup.network.labels[block.layer], index, sampled=False)
            if plain_name(writer.name(ref)) == name:
                return block, index
    raise unknown("parameter", name, blocks)


def _place(block: Block, name: str, place: str) -> Index:
    if not re.fullmatch(r"\d+(, *\d+)*", place):
        example = f"{block.name}[{','.join('0' * len(block.shape))}]"
        raise InputError(f"parameter {name!r}: give the index of one entry, such as {example}")
    index = tuple(int(part) for part in place.split(","))
    if len(index) != len(block.shape) or any(
        i >= n for i, n in zip(index, block.shape, strict=True)
    ):
        last = ",".join(str(n - 1) for n in block.shape)
        raise InputError(f"parameter {name!r}: the indices of {block.name} go from 0 to [{last}]")
    return index


def derive(writer: Writer, state: State, name: str) -> ExampleStep:
    """Return the part of a step from a state that derives one parameter."""
    block, index = find(writer, name)
    writer = replace(writer, focus=(block.layer, block.param, index))
    with np.errstate(all="ignore"):
        step = writer.wired(state)
        parts = tuple(p for p in pieces(writer, step) if p != "path")
        derived, given = _closure(writer, step, block, index)
        place = np.arange(block.size).reshape(block.shape)[index] + block.start
        numerical = numerical_derivatives(writer.setup, state, step, np.array([place]))
        rows = list(_rows(writer, step, derived, given, parts, numerical))
        rows = by_sample(rows, len(writer.setup.batch.x))
        seen = drawn(writer, step)
    done = finished(writer, state, step, tuple(remarks.attach(rows, step)))
    return replace(done, drawn=seen)


def _rows(
    writer: Writer,
    step: Step,
    derived: set[Entry],
    given: set[Entry],
    parts: tuple[str, ...],
    numerical: dict[str, np.ndarray],
) -> Iterator[Quantity]:
    """Yield the given numbers, then the derived ones, both in the order of the whole step."""
    order = list(contents(step, writer.setup.rule, parts))
    for wanted in (given, derived):
        places: dict[tuple[str, str], set[Index]] = {}
        for entry in wanted:  # grouped by reference, because constants occur in each array's scope
            ref = refer(step, *entry)
            places.setdefault(ref[:2], set()).add(ref.index)
        for section, scope, name in order:
            shown = section if wanted is derived else "given"
            index = (0,) * len(shape(scope, name))
            for found in sorted(places.pop(refer(step, scope, name, index)[:2], set())):
                yield quantity(writer, step, shown, scope, name, found, numerical, parts)


def _closure(
    writer: Writer, step: Step, block: Block, index: Index
) -> tuple[set[Entry], set[Entry]]:
    """Return the entries to derive, and the entries that their lines use as given."""
    array, layer = step.arrays[block.name], step.layers[block.layer]
    first = "w_new" if writer.setup.rule else "dC" if step.penalty.equations else "d"
    waiting: list[Entry] = [(array, first, index), (layer, f"d{block.param}", index)]
    derived: set[Entry] = set()
    given: set[Entry] = {(layer, block.param, index)}
    unit = index[0]
    while waiting:
        entry = waiting.pop()
        if entry in derived:
            continue
        derived.add(entry)
        for leaf in _leaves(writer, *entry):
            found = (leaf.scope, leaf.name, leaf.index)
            on_the_way = leaf.scope is layer and leaf.name in ("z", "a") and leaf.index[1] == unit
            if _derivable(step, leaf) or on_the_way:
                waiting.append(found)
            else:
                given.add(found)
    return derived, given - derived


def _leaves(writer: Writer, scope: Scope, name: str, index: Index) -> list[Leaf]:
    """Return the leaves of the lines that are shown for an entry."""
    parts = ("slope",)
    trees = [expression(scope, name, index), *chain.routes(scope, name, index, parts)]
    short = [shorten(tree, writer.most_terms, writer.keeps) for tree in trees]
    return [leaf for tree in short for leaf in named_leaves(tree)]


def _derivable(step: Step, leaf: Leaf) -> bool:
    """Return whether a leaf belongs to the backward pass or the update, so that it is derived."""
    if leaf.name in chain.PIECES:
        return True
    if leaf.name in leaf.scope.values or leaf.name in WHOLE:
        return False
    here = leaf.scope.label in step.arrays or leaf.name.startswith("d")
    return here or leaf.name in BACKWARD
