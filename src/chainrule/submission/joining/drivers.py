"""Find the lines that make a program train, in a process in which the program has been loaded."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chainrule.submission.joining.bench import Bench
from chainrule.submission.joining.bindings import calls
from chainrule.submission.joining.chains import Callable, Chains
from chainrule.submission.joining.results import Driver, DriverKind
from chainrule.submission.joining.setups import Setups, State, designed
from chainrule.submission.joining.signatures import Signature, Signatures, signatures
from chainrule.submission.joining.trainers import Trainers
from chainrule.submission.joining.updates import RATE, Updates
from chainrule.submission.joining.wording import ITERATIONS, Design, roles_of

SECONDS = 2.5  # of processor time, for one design
SECONDS_MORE = 1.0  # for another design
MOST_LAYERS = 6
BACKWARD = re.compile(r"back|bwd|grad")
BATCHES = re.compile(
    r"/ ?(m|n|N|batch\w*|count|len\([xXyYtT]\w*\)|\w+\.shape\[\d\])\b|axis=|keepdims"
)
UPDATES = re.compile(r"updat|step|desc|adam|sgd|momentum|optim|apply|rmsprop|adagrad|train")
USUAL, SINGLE = Design(), Design(outputs=1)
SQUARE = Design(inputs=3, hidden=(3,), outputs=3)


class Joiner:
    """Joins the functions of a program.

    Parameters
    ----------
    text : str
    namespace : dict
        The program's, after it has run.
    seconds : float
    """

    def __init__(self, text: str, namespace: dict[str, Any], seconds: float) -> None:
        self.signatures: Signatures = signatures(text)
        self.bench = Bench(namespace, seconds)
        self.setups = Setups(self.signatures, self.bench)
        self.chains = Chains(self.signatures, self.bench)
        self.updates = Updates(self.chains, self.bench)
        self.trainers = Trainers(self.signatures, self.bench, self.setups, self.chains)

    def drivers(self) -> list[Driver]:
        """Return the lines that make the program train, those that are judged first first."""
        found = self.trainers.found()
        if found:
            return found
        usual = self._first(USUAL)
        if usual is None:
            return self._imperfect()
        if usual.is_layer:
            return self._layers()
        alone = usual.design.samples == 1
        if alone and self._is_for_batches(usual):
            return [*(_driver(s) for s in self.updates.unfit[:1]), _driver(usual, "sample")]
        single = self._first(SINGLE, SECONDS_MORE) if usual.sized and not alone else None
        more = [_driver(single, "single")] if single else []
        return [_driver(usual, self._kind(usual)), *more]

    def _imperfect(self) -> list[Driver]:
        """Return lines whose update fails, or changes shapes: with layers of one width, if it can.

        An update that makes arrays larger may be meant for one sample, so it is not judged.
        """
        if self.updates.broken:
            broken = self.updates.broken[0]
            square = self._first(SQUARE) if broken.sized else None
            return [_driver(square, "square") if square else _driver(broken)]
        return [_driver(s) for s in self.updates.unfit[:1] if self._is_for_batches(s)]

    def _kind(self, state: State) -> DriverKind:
        """Return whether the program's own update is run, if it has one."""
        left = [f for f in self._functions(state) if f.name not in state.used]
        is_left = state.own and any(
            UPDATES.search(f.signature.name.lower())
            or any("rate" in roles_of(p)[:1] for p in f.signature.parameters)
            for f in left
        )
        return "gradients" if is_left else "usual"

    def _layers(self) -> list[Driver]:
        """Return lines for every layer, and for each word that it takes."""
        found: dict[str, Driver] = {}
        words = [w for f in self.signatures.functions for w in f.words.items()]
        chosen = [{name: word} for name, listed in words for word in listed] or [{}]
        for word in chosen:
            self.chains.words = word
            self.bench.end = time.process_time() + SECONDS
            for state in self._states(USUAL):
                own = [f for f in self.signatures.functions if f.name in state.used]
                taken = [w for name, w in word.items() if any(name in f.words for f in own)]
                key = " ".join((*sorted(state.used), *taken))
                if state.is_layer and key not in found:
                    found |= {f"{key} {i}": d for i, d in enumerate(_parts(state))}
                    found[key] = found.pop(f"{key} 0")
                if len(found) >= MOST_LAYERS:
                    break
        return [*found.values(), *self._uncalled(" ".join(found))]

    def _uncalled(self, used: str) -> list[Driver]:
        """Return drivers without lines for backward functions that were not called."""
        methods = [f"{c.name}.{m.name}" for c in self.signatures.classes for m in c.methods]
        names = [*(f.name for f in self.signatures.roots()), *methods]
        own = [n for n in names if BACKWARD.search(n.lower()) and n not in used.split()]
        return [Driver("", part=name) for name in dict.fromkeys(own)]

    def _is_for_batches(self, state: State) -> bool:
        own = [f for f in self._functions(state) if f.name in state.used]
        texts = [f.signature.text for f in own]
        return any(BATCHES.search(text) for text in texts)

    def _first(self, design: Design, seconds: float = SECONDS) -> State | None:
        self.updates.broken.clear()
        self.updates.unfit.clear()
        self.bench.end = time.process_time() + seconds
        return next(self._states(design), None)

    def _states(self, design: Design) -> Iterator[State]:
        for state, functions in self._started(design):
            if self.bench.is_over:
                return
            for ready in self.chains.with_samples(state):
                for forward in self._forwards(ready, functions):
                    everything = self._functions(forward)
                    for backward in self.chains.backwards(forward, everything):
                        made = self.updates.updated(backward, everything)
                        if made is not None:
                            yield made
                        elif self.updates.broken:
                            return

    def _forwards(self, ready: State, functions: list[Callable]) -> Iterator[State]:
        """Yield the state itself, for functions that run both passes, then with forward passes."""
        yield ready
        yield from self.chains.forwards(ready, functions)

    def _started(self, design: Design) -> Iterator[tuple[State, list[Callable]]]:
        """Yield states with parameters, and the functions that may be the forward pass."""
        for state in self.setups.found(design):
            yield state, self._functions(state)
        for f in self.signatures.functions:
            for state in designed(f, design):
                if self._may_run(f, state):
                    yield state, [Callable(f, f.name, f.name)]

    def _may_run(self, f: Signature, state: State) -> bool:
        """Return whether a function takes arrays of these shapes, if it needs no targets."""
        if any("y" in roles_of(p) for p in f.parameters):
            return True
        first = next(calls(f, state.pool, state.design, "forward", self.chains.words), None)
        return first is not None and not self.bench.run([*state.setup, f"{f.name}({first})"])

    def _functions(self, state: State) -> list[Callable]:
        """Return what may be called: the functions, or the methods of the object."""
        for c in self.signatures.classes:
            for v in state.kind("params"):
                if type(v.value).__name__ == c.name:
                    return [
                        Callable(m, f"{v.text}.{m.name}", f"{c.name}.{m.name}") for m in c.methods
                    ]
        roots = self.signatures.roots()
        others = [f for f in self.signatures.functions if f not in roots]
        return [Callable(f, f.name, f.name) for f in (*roots, *others)]


def _parts(state: State) -> list[Driver]:
    """Return lines that update the parameters of a layer, and lines that update its samples.

    Gradients of the parameters are often divided by the number of samples, and others are not.
    """
    own = tuple(line for line in state.loop if line.startswith(f"{state.kind('x')[0].text} = "))
    rest = tuple(line for line in state.loop if line not in own)
    part = ", ".join(sorted(state.used))
    calls = tuple(line for line in rest if f" - {RATE} * " not in line)
    loops = [rest] * (len(calls) < len(rest)) + [(*calls, *own)] * bool(own)
    return [Driver(_text(replace(state, loop=loop)), part=part, several=True) for loop in loops]


def _driver(state: State, kind: DriverKind = "usual") -> Driver:
    return Driver(_text(state), kind, several=bool(state.outs))


def _text(state: State) -> str:
    loop = [f"    {line}" for line in state.loop]
    return "\n".join([*state.setup, f"for _ in range({ITERATIONS}):", *loop])


def drivers(text: str, namespace: dict[str, Any], seconds: float) -> list[Driver]:
    """Return lines that make a program train.

    Parameters
    ----------
    text : str
        Its source.
    namespace : dict
        Its namespace, after it has run.
    seconds : float

    Returns
    -------
    list of Driver
    """
    return Joiner(text, namespace, seconds).drivers()
