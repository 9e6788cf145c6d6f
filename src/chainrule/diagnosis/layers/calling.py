"""Call a learner's function on copies of its arguments, with fixed random numbers and no output."""

import contextlib
import copy
import inspect
import io
import random
import threading
import warnings
from collections.abc import Callable, Generator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

MOST_KNOWN = 16  # functions whose parameters are remembered, since each is called very often
SEED = 7  # of every call, so that a dropout mask is the same each time
SEEDED = random.Random(SEED).getstate()  # noqa: S311 (repeatable, not secret)


class CallFailedError(Exception):
    """A learner's function raised an exception; the text says which one, and where."""

    def __init__(self, function: Callable[..., Any], error: BaseException) -> None:
        name = getattr(function, "__name__", "the function")
        super().__init__(f"{name} raised {type(error).__name__}: {error}")
        self.error = error


def call(
    function: Callable[..., Any], arguments: Mapping[str, Any], *, strict: bool = False
) -> Any:
    """Return what a function returns; each argument is a deep copy.

    Parameters
    ----------
    function : callable
    arguments : mapping
        By the names of its parameters, in their order.
    strict : bool, default False
        Whether a complex number that is converted to a real one is an error.

    Raises
    ------
    CallFailedError
        If it raises an exception.
    """
    with _quiet(strict=strict):
        try:
            positional, by_name = _split(function, copy.deepcopy(dict(arguments)))
            return function(*positional, **by_name)
        except (Exception, SystemExit) as error:
            raise CallFailedError(function, error) from error


def _split(
    function: Callable[..., Any], arguments: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments that are passed by position, and those passed by name."""
    positional: list[Any] = []
    if not parameters(function):  # such as a function of NumPy
        return list(arguments.values()), {}
    for name, parameter in parameters(function).items():
        if name not in arguments or parameter.kind is parameter.KEYWORD_ONLY:
            break
        positional.append(arguments.pop(name))
    return positional, arguments


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function that take one value each, by name."""
    try:
        return _parameters(function)
    except TypeError:  # an object that cannot be hashed
        return _parameters.__wrapped__(function)


@lru_cache(maxsize=MOST_KNOWN)
def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    kind = inspect.Parameter
    single = (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD, kind.KEYWORD_ONLY)
    return {name: value for name, value in found.items() if value.kind in single}


def required(function: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters without a default."""
    return [n for n, p in parameters(function).items() if p.default is inspect.Parameter.empty]


class _Depth(threading.local):
    """How many `kept_random_numbers` of a thread are open."""

    value = 0


_DEPTH = _Depth()


@contextlib.contextmanager
def kept_random_numbers() -> Generator[None]:
    """Restore the random number generators at the end, but not after each call within.

    To restore NumPy's takes longer than to call a small function.
    """
    if _DEPTH.value:
        yield
        return
    # The generator that programs use, not one of ours.
    numpy_state, state = np.random.get_state(), random.getstate()  # noqa: NPY002
    _DEPTH.value = 1
    try:
        yield
    finally:
        _DEPTH.value = 0
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(state)


@contextlib.contextmanager
def _quiet(*, strict: bool) -> Generator[None]:
    """Fix the random numbers and hide output and warnings; restore the generators afterwards."""
    make = np.random.default_rng
    with kept_random_numbers():
        np.random.seed(SEED)  # noqa: NPY002
        random.setstate(SEEDED)
        np.random.default_rng = _seeded(make)
        try:
            with (
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                warnings.simplefilter("ignore")
                if strict:
                    warnings.simplefilter("error", np.exceptions.ComplexWarning)
                yield
        finally:
            np.random.default_rng = make


def _seeded(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return NumPy's default_rng, but with a fixed seed where none is given."""

    def default_rng(seed: Any = None) -> Any:
        return make(SEED if seed is None else seed)

    return default_rng
