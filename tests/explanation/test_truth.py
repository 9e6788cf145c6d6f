"""The sentences on a page are true where they appear, and absent where they would be false.

Each case was found by looking for false sentences on generated pages.
"""

import json
import math

import numpy as np
import pytest

from chainrule import (
    SGD,
    ClipNorm,
    Dense,
    Dropout,
    InputError,
    Momentum,
    Network,
    Penalty,
    SquaredError,
    explain,
    mlp,
    problem,
)
from chainrule.explanation import NOTATIONS, explain_problem
from chainrule.pages import Drawing, Heading, Worked


def remarks(example) -> str:
    return " ".join(q.remark for q in example.steps[0].quantities)


def row(example, title, first):
    table = next(t for t in example.steps[0].tables if t.title == title)
    found = next(r for r in table.rows if r[0] == first)
    return dict(zip(table.header, found, strict=True))


# ---- the summary --------------------------------------------------------------------------------


def test_an_error_of_zero_has_no_shares():
    network = mlp(2, 2, 1, activation="relu", loss="squared-error")
    example = explain(network, np.zeros(9), [0.0, 0.0], [0.0], level="summary")
    json.loads(example.to_json())
    assert "nan" not in example.to_text()


@pytest.mark.parametrize(
    ("activation", "bias"), [("logistic", 40.0), ("tanh", 6.0), ("relu", -100.0), ("gelu", -30.0)]
)
def test_a_fully_saturated_layer_is_reported(activation, bias):
    network = mlp(3, 4, 1, activation=activation, output="identity", loss="squared-error")
    theta = network.initialize(0)
    network.views(theta)["b1"][:] = bias
    example = explain(network, theta, np.ones((2, 3)), np.ones((2, 1)), level="summary")
    assert row(example, "Forward: the activations", "1")["saturated %"] == 100


def test_the_share_of_a_sample_includes_its_weight():
    network = mlp(2, 2, 1, activation="logistic", loss="squared-error")
    theta, weights = network.initialize(1), [1.0, 1.0, 400.0]
    x, t = [[0.5, 0.1], [0.2, 0.3], [1.0, 1.0]], [[1.0], [0.0], [1.0]]
    example = explain(network, theta, x, t, sample_weight=weights, level="summary")
    error = 0.5 * (network.predict(theta, np.array(x)) - t) ** 2 * np.array(weights)[:, None]
    table = next(s for s in example.steps[0].tables if s.title == "Samples")
    assert table.rows[0][0] == int(error.argmax())
    assert table.rows[0][2] == pytest.approx(100 * error.max() / error.sum())


# ---- order and names ----------------------------------------------------------------------------


def test_samples_stay_in_order_with_masks():
    network = Network(2, (Dense(4, "tanh"), Dropout(0.5), Dense(1, "identity")), SquaredError())
    x, t = [[0.5, 1.0], [-1.0, 0.2]], [[1.0], [0.0]]
    example = explain(network, network.initialize(0), x, t, SGD(0.1))
    anchors = [item.anchor for item in example.page().items if isinstance(item, Heading)]
    assert len(anchors) == len(set(anchors))
    forward = [q for q in example.steps[0].quantities if q.section == "forward"]
    assert [q.ref.index[0] for q in forward] == sorted(q.ref.index[0] for q in forward)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_no_name_on_a_page_means_two_quantities(notation):
    network = mlp(
        2,
        2,
        2,
        activation="tanh",
        loss="softmax-cross-entropy",
        layer_norm=True,
        dropout=0.3,
        penalty=Penalty(0.1, 0.2, 0.3),
    )
    rng = np.random.default_rng(0)
    example = explain(
        network,
        rng.normal(size=network.layout.size),
        rng.normal(size=(2, 2)),
        [0, 1],
        Momentum(0.1, clip=ClipNorm(0.01)),
        notation=notation,
    )
    names = [item.quantity.name for item in example.page().items if isinstance(item, Worked)]
    assert sorted(names) == sorted(set(names))


def test_weights_are_numbered_consecutively_in_any_network():
    network = mlp(2, 2, 1, activation="tanh", loss="squared-error", layer_norm=True, dropout=0.5)
    example = explain(network, network.initialize(0), [1.0, 2.0], [0.0], SGD(1), notation="mazur")
    names = {q.key: q.name for q in example.steps[0].quantities}
    assert (names["W1[1,1]"], names["W3[0,0]"], names["W2[0]"]) == ("w4", "w5", "γ^(2)_1")
    assert not [name for name in names.values() if name.endswith("]") and name != "o[1]"]


# ---- remarks ------------------------------------------------------------------------------------


def test_other_derivations_are_marked_as_not_computed_by_the_program():
    example = explain_problem(problem("softmax"))
    said = [q.key for q in example.steps[0].quantities if "did not compute" in q.remark]
    assert said == ["dp[0,0]"]


def test_a_stationary_point_is_not_called_saturated():
    network = mlp(1, 1, activation="gelu", loss="squared-error")
    example = explain(network, [-0.7517916, 0.0], [1.0], [0.0])
    assert abs(example["slope1[0]"].value) < 1e-3
    assert "flat part" not in remarks(example)


def test_a_slope_that_rounds_to_0_is_not_called_0():
    network = mlp(1, 1, 1, activation="logistic", loss="squared-error")
    example = explain(network, [800.0, 0.0, 1.0, 0.0], [1.0], [0.0])
    assert example["slope1[0]"].value == 0
    assert "not exactly 0" in remarks(example)
    assert "The slope is 0 here" not in remarks(example)


@pytest.mark.parametrize("loss", ["absolute-error", "quantile"])
def test_a_kink_of_the_loss_has_no_numerical_derivative(loss):
    network = mlp(1, 1, activation="identity", loss=loss)
    example = explain(network, [1.0, 0.0], [0.5], [0.5])
    assert example["dW1[0,0]"].numerical is None
    assert "kink" in remarks(example)


def test_only_the_parameters_at_a_kink_lack_numerical_derivatives():
    network = mlp(2, 2, 1, activation="relu", output="identity", loss="squared-error")
    theta = network.pack(W=[[[0, 0], [1, 1]], [[1.0, 2.0]]], b=[[0, 0], [0]])
    example = explain(network, theta, [0.5, 0.1], [1.0])
    assert example["dW1[0,0]"].numerical is None
    assert example["dW1[1,0]"].numerical == pytest.approx(example["dW1[1,0]"].value)


def test_remarks_on_bias_and_velocity_are_correct():
    for notation in NOTATIONS:
        example = explain_problem(problem("xor"), notation=notation)
        assert "δ itself" not in remarks(example)
    network = mlp(1, 1, activation="identity", loss="squared-error")
    example = explain(network, [1.0, 0.0], [1.0], [0.5], "momentum")
    assert "is subtracted" in remarks(example)
    assert example["v_W1_new[0,0]"].formula == "momentum*v_W1[0,0] - learning_rate*dW1[0,0]"


# ---- the page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["scalars", "matrices", "summary"])
def test_every_level_has_a_picture_with_numbers_and_an_introduction(level):
    example = explain_problem(problem("mazur"), level=level)
    assert [item for item in example.page().items if isinstance(item, Drawing)]
    assert "0.5933" in example.to_html().partition("<svg")[2].partition("</svg>")[0]
    described = "sigmoid units, squared error, gradient descent with learning rate 0.5."
    assert described in " ".join(example.to_text().split())


def test_matrices_are_confirmed_numerically():
    text = explain_problem(problem("softmax"), level="matrices").to_text(200)
    assert text.count("Numerical derivatives of every entry agree with it to") == 4


def test_no_number_is_truncated_on_narrow_terminals():
    network = mlp(3, 4, 1, activation="tanh", loss="squared-error")
    text = explain(network, network.initialize(0), [1.0, 2.0, 3.0], [0.0], level="summary").to_text(
        40
    )
    assert "…" not in text
    assert "spread " in text


def test_terms_of_a_penalty_with_factor_0_are_omitted():
    network = mlp(1, 1, activation="identity", loss="squared-error", penalty=Penalty(l2=0.01))
    example = explain(network, [2.0, 0.0], [1.0], [0.0], SGD(1))
    keys = {q.ref.quantity for q in example.steps[0].quantities}
    assert not keys & {"absolute", "absolute_W", "sign_W"}
    assert example["dpenalty_W1[0,0]"].formula == "2*l2*W1[0,0]"


def test_choices_between_signs_are_written_as_functions():
    network = mlp(1, 1, activation="identity", loss="absolute-error", penalty=Penalty(l1=0.1))
    example = explain(network, [-2.0, 0.0], [1.0], [0.0], SGD(1))
    assert example["absolute_W1"].formula == "abs(W1[0,0])"
    assert example["sign_W1[0,0]"].formula == "sgn(W1[0,0])"
    assert example["do[0]"].formula == "sgn(a1[0] - t[0])"


def test_a_formula_that_gives_another_number_is_not_shown():
    network = mlp(1, 1, activation="identity", loss="logistic-cross-entropy")
    q = explain(network, [40.0, 0.0], [1.0], [1.0])["error[0]"]
    assert q.value == pytest.approx(math.exp(-40))
    assert "softplus" in (q.formula or "")


def test_steps_to_show_are_a_list():
    with pytest.raises(InputError, match="give a list"):
        explain_problem(problem("mazur"), show_steps=5)  # pyright: ignore[reportArgumentType] (on purpose)


def test_a_curve_is_not_mistaken_for_a_kink():
    """One unit is at its kink; another entry's slope is 0 at the bottom of a steep parabola."""
    network = mlp(2, 2, 1, activation="relu", output="identity", loss="squared-error")
    theta = network.pack(W=[[[0, 0], [1, 1]], [[1.0, 2.0]]], b=[[0, 0], [0]])
    x = [3.0, 1.0]
    example = explain(
        network, theta, x, network.predict(theta, np.array([x]))[0]
    )  # no error at all
    steep = example["dW1[1,0]"]
    assert steep.value == 0
    assert steep.numerical == pytest.approx(0, abs=1e-12)
