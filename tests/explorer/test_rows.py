"""The page writes the rows of a step as Python does, text for text.

The presets are compared with the page's own numbers; other networks with Python's numbers in the
page's scopes, because digits that are left after a cancellation, and lines that carry 17 digits,
show the last bits, in which node and NumPy may differ.
"""

from itertools import cycle, product
from typing import Any

import numpy as np
import pytest

from chainrule import (
    ACTIVATIONS,
    LOSSES,
    PROBLEMS,
    SGD,
    AdamW,
    ChainruleError,
    ClipNorm,
    Custom,
    CustomLoss,
    Dense,
    Network,
    explain,
    mlp,
)
from chainrule.diagnosis.catalogue import MISTAKES, Form
from chainrule.elementwise import Number, exp
from chainrule.explanation import NOTATIONS, Notation, WorkedExample
from chainrule.explanation.work import wired
from chainrule.explorer.model import model_of
from chainrule.explorer.tables import tables
from chainrule.explorer.trees import tree_of
from chainrule.network import MaskSeed
from chainrule.pages import Line, Matrix, Quantity, Table, in_numbers, in_symbols, write_number
from chainrule.pages.cells import corners, listing
from chainrule.pages.mathml import MATHML, flow
from chainrule.pages.tex_math import Tex
from chainrule.wiring import wire
from tests.explanation.digits_table import LARGE
from tests.explorer.node import run_node
from tests.explorer.test_evaluator import CLIPS, PENALTIES, RULES, clipped, network

SETTERS = [MATHML, Tex(keys=False), Tex(keys=True, markdown=True)]
SMALL = [name for name in PROBLEMS if name != LARGE]
ALONE = "delta_sample"
NUMERICAL = 1e-8  # relative to the larger of the two, or to 1: the page extrapolates differences


def case(name: str, example: WorkedExample, **options: Any) -> dict[str, Any]:
    """Return an example with its rows as Python writes them."""
    step, cells = example.steps[0], example.cells
    typeset = options.get("typeset", False)
    rows = [row(q, typeset=typeset) for q in step.quantities]
    for one in rows:
        if "values" in options and one[1].startswith(ALONE):  # from a step of their own
            one[4] = ""
    return {
        "name": name,
        "model": model_of(example),
        "level": example.level,
        "want": [
            *rows,
            *(array(m, example) for m in step.matrices),
            *(table(one, example) for one in step.tables),
        ],
        "digits": {k: getattr(cells, k) for k in ("significant", "decimals", "padded")},
        **options,
    }


def row(q: Quantity, *, typeset: bool) -> list[Any]:
    lines = [
        [n.kind, n.formula, n.substituted, n.exact, *(set_in_math(n) if typeset else [])]
        for n in q.lines
    ]
    names = [s.name(q.markup) for s in SETTERS] if typeset else []
    return [q.section, q.key, q.markup, q.name, q.shown, q.sign, lines, names]


def set_in_math(line: Line) -> list[str | None]:
    def number(value: float) -> str:
        return write_number(value, line.count)

    formulas = [in_symbols(line.tree, s) for s in SETTERS]
    has_numbers = line.substituted is not None
    numbers = [in_numbers(line.tree, number, s) if has_numbers else None for s in SETTERS]
    return [*formulas, flow(formulas[0]), *numbers]


def array(m: Matrix, example: WorkedExample) -> list[Any]:
    formulas = [in_symbols(m.tree, s) for s in SETTERS] if m.tree else []
    return [m.section, m.key, m.markup, m.sign, m.formula, formulas, corners(m, example.cells)]


def table(one: Table, example: WorkedExample) -> list[Any]:
    return [one.title, one.header, listing(one, example.cells).rows, one.remark]


def compared(cases: list[dict[str, Any]], tolerated: float = 0.0) -> list[dict[str, Any]]:
    """Return what the page made of the cases, after a check that every row is Python's.

    `tolerated` is the share of rows that may differ.
    """
    found = run_node("rows.mjs", {"tables": tables(), "cases": cases})
    differences = [(one["name"], pair) for one in found for pair in one["differences"]]
    if len(differences) > tolerated * sum(one["rows"] for one in found):
        assert differences == []
    assert [one["rows"] for one in found] == [len(one["want"]) for one in cases]
    return found


def combined(first: Any, second: Any, *, full: bool) -> list[tuple[str, str]]:
    """Return all pairs, or few in which each value occurs."""
    one, other = list(first), list(second)
    if full:
        return list(product(one, other))
    many = max(len(one), len(other))
    return [
        pair
        for pair, _ in zip(zip(cycle(one), cycle(other), strict=False), range(many), strict=False)
    ]


# ---- presets ------------------------------------------------------------------------------------


def test_every_row_of_a_preset_in_every_notation(full: bool) -> None:
    cases = [
        case(f"{name}, {notation}", explain(name, notation=notation), typeset=True)
        for name, notation in combined(SMALL, NOTATIONS, full=full)
    ]
    compared(cases)


def test_every_matrix_of_a_preset_in_every_notation(full: bool) -> None:
    cases = [
        case(f"{name}, {notation}", explain(name, notation=notation, level="matrices"))
        for name, notation in combined(PROBLEMS if full else SMALL, NOTATIONS, full=full)
    ]
    compared(cases)


def test_every_table_of_a_preset() -> None:
    compared([case(name, explain(name, level="summary")) for name in PROBLEMS])


def test_rows_after_edits(full: bool) -> None:
    rng = np.random.default_rng(4)
    compared([edited(name, rng) for name in SMALL for _ in range(20 if full else 1)])


def edited(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return a preset with other weights, inputs, digits and notation."""
    problem = PROBLEMS[name]
    x, t, _ = problem.data()
    theta = rng.normal(size=problem.network.layout.size).round(int(rng.integers(1, 8)))
    samples = np.array(x) + rng.normal(size=np.shape(x)).round(2)
    count = int(rng.integers(2, 13))
    digits, decimals = (count, None) if rng.integers(2) else (None, count)
    notation = list(NOTATIONS)[rng.integers(len(NOTATIONS))]
    rule = RULES[list(RULES)[rng.integers(len(RULES))]]
    given = problem.network, theta, samples, t, rule
    example = explain(*given, notation=notation, digits=digits, decimals=decimals)
    return case(f"{name} {digits} {decimals}", example, values=python_values(example))


def test_numerical_derivatives_and_single_rows() -> None:
    examples = {name: explain(name) for name in ("mazur", "xor")}
    net = network("tanh", "huber", "all")
    examples["penalty"] = explain(net, net.initialize(1), [[1.0, 2.0, 0.5]], [[0.5, 1.0]], "adam")
    found = compared([case(name, one, numerical=True) for name, one in examples.items()])
    for one, example in zip(found, examples.values(), strict=True):
        rows = [q for q in example.steps[0].quantities if q.numerical is not None]
        numbers = dict(one["numerical"])
        assert {q.key for q in rows} == set(numbers)
        for q in rows:
            gap = abs(numbers[q.key] - (q.numerical or 0.0))
            assert gap <= NUMERICAL * max(abs(q.value), 1e-3), q.key


@pytest.mark.every_value(
    parameter=["W2[1,3]", "W1[2,7]", "b1[2]"], notation=["plain", "nielsen", "rumelhart"]
)
def test_the_derivation_of_a_parameter(parameter: str, notation: str) -> None:
    net = mlp(40, 7, 4, activation="relu", loss="softmax-cross-entropy")
    rng = np.random.default_rng(2)
    data = rng.random((8, 40)), rng.integers(0, 4, 8)
    example = explain(net, net.initialize(0), *data, "adam", parameter=parameter, notation=notation)
    rows = example.steps[0].quantities
    array, _, place = parameter.removesuffix("]").partition("[")
    focus = {"scope": f"layer{array[1:]}", "name": array[0], "index": [*map(int, place.split(","))]}
    want = [
        [q.name, q.shown, [[n.kind, n.formula, n.substituted, n.exact] for n in q.lines]]
        for q in rows
        if q.section != "given"
    ]
    refs = [q.ref._asdict() for q in rows if q.section != "given"]
    given = {"level": "parameter", "want": want, "refs": refs, "focus": focus}
    compared([case(parameter, example, values=python_values(example)) | given])


# ---- every registered entry ---------------------------------------------------------------------


def test_rows_of_every_entry(full: bool) -> None:
    pairs = combined(ACTIVATIONS, LOSSES, full=full)
    # Of a slope that nearly cancels, the last bits decide whether the textbook's formula is shown.
    compared([of_entries(*pair, i) for i, pair in enumerate(pairs)], tolerated=1e-4)


def soft_step(z: Number) -> Number:
    return z / (1 + exp(-2 * z))


def fourth(o: Number, t: Number) -> Number:
    return (o - t) ** 4 / 4


def dfourth(o: Number, t: Number) -> Number:
    return (o - t) ** 3


def test_rows_of_own_functions_and_names() -> None:
    own = Custom("soft-step", soft_step)
    patterns = dict(NOTATIONS["nielsen"].patterns, z="s_{<u>}^{<l>}", W="w_{<jk>}")
    course = Notation("course", patterns, "t-o", negated=("delta",))
    far = {"logistic": -800.0, "silu": -800.0, "softplus": 800.0, "elu": -3.0}  # no e^−z there
    cases = []
    for i, f in enumerate([own, *far]):
        loss = CustomLoss("fourth", fourth, dfourth) if f is own else "logistic-cross-entropy"
        net = Network(1, (Dense(2, f), Dense(1, "identity")), loss)
        x = [[far.get(str(f), 1.0)]]
        example = explain(net, [1, 0.5, 0, 0, 1, 2, 0.25], x, [[1.0]], SGD(0.1), notation=course)
        cases.append(case(str(i), example, values=python_values(example)))
        assert f is not own or all(q.exact for q in example.steps[0].quantities)
    compared(cases)


def test_a_step_with_any_mistake_has_rows(full: bool) -> None:
    rule = AdamW(0.1, clip=ClipNorm(0.1))
    net = network("tanh", "softmax-cross-entropy", "all")
    data = [[1.0, 2.0, 0.5], [0.3, 0.2, 0.1]], [0, 1]
    example = explain(net, net.initialize(1), *data, rule, notation="rumelhart", level="scalars")
    forms = [form for mistake in MISTAKES.values() for form in mistake.forms]
    shown = [form for form in forms[:: 1 if full else 12] if computes(example, form)]
    assert len(shown) > (180 if full else 15)
    right = case("", example) | {"want": []}
    cases = [right | {"name": str(form), "replace": trees(example, form)} for form in shown]
    found = run_node("rows.mjs", {"tables": tables(), "cases": cases})
    assert min(one["rows"] for one in found) >= len(example.steps[0].quantities) // 2


def replaced(example: WorkedExample, form: Form) -> dict[tuple[str | int, str], str]:
    """Return the equations that a form of a mistake replaces, in every layer."""
    blocks = example.setup.network.layout.blocks
    of_arrays = {"W": form.weights, "b": form.biases}
    arrays: dict[tuple[str | int, str], str] = {
        (b.name, name): t for b in blocks for name, t in of_arrays[b.param].items()
    }
    layers: dict[tuple[str | int, str], str] = {
        ("all", name): t for name, t in {**form.layer, **form.above}.items()
    }
    return layers | {("loss", name): t for name, t in form.loss.items()} | arrays


def computes(example: WorkedExample, form: Form) -> bool:
    """Return whether every equation of a step with a mistake can be evaluated."""
    setup = example.setup
    state = setup.rule.start(setup.theta, setup.network.layout) if setup.rule else None
    try:
        step = wire(
            *(setup.network, setup.theta, setup.batch, setup.rule, state),
            mask_seed=MaskSeed(0, 0),
            replace=replaced(example, form),
        )
        with np.errstate(all="ignore"):
            return all(np.size(s[name]) for s in step.scopes.values() for name in s.equations)
    except ChainruleError:  # not for these layers, or not for this optimizer
        return False


def trees(example: WorkedExample, form: Form) -> list[list[Any]]:
    return [[where, name, tree_of(t)] for (where, name), t in replaced(example, form).items()]


def of_entries(activation: str, loss: str, i: int) -> dict[str, Any]:
    """Return a network with registered entries in each place; `i` chooses the other ones."""

    def nth(table: dict[str, Any]) -> Any:
        return list(table.values())[i % len(table)]

    penalty = list(PENALTIES)[i % len(PENALTIES)]
    net = network(activation, loss, penalty, layers="all" if i % 2 else "plain")
    rng, n = np.random.default_rng(i), (1, 2, 7)[i % 3]
    x, t = rng.normal(size=(n, net.inputs)), rng.uniform(size=(n, net.outputs))
    weights = rng.uniform(0.5, 2, n) if i % 5 == 0 else None
    example = explain(
        net,
        net.initialize(i),
        x,
        t / t.sum(1, keepdims=True),
        clipped(nth(RULES), nth(CLIPS)) if i % 7 else None,
        notation=nth(NOTATIONS),
        sample_weight=weights,
        level=("scalars", "matrices", "summary", "scalars")[i % 4],
    )
    return case(f"{activation}, {loss}, {i}", example, values=python_values(example))


def python_values(example: WorkedExample) -> dict[str, Any]:
    """Return Python's value of every equation, by scope and name."""
    with np.errstate(all="ignore"):
        scopes = wired(example.setup, example.setup.state).scopes
        return {
            label: {name: plain(scope[name]) for name in scope.equations}
            for label, scope in scopes.items()
        }


def plain(value: Any) -> list[Any]:
    numbers = np.asarray(value, float)
    return [list(numbers.shape), numbers.ravel().tolist()]
