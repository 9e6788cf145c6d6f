"""A program under examination: it is asked, read in every way that fits, and judged.

What is said of the outcome in general stands in verdicts.py; here is what only programs have.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.diagnosis.decision import Candidate, Outcome, decide, first_correct, first_nonfinite
from chainrule.diagnosis.evaluation import Evaluator
from chainrule.diagnosis.findings import Finding
from chainrule.diagnosis.interview import Interview, interviews
from chainrule.diagnosis.networks import Declared, functions, networks, trained
from chainrule.diagnosis.replay import Setting
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.rules import own_rate, rate_of, rules, with_penalties
from chainrule.diagnosis.search import Search
from chainrule.diagnosis.sessions import Session
from chainrule.diagnosis.terms import Terms
from chainrule.diagnosis.verdicts import CERTAINLY_WRONG, diagnosis, place_named, wrong_sentence
from chainrule.errors import InputError
from chainrule.layers import Dense
from chainrule.optimizers import SGD
from chainrule.penalties import Penalty
from chainrule.submission import GROWING_RESULT, RANDOM_SELECTION, Asker, Failure, Question

Array: TypeAlias = NDArray[Any]

SINGLE_ONLY = "its numbers agree to single precision only; somewhere it computes in float32"
FORWARD_ONLY = "only the forward pass was asked: no gradient and no update was judged"
NOT_THE_OUTPUT = "what another method gives for the same input is not this network's output"
NOT_THE_LOSS = "a number that it hands out beside them is not this step's loss; it was not judged"
OTHER_PENALTY = "the loss that it hands out has a penalty that its gradients have not, or another"
LATE_LOSS = "the loss that it hands out is that after the update, not this step's (mistake 44)"
UNDECLARED = "Right under no activation and loss that was tried, and"
CHANCE = (
    "which samples it takes, or in which order, is drawn at random, and its numbers depend on "
    "that; hand in a function without the draw, such as that of one step or of the gradients"
)
SECONDS_DRAWN = 15.0  # for a check whose numbers are hardly to be explained
MOST_NETWORKS = 12  # that are tried under an unlikely optimizer


def examine(asker: Asker, declared: Declared, terms: Terms) -> Diagnosis:
    """Return the diagnosis of a program that can be asked."""
    found = interviews(asker, declared, own_question(terms, declared))
    if isinstance(found, Failure):
        return failed(found)
    if all(_says_nothing(interview) for interview in found):
        return failed(Failure("no-layout", "what it returns does not depend on its input"))
    for interview in found:
        if (name := first_nonfinite(interview.sessions)) is not None:
            return overflowed(name, interview)
    if any(map(by_chance, found)):
        terms = replace(terms, seconds=min(terms.seconds, SECONDS_DRAWN))
    return decided(found, declared, terms)


def decided(found: list[Interview], declared: Declared, terms: Terms) -> Diagnosis:
    """Return the diagnosis of the interviews by which most is explained."""
    candidates = {
        candidate: i
        for i in found
        for sessions in _ways(i)
        for candidate in held(i, sessions, declared, terms)
    }
    fallbacks = {
        candidate: (i, remark)
        for i in found
        for sessions, remark in spared(i)
        for candidate in held(i, sessions, declared, terms)
    }
    for candidate, (_, remark) in fallbacks.items():
        candidate.likely &= remark == NOT_THE_LOSS
    outcome, candidate = decide(list(candidates), list(fallbacks))
    interview, remark = fallbacks.get(candidate, (candidates.get(candidate, found[0]), ""))
    if remark == NOT_THE_LOSS and outcome.is_correct:
        own = (candidate.penalty_outcome() for candidate, i in candidates.items() if i is interview)
        outcome = next(filter(None, own), outcome)
        remark = remark if outcome.is_correct else OTHER_PENALTY
    if _only_late(outcome) and (again := first_correct(list(fallbacks))) is not None:
        (outcome, _), remark = again, LATE_LOSS
    made = told(interview, outcome, declared, terms)
    if made.verdict == "unknown" and (failure := by_chance(interview)) is not None:
        return failed(failure)
    return replace(made, remarks=(*made.remarks, *([remark] if remark else [])))


def by_chance(interview: Interview) -> Failure | None:
    """Return why answers cannot be judged that random numbers have a part in, if they have."""
    if RANDOM_SELECTION in interview.remarks:
        return Failure("non-deterministic", CHANCE)
    return next((f for f in interview.failed if f.fault == "non-deterministic"), None)


def _ways(interview: Interview) -> list[list[Session]]:
    """Return the answers, and of a forward pass also as raw outputs, without the loss's link."""
    raw = [s.renamed("p", "o") for s in interview.sessions]
    return [interview.sessions, raw] if interview.kind == "forward" else [interview.sessions]


def _says_nothing(interview: Interview) -> bool:
    """Tell whether a forward pass gives the same numbers for every sample of a batch."""
    if interview.kind != "forward":
        return False
    outputs = [a.values for s in interview.sessions for call in s.calls for a in call]
    batches = [values for values in outputs if values.ndim and len(values) > 1]
    return bool(batches) and all(np.ptp(values, axis=0).max() == 0 for values in batches)


def spared(interview: Interview) -> Iterator[tuple[list[Session], str]]:
    """Yield an interview's answers without what may be no part of them, and what to say then."""
    if any(_has(s, "loss") for s in interview.sessions):
        yield [s.without("loss") for s in interview.sessions], NOT_THE_LOSS
    if interview.kind != "forward" and any(_has(s, "p") for s in interview.sessions):
        yield [s.without("p").without("loss") for s in interview.sessions], NOT_THE_OUTPUT
    if interview.layout.dtype == "float64":
        yield [s.with_single_precision() for s in interview.sessions], SINGLE_ONLY


def _only_late(outcome: Outcome) -> bool:
    """Tell whether nothing is wrong but a loss that is handed out after the update."""
    best = outcome.found[:1]
    return any(e.cost == 1 and any(v.form.loss_after_update for v in e.changes) for e in best)


def _has(session: Session, name: str) -> bool:
    """Tell whether something of a name is handed out."""
    return any(a.name == name for call in session.calls for a in call)


def own_question(terms: Terms, declared: Declared) -> Question | None:
    """Return the learner's own numbers as a question, if they were handed in."""
    if terms.theta is None:
        return None
    network = terms.known
    if network is None or terms.x is None or terms.t is None:
        raise InputError("theta needs a Network, x and t beside it; give all four or none")
    if not all(isinstance(layer, Dense) and layer.bias for layer in network.layers):
        raise InputError(
            "programs are asked about Dense layers with biases; hand in numbers instead"
        )
    batch = network.batch(network.layout.check(terms.theta), terms.x, terms.t)
    params = network.params(np.asarray(terms.theta, dtype=float))
    rate = declared.rate or rate_of(declared.rule) or 0.5
    return Question(
        tuple(np.array(p["W"]) for p in params),
        tuple(np.array(p["b"]) for p in params),
        batch.x,
        batch.t,
        rate,
    )


def held(
    interview: Interview, sessions: list[Session], declared: Declared, terms: Terms
) -> Iterator[Candidate]:
    """Yield the candidates for one way to read an attempt: the likeliest rule's, then others'."""
    nets = (
        [terms.known, *trained(terms.known)]
        if terms.known
        else networks(interview.widths, declared, bias=interview.layout.bias != "none")
    )
    with_penalty = with_penalties(nets, interview.first.own)
    for place, (rule, open_rate) in enumerate(rules(interview, declared)):
        tried = [*nets, *with_penalty] if place == 0 else nets[:MOST_NETWORKS]
        settings = [Setting(n, rule, online) for online in _modes(interview) for n in tried]
        rate = declared.rate if declared.rate is not None else own_rate(interview)
        search = Search(sessions, Evaluator(terms.strict, rate, open_rate), terms.deadline)
        yield Candidate(search, settings, likely=place == 0)


def _modes(interview: Interview) -> list[bool]:
    """Return whether samples may have updates of their own, the likelier first."""
    if interview.kind != "step":
        return [False]
    return [True, False] if interview.online else [False, True]


# ---- what is said of it --------------------------------------------------------------------------


def told(interview: Interview, outcome: Outcome, declared: Declared, terms: Terms) -> Diagnosis:
    """Return the diagnosis with what is to be said of the program's own ways."""
    made = as_far_as_asked(behaved(diagnosis(outcome), interview), interview)
    if terms.known is None and None in (declared.activation, declared.loss):
        made = replace(made, sentence=made.sentence.replace(CERTAINLY_WRONG, UNDECLARED))
    convention = {
        **layout_words(interview),
        **made.convention,
        **found_out(outcome, interview, declared, terms),
    }
    remarks = (*made.remarks, *remarked(interview, outcome))
    return replace(made, convention=convention, remarks=tuple(dict.fromkeys(remarks)))


def as_far_as_asked(made: Diagnosis, interview: Interview) -> Diagnosis:
    """Return a diagnosis that does not claim more than a forward pass, if that is all there is."""
    if not made.ok or interview.kind != "forward":
        return made
    network = made.network.rpartition(", ")[0]
    return replace(made, sentence=f"Right, the forward pass: it agrees with a {network} network's.")


def behaved(made: Diagnosis, interview: Interview) -> Diagnosis:
    """Return a diagnosis with the mistake of lists that grow from call to call, if they do."""
    if made.ok or not any(text.startswith(GROWING_RESULT) for text in interview.remarks):
        return made
    finding = Finding(MISTAKES["shared-lists"])
    titles = [f.mistake.title for f in (*made.mistakes, finding)]
    return replace(
        made, verdict="wrong", sentence=wrong_sentence(titles), mistakes=(*made.mistakes, finding)
    )


def layout_words(interview: Interview) -> dict[str, str]:
    """Return how the program has its arrays, in words."""
    layout = interview.layout
    said = {"arguments": layout.arguments, "weights": layout.weights, "samples": layout.samples}
    if layout.bias != "separate":
        said["bias"] = (
            f"{layout.bias} in the weights" if layout.bias in ("first", "last") else layout.bias
        )
    if layout.lists:
        said["arrays"] = "plain lists"
    if layout.dtype != "float64":
        said["precision"] = layout.dtype
    return said


def found_out(
    outcome: Outcome, interview: Interview, declared: Declared, terms: Terms
) -> dict[str, str]:
    """Return what was not declared and was found out."""
    said: dict[str, str] = {}
    network, rule = outcome.setting.network, outcome.setting.rule
    if terms.known is None and outcome.found:
        names = dict.fromkeys(functions(network))
        if declared.activation is None:
            said["activation"] = f"{', '.join(names)} (inferred)"
        if declared.loss is None and interview.kind != "forward":
            said["loss"] = f"{network.loss.name} (inferred)"
    if network.penalty and not (terms.known and terms.known.penalty) and outcome.found:
        said["penalty"] = f"{penalty_words(network.penalty)}, by a number of its own"
    if rule is not None and declared.rule is None and not isinstance(rule, SGD):
        said["optimizer"] = f"{rule.name} (inferred)"
    if outcome.setting.online:
        said["updates"] = "one for each sample"
    return said


def penalty_words(penalty: Penalty) -> str:
    """Return what a penalty adds to the loss."""
    terms = {"l1": "Σ|w|", "l2": "Σw²", "alpha": "Σw² / 2n"}
    parts = (
        f"{penalty.constants[name]:g} {term}"
        for name, term in terms.items()
        if penalty.constants[name]
    )
    return " + ".join(parts)


def remarked(interview: Interview, outcome: Outcome) -> Iterator[str]:
    """Yield what else was noticed."""
    yield from interview.remarks
    if interview.kind == "forward":
        yield FORWARD_ONLY
    changed = sorted({name for _, r in interview.asked for name in r.changed})
    if changed and interview.kind != "step":
        yield f"it changes its arguments: {', '.join(changed)}"
    names = {seen.name for s in interview.sessions for call in s.calls for seen in call}
    unbiased = interview.layout.bias == "none" or interview.kind == "forward"
    if not unbiased and not any(n.startswith(("b", "db")) for n in names):
        yield "no gradients of the biases were handed out; they were not judged"
    for text in dict.fromkeys(failure.text for failure in interview.failed):
        yield f"it could not be asked everything: {text}"
    if (outcome.search.late or outcome.search.unfinished) and not outcome.found:
        yield "not every pair of mistakes was tried: there is a limit of time for pairs"


def overflowed(name: str, interview: Interview) -> Diagnosis:
    """Return the diagnosis of numbers that became NaN or infinite."""
    finding = Finding(MISTAKES["overflow"])
    return Diagnosis(
        "wrong",
        f"Wrong: {finding.mistake.title}: {name} is not finite for ordinary input.",
        first_wrong=place_named(name),
        mistakes=(finding,),
        remarks=interview.remarks,
    )


def ended(text: str) -> str:
    """Return a text as a sentence that ends once, on one line."""
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."


def failed(failure: Failure) -> Diagnosis:
    """Return the diagnosis of what could not be run."""
    remarks = (failure.detail,) if failure.detail else ()
    return Diagnosis("could-not-run", f"Could not be run: {ended(failure.text)}", remarks=remarks)
