"""The attempt: which function or class in a learner's file is the one to be asked.

Names choose only what is looked at first; whether it can be asked, and what it answers, is found
out by calling it.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import InputError
from chainrule.submission.questions import Fault

FIRST = ("step", "gradients")  # a function of this name wins over a class
USUAL = (
    *("train_step", "backprop", "backpropagation", "backward", "gradient", "grads", "update"),
    *("compute_gradients", "train"),
)


class SubmissionError(InputError):
    """What was handed in cannot be asked.

    Parameters
    ----------
    text : str
        What is wrong with it, and the remedy.
    fault : str, default "not-found"
    """

    def __init__(self, text: str, fault: Fault = "not-found") -> None:
        super().__init__(text)
        self.fault: Fault = fault


@dataclass(frozen=True, eq=False)
class Attempt:
    """What a learner hands in.

    Parameters
    ----------
    name : str
        As the learner calls it: ``"step"``, ``"Net"``, ``"Net.train"``.
    target : callable, class or object
        A function, a class, or an object that is a network already.
    method : str or None
        The method of the class to call, if it was named.
    namespace : mapping
        The module it comes from: what it may remember from call to call.
    """

    name: str
    target: Any
    method: str | None = None
    namespace: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_function(self) -> bool:
        """Whether it is a function and not a class or an object with methods."""
        return is_function(self.target)

    @property
    def cls(self) -> type:
        """The learner's class, where an object of it is handed in too."""
        return self.target if isinstance(self.target, type) else type(self.target)


@dataclass(frozen=True)
class LoadedSubmission:
    """The attempt that was found in a submission, and what the submission says about it.

    Parameters
    ----------
    name : str
        The function or class, such as ``"step"``.
    declared : dict
        The file's ``NETWORK``, if that is a dict of plain values.
    remarks : tuple of str
    """

    name: str
    declared: dict[str, Any] = field(default_factory=dict[str, Any])
    remarks: tuple[str, ...] = ()


def is_function(thing: object) -> bool:
    """Return whether `thing` is a function: Python's own, a built-in or a partial one."""
    return callable(thing) and not isinstance(thing, type) and not is_own(thing)


def is_own(thing: object) -> bool:
    """Return whether `thing` is an object of a class that the learner wrote."""
    return own_class(type(thing))


def own_class(cls: type) -> bool:
    """Return whether `cls` is a class that the learner wrote, not one of a library."""
    if cls.__module__ in {"builtins", "functools", "typing", "enum", "random"}:
        return False
    return not cls.__module__.startswith(("numpy", "collections", "types", "chainrule."))


def attempt_of(thing: Any) -> Attempt:
    """Return the attempt for a function, method, class or object that is handed over directly.

    Parameters
    ----------
    thing : callable, class or object

    Returns
    -------
    Attempt

    Raises
    ------
    SubmissionError
        If it is none of these.
    """
    if isinstance(thing, Attempt):
        return thing
    if inspect.ismethod(thing) and not isinstance(thing.__self__, type):
        owner: Any = thing.__self__
        name = str(thing.__name__)
        return Attempt(f"{type(owner).__name__}.{name}", owner, name, _home(type(owner)))
    if isinstance(thing, type):
        return Attempt(_name_of(thing), thing, None, _home(thing))
    if is_function(thing):
        return Attempt(str(getattr(thing, "__name__", "function")), thing, None, _home(thing))
    if is_own(thing):
        return Attempt(_name_of(type(thing)), thing, None, _home(type(thing)))
    raise SubmissionError(f"{thing!r:.80} is no function and no class; hand in one of these")


def _name_of(cls: Any) -> str:
    """Return the name of a class."""
    return cls.__name__


def _home(thing: Any) -> Mapping[str, Any]:
    """Return the namespace of the module in which `thing` was defined."""
    inner = inspect.unwrap(thing) if callable(thing) else thing
    inner = getattr(inner, "func", inner)  # functools.partial
    if hasattr(inner, "__globals__"):
        return inner.__globals__
    if isinstance(inner, type):
        for value in vars(inner).values():
            if hasattr(value, "__globals__"):
                return value.__globals__
    return {}


# --- In a file -----------------------------------------------------------------------------------


def candidates(namespace: Mapping[str, Any]) -> list[Attempt]:
    """Return what may be the attempt in a module's `namespace`, the likeliest first.

    Parameters
    ----------
    namespace : mapping
        The module's names.

    Returns
    -------
    list of Attempt
        One alone for a function ``step``, ``gradients`` or ``forward``; else classes, then
        functions that nothing else calls, then others.

    Raises
    ------
    SubmissionError
        If there is none.
    """
    functions, classes = _functions(namespace), _classes(namespace)
    for usual in (*FIRST, "forward"):
        if usual in functions and required(functions[usual]) >= 2:
            return [Attempt(usual, functions[usual], None, namespace)]
    networks = [name for name in classes if _likeness(classes[name], classes) > 0]
    networks.sort(key=lambda name: -_likeness(classes[name], classes))
    likely = [name for name in functions if required(functions[name]) >= 2]
    likely.sort(key=lambda name: (_is_called(name, functions), -_promise(name, functions[name])))
    found = [Attempt(name, namespace[name], None, namespace) for name in networks + likely]
    if not found and not functions and not classes:
        raise SubmissionError(told(namespace))
    if not found:
        raise SubmissionError(
            f"no function step, gradients or forward that takes weights and data, "
            f"and no class with methods; {told(namespace)}"
        )
    return found


def _is_called(name: str, functions: Mapping[str, Any]) -> bool:
    """Return whether another function with as many arguments calls this one."""
    others = [f for other, f in functions.items() if other != name and required(f) >= 3]
    return any(_mentions(f.__code__, name) for f in others)


def named_attempt(namespace: Mapping[str, Any], name: str) -> Attempt:
    """Return the attempt called `name`, which may be that of a method."""
    stem, _, method = name.partition(".")
    if stem not in namespace:
        raise SubmissionError(f"{name!r} is not defined; {told(namespace)}")
    target = namespace[stem]
    if not callable(target) and not is_own(target):
        raise SubmissionError(f"{name!r} is no function and no class; {told(namespace)}")
    if method and not callable(getattr(target, method, None)):
        raise SubmissionError(f"{stem!r} has no method {method!r}; {told(namespace)}")
    if not method and isinstance(target, type) is False and inspect.ismethod(target):
        return attempt_of(target)
    return Attempt(name, target, method or None, namespace)


def _functions(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the functions that were defined in the file itself."""
    return {
        name: value
        for name, value in namespace.items()
        if inspect.isfunction(value) and _is_local(value, namespace)
    }


def _classes(namespace: Mapping[str, Any]) -> dict[str, type]:
    """Return the classes that were defined in the file itself, exceptions excepted."""
    return {
        name: value
        for name, value in namespace.items()
        if isinstance(value, type)
        and not issubclass(value, BaseException)
        and _is_local(value, namespace)
    }


def _is_local(thing: Any, namespace: Mapping[str, Any]) -> bool:
    """Return whether `thing` was defined in this file and not imported into it."""
    module = namespace.get("__name__")
    return module is None or getattr(thing, "__module__", module) in {module, None}


def told(namespace: Mapping[str, Any]) -> str:
    """Return what the file has, as an error tells it."""
    kinds = {"functions": _functions(namespace), "classes": _classes(namespace)}
    if not any(kinds.values()):
        return "the file defines no function and no class; write the steps into a function"
    parts = [f"its {kind} are: {', '.join(names)}" for kind, names in kinds.items() if names]
    return f"{'; '.join(parts)}; name one with --function"


def required(function: Callable[..., Any]) -> int:
    """Return how many arguments `function` cannot do without; −1 if it does not say."""
    return len([p for p in parameters(function) if p.default is p.empty])


def spare(given: list[inspect.Parameter]) -> int:
    """Return how many arguments behind the needed ones may be left out as None, 0 or 1.

    So ``loss(X, y=None)`` has its targets: without them it runs forward only.
    """
    needed = sum(p.default is p.empty for p in given)
    return int(len(given) > needed and given[needed].default is None)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of `function` that can be given by position."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p for p in found if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]


def methods(cls: type) -> list[str]:
    """Return the public methods that the author of `cls` wrote, and ``__call__``, in order."""
    found: dict[str, None] = {}
    for part in reversed(cls.__mro__):
        if not own_class(part):
            continue
        for name, value in vars(part).items():
            plain = isinstance(value, (staticmethod, classmethod)) or inspect.isfunction(value)
            if plain and (name == "__call__" or not name.startswith("_")):
                found[name] = None
    return list(found)


def _likeness(cls: type, classes: Mapping[str, type]) -> int:
    """Return how much `cls` looks like the network: it trains, and no other class is made of it."""
    trains = sum(1 for name in methods(cls) if required(getattr(cls, name)) >= 2)
    pairs = sum(1 for name in methods(cls) if required(getattr(cls, name)) >= 3)
    score = 1 + trains + 2 * pairs if methods(cls) else 0
    users = [other for other in classes.values() if other is not cls and _uses(other, cls)]
    return score - 50 * len(users) + 100 * (score > 0)


def _uses(other: type, cls: type) -> bool:
    """Return whether the code of `other` mentions `cls`, or inherits from it."""
    if issubclass(other, cls):
        return True
    codes = [getattr(value, "__code__", None) for value in vars(other).values()]
    return any(code is not None and _mentions(code, cls.__name__) for code in codes)


def _mentions(code: Any, name: str) -> bool:
    """Return whether `code`, or code inside it, looks up the global `name`."""
    inner = (part for part in code.co_consts if hasattr(part, "co_names"))
    return name in code.co_names or any(_mentions(part, name) for part in inner)


def _promise(name: str, function: Any) -> int:
    """Return how much a function looks like the attempt: by its number of parameters, then name."""
    count = required(function)
    score = 10 * (count >= 4) + 4 * (count == 3)
    return score + 3 * any(usual in name.casefold() for usual in USUAL)
