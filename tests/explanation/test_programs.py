"""The programs that recompute an example, run and compared with the engine number by number.

A number may differ from the engine's by 1e-9 of the largest entry of its array, which is what nine
significant digits mean there.
"""

import ast
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from chainrule import loops, problem
from chainrule.activations import SELU, Custom, LeakyReLU
from chainrule.batch import Batch
from chainrule.errors import InputError
from chainrule.explanation.programs import numpy_program, pytorch_program
from chainrule.explanation.programs.in_pytorch import inlined
from chainrule.explanation.programs.source import SCHEDULE_FORMULAS, schedule_text
from chainrule.explanation.setup import Setup
from chainrule.layers import ActivationLayer, Dense, Dropout, LayerNorm
from chainrule.losses import CustomLoss
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import SGD, AdamW, ClipNorm, ClipValue, Momentum, Nesterov, OptimizerState
from chainrule.penalties import Penalty
from chainrule.schedules import ConstantRate, ExponentialDecay, Schedule, WarmUp
from chainrule.wiring import Step, wire
from tests.laws.nets import (
    ACTIVATION_VARIANTS,
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    ALL_SCHEDULES,
    LOSS_VARIANTS,
    PAIRS,
    PENALTY,
    STACKS,
    Case,
    case,
    tuned,
)
from tests.laws.test_frozen import FREEZES
from tests.rows import few_rows

TOLERANCE = 1e-9  # of the largest entry
LINES = {"numpy": 66, "torch": 56}  # of the 2-2-2 example
LIBRARIES = {"numpy": numpy_program, "torch": pytorch_program}
CLIPS = {"none": None, "value": ClipValue(0.01), "norm": ClipNorm(0.01)}
PENALTIES = {"none": Penalty(), "all": PENALTY, "l1": Penalty(l1=0.02), "alpha": Penalty(alpha=0.3)}

Values = dict[str, Any]


@pytest.fixture(autouse=True)
def default_dtype() -> Iterator[None]:
    """Restore PyTorch's default dtype, which the programs set."""
    yield
    import torch

    torch.set_default_dtype(torch.float32)


# ---- running and reading ------------------------------------------------------------------------


def run(source: str) -> list[Values]:
    """Return what a program prints, a dict for each step; it runs without chainrule's names."""
    written = io.StringIO()
    with redirect_stdout(written):
        exec(compile(source, "program", "exec"), {"__name__": "__main__"})  # noqa: S102 (our own)
    return read(written.getvalue())


def read(text: str) -> list[Values]:
    """Return printed values by name; a line `step 3` begins another step."""
    steps: list[Values] = [{}]
    for line in text.splitlines():
        if line.startswith("step "):
            steps += [{}] if steps[-1] else []
            continue
        name, _, value = line.partition(" = ")
        assert name not in steps[-1]
        steps[-1][name] = np.asarray(ast.literal_eval(value))
    return steps


class Expected(NamedTuple):
    """The engine's numbers of a step by the names that programs print, and what must be there."""

    values: Values
    needed: set[str]


def expected(setup: Setup) -> list[Expected]:
    """Return the engine's numbers of the steps that are shown."""
    last = setup.steps if setup.rule else 1
    state = setup.state
    steps: list[Expected] = []
    for number in range(1, last + 1):
        if number in (1, last):
            steps.append(numbers(setup, state))
        if setup.rule:
            state = loops.update(setup.network, setup.rule, setup.batch, state)
    if setup.rule:
        draw = MaskSeed(setup.seed, state.step - 1)  # the same masks before and after
        steps[-1].values["loss_after"] = setup.network.value(state.theta, setup.batch, draw)
        steps[-1].needed.add("loss_after")
    return steps


def numbers(setup: Setup, state: loops.State) -> Expected:
    """Return what the equations give in the step that begins at a state."""
    memory = OptimizerState(state.step, state.slots, setup.network.layout)
    draw = MaskSeed(setup.seed, state.step)
    step = wire(
        setup.network,
        state.theta,
        setup.batch,
        setup.rule,
        memory if setup.rule else None,
        mask_seed=draw,
    )
    values = of_loss(step)
    for label, scope in zip(setup.network.labels, step.layers, strict=True):
        own = label if label.isdigit() else f"_{label}"
        values |= {f"{name}{own}": scope[name] for name in (*scope.equations, "da")}
    for name, scope in step.arrays.items():
        values[f"dC_{name}"] = scope["dC"]
        if setup.rule:
            values[f"{name}_new"] = scope["w_new"]
            values |= {f"{s}_{name}_new": scope[f"{s}_new"] for s in setup.rule.slots}
    return Expected(values, needed(setup))


def of_loss(step: Step) -> Values:
    values = {"p": step.loss["p"], "error": step.loss["terms"], "loss": step.loss["value"]}
    values |= {"penalty": step.penalty["value"], "cost": step.cost["value"]}
    return values | ({"norm": step.clip["norm"]} if step.clip.equations else {})


def needed(setup: Setup) -> set[str]:
    """Return what a program has to print: forward, gradients, new parameters."""
    network, names = setup.network, {"loss"}
    for label, layer in zip(network.labels, network.layers, strict=True):
        own = label if label.isdigit() else f"_{label}"
        names |= {f"a{own}", *((f"z{own}", f"delta{own}") if isinstance(layer, Dense) else ())}
    for b in (b for b in network.layout.blocks if b.trains):
        names.add(f"dC_{b.name}" if network.penalty and b.decays else f"d{b.name}")
        names |= {f"{b.name}_new"} if setup.rule else set()
    return names


def compare(setup: Setup, library: str) -> str:
    """Run a program and compare all that it prints; return its source."""
    source = LIBRARIES[library](setup)
    printed, engine = run(source), expected(setup)
    assert len(printed) == len(engine)
    for found, (values, names) in zip(printed, engine, strict=True):
        assert names <= set(found)
        for name, value in found.items():
            close(name, value, values[name])
    assert "chainrule" not in source
    return source


def close(name: str, value: Any, wanted: Any) -> None:
    value, wanted = np.asarray(value), np.asarray(wanted)
    assert value.shape == wanted.shape, name
    allowed = TOLERANCE * np.abs(wanted).max()
    assert np.abs(value - wanted).max() <= allowed, (name, value, wanted)


def setup_of(drawn: Case, optimizer: Any = None, steps: int = 1, seed: int = 7) -> Setup:
    """Return a setup of a case of the laws."""
    return Setup(drawn.network, drawn.theta, drawn.batch, optimizer, steps, seed)


# ---- everything that the tables hold ------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.every_value(
    activation=ALL_ACTIVATIONS,
    loss=ALL_LOSSES,
    layers=STACKS,
    weighted=[False, True],
    steps=[1, 3],
)
def test_layers_activations_losses(library, activation, loss, layers, weighted, steps):
    drawn = case(activation, loss, layers, weighted=weighted)
    compare(setup_of(drawn, SGD(0.01), steps), library)  # at .05 a Poisson loss overflows


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("activation", "loss"),
    [*((f, "squared-error") for f in ACTIVATION_VARIANTS), *(("tanh", c) for c in LOSS_VARIANTS)],
)
def test_other_constants_than_the_defaults(library, activation, loss):
    compare(setup_of(case(activation, loss), SGD(0.05), 2), library)


@pytest.mark.product(
    library=LIBRARIES,
    optimizer=PAIRS,
    clip=CLIPS,
    schedule=["number", *ALL_SCHEDULES],
    penalty=PENALTIES,
    layers=["single", "all"],
    steps=[1, 5],
)
def test_optimizers_schedules_clipping_penalties(
    library, optimizer, clip, schedule, penalty, layers, steps
):
    learning_rate = ALL_SCHEDULES.get(schedule, 0.02)
    rule = tuned(optimizer, learning_rate=learning_rate, clip=CLIPS[clip])
    drawn = case("tanh", layers=layers, penalty=PENALTIES[penalty], weighted=True)
    compare(setup_of(drawn, rule, steps), library)


@pytest.mark.product(
    library=LIBRARIES,
    optimizer=PAIRS,
    schedule=["number", *ALL_SCHEDULES],
    layers=["single", "all"],
    done=[1, 9],
    steps=[1, 4],
)
def test_a_program_begins_where_a_state_is(library, optimizer, schedule, layers, done, steps):
    drawn = case("tanh", layers=layers, penalty=PENALTY)
    rule = tuned(optimizer, learning_rate=ALL_SCHEDULES.get(schedule, 0.02))
    fresh = setup_of(drawn, rule, steps)
    state = fresh.state
    for _ in range(done):
        state = loops.update(fresh.network, rule, fresh.batch, state)
    source = compare(replace(fresh, theta=state.theta, done=done, slots=state.slots), library)
    assert f"for step in range({done + 1}, last + 2):" in source
    assert not (rule.slots and "optim." in source)  # without momentum there is no state


@pytest.mark.parametrize("library", LIBRARIES)
def test_rates_of_a_custom_schedule_from_a_state_on(library):
    warm = WarmUp(4, Zigzag())
    for done, learning_rate, first in ((3, Zigzag(), 4), (1, warm, 1), (7, warm, 4)):
        source = compare(replace(setup_of(case("tanh"), SGD(learning_rate), 5), done=done), library)
        assert f" - {first}]" in source


@pytest.mark.product(library=LIBRARIES, freeze=FREEZES, optimizer=PAIRS, clip=CLIPS, steps=[1, 3])
def test_frozen_parameters(library, freeze, optimizer, clip, steps):
    first, middle, last = FREEZES[freeze]
    layers = (
        Dense(4, "tanh", trainable=first),
        LayerNorm(trainable=middle),
        Dense(2, "tanh", trainable=last),
    )
    net = Network(3, layers, "squared-error", PENALTY)
    rng = np.random.default_rng(5)
    batch = net.batch(net.initialize(0), rng.normal(size=(6, 3)), rng.normal(size=(6, 2)))
    rule = tuned(optimizer, clip=CLIPS[clip])
    compare(Setup(net, net.initialize(0), batch, rule, steps), library)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("layers", STACKS)
def test_without_an_optimizer_it_ends_at_the_gradient(library, layers):
    source = compare(setup_of(case("tanh", layers=layers, penalty=PENALTY)), library)
    assert "for step" not in source
    assert "update" not in source


@pytest.mark.parametrize("library", LIBRARIES)
def test_momentum_of_zero(library):
    drawn = case("tanh")
    for rule in (Nesterov(0.1, momentum=0.0), Momentum(ExponentialDecay(0.1), momentum=0.0)):
        compare(setup_of(drawn, rule, 3), library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_layers_below_the_first_parameters(library):
    layers = (Dropout(0.3), ActivationLayer("silu"), LayerNorm(), Dense(2, "tanh"))
    net = Network(4, layers, "squared-error")
    theta = net.initialize(3)
    rng = np.random.default_rng(0)
    batch = net.batch(theta, rng.normal(size=(3, 4)), rng.normal(size=(3, 2)))
    source = LIBRARIES[library](Setup(net, theta, batch, SGD(0.1), 3))
    printed, engine = run(source), expected(Setup(net, theta, batch, SGD(0.1), 3))
    for found, (values, _) in zip(printed, engine, strict=True):
        for name, value in found.items():
            close(name, value, values[name])


@pytest.mark.parametrize("library", LIBRARIES)
def test_one_activation_with_two_constants(library):
    layers = (Dense(3, LeakyReLU(0.1)), Dense(3, LeakyReLU(0.3)), Dense(2, SELU()))
    net = Network(2, layers, "squared-error")
    theta = net.initialize(1)
    batch = net.batch(theta, [[0.4, -0.9], [-1.0, 0.3]], [[0.1, 0.2], [0.3, 0.4]])
    compare(Setup(net, theta, batch, SGD(0.1)), library)


def test_single_precision_becomes_double():
    drawn = case("tanh", dtype="float32")
    setup = setup_of(drawn, SGD(0.1))
    printed = run(numpy_program(setup))
    x, t, _, total = setup.batch
    batch = Batch(x.astype(np.float64), t.astype(np.float64), None, total)
    double = replace(setup, theta=setup.theta.astype(np.float64), batch=batch)
    close("W1_new", printed[0]["W1_new"], expected(double)[0].values["W1_new"])


# ---- large numbers ------------------------------------------------------------------------------

LARGE = [-745.0, -700.0, -300.0, -40.0, -20.0, -1.0, 0.0, 1.0, 20.0, 40.0, 300.0, 700.0]


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS)
def test_digits_of_large_net_inputs(activation):
    net = Network(1, (Dense(len(LARGE), ALL_ACTIVATIONS[activation], bias=False),), "squared-error")
    theta = np.array(LARGE)
    setup = Setup(net, theta, net.batch(theta, [1.0], [0.25] * len(LARGE)), None)
    found, wanted = run(numpy_program(setup))[0], expected(setup)[0].values
    for name in ("a1", "delta1"):  # entry by entry here
        np.testing.assert_allclose(found[name], wanted[name], rtol=TOLERANCE, atol=1e-300)


@pytest.mark.parametrize("loss", ["logistic-cross-entropy", "softmax-cross-entropy"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_large_outputs_of_cross_entropies(library, loss):
    net = Network(1, (Dense(3, "identity", bias=False),), loss)
    theta = np.array([-700.0, 3.0, 700.0])
    batch = net.batch(theta, [1.0], [0.0, 1.0, 0.0])
    compare(Setup(net, theta, batch, None), library)


# ---- schedules ----------------------------------------------------------------------------------


class Zigzag(Schedule):
    """A custom activation."""

    def __call__(self, k: int) -> float:
        return 0.1 if k % 2 else 0.2


@pytest.mark.parametrize("name", ALL_SCHEDULES)
def test_schedules_as_formulas(name):
    schedule = ALL_SCHEDULES[name]
    text = schedule_text(schedule, "step", range(1, 21))
    rates = [eval(text, {"math": __import__("math"), "step": k}) for k in range(1, 21)]  # noqa: S307
    assert rates == pytest.approx([schedule(k) for k in range(1, 21)], rel=1e-14)
    has_formula = isinstance(schedule, (ConstantRate, WarmUp, *SCHEDULE_FORMULAS))
    assert ("[" in text) != has_formula  # others are written as a list of learning rates


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_custom_schedule_is_a_list(library):
    assert "[0.1, 0.2, 0.1]" in compare(setup_of(case("tanh"), SGD(Zigzag()), 3), library)


def test_a_long_custom_schedule_raises_an_error():
    with pytest.raises(InputError, match=r"steps=2000: the rates of Zigzag.*fewer steps"):
        numpy_program(setup_of(case("tanh"), SGD(Zigzag()), 2_000))


# ---- a user's own functions ---------------------------------------------------------------------

SLOPE = 0.3


def bent(z: Any) -> Any:
    """A docstring."""
    size = np.sqrt(2.0) * z
    return scaled(size) + np.where(np.real(z) > 0, z, 0 * z)  # a comment


def scaled(z: Any) -> Any:
    return SLOPE * np.tanh(z)


def make(k: float) -> Any:
    return lambda z: k * z


def own(f: Any, df: Any = None, loss: Any = "squared-error") -> Setup:
    net = Network(2, (Dense(3, Custom("my-own", f, df)), Dense(2, "tanh")), loss)
    theta = net.initialize(2)
    batch = net.batch(theta, [[0.3, -0.4], [0.8, 0.1]], [[0.1, 0.6], [0.3, 0.9]])
    return Setup(net, theta, batch, SGD(0.1), 2)


@pytest.mark.parametrize("library", LIBRARIES)
def test_own_functions(library):
    cases = [
        own(bent),
        own(lambda z: z / (1 + z * z)),
        own(lambda z: z * z, lambda z, _: 2 * z),
        own(make(0.7)),
        own(np.sin, lambda z, _: np.cos(z)),
        own(
            np.tanh,
            loss=CustomLoss("fourth", lambda o, t: (o - t) ** 4, lambda o, t: 4 * (o - t) ** 3),
        ),
    ]
    for setup in cases:
        compare(setup, library)


def test_own_source_is_kept():
    source = numpy_program(own(bent))
    assert "SLOPE = 0.3" in source
    assert "def scaled(z):" in source
    assert "Any" not in source


def test_a_function_that_cannot_be_written_raises_an_error():
    made = eval("lambda z: z * z")  # noqa: S307 (a function without a file)
    with pytest.raises(InputError, match=r"activation 'my-own': the source of <lambda>.*in a file"):
        numpy_program(own(made))
    with pytest.raises(InputError, match=r"PyTorch has no np\.heaviside.*use another"):
        pytorch_program(own(lambda z: z * np.heaviside(z, 0.5), lambda z, _: np.heaviside(z, 0.5)))


def test_a_name_in_use_raises_an_error():
    def loss(z):
        return z * z

    with pytest.raises(InputError, match=r"loss: a function or number of yours.*rename"):
        numpy_program(own(loss))


def test_numbers_that_are_not_finite_raise_an_error():
    setup = setup_of(case("tanh"))
    with pytest.raises(InputError, match="theta"):
        numpy_program(replace(setup, theta=setup.theta * np.nan))


# ---- the 2-2-2 example --------------------------------------------------------------------------


def mazur(steps: int = 1) -> Setup:
    posed = problem("mazur")
    theta = posed.network.pack(W=posed.weights, b=posed.biases)
    batch = posed.network.batch(theta, [[0.05, 0.10]], [[0.01, 0.99]])
    return Setup(posed.network, theta, batch, SGD(0.5), steps)


@pytest.mark.parametrize("library", LIBRARIES)
def test_mazur(library):
    (printed,) = run(LIBRARIES[library](mazur(), "The 2-2-2 example"))
    assert printed["loss"] == pytest.approx(0.2983711087600027, rel=1e-15)
    assert printed["W2_new"][0, 0] == pytest.approx(0.358916479717885, abs=1e-15)
    assert printed["W1_new"][0, 0] == pytest.approx(0.149780716132763, abs=1e-15)
    assert printed["loss_after"] == pytest.approx(0.2910277736935993, abs=1e-15)


@pytest.mark.parametrize("library", few_rows(LIBRARIES, "numpy"))
def test_mazur_after_10_000_steps(library):
    first, last = run(LIBRARIES[library](mazur(10_000)))
    assert first["loss"] == pytest.approx(0.298371109, abs=5e-10)
    assert last["loss_after"] == pytest.approx(0.0000351018778, abs=5e-14)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_program_is_short(library):
    source = LIBRARIES[library](mazur(), problem("mazur").title)
    assert source.count("\n") <= LINES[library]


@pytest.mark.parametrize("library", LIBRARIES)
def test_lines_are_short(library):
    rules = [AdamW(ExponentialDecay(0.1), clip=ClipNorm(0.1)), Nesterov(ExponentialDecay(0.1))]
    for rule in rules:
        drawn = case("gelu", "softmax-cross-entropy", "all", penalty=PENALTY, weighted=True)
        source = LIBRARIES[library](setup_of(drawn, rule, 3), "A title " * 20)
        assert max(map(len, source.splitlines())) <= 100


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("title", ['He said """no"""', "a\\", "two\nlines", ""])
def test_titles_do_no_harm(library, title):
    assert run(LIBRARIES[library](mazur(), title))


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_program_runs_by_itself(library, tmp_path):
    file = tmp_path / "program.py"
    file.write_text(LIBRARIES[library](mazur(2)), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == ""
    assert [set(step) >= {"z1", "W1_new"} for step in read(done.stdout)] == [True, True]


# ---- the equations are the engine's -------------------------------------------------------------


def test_a_changed_equation_changes_the_program(monkeypatch):
    equations = Dense.equations
    wrong = {"dx": "delta @ W_new"}
    monkeypatch.setattr(Dense, "equations", lambda self, **k: {**equations(self, **k), **wrong})
    source = numpy_program(mazur())
    assert source.index("W2_new =") < source.index("da1 = delta2 @ W2_new")
    (printed,) = run(source)
    assert printed["W1_new"][0, 0] == pytest.approx(0.149817638561, abs=5e-13)  # the mistake's


def test_unused_quantities_are_omitted():
    source = numpy_program(setup_of(case("tanh", penalty=Penalty(alpha=0.3)), SGD(0.1)))
    assert "alpha / total * W1" in source
    assert "sign" not in source
    assert "absolute" not in source
    assert "l1" not in source


def test_a_changed_rule_changes_the_program(monkeypatch):
    monkeypatch.setattr(SGD, "equations", {"w_new": "w + learning_rate * g"})
    assert "W1_new = W1 + learning_rate * dW1" in numpy_program(mazur())


# ---- layers and losses without an equivalent in PyTorch -----------------------------------------


def test_a_new_layer_or_loss_is_written_from_its_equations():
    equations = {"mu": "mean(x, axis=1, keepdims=True)", "a": "where(x > mu, W * x, softplus(x))"}
    mu = "torch.mean(a1, dim=1, keepdim=True)"
    assert inlined("a", equations, {"x": "a1", "W": "W2"}) == (
        f"torch.where(a1 > {mu}, W2 * a1, -F.logsigmoid(-a1))"
    )


def test_an_equation_with_a_function_unknown_to_pytorch_raises_an_error():
    with pytest.raises(InputError, match="'mine' has no equivalent in PyTorch; use numpy_program"):
        inlined("a", {"a": "mine(x)"}, {"x": "x"})
