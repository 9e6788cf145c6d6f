"""Test whether one convention gives the factors of all networks that an attempt was asked about.

A factor of ½ in a network of two inputs may be the loss's, or a division by the number of inputs
where that of the samples is meant. Networks of other sizes show which.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from chainrule.diagnosis.evaluation import Explanation, is_adaptive
from chainrule.diagnosis.replay import Setting
from chainrule.diagnosis.rules import rate_of
from chainrule.diagnosis.scales import Scale
from chainrule.diagnosis.search import Search

SAME = 1e-4  # relative; an attempt may compute in float32
UNITS = "units-for-samples"


@dataclass(frozen=True)
class _Factor:
    """The factor of the gradients in one session, and the sizes that it may depend on."""

    value: float
    samples: int
    inputs: int
    outputs: int

    def conventional(self, rate: float | None) -> Iterator[float]:
        """Yield what each convention makes of these sizes, always in the same order."""
        k, n, rates = self.outputs, self.samples, (1.0, rate or 1.0)
        for parts in product((1.0, 2.0, 0.5, 1 / k, 2 / k), (1.0, n), (1.0, -1.0), rates):
            yield parts[0] * parts[1] * parts[2] * parts[3]

    def divided_by_inputs(self, rate: float | None) -> Iterator[float]:
        """Yield the same with the number of inputs in the place of the number of samples."""
        yield from (f * self.samples / self.inputs for f in self.conventional(rate))

    def is_close(self, other: float) -> bool:
        return abs(self.value - other) <= SAME * abs(other)


def with_common_convention(search: Search, setting: Setting, base: Explanation) -> Explanation:
    """Return a right explanation, with a mistake if its factors are those of a wrong count.

    Where no convention gives the factors of all sessions, but the number of inputs in the place of
    the number of samples does, the samples are counted along the wrong axis.
    """
    rate = search.evaluator.rate if setting.rule is None else rate_of(setting.rule)
    factors = [] if is_adaptive(setting) else list(_factors(search, setting))
    if not factors:
        return base
    if _one_gives_all(factors, [list(f.conventional(rate)) for f in factors]):
        return base
    if _one_gives_all(factors, [list(f.divided_by_inputs(rate)) for f in factors]):
        return replace(base, scale=Scale(base.scale.factor, {}, (UNITS,)))
    return base


def _factors(search: Search, setting: Setting) -> Iterator[_Factor]:
    """Yield the factor of each session in which it is known; none if it is that of a loss."""
    for session in search.sessions_for(setting):
        if any(seen.name == "loss" for call in session.calls[:1] for seen in call):
            continue
        scale = search.evaluator.explain(setting, (), session).scale
        if scale.determined and "inferred" not in scale.words.get("learning rate", ""):
            samples = 1 if setting.online else len(session.x)
            yield _Factor(scale.factor, samples, session.x.shape[1], session.t.shape[1])


def _one_gives_all(factors: Sequence[_Factor], made: Sequence[Sequence[float]]) -> bool:
    """Return whether there is one place at which every list has the session's own factor."""
    return any(
        all(factor.is_close(value) for factor, value in zip(factors, values, strict=True))
        for values in zip(*made, strict=True)
    )
