"""Name the mistake of a traced program: make each known one on its numbers, and compare steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from chainrule.diagnosis.findings import Finding
from chainrule.diagnosis.hypotheses import Variant, variants
from chainrule.diagnosis.tracing.comparing import ratio
from chainrule.diagnosis.tracing.network import ReadNetwork
from chainrule.diagnosis.verdicts import PREFERENCE, finding_of
from chainrule.engine import wire
from chainrule.errors import ChainruleError
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import SGD
from chainrule.submission import Array

CLOSE = 1e-5  # relative, of steps that count as equal
MOST_PAIRS = 200  # of mistakes, which are made together
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


@dataclass(frozen=True)
class _Effect:
    """The steps with some equations replaced, compared with a program's array by array.

    Parameters
    ----------
    arrays : dict of str to array
        The steps for a learning rate of 1.
    rates : dict of str to float
        The learning rate that gives the program's steps; 0 if all are zero, NaN if there is none.
    changed : frozenset of str
        The arrays that differ from those without a mistake.
    """

    arrays: dict[str, Array]
    rates: dict[str, float]
    changed: frozenset[str]


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

    def effect(self, replace: dict[tuple[str, str], str], right: _Effect | None) -> _Effect | None:
        """Return what replaced equations do to each array, or None if they cannot be computed."""
        try:
            with np.errstate(all="ignore"):
                made = self.made(replace, 1.0)
        except (ChainruleError, ValueError, KeyError, IndexError, OverflowError):
            return None
        usual = {} if right is None else right.arrays
        changed = {n for n, a in usual.items() if not np.allclose(a, made[n], rtol=1e-9, atol=0)}
        rates = {n: _rate(a, self.seen[n]) for n, a in made.items()}
        return _Effect(made, rates, frozenset(changed))

    def changed(self, replace: dict[tuple[str, str], str]) -> frozenset[str]:
        """Return the arrays whose steps replaced equations change."""
        made = self.effect(replace, self.effect({}, None))
        return frozenset() if made is None else made.changed

    def differing(self, factor: float | None) -> frozenset[str]:
        """Return the arrays whose steps are not the right ones times the known factor."""
        right = self.effect({}, None)
        if right is None or not factor:
            return frozenset()
        usual = -factor * len(self.batch.x)
        off = (n for n, rate in right.rates.items() if rate and not np.isclose(rate, usual))
        return frozenset(off)

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


def _rate(made: Array, seen: Array) -> float:
    """Return the learning rate r for which r · made is what is seen; 0 if both are zero, or NaN."""
    if not np.any(made) and not np.any(seen):
        return 0.0
    return ratio(seen, made) or np.nan


def named(read: ReadNetwork, net: Network, theta: Array, factor: float | None) -> Named | None:
    """Return the mistakes that explain a program's steps, fewest first, or None."""
    steps = _Steps(read, net, theta)
    if steps.fits({}, factor):
        return None
    tried = [v for v in variants(net, SGD(1.0)) if v.replace]
    single = [v for v in tried if steps.fits(v.replace, factor)]
    if single:
        where = steps.differing(factor)
        there = [v for v in single if where and steps.changed(v.replace) == where]
        others = [v for v in single if v not in there]
        return _best([[(v,) for v in each] for each in (there, others) if each], net)
    for v, w in _fitting_pairs(steps, tried)[:MOST_PAIRS]:
        if steps.fits({**v.replace, **w.replace}, factor):
            return _best([[(v, w)]], net)
    return None


def _fitting_pairs(steps: _Steps, tried: Sequence[Variant]) -> list[tuple[Variant, Variant]]:
    """Return the pairs of mistakes that may explain the steps together, the likeliest first.

    Where one of them changes an array and the other does not, the array must be as the one alone
    makes it. The fewer arrays both change, the more this says.
    """
    right = steps.effect({}, None)
    effects = [(v, steps.effect(v.replace, right)) for v in tried]
    usable = [(v, e) for v, e in effects if e is not None and e.changed]
    found: list[tuple[int, Variant, Variant]] = []
    for (v, one), (w, two) in combinations(usable, 2):
        if v.mistake is w.mistake or v.conflicts_with(w):
            continue
        if right is not None and _may_fit(right, one, two):
            found.append((len(one.changed & two.changed), v, w))
    return [(v, w) for _, v, w in sorted(found, key=lambda each: each[0])]


def _may_fit(right: _Effect, one: _Effect, two: _Effect) -> bool:
    """Return whether the arrays that only one of two mistakes changes have one learning rate."""
    rates: list[float] = []
    for name, usual in right.rates.items():
        first, second = name in one.changed, name in two.changed
        if first and second:
            continue
        rate = one.rates[name] if first else two.rates[name] if second else usual
        if np.isnan(rate):
            return False
        rates.append(rate)
    known = [r for r in rates if r]
    return not known or max(known) - min(known) <= 1e-4 * abs(max(known))


def _best(found: Sequence[Sequence[tuple[Variant, ...]]], net: Network) -> Named:
    """Return the explanation to name, one of the first of several lists, and its alternatives."""

    def rank(two: tuple[Variant, ...]) -> tuple[int, int]:
        usual = sum(PREFERENCE.get(v.mistake.id, 0) for v in two)
        return usual, sum(len(v.replace) for v in two)

    ranked = [two for each in found for two in sorted(each, key=rank)]
    best = ranked[0]
    mistakes = {v.mistake.id for v in best}
    others = [v for two in ranked[1:] for v in two if v.mistake.id not in mistakes]
    unique = list({v.mistake.id: v for v in others}.values())
    alternatives = tuple(finding_of(v, net) for v in unique) if len(best) == 1 else ()
    first, *more = [finding_of(v, net) for v in best]
    findings = [replace(first, alternatives=alternatives), *more]
    return Named(tuple(findings), net, best)
