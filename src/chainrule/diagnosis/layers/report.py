"""The diagnosis of one function: the verdict in a sentence, the numbers, the conventions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.diagnosis.catalogue import Mistake
from chainrule.diagnosis.findings import Comparison, Finding, Place
from chainrule.diagnosis.layers.design import Layout
from chainrule.diagnosis.layers.judging import DIVIDED, SUMMED, Judgment
from chainrule.diagnosis.layers.matching import CLOSE, Match
from chainrule.diagnosis.layers.mistakes import mistake
from chainrule.diagnosis.layers.naming import explain
from chainrule.diagnosis.phrases import enumerated
from chainrule.diagnosis.report import Diagnosis
from chainrule.pages import Page

ABOUT = "The right numbers are derivatives of the forward function, which is taken as given."
UNEVEN = "divided-in-some-gradients"
MOST_SHOWN = 8  # entries of each wrong array


@dataclass(frozen=True)
class LayerDiagnosis(Diagnosis):
    """The result of a check of one function; its fields are those of `CheckResult`."""

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        page = super().page()
        return replace(page, about=ABOUT) if page.about else page


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function."""
    return getattr(function, "__name__", "the function")


def could_not_run(backward: Callable[..., Any], why: str) -> LayerDiagnosis:
    """Return the diagnosis of a function that was not judged."""
    name = name_of(backward)
    return LayerDiagnosis("could-not-run", f"{name} was not judged: {why}", source=name)


def diagnosis_of(
    backward: Callable[..., Any],
    forward: Callable[..., Any],
    judged: Judgment,
    again: Judgment | None,
    layout: Layout,
    remarks: Sequence[str],
) -> LayerDiagnosis:
    """Return the diagnosis of a backward function.

    Parameters
    ----------
    backward, forward : callable
    judged : Judgment
    again : Judgment or None
        At other inputs. A mistake must explain both.
    layout : Layout
    remarks : sequence of str

    Returns
    -------
    LayerDiagnosis
    """
    made = LayerDiagnosis(
        "right",
        "",
        convention=_convention(judged),
        tested=tuple(_tested(judged)),
        remarks=(*remarks, *_remarks(judged)),
        network=_used(judged, layout),
        source=name_of(backward)
        if backward is forward
        else f"{name_of(backward)}, with {name_of(forward)} as the forward function",
        compared=sum(m.right.size for m in judged.matches),
    )
    if judged.right:
        return replace(made, sentence=_right_sentence(judged))
    return _wrong(made, judged, again)


def _wrong(made: LayerDiagnosis, judged: Judgment, again: Judgment | None) -> LayerDiagnosis:
    wrong = judged.wrong or [m for m in judged.matches if not m.same_shape] or judged.matches
    found = {m.label: _confirmed(judged, again, m) for m in wrong}
    if uneven := _unevenly_divided(judged):
        found = dict.fromkeys(found, uneven)
    mistakes = tuple(Finding(m) for m in {m.id: m for m in reversed(found.values()) if m}.values())
    named = all(found.values())
    labels = enumerated(m.label for m in wrong)
    verb = "differs" if len(wrong) == 1 else "differ"
    sentence = (
        f"Wrong: {'; '.join(_clause(f.mistake, found) for f in mistakes)}."
        if named
        else f"Certainly not right: {labels} {verb} from the derivatives of the forward function."
    )
    return replace(
        made,
        verdict="wrong" if named else "unknown",
        sentence=sentence,
        mistakes=mistakes,
        first_wrong=Place(wrong[0].label),
        difference="" if named else "; ".join(map(_difference, wrong)),
        comparisons=tuple(c for m in wrong for c in _comparisons(m)),
        differ=sum(_differing(m) for m in wrong),
    )


def _clause(mistake: Mistake, found: Mapping[str, Mistake | None]) -> str:
    """Return a mistake as a clause, with the other gradients in which it is made."""
    labels = [label for label, m in found.items() if m and m.id == mistake.id]
    if len(labels) < 2 or mistake.id == UNEVEN:
        return mistake.title
    return f"{mistake.title} (the same in {enumerated(labels[1:])})"


def _unevenly_divided(judged: Judgment) -> Mistake | None:
    """Return the mistake of some parameters' gradients that are divided by m, and others not."""
    n, found = judged.samples, [m for m in judged.matches if m.variable]
    parameters = [m for m in found if n not in m.right.shape]
    divided = [m.label for m in parameters if m.status == "over samples"]
    exact = [m.label for m in parameters if m.status == "right"]
    others = [m for m in found if m not in parameters and m.status != "right"]
    if not divided or not exact or others or len(divided) + len(exact) < len(parameters):
        return None
    return mistake(UNEVEN, g=enumerated(divided), other=enumerated(exact))


def _confirmed(judged: Judgment, again: Judgment | None, match: Match) -> Any:
    """Return the mistake that explains a gradient at both inputs, or None."""
    first = explain(judged, match)
    if first is None or again is None:
        return first
    other = next((m for m in again.matches if m.label == match.label), None)
    second = explain(again, other) if other is not None else None
    return first if second is not None and second.id == first.id else None


def _difference(match: Match) -> str:
    if match.theirs is None:
        return f"{match.label} is None"
    if not match.variable:
        return f"the shape of {match.label} is {match.theirs.shape}, which no input has"
    if not match.same_shape:
        return (
            f"the shape of {match.label} is {match.theirs.shape}, and that of {match.variable} is "
            f"{match.right.shape}"
        )
    bad = ~_equal(match)
    return f"in {match.label}, {bad.sum()} of {bad.size} entries differ"


def _equal(match: Match) -> Any:
    theirs = match.numbers.reshape(match.right.shape)
    largest = float(np.max(np.abs(match.right), initial=0.0))
    return np.abs(theirs - match.right) <= 1e-6 * largest + 1e-9


def _differing(match: Match) -> int:
    return int((~_equal(match)).sum()) if match.same_shape else match.right.size


def _comparisons(match: Match) -> Iterator[Comparison]:
    """Yield the first entries that differ."""
    if not match.same_shape:
        return
    theirs = match.numbers.reshape(match.right.shape)
    for index in np.argwhere(~_equal(match))[:MOST_SHOWN].tolist():
        place = tuple(index)
        key = f"{match.label}[{','.join(map(str, place))}]"
        yield Comparison(key, float(np.real(theirs[place])), float(match.right[place]))


def _right_sentence(judged: Judgment) -> str:
    names = enumerated(m.label for m in judged.matches)
    verb = "is" if len(judged.matches) == 1 else "are"
    if judged.convention == SUMMED:
        return (
            f"Right, as the gradient of the sum over the samples: {names} {verb} "
            f"{judged.samples} times the derivative of the mean."
        )
    if judged.convention == DIVIDED:
        return f"Right: {names} {verb} right, with gradients that are divided by the samples."
    return f"Right: {names} {verb} right."


def _convention(judged: Judgment) -> dict[str, str]:
    texts: dict[str, str] = {}
    n = judged.samples
    if judged.convention == DIVIDED:
        divided = enumerated(m.label for m in judged.matches if m.status == "over samples")
        texts["scale"] = (
            f"{divided}: divided by the number of samples (here {n}), the other gradients not, as "
            "in courses where the upstream gradient is that of each sample's own loss"
        )
    if judged.convention == SUMMED:
        texts["scale"] = f"not divided by the number of samples (here {n}), as the loss is"
    pairs = [f"{m.label} is the gradient of {m.variable}" for m in judged.matches if m.variable]
    texts["gradients"] = "; ".join(pairs)
    return texts


def _tested(judged: Judgment) -> Iterator[str]:
    for m in judged.matches:
        if m.variable and m not in judged.wrong and m.same_shape:
            shape = "×".join(map(str, m.right.shape))
            yield f"{m.label}, the gradient of {m.variable} ({shape} numbers)"


def _remarks(judged: Judgment) -> Iterator[str]:
    if judged.layer.binding.note:
        yield f"{judged.layer.binding.note.capitalize()}."
    for m in judged.matches:
        if m.status == "close":
            yield (
                f"{m.label} agrees to a relative {CLOSE:g} only, as if a small constant such as "
                "epsilon were in the forward or in the backward pass only."
            )
        if m.variable and m.same_shape and m.numbers.shape != m.right.shape:
            yield f"{m.label} has the shape {m.numbers.shape}, {m.variable} {m.right.shape}."
    taken = {m.variable for m in judged.matches}
    rest = [name for name, g in judged.truth.gradients.items() if name not in taken and g.any()]
    if rest:
        yield f"No gradient of {enumerated(rest)} is returned, so none was checked."


def _used(judged: Judgment, layout: Layout) -> str:
    """Return what was used as inputs, and how the right numbers were computed."""
    shapes = [
        f"{leaf.name} {'×'.join(map(str, leaf.array.shape))}"
        for leaf in judged.layer.variables
        if leaf.array is not None
    ]
    fixed = [
        f"{n.rpartition('.')[2]} = {c.value!r}"
        for n, c in layout.chosen.items()
        if c.kind == "fixed"
    ]
    return f"Inputs: {', '.join((*shapes, *fixed))}. Derivatives by {judged.truth.method}"
