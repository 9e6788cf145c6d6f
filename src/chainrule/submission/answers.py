"""Combine, compare and continue from the answers of a submission.

The callers of functions and of classes share this.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.submission.attempts import parameters
from chainrule.submission.questions import Array, Kind, Question
from chainrule.submission.values import is_number

# Programs that keep objects in sets add their numbers up in another order in each call.
SAME = 1e-12


def select_sample(question: Question, sample: int) -> Question:
    """Return the question with only one of its samples."""
    rows = slice(sample, sample + 1)
    return replace(question, x=question.x[rows], t=question.t[rows])


def with_other_targets(question: Question) -> Question:
    """Return the question with other targets of the same kind."""
    t = question.t
    return replace(question, t=np.roll(t, 1, axis=1) if t.shape[1] > 1 else 1 - t)


def are_close(one: Sequence[Mapping[str, Array]], other: Sequence[Mapping[str, Array]]) -> bool:
    """Return whether two runs gave the same answers up to rounding."""
    return len(one) == len(other) and all(
        mine.keys() == theirs.keys()
        and all(
            mine[n].shape == theirs[n].shape
            and np.allclose(mine[n], theirs[n], rtol=1e-5, atol=1e-9, equal_nan=True)
            for n in mine
        )
        for mine, theirs in zip(one, other, strict=True)
    )


def continue_from(question: Question, answer: Mapping[str, Array]) -> Question | None:
    """Return the question with an answer's new parameters; None if their shapes do not fit."""
    W, b = list(question.W), list(question.b)
    for i in range(len(W)):
        W[i] = np.asarray(answer.get(f"W{i + 1}_new", W[i]))
        b[i] = np.asarray(answer.get(f"b{i + 1}_new", b[i]))
    shapes = [new.shape for new in W + b] == [old.shape for old in (*question.W, *question.b)]
    return replace(question, W=tuple(W), b=tuple(b)) if shapes else None


def combine_samples(each: list[dict[str, Array]], kind: Kind) -> dict[str, Array]:
    """Return the answers to single samples as one: outputs stacked, gradients averaged."""
    names = [name for name in each[0] if all(name in answer for answer in each)]
    if kind == "forward":
        return {name: np.concatenate([answer[name] for answer in each]) for name in names}
    shapes = {name: {answer[name].shape for answer in each} for name in names}
    return {
        name: _mean([answer[name] for answer in each]) for name in names if len(shapes[name]) == 1
    }


def _mean(arrays: list[Array]) -> Array:
    """Return the mean of arrays, in their own precision."""
    with np.errstate(all="ignore"):
        total = np.sum(np.stack(arrays).astype(float), axis=0) / len(arrays)
    return total.astype(np.result_type(*arrays)) if arrays[0].dtype == np.float32 else total


def are_identical(one: tuple[dict[str, Array], ...], other: tuple[dict[str, Array], ...]) -> bool:
    """Return whether two runs gave the same answers, except for the order of their sums."""
    return len(one) == len(other) and all(
        mine.keys() == theirs.keys() and all(_is_same(mine[n], theirs[n]) for n in mine)
        for mine, theirs in zip(one, other, strict=True)
    )


def _is_same(one: Array, other: Array) -> bool:
    """Return whether two arrays are equal within `SAME`, relative to their largest entry."""
    if one.shape != other.shape or np.array_equal(one, other, equal_nan=True):
        return one.shape == other.shape
    size = float(np.max(np.abs(one), initial=0.0, where=np.isfinite(one)))
    return np.allclose(one, other, rtol=0.0, atol=SAME * size, equal_nan=True)


def dtype_of(answers: tuple[dict[str, Array], ...]) -> str:
    """Return ``"float32"`` if every answer is a float32 number, else ``"float64"``."""
    arrays = [array for answer in answers for name, array in answer.items() if name != "loss"]
    with np.errstate(all="ignore"):
        is_single = [
            np.array_equal(a, a.astype(np.float32).astype(float), equal_nan=True) for a in arrays
        ]
        moving = any(np.any(a != np.round(a, 3)) for a in arrays)
    return "float32" if arrays and all(is_single) and moving else "float64"


def as_float64(answer: Mapping[str, Array]) -> dict[str, Array]:
    """Return an answer with all arrays converted to float64."""
    return {name: np.array(array, dtype=float) for name, array in answer.items()}


def default_numbers(
    function: Callable[..., Any], skipped: tuple[str, ...] = ()
) -> dict[str, float]:
    """Return the default values of a function's parameters that are numbers."""
    return {
        p.name: float(p.default)
        for p in parameters(function)
        if is_number(p.default) and p.name not in skipped
    }
