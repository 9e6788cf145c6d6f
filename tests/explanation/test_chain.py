"""The factors of the chain rule, other derivations, and the remarks on them.

Each factor is compared with what the engine computes, and the paths with published figures.
"""

from dataclasses import replace

import numpy as np
import pytest

import chainrule.layers
from chainrule import LOSSES, Penalty, explain, mlp, problem
from chainrule.explanation import explain_problem
from chainrule.explanation.derivations import DERIVATIONS, derivation
from chainrule.explanation.remarks import REMARKS
from chainrule.pages.tree import Sum
from chainrule.wiring import wire


@pytest.fixture(scope="module")
def mazur():
    return explain_problem(problem("mazur"))


def line(example, key, kind):
    return next(n for n in example[key].lines if n.kind == kind)


# ---- factors ------------------------------------------------------------------------------------


def test_a_weights_derivative_is_a_product_of_three_factors(mazur):
    found = line(mazur, "dW2[0,0]", "chain")
    assert found.formula == "∂E/∂out_o1*∂out_o1/∂net_o1*∂net_o1/∂w5"
    factors = [float(part) for part in found.substituted.split("*")]
    assert factors == pytest.approx([0.7413650695523157, 0.1868156018089595, 0.5932699921071872])
    assert mazur["dW2[0,0]"].shown == "0.082167041"
    assert mazur["dW2[0,0]"].numerical_text == "0.082167041"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("slope2[0]", 0.1868156018089595),
        ("slope2[1]", 0.1755100528172712),
        ("slope1[0]", 0.2413007085723253),
        ("slope1[1]", 0.2406134172492184),
        ("local2[0,1]", 0.596884378259767),
        ("path2[0,0]", 0.0553994246514228),
        ("path2[0,1]", -0.0190491182582781),
    ],
)
def test_each_factor_and_each_path_has_its_own_row(mazur, key, value):
    assert mazur[key].value == pytest.approx(value, abs=1e-15)


def test_all_paths_are_shown_and_add_up():
    network = mlp(2, 3, 4, 2, activation="tanh", loss="squared-error")
    rng = np.random.default_rng(0)
    example = explain(network, rng.normal(size=network.layout.size), rng.normal(size=2), [1.0, 2.0])
    for layer, units, below in [(3, 2, 4), (2, 4, 3)]:
        for k in range(below):
            paths = [example[f"path{layer}[{k},{j}]"].value for j in range(units)]
            assert sum(paths) == pytest.approx(example[f"dx{layer}[{k}]"].value, abs=1e-14)
            tree = line(example, f"dx{layer}[{k}]", "chain").tree
            assert isinstance(tree, Sum)
            assert len(tree.terms) == units


def test_a_batch_goes_sample_by_sample_then_all(mazur):
    example = explain_problem(problem("xor"))
    for section in ("forward", "backward"):
        rows = [q for q in example.steps[0].quantities if q.section == section]
        order = [q.ref.index[0] if q.ref.sampled else 9 for q in rows]
        assert order == sorted(order)
        assert set(order) - {9} == {0, 1, 2, 3}


def test_the_gradient_of_a_batch_is_a_sum_over_its_samples():
    example = explain_problem(problem("xor"), notation="mazur")
    found = line(example, "dW1[0,0]", "chain")
    assert found.formula.count("∂out_h1") == 2 * 4  # over and under, of each sample


def test_a_changed_equation_changes_the_factors(monkeypatch):
    def wrong(self, *, training=True):
        return {**right(self, training=training), "dW": "delta.T @ x * 2"}

    right = chainrule.layers.Dense.equations
    before = explain_problem(problem("mazur"))
    monkeypatch.setattr(chainrule.layers.Dense, "equations", wrong)
    after = explain_problem(problem("mazur"))
    assert after["dW2[0,0]"].formula == "δ_o1*out_h1*2"
    assert after["local2[0,0]"].value == 2 * before["local2[0,0]"].value
    assert after["dW2[0,0]"].value == 2 * before["dW2[0,0]"].value
    assert after["W2_new[0,0]"].shown != before["W2_new[0,0]"].shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"dx": "delta @ W * 2"},
        {"dW": "2 * (delta.T @ x)"},
        {"delta": "-(da * df(z, a))"},
        {"db": "sum(delta, axis=0) / 2"},
        {"dx": "delta @ W_new"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["mazur", "xor"])
def test_any_changed_equation_can_be_worked_out(monkeypatch, wrong, name):
    right = chainrule.layers.Dense.equations
    monkeypatch.setattr(
        chainrule.layers.Dense,
        "equations",
        lambda self, *, training=True: {**right(self, training=training), **wrong},
    )
    example = explain_problem(replace(problem(name), errata=()))
    assert example["W1_new[0,0]"].value != 0
    (changed,) = wrong
    rows = [q for q in example.steps[0].quantities if q.ref.quantity == changed]
    assert rows
    assert all(n.exact for q in rows for n in q.lines)


# ---- other derivations ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", DERIVATIONS)
@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0]])
def test_other_derivations_give_the_same_numbers(loss, weights):
    rng = np.random.default_rng(1)
    network = mlp(3, 4, activation="tanh", loss=loss)
    t = rng.random((3, 4))
    t /= t.sum(axis=1, keepdims=True)
    theta = rng.normal(size=network.layout.size)
    batch = network.batch(theta, rng.normal(size=(3, 3)), t, weights)
    step = wire(network, theta, batch)
    scope = derivation(step)
    assert scope is not None
    np.testing.assert_allclose(scope["do"], step.loss["do"], rtol=1e-12, atol=1e-16)


def test_every_loss_with_a_link_has_another_derivation():
    assert {name for name, loss in LOSSES.items() if loss.owns_link} == DERIVATIONS.keys()


def test_softmax_is_derived_by_its_jacobian_and_by_the_short_form():
    network = mlp(2, 3, activation="tanh", loss="softmax-cross-entropy")
    example = explain(network, network.initialize(0), [0.5, -1.0], [1], notation="mazur")
    assert example["do[0]"].formula == "-(target_o1 - p1)"
    other = line(example, "do[0]", "derivation")
    assert other.formula == "∂E/∂p1*J[1,1] + ∂E/∂p2*J[2,1] + ∂E/∂p3*J[3,1]"
    assert example["J[0,0]"].lines[0].formula == "p1*(1 - p1)"
    assert example["J[0,1]"].lines[0].formula == "-p1*p2"
    assert {n.kind for n in example["J[0,1]"].lines} == {"derivation"}


def test_a_prediction_of_zero_has_no_other_derivation():
    network = mlp(1, 2, activation="identity", loss="softmax-cross-entropy")
    example = explain(network, [0.0, 2000.0, 0.0, 0.0], [1.0], [1])
    assert {n.kind for n in example["do[0]"].lines} == {"equation"}


# ---- remarks ------------------------------------------------------------------------------------


def remarked(example, words):
    return [q.key for q in example.steps[0].quantities if words in q.remark]


EVERYTHING = {
    "bias is added": (problem("mazur"), ["db2[0]"]),
    "old weights": (problem("mazur"), ["dx2[0]"]),
    "these paths": (problem("mazur"), ["dx2[0]"]),
    "error is a mean": (problem("xor"), ["do[0,0]"]),
    "is frozen": (problem("mazur"), ["b1_new[0]"]),
}


@pytest.mark.parametrize("words", EVERYTHING)
def test_a_remark_appears_once_at_the_first_number_it_applies_to(words):
    chosen, keys = EVERYTHING[words]
    assert remarked(explain_problem(chosen), words) == keys


def test_remarks_that_do_not_apply_are_absent():
    assert remarked(explain_problem(problem("mazur")), "error is a mean") == []
    assert remarked(explain_problem(problem("huddar")), "these paths") == []  # one output only
    trained = problem("mazur").trained(biases=True)
    assert remarked(explain_problem(trained), "is frozen") == []


def test_every_remark_appears_in_some_example():
    steps = [example.steps[0] for example in remarked_examples()]
    shown = " ".join(q.remark for step in steps for q in step.quantities)
    assert [r.text for r in REMARKS if r.text not in shown] == []


def remarked_examples():
    """Yield examples that together have every remark."""
    rng = np.random.default_rng(0)
    rich = mlp(
        2,
        4,
        2,
        activation="relu",
        loss="softmax-cross-entropy",
        dropout=0.5,
        layer_norm=True,
        penalty=Penalty(0.1, 0.2, 0.3),
    )
    yield explain(
        rich, rng.normal(size=rich.layout.size), rng.normal(size=(3, 2)), [0, 1, 1], "adam"
    )
    yield explain_problem(replace(problem("mazur"), x=((80.0, 90.0),)))  # on the flat part
    yield explain_problem(problem("mazur"))
    small = mlp(1, 1, activation="identity", loss="squared-error")
    yield explain(small, [1.0, 0.0], [1.0], [0.5], "momentum")
    kink = mlp(1, 1, 1, activation="relu", output="identity", loss="squared-error")
    yield explain(kink, [0.0, 0.0, 1.0, 0.0], [1.0], [0.5])
    deep = mlp(1, 1, 1, activation="tanh", output="identity", loss="squared-error")
    yield explain(deep, [19.0, 0.0, 1e6, 0.0], [1.0], [0.5])  # 1 − a² has lost its digits
