"""Notations of four books and custom ones: the same numbers under every name.

What a name looks like in LaTeX or MathML is tested with those formats.
"""

import json
import re
import tomllib
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from chainrule import InputError, UnknownNameError, explain, mlp, problem
from chainrule.explanation import (
    NOTATIONS,
    Notation,
    choose_notation,
    explain_problem,
    notation_schema,
)
from chainrule.explanation.notation import PLACEHOLDERS
from chainrule.explanation.notation_files import KEYS
from chainrule.explanation.patterns import NIELSEN
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


def test_names_distinguish_the_hidden_layers_of_deep_networks():
    names = {
        q.name for q in explain_problem(problem("half-adder"), notation="mazur").steps[0].quantities
    }
    assert {"net_h1.1(1)", "net_h2.1(1)", "net_o1(1)"} <= names


# ---- one's own ----------------------------------------------------------------------------------


MINE = {"z": "s_{<u>}^{(<l>)}", "W": "θ_{<jk>}"}


def test_a_custom_notation():
    mine = Notation("mine", NIELSEN | MINE, residual="t-o", count_from=1)
    example = explain_problem(problem("mazur"), notation=mine)
    assert example["z2[0]"].name == "s1^(2)"
    assert example["z2[0]"].formula == "a^1_1*θ11 + a^1_2*θ12 + b^2_1"
    assert example["do[0]"].formula == "-(y1 - a^2_1)"


@pytest.mark.parametrize("level", ["scalars", "matrices"])
def test_quantities_that_a_notation_does_not_name_are_listed(level):
    names = r"no pattern for W_new, a, b, .*dW, da, db, delta, .*loss.*x: they keep their keys"
    with pytest.warns(UserWarning, match=names):
        explain_problem(problem("mazur"), notation=Notation("mine", MINE), level=level)


@pytest.mark.parametrize("name", NOTATIONS)
@pytest.mark.parametrize("level", ["scalars", "matrices", "summary"])
def test_the_books_name_every_quantity(name, level):
    network = mlp(2, 3, 3, activation="relu", loss="softmax-cross-entropy", layer_norm=True)
    x, t = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([0, 2])
    explain(network, network.initialize(0), x, t, "adam", notation=name, level=level)  # no warning


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"patterns": {"z": "s_<unit>"}}, UnknownNameError, "placeholder in the pattern of z"),
        ({"patterns": {"q": "s"}}, UnknownNameError, "unknown notation quantity 'q'"),
        ({"negated": ("detla",)}, UnknownNameError, "did you mean 'delta'"),
        ({"patterns": {"z": "s_{<u>"}}, InputError, "'s_{<u>', the pattern of z in the notation"),
        ({"patterns": {"z": "s_{<u>"}}, InputError, "has a { that is not closed"),
        ({"patterns": {"z": "s}"}}, InputError, "has a } without a { before it"),
        ({"patterns": {"z": "s{1}"}}, InputError, "has a { without _ or ^ before it"),
        ({"patterns": {"z": "s_{<u}"}}, InputError, "has a < or > that is not closed"),
        ({"patterns": {"z": ""}}, InputError, "is empty"),
        ({"patterns": {"z": 3}}, InputError, "give text, such as"),
        ({"patterns": ["z"]}, InputError, "give a mapping"),
        ({"residual": "o_t"}, InputError, "must be 'o-t' or 't-o'"),
        ({"count_from": 2}, InputError, "must be 0 or 1"),
        ({"first_layer": -1}, InputError, "first_layer = -1: must be an integer of at least 0"),
    ],
)
def test_invalid_notations_are_errors(bad, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Notation("mine", **bad)


# ---- files --------------------------------------------------------------------------------------

COURSE = """
schema = "chainrule.notation/1"
base = "nielsen"
about = "Our course."
residual = "t-o"
count-from = 0
negated = ["delta"]
[patterns]
W = "θ^{(<l>)}_{<u>,<k>}"
"""


def test_a_notation_from_a_file(tmp_path):
    path = tmp_path / "course.toml"
    path.write_text(COURSE, encoding="utf-8")
    course = choose_notation(path)
    options = {"about": "Our course.", "residual": "t-o", "count_from": 0, "negated": ("delta",)}
    patterns = NIELSEN | {"W": "θ^{(<l>)}_{<u>,<k>}"}
    assert course == replace(NOTATIONS["nielsen"], name="course", patterns=patterns, **options)
    assert (
        explain("mazur", notation=str(path)).to_text()
        == explain("mazur", notation=course).to_text()
    )
    values = tomllib.loads(COURSE)
    jsonschema.validate(values, json.loads(notation_schema()))
    (tmp_path / "course.json").write_text(json.dumps(values), encoding="utf-8")
    assert choose_notation(tmp_path / "course.json") == course


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("missing.toml", None, "cannot be read (No such file or directory); give the path"),
        ("n.toml", "=", "is not valid TOML"),
        ("n.json", "{", "is not valid JSON"),
        ("n.json", "[]", "must be an object with the keys schema, name, base"),
        ("n.json", '{"pattern": {}}', "did you mean 'patterns'"),
        ("n.json", '{"patterns": []}', "give an object with a pattern for each quantity"),
        ("n.json", '{"patterns": {"detla": "d"}}', "did you mean 'delta'"),
        ("n.json", '{"base": "nielson"}', "did you mean 'nielsen'"),
        ("n.json", '{"schema": "chainrule.notation/2"}', "must be 'chainrule.notation/1'"),
        ("n.json", '{"negated": "delta"}', "give a list"),
        ("n.json", '{"half": "yes"}', "half='yes'"),
        ("n.json", '{"name": 3}', "give a word"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_it(tmp_path, name, text, message):
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises((InputError, UnknownNameError), match=re.escape(message)) as caught:
        choose_notation(path)
    assert str(path) in str(caught.value)


def test_the_schema_lists_the_notations_and_the_keys():
    properties = json.loads(notation_schema())["properties"]
    assert properties["base"]["enum"] == list(NOTATIONS)
    assert set(properties) == set(KEYS)


# ---- arrays -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notation", "names"),
    [
        ("plain", ["x", "W1", "z1", "delta2", "dW2"]),
        ("mazur", ["i", "w_{1…4}", "net_{h}", "δ_{o}", "∂E/∂w_{5…8}"]),
        ("nielsen", ["a^{1}", "w^{2}", "z^{2}", "δ^{3}", "∂C/∂w^{3}"]),
        ("rumelhart", ["o_{1…2}", "w_{3…4,1…2}", "net_{3…4}", "δ_{5…6}", "∂E/∂w_{5…6,3…4}"]),
        ("russell-norvig", ["a_{1…2}", "w_{1…2,3…4}", "in_{3…4}", "Δ_{5…6}", "∂Loss/∂w_{3…4,5…6}"]),
    ],
)
def test_arrays_have_the_notations_names(notation, names):
    matrices = explain("mazur", level="matrices", notation=notation).steps[0].matrices
    found = {m.key: m.markup for m in matrices}
    assert [found[key] for key in ("x", "W1", "z1", "delta2", "dW2")] == names
    assert len(set(found.values())) == len(found), "two arrays have one name"


def test_arrays_without_patterns_are_named_by_their_keys():
    matrices = explain("xor", level="matrices", notation="plain").steps[0].matrices
    assert [m.markup for m in matrices] == [m.key for m in matrices]


def test_arrays_of_negated_quantities_are_shown_negated():
    plain, negated = (
        {m.key: m for m in explain("mazur", level="matrices", notation=name).steps[0].matrices}
        for name in ("plain", "rumelhart")
    )
    delta = negated["delta2"]
    np.testing.assert_array_equal(delta.array, plain["delta2"].array)
    np.testing.assert_array_equal(delta.shown, -plain["delta2"].array)
    assert delta.formula == "-∂E/∂o_5…6 ⊙ logistic′(net_5…6)"
    assert negated["dW2"].formula == "-δ_5…6ᵀ @ o_3…4"
    row = explain("mazur", level="matrices", notation="rumelhart").to_dict()["steps"][0]["matrices"]
    assert next(r for r in row if r["key"] == "delta2")["sign"] == -1


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
    assert used | {"s"} >= PLACEHOLDERS.keys()  # <s> is only for custom notations


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
