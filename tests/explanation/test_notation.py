"""Names: four books' and one's own; the same numbers under every name.

What a name looks like in LaTeX or MathML is tested with those formats.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

from chainrule import InputError, UnknownNameError, explain, mlp, problem
from chainrule.explanation import NOTATIONS, Notation, explain_problem
from chainrule.explanation.notation import PLACEHOLDERS
from chainrule.pages.markup import Piece, Ratio, parse_name, plain_name

BOOKS = {  # what each book calls these, in the 2-2-2 example
    "plain": {"dW2[0,1]": "dW2[0,1]", "z1[0]": "z1[0]", "delta2[0]": "delta2[0]"},
    "mazur": {
        "x[0]": "i1",
        "t[1]": "target_o2",
        "W1[1,0]": "w3",
        "W2[1,1]": "w8",
        "b1[0]": "b_h1",
        "z1[0]": "net_h1",
        "a2[1]": "out_o2",
        "error[0]": "E_o1",
        "loss": "E",
        "delta2[0]": "δ_o1",
        "slope2[0]": "∂out_o1/∂net_o1",
        "dW2[0,1]": "∂E/∂w6",
        "local2[1,0]": "∂net_o2/∂w7",
        "path2[0,1]": "∂E_o2/∂out_h1",
        "dx2[1]": "∂E/∂out_h2",
        "W2_new[0,0]": "w5⁺",
        "learning_rate": "η",
        "dx1[0]": "∂E/∂i1",
    },
    "nielsen": {
        "x[0]": "a^1_1",
        "t[1]": "y2",
        "W1[1,0]": "w^2_21",
        "b2[0]": "b^3_1",
        "z1[0]": "z^2_1",
        "a2[1]": "a^3_2",
        "loss": "C",
        "delta2[0]": "δ^3_1",
        "dW2[0,1]": "∂C/∂w^3_12",
        "db1[0]": "∂C/∂b^2_1",
        "slope1[0]": "σ'(z^2_1)",
        "dx2[0]": "∂C/∂a^2_1",
    },
    "rumelhart": {
        "x[0]": "o1",
        "t[1]": "t6",
        "W1[1,0]": "w_4,1",
        "z1[0]": "net_3",
        "a2[1]": "o6",
        "delta2[0]": "δ5",
        "dW2[0,1]": "∂E/∂w_5,4",
        "slope1[0]": "f'(net_3)",
    },
    "russell-norvig": {
        "x[0]": "a1",
        "t[1]": "y6",
        "W1[1,0]": "w_1,4",
        "z1[0]": "in_3",
        "a2[1]": "a6",
        "delta2[0]": "Δ5",
        "dW2[0,1]": "∂Loss/∂w_4,5",
        "slope1[0]": "g'(in_3)",
        "learning_rate": "α",
    },
}
NAMES = [(book, key, name) for book, names in BOOKS.items() for key, name in names.items()]


@pytest.fixture(scope="module")
def examples():
    return {name: explain_problem(problem("mazur"), notation=name) for name in NOTATIONS}


def test_every_notation_has_its_names_tested():
    assert BOOKS.keys() == NOTATIONS.keys()


@pytest.mark.parametrize(("book", "key", "name"), NAMES)
def test_what_each_book_calls_it(examples, book, key, name):
    found = {q.key: q.name for q in examples[book].steps[0].quantities}
    assert found[key] == name


def test_the_numbers_are_the_same_under_every_name(examples):
    plain_values = {q.key: q.value for q in examples["plain"].steps[0].quantities}
    for example in examples.values():
        for q in example.steps[0].quantities:
            assert q.value == plain_values.get(q.key, q.value)
            assert float(q.shown) == pytest.approx(q.sign * q.value, abs=1e-8)


@pytest.mark.parametrize("name", NOTATIONS)
def test_no_name_means_two_numbers(name):
    network = mlp(
        2, 2, 2, activation="tanh", loss="softmax-cross-entropy", layer_norm=True, dropout=0.4
    )
    rng = np.random.default_rng(0)
    example = explain(
        network,
        rng.normal(size=network.layout.size),
        rng.normal(size=(2, 2)),
        [0, 1],
        "adam",
        notation=name,
    )
    values: dict[str, set[str]] = {}
    for q in example.steps[0].quantities:
        values.setdefault(q.name, set()).add(q.shown)
    assert {name: v for name, v in values.items() if len(v) > 1} == {}


@pytest.mark.parametrize("book", ["rumelhart", "russell-norvig"])
def test_a_delta_of_the_opposite_sign_is_shown_so_and_keeps_its_key(examples, book):
    ours, theirs = examples["plain"]["delta2[0]"], examples[book]["delta2[0]"]
    assert theirs.value == ours.value
    assert float(theirs.shown) == pytest.approx(-ours.value, abs=1e-9)
    assert theirs.sign == -1
    line = examples[book]["dW2[0,0]"]
    assert line.formula.startswith("-")  # ∂E/∂w = −δ o
    assert float(line.shown) == pytest.approx(0.0821670405642308, abs=1e-9)


def test_a_difference_is_written_as_the_book_does(examples):
    assert examples["mazur"]["do[0]"].formula == "-(target_o1 - out_o1)"
    assert examples["mazur"]["error[0]"].formula == "½*(target_o1 - out_o1)**2"
    assert examples["nielsen"]["error[0]"].formula == "½*(a^3_1 - y1)**2"
    assert examples["plain"]["error[0]"].formula == "(a2[0] - t[0])**2 / 2"
    turned = replace(NOTATIONS["plain"], residual="t-o", half=True)
    example = explain_problem(problem("mazur"), notation=turned)
    assert example["error[0]"].formula == "½*(t[0] - a2[0])**2"


def test_needless_ones_are_dropped():
    network = mlp(2, 1, activation="identity", loss="squared-error")
    example = explain(network, [0.5, -0.25, 0.1], [1.0, 2.0], [0.3])
    assert example["delta1[0]"].formula == "do[0]"  # not do · 1
    assert example["do[0]"].formula == "a1[0] - t[0]"  # not / 1


def test_counting_from_one_changes_names_and_no_key():
    one = replace(NOTATIONS["plain"], count_from=1)
    example = explain_problem(problem("mazur"), notation=one)
    assert example["dW2[0,1]"].name == "dW2[1,2]"
    assert example["dW2[0,1]"].value == pytest.approx(0.0826676278475333, abs=1e-15)


def test_samples_are_counted_in_names_where_there_are_several():
    names = {q.name for q in explain_problem(problem("xor"), notation="mazur").steps[0].quantities}
    assert {"net_h1(1)", "net_h1(4)", "w1", "E"} <= names
    names = {
        q.name for q in explain_problem(problem("xor"), notation="rumelhart").steps[0].quantities
    }
    assert {"net_1,3", "net_4,3"} <= names


def test_deep_networks_tell_their_hidden_layers_apart():
    names = {
        q.name for q in explain_problem(problem("half-adder"), notation="mazur").steps[0].quantities
    }
    assert {"net_h1.1(1)", "net_h2.1(1)", "net_o1(1)"} <= names


# ---- one's own ----------------------------------------------------------------------------------


def test_a_notation_of_ones_own():
    mine = Notation("mine", {"z": "s_{<u>}^{(<l>)}", "W": "θ_{<jk>}"}, residual="t-o", count_from=1)
    example = explain_problem(problem("mazur"), notation=mine)
    assert example["z2[0]"].name == "s1^(2)"
    assert example["z2[0]"].formula == "a1[1]*θ11 + a1[2]*θ12 + b2[1]"
    assert example["do[0]"].formula == "-(t[1] - a2[1])"


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"patterns": {"z": "s_<unit>"}}, UnknownNameError, "placeholder in the pattern of z"),
        ({"residual": "o_t"}, InputError, "must be 'o-t' or 't-o'"),
        ({"count_from": 2}, InputError, "must be 0 or 1"),
    ],
)
def test_what_no_notation_can_be(bad, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Notation("mine", **bad)


def test_an_unknown_notation_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'nielsen'"):
        explain_problem(problem("mazur"), notation="nielson")


def test_every_placeholder_is_used_by_a_book():
    used = {
        p
        for n in NOTATIONS.values()
        for text in n.patterns.values()
        for p in re.findall(r"<(.*?)>", text)
    }
    assert used | {"s"} >= PLACEHOLDERS.keys()  # <s> is for one's own


# ---- markup -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("w_{5}", "w5"),
        ("net_{h1}", "net_h1"),
        ("w^{2}_{11}", "w^2_11"),
        ("w_{5}^{+}", "w5⁺"),
        ("∂E/∂w_{5}", "∂E/∂w5"),
        ("m_{w_{5}}^{+}", "m_w5⁺"),
        ("w_{3,12}", "w_3,12"),
        ("dW2[0,1]", "dW2[0,1]"),
        ("η", "η"),
    ],
)
def test_a_name_as_one_line_of_text(markup, text):
    assert plain_name(markup) == text


def test_a_name_in_pieces():
    assert parse_name("∂E/∂w_{5}^{+}") == (
        Ratio((Piece("∂E"),), (Piece("∂w", (Piece("5"),), (Piece("+"),)),)),
    )
    assert parse_name("m_{w_{5}}") == (Piece("m", (Piece("w", (Piece("5"),)),)),)
    assert parse_name("out_{h1}(2)") == (Piece("out", (Piece("h1"),)), Piece("(2)"))


@pytest.mark.parametrize("book", NOTATIONS)
def test_counting_from_the_other_number_moves_every_name_and_mixes_up_none(examples, book):
    other = replace(NOTATIONS[book], count_from=1 - NOTATIONS[book].count_from)
    quantities = explain_problem(problem("mazur"), notation=other).steps[0].quantities
    names = {q.key: q.name for q in quantities}
    for q in examples[book].steps[0].quantities:
        assert q.ref.index == () or names[q.key] != q.name
    given = [q.name for q in quantities if q.section == "given"]
    assert len(given) == len(set(given))
