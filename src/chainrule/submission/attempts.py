"""Find the attempt: the function or class in a learner's file that is to be checked.

Names decide only which candidates are tried first; whether one can be used is found out by calling
it.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import InputError
from chainrule.submission.questions import Fault

FIRST = ("step", "gradients")  # functions of these names are preferred to classes
NUMERICAL = ("numer", "approx", "finite", "grad_check", "gradcheck")  # difference quotients
USUAL = (
    *("train_step", "backprop", "backpropagation", "backward", "gradient", "grads", "update"),
    *("compute_gradients", "train"),
)


class SubmissionError(InputError):
    """The submission cannot be used.

    Parameters
    ----------
    text : str
        What is wrong with it, and how to correct that.
    fault : str, default "not-found"
    """

    def __init__(self, text: str, fault: Fault = "not-found") -> None:
        super().__init__(text)
        self.fault: Fault = fault


@dataclass(frozen=True, eq=False)
class Attempt:
    """What a learner submits: a function, a class or an object.

    Parameters
    ----------
    name : str
        The name in the learner's program: ``"step"``, ``"Net"``, ``"Net.train"``.
    target : callable, class or object
        A function, a class, or an existing object.
    method : str or None
        The method to call, if the learner named one.
    namespace : mapping
        The module that defines it, which may keep values from call to call.
    """

    name: str
    target: Any
    method: str | None = None
    namespace: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_function(self) -> bool:
        """Whether the target is a function, not a class or an object with methods."""
        return is_function(self.target)

    @property
    def cls(self) -> type:
        """The learner's class, also if the target is an object of it."""
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
    """Return whether `thing` is a function, also a built-in or partial one."""
    return callable(thing) and not isinstance(thing, type) and not is_own_object(thing)


def is_own_object(thing: object) -> bool:
    """Return whether the learner wrote the class of `thing`."""
    return is_own_class(type(thing))


def is_own_class(cls: type) -> bool:
    """Return whether the learner wrote the class `cls`, rather than a library's authors."""
    if cls.__module__ in {"builtins", "functools", "typing", "enum", "random"}:
        return False
    return not cls.__module__.startswith(("numpy", "collections", "types", "chainrule."))


def attempt_of(thing: Any) -> Attempt:
    """Return the attempt for a function, method, class or object.

    Parameters
    ----------
    thing : callable, class or object

    Returns
    -------
    Attempt

    Raises
    ------
    SubmissionError
        If `thing` is none of these.
    """
    if isinstance(thing, Attempt):
        return thing
    if inspect.ismethod(thing) and not isinstance(thing.__self__, type):
        owner: Any = thing.__self__
        name = str(thing.__name__)
        return Attempt(f"{type(owner).__name__}.{name}", owner, name, _namespace_of(type(owner)))
    if isinstance(thing, type):
        return Attempt(_name_of(thing), thing, None, _namespace_of(thing))
    if is_function(thing):
        return Attempt(
            str(getattr(thing, "__name__", "function")), thing, None, _namespace_of(thing)
        )
    if is_own_object(thing):
        return Attempt(_name_of(type(thing)), thing, None, _namespace_of(type(thing)))
    raise SubmissionError(
        f"{thing!r:.80} cannot be checked: submit a function, a method, a class or an object"
    )


def _name_of(cls: Any) -> str:
    """Return the name of a class."""
    return cls.__name__


def _namespace_of(thing: Any) -> Mapping[str, Any]:
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


# --- Candidates in a file ------------------------------------------------------------------------


def candidates(namespace: Mapping[str, Any]) -> list[Attempt]:
    """Return the candidates for the attempt in a module's `namespace`, the likeliest first.

    Parameters
    ----------
    namespace : mapping
        The module's names.

    Returns
    -------
    list of Attempt
        A function ``step``, ``gradients`` or ``forward`` alone, if there is one. Otherwise
        classes, then functions that no other function calls, then the other functions.

    Raises
    ------
    SubmissionError
        If there are none.
    """
    functions, classes = _functions(namespace), _classes(namespace)
    for usual in (*FIRST, "forward"):
        if usual in functions and required_count(functions[usual]) >= 2:
            return [Attempt(usual, functions[usual], None, namespace)]
    networks = [name for name in classes if _network_score(classes[name], classes) > 0]
    networks.sort(key=lambda name: -_network_score(classes[name], classes))
    likely = [name for name in functions if required_count(functions[name]) >= 2]
    likely.sort(key=lambda name: (_is_called(name, functions), -_score(name, functions[name])))
    found = [Attempt(name, namespace[name], None, namespace) for name in networks + likely]
    if not found and not functions and not classes:
        raise SubmissionError(list_available(namespace))
    if not found:
        raise SubmissionError(
            "the file has neither a function with parameters for weights and data nor a class "
            f"with methods; {list_available(namespace)}"
        )
    return found


def _is_called(name: str, functions: Mapping[str, Any]) -> bool:
    """Return whether another function with as many arguments calls this one."""
    others = [f for other, f in functions.items() if other != name and required_count(f) >= 3]
    return any(_mentions(f.__code__, name) for f in others)


def named_attempt(namespace: Mapping[str, Any], name: str) -> Attempt:
    """Return the attempt called `name`, such as ``"step"`` or ``"Net.train"``."""
    stem, _, method = name.partition(".")
    if stem not in namespace:
        raise SubmissionError(f"{name!r} is not defined in the file; {list_available(namespace)}")
    target = namespace[stem]
    if not callable(target) and not is_own_object(target):
        raise SubmissionError(
            f"{name!r} is neither a function nor a class; {list_available(namespace)}"
        )
    if method and not callable(getattr(target, method, None)):
        raise SubmissionError(f"{stem!r} has no method {method!r}; {list_available(namespace)}")
    if not method and inspect.ismethod(target):
        return attempt_of(target)
    return Attempt(name, target, method or None, namespace)


def _functions(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the functions that the file itself defines."""
    return {
        name: value
        for name, value in namespace.items()
        if inspect.isfunction(value) and _is_local(value, namespace)
    }


def _classes(namespace: Mapping[str, Any]) -> dict[str, type]:
    """Return the classes that the file itself defines, except exceptions."""
    return {
        name: value
        for name, value in namespace.items()
        if isinstance(value, type)
        and not issubclass(value, BaseException)
        and _is_local(value, namespace)
    }


def _is_local(thing: Any, namespace: Mapping[str, Any]) -> bool:
    """Return whether this file defines `thing`, rather than importing it."""
    module = namespace.get("__name__")
    return module is None or getattr(thing, "__module__", module) in {module, None}


def list_available(namespace: Mapping[str, Any]) -> str:
    """Return the file's functions and classes as the last clause of an error message."""
    kinds = {"functions": _functions(namespace), "classes": _classes(namespace)}
    if not any(kinds.values()):
        return (
            "the file defines no functions or classes; submit the file that computes and trains "
            "the network: if it trains when it runs, it is judged by its own run unless a network "
            "is declared"
        )
    parts = [f"its {kind} are {', '.join(names)}" for kind, names in kinds.items() if names]
    return f"{'; '.join(parts)}; choose one of them as the function to check"


def required_count(function: Callable[..., Any]) -> int:
    """Return how many parameters of `function` have no default value."""
    return len([p for p in parameters(function) if p.default is p.empty])


def optional_count(given: list[inspect.Parameter]) -> int:
    """Return 1 if the first parameter with a default has None as its default, else 0.

    In ``loss(X, y=None)`` that parameter takes the targets; without them, only the forward pass
    runs.
    """
    needed = sum(p.default is p.empty for p in given)
    return int(len(given) > needed and given[needed].default is None)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of `function` that can be passed by position."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p for p in found if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]


BATCH_WORDS = {"sum", "mean", "average", "shape", "size", "einsum"}


def is_for_one_sample(function: Any) -> bool:
    """Return whether nothing in a function's own code adds up samples or counts them."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and not BATCH_WORDS & set(code.co_names)


def methods(cls: type) -> list[str]:
    """Return the public methods that the learner wrote for `cls`, and ``__call__``, in order."""
    found: dict[str, None] = {}
    for part in reversed(cls.__mro__):
        if not is_own_class(part):
            continue
        for name, value in vars(part).items():
            is_method = isinstance(value, (staticmethod, classmethod)) or inspect.isfunction(value)
            if is_method and (name == "__call__" or not name.startswith("_")):
                found[name] = None
    return list(found)


def _network_score(cls: type, classes: Mapping[str, type]) -> int:
    """Return how much `cls` looks like a network: it can be trained, and no other class uses it."""
    trains = sum(1 for name in methods(cls) if required_count(getattr(cls, name)) >= 2)
    pairs = sum(1 for name in methods(cls) if required_count(getattr(cls, name)) >= 3)
    score = 1 + trains + 2 * pairs if methods(cls) else 0
    users = [other for other in classes.values() if other is not cls and _uses(other, cls)]
    return score - 50 * len(users) + 100 * (score > 0)


def _uses(other: type, cls: type) -> bool:
    """Return whether `other` inherits from `cls` or mentions it in its code."""
    if issubclass(other, cls):
        return True
    codes = [getattr(value, "__code__", None) for value in vars(other).values()]
    return any(code is not None and _mentions(code, cls.__name__) for code in codes)


def _mentions(code: Any, name: str) -> bool:
    """Return whether `code`, or code inside it, looks up the global `name`."""
    inner = (part for part in code.co_consts if hasattr(part, "co_names"))
    return name in code.co_names or any(_mentions(part, name) for part in inner)


def _score(name: str, function: Any) -> int:
    """Return how much a function looks like the attempt: by its parameter count, then its name."""
    count = required_count(function)
    score = 10 * (count >= 4) + 4 * (count == 3)
    score += 3 * any(usual in name.casefold() for usual in USUAL)
    return score - 20 * is_numerical(name)


def is_numerical(name: str) -> bool:
    """Return whether a name says that gradients are approximated, which is not backpropagation."""
    return any(part in name.casefold() for part in NUMERICAL)
