"""What is said of an outcome: the sentence, the place, numbers side by side, the arithmetic.

Every number here comes from the engine, wired with the mistake and without it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.catalogue import MISTAKES, Mistake
from chainrule.diagnosis.findings import Arithmetic, Comparison, Finding, Place
from chainrule.diagnosis.hypotheses import Variant, replacements
from chainrule.diagnosis.judge import Outcome
from chainrule.diagnosis.networks import GENERAL, SINGLE, SQUARE, packed, question, resized, words
from chainrule.diagnosis.replay import Replay, Seen, Session, Setting, is_update, theta_of
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.rules import with_rate
from chainrule.diagnosis.scales import fits, ratio
from chainrule.diagnosis.search import Explanation
from chainrule.errors import ChainruleError
from chainrule.explanation import one_number
from chainrule.network import Network
from chainrule.optimizers import SGD, Optimizer
from chainrule.wiring import Step

Array: TypeAlias = NDArray[Any]
Index: TypeAlias = tuple[int, ...]
Entry: TypeAlias = tuple[int, Seen, tuple[int, ...], float, float]

CERTAINLY = "Certainly not right, but"
MOST_COMPARED = 4
DESCENT = (30, 0.1)  # steps and learning rate with which it is tried whether the loss still falls


def diagnosis(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an outcome: right, wrong or unknown."""
    if outcome.right:
        return right(outcome)
    return wrong(outcome) if outcome.found else unknown(outcome)


# ---- right ---------------------------------------------------------------------------------------


def right(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an attempt without mistakes."""
    scale = outcome.found[0].scale
    told = "; ".join(scale.words.values())
    also = f", in this convention: {told}" if told else ""
    return Diagnosis(
        "right",
        f"Right: every number agrees with a {words(outcome.network)} network's{also}.",
        convention=dict(scale.words),
        tested=tuple(tested(outcome.search.sessions)),
        network=words(outcome.network),
        compared=compared(outcome.search.sessions),
    )


def tested(sessions: Sequence[Session]) -> Iterator[str]:
    """Yield what was found right in words: arrays, calls, sizes of batches."""
    for s in sessions:
        names = ", ".join(seen.name for seen in s.calls[0]) if s.calls else ""
        n, more = len(s.x), len(s.calls)
        batch = "one sample" if n == 1 else f"a batch of {n}"
        calls = f", {more} calls in a row" if more > 1 else ""
        sizes = f"{_plural(s.x.shape[1], 'input')}, {_plural(s.t.shape[1], 'output')}"
        yield f"{names} ({batch}{calls}, {sizes})"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def compared(sessions: Sequence[Session]) -> int:
    """Return how many numbers were handed in."""
    return sum(int(np.isfinite(a.values).sum()) for s in sessions for c in s.calls for a in c)


# ---- wrong ---------------------------------------------------------------------------------------


def wrong(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an attempt whose mistakes were found."""
    best = preferred(outcome.found)
    findings = [*_by_change(outcome, best), *_by_scale(best)]
    differ = differing(outcome, best)
    titles = [_titled(f, outcome.network) for f in findings]
    return Diagnosis(
        "wrong",
        wrongly(titles),
        convention=dict(best.scale.words) if not best.scale.mistakes else {},
        first_wrong=_first(outcome, best, differ),
        mistakes=tuple(findings),
        comparisons=tuple(comparisons(differ)),
        tested=tuple(agreeing(outcome, differ)),
        network=words(outcome.network),
        compared=compared([outcome.session]),
        differ=len(differ),
    )


def preferred(found: Sequence[Explanation]) -> Explanation:
    """Return the explanation to be named: in the fewest layers, then in the catalogue's order."""

    def rank(e: Explanation) -> tuple[int, int, list[int]]:
        forms = [v.mistake.forms.index(v.form) for v in e.changes]
        layers = sum(len(v.replace) for v in e.changes)
        return (e.cost, sum(PREFERENCE.get(name, 0) for name in _ids(e)), [layers, *forms])

    return min(found, key=rank)


PREFERENCE = {
    **dict.fromkeys(("cross-entropy-delta", "relu-slope-always-1", "lost-factor"), 1),
    **dict.fromkeys(("sole-slope-form", "changed-in-place", "matrix-for-elementwise"), 2),
    **dict.fromkeys(("silent-broadcasting", "hidden-from-output-error"), 1),
    **dict.fromkeys(("only-last-layer", "biases-never-updated"), -1),
}  # named only where nothing plainer gives the same numbers


def _ids(e: Explanation) -> list[str]:
    return [*(v.mistake.id for v in e.changes), *e.scale.mistakes]


def wrongly(titles: list[str]) -> str:
    """Return the sentence that names mistakes."""
    if len(titles) == 1:
        return f"Wrong: {titles[0]}."
    return f"Wrong, with {len(titles)} mistakes: {'; '.join(titles)}."


def _titled(finding: Finding, network: Network) -> str:
    """Return a mistake's title, with its layers unless it is in all of them."""
    title, count = finding.mistake.title, sum(label.isdigit() for label in network.labels)
    if not finding.layers or len(finding.layers) == count:
        return title
    which = " and ".join(map(str, finding.layers))
    where = f"layer{'s' if len(finding.layers) > 1 else ''} {which}"
    return f"{title[:-1]}, {where})" if title.endswith(")") else f"{title} ({where})"


def _by_change(outcome: Outcome, best: Explanation) -> Iterator[Finding]:
    """Yield a finding for each replaced equation, with what fits equally well."""
    for change in best.changes:
        rest = {v.signature for v in best.changes} - {change.signature}
        others: dict[str, Finding] = {}
        for e in outcome.found:
            apart = [v for v in e.changes if v.signature not in rest]
            same_size = len(e.changes) == len(best.changes) and len(apart) == 1
            if same_size and apart[0].mistake is not change.mistake:
                others.setdefault(apart[0].mistake.id, _finding(apart[0]))
            elif len(best.changes) == 1 and not e.changes and e.scale.mistakes:
                entry = MISTAKES[e.scale.mistakes[0]]
                others.setdefault(entry.id, Finding(entry))
        yield replace(
            _finding(change),
            alternatives=tuple(others.values()),
            falls=falls(outcome, best),
            apart=telling_apart(outcome, best, change) if others else "",
            **arithmetic(outcome, change),
        )


def _finding(change: Variant) -> Finding:
    form, mistake = change.form, change.mistake
    if form.about:
        mistake = replace(mistake, title=f"{mistake.title} ({form.about})")
    layers = tuple(int(x) for x in change.labels if x.isdigit())
    return Finding(_with_formulas(mistake, change), layers)


def _with_formulas(mistake: Mistake, change: Variant) -> Mistake:
    """Return an entry with the form's own equation beside the wrong formula."""
    where, name = change.place
    text = change.replace.get((where, name), "")
    if not text or text in mistake.wrong:
        return mistake
    return replace(mistake, wrong=f"{mistake.wrong}    [{name} = {text}]")


def _by_scale(best: Explanation) -> Iterator[Finding]:
    """Yield a finding for each mistake that is a factor of all gradients."""
    for entry in best.scale.mistakes:
        yield Finding(MISTAKES[entry])


def falls(outcome: Outcome, e: Explanation) -> bool | None:
    """Return whether the loss still falls with the mistakes, tried on the session's numbers."""
    steps, rate = DESCENT
    session = outcome.session
    rule = e.setting.rule
    plain = Setting(outcome.network, SGD(rate) if rule is None else with_rate(rule, rate))
    run = Session(session.x, session.t, session.theta, ((),) * (steps + 1), goes_on=True)
    replay = Replay(plain, run, e.changes)
    try:
        with np.errstate(all="ignore"):
            losses = [float(_cost(replay.steps(call)[0])) for call in (0, steps)]
    except (ChainruleError, ValueError):
        return None
    return bool(np.isfinite(losses[1]) and losses[1] < losses[0])


def _cost(step: Step) -> Any:
    """Return the right loss at the parameters that a step begins with."""
    return step.network.value(theta_of(step), step.batch)


# ---- arithmetic ----------------------------------------------------------------------------------


def arithmetic(outcome: Outcome, change: Variant) -> dict[str, Arithmetic | None]:
    """Return the learner's arithmetic and the repaired one, in the smallest telling example."""
    for session in sorted(outcome.search.sessions, key=lambda s: len(s.x)):
        setting = replace(outcome.search.fitted(outcome.setting, session), online=False)
        bad, good = Replay(setting, session, (change,)), Replay(setting, session, ())
        for call in range(len(session.calls)):
            try:
                with np.errstate(all="ignore"):
                    one, two = bad.steps(call)[0], good.steps(call)[0]
                    if (place := _telling(one, two, change)) is not None:
                        rule = setting.rule
                        return {
                            "wrong": _worked(one, rule, *place),
                            "right": _worked(two, rule, *place),
                        }
            except (ChainruleError, ValueError, IndexError, TypeError):
                break
    return {"wrong": None, "right": None}


def _telling(bad: Step, good: Step, change: Variant) -> tuple[str, str, Index] | None:
    """Return the first number that a mistake makes clearly wrong: scope, name and index."""
    where, name = change.place
    numbered = where in good.network.labels and where.isdigit()
    label = f"layer{where}" if numbered else where
    a, b = (np.asarray(step.scope(label)[name]) for step in (bad, good))
    if a.shape != b.shape:
        return label, name, (0,) * min(a.ndim, b.ndim)
    apart = np.abs(a - b) > 1e-9 * max(float(np.max(np.abs(b), initial=0.0)), 1e-300)
    places = np.argwhere(apart)
    return (label, name, tuple(int(i) for i in places[0])) if len(places) else None


def _worked(step: Step, rule: Optimizer | None, label: str, name: str, index: Index) -> Arithmetic:
    q = one_number(step, rule, label, name, index)
    line = q.equation
    formula = line.formula if line else ""
    substituted = (line.substituted or "") if line else ""
    return Arithmetic(q.key, formula, substituted, q.shown)


# ---- numbers beside each other -------------------------------------------------------------------


def entries(outcome: Outcome, e: Explanation) -> Iterator[tuple[int, Seen, Array, Array]]:
    """Yield each array as it was handed in beside the right one, in the learner's convention."""
    scale = 1.0 if e.scale.mistakes else e.scale.factor
    truth = Replay(outcome.fitted, outcome.session, (), scale)
    for call, arrays in enumerate(outcome.session.calls):
        for seen in arrays:
            try:
                good = truth.signal(call, seen.name)
            except ChainruleError:
                continue
            if is_update(seen.name):
                good = good + np.asarray(truth.steps(call)[0].arrays[seen.name[:-4]]["w"])
            yield call, seen, seen.values, good


def differing(outcome: Outcome, e: Explanation) -> list[Entry]:
    """Return the numbers that are wrong, in the order in which they are computed."""
    found: list[Entry] = []
    tolerance = outcome.session.tolerance
    with np.errstate(all="ignore"):
        for call, seen, theirs, good in entries(outcome, e):
            if theirs.shape != good.shape:
                found.append((call, seen, (), float("nan"), float("nan")))
                continue
            size = float(np.max(np.abs(good), initial=0.0))
            limit = np.broadcast_to(seen.half + tolerance * size, good.shape)
            off = ~(np.abs(theirs - good) <= limit) & ~(np.isnan(theirs) & seen.partial)
            for place in np.argwhere(off):
                index = tuple(int(i) for i in place)
                found.append((call, seen, index, float(theirs[index]), float(good[index])))
    return found


def comparisons(found: list[Entry]) -> Iterator[Comparison]:
    """Yield the first numbers that differ, of each array one."""
    seen_names: set[str] = set()
    for _, seen, index, theirs, good in found:
        if seen.name in seen_names or (not index and np.isnan(good)):
            continue
        seen_names.add(seen.name)
        place = f"[{','.join(map(str, index))}]" if index else ""
        yield Comparison(f"{seen.name}{place}", theirs, good)
        if len(seen_names) == MOST_COMPARED:
            return


def agreeing(outcome: Outcome, found: list[Entry]) -> Iterator[str]:
    """Yield the arrays of the first call that are right in all calls although others are wrong."""
    off = {seen.name for _, seen, *_ in found}
    yield from (seen.name for seen in outcome.session.calls[0] if seen.name not in off)


def _first(outcome: Outcome, e: Explanation, found: list[Entry]) -> Place | None:
    """Return the first wrong quantity: what the first mistake replaces, else the first number."""
    if e.changes:
        change = max(e.changes, key=lambda v: _height(v, outcome.network))
        where, name = change.place
        if where in outcome.network.labels:
            return Place(name, int(where) if where.isdigit() else None, _call(found))
        if where == "loss":
            return Place({"value": "loss"}.get(name, name), None, _call(found))
        return Place(
            f"{where[0]}_new", int(where[1:]) if where[1:].isdigit() else None, _call(found)
        )
    return _place_of(found[0]) if found else None


def _height(change: Variant, network: Network) -> tuple[int, int]:
    """Return how early in the backward pass a change stands; forward changes before all."""
    where, name = change.place
    if where == "loss":
        return (3, 0)
    if where in network.labels:
        forward = name not in ("delta", "dW", "db", "dx", "da")
        place = network.labels.index(where)
        return (4, -place) if forward else (2, place)
    return (1, 0)


def _call(found: list[Entry]) -> int:
    return found[0][0] + 1 if found else 1


def _place_of(entry: Entry) -> Place:
    call, seen, *_ = entry
    return place_named(seen.name, call + 1)


def place_named(name: str, step: int = 1) -> Place:
    """Return the place of an array by its key, such as ``"dW1"`` or ``"W2_new"``."""
    stem = name.removesuffix("_new")
    letters = stem.rstrip("0123456789")
    number = stem[len(letters) :]
    quantity = f"{letters}_new" if stem != name else letters
    return Place(quantity, int(number) if number else None, step)


# ---- unknown -------------------------------------------------------------------------------------


def unknown(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an attempt that is not right, and that no known mistake explains."""
    base = outcome.base
    found = differing(outcome, base)
    where = _place_of(found[0]) if found else None
    difference = "; ".join(how(outcome, base, found))
    name = where.name if where else outcome.session.calls[0][0].name
    return Diagnosis(
        "unknown",
        f"{CERTAINLY} no mistake of the catalogue gives these numbers; {name} is the "
        "first that differs.",
        first_wrong=where,
        difference=difference,
        comparisons=tuple(comparisons(found)),
        tested=tuple(agreeing(outcome, found)),
        network=words(outcome.network),
        compared=compared([outcome.session]),
        differ=len(found),
    )


def how(outcome: Outcome, base: Explanation, found: list[Entry]) -> Iterator[str]:
    """Yield how the wrong arrays differ: by a factor, transposed, in which entries."""
    wrong_names = {(call, seen.name) for call, seen, *_ in found}
    with np.errstate(all="ignore"):
        for call, seen, theirs, good in entries(outcome, base):
            if (call, seen.name) in wrong_names and call == 0:
                yield f"{seen.name}: {_how(seen, theirs, good, outcome.session.tolerance)}"


def _how(seen: Seen, theirs: Array, good: Array, tolerance: float) -> str:
    if theirs.shape != good.shape:
        return f"has shape {theirs.shape}, but should have {good.shape}"
    if (factor := ratio(theirs, good, seen.half, tolerance)) is not None:
        return (
            "all signs are turned"
            if np.isclose(factor, -1)
            else f"{factor:.6g} times the right one"
        )
    if (
        good.ndim == 2
        and good.shape[0] == good.shape[1]
        and fits(theirs.T, good, seen.half, tolerance)
    ):
        return "transposed"
    if fits(np.abs(theirs), np.abs(good), seen.half, tolerance):
        return "some signs are turned"
    size = float(np.max(np.abs(good), initial=0.0))
    off = np.argwhere(~(np.abs(theirs - good) <= seen.half + tolerance * size))
    if len(off) < good.size:
        shown = ", ".join(f"[{','.join(map(str, place))}]" for place in off[:3])
        return f"{len(off)} of {good.size} entries differ: {shown}{' …' if len(off) > 3 else ''}"
    return "every entry differs, by no common factor"


# ---- telling alternatives apart ------------------------------------------------------------------


def telling_apart(outcome: Outcome, best: Explanation, change: Variant) -> str:
    """Return the further input on which what fits equally well would give different numbers."""
    rivals = [v for e in outcome.found for v in e.changes if v.mistake is not change.mistake]
    for about, setting, session in _inputs(outcome.setting):
        own = _numbers(change, setting, session)
        if own is None:
            continue
        if all(_differ(own, _numbers(v, setting, session)) for v in rivals):
            return about
    return ""


def _inputs(setting: Setting) -> Iterator[tuple[str, Setting, Session]]:
    """Yield further networks and batches to look at, in words."""
    network = setting.network
    depth = len(network.widths) - 1
    tables = (
        ("a network with several outputs and layers of different widths", GENERAL),
        ("a network whose layers are all as wide", SQUARE),
        ("a network with one output", SINGLE),
    )
    for n, batch in ((5, "a batch of several samples"), (1, "a single sample")):
        for about, table in tables:
            if depth not in table or (table is SINGLE and network.loss.classes):
                continue
            q = question(table[depth], n, one_hot=network.loss.classes)
            other = resized(network, table[depth])
            yield (
                f"{about}, and {batch}",
                replace(setting, network=other, online=False),
                Session(q.x, q.t, packed(other, q), ()),
            )


def _numbers(change: Variant, setting: Setting, session: Session) -> list[Array] | None:
    """Return the gradients (or updates) that a mistake gives, None where it cannot be computed."""
    try:
        again = replace(
            change,
            replace=replacements(change.form, change.labels, setting.network)
            if change.labels
            else change.replace,
        )
        replay = Replay(setting, session, (again,))
        suffix = "_new" if setting.rule is not None else ""
        names = [b.name for b in setting.network.layout.blocks]
        with np.errstate(all="ignore"):
            return [replay.signal(0, f"{n}{suffix}" if suffix else f"d{n}") for n in names]
    except (ChainruleError, ValueError, IndexError):
        return None


def _differ(one: list[Array], two: list[Array] | None) -> bool:
    if two is None:
        return True
    return any(
        a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-12)
        for a, b in zip(one, two, strict=True)
    )
