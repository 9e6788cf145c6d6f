"""Calls of functions and methods that train by themselves, with designed data."""

import re
from collections.abc import Iterator
from dataclasses import replace

from chainrule.submission.joining.bench import Bench
from chainrule.submission.joining.bindings import Variable, calls
from chainrule.submission.joining.chains import Chains
from chainrule.submission.joining.results import Driver, DriverKind
from chainrule.submission.joining.setups import Setups, State
from chainrule.submission.joining.signatures import Signature, Signatures
from chainrule.submission.joining.wording import ITERATIONS, TRAINS, Design, role_of, roles_of

NOT_TRAINING = re.compile(
    r"predict|accura|eval|score|test|plot|show|print|cost|loss|one_?hot|forward|backward|backprop|"
    r"init|propag|grad|update|load|read|normali|split|shuffle|batches"
)
HELD_OUT = re.compile(r"_?(test|val(id)?|dev)(_|$|(?=[A-Z]))", re.IGNORECASE)
MOST = 4  # calls that are returned
REPEATED = f"for _ in range({ITERATIONS}):"
SEVERAL, ONE = Design(), Design(outputs=1)


class Trainers:
    """Finds functions and methods that train, and calls of them that run.

    Parameters
    ----------
    signatures : Signatures
    bench : Bench
    setups : Setups
    chains : Chains
    """

    def __init__(
        self, signatures: Signatures, bench: Bench, setups: Setups, chains: Chains
    ) -> None:
        self.signatures, self.bench = signatures, bench
        self.setups, self.chains = setups, chains

    def found(self) -> list[Driver]:
        """Return calls that run: with several outputs first, then with one; else class numbers."""
        several = self._drivers(SEVERAL, slice(0, 1), "usual")
        one = self._drivers(ONE, slice(0, 2), "single" if several else "usual")
        if not several and not one:
            several = self._drivers(SEVERAL, slice(1, None), "usual")
        return [*several[:MOST], *one[:MOST]]

    def _drivers(self, design: Design, targets: slice, kind: DriverKind) -> list[Driver]:
        for f in self._functions():
            if found := self._of_function(f, design, targets):
                return [Driver(text, kind) for text in found]
        for c in self.signatures.outer_classes():
            for state in self.setups.by_class(c, design):
                if found := self._of_methods(state, c.methods, targets):
                    return [Driver(text, kind) for text in found]
        return []

    def _of_function(self, f: Signature, design: Design, targets: slice) -> list[str]:
        empty = State((), (), (), (), design, sized=True)
        for state in (empty, *self.setups.found(design)):
            if found := list(self._running(f, f.name, state, targets)):
                return found
        return []

    def _of_methods(
        self, state: State, methods: tuple[Signature, ...], targets: slice
    ) -> list[str]:
        has_data = bool(state.kind("x"))
        own = [m for m in methods if self._trains(m, has_data=has_data)]
        for m in sorted(own, key=_unlike):
            text = f"{state.params[0]}.{m.name}"
            if found := list(self._running(m, text, state, targets)):
                return found
        return []

    def _functions(self) -> list[Signature]:
        found = [f for f in self.signatures.functions if self._trains(f, has_data=False)]
        roots = self.signatures.roots()
        return sorted(found, key=lambda f: (f not in roots, _unlike(f)))

    def _trains(self, f: Signature, *, has_data: bool) -> bool:
        """Return whether a function trains by its name, and takes data."""
        if NOT_TRAINING.search(f.name.lower()):
            return False
        names = (*f.parameters, *f.optional)
        has_x, has_y = (any(role in roles_of(p) for p in names) for role in ("x", "y"))
        rounds = any(role_of(p) == "epochs" for p in names)
        named = bool(TRAINS.search(f.name)) or rounds
        return named and (has_data or (has_x and has_y))

    def _running(self, f: Signature, text: str, state: State, targets: slice) -> Iterator[str]:
        """Yield calls that run, the first for each layout of the samples."""
        layouts: set[bool] = set()
        for ready in self._with_data(state, targets):
            if ready.design.rows in layouts:
                continue
            held_out = _held_out(f, ready)
            pool = (*ready.pool, *(Variable(name, None, "result") for name in held_out))
            setup = (*ready.setup, *(f"{name} = {text}" for name, text in held_out.items()))
            for arguments in calls(f, pool, ready.design, "train"):
                call = f"{text}({arguments})"
                if self.bench.run([*setup, call]) in ("", "time"):
                    loop = [call] if self._loops(f) else [REPEATED, f"    {call}"]
                    yield "\n".join([*setup, *loop])
                    layouts.add(ready.design.rows)
                    break

    def _loops(self, f: Signature) -> bool:
        """Return whether a function or what it calls has a loop."""
        reached = self.signatures.reach(f)
        return f.loops or any(g.loops for g in self.signatures.functions if g.name in reached)

    def _with_data(self, state: State, targets: slice) -> Iterator[State]:
        if state.kind("x"):
            yield state
            return
        for ready in self.chains.with_samples(state):
            for y in ready.design.targets()[targets]:
                pool = (*ready.pool, Variable("Y", None, "y"))
                yield replace(ready, setup=(*ready.setup, f"Y = {y}"), pool=pool)


def _held_out(f: Signature, state: State) -> dict[str, str]:
    """Return copies of the data by the parameters that take samples or targets to test with."""
    own = {v.kind: v.text for v in state.pool if v.kind in ("x", "y")}
    roles = {n: role_of(HELD_OUT.sub("", n)) for n in f.parameters if HELD_OUT.search(n)}
    return {name: f"{own[role]}.copy()" for name, role in roles.items() if role in own}


def _unlike(f: Signature) -> tuple[bool, int]:
    """Return what makes a function less likely to be the one that trains."""
    return not TRAINS.search(f.name), -len(f.parameters)
