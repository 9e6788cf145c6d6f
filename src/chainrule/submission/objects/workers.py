"""A learner's object at work: filled with numbers, called, and looked at afterwards.

Which way of calling it is the right one is not decided here.
"""

import contextlib
import copy
import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from chainrule.submission.answers import only, same, together
from chainrule.submission.arrays import (
    Form,
    activations,
    named,
    numeric,
    plain,
    samples,
    targets,
)
from chainrule.submission.attempts import parameters
from chainrule.submission.calls import Crashed, guarded, reseed
from chainrule.submission.objects.call_sequences import DATA, Act, forward_acts
from chainrule.submission.objects.graph import Bound, families, walk
from chainrule.submission.objects.making import Maker
from chainrule.submission.questions import Array, Kind, Layout, Question
from chainrule.submission.values import is_whole


@dataclass(frozen=True)
class Recipe:
    """How an object is made, filled, and asked."""

    way: str
    act: Act
    data: Form
    weights: str
    bias: str
    choice: int = 0
    names: tuple[str, ...] = ()
    apart: bool = False
    ones: bool = True
    attributes: tuple[str, ...] = ()

    def layout(self, dtype: str, cls: str) -> Layout:
        """Return the layout that tells it."""
        one = self.data.single
        return Layout(
            form="class",
            arguments=f"{cls}({'' if self.way == 'nothing' else self.way}): {self.act.words}",
            weights=self.weights,
            samples="one at a time" if one else self.data.samples,
            bias=self.bias,
            lists=self.data.lists != "arrays",
            dtype=dtype,
            classes=self.data.targets == "classes",
            details=asdict(self),
        )


def recipe_of(layout: Layout) -> Recipe:
    """Return the plan that a layout tells."""
    told = dict(layout.details)
    act = told.pop("act")
    calls = tuple((name, tuple(roles)) for name, roles in act["calls"])
    data, names = Form(**told.pop("data")), tuple(told.pop("attributes"))
    told["names"] = tuple(told["names"])
    return Recipe(act=Act(calls, act["ones"]), data=data, attributes=names, **told)


@dataclass(eq=False)
class Worker:
    """An object of the learner's with a question's numbers in it."""

    thing: Any
    bound: Bound
    seconds: float

    def say(self, act: Act, data: Form, question: Question) -> list[Any]:
        """Call the methods of an act; return what each returns."""
        told: list[Any] = []
        for name, roles in act.calls:
            method = getattr(self.thing, name)
            given = [_given(role, data, question, told) for role in roles]
            rounds = [p.name for p in parameters(method)[len(given) :] if is_whole(p.default)]
            keywords = dict.fromkeys(rounds, 1) if act.ones else {}
            told.append(guarded(method, given, keywords, seconds=self.seconds))
        return told

    def numbers(self, question: Question) -> dict[str, Array]:
        """Return the parameters as they are now."""
        return self.bound.look(self.thing, question)


def _given(role: str, data: Form, question: Question, told: list[Any]) -> Any:
    """Return one argument of a method."""
    if role == "x":
        return plain(samples(question.x, data), data.lists)
    if role == "t":
        return _targets(question, data)
    if role == "output":
        return copy.deepcopy(told[0])
    if role == "pairs":
        each = [only(question, i) for i in range(len(question.x))]
        single = data if data.single else replace(data, samples="one")
        return [(_given("x", single, one, told), _given("t", single, one, told)) for one in each]
    return question.rate if role == "rate" else 1


def _targets(question: Question, data: Form) -> Any:
    """Return the targets; class numbers are whole numbers."""
    theirs = targets(question.t, data)
    if data.targets == "classes":
        return theirs.tolist() if data.lists != "arrays" or data.single else np.array(theirs)
    return plain(np.asarray(theirs), data.lists)


@dataclass(frozen=True, eq=False)
class Said:
    """What one act has said and changed."""

    kind: Kind | None
    arrays: dict[str, Array]
    fits: int
    attributes: tuple[str, ...] = ()


def act_once(worker: Worker, plan: Recipe, question: Question) -> Said:
    """Let an object act once and see whether it stepped, or gave gradients."""
    before = worker.numbers(question)
    shadow = values_of(worker)
    given = copy.deepcopy(question)
    told = worker.say(plan.act, plan.data, given)
    now = worker.numbers(question)
    moved = [
        n for n in now if n in before and not np.array_equal(now[n], before[n], equal_nan=True)
    ]
    if any(name.startswith("W") for name in moved):
        arrays = {f"{name}_new": array for name, array in now.items()}
        shapes = [n for n in before if n in now and now[n].shape == before[n].shape]
        loss = _loss(told[-1])
        return Said("step", arrays | loss, sum(n.startswith("W") for n in shapes))
    form = replace(plan.data, weights=worker.bound.weights, bias=worker.bound.bias, lists="arrays")
    form = replace(form, bias="separate") if form.bias == "none" and any(worker.bound.b) else form
    for tree in told[::-1]:
        found = named(tree, question, form)
        if found is not None and found.fits[0] == len(question.W):
            arrays = {f"d{name}": array for name, array in found.arrays.items()}
            loss = {} if found.loss is None else {"loss": np.asarray(found.loss)}
            return Said("gradients", arrays | loss, found.fits[0])
    return _left(worker, plan, question, shadow, form)


def _loss(tree: Any) -> dict[str, Array]:
    """Return a lone number that a step returned."""
    array = numeric(tree)
    lone = array is not None and array.size == 1
    return {"loss": array.reshape(())} if lone and array is not None else {}


def values_of(worker: Worker) -> dict[Any, bytes]:
    """Return what all arrays of an object hold, to see later which have changed."""
    found = ((node.path, numeric(node.value)) for node in walk(worker.thing))
    return {path: array.tobytes() for path, array in found if array is not None}


def _left(
    worker: Worker, plan: Recipe, question: Question, shadow: Mapping[Any, bytes], form: Form
) -> Said:
    """Return gradients that were left in attributes: arrays like the parameters, and changed."""
    fresh = [
        (node, array)
        for node in walk(worker.thing)
        if node.path not in worker.bound.paths
        and (array := numeric(node.value)) is not None
        and shadow.get(node.path) != array.tobytes()
    ]
    tree = _gradient_tree(fresh, question, worker.bound)
    found = None if tree is None else named(tree[1], question, form)
    if found is None or found.fits[0] < len(question.W):
        return Said(None, {}, 0)
    arrays = {f"d{name}": array for name, array in found.arrays.items()}
    return Said("gradients", arrays, found.fits[0], tree[0] if tree else ())


def _gradient_tree(
    fresh: list[Any], question: Question, bound: Bound
) -> tuple[tuple[str, ...], Any] | None:
    """Return arrays like the weights, and like the biases, from among those that are new."""
    shapes = [place.shape for place in bound.W]
    outs = [len(b) for b in question.b]
    for key in ("family", "tail"):
        groups = families(fresh, key)
        weights = [k for k, g in groups.items() if [a.shape for _, a in g] == shapes]
        biases = [k for k, g in groups.items() if [a.size for _, a in g] == outs]
        for name in weights:
            ws = [array for _, array in groups[name]]
            others = [other for other in biases if other != name]
            for other in _likest(name, others):
                return (name, other), (ws, [a for _, a in groups[other]])
            return (name,), ws
    return None


def _likest(name: str, others: list[str]) -> list[str]:
    """Return the names most like another first: dW goes with db and not with delta."""
    return sorted(others, key=lambda other: (-_common(name, other), abs(len(name) - len(other))))


def _common(one: str, other: str) -> int:
    """Return how many letters two names have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))


def maker_bounds(maker: Maker, plan: Recipe, question: Question) -> list[Bound]:
    """Return how the objects of a plan may hold the network."""
    return maker.known.get((plan.way, plan.apart, question.widths), [])


def work(maker: Maker, plan: Recipe, question: Question, seed: int) -> Worker:
    """Return a fresh object with the question's numbers in it."""
    maker.ground.restore(seed)
    thing = maker.make(plan.way, question, apart=plan.apart, ones=plan.ones)
    found = maker.bounds(thing, plan.way, question, apart=plan.apart)
    chosen = [bound for bound in found if (bound.weights, bound.bias) == (plan.weights, plan.bias)]
    if not chosen:
        raise Crashed("no-layout", ValueError(), maker.attempt.target, "it holds no such network")
    named = [bound for bound in chosen if bound.names == plan.names] or chosen
    ranked = found[plan.choice] if plan.choice < len(found) else named[0]
    bound = ranked if ranked in named else named[0]
    bound.put(thing, question)
    _reseed_inside(thing, seed)
    return Worker(thing, bound, maker.seconds)


def _reseed_inside(thing: Any, seed: int) -> None:
    """Set the generators of random numbers that an object holds to a seed."""
    for node in walk(thing):
        if isinstance(node.value, (np.random.Generator, np.random.RandomState)):
            reseed(node.value, seed)


def made_alike(maker: Maker, plan: Recipe, question: Question, seed: int) -> dict[str, Array]:
    """Return what an act answers with a seed, of an object that is always made with the same."""
    single = plan.data.single and not in_pairs(plan)
    worker = work(maker, plan, question, 1)
    maker.ground.restore(seed)
    _reseed_inside(worker.thing, seed)
    return act_once(worker, plan, only(question, 0) if single else question).arrays


def effect(maker: Maker, plan: Recipe, question: Question) -> tuple[int, int]:
    """Return how much speaks for the arrays that were chosen as parameters.

    First whether the answers are the same whatever the seed: then no parameter was left out. Then
    how many of them change the answers about the others.
    """
    base = answers_once(maker, plan, question)
    again = answers_once(maker, plan, question, seed=5)
    count, depth = 0, len(question.W)
    for layer, letter in itertools.product(range(depth), "Wb"):
        arrays = list(question.W if letter == "W" else question.b)
        arrays[layer] = arrays[layer] + 0.25
        shaken = replace(question, **{letter: tuple(arrays)})
        other = answers_once(maker, plan, shaken)
        own = f"{letter}{layer + 1}_new"
        names = [name for name in base if name != own and name in other]
        count += any(not np.array_equal(base[n], other[n], equal_nan=True) for n in names)
    return int(same((base,), (again,))), count


def lone_input(maker: Maker, plan: Recipe, question: Question) -> bool:
    """Return whether only the first column of dW1 is not 0 where only the first input is not 0."""
    lone = np.zeros_like(question.x)
    lone[:, 0] = question.x[:, 0]
    said = answers_once(maker, plan, replace(question, x=lone))
    moved = said["W1_new"] - question.W[0] if "W1_new" in said else said.get("dW1")
    if moved is None or moved.shape != question.W[0].shape:
        return False
    return bool(moved[:, 0].any() and not moved[:, 1:].any())


def answers_once(maker: Maker, plan: Recipe, question: Question, seed: int = 0) -> dict[str, Array]:
    """Return what an act answers for one call, with fresh numbers."""
    if is_forward(plan):
        return forward_of(maker, plan, question, seed)
    worker = work(maker, plan, question, seed)
    single = plan.data.single and not in_pairs(plan)
    return act_once(worker, plan, only(question, 0) if single else question).arrays


def is_forward(plan: Recipe) -> bool:
    """Return whether a plan only runs forward."""
    trains = any("t" in roles or "pairs" in roles for _, roles in plan.act.calls)
    return not trains and (plan.way != "x, t" or len(plan.act.calls) < 2)


def in_pairs(plan: Recipe) -> bool:
    """Return whether a plan hands over a list of (x, t)."""
    return any("pairs" in roles for _, roles in plan.act.calls)


def forward_of(maker: Maker, plan: Recipe, question: Question, seed: int) -> dict[str, Array]:
    """Return the output and activations of a forward plan; each lone sample has a fresh object."""
    if not plan.data.single:
        worker = work(maker, plan, question, seed)
        told = worker.say(plan.act, plan.data, question)
        return _whole(activations(told[-1], question, plan.data))
    each: list[dict[str, Array]] = []
    for i in range(len(question.x)):
        one = only(question, i)
        worker = work(maker, plan, one, seed)
        each.append(_whole(activations(worker.say(plan.act, plan.data, one)[-1], one, plan.data)))
    return together(each, "forward") if all(each) else {}


def _whole(outputs: dict[str, Array]) -> dict[str, Array]:
    """Return outputs unless they are class numbers: whole numbers only."""
    p = outputs.get("p")
    return {} if p is None or np.array_equal(p, np.round(p)) else outputs


def output_beside(maker: Maker, plan: Recipe, question: Question) -> dict[str, Array]:
    """Return the output before a step, by the first method that gives one."""
    beside = output_plan(maker, plan, question)
    return {} if beside is None else forward_of(maker, beside, question, 0)


def output_plan(maker: Maker, plan: Recipe, question: Question) -> Recipe | None:
    """Return the plan of the first method that gives an output made with all weights."""
    rest = [form for form in DATA if form.targets == "rows" and form != plan.data]
    forms = [plan.data, *sorted(rest, key=lambda form: not form.single)]
    for act, form in itertools.product(forward_acts(maker.attempt.cls), forms):
        beside = replace(plan, act=act, data=form)
        with contextlib.suppress(Crashed):
            if _gives_output(maker, beside, question):
                return beside
    return None


def _gives_output(maker: Maker, beside: Recipe, question: Question) -> bool:
    """Return whether a plan gives an output, changes nothing and needs all weights."""
    worker = work(maker, beside, question, 0)
    one = only(question, 0) if beside.data.single else question
    before = worker.numbers(question)
    told = worker.say(beside.act, beside.data, one)
    still = _still(before, worker.numbers(question))
    if not still or not _whole(activations(told[-1], one, beside.data)):
        return False
    found = forward_of(maker, beside, question, 0)
    return bool(found) and depends(maker, beside, question, found)


def depends(maker: Maker, plan: Recipe, question: Question, found: Mapping[str, Array]) -> bool:
    """Return whether an output is made with the weights of every layer."""
    for layer in range(len(question.W)):
        W = list(question.W)
        W[layer] = W[layer] + 0.25
        other = forward_of(maker, plan, replace(question, W=tuple(W)), 0)
        if np.array_equal(other.get("p", found["p"]), found["p"], equal_nan=True):
            return False
    return True


def _still(before: Mapping[str, Array], now: Mapping[str, Array]) -> bool:
    """Return whether no parameter has changed."""
    return all(name in now and np.array_equal(now[name], before[name]) for name in before)
