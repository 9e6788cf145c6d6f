"""The equation law: evaluated equations equal the hand-written passes bit for bit, step after step.

Each equation is used: if one is changed, some number changes. Invalid equations and replacements
are rejected with a suggestion.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chainrule.equations import EquationError, Scope, parse
from chainrule.errors import UnknownNameError
from chainrule.layers import Dense, fields_of
from chainrule.layout import Layout
from chainrule.multilayer import mlp
from chainrule.network import MaskSeed, Network, Trace
from chainrule.optimizers import (
    SGD,
    ClipNorm,
    ClipValue,
    Momentum,
    Optimizer,
    OptimizerState,
)
from chainrule.penalties import Penalty
from chainrule.wiring import Replacements, Step, wire
from tests.laws.nets import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    ALL_SCHEDULES,
    LOSS_VARIANTS,
    PAIRS,
    PENALTY,
    STACKS,
    VARIANTS,
    Array,
    Case,
    case,
    exact_fit,
    same_bits,
    tuned,
)

STEPS = 3
CLIPS = {"none": None, "value": ClipValue(0.05), "norm": ClipNorm(0.1)}


# ---- evaluated equations and hand-written passes ------------------------------------------------


@pytest.mark.product(
    activation=ALL_ACTIVATIONS, loss=ALL_LOSSES, optimizer=PAIRS, dtype=["float64", "float32"]
)
def test_equations_equal_the_passes(activation, loss, optimizer, dtype):
    drawn = case(activation, loss, "all", weighted=True, penalty=PENALTY, dtype=dtype)
    assert_agree(drawn, tuned(optimizer, clip=ClipNorm(0.5)))


@pytest.mark.product(
    layers=STACKS,
    optimizer=PAIRS,
    penalty=[PENALTY, Penalty(), Penalty(l1=0.1), Penalty(alpha=1.0)],
    clip=CLIPS,
    trainable=[True, False, ("W",), ("b",)],
    weighted=[False, True],
    dropped=[True, False],
)
def test_layers_with_all_training_options(
    layers, optimizer, penalty, clip, trainable, weighted, dropped
):
    drawn = case(layers=layers, weighted=weighted, penalty=penalty, trainable=trainable)
    assert_agree(drawn, tuned(optimizer, clip=CLIPS[clip]), dropped=dropped)


@pytest.mark.product(optimizer=PAIRS, learning_rate=ALL_SCHEDULES, dtype=["float64", "float32"])
def test_with_schedules(optimizer, learning_rate, dtype):
    assert_agree(case(dtype=dtype), tuned(optimizer, learning_rate=ALL_SCHEDULES[learning_rate]))


@pytest.mark.parametrize(("activation", "loss"), VARIANTS)
def test_with_other_constants(activation, loss):
    assert_agree(case(activation, loss, "all", rows=6, weighted=True), SGD(0.05))


@pytest.mark.parametrize("loss", [*ALL_LOSSES, *LOSS_VARIANTS])
def test_exact_fit(loss):
    assert_agree(exact_fit(loss), SGD(0.05))


def assert_agree(drawn: Case, rule: Optimizer, *, dropped: bool = True) -> None:
    """Assert that equations and hand-written passes agree in every bit over several steps."""
    network, theta = drawn.network, drawn.theta
    state = rule.start(theta, network.layout)
    largest = 0.0
    for k in range(STEPS):
        mask_seed = MaskSeed(5, k) if dropped else None
        trace = network.run(theta, drawn.batch, mask_seed)
        step = wire(network, theta, drawn.batch, rule, state, mask_seed=mask_seed)
        theta, state = rule.step(theta, trace.gradient, state)
        for name, theirs, ours in quantities(step, trace, rule, theta, state):
            largest = max(largest, difference(theirs, ours))
            assert np.asarray(theirs).dtype == np.asarray(ours).dtype == drawn.theta.dtype, name
            assert np.array_equal(theirs, ours), (k, name, largest)
    print(f"largest difference: {largest}")
    assert np.isfinite(theta).all()


def quantities(
    step: Step, trace: Trace, rule: Optimizer, theta: Array, state: OptimizerState
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name of each quantity, its value by the equations, and by the passes."""
    yield "value", step.value, trace.value
    yield "data loss", step.loss["value"], trace.data_loss
    yield from ((name, step.loss[name], getattr(trace, name)) for name in ("p", "terms", "do"))
    for scope, saved, grads in zip(step.layers, trace.layers, trace.grads, strict=True):
        for name, array in {**fields_of(saved), **fields_of(grads)}.items():
            if name in scope and name != "mask":
                yield f"{scope.label}.{name}", scope[name], array
    yield "gradient", step.gradient, trace.gradient
    yield "theta_new", step.theta_new, theta
    for name, theirs, ours in zip(rule.slots, step.slots_new(rule), state.slots, strict=True):
        yield f"{name}_new", theirs, ours


def difference(a: Any, b: Any) -> float:
    """Return the largest difference between two arrays."""
    return float(np.max(np.abs(np.subtract(a, b, dtype=np.float64))))


def test_every_record_field_has_an_equation():
    # `quantities` omits fields without an equation: masks, and db of layers without biases.
    drawn = case(layers="all")
    step = wire(drawn.network, drawn.theta, drawn.batch, mask_seed=drawn.mask_seed)
    trace = drawn.trace()
    left_out = [
        (scope.label, name)
        for scope, saved, grads in zip(step.layers, trace.layers, trace.grads, strict=True)
        for name in {**fields_of(saved), **fields_of(grads)}
        if name not in scope and name != "mask"
    ]
    assert left_out == [("layer2", "db")]


@pytest.mark.product(optimizer=PAIRS, clip=["none", "value"], dtype=["float64", "float32"])
def test_optimizing_each_array_equals_optimizing_theta(optimizer, clip, dtype):
    # without ClipNorm, whose norm is over all arrays
    drawn = case(layers="all", trainable=("W",), dtype=dtype)
    rule = tuned(optimizer, clip=CLIPS[clip])
    layout = drawn.network.layout
    flat = rule.start(drawn.theta, layout)
    theta, states = drawn.theta, {}
    for _ in range(STEPS):
        gradient = drawn._replace(theta=theta).trace().gradient
        new, flat = rule.step(theta, gradient, flat)
        for block in layout.blocks:
            own = Layout((replace(block, start=0, layer=0),))
            before = states.get(block.name) or rule.start(block.view(theta).ravel(), own)
            w, after = rule.step(block.view(theta).ravel(), block.view(gradient).ravel(), before)
            states[block.name] = after
            assert same_bits(w, block.view(new).ravel())
            for slot, whole in zip(after.slots, flat.slots, strict=True):
                assert same_bits(slot, block.view(whole).ravel())
        theta = new


# ---- every equation is used ---------------------------------------------------------------------


def numbers(step: Step, rule: Optimizer) -> list[Any]:
    """Return the results of a step: prediction, value, gradient, new θ and slots."""
    return [
        step.loss["p"],
        step.value,
        step.gradient,
        step.theta_new,
        *step.slots_new(rule),
    ]


def changed(text: str) -> str:
    return f"1.25 * ({text}) + 0.125"


def assert_each_is_used(drawn: Case, rule: Optimizer) -> None:
    """Assert that changing any equation changes a result of the step."""
    start = rule.start(drawn.theta, drawn.network.layout)
    state = start._replace(step=2, slots=tuple(slot + 0.5 for slot in start.slots))

    def wired() -> Step:
        return wire(drawn.network, drawn.theta, drawn.batch, rule, state, mask_seed=drawn.mask_seed)

    right = numbers(wired(), rule)
    for label, scope in wired().scopes.items():
        for name, text in scope.equations.items():
            if (label, name) == (wired().layers[0].label, "dx"):
                continue  # ∂C/∂x of the data, which no equation uses
            step = wired()
            step.scope(label).equations[name] = changed(text)
            wrong = numbers(step, rule)
            assert not all(map(np.array_equal, right, wrong)), f"{label}.{name} is not used"


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_equations_of_a_loss_are_used(loss):
    assert_each_is_used(case(loss=loss, layers="dense", weighted=True), SGD(0.1))


@pytest.mark.parametrize("layers", STACKS)
def test_equations_of_a_layer_are_used(layers):
    assert_each_is_used(case(layers=layers), SGD(0.1))


@pytest.mark.product(optimizer=PAIRS, clip=CLIPS)
def test_equations_of_an_optimizer_are_used(optimizer, clip):
    drawn = case(layers="single", penalty=PENALTY)
    assert_each_is_used(drawn, tuned(optimizer, clip=CLIPS[clip]))


# ---- replacements -------------------------------------------------------------------------------


def replaced(drawn: Case, equations: Replacements, **options: Any) -> Step:
    """Return a step of gradient descent with some equations replaced."""
    options = {"mask_seed": drawn.mask_seed, **options}
    return wire(drawn.network, drawn.theta, drawn.batch, SGD(0.1), replace=equations, **options)


def test_mistake_is_one_replaced_equation():
    # Hidden deltas computed from the updated output weights, as in Mazur's post: w1 in all digits.
    network = mlp(2, 2, 2, activation="logistic", loss="squared-error", train_biases=False)
    theta = network.pack(
        W=[[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
        b=[[0.35, 0.35], [0.60, 0.60]],
    )
    batch = network.batch(theta, [0.05, 0.10], [0.01, 0.99])
    wrong = wire(network, theta, batch, SGD(0.5), replace={("not-first", "dx"): "delta @ W_new"})
    right = wire(network, theta, batch, SGD(0.5))
    assert f"{wrong.arrays['W1']['w_new'][0, 0]:.12f}" == "0.149817638561"
    assert f"{right.arrays['W1']['w_new'][0, 0]:.12f}" == "0.149780716133"
    assert np.array_equal(wrong.arrays["W2"]["w_new"], right.arrays["W2"]["w_new"])


@pytest.mark.parametrize(
    ("where", "reached"),
    [
        ("all", ["layer1", "layer2", "layer3"]),
        ("hidden", ["layer1", "layer2"]),
        ("output", ["layer3"]),
        ("not-first", ["layer2", "layer3"]),
        (2, ["layer2"]),
        ("3", ["layer3"]),
    ],
)
def test_places_of_layers(where, reached):
    step = replaced(case(), {(where, "delta"): "da"})
    assert [s.label for s in step.layers if s.equations["delta"] == "da"] == reached


@pytest.mark.parametrize(
    ("place", "name", "text", "reached"),
    [
        ("loss", "do", "p - t", ["loss"]),
        ("penalty", "value", "l1 * absolute", ["penalty"]),
        ("W2", "w_new", "w - g", ["W2"]),
        ("optimizer", "w_new", "w - g", ["W1", "b1", "W2", "b2"]),
        ("dropout1", "a", "x * mask", ["dropout1"]),
    ],
)
def test_other_places(place, name, text, reached):
    drawn, rule = case(layers="dropout", penalty=PENALTY), SGD(0.1)
    right, wrong = replaced(drawn, {}), replaced(drawn, {(place, name): text})
    assert [label for label, s in wrong.scopes.items() if s.equations.get(name) == text] == reached
    assert not all(map(np.array_equal, numbers(right, rule), numbers(wrong, rule)))


@pytest.mark.parametrize(
    ("equations", "hint"),
    [
        ({("hiden", "dx"): "delta @ W"}, "'hidden'"),
        ({("4", "dx"): "delta @ W"}, "choose one of: 1, 2, 3"),
        ({("layer2", "dx"): "delta @ W"}, "place"),
        ({("all", "dleta"): "da"}, "'delta'"),
        ({("loss", "trems"): "p - t"}, "'terms'"),
        ({("W2", "w_nwe"): "w"}, "'w_new'"),
        ({("optimizer", "v_new"): "w"}, "'w_new'"),  # a slot that no equation uses
        ({("all", "extra"): "da"}, "choose one of: "),  # a name that nothing uses
    ],
)
def test_unknown_places_and_names_are_rejected(equations, hint):
    with pytest.raises(UnknownNameError, match=hint):
        replaced(case(), equations)


@pytest.mark.parametrize(
    ("equations", "hint"),
    [
        (
            {("all", "delta"): "da * dff(z, a)"},
            "function in layer. 'dff'; did you mean 'df'",
        ),
        ({("output", "delta"): "da * zz"}, "unknown name in layer3 'zz'; did you mean 'z'"),
        (
            {("hidden", "delta"): "da * abve.a"},
            "seen from layer. 'abve'; did you mean 'above'",
        ),
        ({("hidden", "delta"): "da * above.aa"}, "unknown name in layer. 'aa'; did you mean 'a'"),
    ],
)
def test_unknown_names_in_an_equation_are_rejected(equations, hint):
    with pytest.raises(UnknownNameError, match=hint):
        _ = replaced(case(), equations).theta_new


@pytest.mark.parametrize("name", ["w_nwe", "x"])
def test_unknown_scopes_are_rejected(name):
    with pytest.raises(UnknownNameError, match="scope"):
        replaced(case(), {}, values={name: {"a": 1.0}})


def test_place_without_layers_is_rejected():
    with pytest.raises(ValueError, match="no layer of the kind 'hidden'"):
        replaced(case(layers="single"), {("hidden", "delta"): "da"})


def test_added_equation_is_used():
    both_ways: Replacements = {("all", "half"): "da / 2", ("all", "delta"): "half * df(z, a)"}
    one_way: Replacements = {("all", "delta"): "da / 2 * df(z, a)"}
    assert same_bits(replaced(case(), both_ways).gradient, replaced(case(), one_way).gradient)


def test_added_optimizer_state_equals_momentum():
    added: Replacements = {
        ("optimizer", "u_new"): "0.8 * u - learning_rate * g",
        ("optimizer", "w_new"): "w + u_new",
    }
    drawn, rule = case(), Momentum(0.1, momentum=0.8)
    network, theta = drawn.network, drawn.theta
    state, memory = rule.start(theta, network.layout), {}
    for k in range(4):
        step = wire(network, theta, drawn.batch, SGD(0.1), replace=added, values=memory)
        theta, state = rule.step(theta, network.run(theta, drawn.batch).gradient, state)
        assert same_bits(step.theta_new, theta), k
        memory = step.memory()
        assert same_bits(memory["W1"]["u"], network.layout.blocks[0].view(state.slots[0]))


def test_added_state_of_a_layer():
    # A layer that sums its gradients over steps, like code that does not reset them.
    added: Replacements = {("1", "kept_new"): "kept + delta.T @ x", ("1", "dW"): "kept_new"}
    drawn = case(layers="single")
    theta, memory, total = drawn.theta, {}, 0.0
    for _ in range(3):
        step = wire(drawn.network, theta, drawn.batch, SGD(0.1), replace=added, values=memory)
        total = total + fields_of(drawn.network.run(theta, drawn.batch).grads[0])["dW"]
        assert np.allclose(step.layers[0]["dW"], total, rtol=1e-12, atol=0)
        theta, memory = step.theta_new, step.memory()


def test_given_value_overrides_an_equation():
    drawn = case()
    pinned = np.full((4, 3), 0.25)
    step = replaced(drawn, {}, values={"layer2": {"delta": pinned}})
    right = replaced(drawn, {})
    assert np.array_equal(step.layers[1]["dW"], pinned.T @ right.layers[1]["x"])
    assert np.array_equal(step.layers[1]["dx"], pinned @ right.layers[1]["W"])
    assert np.array_equal(step.layers[2]["dW"], right.layers[2]["dW"])


def test_given_value_overrides_a_replacement():
    pinned = np.full((4, 3), 0.25)
    step = replaced(case(), {("2", "delta"): "da"}, values={"layer2": {"delta": pinned}})
    assert step.layers[1]["delta"] is pinned


@pytest.mark.parametrize(
    ("equations", "path"),
    [
        ({("loss", "p"): "p + 0"}, "loss.p -> loss.p"),
        ({("3", "z"): "a"}, "layer3.a -> layer3.z -> layer3.a"),
        (
            {("2", "z"): "above.a"},
            "layer3.a -> layer3.z -> layer2.a -> layer2.z -> layer3.a",
        ),
        (
            {("optimizer", "g"): "layer.W_new"},
            "W1.w_new -> W1.g -> W1.w_new",
        ),
    ],
)
def test_error_for_a_cycle_lists_its_path(equations, path):
    step = replaced(case(), equations)
    with pytest.raises(EquationError) as caught:
        _ = step.theta_new
    assert str(caught.value).endswith(f"depends on itself: {path}; change one of these equations")


def test_quantities_outside_a_cycle_can_be_evaluated():
    step = replaced(case(), {("loss", "p"): "p + 0"})
    with pytest.raises(EquationError):
        _ = step.value
    assert np.array_equal(step.layers[2]["a"], replaced(case(), {}).layers[2]["a"])


# ---- the grammar --------------------------------------------------------------------------------


REJECTED = [
    *("x.real.imag", "x.__class__", "x[0].shape", "(x + y).dtype", "__import__('os')", "__x"),
    *("lambda: x", "lambda z: z", "(y := x)", "x if y else z", "[x for x in y]", "{x: y}"),
    *("[x, y]", "(x, y)", "{x}", "f'{x}'", "'text'", "b'text'", "True", "None", "...", "1j"),
    *("+x", "~x", "not x", "x and y", "x == y", "x != y", "x < y < z", "x in y", "x is y"),
    *("x // y", "x % y", "x << y", "x | y", "x ^ y", "x & y", "await x", "yield"),
    *("f(*x)", "f(**x)", "f(x, y=1)", "f(x)(y)", "(x)(y)(z)", "x.f(y)", "f(x)[y]"),
    *("sum(x)", "sum(x, 0)", "mean(x)", "max(x, keepdims=True)", "sum(x, axis=i)"),
    *("sum(x, axis=0, where=y)", "sum(x, axis=0, dtype=1)", "exp(x, axis=0)"),
    *("x[y]", "x[::2]", "x[1.5]", "x[True]", "x['a']", "x[...]", "x[[0, 1]]", "x[-y]", "x[:, ::2]"),
    *("", "x +", "x = y", "x; y", "import os", "x\ny", "del x"),
]


@pytest.mark.parametrize("text", REJECTED)
def test_grammar_rejects(text):
    with pytest.raises(EquationError, match="equation"):
        parse(text)


@pytest.mark.parametrize("text", ["lambda: x", "x.__class__", "sum(delta)", "x +"])
def test_replacement_is_parsed_immediately(text):
    with pytest.raises(EquationError):
        replaced(case(), {("all", "delta"): text})


A = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
B = np.array([[2.0, 0.5], [1.0, -1.0], [0.25, 4.0]])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-A + 2 * A / 4 - A**2", -A + A / 2 - A * A),
        ("A @ B", np.array([[0.75, 14.5], [11.5, -27.0]])),
        ("A.T", np.array([[1.0, 4.0], [-2.0, 5.0], [3.0, -6.0]])),
        ("where(A > 0, A, 0 * A)", np.array([[1.0, 0, 3], [4, 5, 0]])),
        (
            "where(A >= 3, 1, 0) + where(A <= 3, 10, 0) + where(A < 3, 100, 0)",
            np.array([[110, 110, 11], [1, 1, 110]]),
        ),
        ("sum(A, axis=0)", np.array([5.0, 3, -3])),
        ("sum(A, axis=1, keepdims=True)", np.array([[2.0], [3]])),
        ("sum(A, axis=None)", 5.0),
        ("mean(A, axis=0)", np.array([2.5, 1.5, -1.5])),
        ("max(A, axis=1)", np.array([3.0, 5])),
        ("A[0]", np.array([1.0, -2, 3])),
        ("A[:, 1]", np.array([-2.0, 5])),
        ("A[:, -1]", np.array([3.0, -6])),
        ("A[1:, :2]", np.array([[4.0, 5]])),
        ("A[:, None, 0]", np.array([[1.0], [4]])),
        ("concat(A, B[:2])", np.array([[1.0, -2, 3, 2, 0.5], [4, 5, -6, 1, -1]])),
        ("exp(0 * A) + log(exp(A)) + sqrt(A * A)", 1 + A + np.abs(A)),
    ],
)
def test_grammar_evaluates(text, value):
    found = Scope("here", {"y": text}, {"A": A, "B": B})["y"]
    assert np.shape(found) == np.shape(value)
    assert np.allclose(found, value, rtol=1e-14, atol=1e-14)


def test_frozen_parameters_have_equations_without_an_update():
    network = Network(2, (Dense(2, "tanh", trainable=("W",)),), "squared-error")
    theta = network.initialize(0)
    batch = network.batch(theta, [[1.0, 2.0]], [[0.0, 1.0]])
    step = wire(network, theta, batch, Momentum())
    assert step.arrays["b1"].equations["w_new"] == "w"
    assert step.arrays["b1"].equations["v_new"] == "v"
    assert step.arrays["W1"].equations["w_new"] == Momentum.equations["w_new"]
