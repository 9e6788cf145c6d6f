"""Recognize the rule that a program's updates follow, from its gradients and steps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product

import numpy as np

from chainrule.diagnosis.tracing.evidence import Evidence
from chainrule.diagnosis.tracing.histories import (
    History,
    changing_rates,
    constants,
    histories,
    texts,
)
from chainrule.diagnosis.tracing.rules import where_accumulated, window_of
from chainrule.diagnosis.tracing.update_rules import (
    UpdateRule,
    update_rules,
    with_penalties,
    wrong_rules,
)
from chainrule.equations import Scope, free_names
from chainrule.submission import Array, Event

CLOSE = 1e-6  # of the largest step of a group
NOT_USED = {"decay": 0.0, "limit": np.inf}  # by some groups
FEW = 20  # further rules that may be the one
OFF_BY_ONE = "adam-step-off-by-one"
MOST_TRIED = 60_000  # rules with constants
SHARE, MEAN = 0.3, 0.5  # the least of a mean's old value, of gradients and of squares
SWAPPED = 0.98  # a first mean this slow, slower than the second, is that of the squares
LARGEST_EPS, TINY, NEARLY_ONE = 0.01, 1e-7, 0.99995
SYMBOLS = {
    "beta1": "β1",
    "beta2": "β2",
    "rho": "ρ",
    "eps": "ε",
    "limit": "clipped at",
    "initial": "squares that start from",
    "decay": "weight decay",
}

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Recognized:
    """A rule that gives the steps of a program.

    Parameters
    ----------
    rule : UpdateRule
    constants : dict of str to float
    rate : float
        The learning rate, or the first one.
    updates : int
        How many updates it gives.
    changing : bool
        Whether the learning rate changes.
    scaled : bool
        Whether the rule takes multiples of the gradients that change.
    share : float
        Of the gradient of the sum over outputs and samples, which the rule takes.
    """

    rule: UpdateRule
    constants: Numbers
    rate: float
    updates: int
    changing: bool = False
    scaled: bool = False
    share: float = 1.0

    @property
    def words(self) -> str:
        """The rule with its hyperparameters, as in a report."""
        first = " at first" if self.changing else ""
        rate = f"learning rate {self.rate:.6g}{first}"
        if self.scaled:
            rate = "with gradients times a number that changes, as by clipping or a schedule"
        named = [f"{SYMBOLS.get(n, n)} {c:.6g}" for n, c in self.constants.items() if c]
        return ", ".join([self.rule.name, rate, *named])


def recognize(evidence: Evidence, loss: str) -> Recognized | None:
    """Return the rule, or the mistake, that gives the steps of all updates that were recorded.

    Parameters
    ----------
    evidence : Evidence
        The true gradients of its first iterations, under the loss, are numbers of the program.
    loss : str

    Returns
    -------
    Recognized or None
        None if no rule in the table gives them.
    """
    made = [_Fit(h) for h in histories(evidence, loss)]
    if not made:
        return None
    source, own = texts(evidence), constants(evidence)
    right = [r for r in update_rules() if r.is_possible(source)]
    penalized = [
        p for r in right for p in islice(with_penalties(r), 1, None) if p.is_possible(source)
    ]
    rates = [r for r in changing_rates(evidence, made[0].updates) if not _is_correction(r, own)]
    tried = islice(
        chain(
            _tries(made, right, own, [None]),
            _tries(made, wrong_rules() if made[0].updates > 1 else (), own, [None]),
            _tries(made, right, own, rates),
            _tries(made, penalized, own, [None]),
            _tries(list(_split(made)), penalized, own, [None]),
        ),
        MOST_TRIED,
    )
    fitting = filter(None, (attempt() for attempt in tried))
    if (found := next(fitting, None)) is None:
        return next(filter(None, (fit.clipped() for fit in made)), None)
    if found.rule.mistake and not _is_known(found.rate, own):  # another mistake may fit as well
        others = (f for f in islice(fitting, FEW) if f.rule.mistake and _is_known(f.rate, own))
        return next(others, found)
    return _with_known_rate(found, made, own)


def _split(made: Sequence["_Fit"]) -> Iterator["_Fit"]:
    """Yield what compares the rows or columns that may be biases by themselves."""
    for fit, axis, last in product(made, (0, 1), (True, False)):
        parts = [part for history in fit.groups for part in history.split(axis, last=last)]
        if len(parts) > len(fit.groups):
            yield _Fit(parts)


def _is_known(rate: float, own: Sequence[float]) -> bool:
    """Return whether a learning rate is a number of the program."""
    return any(abs(rate - c) < CLOSE * c for c in own if c != 1)


def _with_known_rate(found: Recognized, made: Sequence["_Fit"], own: Sequence[float]) -> Recognized:
    """Return a rule with a learning rate that is a number of the program, if there is one.

    The gradients may be multiplied by it before or after the rule takes them.
    """
    if found.changing:
        return found
    others = (fit.tried(found.rule, found.constants, None) for fit in made)
    for other in filter(None, others):
        if _is_known(other.rate, own):
            return other
    return found


def _tries(
    made: Sequence["_Fit"],
    rules: Sequence[UpdateRule],
    own: Sequence[float],
    rates: Sequence[Array | None],
) -> Iterator[Callable[[], Recognized | None]]:
    """Yield what tries one rule with some constants on the steps of all groups."""
    for rule in rules:
        for values in _choices(rule, own):
            for fit in made:
                for rate in rates:
                    yield lambda f=fit, r=rule, v=values, x=rate: f.tried(r, v, x)


def _choices(rule: UpdateRule, own: Sequence[float]) -> Iterator[dict[str, float]]:
    """Yield constants of a rule that may be the program's."""
    text = " ".join([*rule.equations.values(), *map(str, rule.start.values())])
    used = {n for e in rule.equations.values() for n in free_names(e)}
    names = [n for n in RANGES if n in used or n in rule.start.values()]
    lists = [list(dict.fromkeys(RANGES[n](own))) for n in names]
    for values in product(*lists):
        found = dict(zip(names, values, strict=True))
        swapped = found.get("beta1", 0.0) > max(found.get("beta2", 1.0), SWAPPED)
        if "beta2" not in text or not swapped:
            yield found


def _is_correction(rates: Array, own: Sequence[float]) -> bool:
    """Return whether numbers are those of a bias correction, and no learning rates.

    They would hide that it is missing, or made twice.
    """
    k = np.arange(1, len(rates) + 1)
    shares = [1 - c**k for c in dict.fromkeys(_shares(own, SHARE))]
    powers = [np.ones(len(k)), *(one**p for one in shares for p in (-1.0, -0.5, 0.5, 1.0))]
    both = [a * b for a in powers for b in powers[1:]]
    return any(np.allclose(rates, x / x[0], rtol=1e-9) for x in both)


def _shares(own: Sequence[float], least: float) -> list[float]:
    """Return numbers, and what they lack to 1, that may be the share of an old mean."""
    both = dict.fromkeys(x for c in own for x in (c, 1 - c))
    return [x for x in both if least <= x < NEARLY_ONE]


def _small(own: Sequence[float]) -> list[float]:
    return [*[c for c in own if 0 < c <= LARGEST_EPS], 0.0]


def _decays(own: Sequence[float]) -> list[float]:
    """Return numbers that may be a decay, also of the sum over some samples or of their mean."""
    small = [c for c in own if TINY < c < MEAN]
    counts = sorted({c for c in own if c == int(c) and c > 1})
    most = counts[-1] if counts else 1.0
    found = [x for c in small for x in (c, 2 * c, c / most, *(c * n for n in counts))]
    return list(dict.fromkeys(x for x in found if x < MEAN))


RANGES: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "momentum": lambda own: _shares(own, 0.0 + 1e-9),
    "beta1": lambda own: _shares(own, SHARE),
    "beta2": lambda own: _shares(own, MEAN),
    "rho": lambda own: _shares(own, MEAN),
    "dampening": lambda own: _shares(own, 1e-9),
    "share": lambda own: [a / b for a in own for b in own if 0 < a < b],
    "eps": _small,
    "decay": _decays,
    "limit": lambda own: [c for c in own if c > 0],
    "initial": lambda own: [c for c in own if c > 0],
}


class _Fit:
    """Compares the steps of all groups with those of rules.

    Parameters
    ----------
    groups : list of History
    """

    def __init__(self, groups: list[History]) -> None:
        self.groups = groups
        self.updates = min(len(h.steps) for h in groups)

    def tried(self, rule: UpdateRule, values: Numbers, rates: Array | None) -> Recognized | None:
        """Return the rule if it gives all steps, with one learning rate."""
        found: float | None = None
        for history in self.groups:
            c = self._rate(history, rule, values, rates, found)
            without = {n: NOT_USED[n] for n in values if n in NOT_USED}
            if c is None and without:  # as of biases
                c = self._rate(history, rule, {**values, **without}, rates, found)
            if c is None:
                return None
            found = c or found
        if not found or found < 0:
            return None
        scaled = any(h.scaled for h in self.groups)
        share = self.groups[0].share
        return Recognized(rule, values, found, self.updates, rates is not None, scaled, share)

    def clipped(self) -> Recognized | None:
        """Return gradient descent if the gradients of some arrays are clipped by their norms."""
        free: list[float] = []  # the learning rates of arrays that are not always clipped
        for history in self.groups:
            ratios = _ratios(history, self.updates)
            lengths = ratios * history.norms[: self.updates]
            if self.updates < 2 or not np.all(ratios > 0):  # NaN, too
                return None
            at_limit = np.isclose(lengths, lengths.max(), rtol=CLOSE)
            unclipped = np.isclose(ratios, ratios.max(), rtol=CLOSE)
            if not np.all(at_limit | unclipped):
                return None
            free += [] if at_limit.all() and not unclipped.all() else [float(ratios.max())]
        if any(abs(c - free[0]) > CLOSE * free[0] for c in free):
            return None
        rate = free[0] if free else 1.0
        return Recognized(update_rules()[0], {}, rate, self.updates, scaled=True)

    def _rate(
        self,
        history: History,
        rule: UpdateRule,
        values: Numbers,
        rates: Array | None,
        known: float | None,
    ) -> float | None:
        """Return the learning rate with which a rule gives a group's steps, or None.

        0 if all of its steps are zero.
        """
        found = known
        made = _directions(history, self.updates, rule, values, rates)
        for i, u in enumerate(made):
            s, noise = history.steps[i], history.noise[i]
            size, total = float(np.abs(s).max()), float(u @ u)
            if not np.isfinite(total):
                return None
            if found is None:
                found = float(s @ u) / total if total else None
            bound = CLOSE * size + 2 * noise
            if not np.all(np.abs(s - (found or 0.0) * u) <= bound):
                return None
        return found or 0.0


def _ratios(history: History, updates: int) -> Array:
    """Return the factor of each step and minus its gradient, NaN if it is not a multiple."""
    found: list[float] = []
    for g, s, noise in zip(history.gradients, history.steps, history.noise, strict=True):
        total = float(g @ g)
        c = float(s @ g) / total if total else np.nan
        fits = np.all(np.abs(s - c * g) <= CLOSE * np.abs(s).max() + 2 * noise)
        found.append(-c if fits else np.nan)
    return np.array(found[:updates])


def _directions(
    history: History,
    updates: int,
    rule: UpdateRule,
    values: Numbers,
    rates: Array | None,
) -> Iterator[Array]:
    """Yield the steps of a rule with the learning rate 1, or with relative ones."""
    state = {
        slot: np.full(history.steps.shape[1], _start(rule, slot, values)) for slot in rule.slots
    }
    places = {
        "position": history.position,
        "parameters": history.parameters,
        "layer": history.position // 2,
        "layers": np.ceil(history.parameters / 2),
    }
    for i in range(updates):
        g, w = history.gradients[i], history.weights[i]
        rate = 1.0 if rates is None else float(rates[i])
        norm = history.norms[i]
        known = {
            **places,
            "norm": norm,
            **values,
            **state,
            "d": g,
            "w": w,
            "k": i + 1,
            "learning_rate": rate,
        }
        known |= {} if "g" in rule.equations else {"g": g}
        scope = Scope("update", rule.equations, known)
        with np.errstate(all="ignore"):
            new = np.asarray(scope["w_new"])
            state = {slot: np.asarray(scope[f"{slot}_new"]) for slot in rule.slots}
        yield new - w


def _start(rule: UpdateRule, slot: str, values: Numbers) -> float:
    start = rule.start.get(slot, 0.0)
    return values[start] if isinstance(start, str) else float(start)


# ---- where a mistake is made ---------------------------------------------------------------------


def where_made(evidence: Evidence, loss: str, rule: UpdateRule) -> Event:
    """Return the event of a mistake in a rule: a counter, a sum of gradients, or the update."""
    if rule.entry is not None and rule.entry.id == "not-zeroed":
        return where_accumulated(evidence, 0, loss)
    counts = "each" in rule.equations or (rule.entry is not None and rule.entry.id == OFF_BY_ONE)
    counters = _counters(evidence) if counts else []
    it, group = evidence.iterations[0], evidence.groups[0]
    update = it.parameters[group.entries[0].parameter].after
    return counters[-1] if counters else update


def _counters(evidence: Evidence) -> list[Event]:
    """Return where the first iteration counts, between its errors and its last update."""
    trace, it = evidence.trace, evidence.iterations[0]
    return [
        e
        for e in window_of(evidence, it)
        if trace.place(e).op == "Add"
        and trace.place(e).name
        and trace.size(e) == 1
        and e not in trace.base.floats
    ]
