"""Turn an outcome into a diagnosis: the verdict's sentence, the place, and the findings.

How numbers differ is described in `comparison`, what a mistake does in `examples`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.diagnosis.catalogue import MISTAKES, Mistake
from chainrule.diagnosis.comparison import (
    Difference,
    agreeing,
    comparisons,
    descriptions,
    differences,
)
from chainrule.diagnosis.decision import Outcome
from chainrule.diagnosis.distinguishing import distinguishing_input
from chainrule.diagnosis.evaluation import Explanation
from chainrule.diagnosis.examples import arithmetic, loss_falls
from chainrule.diagnosis.findings import Finding, Place
from chainrule.diagnosis.hypotheses import Variant
from chainrule.diagnosis.networks import words
from chainrule.diagnosis.phrases import layers_words
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.scales import MINUS, OUTPUTS_MEAN, SAMPLES_SUM
from chainrule.diagnosis.sessions import Session
from chainrule.network import Network

CERTAINLY_WRONG = "Certainly not right, but"

OF_STEPS = {"sign": "the whole step has the wrong sign: it goes up the gradient"}
PER_OUTPUT = (
    "the gradients are divided by the number of outputs and not by the number of samples; if the "
    "mean over the samples is meant, they are counted along the wrong axis"
)
ONLY_AS_MINUS = (
    "Right only as minus the gradient: {}. Subtracting it climbs; add it, or take o - t instead of "
    "t - o."
)
NOTE = re.compile(r"\([^()]*[a-z]{3}[^()]*\)$")  # in parentheses, and not a part of a formula
# The titles of mistakes that are made in all gradients alike.
OF_ALL_GRADIENTS = {
    "sign": "all gradients have the wrong sign: a step that subtracts them climbs",
    "lost-factor": "all gradients have another factor than the loss",
    "sum-for-mean": "all gradients are summed over the batch instead of averaged",
    "mean-twice": "the mean over the batch is taken twice",
    "units-for-samples": "all gradients are divided by the number of inputs, not of samples",
}

# Which of several mistakes that give the same numbers is named: the one with the lowest value;
# entries without a value have 0.
PREFERENCE = {
    **dict.fromkeys(("cross-entropy-delta", "relu-slope-always-1", "lost-factor"), 1),
    **dict.fromkeys(("sole-slope-form", "changed-in-place", "matrix-for-elementwise"), 2),
    **dict.fromkeys(("silent-broadcasting", "hidden-from-output-error", "units-for-samples"), 1),
    **dict.fromkeys(("only-last-layer", "biases-never-updated"), -1),
}

SHAPE = re.compile(r"\b0 \* \w+ \+ ")  # such as 0 * b + , which repeats a number for each unit
FACTOR = re.compile(r"^\((-?[\d.]+|\w+)\) \*")


def diagnosis(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an outcome: right, wrong or unknown."""
    if outcome.is_correct:
        return right(outcome)
    return wrong(outcome) if outcome.found else unknown(outcome)


# ---- right ---------------------------------------------------------------------------------------


def right(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an attempt without mistakes."""
    scale = outcome.found[0].scale
    convention = "; ".join(scale.words.values())
    parts = scale.words.get("scale", "").split("; ")
    also = f", in this convention: {convention}" if convention else ""
    agrees = f"every number agrees with those of a {words(outcome.network)} network{also}"
    return Diagnosis(
        "right",
        ONLY_AS_MINUS.format(agrees) if scale.words.get("sign") == MINUS else f"Right: {agrees}.",
        convention=dict(scale.words),
        tested=tuple(tested(outcome.search.sessions)),
        remarks=(PER_OUTPUT,) if {*parts} >= {OUTPUTS_MEAN, SAMPLES_SUM} else (),
        network=words(outcome.network),
        compared=compared(outcome.search.sessions),
    )


def tested(sessions: Sequence[Session]) -> Iterator[str]:
    """Yield what was found right in words: arrays, calls, batch sizes."""
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
    """Return how many numbers were reported."""
    return sum(int(np.isfinite(a.values).sum()) for s in sessions for c in s.calls for a in c)


# ---- wrong ---------------------------------------------------------------------------------------


def wrong(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an attempt whose mistakes were found."""
    best = preferred(outcome.found)
    findings = [*_findings_of_changes(outcome, best), *_findings_of_scale(best)]
    differ = differences(outcome, best)
    titles = [_titled(f, outcome.network) for f in findings]
    return Diagnosis(
        "wrong",
        wrong_sentence(titles),
        convention=dict(best.scale.words) if not best.scale.mistakes else {},
        first_wrong=_first_wrong(outcome, best, differ),
        mistakes=tuple(findings),
        comparisons=tuple(comparisons(differ)),
        tested=tuple(agreeing(outcome, differ)),
        network=words(outcome.network),
        compared=compared([outcome.session]),
        differ=len(differ),
    )


def preferred(found: Sequence[Explanation]) -> Explanation:
    """Return the explanation to name: fewest layers first, then the order of the catalogue."""

    def rank(e: Explanation) -> tuple[int, int, list[int]]:
        forms = [v.mistake.forms.index(v.form) for v in e.changes]
        layers = sum(len(v.replace) for v in e.changes)
        return (e.cost, sum(PREFERENCE.get(name, 0) for name in _mistake_ids(e)), [layers, *forms])

    return min(found, key=rank)


def _mistake_ids(e: Explanation) -> list[str]:
    return [*(v.mistake.id for v in e.changes), *e.scale.mistakes]


def wrong_sentence(titles: list[str]) -> str:
    """Return the sentence that names mistakes."""
    if len(titles) == 1:
        return f"Wrong: {titles[0]}."
    return f"Wrong, with {len(titles)} mistakes: {'; '.join(titles)}."


def _titled(finding: Finding, network: Network) -> str:
    """Return a mistake's title, with its layers unless it names them or they are all layers."""
    title, where = finding.mistake.title, layers_words(finding.layers)
    if not where or where in title or len(finding.layers) == depth(network):
        return title
    return f"{title[:-1]}, {where})" if NOTE.search(title) else f"{title} ({where})"


def _findings_of_changes(outcome: Outcome, best: Explanation) -> Iterator[Finding]:
    """Yield a finding for each change of the best explanation, with its alternatives."""
    for change in best.changes:
        others = _alternatives(outcome, best, change)
        yield replace(
            finding_of(change, outcome.network),
            alternatives=others,
            falls=loss_falls(outcome, best),
            distinguishing_input=distinguishing_input(outcome, change) if others else "",
            **arithmetic(outcome, change),
        )


def _alternatives(outcome: Outcome, best: Explanation, change: Variant) -> tuple[Finding, ...]:
    """Return the other mistakes that can take a change's place in the explanation."""
    rest = {v.signature for v in best.changes} - {change.signature}
    others: dict[str, Finding] = {}
    for e in outcome.found:
        different = [v for v in e.changes if v.signature not in rest]
        same_size = len(e.changes) == len(best.changes) and len(different) == 1
        if same_size and different[0].mistake is not change.mistake:
            made = finding_of(different[0], outcome.network)
            others.setdefault(made.mistake.id, made)
        elif len(best.changes) == 1 and not e.changes and e.scale.mistakes:
            made = next(_findings_of_scale(e))
            others.setdefault(made.mistake.id, made)
    return tuple(others.values())


def finding_of(change: Variant, network: Network) -> Finding:
    """Return the finding of a change, with the texts of its form and its own equation."""
    layers = tuple(int(x) for x in change.labels if x.isdigit())
    everywhere = len(layers) == depth(network)
    mistake = change.mistake.of_form(change.form, layers, all_layers=everywhere)
    return Finding(_with_equation(mistake, change, network), layers)


def depth(network: Network) -> int:
    """Return how many layers a network has that are numbered."""
    return sum(label.isdigit() for label in network.labels)


def _with_equation(mistake: Mistake, change: Variant, network: Network) -> Mistake:
    """Return an entry with the form's own equation, which follows the wrong formula of the entry.

    A form with a title of its own is another mistake in another line of code, of which the entry's
    formulas would not be true: it shows its own equation and the engine's.
    """
    where, name = change.location
    text = change.replace.get((where, name), "")
    if not text or text in mistake.wrong:
        return mistake
    own, words = f"{name} = {_tidy(text)}", change.form.words
    if not words.title or words.wrong:
        return replace(mistake, wrong=f"{mistake.wrong}    [{own}]")
    engine = _engine_equation(network, where, name)
    right = engine if engine and not words.right else mistake.right
    return replace(mistake, wrong=own, right=right)


def _engine_equation(network: Network, where: str, name: str) -> str:
    """Return the engine's equation of a layer's quantity, an empty text for other quantities."""
    if where not in network.labels:
        return ""
    text = network.layers[network.labels.index(where)].equations().get(name)
    return f"{name} = {text}" if text else ""


def _tidy(equation: str) -> str:
    """Return an equation without the terms that only give its result a shape."""
    return FACTOR.sub(r"\1 *", SHAPE.sub("", equation))


def _findings_of_scale(best: Explanation) -> Iterator[Finding]:
    """Yield a finding for each mistake that is a factor of all gradients."""
    for mistake_id in best.scale.mistakes:
        mistake = MISTAKES[mistake_id]
        title = OF_ALL_GRADIENTS.get(mistake_id, mistake.title)
        if best.setting.rule is not None:
            title = OF_STEPS.get(mistake_id, title)
        yield Finding(replace(mistake, title=title))


def _first_wrong(outcome: Outcome, e: Explanation, found: list[Difference]) -> Place | None:
    """Return the first wrong quantity: what the first mistake changes, else the first number."""
    if not e.changes:
        return _place_of(found[0]) if found else None
    step = found[0].call + 1 if found else 1
    first = max(e.changes, key=lambda change: _earliness(change, outcome.network))
    where, name = first.location
    if where in outcome.network.labels:
        return Place(name, int(where) if where.isdigit() else None, step)
    if where == "loss":
        return Place({"value": "loss"}.get(name, name), None, step)
    return Place(f"{where[0]}_new", int(where[1:]) if where[1:].isdigit() else None, step)


def _earliness(change: Variant, network: Network) -> tuple[int, int]:
    """Return how early a change comes: forward pass, loss, backward pass, update."""
    where, name = change.location
    if where == "loss":
        return (3, 0)
    if where in network.labels:
        forward = name not in ("delta", "dW", "db", "dx", "da")
        position = network.labels.index(where)
        return (4, -position) if forward else (2, position)
    return (1, 0)


def _place_of(difference: Difference) -> Place:
    return place_named(difference.seen.name, difference.call + 1)


def place_named(name: str, step: int = 1) -> Place:
    """Return the place of an array by its key, such as ``"dW1"`` or ``"W2_new"``."""
    stem = name.removesuffix("_new")
    letters = stem.rstrip("0123456789")
    number = stem[len(letters) :]
    quantity = f"{letters}_new" if stem != name else letters
    return Place(quantity, int(number) if number else None, step)


# ---- unknown -------------------------------------------------------------------------------------


def unknown(outcome: Outcome) -> Diagnosis:
    """Return the diagnosis of an attempt that is wrong, but not by a known mistake."""
    base = outcome.base
    found = differences(outcome, base)
    where = _place_of(found[0]) if found else None
    name = where.name if where else outcome.session.calls[0][0].name
    return Diagnosis(
        "unknown",
        f"{CERTAINLY_WRONG} no mistake in the catalogue gives these numbers; {name} is the first "
        "that differs.",
        first_wrong=where,
        difference="; ".join(descriptions(outcome, base, found)),
        comparisons=tuple(comparisons(found)),
        tested=tuple(agreeing(outcome, found)),
        network=words(outcome.network),
        compared=compared([outcome.session]),
        differ=len(found),
    )
