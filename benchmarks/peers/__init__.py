"""The peers: each trains the same networks in its own way, as its own documentation recommends.

A file is a peer. It knows nothing of clocks; where there are several good ways, it lists them, and
the best on the machine at hand counts.
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
    """What a file in this folder offers."""

    NAME: str

    def refuses(self, w: Workload) -> str:
        """Return why the peer cannot train this, or nothing."""
        ...

    def variants(self, w: Workload) -> Sequence[Variant]:
        """Return the ways worth trying."""
        ...

    def session(self, w: Workload, variant: Variant) -> Session:
        """Return a network ready to be trained; nothing of this is timed."""
        ...

    def predictor(self, w: Workload, x: Array, variant: Variant) -> Callable[[], Any]:
        """Return a call that predicts rows, handed over in the form that the peer likes best."""
        ...

    def stopwatch(self, w: Workload, variant: Variant) -> Iterator[Predict]:
        """Train an epoch at each turn, and yield what predicts with the weights so far."""
        ...

    def details(self, w: Workload) -> str:
        """Return what else there is to say: which path runs."""
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
    """Return whether what a peer needs is there."""
    return key not in NEEDS or find_spec(NEEDS[key]) is not None


def told(variant: Variant) -> str:
    """Return a variant in words."""
    return ", ".join(f"{name} {value}" for name, value in variant.items())
