"""Levels by size: every scalar, matrices, a summary; and one parameter of a large network.

Every number is compared with NumPy on the engine's own arrays; benchmarks measure the time.
"""

import json
import re
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from chainrule import (
    LBFGS,
    SGD,
    Adam,
    ClipNorm,
    Dense,
    Dropout,
    InputError,
    Network,
    Penalty,
    UnknownNameError,
    explain,
    mlp,
    problem,
    train,
)
from chainrule.explanation import NOTATIONS, example_schema, explain_problem
from chainrule.explanation.build import FEW_NUMBERS, SOME_NUMBERS
from chainrule.pages import Grid, Rest, Sum, plain_name
from chainrule.wiring import wire
from tests.explanation.test_mazur import ten_thousand_steps

SCHEMA = json.loads(example_schema())


@pytest.fixture(scope="module")
def large(full):
    """320-24-10, with --full 784-128-10, on 32 samples: (network, theta, x, t)."""
    inputs, hidden = (784, 128) if full else (320, 24)
    network = mlp(inputs, hidden, 10, activation="relu", loss="softmax-cross-entropy")
    rng = np.random.default_rng(0)
    theta = network.initialize(0)
    return network, theta, rng.random((32, inputs)), rng.integers(0, 10, 32)


@pytest.fixture(scope="module")
def step(large):
    network, theta, x, t = large
    return wire(network, theta, network.batch(theta, x, t), Adam())


def rows_of(example, title):
    table = next(t for t in example.steps[0].tables if t.title == title)
    return {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}


# ---- which level --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "samples", "level"),
    [((2, 3, 3, 2), 3, "scalars"), ((8, 16, 3), 32, "matrices"), ((64, 64, 10), 64, "summary")],
)
def test_the_level_follows_the_size(sizes, samples, level):
    network = mlp(*sizes, activation="tanh", loss="squared-error")
    x, t = np.ones((samples, sizes[0])), np.ones((samples, sizes[-1]))
    example = explain(network, network.initialize(0), x, t)
    assert example.level == level
    assert FEW_NUMBERS < SOME_NUMBERS
    jsonschema.validate(json.loads(example.to_json()), SCHEMA)


@pytest.mark.parametrize("level", ["scalars", "matrices", "summary"])
def test_any_level_can_be_requested(level):
    example = explain_problem(problem("mazur"), level=level)
    assert example.level == level
    step = example.steps[0]
    has = [bool(part) for part in (step.quantities, step.matrices, step.tables)]
    assert has == [level == name for name in ("scalars", "matrices", "summary")]
    assert len(example.to_frame()) > 10


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"level": "matrix"}, UnknownNameError, "did you mean 'matrices'"),
        ({"level": "summary", "parameter": "W1[0,0]"}, InputError, "remove one of them"),
        ({"parameter": "W3[0,0]"}, UnknownNameError, "unknown parameter 'W3[0,0]'"),
        ({"parameter": "W1[2,0]"}, InputError, "go from 0 to [1,1]"),
        ({"parameter": "W1[0]"}, InputError, "go from 0 to [1,1]"),
        ({"parameter": "W1"}, InputError, "give the index of one entry, such as W1[0,0]"),
        ({"parameter": "W1[-1,0]"}, InputError, "give the index of one entry"),
        ({"parameter": "w9"}, UnknownNameError, "unknown parameter 'w9'"),
    ],
)
def test_invalid_levels_and_parameters_raise_errors(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        explain_problem(problem("mazur"), **options)


def test_an_entry_of_a_summary_raises_an_error():
    with pytest.raises(InputError, match="choose the level scalars"):
        explain_problem(problem("mazur"), level="summary")["w5"]


# ---- matrices -----------------------------------------------------------------------------------


def test_matrices_are_the_engines_with_its_equations():
    rng = np.random.default_rng(0)
    network = mlp(3, 5, 2, activation="tanh", loss="squared-error")
    theta, x, t = network.initialize(0), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    example = explain(network, theta, x, t, Adam(), level="matrices")
    found = {m.key: m for m in example.steps[0].matrices}
    step = wire(network, theta, network.batch(theta, x, t), Adam())
    assert found["z1"].formula == "x @ W1ᵀ + b1"
    assert found["dW2"].formula == "delta2ᵀ @ a1"
    assert found["delta1"].formula == "dx2 ⊙ tanh′(z1)"
    assert found["db1"].formula == "sum over samples(delta1)"
    np.testing.assert_array_equal(found["z1"].array, step.layers[0]["z"])
    np.testing.assert_array_equal(found["dW2"].array, step.layers[1]["dW"])
    np.testing.assert_array_equal(found["W1_new"].array, step.arrays["W1"]["w_new"])


def test_matrices_in_a_books_names():
    example = explain_problem(problem("mazur"), level="matrices", notation="nielsen")
    assert {"w^{2}", "z^{3}", "δ^{2}", "∂C/∂w^{3}"} <= {m.markup for m in example.steps[0].matrices}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_the_sums_of_an_array_among_matrices_are_named_after_it(notation):
    penalty = Penalty(l1=0.1, l2=0.2)
    network = mlp(2, 3, 2, activation="tanh", loss="absolute-error", penalty=penalty)
    rule = SGD(0.1, clip=ClipNorm(1.0))
    data = [[1.0, 2.0]], [[1.0, 0.5]]
    example = explain(
        network, network.initialize(1), *data, rule, level="matrices", notation=notation
    )
    rows = {m.key: m for m in example.steps[0].matrices}
    assert len(rows) == len(example.steps[0].matrices)
    names = {plain_name(rows[f"squares_{array}"].markup) for array in ("W1", "b1", "W2", "b2")}
    assert len(names) == 4
    assert all(name in rows["norm"].formula for name in names)
    assert rows["do"].formula.count("sgn") == 1


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_text_leaves_out_columns_but_never_cuts_a_number(width):
    network = mlp(12, 11, 3, activation="logistic", loss="squared-error")
    x, t = np.linspace(-1, 1, 24).reshape(2, 12) * 1e-7, np.eye(3)[:2]
    options = {"level": "matrices", "digits": 9}
    example = explain(network, network.initialize(0), x, t, "sgd", **options)
    lines = example.to_text(width).splitlines()
    assert max(map(len, lines)) <= width
    cells = {
        cell for m in example.page().items if isinstance(m, Grid) for r in m.rows for cell in r
    }
    numbers = [line.split() for line in lines if re.fullmatch(r"( +(-?[\d.]+(e-?\d+)?|…))+", line)]
    assert len(numbers) > 60
    assert {word for row in numbers for word in row} <= cells | {"…"}
    if width == 200:
        assert {cell for cell in cells if cell} <= {word for row in numbers for word in row}


def test_a_wide_matrix_shows_its_corners():
    network = mlp(30, 3, activation="tanh", loss="squared-error")
    x, t = np.arange(30.0), np.ones(3)
    text = explain(network, network.initialize(0), x, t, level="matrices").to_text()
    assert re.search(r"\n +0 +1 +2 +… +27 +28 +29\n", text)


# ---- a summary ----------------------------------------------------------------------------------


def test_the_numbers_of_a_summary_are_those_of_the_arrays(large, step):
    network, theta, x, t = large
    example = explain(network, theta, x, t, Adam())
    forward = rows_of(example, "Forward: the activations")
    a1, z1 = step.layers[0]["a"], step.layers[0]["z"]
    assert forward["1"]["mean"] == pytest.approx(a1.mean())
    assert forward["1"]["spread"] == pytest.approx(a1.std())
    assert forward["1"]["saturated %"] == pytest.approx(100 * (z1 <= 0).mean())
    assert forward["1"]["dead units"] == (z1 <= 0).all(axis=0).sum()
    backward = rows_of(example, "Backward: the error signal")
    size = [np.sqrt(np.mean(layer["delta"] ** 2)) for layer in step.layers]
    assert backward["1"]["size"] == pytest.approx(size[0])
    assert backward["1"]["ratio"] == pytest.approx(size[0] / size[1])
    parameters = rows_of(example, "Parameters, gradients, updates")
    w, d, new = (step.arrays["W1"][name] for name in ("w", "dC", "w_new"))
    assert parameters["W1"]["‖∂C/∂w‖"] == pytest.approx(np.linalg.norm(d))
    expected = np.linalg.norm(new - w) / np.linalg.norm(w)
    assert parameters["W1"]["change / w"] == pytest.approx(expected)
    jsonschema.validate(json.loads(example.to_json()), SCHEMA)


def test_the_largest_gradients_are_the_largest_and_are_confirmed(large, step):
    network, theta, x, t = large
    rows = rows_of(explain(network, theta, x, t, Adam()), "Largest gradients")
    assert len(rows) == 8
    largest = np.sort(np.abs(step.gradient))[::-1][:8]
    assert [abs(float(row["∂C/∂w"])) for row in rows.values()] == pytest.approx(list(largest))
    for row in rows.values():
        assert row["numerically"] == pytest.approx(row["∂C/∂w"], rel=1e-9)


def test_a_vanishing_and_an_exploding_signal_are_named():
    network = mlp(4, 30, 30, 4, activation="tanh", loss="squared-error")
    for factor, word in [(0.05, "vanishing"), (30.0, "exploding")]:
        theta = factor * network.initialize(0)
        rows = rows_of(
            explain(network, theta, np.full(4, 1e-3), np.ones(4), level="summary"),
            "Backward: the error signal",
        )
        assert word in {row[""] for row in rows.values()}


# ---- one parameter ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["W2[7,3]", "W1[5,300]", "b1[17]", "b2[9]"])
def test_the_derivation_of_one_parameter_ends_in_its_update(large, step, name):
    network, theta, x, t = large
    example = explain(network, theta, x, t, Adam(), parameter=name)
    array, index = name[:2], tuple(map(int, name[3:-1].split(",")))
    place = f"[{','.join(map(str, index))}]"
    gradient = example[f"d{array}{place}"]
    assert gradient.value == step.arrays[array]["d"][index]
    assert gradient.numerical == pytest.approx(gradient.value, rel=1e-8, abs=1e-14)
    assert example[f"{array}_new{place}"].value == step.arrays[array]["w_new"][index]
    assert example.parameter == name
    for q in example.steps[0].quantities:
        for line in q.lines:
            assert line.exact, q
    jsonschema.validate(json.loads(example.to_json()), SCHEMA)


def test_sums_begin_with_the_largest_terms_and_the_rest_is_what_is_missing(large, step):
    network, theta, x, t = large
    example = explain(network, theta, x, t, parameter="W1[5,300]")
    line = example["dW1[5,300]"].equation
    assert line is not None
    assert isinstance(line.tree, Sum)
    *shown, rest = line.tree.terms
    assert isinstance(rest, Rest)
    sizes = [abs(term.value) for term in shown]
    assert sizes == sorted(sizes, reverse=True)
    products = step.layers[0]["delta"][:, 5] * x[:, 300]
    assert sizes == pytest.approx(np.sort(np.abs(products))[::-1][: len(sizes)])
    assert rest.count == 32 - len(shown)
    assert rest.value == pytest.approx(products.sum() - sum(term.value for term in shown))
    assert f"[{rest.count} further terms]" in line.formula


def test_the_term_of_the_parameter_is_never_omitted(large):
    network, theta, x, t = large
    example = explain(network, theta, x, t, parameter="W1[5,300]")
    nets = [q for q in example.steps[0].quantities if q.ref.quantity == "z"]
    assert nets
    for q in nets:
        assert "W1[5,300]" in (q.formula or "")


def test_every_name_in_a_line_is_on_the_page(large):
    network, theta, x, t = large
    quantities = explain(network, theta, x, t, Adam(), parameter="W2[7,3]").steps[0].quantities
    there = {q.name for q in quantities}
    for q in quantities:
        for line in q.lines:
            assert set(re.findall(r"[a-zA-Z_]+\d*(?:_new)?\[[\d,]+\]", line.formula)) <= there


def test_a_parameter_by_the_notations_own_name():
    example = explain_problem(problem("mazur"), parameter="w5")
    assert example.parameter == "W2[0,0]"
    assert example["w5"].shown == "0.35891648"
    assert len(example.steps[0].quantities) < len(
        explain_problem(problem("mazur")).steps[0].quantities
    )


def test_one_parameter_with_everything_in_the_network():
    network = mlp(
        3,
        4,
        2,
        activation="gelu",
        loss="softmax-cross-entropy",
        layer_norm=True,
        dropout=0.3,
        penalty=Penalty(0.1, 0.2, 0.3),
    )
    rng = np.random.default_rng(0)
    theta = rng.normal(size=network.layout.size)
    for name in ("W1[2,1]", "W2[3]", "b2[0]", "W3[1,0]"):
        example = explain(
            network,
            theta,
            rng.normal(size=(5, 3)),
            [0, 1, 1, 0, 1],
            Adam(clip=ClipNorm(0.01)),
            parameter=name,
        )
        gradient = example[f"d{name}"]
        assert gradient.numerical == pytest.approx(gradient.value, rel=1e-7, abs=1e-12)


# ---- several steps ------------------------------------------------------------------------------


def test_the_table_of_the_error():
    example = ten_thousand_steps()
    steps, losses = zip(*example.history, strict=True)
    assert steps == (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
    assert losses[0] == pytest.approx(0.2983711087600027, abs=1e-15)
    assert losses[1] == pytest.approx(0.291027773694, abs=1e-12)
    assert losses[-1] == pytest.approx(0.0000351018778, rel=1e-8)
    assert explain_problem(problem("mazur")).history == ()


# ---- other forms --------------------------------------------------------------------------------


def test_a_frame_has_a_row_for_each_number():
    example = explain_problem(problem("mazur"))
    frame = example.to_frame()
    assert len(frame) == len(example.steps[0].quantities)
    row = frame.set_index("key").loc["dW2[0,0]"]
    assert row["value"] == example["dW2[0,0]"].value
    assert (row["name"], row["to"], row["from"], row["shown"]) == ("∂E/∂w5", 0, 0, "0.082167041")


@pytest.mark.parametrize("ending", ["txt", "md", "tex", "html", "json", "py"])
def test_save_chooses_the_format_by_the_ending(tmp_path, ending):
    path = tmp_path / f"mazur.{ending}"
    explain_problem(problem("mazur")).save(path)
    figure = "0.01, 0.99" if ending == "py" else "0.59326999"
    assert figure in path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "form", "error", "message"),
    [
        ("mazur.pdf", None, InputError, "no known file ending"),
        ("mazur", None, InputError, "no known file ending"),
        ("mazur.txt", "word", UnknownNameError, "unknown format 'word'"),
        ("missing/mazur.txt", None, InputError, "cannot write"),
    ],
)
def test_saving_to_an_invalid_path_or_format_raises_an_error(tmp_path, name, form, error, message):
    with pytest.raises(error, match=message):
        explain_problem(problem("mazur")).save(tmp_path / name, form)
    assert list(tmp_path.iterdir()) == []


def test_repr_and_str_of_an_example():
    example = explain_problem(problem("mazur"))
    assert "scalars" in repr(example)
    assert str(example) == example.to_text()


# ---- the optimizer that has no equations --------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"parameter": "W2[0,0]"}], ids=str)
def test_a_step_of_lbfgs_has_its_gradient_and_its_result_and_no_formula(options):
    p = problem("mazur").trained(biases=True)
    example = explain_problem(replace(p, optimizer=LBFGS()), **options)
    run = train(p.network, *p.data()[:2], LBFGS(), epochs=1, theta=p.theta(), loss_after_epoch=True)
    last = run.finish()
    new = example["W2_new[0,0]"]
    assert new.value == p.network.views(run.theta)["W2"][0, 0]
    assert new.lines == ()
    assert example.steps[0].loss_after == pytest.approx(last.loss, rel=1e-12)
    assert example["dW2[0,0]"].value == pytest.approx(0.0821670405642308, abs=1e-15)
    assert "line search" in " ".join(str(example).split())


@pytest.mark.parametrize("form", ["to_numpy", "to_pytorch"])
def test_lbfgs_cannot_be_written_as_a_program(form):
    example = explain_problem(replace(problem("xor"), optimizer=LBFGS()))
    with pytest.raises(InputError, match="no equations to write down"):
        getattr(example, form)()


def test_several_steps_of_lbfgs_raise_an_error():
    with pytest.raises(InputError, match="optimizer with equations"):
        explain_problem(replace(problem("xor"), optimizer=LBFGS()), steps=2)


def test_errors_that_are_compared_are_without_dropout():
    network = Network(3, (Dense(6, "tanh"), Dropout(0.5), Dense(2, "identity")), "squared-error")
    theta, x, t = network.initialize(3), np.ones((2, 3)), np.eye(2)
    example = explain(network, theta, x, t, SGD(0.1), steps=3, show_steps=[1, 2, 3], seed=4)
    assert example.history[0] == (0, network.value(theta, network.batch(theta, x, t)))
    assert example.history[0][1] != example.steps[0].loss_before  # with its mask
    assert "dropout is switched off" in " ".join(str(example).split())
    again = explain(network, theta, x, t, SGD(0.1), steps=3, show_steps=[3], seed=4)
    assert again.history == example.history


def test_without_dropout_the_errors_compared_are_those_of_the_steps():
    network = Network(3, (Dense(6, "tanh"), Dense(2, "identity")), "squared-error")
    theta, x, t = network.initialize(3), np.ones((2, 3)), np.eye(2)
    example = explain(network, theta, x, t, SGD(0.1), steps=2, show_steps=[1, 2])
    losses = [loss for _, loss in example.history]
    assert losses[:2] == [step.loss_before for step in example.steps]
    assert losses[1:] == [step.loss_after for step in example.steps]
    assert "dropout" not in str(example)
