"""The document for any network: complete, recomputable line by line, and true to the equations.

Lines are read from the rendered text, as a reader would recompute them.
"""

import io
import json
import math
import re
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from rich.console import Console

import chainrule.layers
from chainrule import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    SGD,
    AdamW,
    ClipNorm,
    ClipValue,
    Custom,
    InputError,
    Penalty,
    Problem,
    UnknownNameError,
    explain,
    mlp,
    problem,
    train,
)
from chainrule.explanation import NOTATIONS, example_schema, explain_problem
from chainrule.pages.digits import READERS, Digits, write_number
from chainrule.pages.tree import Symbol, parts

RULES = [name for name in OPTIMIZERS if name != "lbfgs"]
SCHEMA = json.loads(example_schema())
KNOWN = {**{re.sub(r"\W", "_", name): f for name, f in ACTIVATIONS.items()}, **READERS}


def example_of(seed: int, *, activation: str, loss: str, optimizer: str, full: bool = True):
    """Return the example of a random small network with everything in it."""
    rng = np.random.default_rng(seed)
    sizes = [int(v) for v in rng.integers(1, 4, size=3)]
    network = mlp(
        *sizes,
        activation=activation,
        loss=loss,
        dropout=0.3 * full,
        layer_norm=full,
        penalty=Penalty(0.1, 0.2, 0.3) if full else None,
    )
    theta = network.initialize(seed) + 0.1 * rng.normal(size=network.layout.size)
    x, t = rng.normal(size=(2, sizes[0])), rng.random((2, sizes[-1]))
    rule: Any = OPTIMIZERS[optimizer]
    clip = [None, ClipNorm(0.1), ClipValue(0.05)][seed % 3]
    return explain(
        network,
        theta,
        x,
        t / t.sum(axis=1, keepdims=True),
        replace(rule, clip=clip),
        steps=2,
        sample_weight=[1.0, 2.0] if full else None,
        notation=list(NOTATIONS)[seed % len(NOTATIONS)],
    )


CASES = [
    (a, list(LOSSES)[i % len(LOSSES)], RULES[i % len(RULES)]) for i, a in enumerate(ACTIVATIONS)
]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def example(request):
    activation, loss, optimizer = request.param
    return example_of(
        CASES.index(request.param), activation=activation, loss=loss, optimizer=optimizer
    )


def test_every_line_recomputes_and_none_is_the_bare_result(example):
    lines = [(q, n) for step in example for q in step.quantities for n in q.lines if n.substituted]
    assert len(lines) > 50
    for q, line in lines:
        value = eval(line.substituted, {}, KNOWN)  # noqa: S307 (our own line)
        assert Digits().result(float(value)) == q.shown, q
        assert line.substituted.strip("()") != q.shown, q
    assert sum(not line.exact for _, line in lines) <= 0.01 * len(lines)


def test_every_result_is_the_engines_and_every_gradient_is_confirmed(example):
    for step in example:
        for q in step.quantities:
            assert write_number(q.sign * q.value if q.sign < 0 else q.value, 9) == q.shown
            if q.numerical is not None:
                scale = max(abs(q.value), 1e-3)  # for entries that cancel to almost 0
                assert abs(q.numerical - q.value) <= 1e-9 * scale, q


def test_keys_are_unique_and_the_json_follows_its_schema(example):
    for step in example:
        keys = [q.key for q in step.quantities]
        assert len(keys) == len(set(keys))
    jsonschema.validate(json.loads(example.to_json()), SCHEMA)


def test_every_name_of_the_equations_that_ran_is_there(example):
    quantities = {q.ref.quantity for step in example for q in step.quantities}
    expected = {
        "x",
        "t",
        "W",
        "b",
        "z",
        "a",
        "mu",
        "c",
        "var",
        "r",
        "xhat",
        "mask",
        "o",
        "p",
        "error",
    }
    expected |= {"loss", "penalty", "cost", "do", "da", "delta", "dxhat", "dW", "db", "dx"}
    expected |= {"delta_sample", "dC_W", "dC_b", "g_W", "g_b", "W_new", "b_new", "learning_rate"}
    if example.setup.network.layers[-1].activation.name != "identity":
        expected.add("slope")
    assert expected <= quantities


def test_every_name_in_a_line_is_on_the_page(example):
    for step in example:
        there = {q.ref for q in step.quantities}
        used = {(s.ref, q.key) for q in step.quantities for n in q.lines for s in symbols(n.tree)}
        assert [(ref, key) for ref, key in used if ref not in there] == []


def symbols(tree):
    own = [tree] if isinstance(tree, Symbol) else []
    return [*own, *(s for part in parts(tree) for s in symbols(part))]


def test_terminal_prints_each_number_except_aliases(example):
    out = io.StringIO()
    example.print(Console(file=out, width=400))
    text = out.getvalue()
    for q in example.steps[0].quantities:
        if q.section in ("forward", "update") and q.substituted:
            assert q.shown in text, q


def test_terminal_folds_to_the_width():
    out = io.StringIO()
    explain_problem(problem("mazur")).print(Console(file=out, width=60))
    assert max(map(len, out.getvalue().splitlines())) <= 60


def test_optimizer_state_is_worked_out():
    network = mlp(1, 1, activation="identity", loss="squared-error")
    example = explain(network, [2.0, 0.0], [1.0], [0.0], "adam", steps=2)
    second = example.steps[1]
    assert second["m_W1_new[0,0]"].formula == "beta1*m_W1[0,0] + (1 - beta1)*dW1[0,0]"
    assert second["m_W1[0,0]"].value == example.steps[0]["m_W1_new[0,0]"].value


def test_one_changed_equation_changes_formula_numbers_and_result(monkeypatch):
    def wrong(self, *, training=True):
        return {**right(self, training=training), "delta": "da * df(z, a) * a"}

    right = chainrule.layers.Dense.equations
    before = explain_problem(problem("mazur"))["delta1[0]"]
    monkeypatch.setattr(chainrule.layers.Dense, "equations", wrong)
    after = explain_problem(problem("mazur"))["delta1[0]"]
    assert before.formula == "∂E/∂out_h1*(out_h1*(1 - out_h1))"
    assert [line.kind for line in before.lines] == ["chain", "equation"]
    assert after.formula == "∂E/∂out_h1*(out_h1*(1 - out_h1))*out_h1"
    assert [line.kind for line in after.lines] == ["chain", "equation"]
    slope = explain_problem(problem("mazur"))["slope1[0]"]  # what the mistake takes for ∂a/∂z
    assert slope.formula == "out_h1*(1 - out_h1)*out_h1"
    assert before.substituted != after.substituted
    assert before.value != after.value
    assert before.shown != after.shown


def test_a_step_is_what_training_does():
    p = problem("half-adder")
    theta = p.theta(3)
    x, t, _ = p.data()
    example = explain(p.network, theta, x, t, p.optimizer, steps=5)
    run = train(p.network, x, t, p.optimizer, epochs=5, theta=theta, loss_after_epoch=True)
    assert [r.loss for r in run][-1] == example.steps[-1].loss_after


def test_a_weights_own_name_means_its_update():
    example = explain_problem(problem("mazur"))
    assert example["w5"] == example["W2_new[0,0]"]
    assert example["dW2[0,0]"].name == "∂E/∂w5"
    with pytest.raises(UnknownNameError, match="did you mean"):
        example["dW2[0,9]"]


def test_a_probability_that_underflows_still_has_a_true_line():
    network = mlp(1, 1, activation="logistic", loss="squared-error")
    q = explain(network, [1.0, 0.0], [-800.0], [0.0])["a1[0]"]
    assert q.value == 0.0
    assert q.substituted == "logistic(-800)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps = 0"),
        ({"steps": 3}, "optimizer"),
        ({"optimizer": "sgd", "steps": 10**12}, "at most"),
        ({"optimizer": "lbfgs", "steps": 2}, "optimizer with equations"),
        ({"digits": 0}, "digits=0"),
        ({"decimals": 99}, "decimals=99"),
        ({"optimizer": "sgd", "steps": 2, "show_steps": [3]}, "from 1 to 2"),
    ],
)
def test_unsupported_examples_raise_errors(options, message):
    network = mlp(1, 1, activation="identity", loss="squared-error")
    with pytest.raises(InputError, match=re.escape(message)):
        explain(network, [1.0, 0.0], [1.0], [0.0], **options)


def test_level_scalars_of_a_large_network_raises_an_error_that_names_the_remedy():
    network = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
    with pytest.raises(InputError, match=r"more than the 20,000 that .* choose the level matrices"):
        explain(network, network.initialize(0), np.zeros(784), [3], level="scalars")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_non_finite_numbers_raise_errors(bad):
    network = mlp(1, 1, activation="identity", loss="squared-error")
    with pytest.raises(InputError, match="x"):
        explain(network, [1.0, 0.0], [bad], [0.0])
    with pytest.raises(InputError, match="theta"):
        explain(network, [bad, 0.0], [1.0], [0.0])


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.29837110876, 9, "0.298371109"),
        (1 / 3, 3, "0.333"),
        (1e-12, 9, "1e-12"),
        (-0.0, 9, "0"),
        (123456789012.0, 4, "1.235e11"),
        (2.5e-7, 9, "2.5e-7"),
        (99999.96, 6, "100000"),
        (1200.0, 2, "1200"),
        (5, 9, "5"),
        (math.inf, 9, "inf"),
        (0.39249999999999996, 3, "0.393"),  # 0.05·0.15 + … is 0.3925 on any calculator
        (0.125, 2, "0.13"),
        (-0.125, 2, "-0.13"),
        (0.1249999999, 2, "0.12"),
        (0.1, 17, "0.10000000000000001"),
        (5e-324, 3, "4.94e-324"),
    ],
)
def test_format_of_numbers(value, digits, text):
    assert write_number(value, digits) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.6, 2, "0.60"),
        (0.3925, 3, "0.393"),
        (-0.001, 2, "0.00"),
        (2.5, 0, "3"),
        (1e300, 1, f"{1e300:.1f}"),
        (0.1, 17, "0.10000000000000001"),
    ],
)
def test_requested_decimals_keep_trailing_zeros(value, decimals, text):
    assert Digits(decimals=decimals, padded=True).result(value) == text


@pytest.mark.parametrize("form", ["text", "markdown", "html", "latex", "json"])
def test_every_format_rounds_halves_alike(form):
    page = explain("mazur", digits=3).to_format(form)
    assert "0.393" in page
    assert "0.60" in explain("mazur", decimals=2).to_format(form)


def test_a_problem_or_its_name_is_enough():
    mazur = problem("mazur")
    assert explain("mazur").to_text() == explain(mazur).to_text()
    assert explain(mazur).to_text() == explain_problem(mazur).to_text()
    assert explain("xor", steps=5, seed=3, level="matrices").setup.seed == 3
    with pytest.raises(UnknownNameError, match="mazur"):
        explain("mazr")


def test_a_problem_has_its_own_data():
    with pytest.raises(InputError, match="x, optimizer: the problem 'mazur' has its own"):
        explain("mazur", x=[[1, 2]], optimizer="adam")
    with pytest.raises(InputError, match="a network needs inputs and targets"):
        explain(mlp(1, 1, activation="tanh", loss="squared-error"), [1.0, 0.0])


# ---- what a hostile reader found ----------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 3.0]])
def test_delta_is_the_mean_weight_of_delta_sample_with_each_samples_own_mask(weights):
    network = mlp(2, 6, 1, activation="tanh", loss="squared-error", dropout=0.5)
    rng = np.random.default_rng(0)
    example = explain(
        network,
        network.initialize(1),
        rng.normal(size=(3, 2)),
        rng.normal(size=(3, 1)),
        "sgd",
        sample_weight=weights,
    )
    values = {q.key: q.value for q in example.steps[0].quantities}
    share = np.ones(3) if weights is None else np.array(weights) / np.mean(weights)
    masks = [values[k] for k in values if k.startswith("mask")]
    assert 0 < sum(masks) < len(masks)
    for s, unit in np.ndindex(3, 6):
        expected = values[f"delta_sample1[{s},{unit}]"] * share[s] / 3
        assert values[f"delta1[{s},{unit}]"] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_loss_after_has_the_masks_of_the_loss_before():
    network = mlp(2, 6, 1, activation="tanh", loss="squared-error", dropout=0.5)
    theta, x, t = network.initialize(1), [0.5, -0.2], [0.3]
    step = explain(network, theta, x, t, SGD(1e-12)).steps[0]
    assert step.loss_after == pytest.approx(step.loss_before, rel=1e-9)


def test_each_array_has_its_own_decay():
    network = mlp(1, 1, activation="identity", loss="squared-error")
    example = explain(network, [2.0, 1.0], [1.0], [0.0], AdamW(decay=0.5))
    assert example["decay_W1"].value == 0.5
    assert example["decay_b1"].value == 0.0


def test_a_custom_activation_with_a_wrong_complex_step_is_not_reported():
    size = Custom("size", np.abs, lambda z, _: np.sign(z))
    network = mlp(1, 1, activation=size, loss="squared-error")
    q = explain(network, [-2.0, 0.1], [1.0], [0.3])["dW1[0,0]"]
    assert q.numerical == pytest.approx(q.value, rel=1e-9)
    assert q.value != 0


def test_a_custom_activations_source_is_shown():
    cube = Custom("cube", lambda z: z * z * z)
    example = explain(mlp(1, 1, activation=cube, loss="squared-error"), [1.0, 0.0], [1.0], [0.0])
    assert example.to_dict()["network"]["layers"][0]["source"] == "cube: lambda z: z * z * z"
    out = io.StringIO()
    example.print(Console(file=out))
    assert "cube: lambda z: z * z * z" in out.getvalue()


@pytest.mark.parametrize("name", ["2nd", "class", "", "exp", "a b", 5])
def test_a_custom_activation_needs_a_name_for_formulas(name):
    with pytest.raises(InputError, match="name="):
        Custom(name, lambda z: z * z)


def test_the_error_about_a_non_finite_number_names_it():
    network = mlp(1, 1, activation="identity", loss="poisson")
    with pytest.raises(InputError, match=r"is inf, and an example needs finite numbers"):
        explain(network, [1000.0, 0.0], [1.0], [1.0])


def test_selected_steps_are_shown():
    example = explain_problem(problem("mazur"), steps=5, show_steps=[2, 4])
    assert [step.number for step in example] == [2, 4]


def test_a_large_problem_raises_an_error_before_training():
    network = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
    target = tuple(float(i == 3) for i in range(10))
    large = Problem("large", "Large", "", network, ((0.0,) * 784,), (target,))
    with pytest.raises(InputError, match="more than the 20,000"):
        explain_problem(large, steps=10_000_000, level="scalars")
