"""The ways to call a function: order, grouping and shapes of its arguments, as plain values.

Names order what is tried first, nothing else; which way works is found out by trying.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from chainrule.submission.arrays import (
    IN_OUT,
    OUT_IN,
    Form,
    bias_array,
    list_of,
    plain,
    samples,
    targets,
    weight_array,
)
from chainrule.submission.attempts import parameters
from chainrule.submission.questions import Layout, Question
from chainrule.submission.values import is_whole

HINTS = {  # what is tried first; nothing is concluded from a name
    "x": ("x", "inp", "ent", "data", "feat", "sample"),
    "t": ("t", "y", "targ", "lab", "soll", "d", "alvo", "out", "exp", "ziel"),
    "weights": ("w", "pes", "gew", "theta", "poids"),
    "biases": ("b", "ses", "schw", "bias", "vi"),
    "rate": ("lr", "eta", "alpha", "rate", "learn", "l_rate", "tasa", "taxa", "lern"),
    "params": ("p", "net", "layers", "model", "theta", "red", "param"),
}


@dataclass(frozen=True)
class Plan:
    """How a function is called: plain values, so that they can be told and sent.

    Parameters
    ----------
    roles : tuple of str
        What stands where: ``weights``, ``biases``, ``W1``, ``b1``, ``params``, ``x``, ``t``,
        ``rate``, ``one``.
    form : Form
    container : str
        Of ``params``: ``"W1 b1"``, ``"W b"``, ``"dicts"``, ``"pairs"`` or ``"vector"``.
    ones : tuple of str
        Parameters with a whole number of rounds as their default, which are given 1.
    """

    roles: tuple[str, ...]
    form: Form = field(default_factory=Form)
    container: str = ""
    ones: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What stands where, for people."""
        names = [self.container if r == "params" else r for r in self.roles]
        return f"({', '.join('1' if name == 'one' else name for name in names)})"

    def layout(self, dtype: str) -> Layout:
        """Return the layout that tells it."""
        form = self.form
        words = {"one row": "one at a time", "one column": "one at a time", "one": "one at a time"}
        return Layout(
            form="function",
            arguments=self.words,
            weights=form.weights,
            samples=words.get(form.samples, form.samples),
            bias=form.bias,
            lists=form.lists != "arrays",
            dtype=dtype,
            classes=form.targets == "classes",
            details=asdict(self),
        )


def plan_of(layout: Layout) -> Plan:
    """Return the plan that a layout tells."""
    told = dict(layout.details)
    form = Form(**told.pop("form"))
    roles, ones = tuple(told.pop("roles")), tuple(told.pop("ones"))
    return Plan(roles, form, told["container"], ones)


# --- Which plans there are -----------------------------------------------------------------------

Group = tuple[tuple[str, ...], str]  # roles, container
Groups = tuple[tuple[str, ...], str, tuple[str, ...]]  # roles, container, kinds of bias
CONTAINERS = (
    *("W1 b1", "W b", "dicts", "pairs", "w1 b1", "W0 b0", "w b", "weights biases", "0-based pairs"),
    *("weights1 bias1", "vector"),
)


def groupings(count: int, depth: int) -> Iterator[Groups]:
    """Yield what `count` arguments may be, for a network with so many layers."""
    for core, container, biases in _cores(depth):
        for data in (("x", "t"), ("x",)):
            extra = count - len(core) - len(data)
            for more in _extras(extra) if len(data) == 2 else ([()] if extra == 0 else []):
                for roles in _orders(core, data, more):
                    yield roles, container, biases


def _cores(depth: int) -> Iterator[Groups]:
    """Yield the ways in which the parameters are handed over."""
    ws, bs = [f"W{i + 1}" for i in range(depth)], [f"b{i + 1}" for i in range(depth)]
    inside = ("last", "first", "none")
    yield ("weights", "biases"), "", ("separate",)
    if depth > 1:
        yield tuple(itertools.chain(*zip(ws, bs, strict=True))), "", ("separate",)
        yield tuple(ws + bs), "", ("separate",)
    for container in CONTAINERS:
        yield ("params",), container, ("separate",)
    yield ("weights",), "", inside
    if depth > 1:
        yield tuple(ws), "", inside


def _extras(count: int) -> list[tuple[str, ...]]:
    """Return what so many further arguments may be."""
    return {0: [()], 1: [("rate",), ("one",)], 2: [("rate", "one"), ("one", "rate")]}.get(count, [])


def _orders(
    core: tuple[str, ...], data: tuple[str, ...], more: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the orders in which these groups may stand."""
    yield core + data + more
    yield data + core + more
    if core == ("params",):
        return
    if more:
        yield data + more + core
        yield core + more + data
        yield more + core + data
    if len(data) == 2:
        yield (data[0], *core, data[1], *more)
        yield core + data[::-1] + more


def forms(biases: tuple[str, ...]) -> list[Form]:
    """Return the forms that arrays may have, the most usual first."""
    found = [
        Form(weights, bias, upright, sample, lists, target)
        for weights, bias, upright, sample, lists, target in itertools.product(
            (OUT_IN, IN_OUT),
            biases,
            ("flat", "row", "column") if biases == ("separate",) else ("flat",),
            ("rows", "columns", "one", "one row", "one column"),
            ("arrays", "lists", "tuples"),
            ("rows", "flat", "classes"),
        )
    ]
    return sorted(filter(_sensible, found), key=_oddness)


def _sensible(form: Form) -> bool:
    """Return whether anybody writes so: lists and tuples have no rows or columns of their own."""
    if form.lists == "tuples" and form.targets != "rows":
        return False
    return form.lists == "arrays" or (form.samples in {"rows", "one"} and form.upright == "flat")


ODD = {
    IN_OUT: 1,
    "none": 2,
    "first": 0.5,
    "row": 0.4,
    "column": 1.5,
    "columns": 2,
    "one": 10,
    "one row": 30,
    "one column": 20,
    "lists": 3,
    "tuples": 5,
    "flat t": 6,
    "classes": 8,
}


def _oddness(form: Form) -> float:
    """Return how unusual a form is; columns go with an upright b."""
    parts = (form.weights, form.bias, form.samples, form.lists)
    total = sum(ODD.get(part, 0) for part in parts)
    total += ODD.get("flat t" if form.targets == "flat" else form.targets, 0)
    standing = form.samples in {"columns", "one column"}
    return total + (0 if standing and form.upright == "column" else ODD.get(form.upright, 0))


USUAL = {
    *(("rows", "flat", "arrays"), ("rows", "row", "arrays"), ("columns", "column", "arrays")),
    *(("one", "flat", "arrays"), ("one row", "row", "arrays"), ("one column", "column", "arrays")),
    *(("rows", "flat", "lists"), ("one", "flat", "lists"), ("one", "flat", "tuples")),
    *(("columns", "flat", "arrays"), ("one column", "flat", "arrays")),
}


def is_usual(form: Form) -> bool:
    """Return whether a form is one of those that nearly everybody has."""
    return (form.samples, form.upright, form.lists) in USUAL and form.targets == "rows"


def plans(
    function: Callable[..., Any], question: Question, *, optional: bool = False
) -> Iterator[Plan]:
    """Yield the plans to call `function` by, the most promising first.

    With `optional` the argument behind the needed ones, None by default, is taken for the targets.
    """
    found = parameters(function)
    names = [p.name for p in found if p.default is p.empty]
    names += [found[len(names)].name] if optional else []
    ones = tuple(p.name for p in found if is_whole(p.default))
    counts = [len(names)] if found else [4, 3, 5]
    groups = [g for count in counts for g in groupings(count, len(question.W))]
    groups = [g for g in groups if not (g[1] == "vector" and len(names) < 2)]
    groups = [g for g in groups if not optional or g[0][-1] == "t"]
    ordered = sorted(groups, key=lambda group: -_agreement(group[0], names))
    alternatives = [ones, ()] if ones else [()]
    for roles, container, biases in ordered:
        for form in forms(biases):
            if form.targets != "rows" and not _useful(form, question, roles):
                continue
            for given in alternatives:
                yield Plan(roles, form, container, given)


def _useful(form: Form, question: Question, roles: tuple[str, ...]) -> bool:
    """Return whether another form of targets says the same as the targets."""
    t = question.t
    if "t" not in roles:
        return False
    if form.targets == "flat":
        return t.shape[1] == 1
    rows = np.sort(t, axis=1)
    return t.shape[1] > 1 and bool((rows[:, -1] == 1).all() and (rows[:, :-1] == 0).all())


def _agreement(roles: tuple[str, ...], names: list[str]) -> int:
    """Return how many names look like what they would be given."""
    return sum(_agrees(role, name) for role, name in zip(roles, names, strict=False))


def _agrees(role: str, name: str) -> bool:
    """Return whether a name looks like a role; ``W2`` and ``b2`` have their number besides."""
    folded = name.casefold().lstrip("_")
    if role[0] in "Wb" and role[1:].isdigit():
        stem = HINTS["weights" if role[0] == "W" else "biases"]
        return folded.startswith(stem) and any(c.isdigit() for c in folded)
    if role in {"weights", "biases"} and folded[-1:].isdigit():
        return False
    return folded.startswith(HINTS.get(role, ()))


# --- Arguments -----------------------------------------------------------------------------------


def arguments(plan: Plan, question: Question) -> dict[str, Any]:
    """Return fresh arguments by role, the learner's order kept."""
    return {role: _argument(role, plan, question) for role in plan.roles}


def _argument(role: str, plan: Plan, question: Question) -> Any:
    """Return one argument."""
    form = plan.form
    if role == "x":
        return plain(samples(question.x, form), form.lists)
    if role == "t":
        return _targets(question, form)
    if role in {"rate", "one"}:
        return question.rate if role == "rate" else 1
    ws, bs = layers(question, form)
    if role == "weights":
        return list_of(ws, form)
    if role == "biases":
        return list_of(bs, form)
    if role == "params":
        return _container(plan.container, ws, bs)
    return (ws if role[0] == "W" else bs)[int(role[1:]) - 1]


def layers(question: Question, form: Form) -> tuple[list[Any], list[Any]]:
    """Return all weights and all biases as the form has them."""
    pairs = list(zip(question.W, question.b, strict=True))
    ws = [plain(weight_array(W, b, form), form.lists) for W, b in pairs]
    return ws, [plain(bias_array(b, form), form.lists) for _, b in pairs]


def _targets(question: Question, form: Form) -> Any:
    """Return the targets; class numbers are whole numbers."""
    theirs = targets(question.t, form)
    if form.targets == "classes":
        return theirs.tolist() if form.lists != "arrays" or form.single else np.array(theirs)
    return plain(np.asarray(theirs), form.lists)


def _container(container: str, ws: list[Any], bs: list[Any]) -> Any:
    """Return all parameters in one container."""
    pairs = list(zip(ws, bs, strict=True))
    numbered = {"W1 b1": ("W", "b", 1), "w1 b1": ("w", "b", 1), "W0 b0": ("W", "b", 0)}
    numbered["weights1 bias1"] = ("weights", "bias", 1)
    if container in numbered:
        w, b, start = numbered[container]
        return {
            f"{k}{i}": v for i, p in enumerate(pairs, start) for k, v in zip((w, b), p, strict=True)
        }
    if container == "dicts":
        return [{"W": W, "b": b} for W, b in pairs]
    if container == "pairs":
        return pairs
    if container == "0-based pairs":
        return dict(enumerate(pairs))
    if container == "vector":
        return np.concatenate([np.ravel(part) for pair in pairs for part in pair])
    w, b = container.split()
    return {w: ws, b: bs}


def keywords(plan: Plan) -> dict[str, Any]:
    """Return what is given by name."""
    return dict.fromkeys(plan.ones, 1)
