"""List the optimizers and penalties that a program may use, from the constants that it contains.

The names of its constants only determine the order in which optimizers are tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np

from chainrule.diagnosis.networks import Declared
from chainrule.diagnosis.questioning import Transcript
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Momentum, Optimizer
from chainrule.penalties import Penalty

RATE_NAMES = ("lr", "rate", "eta", "alpha", "taxa", "lern", "step_size", "pas", "tasa")
ADAPTIVE = ("rmsprop", "adam", "adamw")
CONSTANT_NAMES = {
    "momentum": ("momentum", "mu", "moment", "inerc", "inerz", "beta"),
    "rho": ("rho", "decay_rate", "decay", "gamma", "beta"),
    "beta1": ("beta1", "b1", "beta_1"),
    "beta2": ("beta2", "b2", "beta_2"),
    "eps": ("eps",),
}  # parts of the names that programs give to an optimizer's constants
L2_NAMES = ("reg", "l2", "lam", "decay", "wd", "penal", "ridge", "alpha")  # the factor of Σw²
L1_NAMES = ("l1", "lasso")  # the factor of Σ|w|


def candidate_rules(
    transcript: Transcript, declared: Declared
) -> list[tuple[Optimizer | None, bool]]:
    """Return the optimizers that an attempt may use, and whether their learning rate is unknown."""
    if transcript.kind != "step":
        return [(None, False)]
    own = transcript.first.own
    rate = transcript.rate if transcript.rate is not None else declared.rate
    rates = [rate] if rate is not None else own_rates(own)
    made: list[tuple[Optimizer | None, bool]] = []
    kinds = [declared.rule] if declared.rule is not None else _likely_rules(own, transcript)
    for kind in kinds:
        for value in rates or [None]:
            rule = with_learning_rate(_with_own_constants(kind, own), value or 1.0)
            made.append((rule, value is None))
            if isinstance(rule, Momentum) and value is not None:
                # v = momentum v + (1 - momentum) g, a running mean, has smaller updates
                mean = with_learning_rate(rule, value * (1 - rule.momentum))
                made.append((mean, False))
    return made


def _likely_rules(own: Mapping[str, float], transcript: Transcript) -> list[Optimizer]:
    """Return optimizers by likelihood: those whose constants the program has, then the others.

    The first updates of an adaptive optimizer all have the same size; otherwise it is excluded.
    """
    rules = [rule for rule in OPTIMIZERS.values() if isinstance(rule, Optimizer)]
    even = _has_uniform_steps(transcript)

    def named(rule: Optimizer) -> int:
        hints = [key for key in CONSTANT_NAMES if key in _fields(rule) and key != "eps"]
        return sum(any(_is_named(n, CONSTANT_NAMES[key]) for n in own) for key in hints)

    usable = [rule for rule in rules if rule.name not in ADAPTIVE or even or named(rule) > 1]
    return sorted(usable, key=lambda rule: (-named(rule), even and rule.name not in ADAPTIVE))


def _has_uniform_steps(transcript: Transcript) -> bool:
    """Return whether the first updates all have nearly the same size."""
    question, reading = transcript.asked[0]
    pairs = [(old, reading.answers[0].get(f"W{i}_new")) for i, old in enumerate(question.W, 1)]
    moves = [
        abs(new - old).ravel() for old, new in pairs if new is not None and new.shape == old.shape
    ]
    sizes = np.concatenate(moves) if moves else np.zeros(0)
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return bool(sizes.size and np.quantile(sizes, 0.9) < 1.2 * np.quantile(sizes, 0.1))


def _fields(rule: Optimizer) -> set[str]:
    # Every optimizer is a dataclass, which their family does not say.
    return {f.name for f in fields(rule)}  # pyright: ignore[reportArgumentType]


def _with_own_constants(rule: Optimizer, own: Mapping[str, float]) -> Optimizer:
    """Return an optimizer with the constants that the program has for it."""
    numbers: dict[str, float] = {}
    for key in CONSTANT_NAMES.keys() & _fields(rule):
        values = [v for n, v in own.items() if _is_named(n, CONSTANT_NAMES[key]) and 0 < v < 1]
        numbers |= {key: values[0]} if values else {}
    if numbers.get("beta1", 0.0) > numbers.get("beta2", 1.0):  # swapped: the search will find that
        numbers["beta1"], numbers["beta2"] = numbers["beta2"], numbers["beta1"]
    return with_constants(rule, numbers)


def _is_named(name: str, hints: Sequence[str]) -> bool:
    plain = name.lower().rpartition(".")[2]
    return any(hint in plain for hint in hints)


def with_penalties(networks: Sequence[Network], own: Mapping[str, float]) -> list[Network]:
    """Return networks with penalties whose factors may be constants of the program.

    The factor of Σw² is often halved, and sometimes also divided by the number of samples.
    """
    squares = [v for n, v in own.items() if v > 0 and _is_named(n, L2_NAMES)]
    magnitudes = [v for n, v in own.items() if v > 0 and _is_named(n, L1_NAMES)]
    found = [p for v in squares for p in (Penalty(l2=v / 2), Penalty(l2=v), Penalty(alpha=v))]
    found += [Penalty(l1=v) for v in magnitudes]
    return [replace(n, penalty=p) for p in dict.fromkeys(found) for n in networks if not n.penalty]


def own_rates(own: Mapping[str, float]) -> list[float]:
    """Return constants of the program that may be its learning rate, the likeliest first."""
    usable = {n: v for n, v in own.items() if 0 < v <= 10}
    return sorted(
        usable.values(),
        key=lambda v: not any(_is_named(n, RATE_NAMES) for n, w in usable.items() if w == v),
    )[:3]


def own_rate(transcript: Transcript) -> float | None:
    rates = own_rates(transcript.first.own)
    return rates[0] if rates else transcript.rate


def rate_of(rule: Optimizer | None) -> float | None:
    """Return the learning rate of an optimizer's first update."""
    return None if rule is None else float(rule.constants(1, 0.0)["learning_rate"])


def with_learning_rate(rule: Optimizer, rate: float) -> Optimizer:
    """Return an optimizer with another learning rate."""
    return with_constants(rule, {"learning_rate": rate})


def with_constants(rule: Optimizer, numbers: Mapping[str, float]) -> Optimizer:
    """Return an optimizer with other constants."""
    # Every optimizer is a dataclass, which their family does not say.
    return replace(rule, **numbers)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
