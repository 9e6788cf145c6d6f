"""Check a program: ask it questions, read its answers in every way that fits, and decide.

`verdicts` words the outcome; this module adds what only programs have, such as their layout.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.diagnosis.decision import Candidate, Outcome, decide, first_correct, first_nonfinite
from chainrule.diagnosis.degenerate import degenerate_diagnosis
from chainrule.diagnosis.evaluation import Evaluator
from chainrule.diagnosis.findings import Finding
from chainrule.diagnosis.networks import Declared, functions, networks, trained
from chainrule.diagnosis.options import SEARCH, CheckOptions
from chainrule.diagnosis.questioning import Transcript, transcripts
from chainrule.diagnosis.replay import Setting
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.rules import (
    candidate_rules,
    own_rate,
    rate_of,
    with_learning_rate,
    with_penalties,
)
from chainrule.diagnosis.search import Search
from chainrule.diagnosis.sessions import Session
from chainrule.diagnosis.verdicts import CERTAINLY_WRONG, diagnosis, place_named, wrong_sentence
from chainrule.errors import InputError
from chainrule.layers import Dense
from chainrule.optimizers import SGD
from chainrule.penalties import Penalty
from chainrule.submission import (
    DOUBTFUL,
    GROWING_RESULT,
    RANDOM_SELECTION,
    SEVERAL_COLUMNS,
    Asker,
    Failure,
    Question,
)

Array: TypeAlias = NDArray[Any]

SINGLE_ONLY = (
    "the numbers agree to at least 4 digits, but not to 15: the program computes in float32 "
    "somewhere, or adds a small number, such as 1e-6 to a denominator"
)
FORWARD_ONLY = "only the forward pass was checked, no gradients and no updates"
NOT_JUDGED = "Could not be judged:"
NO_BACK = (
    "no function or method was found that takes samples and targets and gives gradients or updates."
)
RAISES = " raises "  # of a method that trains
HOW_TO_BE_ASKED = (
    "to have its backpropagation checked, add a function that runs forward and backward pass, such "
    "as gradients(weights, biases, x, t) that returns dW and db, or step(weights, biases, x, t, "
    "learning_rate) that returns the new weights and biases"
)
NOT_THE_OUTPUT = (
    "another method returns something else than this network's output for the same input"
)
NOT_THE_LOSS = "a number returned with the gradients is not the loss of this step; it was ignored"
OTHER_PENALTY = (
    "the returned loss includes a penalty that the gradients do not have, or another one"
)
LATE_LOSS = "the returned loss is computed after the update, not in this step (mistake 44)"
UNDECLARED = "Not right with any activation and loss that was tried, and"
RANDOM_SAMPLES = (
    "it draws at random which samples it uses, or their order, and its results depend on that; "
    "submit a function without the random draw, such as one that makes a single step"
)
SECONDS_RANDOM = 15.0  # for a check of numbers that can hardly be explained
MOST_SOLVED = 40  # networks for which an unknown learning rate is solved
MOST_NETWORKS = 12  # tried with each unlikely optimizer


def check_program(asker: Asker, declared: Declared, options: CheckOptions) -> Diagnosis:
    """Return the diagnosis of a program, given an asker that calls it."""
    found = transcripts(asker, declared, own_question(options, declared))
    if isinstance(found, Failure):
        return failed_diagnosis(found)
    if all(_ignores_input(transcript) for transcript in found):
        return failed_diagnosis(Failure("no-layout", "its results do not depend on its input"))
    for transcript in found:
        if (name := first_nonfinite(transcript.sessions)) is not None:
            is_asked = transcript.kind != "forward" or options.declares_something
            return _nonfinite_diagnosis(name, transcript) if is_asked else _without_backward_pass()
    if (made := degenerate_diagnosis(found)) is not None:
        unclear = next(filter(None, map(_unclear, found)), None)
        return failed_diagnosis(unclear) if unclear else made
    if any(map(random_failure, found)):
        seconds = min(options.time_limit.seconds, SEARCH * SECONDS_RANDOM)
        options = replace(options, time_limit=replace(options.time_limit, seconds=seconds))
    made = _diagnosed(found, declared, options)
    if made.ok and SEVERAL_COLUMNS in made.remarks:
        return replace(
            made, verdict="could-not-run", sentence=f"{NOT_JUDGED} {SEVERAL_COLUMNS}.", remarks=()
        )
    return made


def _diagnosed(found: list[Transcript], declared: Declared, options: CheckOptions) -> Diagnosis:
    """Return the diagnosis of the transcript with the best outcome."""
    candidates = {
        candidate: i
        for i in found
        for sessions in _readings(i)
        for candidate in _candidates_for(i, sessions, declared, options)
    }
    fallbacks = {
        candidate: (i, remark)
        for i in found
        for sessions, remark in _fallback_readings(i)
        for candidate in _candidates_for(i, sessions, declared, options)
    }
    for candidate, (_, remark) in fallbacks.items():
        candidate.likely &= remark == NOT_THE_LOSS
    explained = options.is_explained if all(map(_may_be_unknown, found)) else None
    outcome, candidate = decide(list(candidates), list(fallbacks), is_explained=explained)
    transcript, remark = fallbacks.get(candidate, (candidates.get(candidate, found[0]), ""))
    if remark == NOT_THE_LOSS and outcome.is_correct:
        own = (
            candidate.penalty_outcome() for candidate, i in candidates.items() if i is transcript
        )
        outcome = next(filter(None, own), outcome)
        remark = remark if outcome.is_correct else OTHER_PENALTY
    if _only_late_loss(outcome) and (again := first_correct(list(fallbacks))) is not None:
        (outcome, _), remark = again, LATE_LOSS
    made = _completed(transcript, outcome, declared, options)
    failure = _unclear(transcript)
    if made.verdict == "unknown" and failure is not None:
        return failed_diagnosis(failure)
    return replace(made, remarks=(*made.remarks, *([remark] if remark else [])))


def _may_be_unknown(transcript: Transcript) -> bool:
    """Return whether the verdict on answers that no mistake explains is unknown."""
    return _unclear(transcript) is None and transcript.kind != "forward"


def _unclear(transcript: Transcript) -> Failure | None:
    """Return why answers that no mistake explains prove nothing, None if they do."""
    return random_failure(transcript) or _doubtful_failure(transcript)


def random_failure(transcript: Transcript) -> Failure | None:
    """Return the failure of answers that depend on random numbers, or None."""
    if RANDOM_SELECTION in transcript.remarks:
        return Failure("non-deterministic", RANDOM_SAMPLES)
    return next((f for f in transcript.failed if f.fault == "non-deterministic"), None)


def _doubtful_failure(transcript: Transcript) -> Failure | None:
    """Return the failure of an object whose weights and biases could not be distinguished."""
    if DOUBTFUL not in transcript.remarks:
        return None
    return Failure("no-layout", f"{DOUBTFUL}; {HOW_TO_BE_ASKED}")


def _readings(transcript: Transcript) -> list[list[Session]]:
    """Return the answers; those of a forward pass also as outputs before the final softmax."""
    raw = [s.renamed("p", "o") for s in transcript.sessions]
    return [transcript.sessions, raw] if transcript.kind == "forward" else [transcript.sessions]


def _ignores_input(transcript: Transcript) -> bool:
    """Return whether a forward pass gives the same output for every sample of a batch."""
    if transcript.kind != "forward":
        return False
    outputs = [a.values for s in transcript.sessions for call in s.calls for a in call]
    batches = [values for values in outputs if values.ndim and len(values) > 1]
    return bool(batches) and all(np.ptp(values, axis=0).max() == 0 for values in batches)


def _fallback_readings(transcript: Transcript) -> Iterator[tuple[list[Session], str]]:
    """Yield answers without numbers that may not belong to them, and a remark on each reading."""
    if any(_has(s, "loss") for s in transcript.sessions):
        yield [s.without("loss") for s in transcript.sessions], NOT_THE_LOSS
    if transcript.kind != "forward" and any(_has(s, "p") for s in transcript.sessions):
        yield [s.without("p").without("loss") for s in transcript.sessions], NOT_THE_OUTPUT
    if transcript.layout.dtype == "float64":
        yield [s.with_single_precision() for s in transcript.sessions], SINGLE_ONLY


def _only_late_loss(outcome: Outcome) -> bool:
    """Return whether the only mistake is that the loss is computed after the update."""
    best = outcome.found[:1]
    return any(e.cost == 1 and any(v.form.loss_after_update for v in e.changes) for e in best)


def _has(session: Session, name: str) -> bool:
    """Return whether a session has an array of a name."""
    return any(a.name == name for call in session.calls for a in call)


def own_question(options: CheckOptions, declared: Declared) -> Question | None:
    """Return the caller's own parameters and data as a question, if they are given."""
    if options.theta is None:
        return None
    network = options.known
    if network is None or options.x is None or options.t is None:
        raise InputError("theta requires a Network, x and t; pass all four or none of them")
    if not all(isinstance(layer, Dense) and layer.bias for layer in network.layers):
        raise InputError(
            "programs can be checked only on Dense layers with biases; pass numbers instead"
        )
    batch = network.batch(network.layout.check(options.theta), options.x, options.t)
    params = network.params(np.asarray(options.theta, dtype=float))
    rate = declared.rate or rate_of(declared.rule) or 0.5
    return Question(
        tuple(np.array(p["W"]) for p in params),
        tuple(np.array(p["b"]) for p in params),
        batch.x,
        batch.t,
        rate,
    )


def _candidates_for(
    transcript: Transcript, sessions: list[Session], declared: Declared, options: CheckOptions
) -> Iterator[Candidate]:
    """Yield the candidates for one reading of an attempt, that of the likeliest optimizer first."""
    nets = (
        [options.known, *trained(options.known)]
        if options.known
        else networks(transcript.widths, declared, bias=transcript.layout.bias != "none")
    )
    with_penalty = with_penalties(nets, transcript.first.own)
    rules = candidate_rules(transcript, declared)
    for place, (rule, open_rate) in enumerate(rules):
        first = rules[0][0]
        alike = rule is not None and first is not None and rule.name == first.name
        tried = [*nets, *with_penalty] if place == 0 or alike else nets[:MOST_NETWORKS]
        settings = [Setting(n, rule, online) for online in _modes(transcript) for n in tried]
        rate = declared.rate if declared.rate is not None else own_rate(transcript)
        search = Search(sessions, Evaluator(options.strict, rate, open_rate), options.time_limit)
        yield Candidate(search, settings, likely=place == 0)
        if open_rate and rule is not None and (solved := _solved_rate(search, settings)):
            known = with_learning_rate(rule, solved)
            search = Search(sessions, Evaluator(options.strict, solved), options.time_limit)
            yield Candidate(search, [replace(s, rule=known) for s in settings])


def _solved_rate(search: Search, settings: list[Setting]) -> float | None:
    """Return the learning rate for which most updates of one sample agree, None if none does.

    Mistakes that use updated weights cannot be computed without it.
    """
    found = [search.single_agreement(setting) for setting in settings[:MOST_SOLVED]]
    count, scale = max(found, key=lambda pair: pair[0], default=(0, None))
    return scale.factor if scale is not None and count and scale.factor > 0 else None


def _modes(transcript: Transcript) -> list[bool]:
    """Return whether there may be one update per sample, the likelier possibility first."""
    if transcript.kind != "step":
        return [False]
    return [True, False] if transcript.online else [False, True]


# ---- wording ------------------------------------------------------------------------------------


def _completed(
    transcript: Transcript, outcome: Outcome, declared: Declared, options: CheckOptions
) -> Diagnosis:
    """Return the diagnosis with the program's conventions and remarks."""
    made = _with_growing_lists(diagnosis(outcome), transcript)
    needed = (declared.activation, declared.loss if transcript.kind != "forward" else "any")
    if options.known is None and None in needed:
        made = replace(made, sentence=made.sentence.replace(CERTAINLY_WRONG, UNDECLARED))
    made = _limited_to_forward_pass(made, transcript)
    convention = {
        **_layout_in_words(transcript),
        **made.convention,
        **_inferred(outcome, transcript, declared, options),
    }
    remarks = (*made.remarks, *_remarks(transcript, outcome))
    return replace(made, convention=convention, remarks=tuple(dict.fromkeys(remarks)))


def _without_backward_pass() -> Diagnosis:
    """Return the diagnosis of what is hardly a network's forward pass: a cost, for example."""
    return Diagnosis("could-not-run", f"{NOT_JUDGED} {NO_BACK}", remarks=(HOW_TO_BE_ASKED,))


def _limited_to_forward_pass(made: Diagnosis, transcript: Transcript) -> Diagnosis:
    """Return a diagnosis that judges nothing if a forward pass is all there is.

    A right forward pass says nothing about gradients, and one that is like no network's is hardly
    one. A mistake that explains it completely is reported, and so is any difference from a network
    that is described.
    """
    if transcript.kind != "forward" or made.verdict == "wrong":
        return made
    if made.ok:
        network = made.network.rpartition(", ")[0]
        raised = next((text for text in transcript.remarks if RAISES in text), "")
        but = f"{raised}." if raised else NO_BACK
        sentence = f"{NOT_JUDGED} its forward pass agrees with a {network} network's, but {but}"
    elif made.sentence.startswith(CERTAINLY_WRONG):
        return made
    else:
        sentence = f"{NOT_JUDGED} {NO_BACK}"
    return replace(
        made,
        verdict="could-not-run",
        sentence=sentence,
        first_wrong=None,
        difference="",
        comparisons=(),
        remarks=(*made.remarks, HOW_TO_BE_ASKED),
    )


def _with_growing_lists(made: Diagnosis, transcript: Transcript) -> Diagnosis:
    """Return a diagnosis that names lists which grow with every call, if there are any."""
    if made.ok or not any(text.startswith(GROWING_RESULT) for text in transcript.remarks):
        return made
    finding = Finding(MISTAKES["shared-lists"])
    titles = [f.mistake.title for f in (*made.mistakes, finding)]
    return replace(
        made, verdict="wrong", sentence=wrong_sentence(titles), mistakes=(*made.mistakes, finding)
    )


def _layout_in_words(transcript: Transcript) -> dict[str, str]:
    """Return the layout of the program's arguments and arrays, in words."""
    layout = transcript.layout
    words = {"arguments": layout.arguments, "weights": layout.weights, "samples": layout.samples}
    if layout.bias != "separate":
        words["bias"] = (
            f"{layout.bias} in the weights" if layout.bias in ("first", "last") else layout.bias
        )
    if layout.lists:
        words["arrays"] = "plain lists"
    if layout.dtype != "float64":
        words["precision"] = layout.dtype
    return words


def _inferred(
    outcome: Outcome, transcript: Transcript, declared: Declared, options: CheckOptions
) -> dict[str, str]:
    """Return what was inferred because it was not declared, in words."""
    words: dict[str, str] = {}
    network, rule = outcome.setting.network, outcome.setting.rule
    if options.known is None and outcome.found:
        names = dict.fromkeys(functions(network))
        if declared.activation is None:
            words["activation"] = f"{', '.join(names)} (inferred)"
        if declared.loss is None and transcript.kind != "forward":
            words["loss"] = f"{network.loss.name} (inferred)"
    if network.penalty and not (options.known and options.known.penalty) and outcome.found:
        words["penalty"] = f"{_penalty_in_words(network.penalty)}, from a number in the program"
    if rule is not None and declared.rule is None and not isinstance(rule, SGD):
        words["optimizer"] = f"{rule.name} (inferred)"
    if outcome.setting.online:
        words["updates"] = "one for each sample"
    return words


def _penalty_in_words(penalty: Penalty) -> str:
    """Return the terms that a penalty adds to the loss."""
    added = {"l1": "Σ|w|", "l2": "Σw²", "alpha": "Σw² / 2n"}
    parts = (
        f"{penalty.constants[name]:g} {term}"
        for name, term in added.items()
        if penalty.constants[name]
    )
    return " + ".join(parts)


def _remarks(transcript: Transcript, outcome: Outcome) -> Iterator[str]:
    """Yield remarks on what was noticed while asking, and on what was not checked."""
    yield from (text for text in transcript.remarks if text != DOUBTFUL)
    if transcript.kind == "forward":
        yield FORWARD_ONLY
    changed = sorted({name for _, r in transcript.asked for name in r.changed})
    if changed and transcript.kind != "step":
        yield f"it changes its arguments: {', '.join(changed)}"
    names = {seen.name for s in transcript.sessions for call in s.calls for seen in call}
    unbiased = transcript.layout.bias == "none" or transcript.kind == "forward"
    if not unbiased and not any(n.startswith(("b", "db")) for n in names):
        yield "no gradients of the biases were returned, so they were not checked"
    for text in dict.fromkeys(failure.text for failure in transcript.failed):
        yield f"some questions were not answered: {text}"
    if (outcome.search.late or outcome.search.unfinished) and not outcome.found:
        yield "not every pair of mistakes was tried, because the time limit was reached"


def _nonfinite_diagnosis(name: str, transcript: Transcript) -> Diagnosis:
    """Return the diagnosis of numbers that became NaN or infinite."""
    finding = Finding(MISTAKES["overflow"])
    return Diagnosis(
        "wrong",
        f"Wrong: {finding.mistake.title}: {name} is not finite for ordinary input.",
        first_wrong=place_named(name),
        mistakes=(finding,),
        remarks=transcript.remarks,
    )


def _as_sentence(text: str) -> str:
    """Return a text on one line, with a full stop unless it ends with a punctuation mark."""
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."


def failed_diagnosis(failure: Failure) -> Diagnosis:
    """Return the diagnosis of a program that could not be run."""
    remarks = (failure.detail,) if failure.detail else ()
    return Diagnosis(
        "could-not-run", f"Could not be run: {_as_sentence(failure.text)}", remarks=remarks
    )
