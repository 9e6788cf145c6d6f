"""Snapshots of a learner's module, so that every run starts from the same state."""

import ast
import contextlib
import copy
import inspect
import linecache
import random
from collections.abc import Generator, Iterator, Mapping
from functools import cache
from types import CellType
from typing import Any

import numpy as np

from chainrule.submission.attempts import Attempt, is_own_class
from chainrule.submission.values import is_data, is_random_generator

GENERATORS = {"Generator", "Random", "RandomState", "SystemRandom", "default_rng", "urandom"}


class ModuleSnapshot:
    """The state of a learner's module before the first call.

    Parameters
    ----------
    attempt : Attempt
    """

    def __init__(self, attempt: Attempt) -> None:
        self.namespace = _globals_of(attempt)
        reachable = _reachable(attempt.target, self.namespace)
        self.functions = [f for f in reachable if inspect.isfunction(f)]
        self.classes = [c for c in reachable if isinstance(c, type)]
        used = {name for f in self.functions for name in _global_names(f.__code__)}
        data = {n: v for n, v in self.namespace.items() if n in used and is_data(v)}
        self.data = copy.deepcopy(data)
        self._save_closures(used)
        self.shared_random_state = _shared_random_state()
        self.defaults = {f: copy.deepcopy(f.__defaults__) for f in self.functions if _mutable(f)}
        self.attributes = {f: copy.copy(f.__dict__) for f in self.functions}
        self.class_data = {c: data for c in self.classes if (data := _class_data(c))}
        self.filled_lists = {c: _filled_lists(c, data) for c, data in self.class_data.items()}

    def _save_closures(self, used: set[str]) -> None:
        """Save the variables in closures, and the random generators in them and in the module."""
        cells = {id(cell): (cell, v) for f in self.functions for cell, v in _cells(f)}
        self.cells = {key: cell for key, (cell, _) in cells.items()}
        enclosed = {key: value for key, (_, value) in cells.items()}
        self.enclosed = copy.deepcopy({k: v for k, v in enclosed.items() if is_data(v)})
        values = (*self.namespace.values(), *enclosed.values())
        self.generators = [value for value in values if is_random_generator(value)]
        self.has_generators = bool(self.generators or used & GENERATORS)

    def restore(self, seed: int) -> None:
        """Restore the module, and seed all random number generators."""
        namespace: Any = self.namespace
        namespace.update(copy.deepcopy(self.data))
        for key, value in copy.deepcopy(self.enclosed).items():
            self.cells[key].cell_contents = value
        for function, defaults in self.defaults.items():
            function.__defaults__ = copy.deepcopy(defaults)
        for function, attributes in self.attributes.items():
            function.__dict__.clear()
            function.__dict__.update(copy.deepcopy(attributes))
        for cls, data in self.class_data.items():
            for name, value in copy.deepcopy(data).items():
                setattr(cls, name, value)
        self._seed(seed)

    def _seed(self, seed: int) -> None:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (the generator that the learner's program uses)
        for generator in self.generators:
            seed_generator(generator, seed)
        self.shared_random_state = _state_of_seed(seed)

    @property
    def may_have_drawn(self) -> bool:
        """Whether random numbers may have been drawn since the last `restore`."""
        return self.has_generators or _shared_random_state() != self.shared_random_state


def _mutable(function: Any) -> bool:
    """Return whether a function has default values that a call can modify."""
    return any(isinstance(v, (list, dict, np.ndarray)) for v in function.__defaults__ or ())


def _shared_random_state() -> tuple[Any, ...]:
    """Return the state of the random generators that all modules share."""
    _, words, *rest = np.random.get_state()  # noqa: NPY002 (the learner's program uses it)
    return (random.getstate(), np.asarray(words).tobytes(), *rest)


@cache
def _state_of_seed(seed: int) -> tuple[Any, ...]:
    """Return the state of the shared random generators, which have just been seeded."""
    return _shared_random_state()


def _cells(function: Any) -> Iterator[tuple[CellType, Any]]:
    """Yield the cells of a function's closure that are not empty, and their contents."""
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty cell
            yield cell, cell.cell_contents


def seed_generator(generator: Any, seed: int) -> None:
    """Seed a random number generator of Python or NumPy."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = type(generator.bit_generator)(seed).state
    else:
        generator.seed(seed)


# --- What a call can reach -----------------------------------------------------------------------


def _global_names(code: Any) -> set[str]:
    """Return the global names that `code` uses, nested functions included."""
    nested = (part for part in code.co_consts if hasattr(part, "co_names"))
    return set(code.co_names).union(*(_global_names(part) for part in nested))


def _reachable(target: Any, namespace: Mapping[str, Any]) -> list[Any]:
    """Return the functions and classes that a call of `target` can use."""
    found: list[Any] = []
    pending = [target if isinstance(target, type) or inspect.isfunction(target) else type(target)]
    pending += [type(part) for part in vars(target).values()] if hasattr(target, "__dict__") else []
    while pending:
        thing = pending.pop()
        parts = _parts(thing)
        if parts is None or any(thing is known for known in found):
            continue
        found.append(thing)
        pending += parts if isinstance(thing, type) else []
        if inspect.isfunction(thing):
            pending += [namespace[n] for n in _global_names(thing.__code__) if n in namespace]
            pending += [value for _, value in _cells(thing)]
    return found


def _parts(thing: Any) -> list[Any] | None:
    """Return the bases and methods of a learner's class; [] for a function, None for others."""
    if isinstance(thing, type):
        values = [getattr(v, "__func__", v) for v in vars(thing).values()]
        functions = [getattr(value, "fget", value) for value in values]
        return [*thing.__mro__[1:], *functions] if is_own_class(thing) else None
    is_learners = inspect.isfunction(thing) and not str(thing.__module__).startswith("numpy")
    return [] if is_learners else None


def _globals_of(attempt: Attempt) -> Mapping[str, Any]:
    """Return the globals that the program uses: the mapping itself, not a copy."""
    target = attempt.target
    cls = target if isinstance(target, type) else type(target)
    functions = [target, *(vars(cls).values() if is_own_class(cls) else ())]
    found = [f.__globals__ for f in functions if inspect.isfunction(f)]
    return found[0] if found else attempt.namespace


# --- Data of classes -----------------------------------------------------------------------------


def _class_data(cls: type) -> dict[str, Any]:
    """Return the data attributes of a class, with the values that its body gives them."""
    data = {n: v for n, v in vars(cls).items() if not n.startswith("__") and is_data(v)}
    kept = copy.deepcopy(data)
    if any(isinstance(value, (list, dict)) for value in data.values()):
        kept.update({n: v for n, v in _literals_in_source(cls).items() if n in data})
    return kept


def _filled_lists(cls: type, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lists of a class that hold more than its body gives them."""
    lists = [n for n, v in data.items() if isinstance(v, (list, dict))]
    return tuple(n for n in lists if len(vars(cls).get(n, ())) > len(data[n]))


def _literals_in_source(cls: type) -> dict[str, Any]:
    """Return the literals that the body of `cls` assigns, if its source is available."""
    methods = [v for v in vars(cls).values() if inspect.isfunction(v)]
    lines = linecache.getlines(methods[0].__code__.co_filename) if methods else []
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return {}
    bodies = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == cls.__name__]
    return dict(_literals(bodies[-1])) if bodies else {}


def _literals(body: ast.ClassDef) -> Generator[tuple[str, Any]]:
    """Yield the names and values of the literal assignments in a class's body."""
    for line in body.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            with contextlib.suppress(ValueError, TypeError):
                yield line.targets[0].id, ast.literal_eval(line.value)
