"""Check the backward pass of a layer or a loss, and the gradient of a function."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from chainrule.diagnosis.layers.binding import Binding, bindings
from chainrule.diagnosis.layers.calling import (
    CallFailedError,
    call,
    kept_random_numbers,
    parameters,
    required,
)
from chainrule.diagnosis.layers.candidates import (
    BIAS,
    SIZES,
    WEIGHT,
    WORDS,
    Candidate,
)
from chainrule.diagnosis.layers.design import Layout, all_finite, layouts
from chainrule.diagnosis.layers.judging import Judgment, judge, loss_place
from chainrule.diagnosis.layers.missing import cannot_ask, sibling
from chainrule.diagnosis.layers.report import LayerDiagnosis, could_not_run, diagnosis_of
from chainrule.diagnosis.layers.truth import KinkError, Layer
from chainrule.diagnosis.layers.values import as_array
from chainrule.errors import InputError
from chainrule.submission import TimeLimit

ONE_SAMPLE = (
    "its gradients are right for one sample, and wrong for a batch; pass the arrays that are meant "
    "with inputs=[…]"
)
IN_TIME = (
    "not every layout of its arguments could be tried in time; pass the arrays that are meant with "
    "inputs=[…], or give it more seconds"
)
KINK = "the forward function has a kink at these inputs, so that there is no single slope"
SEEDS = (1, 2, 3, 4, 5, 6)  # other inputs where one set has a kink
MOST_JUDGED = 3  # layouts of one kind in which a function is judged, if it is right in none
Judged: TypeAlias = tuple[Judgment, Layout, bool]
ARRAYS = ("float", "one-hot", "binary", "labels")
MOST_SHAPES = 1_000  # of arguments that are remembered, since each is tried with many others
SEARCH = 0.4  # the share of the time for finding shapes


@dataclass(frozen=True, eq=False)
class Pair:
    """A backward function with its forward function.

    Parameters
    ----------
    backward, forward : callable
    strict : bool
    limit : TimeLimit
        Of the search for a right layout.
    """

    backward: Callable[..., Any]
    forward: Callable[..., Any]
    strict: bool
    limit: TimeLimit

    @property
    def fused(self) -> bool:
        """Whether one function returns the loss and its gradients."""
        return self.backward is self.forward


def check_layer(
    backward: Callable[..., Any],
    forward: Callable[..., Any] | None = None,
    inputs: Sequence[Any] | Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
    seconds: float = 20.0,
) -> LayerDiagnosis:
    """Check a backward function against the derivatives of its forward function.

    Parameters
    ----------
    backward : callable
        Such as ``affine_backward(dout, cache)``, or a loss that returns its gradients too.
    forward : callable, optional
        Such as ``affine_forward(x, w, b)``. By default, the function next to
        `backward` with "forward" in place of "backward" in its name; a loss that returns its
        gradients needs none.
    inputs : sequence or mapping, optional
        The arguments of `forward`; designed ones by default.
    strict : bool, default False
        Whether gradients must not be divided by the number of samples.
    seconds : float, default 20.0

    Returns
    -------
    LayerDiagnosis
    """
    for function in (backward, forward):
        if function is not None and not callable(function):
            raise InputError(f"{function!r} is not a function; pass the function itself")
    begin = time.monotonic()
    chosen = forward or sibling(backward) or backward
    pair = Pair(backward, chosen, strict, TimeLimit(seconds))
    with kept_random_numbers():
        found = _check(pair, inputs)
    return replace(found, seconds=round(time.monotonic() - begin, 3))


def _check(pair: Pair, inputs: Any) -> LayerDiagnosis:
    failures: list[str] = []
    if pair.fused and not _may_be_loss(pair, inputs):
        return cannot_ask(pair.backward, None, "its forward function is not known")
    best: Judged | None = None
    wrong: list[Judged] = []
    search = Search(pair, inputs, failures)
    for degenerate in (False, True):
        for judged in search.judged(degenerate=degenerate, alone=pair.fused or not wrong):
            if judged[0].right:
                best = judged
                break
            wrong += [judged] * (not degenerate or not wrong)
        if best or inputs is not None:
            break
    if best and _is_degenerate(best[1]) and any(j.consistent for j, *_ in wrong):
        return could_not_run(pair.backward, ONE_SAMPLE)
    if best is None and not wrong:
        return cannot_ask(pair.backward, pair.forward, _why(failures))
    if search.is_cut and (best is None or _is_degenerate(best[1])):
        return could_not_run(pair.backward, IN_TIME)
    best = best or max(wrong, key=lambda item: _score(item[0]))
    return _conclude(pair, *best, wrong)


@dataclass(eq=False)
class Search:
    """The search for the layout in which a backward function is right.

    Parameters
    ----------
    pair : Pair
    inputs : sequence or mapping of array, or None
        Those of the user, which make a search unnecessary.
    failures : list of str
        The errors of layouts that do not run are added to it.
    is_cut : bool
        Whether the time did not suffice for all layouts, so that none is known to be right.
    """

    pair: Pair
    inputs: Any
    failures: list[str]
    is_cut: bool = False

    def judged(self, *, degenerate: bool, alone: bool) -> Iterator[Judged]:
        """Yield the judgments in all layouts, but only a few of each kind with fitting shapes."""
        consistent: Counter[tuple[str, ...]] = Counter()

        def wanted(layout: Layout) -> bool:
            is_allowed = _is_allowed(layout, degenerate=degenerate, alone=alone)
            return is_allowed and consistent[layout.kind] < MOST_JUDGED

        for layout, positive in self._layouts(wanted):
            kind = (*layout.kind, str(positive))
            if consistent[kind] >= MOST_JUDGED:
                continue
            if self.pair.limit.is_over and self.inputs is None:
                self.is_cut = True
                return
            judged = _judged(self.pair, layout, self.failures, positive=positive)
            if judged is not None:
                consistent[kind] += judged.consistent
                each = [n for k, n in consistent.items() if k[:-1] == layout.kind]
                consistent[layout.kind] = min(each)
                yield judged, layout, positive

    def _layouts(self, wanted: Callable[[Layout], bool]) -> Iterator[tuple[Layout, bool]]:
        """Yield the layouts that the forward function accepts, or that of the user's inputs."""
        if self.inputs is not None:
            yield Layout(fixed=_given(self.pair.forward, self.inputs)), False
            return
        limit = TimeLimit(SEARCH * self.pair.limit.seconds)
        self.is_cut |= yield from layouts(self.pair.forward, limit, wanted)


def _given(forward: Callable[..., Any], inputs: Any) -> dict[str, Any]:
    """Return the user's inputs by the names of the forward function's parameters."""
    if isinstance(inputs, Mapping):
        return dict(cast("Mapping[str, Any]", inputs))
    names, values = list(parameters(forward)), list(inputs)
    if len(values) > len(names):
        raise InputError(f"inputs has {len(values)} values, but the forward function takes {names}")
    return dict(zip(names, values, strict=False))


def _judged(pair: Pair, layout: Layout, failures: list[str], *, positive: bool) -> Judgment | None:
    """Return the judgment in a layout, the first that is right, or None if it does not run."""
    found: list[Judgment] = []
    for seed in SEEDS:
        try:
            for layer in _layers(pair, layout, seed, positive=positive):
                judged = judge(
                    pair.backward,
                    layer,
                    samples_of(layout, layer),
                    fused=pair.fused,
                    strict=pair.strict,
                )
                if judged.matches and any(g.any() for g in judged.truth.gradients.values()):
                    found.append(judged)
                if judged.right:
                    break
        except KinkError:
            failures.append(KINK)
            continue
        except CallFailedError as failed:
            failures.append(str(failed))
        break
    found.sort(key=_score, reverse=True)
    return found[0] if found else None


def _layers(pair: Pair, layout: Layout, seed: int, *, positive: bool) -> Iterator[Layer]:
    """Yield the layer at the inputs of a seed, with each way of calling the backward function."""
    inputs = layout.arguments(seed, positive=positive)
    result = call(pair.forward, inputs)
    if pair.fused:
        place = loss_place(result)
        if place is not None:
            weight = np.ones(np.shape(result[place]))
            yield Layer(pair.forward, inputs, Binding(inputs, (place,), (weight,)))
        return
    last: CallFailedError | None = None
    worked = False
    for binding in bindings(pair.backward, inputs, result, seed):
        try:
            call(pair.backward, binding.arguments)
        except CallFailedError as failed:
            last = failed
            continue
        worked = True
        yield Layer(pair.forward, inputs, binding)
    if last is not None and not worked:
        raise last


def samples_of(layout: Layout, layer: Layer) -> int:
    """Return the number of samples, or 0 if there is one only or it is not known."""
    letters = {letter for c in layout.chosen.values() for letter in c.text.split()}
    for letter in ("N", "B"):
        if letter in letters:
            return SIZES[letter]
    if not layout.fixed:
        return 0
    shapes = [leaf.array.shape for leaf in layer.variables if leaf.array is not None]
    outs = layer.binding.upstream[0].shape
    return next((n for n in outs if n > 1 and n in (shapes[0] if shapes else ())), 0)


def _is_allowed(layout: Layout, *, degenerate: bool, alone: bool) -> bool:
    """Return whether a layout belongs to the usual ones, or to those for one sample or output.

    With one output, which `alone` allows, a sum over all axes looks like one over samples.
    """
    if _is_degenerate(layout) is not degenerate:
        return False
    single = [n for n, c in layout.chosen.items() if "1" in c.text.split() and _is_alone(n, c)]
    return not single or alone


def _is_alone(name: str, candidate: Candidate) -> bool:
    return candidate.kind in ARRAYS and _is_narrow(name, candidate.text)


def _is_degenerate(layout: Layout) -> bool:
    """Return whether data or weights have an axis of length one, or no samples."""
    return any(_is_alone(name, candidate) for name, candidate in layout.chosen.items())


@lru_cache(maxsize=MOST_SHAPES)
def _is_narrow(name: str, text: str) -> bool:
    letters = text.split()
    plain = [c for c in letters if c != "1"]
    if re.fullmatch(BIAS, name.rpartition(".")[2].lower()):
        return not plain
    if letters == ["D"] and re.fullmatch(WEIGHT, name.rpartition(".")[2].lower()):
        return False  # such as a weight for each feature
    return len(plain) < 2 and letters != ["N"]


def _score(judgment: Judgment) -> tuple[bool, int, int]:
    """Return how well a layout explains what is returned; unused entries speak against it."""
    good = sum(m.variable != "" and m.status != "wrong" for m in judgment.matches)
    vectors = [g for g in judgment.truth.gradients.values() if max(g.shape, default=0) == g.size]
    return judgment.right, good, -sum(int((g == 0).sum()) for g in vectors)


def _why(failures: list[str]) -> str:
    return failures[0] if failures else "no arguments that the forward function accepts were found"


def _may_be_loss(pair: Pair, inputs: Any) -> bool:
    """Return whether a function without a forward function may return a loss and its gradients."""
    name = getattr(pair.backward, "__name__", "").lower()
    return (
        "backward" not in name
        and not name.startswith(("d_", "grad"))
        and bool(required(pair.backward) or inputs)
    )


def _conclude(
    pair: Pair,
    judged: Judgment,
    layout: Layout,
    positive: bool,  # noqa: FBT001 (one item of the list, like the others)
    wrong: list[Judged],
) -> LayerDiagnosis:
    """Return the diagnosis: from other numbers, and from other words such as the activation."""
    again = _again(pair, layout, positive=positive)
    if isinstance(again, str):
        return could_not_run(pair.backward, again)
    remarks = _other_numbers(layout, wrong) if judged.right else []
    if not layout.fixed and _is_degenerate(layout):
        remarks.append("It was judged for one sample or one feature only, as it takes no batches.")
    if judged.right and again is not None and not again.right:
        judged, again = again, None
    for other in _other_words(layout):
        if not _runs(pair, other, positive=positive):
            continue
        varied = _judged(pair, other, [], positive=positive)
        if varied is not None and not varied.right and judged.right:
            judged, layout = varied, other
            again = _judged_at(pair, other, 9, positive=positive)
    found = diagnosis_of(pair.backward, pair.forward, judged, again, layout, tuple(remarks))
    if found.verdict == "unknown" and not judged.consistent and not layout.fixed:
        # Arrays of other shapes may be intended, so this alone does not prove a mistake.
        return cannot_ask(pair.backward, pair.forward, f"{found.difference}, in all shapes tried")
    return found


def _again(pair: Pair, layout: Layout, *, positive: bool) -> Judgment | str | None:
    """Return the judgment at other numbers, or why the functions cannot be judged."""
    inputs = layout.arguments(SEEDS[0], positive=positive)
    first, second = call(pair.forward, inputs), call(pair.forward, inputs)
    if not _equal(first, second):
        return "the forward function returns other numbers when it is called again"
    return _judged_at(pair, layout, 9, positive=positive) if not layout.fixed else None


def _judged_at(pair: Pair, layout: Layout, seed: int, *, positive: bool) -> Judgment | None:
    for other in (seed, seed + 1, seed + 2):
        try:
            found = [
                judge(
                    pair.backward,
                    layer,
                    samples_of(layout, layer),
                    fused=pair.fused,
                    strict=pair.strict,
                )
                for layer in _layers(pair, layout, other, positive=positive)
            ]
        except (KinkError, CallFailedError):
            continue
        return max(found, key=_score) if found else None
    return None


def _equal(first: Any, second: Any) -> bool:
    from chainrule.diagnosis.layers.values import leaves

    pairs = zip(leaves(first, ""), leaves(second, ""), strict=True)
    return all(
        a.array is None or (b.array is not None and np.array_equal(a.array, b.array))
        for a, b in pairs
    )


def _runs(pair: Pair, layout: Layout, *, positive: bool) -> bool:
    try:
        return all_finite(call(pair.forward, layout.arguments(1, positive=positive)))
    except CallFailedError:
        return False


def _other_words(layout: Layout) -> Iterator[Layout]:
    """Yield the layout with other words, such as the other activations."""
    for name, word in layout.words.items():
        table = next((words for words in WORDS.values() if word in words), ())
        for other in table:
            if other != word:
                yield replace(layout, chosen={**layout.chosen, name: Candidate("", "fixed", other)})


def _other_numbers(layout: Layout, wrong: list[Judged]) -> list[str]:
    """Return a remark if it is right with these numbers, such as a stride, and not with others."""
    for judged, other, _ in wrong:
        shapes = {n: c.text for n, c in other.chosen.items()}
        if judged.consistent and shapes == {n: c.text for n, c in layout.chosen.items()}:
            texts = [
                f"{n.rpartition('.')[2]} = {layout.chosen[n].value}, not with {c.value}"
                for n, c in other.chosen.items()
                if c.value != layout.chosen[n].value
            ]
            if texts:
                return [f"It is right with {' and '.join(texts)}: try overlapping windows."]
    return []


def check_gradient_function(
    f: Callable[..., Any], gradient: Callable[..., Any], x: ArrayLike
) -> LayerDiagnosis:
    """Check the gradient of a function of one array.

    Parameters
    ----------
    f : callable
        Takes an array, and returns a number.
    gradient : callable
        Takes the array, and returns an array of its shape.
    x : array
        The point.

    Returns
    -------
    LayerDiagnosis
    """
    point = np.asarray(x, dtype=float)
    value = as_array(f(point.copy()))
    if value is None or value.size != 1:
        raise InputError(
            "f must return one number; for a layer with an array as its output, use assert_layer"
        )
    of_f, of_gradient = (next(iter(parameters(g)), "x") for g in (f, gradient))
    binding = Binding({of_gradient: point}, (None,), (np.ones(value.shape),))
    layer = Layer(f, {of_f: np.atleast_1d(point)}, binding)
    try:
        judged = judge(gradient, layer, 0)
    except KinkError:
        return could_not_run(gradient, "f has a kink at x: choose another x")
    except CallFailedError as failed:
        return could_not_run(gradient, str(failed))
    return diagnosis_of(gradient, f, judged, None, Layout(fixed={of_f: point}), ())
