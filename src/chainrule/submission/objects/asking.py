"""Asking a learner's class: how it is made, which of its methods trains, what that changes.

The numbers of a question are put into the object before each run; what comes out is not judged.
"""

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
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
from chainrule.submission.arrays import Form, numeric
from chainrule.submission.attempts import Attempt
from chainrule.submission.calls import Crashed, Ground
from chainrule.submission.functions.asking import PATIENCE, STALLS
from chainrule.submission.objects.call_sequences import (
    DATA,
    Act,
    forward_acts,
    sequences,
    single_acts,
)
from chainrule.submission.objects.graph import Bound, Path, attributes, bounds, families, walk
from chainrule.submission.objects.making import Maker, lists_of
from chainrule.submission.objects.parameter_orders import lone_numbers
from chainrule.submission.objects.probes import Proof, proof
from chainrule.submission.objects.side_effects import oddities
from chainrule.submission.objects.workers import (
    Recipe,
    Said,
    Worker,
    act_once,
    answers_once,
    depends,
    effect,
    forward_of,
    in_pairs,
    is_forward,
    lone_input,
    made_alike,
    maker_bounds,
    output_beside,
    recipe_of,
    values_of,
    work,
)
from chainrule.submission.questions import Array, Failure, Kind, Layout, Question, Reading
from chainrule.submission.randomness import RANDOM_SELECTION, SKIPPED_AS_RANDOM, Chance
from chainrule.submission.values import is_number

TRIES = 12  # ways to choose the parameters that are tried
PROOFS = 64  # ways to choose them from lone numbers
DOUBTS = 3  # of these that nothing tells apart


@dataclass(eq=False)
class Search:
    """The search for a plan: how to make an object, what it holds, what to call."""

    maker: Maker
    question: Question
    kind: Kind | None
    crash: Crashed | None = None
    stalls: int = 0
    started: float = field(default_factory=time.monotonic)
    found: list[Recipe] = field(default_factory=list[Recipe])
    without: frozenset[str] = frozenset()  # methods that are not to be called

    @property
    def cls(self) -> type:
        """The learner's class."""
        return self.maker.attempt.cls

    def ways(self) -> Iterator[tuple[str, bool, list[Bound]]]:
        """Yield the ways of making an object that holds a network of the right widths."""
        for apart, way in itertools.product((False, True), self.maker.ways()):
            if apart and not any(lists_of(data) for data in self.maker.ground.shared.values()):
                return
            found = self._bounds(way, apart=apart)
            if found:
                yield way, apart, found

    def _bounds(self, way: str, *, apart: bool) -> list[Bound]:
        """Return how an object that is made in one way may hold the network."""
        try:
            self.maker.ground.restore(0)
            thing = self.maker.make(way, self.question, apart=apart)
            return self.maker.bounds(thing, way, self.question, apart=apart)
        except Crashed as crash:
            self.blame(crash)
            return []

    def blame(self, crash: Crashed) -> None:
        """Keep the crash that says most."""
        self.stalls += crash.fault == "endless"
        known = self.crash
        if known is not None and known.fault == "endless":
            return
        if known is None or crash.fault == "endless" or _weight(crash) > _weight(known):
            self.crash = crash

    @property
    def late(self) -> bool:
        """Whether enough time has gone."""
        return self.stalls >= STALLS or time.monotonic() - self.started > 3 * self.maker.seconds

    def run(self) -> None:
        """Look for the plainest way that works."""
        for way, apart, choices in self.ways():
            base = Recipe(way, Act(()), DATA[0], choices[0].weights, choices[0].bias, apart=apart)
            act = self._act(base)
            if act is None:
                continue
            self.found = self._choices(act, choices)
            return

    def _act(self, base: Recipe) -> Recipe | None:
        """Return the plan with the first act that works, and the data it takes."""
        only_method = self.maker.attempt.method
        stepping: Recipe | None = None
        for acts in (single_acts(self.cls, only_method), sequences(self.cls, only_method)):
            for act in acts:
                if self.without & act.methods:
                    continue
                plan = self._data(replace(base, act=act))
                if plan is None or self.late:
                    continue
                kind = self.kind_of(plan)
                if kind == "gradients" and in_pairs(plan) and not self._needs_input(plan):
                    continue
                if act.optional and not self._needs_targets(plan):
                    continue
                if kind in {"step", self.kind} or only_method is not None:
                    return plan
                stepping = stepping or plan
            if stepping is not None:
                return stepping
        return self._forward(base)

    def _needs_input(self, plan: Recipe) -> bool:
        """Return whether without input the first weights have no gradient.

        A method that takes x alone also takes pairs of x and t, where all arrays are square.
        """
        blind = replace(self.question, x=np.zeros_like(self.question.x))
        try:
            found = answers_once(self.maker, plan, blind).get("dW1")
        except Crashed:
            return False
        return found is not None and not found.any()

    def _needs_targets(self, plan: Recipe) -> bool:
        """Return whether other targets make another answer."""
        try:
            one, two = (
                answers_once(self.maker, plan, q)
                for q in (self.question, retargeted(self.question))
            )
        except Crashed:
            return False
        return not same((one,), (two,))

    def _forward(self, base: Recipe) -> Recipe | None:
        """Return the plan that runs the network forward only."""
        for act in forward_acts(self.cls, self.maker.attempt.method):
            for data in self._usable(act):
                plan = replace(base, act=act, data=data)
                if self._outputs(plan):
                    return plan
        return None

    def _outputs(self, plan: Recipe) -> dict[str, Array]:
        """Return what a forward plan gives, empty if it is no network's output."""
        try:
            found = forward_of(self.maker, plan, self.question, 0)
            return found if found and self._depends(plan, found) else {}
        except Crashed as crash:
            self.blame(crash)
            return {}

    def _depends(self, plan: Recipe, found: Mapping[str, Array]) -> bool:
        """Return whether an output is made with the weights, however they may be chosen."""
        made = maker_bounds(self.maker, plan, self.question)
        plans = [
            replace(plan, choice=i, weights=b.weights, bias=b.bias) for i, b in enumerate(made)
        ]
        return any(depends(self.maker, each, self.question, found) for each in plans[:TRIES])

    def _usable(self, act: Act) -> list[Form]:
        """Return the forms of data that may be tried for an act."""
        one_hot = (
            np.isin(self.question.t, (0, 1)).all() and (self.question.t.sum(axis=1) == 1).all()
        )
        flat, k = self.question.t.shape[1] == 1, self.question.t.shape[1]
        needs_t = any("t" in roles or "pairs" in roles for _, roles in act.calls)
        pairs = any("pairs" in roles for _, roles in act.calls)
        return [
            form
            for form in DATA
            if (form.targets == "rows" or needs_t)
            and (form.targets != "flat" or flat)
            and (form.targets != "classes" or (k > 1 and bool(one_hot)))
            and (not pairs or form.single)
        ]

    def _data(self, plan: Recipe) -> Recipe | None:
        """Return the plan with the form of data that works best: all weights in their shapes."""
        best: tuple[int, Recipe] | None = None
        depth = len(self.question.W)
        for data in self._usable(plan.act):
            tried = replace(plan, data=data)
            if best is not None and data.single and best[0] == depth:
                break
            said = self.say(tried)
            if said is None or said.kind is None:
                continue
            if said.fits == depth and all(np.size(a) for a in said.arrays.values()):
                return tried
            best = max(best or (-1, tried), (said.fits, tried), key=lambda pair: pair[0])
        return None if best is None or best[0] < 1 else best[1]

    def say(self, plan: Recipe) -> Said | None:
        """Return what a plan says for one call; None if it crashes."""
        seconds = min(self.maker.seconds, PATIENCE) if self.stalls else self.maker.seconds
        if self.late:
            return None
        try:
            worker = work(replace(self.maker, seconds=seconds), plan, self.question, 0)
            question = only(self.question, 0) if plan.data.single else self.question
            if any("pairs" in roles for _, roles in plan.act.calls):
                question = self.question
            return act_once(worker, plan, question)
        except Crashed as crash:
            self.blame(crash)
            return None

    def kind_of(self, plan: Recipe) -> Kind | None:
        """Return what kind of answers a plan gives."""
        said = self.say(plan)
        return None if said is None else said.kind

    def _choices(self, plan: Recipe, choices: list[Bound]) -> list[Recipe]:
        """Return the plan with the parameters that have an effect; several in doubt."""
        plans = [
            replace(plan, choice=i, weights=bound.weights, bias=bound.bias, names=bound.names)
            for i, bound in enumerate(choices)
        ]
        if self._is_lone(plan, choices):
            return self._proven(plans, choices)
        best, most = plans[0], (-1, -1)
        for each in plans[:TRIES] if len(plans) > 1 else []:
            effect = self._effect(each)
            best, most = (each, effect) if effect > most else (best, most)
            if effect == (1, 2 * len(self.question.W)):
                break
        paths, kind = _paths(choices[best.choice]), (best.weights, best.bias)
        alike = [p for p in plans if _paths(choices[p.choice]) == paths]
        alike = [p for p in alike if (p.weights, p.bias) != kind]
        return self._borne_out([best, *_firsts(alike)])

    def _is_lone(self, plan: Recipe, choices: list[Bound]) -> bool:
        """Return whether lone numbers may be parameters, so that it is open which."""
        alone = set(lone_numbers(self._thing(plan)))
        return any(bound.paths & alone for bound in choices)

    def _thing(self, plan: Recipe) -> Any:
        """Return a fresh object of a plan."""
        self.maker.ground.restore(0)
        return self.maker.make(plan.way, self.question, apart=plan.apart, ones=plan.ones)

    def _proven(self, plans: list[Recipe], choices: list[Bound]) -> list[Recipe]:
        """Return the plans with the parameters that most speaks for; several in doubt."""
        moving = self._moving(plans[0])
        ranked = sorted(plans, key=lambda p: len(choices[p.choice].paths - moving))
        biased = self._likeliest([p for p in ranked if p.bias != "none"], choices)
        if biased and biased[0][0] == self._whole:
            return [plan for _, plan in biased]
        bare = self._likeliest([p for p in ranked if p.bias == "none"], choices)[:1]
        both = bare + biased if biased and bare and bare[0][0] > biased[0][0] else biased or bare
        return [plan for _, plan in both]

    @property
    def _whole(self) -> Proof:
        """The proof that leaves no doubt."""
        depth = len(self.question.W)
        return (depth, 1.0, 4 * depth)

    def _likeliest(self, plans: list[Recipe], choices: list[Bound]) -> list[tuple[Proof, Recipe]]:
        """Return the plans with the best proof, one of each choice of parameters."""
        proven: list[tuple[Proof, Recipe]] = []
        for each in plans[:PROOFS]:
            proven.append((self._proof(each, choices[each.choice]), each))
            if proven[-1][0] == self._whole or self.late:
                break
        most = max((found for found, _ in proven), default=None)
        return [pair for pair in proven if pair[0] == most][:DOUBTS]

    def _moving(self, plan: Recipe) -> set[Path]:
        """Return the ways to all numbers that an act changes."""
        with contextlib.suppress(Crashed):
            worker = work(self.maker, plan, self.question, 0)
            before = values_of(worker)
            one = plan.data.single and not in_pairs(plan)
            act_once(worker, plan, only(self.question, 0) if one else self.question)
            after = values_of(worker)
            return {path for path, value in before.items() if after.get(path) != value}
        return set()

    def _proof(self, plan: Recipe, bound: Bound) -> Proof:
        """Return how much speaks for a plan's parameters."""
        places = bound.b or (None,) * len(bound.W)
        b = tuple(
            np.repeat(b[:1], len(b)) if place is not None and place.shape == () else b
            for b, place in zip(self.question.b, places, strict=True)
        )  # one number that serves a layer cannot be turned with its units
        try:
            return proof(self.maker, plan, replace(self.question, b=b))
        except Crashed:
            return (-1, -1.0, 0)

    def _borne_out(self, plans: list[Recipe]) -> list[Recipe]:
        """Return plans of the same arrays, those that a lone input speaks for, if any."""
        if len(plans) == 1:
            return plans
        spoken = [plan for plan in plans if self._lone(plan)]
        return spoken or plans

    def _lone(self, plan: Recipe) -> bool:
        """Return whether a lone input speaks for a plan."""
        try:
            return lone_input(self.maker, plan, self.question)
        except Crashed:
            return False

    def _effect(self, plan: Recipe) -> tuple[int, int]:
        """Return whether nothing is left to chance, and how many parameters have an effect."""
        try:
            return effect(self.maker, plan, self.question)
        except Crashed:
            return (-1, 0)

    def failure(self) -> Failure:
        """Return why the class cannot be asked."""
        name = self.maker.attempt.name
        if self.crash is not None and self.crash.depth >= 0 and self.stalls + self._is_theirs():
            return self.crash.failure
        widths = "-".join(map(str, self.question.widths))
        fixed = fixed_widths(self.maker.attempt)
        text = f"{name} could not be asked about a {widths} network"
        if fixed is not None:
            told = "-".join(map(str, fixed))
            return Failure("no-layout", f"{text}: its sizes are fixed at {told}", told)
        return Failure("no-layout", f"{text}: no weights of these sizes or no method that trains")

    def _is_theirs(self) -> bool:
        """Return whether a network of these widths can be made, so that the crash is the point."""
        return any(True for _ in self.ways())


def _paths(bound: Bound) -> list[Any]:
    """Return where the weights of each layer stand."""
    return [place.paths for place in bound.W]


def _weight(crash: Crashed) -> tuple[bool, int]:
    """Return how much a crash says: one inside a method more than one of the constructor."""
    inside = getattr(crash.function, "__self__", None) is not None
    return crash.depth >= 0 and inside, crash.depth if inside else -1


def _firsts(plans: list[Recipe]) -> list[Recipe]:
    """Return the first plan of each orientation and bias."""
    found: dict[tuple[str, str], Recipe] = {}
    for plan in plans:
        found.setdefault((plan.weights, plan.bias), plan)
    return list(found.values())


# --- Readings ----------------------------------------------------------------------------------


def read_object(
    attempt: Attempt,
    question: Question,
    *,
    kind: Kind | None,
    layout: Layout | None,
    seconds: float,
) -> list[Reading] | Failure:
    """Return every reading of what a class answers; see `read`."""
    maker = Maker(attempt, Ground(attempt), seconds)
    try:
        if layout is not None:
            found = _reading(maker, recipe_of(layout), question, kind)
            return found if isinstance(found, Failure) else [found]
        return _search(maker, question, kind)
    except Crashed as crash:
        return crash.failure
    finally:
        maker.ground.restore(0)


def _search(maker: Maker, question: Question, kind: Kind | None) -> list[Reading] | Failure:
    """Return the readings by the plans that work, which are looked for."""
    search = Search(maker, question, kind)
    search.run()
    if not search.found:
        return search.failure()
    readings = [_reading(maker, plan, question, kind) for plan in search.found]
    failures = [r for r in readings if isinstance(r, Failure)]
    good = [r for r in readings if isinstance(r, Reading)]
    drawn = any(RANDOM_SELECTION in r.remarks for r in good)
    drawn |= any(f.fault == "non-deterministic" for f in failures)
    if drawn and maker.attempt.method is None:
        good = _not_random(maker, question, kind, search.found[0].act) or good
    return _distinct(good) if good else failures[0]


def _not_random(maker: Maker, question: Question, kind: Kind | None, random: Act) -> list[Reading]:
    """Return the readings of other methods than those of an act that draws random numbers."""
    search = Search(maker, question, kind, without=random.methods)
    search.run()
    readings = [_reading(maker, p, question, kind) for p in search.found if not is_forward(p)]
    remark = f"{SKIPPED_AS_RANDOM}{random.words}"
    good = [r for r in readings if isinstance(r, Reading) and RANDOM_SELECTION not in r.remarks]
    return [replace(r, remarks=(*r.remarks, remark)) for r in good]


def _distinct(readings: list[Reading]) -> list[Reading]:
    """Return readings whose answers differ."""
    found: list[Reading] = []
    for reading in readings:
        if not any(near(reading.answers, other.answers) for other in found):
            found.append(reading)
    return found


def _reading(
    maker: Maker, plan: Recipe, question: Question, kind: Kind | None
) -> Reading | Failure:
    """Return one reading: all calls, with several seeds, so that what is random shows."""
    run = _run(maker, plan, question, 1)
    chance = Chance(lambda q, seed: _run(maker, plan, q, seed).answers, maker.ground)
    told = chance.told(maker.attempt.name, question, run.answers)
    if isinstance(told, Failure):
        return _made_by_chance(maker, plan, question) or told
    answers = [dict(answer) for answer in run.answers]
    if run.kind == "step" and answers:
        beside = output_beside(maker, plan, question)
        answers[0] = {**answers[0], **{n: a for n, a in beside.items() if n not in answers[0]}}
    remarks = [*run.remarks, *([told] if told else []), *oddities(maker, plan, question)]
    cls = maker.attempt.cls
    return Reading(
        kind=run.kind if kind is None else kind,
        layout=plan.layout(dtype_of(run.answers), cls.__name__),
        answers=tuple(as_float64(answer) for answer in answers),
        rate=question.rate if _takes_rate(plan) else None,
        own=_own(maker, plan, question, cls),
        changed=run.changed,
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _made_by_chance(maker: Maker, plan: Recipe, question: Question) -> Failure | None:
    """Return the failure of an object that answers by random numbers it was made with."""
    if is_forward(plan):
        return None
    chance = Chance(lambda q, seed: (made_alike(maker, plan, q, seed),), maker.ground)
    first = (made_alike(maker, plan, question, 1),)
    if chance.other(question, first) is not None:
        return None
    text = (
        f"{maker.attempt.name} is made with random numbers that are no parameters of the network "
        "asked about, and answers by them; declare its layers, or let it take its weights "
        "from outside"
    )
    return Failure("made-by-chance", text)


def _takes_rate(plan: Recipe) -> bool:
    """Return whether the learning rate is handed over."""
    return "rate" in plan.way or any("rate" in roles for _, roles in plan.act.calls)


def _own(maker: Maker, plan: Recipe, question: Question, cls: type) -> dict[str, float]:
    """Return the numbers of an object's own, and those its methods have by default."""
    thing = work(maker, plan, question, 0)
    taken = {path for path in thing.bound.paths if len(path) == 1}
    found = {
        name: float(value)
        for name, value in attributes(thing.thing).items()
        if is_number(value) and (("attr", name),) not in taken
    }
    for name, _ in plan.act.calls:
        found.update(own_numbers(getattr(cls, name)))
    return found


@dataclass(frozen=True, eq=False)
class Run:
    """The answers of all calls of one run."""

    kind: Kind
    answers: tuple[dict[str, Array], ...]
    changed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _run(maker: Maker, plan: Recipe, question: Question, seed: int) -> Run:
    """Ask all calls in a row, of one object."""
    if is_forward(plan):
        one = forward_of(maker, plan, question, seed)
        return Run("forward", (one,) if one else ())
    worker = work(maker, plan, question, seed)
    answers: list[dict[str, Array]] = []
    kind: Kind = "step"
    now = question
    for call in range(question.calls):
        try:
            kind, answer = _one(worker, plan, now)
        except Crashed as crash:
            if call == 0:
                raise
            return Run(kind, tuple(answers), (), (f"Call {call + 1}: {crash.failure.text}",))
        answers.append(answer)
        follow = after(now, answer) if kind == "step" else question.at(call + 1)
        if follow is None:
            break
        now = follow
    return Run(kind, tuple(answers))


def _one(worker: Worker, plan: Recipe, question: Question) -> tuple[Kind, dict[str, Array]]:
    """Return what one call answers: for single samples, all of them one after the other."""
    if not plan.data.single or in_pairs(plan):
        said = act_once(worker, plan, question)
        return said.kind or "step", said.arrays or _unchanged(worker, question)
    each = [act_once(worker, plan, only(question, i)) for i in range(len(question.x))]
    kinds: list[Kind] = [said.kind for said in each if said.kind is not None]
    if not kinds or "step" in kinds:
        last = each[-1].arrays if len(each) == 1 else _unchanged(worker, question)
        return "step", last
    return "gradients", together([said.arrays for said in each], "gradients")


def _unchanged(worker: Worker, question: Question) -> dict[str, Array]:
    """Return the parameters as they stand, as the answer of a step."""
    return {f"{name}_new": array for name, array in worker.numbers(question).items()}


# --- Fixed sizes -------------------------------------------------------------------------------


PROBES = ((3, 4, 2), (4, 3, 2), (3, 4, 5, 2), (3, 4, 1), (3, 4, 5, 1), (1, 4, 1), (3, 2))
SIZELESS = ("nothing", "x, t", "as it is")  # ways to make an object without saying how large
SMALL = range(1, 7)  # widths of networks whose numbers stand one by one


def fixed_widths(attempt: Attempt, seconds: float = 2.0) -> tuple[int, ...] | None:
    """Return the widths that a class has fixed, or None if it takes them."""
    maker = Maker(attempt, Ground(attempt), seconds)
    try:
        for widths in PROBES:
            if _holds(maker, widths):
                return None if widths[-1] > 1 or len(widths) == 2 else widths
        return _natural(maker)
    finally:
        maker.ground.restore(0)


def _holds(maker: Maker, widths: tuple[int, ...]) -> bool:
    """Return whether objects of a class can be made with these widths."""
    search = Search(maker, _blank(widths), None)
    return any(way not in SIZELESS for way, _, _ in search.ways())


def _blank(widths: tuple[int, ...]) -> Question:
    """Return a question of some widths whose numbers do not matter."""
    pairs = itertools.pairwise(widths)
    W = tuple(np.full((out, ins), 0.5) for ins, out in pairs)
    b = tuple(np.full(out, 0.5) for out in widths[1:])
    return Question(W, b, np.full((4, widths[0]), 0.5), np.full((4, widths[-1]), 0.5), 0.5)


def _natural(maker: Maker) -> tuple[int, ...] | None:
    """Return the widths of an object made with no sizes at all."""
    for way in SIZELESS:
        with contextlib.suppress(Crashed):
            maker.ground.restore(0)
            blank = _blank((2, 2, 1))
            thing = maker.make(way, blank)
            for widths in _likely_widths(thing, (blank.x, blank.t) if way == "x, t" else ()):
                if bounds(thing, widths):
                    return widths
            fits = [
                widths
                for widths in itertools.product(SMALL, repeat=3)
                if _is_network(thing, widths)
            ]
            if fits:
                return max(fits, key=_parameters)
    return None


def _likely_widths(thing: Any, data: Sequence[Array]) -> Iterator[tuple[int, ...]]:
    """Yield the widths that an object's arrays may make, the data that it keeps left out."""
    arrays = [(n, a) for n in walk(thing) if (a := numeric(n.value)) is not None and a.ndim == 2]
    lively = [
        (node, array)
        for node, array in arrays
        if np.any(array) and not any(np.array_equal(array, d) for d in data)
    ]
    for key in ("family", "tail"):
        for members in families(lively, key).values():
            yield from _chains([array.shape for _, array in members])
    yield from _chains([array.shape for _, array in lively])


def _is_network(thing: Any, widths: tuple[int, ...]) -> bool:
    """Return whether an object holds a network of these widths, all its biases included."""
    found = bounds(thing, widths)[:1]
    return any(
        [place and place.shape for place in bound.b] == [(n,) for n in widths[1:]]
        for bound in found
    )


def _parameters(widths: tuple[int, ...]) -> int:
    """Return how many weights and biases a network has."""
    return sum((ins + 1) * out for ins, out in itertools.pairwise(widths))


def _chains(shapes: list[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Yield the widths of matrices that follow one another, with a bias inside or apart."""
    for turned, extra in itertools.product((False, True), (0, 1)):
        pairs = [shape[::-1] if not turned else shape for shape in shapes]  # (in, out)
        widths = [(ins - extra, out) for ins, out in pairs]
        follow = all(one[1] == other[0] for one, other in itertools.pairwise(widths))
        if widths and follow and all(ins > 0 for ins, _ in widths):
            yield (widths[0][0], *(out for _, out in widths))
