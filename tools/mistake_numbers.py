"""Compute the numbers on the pages about mistakes, with and without the equations of each mistake.

These are a small example, the change of the loss, and the mistakes that give the same numbers.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import MISTAKES, OPTIMIZERS, SGD, ChainruleError, Mistake, Penalty, mlp, problem
from chainrule.diagnosis.catalogue import Form
from chainrule.diagnosis.hypotheses import Variant, applies, variants, variants_of_form
from chainrule.diagnosis.networks import GENERAL, SINGLE, SQUARE, question
from chainrule.diagnosis.replay import Replay, Setting, theta_before
from chainrule.diagnosis.rules import with_learning_rate
from chainrule.diagnosis.sessions import Session
from chainrule.explanation import one_number
from chainrule.network import Network
from chainrule.pages import Quantity

Array: TypeAlias = NDArray[Any]

FAULTS = (ChainruleError, ValueError, IndexError, TypeError)
STEPS, LEARNING_RATE = 30, 0.1  # for the test whether the loss still falls
CALLS = 3  # successive calls, in which state has an effect
SIZES = (
    ((2, 2, 2), 1),
    ((2, 2, 2), 2),
    ((2, 3, 2), 1),
    ((2, 3, 2), 2),
    ((2, 2, 1), 3),
    ((2, 2, 2, 2), 2),
    ((2, 3, 3, 2), 2),
)
SHOWN = {
    "sign": -1,
    "sum-for-mean": 4,
    "mean-twice": 4,
    "lost-factor": 2,
}  # the index of the typical form
FIRST_SIZE = {
    "silent-broadcasting": 4,
    "softmax-over-the-wrong-axis": 1,
}  # the index of the first size to try
PENALTY = Penalty(l2=0.01, alpha=0.1)


# ---- the smallest example ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Example:
    """The smallest network and batch on which a mistake changes a number.

    Parameters
    ----------
    variant : Variant
        The mistake's form in certain layers.
    setting : Setting
    session : Session
    call : int
        The call in which it has an effect, from 0.
    """

    variant: Variant
    setting: Setting
    session: Session
    call: int

    @property
    def right(self) -> Replay:
        """The calls without the mistake."""
        return Replay(self.setting, self.session, ())

    @property
    def wrong(self) -> Replay:
        """The calls with it."""
        return Replay(self.setting, self.session, (self.variant,))

    @property
    def scope(self) -> tuple[str, str]:
        """The scope and the name of the replaced equation."""
        where, name = self.variant.location
        return (f"layer{where}" if where.isdigit() else where), name

    def worked(self) -> tuple[Quantity, Quantity] | None:
        """Return one number computed with the mistake and without, if it has an equation."""
        if self.variant.form.loss_after_update:
            return None
        where, name = self.scope
        bad, good = self.wrong.steps(self.call)[0], self.right.steps(self.call)[0]
        index = first_difference(bad.scope(where)[name], good.scope(where)[name])
        rule = self.setting.rule
        return one_number(bad, rule, where, name, index), one_number(good, rule, where, name, index)

    def differing(self) -> Iterator[tuple[str, float, float]]:
        """Yield the returned numbers that differ, with the mistake and without.

        These are the first of each array: loss, gradients, new parameters.
        """
        names = self.setting.network.layout.blocks
        keys = ["loss", *(f"d{b.name}" for b in names), *(f"{b.name}_new" for b in names)]
        for key in keys:
            bad, good = (returned_array(r, self.call, key) for r in (self.wrong, self.right))
            if not are_equal(bad, good):
                at = first_difference(bad, good)
                yield f"{key}{list(at) if at else ''}", float(bad[at]), float(good[at])

    def descent(self) -> tuple[float, float, float]:
        """Return the first loss, and the last ones with the mistake and without it."""
        rule = self.setting.rule
        rule = with_learning_rate(rule or SGD(LEARNING_RATE), LEARNING_RATE)
        setting = replace(self.setting, rule=rule)
        run = replace(self.session, calls=((),) * (STEPS + 1), sequential=True)
        wrong, right = Replay(setting, run, (self.variant,)), Replay(setting, run, ())
        return cost(right, 0), cost(wrong, STEPS), cost(right, STEPS)


def returned_array(replay: Replay, call: int, name: str) -> Array:
    """Return an array as a program returns it: new parameters, instead of their changes."""
    if name.endswith("_new"):
        return np.asarray(replay.steps(call)[0].arrays[name[:-4]]["w_new"])
    return np.asarray(replay.value_of(call, name))


def cost(replay: Replay, call: int) -> float:
    """Return the right loss at the initial parameters of a call."""
    step = replay.steps(call)[0]
    return float(step.network.value(theta_before(step), step.batch))


def are_equal(one: Array, two: Array) -> bool:
    """Return whether two arrays are equal within rounding."""
    return one.shape == two.shape and np.allclose(one, two, rtol=1e-9, atol=1e-12)


def first_difference(bad: Any, good: Any) -> tuple[int, ...]:
    """Return the index of the first clear difference between two arrays."""
    a, b = np.asarray(bad), np.asarray(good)
    if a.shape != b.shape:
        return (0,) * min(a.ndim, b.ndim)
    places = np.argwhere(~np.isclose(a, b, rtol=1e-6, atol=1e-12))
    return tuple(int(i) for i in places[0]) if len(places) else (0,) * a.ndim


def example(mistake: Mistake) -> Example | None:
    """Return the smallest example of a mistake: its first form on the first network that shows it.

    None if the mistake has no equation, and is recognized by the behavior of a program.
    """
    made = (one for form in ordered(mistake) for one in tried(mistake, form))
    return next((one for one in made if shows(one)), None)


def ordered(mistake: Mistake) -> list[Form]:
    """Return a mistake's forms, the typical one first."""
    at = SHOWN.get(mistake.id, 0)
    return [*mistake.forms[at:], *mistake.forms[:at]]


def tried(mistake: Mistake, form: Form) -> Iterator[Example]:
    """Yield a form on larger and larger networks and batches, in each choice of layers."""
    first = FIRST_SIZE.get(mistake.id, 0)
    for setting, session in islice(settings(form), first, None):
        if applies(form, setting.network, setting.rule):
            for variant in variants_of_form(mistake, form, setting.network):
                yield Example(variant, setting, session, 1 if form.needs_second_call else 0)


def settings(form: Form) -> Iterator[tuple[Setting, Session]]:
    """Yield the networks and numbers to try a form on, the smallest first."""
    names = form.for_activations.split() or ["logistic"]
    activation = next(name for name in ("logistic", "tanh", "relu", *names) if name in names)
    loss = form.for_losses.split()[0] if form.for_losses else "squared-error"
    rule = OPTIMIZERS[form.for_optimizers.split()[0]] if form.for_optimizers else SGD(0.5)
    texts = " ".join([*form.weights.values(), *form.biases.values()])
    penalty = PENALTY if "alpha" in texts or "l2" in texts else Penalty()
    for widths, samples in SIZES:
        if widths[-1] > 1 or not loss.startswith("softmax"):
            net = mlp(*widths, activation=activation, loss=loss, penalty=penalty)
            yield Setting(net, rule), numbers(net, samples)  # pyright: ignore[reportArgumentType]


def numbers(net: Network, samples: int) -> Session:
    """Return numbers for a network: those of the 2-2-2 example, or others with two digits."""
    known = problem("mazur")
    if net.widths == known.network.widths:
        x, t = [[0.05, 0.1], [0.5, 0.3]][:samples], [[0.01, 0.99], [0.99, 0.01]][:samples]
        theta = known.theta()
    else:
        q = question(net.widths, samples)
        x, t = np.round(q.x, 2), np.round(q.t, 2)
        theta = np.round(net.pack(q.W, q.b), 2)
    return Session(np.array(x), np.array(t), theta, ((),) * CALLS, sequential=True)


def shows(one: Example) -> bool:
    """Return whether the mistake can be computed, and changes its own number and a result."""
    try:
        with np.errstate(all="ignore"):
            pair, results = one.worked(), list(islice(one.differing(), 1))
            return bool(results) and (pair is None or pair[0].shown != pair[1].shown)
    except FAULTS:
        return False


# ---- which mistakes give the same numbers --------------------------------------------------------


@dataclass(frozen=True)
class Double:
    """Another mistake that gives the same numbers.

    Parameters
    ----------
    other : str
        Its id.
    own, others : Variant
        The first of their forms that give the same numbers.
    networks : tuple of str
        Descriptions of the networks on which they do.
    """

    other: str
    own: Variant
    others: Variant
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Doubles:
    """The comparison of all mistakes with each other, by id.

    Parameters
    ----------
    same : dict of str to list of Double
    silent : dict of str to list of str
        Networks on which a mistake can be made and changes no number.
    tried : dict of str to int
        On how many networks a mistake can be made.
    """

    same: dict[str, list[Double]]
    silent: dict[str, list[str]]
    tried: dict[str, int]


def designed_settings() -> Iterator[tuple[str, Setting, Session]]:
    """Yield the designed networks on which mistakes are compared, with their descriptions."""
    general, deep, square, single = GENERAL[2], GENERAL[3], SQUARE[2], SINGLE[2]
    for widths, function, loss, rule, n in (
        (general, "logistic", "squared-error", "sgd", 0),
        (deep, "logistic", "squared-error", "sgd", 0),
        (square, "logistic", "squared-error", "sgd", 0),
        (single, "logistic", "squared-error", "sgd", 0),
        (general, "logistic", "squared-error", "sgd", 1),
        (general, "tanh", "squared-error", "sgd", 0),
        (general, "relu", "squared-error", "sgd", 0),
        (general, "logistic", "softmax-cross-entropy", "sgd", 0),
        (general, "logistic", "logistic-cross-entropy", "sgd", 0),
        (general, "logistic", "softmax-squared-error", "sgd", 0),
        *(
            (general, "logistic", "squared-error", name, 0)
            for name in ("momentum", "nesterov", "rmsprop", "adam", "adamw")
        ),
    ):
        net, q = mlp(*widths, activation=function, loss=loss), question(widths, n)
        session = Session(q.x, q.t, net.pack(q.W, q.b), ((),) * CALLS, sequential=True)
        chosen = OPTIMIZERS[rule]
        setting = Setting(net, with_learning_rate(chosen, q.rate))  # pyright: ignore[reportArgumentType]
        yield description(setting, session), setting, session


def description(setting: Setting, session: Session) -> str:
    """Return a description of a network, its batch and its optimizer."""
    net, rule, n = setting.network, setting.rule, len(session.x)
    sizes = "-".join(map(str, net.widths))
    functions = ", ".join(dict.fromkeys(layer.activation.name for layer in net.layers))  # pyright: ignore[reportAttributeAccessIssue]
    batch = "one sample" if n == 1 else f"{n} samples"
    own = "" if rule is None or rule.name == "sgd" else f", {rule.name}"
    return f"{sizes}, {functions}, {net.loss.name}{own}, {batch}"


def doubles() -> Doubles:
    """Return the mistakes with the same numbers on some network, and where they have no effect."""
    found: dict[tuple[str, str], list[tuple[str, Variant, Variant]]] = defaultdict(list)
    silent: dict[str, list[str]] = {name: [] for name in MISTAKES}
    tried: dict[str, int] = dict.fromkeys(MISTAKES, 0)
    for words, setting, session in designed_settings():
        pool = compared(setting)
        with np.errstate(all="ignore"):
            groups = coinciding(pool, setting, session)
            made = [v for v in pool if fingerprint(v, 0, setting, session) is not None]
        for name in {v.mistake.id for v in made}:
            tried[name] += 1
        for one, two in pairs(groups):
            found[one.mistake.id, two.mistake.id].append((words, one, two))
            found[two.mistake.id, one.mistake.id].append((words, two, one))
        for name in without_effect(made, groups):
            silent[name].append(words)
    same: dict[str, list[Double]] = {name: [] for name in MISTAKES}
    for (name, other), cases in found.items():
        networks = tuple(dict.fromkeys(words for words, _, _ in cases))
        same[name].append(Double(other, cases[0][1], cases[0][2], networks))
    return Doubles(same, silent, tried)


def compared(setting: Setting) -> list[Variant]:
    """Return the variants to compare; with optimizers other than SGD only those in updates."""
    rule = setting.rule
    found = variants(setting.network, rule)
    own = rule is None or rule.name == "sgd"
    return found if own else [v for v in found if v.form.for_optimizers]


Group: TypeAlias = Sequence[Variant | None]  # None stands for the right equations


def coinciding(found: Sequence[Variant], setting: Setting, session: Session) -> list[Group]:
    """Return the groups of variants that give the same numbers in all calls."""
    groups: list[Group] = [[None, *found]]
    for call in range(CALLS):
        groups = [part for group in groups for part in split(group, call, setting, session)]
    return groups


def split(group: Group, call: int, setting: Setting, session: Session) -> Iterator[Group]:
    """Yield the parts of a group, of two or more, with the same numbers in a call."""
    parts: dict[bytes, list[Variant | None]] = defaultdict(list)
    for variant in group:
        if (key := fingerprint(variant, call, setting, session)) is not None:
            parts[key].append(variant)
    yield from (part for part in parts.values() if len(part) > 1)


def pairs(groups: Sequence[Group]) -> Iterator[tuple[Variant, Variant]]:
    """Yield pairs of different mistakes that give the same numbers, and not the right ones."""
    for group in groups:
        first: dict[str, Variant] = {}
        for variant in group:
            if variant is not None:
                first.setdefault(variant.mistake.id, variant)
        if None not in group:
            yield from combinations(first.values(), 2)


def without_effect(pool: Sequence[Variant], groups: Sequence[Group]) -> Iterator[str]:
    """Yield the mistakes that can be made on a network and change no number."""
    nothing = {v for group in groups if None in group for v in group}
    for name in dict.fromkeys(v.mistake.id for v in pool):
        if all(v in nothing for v in pool if v.mistake.id == name):
            yield name


@cache  # the first call is used twice
def fingerprint(
    variant: Variant | None, call: int, setting: Setting, session: Session
) -> bytes | None:
    """Return loss, gradients and updates of a call as bytes, to 9 digits of the largest."""
    replay = Replay(setting, session, () if variant is None else (variant,))
    blocks = [b.name for b in setting.network.layout.blocks]
    keys = ["loss", *(f"d{b}" for b in blocks), *(f"{b}_new" for b in blocks)]
    try:
        return b"".join(digits(replay.value_of(call, key)) for key in keys)
    except FAULTS:
        return None


def digits(values: Array) -> bytes:
    """Return an array's shape and its numbers, rounded relative to the largest."""
    size = float(np.max(np.abs(values), initial=0.0)) or 1.0
    scale = 10.0 ** np.floor(np.log10(size)) if np.isfinite(size) else 1.0
    return (
        repr(values.shape).encode()
        + (np.round(values / scale, 9) + 0.0).tobytes()
        + repr(float(f"{size:.9g}")).encode()
    )
