"""Report answers that no search should explain: gradients of zero, updates that change nothing.

Many mistakes explain zeros equally well, so naming one of them would be a guess.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from chainrule.diagnosis.questioning import Transcript
from chainrule.diagnosis.report import Diagnosis
from chainrule.submission import Array, Question, Reading

LEARNS_NOTHING = "so it learns nothing. Look for values that are never computed or never used."
ALL_ZERO = f"Not right: every gradient is 0, for all samples and weights, {LEARNS_NOTHING}"
NOTHING_CHANGES = (
    f"Not right: the weights are the same after the update as before, {LEARNS_NOTHING}"
)
CONSTANT = (
    "Not right: the gradients are the same for other samples and other weights, so they do not "
    "come from the network."
)
SAME = 1e-12


def degenerate_diagnosis(transcripts: Sequence[Transcript]) -> Diagnosis | None:
    """Return the diagnosis of answers that say nothing, if all readings of an attempt do."""
    sentences = [_sentence(transcript) for transcript in transcripts]
    if not all(sentences):
        return None
    remarks = tuple(dict.fromkeys(text for each in transcripts for text in each.remarks))
    return Diagnosis("unknown", str(sentences[0]), remarks=remarks)


def _sentence(transcript: Transcript) -> str:
    """Return what is degenerate about the answers, empty if nothing is."""
    asked = [(q, r) for q, r in transcript.asked if q.t.shape[1] > 1] or list(transcript.asked)
    if transcript.kind == "gradients":
        found = [list(_gradients(a, q)) for q, r in asked for a in r.answers]
        if all(map(len, found)) and not any(array.any() for each in found for array in each):
            return ALL_ZERO
        return CONSTANT if _is_constant(asked) else ""
    if transcript.kind == "step":
        return NOTHING_CHANGES if all(_changes_nothing(q, r) for q, r in asked) else ""
    return ""


def _gradients(answer: Mapping[str, Array], question: Question) -> Iterable[Array]:
    """Yield the gradients of the weights, then those of the biases."""
    layers = range(1, len(question.W) + 1)
    names = [f"d{letter}{layer}" for letter in "Wb" for layer in layers]
    return [answer[name] for name in names if name in answer]


def _is_constant(asked: Sequence[tuple[Question, Reading]]) -> bool:
    """Return whether all gradients are equal for different samples."""
    several = [(q, r.answers) for q, r in asked if len(r.answers) > 1]
    pairs = [
        (one, other)
        for q, answers in several
        for one, other in zip(_gradients(answers[0], q), _gradients(answers[1], q), strict=False)
    ]
    return bool(pairs) and all(np.array_equal(one, other) for one, other in pairs)


def _changes_nothing(question: Question, reading: Reading) -> bool:
    """Return whether the first update leaves all weights and biases as they are."""
    answer = reading.answers[0]
    pairs = [
        (old, answer[f"{letter}{layer}_new"])
        for letter, arrays in (("W", question.W), ("b", question.b))
        for layer, old in enumerate(arrays, 1)
        if f"{letter}{layer}_new" in answer
    ]
    return bool(pairs) and all(
        new.shape == old.shape and np.allclose(new, old, rtol=0, atol=SAME) for old, new in pairs
    )
