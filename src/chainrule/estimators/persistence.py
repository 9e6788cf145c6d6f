"""The state of an estimator as plain containers and arrays, for pickle, joblib and skops.

So a saved estimator contains one type only, its own, which skops has to trust. Objects of users,
such as callbacks, are kept as they are.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from chainrule.descriptions import Description
from chainrule.estimators.columns import ColumnLabels
from chainrule.estimators.history import Checkpoint, Fingerprint, Plateau, TrainingHistory
from chainrule.estimators.labels import Labels
from chainrule.estimators.networks import Forward
from chainrule.health import Finding, Health
from chainrule.lbfgs_search import CurvatureMemory
from chainrule.loops import State
from chainrule.network import Network

KIND = "chainrule type"  # the key that says which type a dictionary stands for
RECORDS = (
    *(Checkpoint, CurvatureMemory, Fingerprint, Plateau, State, TrainingHistory),
    *(ColumnLabels, Labels, Finding, Health),
)


class Plain:
    """An estimator whose state is saved as plain containers and arrays."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state, in which our own types are dictionaries."""
        parent: Any = super()
        return encode(parent.__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        parent: Any = super()
        parent.__setstate__(decode(state))


@cache
def types() -> dict[str, Callable[..., Any]]:
    """Return the types that are saved as dictionaries, by name."""
    described = {cls.__name__: cls for cls in subclasses(Description) if is_ours(cls)}
    return {**described, **{cls.__name__: cls for cls in (*RECORDS, Network, Forward)}}


def subclasses(cls: type) -> Iterator[type]:
    """Yield all subclasses of a class."""
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)


def is_ours(cls: type) -> bool:
    """Return whether a class is this package's."""
    return cls.__module__.startswith("chainrule.")


def encode(value: Any) -> Any:
    """Return a value in which our own types are dictionaries."""
    cls = type(value)
    if cls in (list, tuple):
        return cls(encode(item) for item in value)
    if cls is dict:
        return {key: encode(item) for key, item in value.items()}
    if types().get(cls.__name__) is not cls:
        return value
    return {KIND: cls.__name__, **{name: encode(item) for name, item in parts(value)}}


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that make a value of our own types, by name."""
    if isinstance(value, Forward):
        yield from (("network", value.network), ("engine", value.engine))
    elif is_dataclass(value):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    else:  # a named tuple
        yield from value._asdict().items()


def decode(value: Any) -> Any:
    """Return a value with our own types for the dictionaries that stand for them."""
    cls = type(value)
    if cls in (list, tuple):
        return cls(decode(item) for item in value)
    if cls is not dict:
        return value
    decoded = {key: decode(item) for key, item in value.items()}
    kind = decoded.pop(KIND, None)
    return decoded if kind is None else types()[kind](**decoded)
