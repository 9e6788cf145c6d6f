"""Asking a learner's function: in which order, grouping and shape it wants its arguments.

Layouts are tried from the most usual on until the results have shapes that fit; whether what they
say is right is not looked at here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.submission.answers import (
    after,
    as_float64,
    dtype_of,
    near,
    only,
    own_numbers,
    retargeted,
    same,
    together,
)
from chainrule.submission.arrays import (
    IN_OUT,
    OUT_IN,
    Form,
    Named,
    activations,
    named,
    numeric,
)
from chainrule.submission.attempts import Attempt, parameters, spare
from chainrule.submission.calls import Crashed, Ground, guarded
from chainrule.submission.functions.call_plans import (
    Group,
    Plan,
    arguments,
    is_usual,
    keywords,
    layers,
    plan_of,
    plans,
)
from chainrule.submission.questions import Array, Failure, Kind, Layout, Question, Reading
from chainrule.submission.randomness import Chance
from chainrule.submission.values import is_array, is_dict, is_sequence

PATIENCE = 0.5  # s: a layout that is only tried, once another has taken all its time
LIKELY = 3  # groupings whose unusual forms are tried too
LONGEST = 15.0  # s that a search goes on
STALLS = 3  # layouts that may use up their time
NEAR, FAR = 0.7, 0.3  # how much of the old weights new ones hold, and gradients at most


# --- One run -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Answer:
    """What one call answered, in our layout but not yet named by kind.

    Parameters
    ----------
    found : Named or None
        Arrays like the parameters: returned, or left in the arguments.
    outputs : dict of str to array
        What a forward pass gives.
    inside : Named or None
        The parameters that were handed in, if they were changed.
    changed : tuple of str
    """

    found: Named | None
    outputs: dict[str, Array]
    inside: Named | None
    changed: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Asker:
    """A function and how much time it has.

    Parameters
    ----------
    function : callable
    ground : Ground
    seconds : float
    """

    function: Callable[..., Any]
    ground: Ground
    seconds: float

    def call(self, plan: Plan, question: Question) -> Answer:
        """Call the function once for everything that is handed in at a time."""
        given = arguments(plan, question)
        before = {role: _frozen(value) for role, value in given.items()}
        tree = guarded(self.function, list(given.values()), keywords(plan), seconds=self.seconds)
        changed = tuple(r for r, value in given.items() if _frozen(value) != before[r])
        inside = None
        if any(role not in {"x", "t"} for role in changed):
            inside = named(
                [v for r, v in given.items() if r not in {"x", "t", "rate", "one"}],
                question,
                plan.form,
            )
        if plan.container == "vector":
            tree = _unraveled(tree, question, plan.form)
        outputs = {} if "t" in plan.roles else activations(tree, question, plan.form)
        found = named(tree, question, plan.form) if "t" in plan.roles else None
        return Answer(found, outputs, inside, _roles(changed))


def _frozen(value: Any) -> Any:
    """Return something to compare `value` by later."""
    if is_array(value):
        return value.shape, value.tobytes()
    if is_dict(value):
        return {key: _frozen(part) for key, part in value.items()}
    if is_sequence(value):
        return [_frozen(part) for part in value]
    return value


def _roles(changed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments that were changed, as a report calls them."""
    words = {"W": "weights", "b": "biases", "p": "weights"}
    return tuple(dict.fromkeys(words.get(role[0], role) for role in changed))


def _unraveled(tree: Any, question: Question, form: Form) -> Any:
    """Return a vector of all parameters as W1 b1 W2 b2 …, if it is one."""
    vector = numeric(tree)
    parts = [p for pair in zip(*layers(question, form), strict=True) for p in pair]
    sizes = [np.size(part) for part in parts]
    if vector is None or vector.size != sum(sizes):
        return tree
    cuts = np.split(vector.ravel(), np.cumsum(sizes)[:-1])
    return [cut.reshape(np.shape(part)) for cut, part in zip(cuts, parts, strict=True)]


# --- What kind of answer -------------------------------------------------------------------------


def holds(found: Named, question: Question) -> float:
    """Return how much of the old parameters results hold: 1 for new ones, 0 for gradients."""
    over, under = 0.0, 0.0
    for letter, arrays in (("W", question.W), ("b", question.b)):
        for i, old in enumerate(arrays, 1):
            new = found.arrays.get(f"{letter}{i}")
            if new is not None and new.shape == old.shape and np.isfinite(new).all():
                over, under = over + float((new * old).sum()), under + float((old * old).sum())
    return over / under if under else 0.5


def kinds_of(asker: Asker, plan: Plan, question: Question, answer: Answer) -> list[Kind]:
    """Return what an answer may be, the likeliest first; several only in doubt."""
    if "t" not in plan.roles:
        return ["forward"]
    if answer.found is None:
        return ["step"]
    proven = _without_input(asker, plan, question)
    if proven is None and "rate" in plan.roles:
        proven = _without_rate(asker, plan, question)
    if answer.inside is not None and not _is_inside(answer):
        return ["step", "gradients"] if proven is not True else ["step"]
    if proven is not None:
        return ["step"] if proven else ["gradients"]
    share = holds(answer.found, question)
    if NEAR > share > FAR:
        return ["step", "gradients"] if share >= 0.5 else ["gradients", "step"]
    return ["step"] if share >= NEAR else ["gradients"]


def _without_input(asker: Asker, plan: Plan, question: Question) -> bool | None:
    """Return whether x = 0 leaves the first weights as they are; None if it tells nothing.

    Where x is 0 the gradient of the first weights is 0, and a step returns the old ones.
    """
    blind = replace(question, x=np.zeros_like(question.x))
    found = _found(asker, plan, blind)
    if found is None or found.arrays["W1"].shape != question.W[0].shape:
        return None
    R = found.arrays["W1"]
    if not R.any():
        return False
    return True if np.allclose(R, question.W[0], rtol=1e-5, atol=1e-7) else None


def _needs_input(asker: Asker, plan: Plan, question: Question) -> bool:
    """Return whether the first weights' change is made with the input, as far as can be seen."""
    if "t" not in plan.roles:
        return True
    stays = _without_input(asker, plan, question)
    if stays is None:
        return _shrinks(asker, plan, question)
    found = _found(asker, plan, _lone(question))
    if found is None or found.arrays["W1"].shape != question.W[0].shape:
        return False
    moved = found.arrays["W1"] - (question.W[0] if stays else 0)
    return any(bool(m[:, 0].any()) and np.allclose(m[:, 1:], 0) for m in (moved, moved.T))


def _needs_targets(asker: Asker, plan: Plan, question: Question) -> bool:
    """Return whether other targets make another answer."""
    one, two = (_found(asker, plan, q) for q in (question, retargeted(question)))
    if one is None or two is None:
        return False
    return not same((one.arrays,), (two.arrays,))


def _shrinks(asker: Asker, plan: Plan, question: Question) -> bool:
    """Return whether x = 0 only shrinks the first weights, returned or changed in place."""
    blind = replace(question, x=np.zeros_like(question.x))
    try:
        asker.ground.restore(0)
        answer = asker.call(plan, first_sample(blind, plan))
    except Crashed:
        return False
    found = answer.found if _better(answer.found, answer.inside) else answer.inside
    new, old = None if found is None else found.arrays["W1"], question.W[0]
    if new is None or new.shape != old.shape:
        return False
    share = float((new * old).sum() / (old * old).sum())
    return bool(np.allclose(new, share * old, rtol=1e-5, atol=1e-7))


def _lone(question: Question) -> Question:
    """Return the question with its first input alone."""
    lone = np.zeros_like(question.x)
    lone[:, 0] = question.x[:, 0]
    return replace(question, x=lone)


def _found(asker: Asker, plan: Plan, question: Question) -> Named | None:
    """Return what a function returns for a question that is only a probe."""
    try:
        asker.ground.restore(0)
        return asker.call(plan, first_sample(question, plan)).found
    except Crashed:
        return None


def _without_rate(asker: Asker, plan: Plan, question: Question) -> bool | None:
    """Return whether a learning rate of 0 returns the old weights; None if it tells nothing."""
    found = _found(asker, plan, replace(question, rate=0.0))
    if found is None or found.fits[0] < len(question.W):
        return None
    parts = [found.arrays[f"W{i}"] for i in range(1, len(question.W) + 1)]
    if all(np.allclose(R, W, rtol=1e-5, atol=1e-7) for R, W in zip(parts, question.W, strict=True)):
        return True
    return False if all(not R.any() for R in parts) else None


def first_sample(question: Question, plan: Plan) -> Question:
    """Return the question for one call: the first sample alone where they take one at a time."""
    return only(question, 0) if plan.form.single else question


# --- The search ----------------------------------------------------------------------------------


def _score(plan: Plan, answer: Answer, question: Question) -> tuple[int, int] | None:
    """Return how well an answer fits: how many W and how many b have their shapes."""
    depth = len(question.W)
    if "t" not in plan.roles:
        p = answer.outputs.get("p")
        return None if p is None else (depth, depth)
    found = answer.found if _better(answer.found, answer.inside) else answer.inside
    if found is None:
        return None
    bare = plan.form.bias != "separate"
    return found.fits[0], depth if bare else found.fits[1]


def _better(found: Named | None, inside: Named | None) -> bool:
    """Return whether what was returned is to be looked at rather than the changed arguments."""
    if found is None:
        return False
    return inside is None or found.fits[0] >= inside.fits[0]


@dataclass(eq=False)
class Search:
    """The search for a plan that works, with what went wrong on the way."""

    asker: Asker
    question: Question
    best: tuple[tuple[int, int], Plan, Answer] | None = None
    crash: Crashed | None = None
    stalls: int = 0
    tried: int = 0
    hopeless: set[Group] = field(default_factory=set["Group"])
    reached: dict[Group, int] = field(default_factory=dict["Group", int])
    started: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Try plans until one fits; where none trains, those with an argument for the targets."""
        self._all(list(plans(self.asker.function, self.question)))
        if self._trains() or not spare(parameters(self.asker.function)):
            return
        known, self.best = self.best, None
        self._all(list(plans(self.asker.function, self.question, optional=True)))
        if not self._trains() or not self._needs_targets():
            self.best = known

    def _trains(self) -> bool:
        """Return whether the best plan gives all weights, by samples and targets."""
        whole = self.best is not None and self.best[0][0] == len(self.question.W)
        return whole and self.best is not None and "t" in self.best[1].roles

    def _needs_targets(self) -> bool:
        """Return whether other targets make another answer."""
        return self.best is not None and _needs_targets(self.asker, self.best[1], self.question)

    def _all(self, found: list[Plan]) -> None:
        """Try usual forms, then all forms of what came farthest.

        Those that take whole batches come before single samples.
        """
        usual = [plan for plan in found if is_usual(plan.form)]
        if self._tries(usual):
            return
        likely = self._likely()
        rest = [p for p in found if not is_usual(p.form) and (p.roles, p.container) in likely]
        self._tries(sorted(rest, key=lambda plan: plan.form.targets == "rows"))

    def _tries(self, found: list[Plan]) -> bool:
        """Try plans until one fits; say whether the search is over."""
        depth = len(self.question.W)
        for single in (False, True):
            for plan in found:
                if plan.form.single is not single or (plan.roles, plan.container) in self.hopeless:
                    continue
                if self._try(plan) == (depth, depth) or self._is_late():
                    return True
            if self.best is not None and self.best[0][0] == depth:
                return True
        return False

    def _is_late(self) -> bool:
        """Return whether enough time has gone."""
        late = time.monotonic() - self.started > LONGEST + self.asker.seconds
        return late or self.stalls >= STALLS

    def _likely(self) -> set[Group]:
        """Return the groupings that came farthest, and the first that was tried."""
        ranked = sorted(self.reached, key=lambda group: -self.reached[group])
        return {*ranked[:LIKELY], *list(self.reached)[:1]}

    def _try(self, plan: Plan) -> tuple[int, int] | None:
        """Try one plan and remember it if it is the best so far."""
        seconds = min(self.asker.seconds, PATIENCE) if self.stalls else self.asker.seconds
        asker = replace(self.asker, seconds=seconds)
        self.tried += 1
        try:
            self.asker.ground.restore(0)
            answer = asker.call(plan, first_sample(self.question, plan))
        except Crashed as crash:
            self._blame(crash)
            group = (plan.roles, plan.container)
            self.reached[group] = max(crash.depth, self.reached.get(group, -1))
            if plan.container and isinstance(crash.cause, (KeyError, AttributeError)):
                self.hopeless.add((plan.roles, plan.container))
            return None
        score = _score(plan, answer, self.question)
        if score is not None and self._is_square() and not _needs_input(asker, plan, self.question):
            score = (score[0] - 1, score[1])  # where all fits, shapes alone say nothing
        if score is not None and (self.best is None or score > self.best[0]):
            self.best = (score, plan, answer)
        return score

    def _is_square(self) -> bool:
        """Return whether all widths are the same, so that one array can be taken for another."""
        return len(set(self.question.widths)) == 1

    def _blame(self, crash: Crashed) -> None:
        """Keep the crash that got farthest; one that never ended says more than any other."""
        endless = crash.fault == "endless"
        self.stalls += endless
        known = self.crash
        if known is not None and known.fault == "endless":
            return
        if known is None or endless or crash.depth > known.depth:
            self.crash = crash

    def failure(self) -> Failure:
        """Return why no plan works."""
        if self.crash is not None and self.crash.depth >= 0:
            return self.crash.failure
        what = f"{self.tried} layouts were tried, from (weights, biases, x, t) on"
        name = getattr(self.asker.function, "__name__", "the function")
        widths = "-".join(map(str, self.question.widths))
        text = f"{name} could not be asked about a {widths} network: no layout fits its arguments"
        if self.crash is None:
            text = f"{name} returns nothing that has the shapes of the parameters or the output"
        return Failure("no-layout", text, what)


def read_function(
    attempt: Attempt,
    question: Question,
    *,
    kind: Kind | None,
    layout: Layout | None,
    seconds: float,
) -> list[Reading] | Failure:
    """Return every reading of what a function answers; see `read`."""
    asker = Asker(attempt.target, Ground(attempt), seconds)
    try:
        if layout is not None:
            return _told_plan(asker, plan_of(layout), question, kind)
        return _found_plans(asker, question, kind)
    except Crashed as crash:
        return crash.failure
    finally:
        asker.ground.restore(0)


def _told_plan(
    asker: Asker, plan: Plan, question: Question, kind: Kind | None
) -> list[Reading] | Failure:
    """Return the readings in a layout that is known."""
    asker.ground.restore(0)
    answer = asker.call(plan, first_sample(question, plan))
    return _readings(asker, plan, question, answer, kind)


def _found_plans(asker: Asker, question: Question, kind: Kind | None) -> list[Reading] | Failure:
    """Return the readings in the layouts that fit, which are looked for."""
    search = Search(asker, question)
    search.run()
    if search.best is None:
        return search.failure()
    _, plan, answer = search.best
    found = _readings(asker, plan, question, answer, kind)
    if isinstance(found, Failure):
        return found
    for twin in twins(plan.form, question):
        found += _twin(asker, replace(plan, form=twin), question, kind)
    if plan.form.lists == "arrays":
        found = _listed(asker, plan, question, kind, found)
    return _sorted(asker, found, question)


def _listed(
    asker: Asker, plan: Plan, question: Question, kind: Kind | None, found: list[Reading]
) -> list[Reading]:
    """Return readings with plain lists before those with arrays, where the answers differ.

    ``x + [1]`` is one longer for a list, and each number one larger for an array.
    """
    if plan.form.samples not in {"rows", "one"} or plan.form.upright != "flat":
        return found
    lists = _twin(asker, replace(plan, form=replace(plan.form, lists="lists")), question, kind)
    if not lists or near(lists[0].answers, found[0].answers):
        return found
    return lists + found if plan.form.single else found + lists


def _sorted(asker: Asker, found: list[Reading], question: Question) -> list[Reading]:
    """Return readings whose shapes are alike, those first that one lone input bears out."""
    if (
        len({reading.layout.details["form"]["bias"] + reading.layout.weights for reading in found})
        == 1
    ):
        return found
    return sorted(found, key=lambda reading: not _borne_out(asker, reading, question))


def _borne_out(asker: Asker, reading: Reading, question: Question) -> bool:
    """Return whether only the first column of dW1 is not 0 if only the first input is not 0."""
    found = _found(asker, plan_of(reading.layout), _lone(question))
    if found is None or found.arrays["W1"].shape != question.W[0].shape:
        return False
    moved = found.arrays["W1"] - (question.W[0] if reading.kind == "step" else 0)
    return bool(moved[:, 0].any() and not moved[:, 1:].any())


def _twin(asker: Asker, plan: Plan, question: Question, kind: Kind | None) -> list[Reading]:
    """Return the readings in a layout whose shapes are the same as those of one that fits."""
    try:
        answer = asker.call(plan, first_sample(question, plan))
        score = _score(plan, answer, question)
        depth = len(question.W)
        more = _readings(asker, plan, question, answer, kind) if score == (depth, depth) else []
    except Crashed:
        return []
    return [] if isinstance(more, Failure) else more


def twins(form: Form, question: Question) -> list[Form]:
    """Return the forms that shapes cannot tell from `form`."""
    found: list[Form] = []
    if form.bias in {"first", "last"}:
        found.append(replace(form, bias="first" if form.bias == "last" else "last"))
    elif all(W.shape[0] == W.shape[1] for W in question.W):
        found.append(replace(form, weights=IN_OUT if form.weights == OUT_IN else OUT_IN))
    square = (
        question.x.shape[0] == question.x.shape[1] and question.t.shape[0] == question.t.shape[1]
    )
    if square and form.samples in {"rows", "columns"}:
        found.append(replace(form, samples="columns" if form.samples == "rows" else "rows"))
    return found


# --- Readings ------------------------------------------------------------------------------------


def _readings(
    asker: Asker, plan: Plan, question: Question, answer: Answer, kind: Kind | None
) -> list[Reading] | Failure:
    """Return the readings of a function in one layout, by each kind that it may be."""
    kinds: list[Kind] = [kind] if kind is not None else kinds_of(asker, plan, question, answer)
    found: list[Reading] = []
    for each in kinds:
        reading = _reading(asker, plan, question, each)
        if isinstance(reading, Failure):
            return reading
        found.append(reading)
    return found


def _reading(asker: Asker, plan: Plan, question: Question, kind: Kind) -> Reading | Failure:
    """Return one reading: all calls, with several seeds, so that what is random shows."""
    run = _run(asker, plan, question, kind, 1)
    chance = Chance(lambda q, seed: _run(asker, plan, q, kind, seed).answers, asker.ground)
    name = getattr(asker.function, "__name__", "the function")
    if isinstance(told := chance.told(name, question, run.answers), Failure):
        return told
    return Reading(
        kind=kind,
        layout=plan.layout(dtype_of(run.answers)),
        answers=tuple(as_float64(answer) for answer in run.answers),
        rate=question.rate if "rate" in plan.roles else None,
        own=own_numbers(asker.function, plan.ones),
        changed=run.changed,
        remarks=(*run.remarks, *([told] if told else [])),
    )


@dataclass(frozen=True, eq=False)
class Run:
    """The answers of all calls of one run."""

    answers: tuple[dict[str, Array], ...]
    changed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _run(asker: Asker, plan: Plan, question: Question, kind: Kind, seed: int) -> Run:
    """Ask all calls in a row, from a fresh start."""
    asker.ground.restore(seed)
    answers: list[dict[str, Array]] = []
    changed: dict[str, None] = {}
    now = question
    for call in range(question.calls):
        try:
            answer, touched = _one(asker, plan, now, kind)
        except Crashed as crash:
            if call == 0:
                raise
            return Run(tuple(answers), tuple(changed), (f"Call {call + 1}: {crash.failure.text}",))
        answers.append(answer)
        changed.update(dict.fromkeys(touched))
        follow = after(now, answer) if kind == "step" else question.at(call + 1)
        if follow is None:
            break
        now = follow
    return Run(tuple(answers), tuple(changed))


def _one(
    asker: Asker, plan: Plan, question: Question, kind: Kind
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return what one call answers by name: for single samples, all of them together."""
    if not plan.form.single:
        answer = asker.call(plan, question)
        return _by_name(answer, kind), answer.changed
    if kind == "step":
        return _online(asker, plan, question)
    each = [asker.call(plan, only(question, i)) for i in range(len(question.x))]
    changed = tuple(dict.fromkeys(c for answer in each for c in answer.changed))
    return together([_by_name(answer, kind) for answer in each], kind), changed


def _online(
    asker: Asker, plan: Plan, question: Question
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the new weights after all samples one after the other."""
    last: dict[str, Array] = {}
    changed: dict[str, None] = {}
    losses: list[Array] = []
    for i in range(len(question.x)):
        answer = asker.call(plan, only(question, i))
        last = _by_name(answer, "step")
        losses += [last.pop("loss")] if "loss" in last else []
        changed.update(dict.fromkeys(answer.changed))
        follow = after(question, last)
        if follow is None:
            break
        question = follow
    if len(losses) == 1:
        last["loss"] = losses[0]
    return last, tuple(changed)


def _by_name(answer: Answer, kind: Kind) -> dict[str, Array]:
    """Return the arrays of one answer as a reading names them."""
    if kind == "forward":
        return answer.outputs
    source = answer.found
    if source is None or (kind == "step" and not _better(answer.found, answer.inside)):
        source = answer.inside
    if kind == "step" and answer.inside is not None and answer.found is not None:
        source = answer.found if _is_inside(answer) else answer.inside
    if source is None:
        return {}
    pattern = "{}_new" if kind == "step" else "d{}"
    arrays = {pattern.format(name): array for name, array in source.arrays.items()}
    loss = source.loss if source is answer.found else None
    return arrays if loss is None else {**arrays, "loss": np.asarray(loss)}


def _is_inside(answer: Answer) -> bool:
    """Return whether what was returned are the changed arguments themselves."""
    if answer.found is None or answer.inside is None:
        return False
    mine, theirs = answer.found.arrays, answer.inside.arrays
    return all(np.array_equal(mine[n], theirs[n], equal_nan=True) for n in mine if n in theirs)
