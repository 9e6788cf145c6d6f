"""The 2-2-2 example as JSON against the golden numbers, its errata against published figures.

The golden numbers were computed elsewhere; they are compared at 1e-12 or at the digits they have.
"""

import json
from dataclasses import replace
from functools import cache

import jsonschema
import pytest

from chainrule import SGD, problem
from chainrule.explanation import WorkedExample, example_schema, explain_problem
from tests.rows import more

GOLDEN = {
    "z1[0]": 0.3775,
    "z1[1]": 0.3925,
    "a1[0]": 0.5932699921071872,
    "a1[1]": 0.596884378259767,
    "z2[0]": 1.10590596705977,
    "z2[1]": 1.2249214040964653,
    "a2[0]": 0.7513650695523157,
    "a2[1]": 0.7729284653214625,
    "error[0]": 0.274811083176155,
    "error[1]": 0.0235600255838477,
    "loss": 0.2983711087600027,
    "da2[0]": 0.7413650695523157,
    "da2[1]": -0.2170715346785375,
    "delta2[0]": 0.138498561628557,
    "delta2[1]": -0.0380982365165562,
    "dW2[0,0]": 0.0821670405642308,
    "dW2[0,1]": 0.0826676278475333,
    "dW2[1,0]": -0.0226025404774751,
    "dW2[1,1]": -0.0227402422159782,
    "W2_new[0,0]": 0.358916479717885,
    "W2_new[0,1]": 0.408666186076233,
    "W2_new[1,0]": 0.511301270238738,
    "W2_new[1,1]": 0.561370121107989,
    "dx2[0]": 0.0363503063931447,
    "dx2[1]": 0.0413703226487447,
    "delta1[0]": 0.0087713546894869,
    "delta1[1]": 0.0099542547052172,
    "dW1[0,0]": 0.000438567734474,
    "dW1[0,1]": 0.000877135468949,
    "dW1[1,0]": 0.000497712735261,
    "dW1[1,1]": 0.000995425470522,
    "W1_new[0,0]": 0.149780716132763,
    "W1_new[0,1]": 0.199561432265526,
    "W1_new[1,0]": 0.249751143632370,
    "W1_new[1,1]": 0.299502287264739,
}
PUBLISHED = {  # as the post prints them, and as this package prints them
    "out_h1": "0.593269992",
    "net_o1": "1.105905967",
    "out_o1": "0.75136507",
    "E_o1": "0.274811083",
    "E_o2": "0.023560026",
    "E": "0.298371109",
    "∂E/∂w5": "0.082167041",
    "∂E/∂w1": "0.000438568",
    "w5⁺": "0.35891648",
    "w8⁺": "0.561370121",
    "w1⁺": "0.149780716",
    "w4⁺": "0.299502287",
}


@pytest.fixture(scope="module")
def document():
    return json.loads(explain_problem(problem("mazur")).to_json())


@pytest.fixture(scope="module")
def rows(document):
    return {row["key"]: row for row in document["steps"][0]["quantities"]}


@pytest.mark.parametrize("key", GOLDEN)
def test_golden_numbers(rows, key):
    assert rows[key]["value"] == pytest.approx(GOLDEN[key], rel=0, abs=1e-12)


@pytest.mark.parametrize("name", PUBLISHED)
def test_prints_what_the_post_prints(document, name):
    shown = {row["name"]: row["shown"] for row in document["steps"][0]["quantities"]}
    assert shown[name] == PUBLISHED[name]


def test_losses_before_and_after(document):
    step = document["steps"][0]
    assert step["loss_before"] == pytest.approx(0.2983711087600027, abs=1e-15)
    assert step["loss_after"] == pytest.approx(0.291027773694, abs=1e-12)


def test_every_gradient_has_its_numerical_derivative(rows):
    gradients = [r for r in rows.values() if r["quantity"] in ("dW", "db")]
    assert len(gradients) == 12
    for row in gradients:
        assert row["numerical"] == pytest.approx(row["value"], rel=1e-12)


@cache
def ten_thousand_steps(*, biases: bool = False) -> WorkedExample:
    """Return 10,000 steps of the example, which take a second."""
    return explain_problem(problem("mazur").trained(biases=biases), steps=10_000)


@pytest.mark.parametrize(
    ("biases", "after", "outputs"),
    [
        ("fixed", 0.0000351018778, (0.015913620444, 0.984064273515)),
        more("trained", 0.0000024475622, (0.0115875274, 0.9884589350)),
    ],
)
def test_ten_thousand_steps(biases, after, outputs):
    example = ten_thousand_steps(biases=biases == "trained")
    last = json.loads(example.to_json())["steps"][-1]
    assert last["step"] == 10_000
    assert last["loss_after"] == pytest.approx(after, rel=1e-8)
    p = [q.value for q in example.steps[-1].quantities if q.ref.quantity == "p"]
    assert p == pytest.approx(outputs, abs=2e-6)  # the parameters before the last step


def test_the_document_follows_its_schema(document):
    jsonschema.Draft202012Validator.check_schema(json.loads(example_schema()))
    jsonschema.validate(document, json.loads(example_schema()))


def test_the_schema_refuses_a_row_without_its_value(document):
    broken = json.loads(json.dumps(document))
    del broken["steps"][0]["quantities"][0]["value"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(example_schema()))


# ---- errata -------------------------------------------------------------------------------------


def as_printed(value: float, published: str) -> float:
    """Return how far a number is from a printed figure, in units of its last digit."""
    last = 10.0 ** -len(published.split(".")[1])
    return abs(value - float(published)) / last


def test_the_mistake_put_back_gives_every_published_figure():
    errata = ten_thousand_steps().errata
    assert len(errata) == 6
    for figure in errata:
        assert figure.published is not None
        assert figure.mistaken is not None
        assert as_printed(figure.mistaken, figure.published) <= 0.5 + 1e-6, figure.place
        assert as_printed(figure.right, figure.published) > 0.5, figure.place


def test_other_inputs_drop_the_published_figures_and_move_the_mistake():
    other = replace(problem("mazur"), x=((0.5, 0.1),))
    errata, original = explain_problem(other).errata, explain_problem(problem("mazur")).errata
    assert [e.published for e in errata] == [None] * len(errata)
    for now, before in zip(errata, original, strict=True):
        assert now.mistaken != before.mistaken
        assert now.right != before.right


def test_trained_biases_and_other_rates_are_not_the_published_example():
    assert explain_problem(problem("mazur").trained(biases=True)).errata[0].published is None
    quick = replace(problem("mazur"), optimizer=SGD(0.6))
    assert explain_problem(quick).errata[0].published is None
