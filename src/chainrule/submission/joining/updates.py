"""Add an update to a forward and a backward pass."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.submission.joining.bench import Bench
from chainrule.submission.joining.bindings import calls, target_names
from chainrule.submission.joining.chains import (
    Callable,
    Chains,
    count_moved,
    leaves_of,
    variables_of,
)
from chainrule.submission.joining.matching import Leaf, fitting, matched
from chainrule.submission.joining.setups import State, trained

RATE = 0.1


class Updates:
    """Finds the function that updates, or makes the lines that do.

    Parameters
    ----------
    chains : Chains
    bench : Bench
    """

    def __init__(self, chains: Chains, bench: Bench) -> None:
        self.chains, self.bench = chains, bench
        self.broken: list[State] = []  # whose update fails
        self.unfit: list[State] = []  # whose update changes the shapes of parameters

    def updated(self, state: State, functions: Sequence[Callable]) -> State | None:
        """Return the state with an update: that of the program, else one that is made here."""
        if state.updated:
            return state
        known = len(self.unfit)
        for ready in (state, *self._with_memory(state, functions)):
            for f in functions:
                if f.name in ready.used:
                    continue
                for arguments in calls(f.signature, ready.pool, ready.design, "update"):
                    made = self._update(ready, f, arguments)
                    if made is not None:
                        return made
        return self._own_update(state) if len(self.unfit) == known else None

    def _with_memory(self, state: State, functions: Sequence[Callable]) -> Iterator[State]:
        """Yield the state with what an optimizer keeps, if a function creates it."""
        params = state.kind("params")
        for f in functions:
            signature = f.signature
            if f.name in state.used or not (signature.draws and signature.results):
                continue
            for arguments in calls(signature, params, state.design, "update"):
                lines = [*state.setup, f"result = {f.text}({arguments})"]
                if not arguments or self.bench.run(lines):
                    continue
                value = self.bench["result"]
                taken = {*self.chains.bench.callables, *(v.text for v in state.pool)}
                names = target_names(signature, self.chains.signatures, value, "memory", taken)
                line = f"{', '.join(names)} = {f.text}({arguments})"
                pool = (*state.pool, *variables_of(names, value, "result"))
                yield replace(
                    state, setup=(*state.setup, line), pool=pool, used=state.used | {f.name}
                )
                break

    def _update(self, state: State, f: Callable, arguments: str) -> State | None:
        call = f"{f.text}({arguments})"
        if self.bench.run(state.lines):
            return None
        before = trained(self.bench, state)
        given = set(re.findall(r"\w+", arguments))
        if "." not in f.text and not all(
            given & {v.text for v in state.kind(kind)} for kind in ("grads", "params")
        ):
            return None
        for line in self._update_lines(state, f, call):
            if self.bench.run([*state.lines, line]):
                continue
            try:
                after = trained(self.bench, state)
            except (KeyError, IndexError, AttributeError, TypeError):
                continue
            if not _is_update(before, after):
                continue
            made = replace(state, loop=(*state.loop, line))
            if fitting(list(zip(before, after, strict=True))) == len(before):
                return made
            self.unfit.append(made)
        return None

    def _update_lines(self, state: State, f: Callable, call: str) -> Iterator[str]:
        """Yield an update in place, and one that returns the new parameters."""
        if not any(any(r) for r in f.signature.results) and not f.signature.results:
            yield call
            return
        names = [v.text for v in state.kind("params") if v.text.isidentifier()]
        yield f"{', '.join(names)} = {call}"
        if self.bench.run([*state.lines, f"result = {call}"]):
            return
        value = self.bench["result"]
        if isinstance(value, tuple) and len(value) > len(names):
            own = target_names(
                f.signature, self.chains.signatures, value, "more", self.chains.bench.callables
            )
            yield f"{', '.join([*names, *own[len(names) :]])} = {call}"
        yield call

    def _own_update(self, state: State) -> State | None:
        """Return the state with lines that subtract the gradients."""
        if self.bench.run(state.lines):
            return None
        params = trained(self.bench, state)
        grads = [g for g in leaves_of(state.kind("grads")) if g.text in state.grads]
        x = self.chains.samples(state)
        pairs = (matched([*x, *params], grads) if x else []) or matched(params, grads)
        lines = [f"{p.text} = {p.text} - {RATE} * {_as(g, p)}" for p, g in pairs]
        made = replace(state, loop=(*state.loop, *lines), own=True)
        if not lines or not self._keeps_shapes(made, pairs):
            return None
        return made

    def _keeps_shapes(self, made: State, pairs: Sequence[tuple[Leaf, Leaf]]) -> bool:
        """Return whether an update runs and keeps all shapes; else note why not."""
        if self.bench.run(made.lines):
            self.broken.append(made)
            return False
        after = [np.shape(self.bench.value(p.text)) for p, _ in pairs]
        if all(p.shape == shape for (p, _), shape in zip(pairs, after, strict=True)):
            return True
        self.unfit.append(made)
        return False


def _as(grad: Leaf, param: Leaf) -> str:
    """Return a gradient in the shape of its parameter, if both are rows or columns."""
    flat = all(max(x.shape, default=0) == x.array.size > 1 for x in (grad, param))
    same = grad.shape == param.shape or grad.array.size != param.array.size
    return grad.text if same or not flat else f"{grad.text}.reshape({param.shape})"


def _is_update(before: Sequence[Leaf], after: Sequence[Leaf]) -> bool:
    """Return whether arrays were replaced by others; some may have other shapes, by a mistake."""
    if [a.text for a in after] != [b.text for b in before]:
        return False
    pairs = list(zip(before, after, strict=True))
    if any(a.array.ndim != b.array.ndim for a, b in pairs):
        return False
    return fitting(pairs) > len(pairs) // 2 and 2 * count_moved(before, after) > len(before)
