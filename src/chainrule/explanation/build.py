"""Makes worked examples: runs a step from its equations, and writes down each number it gives.

It follows the scopes that the engine wires; there is no formula here, and no arithmetic.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule import loops
from chainrule.activations import Custom
from chainrule.batch import Batch, finite
from chainrule.descriptions import of_kind, whole
from chainrule.equations import Scope
from chainrule.errors import InputError
from chainrule.explanation import expand
from chainrule.explanation.digits import Digits, put_in, write
from chainrule.explanation.example import ExampleStep, Quantity, WorkedExample
from chainrule.explanation.notation import Notation, Places, Ref, key, notation
from chainrule.explanation.text import show
from chainrule.gradcheck import numerical_gradient
from chainrule.layers import Layer
from chainrule.loops import State
from chainrule.network import Draw, Network
from chainrule.optimizers import LBFGS, Optimizer, optimizer
from chainrule.penalties import Penalty
from chainrule.wiring import Memory, Step, wire

Array: TypeAlias = NDArray[Any]

MOST_ROWS = 20_000  # numbers in one document
MOST_STEPS = 10_000_000
LOSS_NAMES = {"terms": "error", "value": "loss"}
OWN = "decay"  # the one constant of an optimiser that each array has its own of
PENALTY_SUMS = ("absolute", "square")  # what each array adds to the penalty


def explain(  # noqa: PLR0913 (what a document says is chosen by name)
    network: Network,
    theta: ArrayLike,
    x: ArrayLike,
    t: ArrayLike,
    optimizer: str | Optimizer | None = None,
    *,
    steps: int = 1,
    show_steps: Iterable[int] | None = None,
    weights: ArrayLike | None = None,
    notation: str | Notation = "plain",
    digits: int = 9,
    decimals: int | None = None,
    seed: int = 0,
    title: str = "Worked example",
    source: str = "",
) -> WorkedExample:
    """Work out a training step of a network: every number, its formula, the numbers put in.

    Parameters
    ----------
    network : Network
    theta : array (parameters,)
    x : array (n, inputs), or (inputs,) for one sample
    t : array (n, outputs), (outputs,) for one sample, or (n,) classes or single targets
    optimizer : str or Optimizer, optional
        Without one the example ends at the gradient.
    steps : int, default 1
        How many steps in a row, on the same samples.
    show_steps : iterable of int, optional
        Which of them to work out; the first and the last by default.
    weights : array (n,), optional
        Sample weights.
    notation : str or Notation, default "plain"
        ``"plain"`` or ``"mazur"``.
    digits : int, default 9
        Significant digits of results.
    decimals : int, optional
        Digits behind the point instead.
    seed : int, default 0
        Of dropout masks.
    title, source : str
        What the document says of itself.

    Returns
    -------
    WorkedExample

    Raises
    ------
    InputError
        If something does not fit, is not finite, or the document would be absurdly long.
    UnknownNameError
        If an optimiser or notation has no such name.
    """
    of_kind(network, Network, "network", "give a Network, such as mlp(2, 3, 1, …) makes")
    whole(seed, "seed", 0)
    point = finite(network.layout.check(theta).astype(np.float64), "theta")
    batch = network.batch(point, x, t, weights)
    finite(batch.x, "x")
    rule = _pair(optimizer)
    shown = choose_steps(steps, show_steps, rule)
    writer = Writer(network, batch, rule, _notation(notation), Digits(digits, decimals))
    check_size(writer, point)
    states = trajectory(network, rule, batch, point, [s - 1 for s in shown], seed)
    return document(writer, [states[s - 1] for s in shown], title, source)


_notation = notation  # `explain` has a parameter of that name
_optimizer = optimizer


def choose_steps(steps: int, wanted: Iterable[int] | None, rule: Optimizer | None) -> list[int]:
    """Return the numbers of the steps to work out: the first and the last unless asked."""
    last = whole(steps, "steps")
    if last > 1 and rule is None:
        raise InputError(f"steps={last}: several steps need an optimiser, such as SGD(0.5)")
    if last > MOST_STEPS:
        raise InputError(f"steps={last}: at most {MOST_STEPS:,} are run in an example")
    shown = sorted({1, last} if wanted is None else {whole(s, "a step") for s in wanted})
    if not shown or shown[-1] > last:
        raise InputError(f"show_steps={shown}: name steps from 1 to {last}")
    return shown


def document(writer: "Writer", states: list[State], title: str, source: str) -> WorkedExample:
    """Return the document of the steps that begin at these states."""
    worked = tuple(work_out(writer, state) for state in states)
    description = describe(writer.network, states[0].theta, writer.batch, writer.rule)
    return WorkedExample(title, source, description, writer.places, writer.notation, worked)


def _pair(choice: str | Optimizer | None) -> Optimizer | None:
    """Return an optimiser that has equations, or None."""
    chosen = None if choice is None else _optimizer(choice)
    if isinstance(chosen, LBFGS):
        raise InputError("lbfgs is SciPy's and has no equations; explain another optimiser's step")
    return chosen


def trajectory(
    network: Network,
    rule: Optimizer | None,
    batch: Batch,
    theta: Array,
    wanted: Iterable[int],
    seed: int = 0,
) -> dict[int, State]:
    """Return the states after so many updates each, by the hand-written passes (the same bits)."""
    if rule is None:
        return {0: State(theta, 0, (), seed)}
    keep = set(wanted)
    state = loops.begin(theta, rule, network.layout, seed)
    states = {0: state}
    for done in range(1, max(keep, default=0) + 1):
        state = loops.update(network, rule, batch, state)
        if done in keep:
            states[done] = state
    return states


def describe(
    network: Network, theta: Array, batch: Batch, rule: Optimizer | None
) -> dict[str, Any]:
    """Return the network, its parameters, data and optimiser in plain values."""
    return {
        "network": {
            "inputs": network.inputs,
            "layers": [
                {"kind": layer.kind, "label": label, "units": width, "python": repr(layer)}
                | _source(layer)
                for layer, label, width in zip(
                    network.layers, network.labels, network.widths[1:], strict=True
                )
            ],
            "loss": network.objective.name,
            "python": repr(network),
        },
        "optimizer": None if rule is None else {"name": rule.name, "python": repr(rule)},
        "theta": {name: array.tolist() for name, array in network.views(theta).items()},
        "x": batch.x.tolist(),
        "t": batch.t.tolist(),
        "weights": None if batch.weight is None else batch.weight.tolist(),
    }


def _source(layer: Layer) -> dict[str, str]:
    """Return the source of a layer's own activation, if it has one of the user's."""
    f = getattr(layer, "f", None)
    return {"source": f"{f.name}: {f.source}"} if isinstance(f, Custom) else {}


# ---- one step -----------------------------------------------------------------------------------


class Writer(NamedTuple):
    """What is needed to write a step down."""

    network: Network
    batch: Batch
    rule: Optimizer | None
    notation: Notation
    digits: Digits

    @property
    def places(self) -> Places:
        """What names depend on."""
        return Places(self.network, len(self.batch.x))


def work_out(writer: Writer, state: State) -> ExampleStep:
    """Return the step that begins at a state, worked out."""
    network, batch, rule = writer.network, writer.batch, writer.rule
    with np.errstate(all="ignore"):  # a number that is not finite is refused where it is written
        step = wired(network, batch, rule, state)
        before = refuse(float(step.value), "the loss")
        numerical = numerically(writer, state, step)
        quantities = [
            quantity(writer, step, section, scope, name, index, numerical)
            for section, scope, name in contents(step, rule)
            for index in np.ndindex(*np.shape(scope[name]))
        ]
        draw = Draw(state.seed, state.step)  # the same masks before and after
        after = None if rule is None else float(network.value(step.theta_new, batch, draw))
    place = sum(q.section != "update" for q in quantities)  # the update comes last
    rows = (*quantities[:place], *alone(writer, state), *quantities[place:])
    return ExampleStep(state.step + 1, before, refuse(after, "the loss after"), rows)


Finite = TypeVar("Finite", float, float | None)


def refuse(value: Finite, what: str) -> Finite:
    """Return a number, or raise InputError if it is not finite."""
    if value is not None and not math.isfinite(value):
        raise InputError(
            f"{what} is {value}: no example can be worked out with it; lower the learning rate, or "
            "bring the inputs and weights to a common scale"
        )
    return value


def check_size(writer: Writer, theta: Array) -> None:
    """Raise InputError if a step has too many numbers to write down."""
    first = trajectory(writer.network, writer.rule, writer.batch, theta, [0])[0]
    step = wired(writer.network, writer.batch, writer.rule, first)
    with np.errstate(all="ignore"):
        rows = sum(np.size(scope[name]) for _, scope, name in contents(step, writer.rule))
    if rows > MOST_ROWS:
        raise InputError(
            f"this step has {rows:,} numbers, more than {MOST_ROWS:,}; "
            "explain a smaller network or fewer samples"
        )


def wired(
    network: Network,
    batch: Batch,
    rule: Optimizer | None,
    state: State,
    given: Memory | None = None,
) -> Step:
    """Return the scopes of the step that begins at a state."""
    memory = loops.OptimizerState(state.step, state.slots, network.layout) if rule else None
    draw = Draw(state.seed, state.step)
    return wire(network, state.theta, batch, rule, memory, draw=draw, given=given)


def contents(step: Step, rule: Optimizer | None) -> Iterator[tuple[str, Scope, str]]:
    """Yield (section, scope, name) of all that a step computes, as a person computes it."""
    yield "given", step.layers[0].neighbours["input"], "a"
    yield "given", step.loss, "t"
    for block in step.network.layout.blocks:
        yield "given", step.layers[block.layer], block.param
    if rule is not None:
        first = next(iter(step.arrays.values()))
        names = [name for name, value in first.given.items() if not np.shape(value)]
        yield from (("given", first, name) for name in names if name != OWN)
        for scope in step.arrays.values():
            own = [OWN] if OWN in scope.given else []
            yield from (("given", scope, name) for name in (*own, *rule.slots))
    for scope in step.layers:
        if "mask" in scope:
            yield "given", scope, "mask"
        yield from (("forward", scope, name) for name in _forward(scope))
    yield "error", step.loss, "o"
    yield from (("error", step.loss, name) for name in step.loss.equations if name != "do")
    if step.penalty.equations:
        decaying = [step.arrays[b.name] for b in step.network.layout.blocks if b.decays]
        yield from (("error", scope, name) for scope in decaying for name in PENALTY_SUMS)
        yield from (("error", step.penalty, name) for name in step.penalty.equations)
        yield "error", step.cost, "value"
    yield "backward", step.loss, "do"
    for scope in reversed(step.layers):
        yield "backward", scope, "da"
        names = [n for n in scope.equations if n not in _forward(scope)]
        yield from (("backward", scope, name) for name in names)
    if rule is not None:
        yield from _update(step, rule)


def _forward(scope: Scope) -> list[str]:
    """Return a layer's names up to its output a, in their order."""
    order = list(scope.equations)
    return order[: order.index("a") + 1]


def _update(step: Step, rule: Optimizer) -> Iterator[tuple[str, Scope, str]]:
    """Yield the slots and the penalised gradient, then what is clipped together, then the rest."""
    before = ("sign", "dpenalty", "dC", "length")
    for scope in step.arrays.values():
        yield from (("update", scope, name) for name in scope.equations if name in before)
    yield from (("update", step.clip, name) for name in step.clip.equations)
    for scope in step.arrays.values():
        names = [n for n in scope.equations if n not in (*before, *PENALTY_SUMS)]
        yield from (("update", scope, name) for name in names)


def quantity(
    writer: Writer,
    step: Step,
    section: str,
    scope: Scope,
    name: str,
    index: tuple[int, ...],
    numerical: dict[str, Array],
) -> Quantity:
    """Return one number, with the line that it comes from."""
    ref = refer(step, scope, name, index)
    name_shown = writer.notation(ref, writer.places)
    value = refuse(expand.number(scope[name], index), name_shown)
    lines: dict[str, Any] = {}
    if section != "given":
        lines = _lines(writer, step, expand.named(scope, name, index), value)
    array = numerical.get(ref.quantity + ref.layer)
    return Quantity(
        ref, key(ref, writer.places), name_shown, section, value, writer.digits.result(value),
        **lines, numerical=None if array is None or np.isnan(array[index]) else float(array[index]),
    )  # fmt: skip


def _lines(
    writer: Writer, step: Step, expression: expand.Expression, value: float
) -> dict[str, Any]:
    """Return the formula, the numbers put in, and whether few digits were enough."""

    def name(leaf: expand.Leaf) -> str:
        ref = refer(step, leaf.scope, leaf.name, leaf.index)
        return writer.notation(ref, writer.places)

    formula = show(expression, name)
    if isinstance(expression, expand.Leaf):  # another name for the same number: nothing to put in
        return {"formula": formula}
    line, exact = put_in(
        lambda count: show(expression, lambda leaf: write(leaf.value, count)),
        value, writer.digits, expand.calls(expression),
    )  # fmt: skip
    return {"formula": formula, "substituted": line, "exact": exact}


# ---- what is what -------------------------------------------------------------------------------


def refer(step: Step, scope: Scope, name: str, index: tuple[int, ...]) -> Ref:
    """Return what an entry of a scope's name is."""
    label = scope.label
    if label in step.arrays:
        return _of_array(step, scope, name, index)
    if label == "input":
        return Ref("x", "", index, sampled=True)
    if label == "loss":
        return Ref(LOSS_NAMES.get(name, name), "", index, sampled=bool(index))
    if label in ("cost", "penalty", "clip"):
        short = {"cost": "cost", "penalty": "penalty"}.get(label, name)
        return Ref(short if name == "value" else name, "", index, sampled=False)
    layer = label.removeprefix("layer") if label.startswith("layer") else label
    params = {b.param for b in step.network.layout.blocks if step.layers[b.layer] is scope}
    own = name.removeprefix("d") in params
    return Ref(name, layer if index else "", index, sampled=bool(index) and not own)


def _of_array(step: Step, scope: Scope, name: str, index: tuple[int, ...]) -> Ref:
    block = next(b for b in step.network.layout.blocks if b.name == scope.label)
    layer = step.network.labels[block.layer]
    if name in scope.given and not np.shape(scope[name]) and name != OWN:
        return Ref(name, "", (), sampled=False)  # a constant such as the learning rate
    named = {"w": block.param, "d": f"d{block.param}", "w_new": f"{block.param}_new"}
    stem = name.removesuffix("_new")
    own = f"{stem}_{block.param}" + ("_new" if stem != name else "")
    return Ref(named.get(name, own), layer, index, sampled=False)


# ---- beside the equations -----------------------------------------------------------------------


def numerically(writer: Writer, state: State, step: Step) -> dict[str, Array]:
    """Return numerical derivatives by name: of the data loss, and with a penalty of C."""
    network, draw, layout = writer.network, Draw(state.seed, state.step), writer.network.layout
    bare = replace(network, penalty=Penalty())

    def derivatives(net: Network, prefix: str, name: str) -> dict[str, Array]:
        analytic = layout.join({n: scope[name] for n, scope in step.arrays.items()}, np.float64)
        flat = numerical_gradient(lambda w: net.value(w, writer.batch, draw), state.theta, analytic)
        return {prefix + n: view for n, view in layout.views(flat).items()}

    penalised = derivatives(network, "dC_", "dC") if network.penalty else {}
    return derivatives(bare, "d", "d") | penalised


def alone(writer: Writer, state: State) -> list[Quantity]:
    """Return delta_sample: each sample's delta without the others and without its weight."""
    network, batch = writer.network, writer.batch
    masks = network.masks(len(batch.x), Draw(state.seed, state.step))
    rows: list[Quantity] = []
    for s in range(len(batch.x)) if len(batch.x) > 1 or batch.weight is not None else ():
        single = Batch(batch.x[s : s + 1], batch.t[s : s + 1], None, 1.0)
        own = {label: {"mask": mask[s : s + 1]}  # the sample's own, not that of a first row
               for label, mask in zip(network.labels, masks, strict=True)
               if mask is not None}  # fmt: skip
        step = wired(network, single, None, state, own)
        for scope, label in zip(reversed(step.layers), reversed(network.labels), strict=True):
            delta = scope["delta"][0].tolist() if "delta" in scope else ()
            for unit, value in enumerate(delta):
                rows.append(_alone(writer, Ref("delta_sample", label, (s, unit), True), value))  # noqa: FBT003 (sampled)
    return rows


def _alone(writer: Writer, ref: Ref, value: float) -> Quantity:
    name = writer.notation(ref, writer.places)
    shown = writer.digits.result(value)
    return Quantity(ref, key(ref, writer.places), name, "backward", value, shown)
