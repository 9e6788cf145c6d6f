"""The peers: each trains the same networks in its own way, as its own documentation recommends.

Each file is a peer. If there are several good variants, it lists them, and the fastest one on the
machine counts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

from benchmarks.workloads import Array, Layers, Workload

Variant: TypeAlias = Mapping[str, Any]
Predict: TypeAlias = Callable[[Array], Array]


class Session(NamedTuple):
    """A network ready to be trained from its first weights.

    Attributes
    ----------
    run : callable
        Trains the workload's epochs once, and returns the last epoch's loss.
    weights : callable
        Returns W (out, in) and b of each layer afterwards.
    """

    run: Callable[[], float]
    weights: Callable[[], Layers]


class Peer(Protocol):
    """The functions of a file in this folder."""

    NAME: str

    def refuses(self, w: Workload) -> str:
        """Return why the peer cannot train this, or an empty text."""
        ...

    def variants(self, w: Workload) -> Sequence[Variant]:
        """Return the variants worth trying."""
        ...

    def session(self, w: Workload, variant: Variant) -> Session:
        """Return a network ready to be trained; nothing of this is timed."""
        ...

    def predictor(self, w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
        """Return a call that predicts rows, given in the form that suits the peer best."""
        ...

    def stopwatch(self, w: Workload, variant: Variant) -> Iterator[Predict]:
        """Train an epoch at each turn, and yield what predicts with the weights so far."""
        ...

    def details(self, w: Workload) -> str:
        """Return further details, such as the engine that runs."""
        ...


MODULES = {
    "ours": "ours",
    "reference": "reference",
    "torch": "torch_eager",
    "torch.compile": "torch_compiled",
    "jax": "jax_scan",
    "sklearn": "scikit_learn",
    "tutorial": "tutorial",
}
NEEDS = {"torch": "torch", "torch.compile": "torch", "jax": "jax", "sklearn": "sklearn"}
NAMES = {
    "ours": "chainrule",
    "reference": "chainrule, reference engine",
    "torch": "PyTorch",
    "torch.compile": "PyTorch, torch.compile",
    "jax": "JAX, jitted scan",
    "sklearn": "scikit-learn",
    "tutorial": "NumPy as tutorials write it",
}


def load(key: str) -> Peer:
    """Return the peer of a name."""
    return cast("Peer", import_module(f"benchmarks.peers.{MODULES[key]}"))


def installed(key: str) -> bool:
    """Return whether the packages that a peer needs are installed."""
    return key not in NEEDS or find_spec(NEEDS[key]) is not None


def as_text(variant: Variant) -> str:
    """Return a variant in words."""
    return ", ".join(f"{name} {value}" for name, value in variant.items())
