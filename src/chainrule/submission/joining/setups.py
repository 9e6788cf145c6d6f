"""Lines that create what a program trains: by its own functions or classes, or as arrays."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.submission.joining.bench import Bench
from chainrule.submission.joining.bindings import Variable, calls, target_names
from chainrule.submission.joining.matching import Leaf, arrays, leaves
from chainrule.submission.joining.signatures import ClassSignature, Signature, Signatures
from chainrule.submission.joining.wording import SEED, Design, is_bias, role_of, roles_of

BEGINS = re.compile(r"init|param|weight|begin|start|creat|make|build|setup|new|draw", re.IGNORECASE)
DATA = ("x", "y")
MOST = 3  # ways to create parameters that are tried


@dataclass(frozen=True, eq=False)
class State:
    """Lines that run, and what they have made.

    Parameters
    ----------
    setup, loop : tuple of str
        What is run once, and what is run in every iteration.
    pool : tuple of Variable
    params : tuple of str
        The expressions that hold what is trained.
    design : Design
    used : frozenset of str
        The functions that are called.
    outs : tuple of str
        The outputs.
    weights : tuple of str
        The arrays in `params` on which the outputs depend; all of them if it is empty.
    updated : bool
        Whether the loop updates them.
    grads : tuple of str
        The arrays that may be gradients.
    own : bool
        Whether the update consists of lines that were made here.
    sized : bool
        Whether the sizes of the network were chosen here.
    """

    setup: tuple[str, ...]
    loop: tuple[str, ...]
    pool: tuple[Variable, ...]
    params: tuple[str, ...]
    design: Design
    used: frozenset[str] = frozenset()
    outs: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    updated: bool = False
    grads: tuple[str, ...] = ()
    own: bool = False
    sized: bool = False

    @property
    def lines(self) -> list[str]:
        """All lines."""
        return [*self.setup, *self.loop]

    @property
    def is_layer(self) -> bool:
        """Whether it is one layer, of which the derivative of a loss is passed back."""
        return any(v.kind == "upstream" for v in self.pool)

    def kind(self, kind: str) -> list[Variable]:
        """Return the variables of a kind."""
        return [v for v in self.pool if v.kind == kind]


def trained(bench: Bench, state: State) -> list[Leaf]:
    """Return the arrays that are trained, as they are after the last run."""
    found = [leaf for text in state.params for leaf in leaves(bench.value(text), text)]
    return [leaf for leaf in found if not state.weights or leaf.text in state.weights]


class Setups:
    """Finds ways to create the parameters.

    Parameters
    ----------
    signatures : Signatures
    bench : Bench
    """

    def __init__(self, signatures: Signatures, bench: Bench) -> None:
        self.signatures, self.bench = signatures, bench

    def found(self, design: Design) -> Iterator[State]:
        """Yield states with parameters: from functions, from classes, and the module's own."""
        made = [s for f in self.creators() for s in self._by_function(f, design)]
        yield from made[:MOST]
        for c in self.signatures.outer_classes():
            yield from itertools.islice(self.by_class(c, design), MOST)
        own = self._own()
        if own:
            texts = tuple(v.text for v in own)
            yield State((), (), tuple(own), texts, design)

    def creators(self) -> list[Signature]:
        """Return the functions that may create parameters, the likeliest first."""
        all_functions = self.signatures.functions
        draws = {f.name for f in all_functions if f.draws}
        found = [
            f
            for f in all_functions
            if f.results
            and (f.draws or draws & self.signatures.reach(f))
            and not any(r in DATA for p in f.parameters for r in roles_of(p)[:1])
        ]
        return sorted(found, key=lambda f: (not BEGINS.search(f.name), len(f.parameters)))

    def _by_function(self, f: Signature, design: Design) -> Iterator[State]:
        for arguments in calls(f, (), design, "create"):
            call = f"{f.name}({arguments})"
            if self.bench.run([f"result = {call}"]):
                continue
            value = self.bench["result"]
            if not any(leaf.array.ndim == 2 for leaf in arrays(value, "result")):
                continue
            names = target_names(f, self.signatures, value, "params", self.bench.callables)
            lines = (f"{', '.join(names)} = {call}",)
            values = value if len(names) > 1 else (value,)
            pool = [Variable(n, v, "params") for n, v in zip(names, values, strict=True)]
            texts = tuple(v.text for v in pool if any(leaves(v.value, v.text)))
            pool += [Variable(f"({', '.join(names)})", value, "params")] if len(names) > 1 else []
            yield State(
                lines, (), tuple(pool), texts, design, frozenset((f.name,)), sized=bool(arguments)
            )

    def by_class(self, c: ClassSignature, design: Design) -> Iterator[State]:
        """Yield states with an object of a class, created without data or with data."""
        for data in ((), *self._data(c.created, design)):
            pool = tuple(data)
            lines = tuple(f"{v.text} = {v.value}" for v in data)
            own = tuple(replace(v, value=None) for v in pool)
            for arguments in calls(c.created, own, design, "create"):
                name = self._object_name(c)
                line = f"{name} = {c.name}({arguments})"
                if self.bench.run([*lines, line]):
                    continue
                value = self.bench[name]
                variables = (*own, Variable(name, value, "params"))
                sized = any(role_of(p) not in DATA for p in c.created.parameters)
                yield State((*lines, line), (), variables, (name,), design, sized=sized)

    def _data(self, created: Signature, design: Design) -> Iterator[tuple[Variable, ...]]:
        """Yield the data that a constructor needs; the values are texts."""
        if not any(r in DATA for p in created.parameters for r in roles_of(p)):
            return
        for rows in (True, False):
            d = replace(design, rows=rows)
            for y in d.targets()[:1]:
                yield Variable("X", d.x, "x"), Variable("Y", y, "y")

    def _object_name(self, c: ClassSignature) -> str:
        names = self.signatures.targets.get(c.name, ())
        ok = len(names) == 1 and names[0].isidentifier() and names[0] not in self.bench.callables
        return names[0] if ok else "net"

    def _own(self) -> list[Variable]:
        """Return the arrays of the module that its functions read, other than data."""
        used = {n for f in self.signatures.functions for n in f.uses}
        found: list[Variable] = []
        for name in sorted(used & set(self.bench.base)):
            value: Any = self.bench.base[name]
            is_array = any(leaf.array.ndim for leaf in arrays(value, name))
            if is_array and role_of(name) not in DATA:
                found.append(Variable(name, value, "params"))
        return found


# ---- arrays whose shapes are found by trying ------------------------------------------------


def designed(f: Signature, design: Design) -> Iterator[State]:
    """Yield states with arrays for the parameters of a forward function.

    Parameters
    ----------
    f : Signature
    design : Design

    Yields
    ------
    State
        With the samples, too.
    """
    for first in _samples(f):
        names = [p for p in f.parameters if p != first and not _is_other(f, p)]
        keyed = next((p for p in names if f.keys.get(p)), "")
        own = sorted(f.keys[keyed]) if keyed else names
        if not own:  # such as an activation
            for rows in (True, False):
                yield _state(first, [], (rows, []), "", design)
        for shapes in _shapes(tuple(own), design):
            yield _state(first, own, shapes, keyed, design)


def _is_other(f: Signature, name: str) -> bool:
    """Return whether a parameter is a word or a single number."""
    return bool(f.words.get(name)) or role_of(name) in ("keep", "off", "seed", "epsilon", "count")


def _samples(f: Signature) -> list[str]:
    """Return the parameters that may be the samples, the likeliest first."""
    by_role = [p for p in f.parameters if "x" in roles_of(p)]
    ends = [p for p in (f.parameters[:1] + f.parameters[-1:]) if p not in by_role]
    return list(dict.fromkeys((*by_role[:1], *ends)))[:2]


def _shapes(names: tuple[str, ...], design: Design) -> Iterator[tuple[bool, list[tuple[int, ...]]]]:
    """Yield whether samples are rows, and a shape for each name."""
    for kinds in _structures(names) if names else ():
        weights = [n for n, k in zip(names, kinds, strict=True) if k == "W"]
        middle = [design.hidden[0] + i for i in range(len(weights) - 1)]
        sizes = [design.inputs, *middle, design.outputs]
        for rows, swapped, form in itertools.product((True, False), (False, True), (0, 1, 2)):
            at = {"W": 0, "b": 0}
            shapes: list[tuple[int, ...]] = []
            for kind in kinds:
                i = at[kind]
                at[kind] += 1
                if kind == "W":
                    pair = (sizes[i], sizes[i + 1])
                    shapes.append(pair if rows != swapped else pair[::-1])
                else:
                    k = sizes[i + 1]
                    column, row = (k, 1), (1, k)
                    usual = (row, (k,), column) if rows else (column, (k,), row)
                    shapes.append(usual[form])
            yield rows, shapes
            if "b" not in kinds and form == 0:
                continue


def _structures(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield which names are weights and which are biases, the likeliest first."""
    by_name = tuple("b" if is_bias(n) else "W" for n in names)
    half, rest = divmod(len(names), 2)
    upper = tuple("W" if n[:1].isupper() else "b" for n in names)
    options = [by_name, upper]
    if not rest:
        options += [("W", "b") * half, ("W",) * half + ("b",) * half]
    options.append(("W",) * len(names))
    for kinds in dict.fromkeys(options):
        if 0 < kinds.count("W") >= kinds.count("b") and kinds.count("b") in (0, kinds.count("W")):
            yield kinds


def _state(
    first: str,
    own: list[str],
    shapes: tuple[bool, list[tuple[int, ...]]],
    keyed: str,
    design: Design,
) -> State:
    rows, sizes = shapes
    d = replace(design, rows=rows)
    drawn = {
        n: f"{SEED.format(i + 2)}.uniform(-1, 1, {s})"
        for i, (n, s) in enumerate(zip(own, sizes, strict=True))
    }
    values = {n: np.zeros(s) for n, s in zip(own, sizes, strict=True)}
    x = Variable(first, None, "x")
    lines = [f"{x.text} = {d.x}"]
    if keyed:
        items = ", ".join(f"{n!r}: {text}" for n, text in drawn.items())
        lines.append(f"{keyed} = {{{items}}}")
        pool = [x, Variable(keyed, values, "params")]
        return State(tuple(lines), (), tuple(pool), (keyed,), d, sized=True)
    lines += [f"{n} = {text}" for n, text in drawn.items()]
    pool = [x, *(Variable(n, v, "params") for n, v in values.items())]
    return State(tuple(lines), (), tuple(pool), tuple(own), d, sized=True)
