"""Join functions to a forward pass and a backward pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.submission.attempts import is_numerical, is_own_class
from chainrule.submission.joining.bench import Bench
from chainrule.submission.joining.bindings import (
    WORD,
    Kind,
    Variable,
    calls,
    target_names,
)
from chainrule.submission.joining.matching import (
    Array,
    Leaf,
    arrays,
    as_numbers,
    fitting,
    leaves,
    matched,
    shifted,
)
from chainrule.submission.joining.setups import State, trained
from chainrule.submission.joining.signatures import Signature, Signatures
from chainrule.submission.joining.wording import SEED, Design, role_of, roles_of, values_of

SURE = 1000  # added to the score of what needs no further search


@dataclass(frozen=True)
class Callable:
    """A function or a method, how it is called, and its full name."""

    signature: Signature
    text: str
    name: str


class Chains:
    """Finds iterations for parameters that have been created.

    Parameters
    ----------
    signatures : Signatures
    bench : Bench
    """

    def __init__(self, signatures: Signatures, bench: Bench) -> None:
        self.signatures, self.bench = signatures, bench
        self.words: dict[str, str] = {}  # for parameters that take one

    # ---- samples -------------------------------------------------------------------------------

    def with_samples(self, state: State) -> Iterator[State]:
        """Yield the state with samples in rows and in columns, of each width that may fit."""
        if state.kind("x"):
            yield state
            return
        designs = self._designs(state)
        alone = [replace(d, samples=1) for d in designs]
        for design in (*designs, *alone):
            for rows in (True, False):
                d = replace(design, rows=rows)
                lines = (*state.setup, f"X = {d.x}", *self.missing(d))
                if not self.bench.run(lines):
                    x = Variable("X", self.bench["X"], "x")
                    yield replace(state, setup=lines, pool=(*state.pool, x), design=d)

    def missing(self, design: Design) -> list[str]:
        """Return lines that define numbers of the module whose own lines were left out."""
        used = {n for f in self.signatures.functions for n in f.uses}
        used |= {n for c in self.signatures.classes for m in c.methods for n in m.uses}
        found: list[str] = []
        for name in sorted(used - set(self.bench.base) - {"X", "Y", "np"}):
            values = values_of(role_of(name), design)
            found += [f"{name} = {values[0]}"] if values else []
        return found

    def _designs(self, state: State) -> list[Design]:
        """Return designs with each number of inputs that the parameters may have."""
        if state.sized:
            return [state.design]
        shapes = [p.shape for p in self._params(state) if p.array.ndim == 2]
        if not shapes:
            return [state.design]
        ends = [(shapes[0][0], shapes[-1][1]), (shapes[0][1], shapes[-1][0])]
        return [state.design.with_sizes(*e) for e in dict.fromkeys(ends)]

    def _params(self, state: State) -> list[Leaf]:
        return [] if self.bench.run(state.lines) else trained(self.bench, state)

    # ---- forward -------------------------------------------------------------------------------

    def forwards(self, state: State, functions: Sequence[Callable]) -> Iterator[State]:
        """Yield states in which a forward pass has been run."""
        for f in functions:
            if f.name in state.used or any("y" in roles_of(p)[:1] for p in f.signature.parameters):
                continue
            for arguments in calls(f.signature, state.pool, state.design, "forward", self.words):
                made = self._forward(state, f, arguments)
                if made is not None:
                    yield made
                    break

    def _forward(self, state: State, f: Callable, arguments: str) -> State | None:
        call = f"{f.text}({arguments})"
        if self.bench.run([*state.lines, f"result = {call}"]):
            return None
        value = self.bench["result"]
        if value is None:
            return None
        outs, weights = self._outputs(state, call)
        if not outs:
            return None
        names = target_names(f.signature, self.signatures, value, "out", self._reserved(state))
        made = variables_of(names, value, "result")
        first = next(iter(outs.values()))
        return replace(
            state,
            loop=(*state.loop, f"{', '.join(names)} = {call}"),
            pool=(*state.pool, *made),
            used=state.used | {f.name},
            outs=tuple(_renamed(text, names) for text in outs),
            weights=weights,
            design=self._with_outputs(state.design, first.shape),
        )

    def _reserved(self, state: State) -> set[str]:
        return self.bench.callables | {v.text for v in state.pool}

    def _outputs(self, state: State, call: str) -> tuple[dict[str, Array], tuple[str, ...]]:
        """Return the results that depend on the samples and all weights, and these weights."""
        base = self._results(state, [], call)
        found = {k: v for k, v in base.items() if self._is_output(v, state.design)}
        if not found or self.bench.run(state.lines):
            return {}, ()
        data = [self.bench.value(v.text) for v in state.pool if v.kind in ("x", "y")]
        own = [p for p in trained(self.bench, state) if not _is_one_of(p.array, data)]
        shifts = [shifted(v.text) for v in state.kind("x")]
        found = self._moved_outputs(state, shifts, call, found)
        weights: list[str] = []
        for p in own:
            moved = self._moved_outputs(state, [p.shifted], call, found)
            if moved:
                weights.append(p.text)
            if moved or (p.array.ndim == 2 and "." not in p.text):
                found = moved
        return found, tuple(weights)

    def _moved_outputs(
        self, state: State, shifts: list[str], call: str, found: dict[str, Array]
    ) -> dict[str, Array]:
        """Return the results that are others after some arrays have been moved."""
        if not shifts:
            return found
        moved = self._results(state, shifts, call)
        return {k: v for k, v in found.items() if k in moved and not is_equal(moved[k], v)}

    def _results(self, state: State, extra: list[str], call: str) -> dict[str, Array]:
        if self.bench.run([*state.lines, *extra, f"result = {call}"]):
            return {}
        return {leaf.text: leaf.array for leaf in arrays(self.bench["result"], "result")}

    @staticmethod
    def _is_output(value: Array, design: Design) -> bool:
        return design.samples in (*value.shape, 1) and bool(np.all(np.isfinite(value)))

    @staticmethod
    def _with_outputs(design: Design, shape: tuple[int, ...]) -> Design:
        """Return the design with the number of outputs of a result."""
        if len(shape) < 2:
            single = design.samples == 1
            return replace(design, outputs=shape[0] if single and shape else 1)
        rows = shape[0] == design.samples and not (design.samples == 1 and not design.rows)
        return replace(design, rows=rows, outputs=shape[1] if rows else shape[0])

    # ---- backward ------------------------------------------------------------------------------

    def backwards(self, state: State, functions: Sequence[Callable]) -> Iterator[State]:
        """Yield states in which gradients have been computed, or the parameters are updated."""
        for f in functions:
            if f.name in state.used or is_numerical(f.name):
                continue
            best: tuple[int, State] | None = None
            for ready in self._with_targets(state, f.signature):
                for arguments in calls(
                    f.signature, ready.pool, ready.design, "backward", self.words
                ):
                    made = self._backward(ready, f, arguments)
                    if made is not None and (best is None or made[0] > best[0]):
                        best = made
                    if best is not None and best[0] >= SURE:
                        break
                if best is not None:
                    break
            if best is not None:
                yield best[1]

    def _with_targets(self, state: State, f: Signature) -> Iterator[State]:
        """Yield the state with targets, and with the derivative of a loss where one is needed."""
        if state.kind("y"):
            yield state
            return
        roles = {r for p in f.parameters for r in roles_of(p)[:2]}
        upstream = "upstream" in roles and "y" not in {role_of(p) for p in f.parameters}
        shape = self._shape(state) if upstream and state.outs else ()
        if upstream and state.outs:
            y = f"{SEED.format(9)}.uniform(-1, 1, {shape})"
            lines = (*state.setup, f"Y = {y}")
            error = Variable(f"{state.outs[0]} - Y", None, "upstream")
            yield replace(state, setup=lines, pool=(*state.pool, error))
            return
        for y in state.design.targets():
            lines = (*state.setup, f"Y = {y}")
            yield replace(state, setup=lines, pool=(*state.pool, Variable("Y", None, "y")))

    def _shape(self, state: State) -> tuple[int, ...]:
        return () if self.bench.run(state.lines) else np.shape(self.bench.value(state.outs[0]))

    def _backward(self, state: State, f: Callable, arguments: str) -> tuple[int, State] | None:
        """Return how well the results of a function fit as gradients, and the state with them."""
        call = f"{f.text}({arguments})"
        if not self._takes_data(state, f, arguments) or self.bench.run(state.lines):
            return None
        before = trained(self.bench, state) or self.samples(state)
        if not before or self.bench.run([*state.lines, f"result = {call}"]):
            return None
        value = self.bench["result"]
        moved = count_moved(before, trained(self.bench, state))
        made = replace(state, loop=(*state.loop, call), used=state.used | {f.name})
        if moved >= max(1, len(before) // 2):  # it updates them in place
            follows = self._following_targets(made, before)
            return (moved + SURE, replace(made, updated=True)) if follows else None
        pool = self._results_of(state, f, value)
        if pool:
            names = ", ".join(v.text for v in pool if v.text.isidentifier())
            made = replace(made, loop=(*state.loop, f"{names} = {call}"))
        if self.bench.run(made.lines):
            return None
        pool += self._attributes(state, before)
        grads = self._following_targets(made, leaves_of(pool))
        if not (pairs := matched(before, grads)):
            return None
        texts = tuple(g.text for g in grads)
        return fitting(pairs), replace(made, pool=(*state.pool, *pool), grads=texts)

    @staticmethod
    def _takes_data(state: State, f: Callable, arguments: str) -> bool:
        """Return whether a function gets targets, and samples if no forward pass came before.

        An object may have them already.
        """
        if "." in f.text:
            return True
        given = set(WORD.findall(arguments))
        targets = "Y" in given
        return targets and (bool(state.outs) or any(v.text in given for v in state.kind("x")))

    def samples(self, state: State) -> list[Leaf]:
        """Return the samples of a layer, which has a gradient with respect to them."""
        if not state.is_layer:
            return []
        return [x for v in state.kind("x") for x in arrays(self.bench.value(v.text), v.text)]

    def _results_of(self, state: State, f: Callable, value: Any) -> list[Variable]:
        """Return what a function returned as variables."""
        if value is None:
            return []
        names = target_names(f.signature, self.signatures, value, "grads", self._reserved(state))
        return variables_of(names, value, "grads")

    def _attributes(self, state: State, weights: Sequence[Leaf]) -> list[Variable]:
        """Return the other attributes of an object, among which gradients may be."""
        objects = [p for p in state.params if is_own_class(type(self.bench.value(p)))]
        own = {w.text for w in weights}
        return [
            Variable(leaf.text, leaf.array, "grads")
            for p in objects
            for leaf in leaves(self.bench.value(p), p)
            if leaf.text not in own
        ]

    def _following_targets(self, state: State, base: Sequence[Leaf]) -> list[Leaf]:
        """Return the arrays that change with the targets and with the samples."""
        if self.bench.run(state.lines):
            return []
        now = [b for b in (self._again(b) for b in base) if b is not None]
        shifts = [shifted(v.text) for v in state.kind("x")]
        found = self._changed(now, [*state.setup, *shifts, *state.loop])
        for change in ("Y = Y * 0.9 + 0.05", "Y = Y * 0"):
            lines = [*state.setup, change, *state.loop]
            if not self.bench.run(lines):
                return self._changed(found, lines)
        return []

    def _again(self, leaf: Leaf) -> Leaf | None:
        """Return an array as it is after the last run."""
        try:
            numbers = as_numbers(self.bench.value(leaf.text))
        except (KeyError, IndexError, AttributeError, TypeError, NameError):
            return None
        return None if numbers is None else replace(leaf, array=numbers)

    def _changed(self, base: Sequence[Leaf], lines: list[str]) -> list[Leaf]:
        """Return which arrays are others after some lines."""
        if self.bench.run(lines):
            return []
        pairs = [(b, self._again(b)) for b in base]
        return [b for b, now in pairs if now is None or not is_equal(b.array, now.array)]


def variables_of(names: list[str], value: Any, kind: Kind) -> list[Variable]:
    """Return what a function returns as variables; several also together, as a tuple."""
    if len(names) == 1:
        return [Variable(names[0], value, kind)]
    single = [Variable(n, v, kind) for n, v in zip(names, value, strict=True)]
    return [Variable(f"({', '.join(names)})", value, kind), *single]


def leaves_of(pool: Sequence[Variable]) -> list[Leaf]:
    """Return the arrays in variables, each once."""
    found = [leaf for v in pool if v.text[0] != "(" for leaf in leaves(v.value, v.text)]
    return [
        replace(leaf, name=leaf.text.rpartition(".")[2]) if "." in leaf.text else leaf
        for leaf in found
    ]


def _is_one_of(array: Array, data: Sequence[Any]) -> bool:
    return any(np.shape(d) == array.shape and np.array_equal(array, d) for d in data)


def _renamed(text: str, names: list[str]) -> str:
    """Return where an array is in the variables that take a result."""
    if len(names) == 1:
        return text.replace("result", names[0], 1)
    index, _, rest = text.removeprefix("result[").partition("]")
    return names[int(index)] + rest


def is_equal(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-12, atol=0, equal_nan=True))


def count_moved(before: Sequence[Leaf], after: Sequence[Leaf]) -> int:
    """Return how many arrays have other numbers."""
    pairs = zip(before, after, strict=False)
    return sum(not is_equal(a.array, b.array) for a, b in pairs)
