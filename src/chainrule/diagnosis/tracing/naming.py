"""Name the mistake of a traced program: make each known one on its numbers, and compare steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from chainrule.diagnosis.findings import Finding
from chainrule.diagnosis.hypotheses import Variant, variants
from chainrule.diagnosis.tracing.network import ReadNetwork
from chainrule.diagnosis.verdicts import PREFERENCE, finding_of
from chainrule.engine import wire
from chainrule.errors import ChainruleError
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.submission import Array, TimeLimit

CLOSE = 1e-5  # relative, of steps that count as equal
SECONDS = 4.0
LOSSES = {
    "squared error": "squared-error",
    "logistic cross-entropy": "logistic-cross-entropy",
    "softmax cross-entropy": "softmax-cross-entropy",
    "absolute error": "absolute-error",
}
OWNED = {"softmax cross-entropy": "softmax", "logistic cross-entropy": "logistic"}


@dataclass(frozen=True)
class Named:
    """Mistakes of the catalogue that give a program's steps.

    Parameters
    ----------
    findings : tuple of Finding
    network : Network
    variants : tuple of Variant
    """

    findings: tuple[Finding, ...]
    network: Network
    variants: tuple[Variant, ...] = ()


def network_of(read: ReadNetwork, loss: str) -> tuple[Network, Array] | None:
    """Return this package's network for one that was read off, and its parameters θ."""
    if loss not in LOSSES:
        return None
    activations = [layer.activation for layer in read.layers]
    name = LOSSES[loss]
    if activations[-1] == "softmax" and loss == "squared error":
        name = "softmax-squared-error"
    elif loss in OWNED and activations[-1] != OWNED[loss]:
        return None
    if name.startswith(("softmax", "logistic")):
        activations[-1] = "identity"
    bias = {layer.b is not None for layer in read.layers}
    if len(bias) > 1 or "softmax" in activations:
        return None
    widths = (read.x.shape[1], *[len(layer.W) for layer in read.layers])
    net = mlp(*widths, activation=activations, loss=name, bias=bias.pop())
    own = [layer.b for layer in read.layers if layer.b is not None]
    return net, net.pack([layer.W for layer in read.layers], own or None)


class _Steps:
    """The steps that a network makes with some equations replaced, to compare with a program's.

    Parameters
    ----------
    read : ReadNetwork
    net : Network
    theta : array
    """

    def __init__(self, read: ReadNetwork, net: Network, theta: Array) -> None:
        self.net, self.theta = net, theta
        self.batch = net.batch(theta, read.x, read.t)
        self.seen = {f"W{i}": layer.W_step for i, layer in enumerate(read.layers, 1)}
        self.seen |= {
            f"b{i}": layer.b_step
            for i, layer in enumerate(read.layers, 1)
            if layer.b_step is not None
        }

    def made(self, replaced: dict[tuple[str, str], str], rate: float) -> dict[str, Array]:
        """Return the steps by the array."""
        replace: Any = replaced
        step = wire(self.net, self.theta, self.batch, SGD(rate), replace=replace)
        return {
            name: np.broadcast_to(step.arrays[name]["w_new"], seen.shape) - step.arrays[name]["w"]
            for name, seen in self.seen.items()
        }

    def fits(self, replace: dict[tuple[str, str], str], factor: float | None) -> bool:
        """Return whether the steps are the program's, for some learning rate."""
        try:
            with np.errstate(all="ignore"):
                one = self.made(replace, 1.0)
                return any(
                    self._agrees(self.made(replace, rate)) for rate in self._rates(one, factor)
                )
        except (ChainruleError, ValueError, KeyError, IndexError, OverflowError):
            return False

    def _rates(self, one: dict[str, Array], factor: float | None) -> Iterator[float]:
        """Yield the learning rates that the program may have: by its factor, and by one number."""
        if factor:
            yield -factor * len(self.batch.x)
        last = max(name for name in one if name.startswith("W"))
        at = np.unravel_index(np.abs(one[last]).argmax(), one[last].shape)
        if one[last][at]:
            rate = float(self.seen[last][at] / one[last][at])
            if rate > 0 and np.isfinite(rate):
                yield rate

    def _agrees(self, made: dict[str, Array]) -> bool:
        return all(
            np.abs(made[n] - seen).max() <= CLOSE * np.abs(seen).max() + 1e-13
            for n, seen in self.seen.items()
        )


def named(
    read: ReadNetwork, net: Network, theta: Array, factor: float | None, seconds: float = SECONDS
) -> Named | None:
    """Return the mistakes that explain a program's steps, fewest first, or None."""
    steps = _Steps(read, net, theta)
    if steps.fits({}, factor):
        return None
    limit = TimeLimit(seconds)
    tried = [v for v in variants(net, SGD(1.0)) if v.replace]
    single = [v for v in tried if not limit.is_over and steps.fits(v.replace, factor)]
    if single:
        return _best([(v,) for v in single], net)
    pairs = (
        (v, w)
        for v, w in combinations(tried, 2)
        if v.mistake is not w.mistake and not v.conflicts_with(w)
    )
    for v, w in pairs:
        if limit.is_over:
            return None
        if steps.fits({**v.replace, **w.replace}, factor):
            return _best([(v, w)], net)
    return None


def _best(found: Sequence[tuple[Variant, ...]], net: Network) -> Named:
    """Return the explanation to name, with the others as its alternatives."""
    ranked = sorted(
        found,
        key=lambda two: (
            sum(PREFERENCE.get(v.mistake.id, 0) for v in two),
            sum(len(v.replace) for v in two),
        ),
    )
    best = ranked[0]
    mistakes = {v.mistake.id for v in best}
    others = [v for two in ranked[1:] for v in two if v.mistake.id not in mistakes]
    unique = list({v.mistake.id: v for v in others}.values())
    alternatives = tuple(finding_of(v, net) for v in unique) if len(best) == 1 else ()
    first, *more = [finding_of(v, net) for v in best]
    findings = [replace(first, alternatives=alternatives), *more]
    return Named(tuple(findings), net, best)
