"""Reports of diagnoses: every format has the same content, and no more than the hint allows.

The diagnoses are written by hand.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from rich.console import Console

from chainrule.diagnosis.catalogue import Mistake
from chainrule.diagnosis.findings import Arithmetic, Comparison, Finding, Place
from chainrule.diagnosis.phrases import enumerated, layers_words
from chainrule.diagnosis.report import Diagnosis, diagnosis_schema
from chainrule.diagnosis.report.words import (
    capital,
    counted,
    distinguishing_sentence,
    place_words,
    sentence,
)
from chainrule.errors import InputError, UnknownNameError
from chainrule.pages import Heading, Listing, Paragraph, Versus, Working
from tests.rows import more

SCHEMA = json.loads(diagnosis_schema())
HINTS = (1, 2, 3, 4)

UPDATED = Finding(
    mistake=Mistake(
        id="updated-weights",
        number=1,
        stage="delta",
        title="the hidden deltas use the output weights after their update",
        wrong="delta1 = (delta2 @ W2_new) * f'(z1)",
        right="delta1 = (delta2 @ W2) * f'(z1)",
        why="the loop goes from the last layer to the first and updates each layer as it passes",
        repair="work out all deltas first, then update; or keep a copy of the old weights",
    ),
    layers=(1,),
    wrong=Arithmetic(
        "dW1[0,0]",
        "(delta2[0]*W2_new[0,0] + delta2[1]*W2_new[1,0])*(a1[0]*(1 - a1[0]))*x[0]",
        "(0.138498562*0.35891648 + -0.038098237*0.51130127)*(0.59326999*(1 - 0.59326999))*0.05",
        "0.000364723",
    ),
    right=Arithmetic(
        "dW1[0,0]",
        "(delta2[0]*W2[0,0] + delta2[1]*W2[1,0])*(a1[0]*(1 - a1[0]))*x[0]",
        "(0.138498562*0.4 + -0.038098237*0.5)*(0.59326999*(1 - 0.59326999))*0.05",
        "0.000438568",
    ),
    falls=True,
)
FACTOR = Finding(
    mistake=Mistake(
        id="factor",
        number=23,
        stage="loss",
        title="a factor 2 or ½ of the squared error is lost in some layers",
        wrong="dW2 = 2 * delta2.T @ a1",
        right="dW2 = delta2.T @ a1",
        why="the ½ in front of the error is there to cancel the 2, and one of the two was dropped",
        repair="use delta2.T @ a1 in every layer",
    ),
    layers=(1, 2),
    wrong=Arithmetic("dW2[0,0]", "2·σ′(z2[0])·x", "2·`0.5`·<0.1> & $x$", "0.164334082"),
    right=Arithmetic("dW2[0,0]", "delta2[0]*a1[0]", "", "0.082167041"),
    falls=False,
    alternatives=(
        Finding(
            replace(UPDATED.mistake, id="raw-error", number=9, title="the raw error is sent"), (2,)
        ),
        Finding(replace(UPDATED.mistake, id="no-slope", number=7, title="the slope is missing")),
    ),
    distinguishing_input="a second sample with another target",
)
WRONG = Diagnosis(
    verdict="wrong",
    sentence="The hidden deltas of layer 1 use the output weights after their update.",
    convention={"weights": "(in, out)", "learning rate": "inside the gradients already"},
    first_wrong=Place("delta", 1),
    mistakes=(UPDATED,),
    comparisons=(
        Comparison("delta1[0]", 0.00729446, 0.00877135),
        Comparison("dW1[0,0]", 0.000364723, 0.000438568),
        Comparison("W1_new[0,0]", 0.149817638561, 0.149780716133),
    ),
    tested=("z1, a1, z2 and a2", "the loss", "delta2, dW2 and db2"),
    remarks=("The program prints while it runs; what it printed was left out.",),
    network="The 2-2-2 example: 2 inputs, 2 logistic units, 2 logistic outputs, squared error",
    source="net.py: step",
    seconds=0.84,
    compared=26,
    differ=8,
)
DOUBLE = replace(
    WRONG,
    sentence="Two mistakes give these numbers: no. 1 in layer 1, no. 23 in layers 1 and 2.",
    mistakes=(UPDATED, FACTOR),
    first_wrong=Place("dW", 2, step=3),
)
RIGHT = Diagnosis(
    verdict="right",
    sentence="Your backpropagation is right, with the sum over samples in place of the mean.",
    convention={"weights": "(out, in)", "scale": "the sum over samples"},
    tested=("gradients on 2-4-4-3 with tanh and logistic layers", "five steps in a row"),
    network="2-4-4-3, tanh and logistic, squared error, 5 samples",
    source="backprop.py: gradients",
    seconds=1.2,
    compared=51,
)
UNKNOWN = Diagnosis(
    verdict="unknown",
    sentence="This is not right: dW2 is 1.7 times what it should be; no known mistake fits.",
    first_wrong=Place("dW", 2),
    difference="every entry of dW2 is 1.7 times the right one",
    comparisons=(
        Comparison("dW2[0,0]", 0.139683969, 0.082167041),
        Comparison("dW2[0,1]", math.nan, 0.0),
        Comparison("dW2[1,0]", -math.inf, -1e-12),
        Comparison("dW2[1,1]", 0.1 + 2**-55, 0.1),
    ),
    tested=("z1, a1, z2 and a2",),
    remarks=("The argument weights was changed.",),
    network="2-2-2, logistic",
    source="numbers.json",
    seconds=0.3,
)
STOPPED = Diagnosis(
    verdict="could-not-run",
    sentence="net.py: step could not be run: IndexError in line 31, list index out of range.",
    remarks=(
        "line 31: return self.layers[3]",
        "Tried: lists of matrices, flat arguments, a class.",
    ),
    source="net.py: step",
    seconds=2.0,
)
SAMPLES = {
    "wrong": WRONG,
    "double": DOUBLE,
    "right": RIGHT,
    "unknown": UNKNOWN,
    "could-not-run": STOPPED,
}
FAULTY = ("wrong", "double", "unknown")


@pytest.fixture(params=SAMPLES)
def diagnosis(request) -> Diagnosis:
    return SAMPLES[request.param]


def formats(diagnosis: Diagnosis) -> dict[str, str]:
    """Return a diagnosis in every format."""
    return {
        "text": diagnosis.to_text(400),
        "markdown": diagnosis.to_markdown(),
        "html": diagnosis.to_html(),
        "json": diagnosis.to_json(),
        "cell": diagnosis._repr_html_(),
        "repr": repr(diagnosis),
    }


def items(diagnosis: Diagnosis, kind: type) -> list[Any]:
    return [item for item in diagnosis.page().items if isinstance(item, kind)]


# ---- order and content ---------------------------------------------------------------------------


def test_the_text_has_everything_in_order():
    shown = WRONG.to_text()
    expected = [
        "✗ The hidden deltas of layer 1 use the output weights after their update.",
        "net.py: step",
        "The first wrong quantity is delta1, the deltas of layer 1.",
        "yours / right",
        "0.000364723",
        "The hidden deltas use the output weights after their update ",
        "No. 1 of the catalogue, in layer 1.",
        "✗ wrong  delta1 = (delta2 @ W2_new) * f'(z1)",
        "✓ right  delta1 = (delta2 @ W2) * f'(z1)",
        "0.000364723   ✗ yours",
        "0.000438568   ✓ repaired",
        "Why it happens",
        "Repair",
        "The loss would still fall: a falling loss proves nothing.",
        "(in, out)",
        "✓  z1, a1, z2 and a2",
        "The program prints while it runs",
        "The 2-2-2 example",
        "The check took 0.8 s.",
    ]
    place = 0
    for text in expected:
        place = shown.find(text, place)
        assert place >= 0, text


def test_alternatives_are_named_with_a_distinguishing_input():
    shown = DOUBLE.to_text(200)
    assert "The raw error is sent (no. 9, in layer 2). Its repair: Work out" in shown
    assert "The slope is missing (no. 7)." in shown
    assert "A second sample with another target would distinguish them." in shown
    assert "The loss would not fall on the network used here." in shown
    assert "in layers 1 and 2" in shown
    assert "the gradients of the weights of layer 2, in step 3" in shown


def test_empty_parts_are_not_shown():
    bare = Diagnosis("right", "It is right.")
    assert bare.page().items == ()
    assert bare.to_text() == "✓ It is right.\n"
    assert bare.to_markdown() == "# ✓ It is right.\n"
    assert "<nav" not in bare.to_html()


@pytest.mark.parametrize(
    ("name", "mark"), [("wrong", "✗"), ("right", "✓"), ("unknown", "≠"), ("could-not-run", "!")]
)
def test_the_verdict_comes_first_with_its_mark(name: str, mark: str):
    shown = SAMPLES[name]
    assert shown.to_text(200).startswith(f"{mark} {shown.sentence}\n")
    assert shown.to_markdown().startswith(f"# {mark} ")
    title = ET.fromstring(shown.to_html().removeprefix("<!DOCTYPE html>")).find(".//h1")  # noqa: S314
    assert title is not None
    assert "".join(title.itertext()).endswith(shown.sentence)
    assert str(shown) == shown.to_text()
    assert shown.sentence in repr(shown)


def test_a_mistake_in_words_and_both_arithmetics():
    (versus,), workings = items(WRONG, Versus), items(WRONG, Working)
    assert "W2_new" in versus.wrong
    assert "W2_new" not in versus.right
    assert [(w.mark, w.result) for w in workings] == [
        ("wrong", "0.000364723"),
        ("right", "0.000438568"),
    ]


def test_headings_have_unique_anchors(diagnosis: Diagnosis):
    anchors = [heading.anchor for heading in items(diagnosis, Heading)]
    assert len(anchors) == len(set(anchors))


def test_different_numbers_look_different_and_ratios_are_shown_if_finite():
    (table,) = items(UNKNOWN, Listing)
    assert table.rows == (
        ("dW2[0,0]", "0.139683969", "0.082167041", "1.7"),
        ("dW2[0,1]", "nan", "0", ""),
        ("dW2[1,0]", "-inf", "-1e-12", ""),
        ("dW2[1,1]", "0.10000000000000003", "0.10000000000000001", "1"),
    )
    none = replace(UNKNOWN, comparisons=UNKNOWN.comparisons[1:3])
    assert items(none, Listing)[0].table.header == ("number", "yours", "right")


# ---- sentences -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("delta", 1), "delta1, the deltas of layer 1"),
        (Place("W_new", 2, 2), "W2_new, the new weights of layer 2, in step 2"),
        (Place("loss"), "loss, the loss"),
        (Place("m_W", 1), "m_W1, of layer 1"),
    ],
)
def test_place_words(place: Place, words: str):
    assert place_words(place) == words


def test_sentences_and_lists():
    assert capital("the net") == "The net"
    assert capital("dW1 is wrong") == "dW1 is wrong"
    assert capital("a factor") == "A factor"
    assert capital("x is wrong") == "x is wrong"
    assert capital("") == ""
    assert sentence("") == ""
    assert sentence("it is so") == "It is so."
    assert sentence("Is it so?") == "Is it so?"
    assert enumerated([]) == ""
    assert enumerated(["1", "2", "3"]) == "1, 2 and 3"
    assert layers_words((1, 2)) == "layers 1 and 2"
    assert distinguishing_sentence("a batch of two") == "A batch of two would distinguish them."
    assert distinguishing_sentence("Nothing would.") == "Nothing would."


@pytest.mark.parametrize(
    ("differ", "compared", "words"),
    [
        (0, 0, "numbers differ"),
        (1, 0, "1 number differs"),
        (2, 0, "2 numbers differ"),
        (1, 9, "1 of the 9 numbers compared differs"),
        (1000, 2000, "1,000 of the 2,000 numbers compared differ"),
    ],
)
def test_counts(differ: int, compared: int, words: str):
    assert counted(replace(WRONG, differ=differ, compared=compared)) == words


# ---- hints ---------------------------------------------------------------------------------------

# What each hint adds to the report of DOUBLE, as its formats write it.
SYMPTOM = ["8 of the 26 numbers compared differ"]
PLACE = ["dW1[0,0]", "z1, a1, z2 and a2"]
MISTAKE = ["updated-weights", "raw-error", "the loop goes", "The program prints"]
REPAIR = ["W2_new[0,0]", "work out all deltas", "delta2.T @ a1", "0.138498562"]
DETAILS = {2: PLACE, 3: MISTAKE, 4: REPAIR}


def contains(text: str, detail: str) -> bool:
    """Return whether a page contains a text, ignoring escapes and case."""
    plain = re.sub(r"\\(?:mathtt\{|_|\[)|[\\{}$]", "", text).replace("\\", "").casefold()
    return detail.casefold() in plain or detail.casefold() in text.casefold()


@pytest.mark.parametrize("hint", HINTS)
def test_no_format_reveals_more_than_its_hint(hint: int):
    for name, text in formats(replace(DOUBLE, hint=hint)).items():
        for needed, details in DETAILS.items():
            for detail in details:
                if hint < needed:
                    assert not contains(text, detail), (name, detail)
                elif name == "json":
                    assert contains(text, detail), detail
        if hint <= 2 and name != "repr":
            assert all(contains(text, symptom) for symptom in SYMPTOM), name


@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("name", FAULTY)
def test_hints_in_json(name: str, hint: int):
    shown = replace(SAMPLES[name], hint=hint).to_dict()
    full = SAMPLES[name].to_dict()
    assert shown["hint"] == hint
    assert (shown["first_wrong"] is None) == (hint < 2)
    assert (shown["comparisons"] == []) == (hint < 2)
    assert (shown["tested"] == []) == (hint < 2)
    assert shown["mistakes"] == [] or hint >= 3
    assert (shown["sentence"] == full["sentence"]) == (hint >= 3)
    assert (shown == {**full, "hint": hint}) == (hint == 4 or (hint == 3 and name == "unknown"))
    jsonschema.validate(shown, SCHEMA)


@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("name", ["right", "could-not-run"])
def test_diagnoses_without_mistakes_are_the_same_at_every_hint(name: str, hint: int):
    for form, text in formats(replace(SAMPLES[name], hint=hint)).items():
        same = formats(SAMPLES[name])[form]
        assert text.replace(f'"hint": {hint}', '"hint": 4') == same


def test_ratios_are_hidden_until_the_mistake_is_named():
    assert len(items(replace(WRONG, hint=2), Listing)[0].table.header) == 3
    assert len(items(replace(WRONG, hint=3), Listing)[0].table.header) == 4


def test_a_hint_announces_the_next_one():
    texts = [
        [p.text for p in items(replace(WRONG, hint=hint), Paragraph) if "Hint" in p.text]
        for hint in HINTS
    ]
    assert texts == [
        ["Hint 1 of 4; hint 2 also shows where."],
        ["Hint 2 of 4; hint 3 also shows which mistake."],
        ["Hint 3 of 4; hint 4 also shows the formulas and the repair."],
        [],
    ]


# ---- JSON ----------------------------------------------------------------------------------------


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the parts of a schema that describe objects."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_the_schema_is_valid_and_closed():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for part in objects(SCHEMA):
        assert "additionalProperties" in part
        if "required" in part:
            assert part["required"] == list(part["properties"])


def test_json_follows_the_schema(diagnosis: Diagnosis):
    document = json.loads(diagnosis.to_json())
    jsonschema.validate(document, SCHEMA)
    for name in document:
        broken = {key: value for key, value in document.items() if key != name}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "more": 1}, SCHEMA)


def test_json_has_ids_layers_and_numbers():
    document = json.loads(DOUBLE.to_json())
    first, second = document["mistakes"]
    assert (first["id"], first["catalogue"], first["layer"]) == ("updated-weights", 1, 1)
    assert (second["layer"], second["layers"]) == (None, [1, 2])
    assert first["falls"] is True
    assert first["arithmetic"]["wrong"]["result"] == "0.000364723"
    assert first["alternatives"] == []
    alternatives = [(other["id"], other["catalogue"]) for other in second["alternatives"]]
    assert alternatives == [("raw-error", 9), ("no-slope", 7)]
    assert second["alternatives"][0]["arithmetic"] is None
    assert document["first_wrong"] == {"quantity": "dW", "layer": 2, "step": 3}


def test_json_has_names_for_nan_and_infinity():
    theirs = [row["theirs"] for row in UNKNOWN.to_dict()["comparisons"]]
    assert theirs[1:3] == ["NaN", "-Infinity"]
    assert replace(UNKNOWN, comparisons=(Comparison("z", math.inf, 0),)).to_dict()["comparisons"][
        0
    ] == {"key": "z", "theirs": "Infinity", "right": 0}


# ---- files and terminals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method"),
    [("d.txt", "to_text"), ("d.md", "to_markdown"), ("d.HTML", "to_html"), ("d.tex", "to_latex")],
)
def test_save_chooses_the_format_by_the_file_ending(tmp_path, name: str, method: str):
    WRONG.save(tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8") == getattr(WRONG, method)()


def test_save_as_json(tmp_path):
    WRONG.save(tmp_path / "d.json")
    WRONG.save(str(tmp_path / "report"), "json")
    texts = {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert texts == {WRONG.to_json() + "\n"}


def test_save_names_the_known_endings(tmp_path):
    with pytest.raises(InputError, match=r"no known file ending: use one of \.txt, \.md, \.tex, "):
        WRONG.save(tmp_path / "d.pdf")
    with pytest.raises(UnknownNameError, match="did you mean 'html'"):
        WRONG.save(tmp_path / "d", "htlm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [40, 59, 60, 80, 120])
def test_lines_are_not_longer_than_the_width(diagnosis: Diagnosis, width: int):
    lines = diagnosis.to_text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_colors_are_used_only_on_request(diagnosis: Diagnosis, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    plain, colored = diagnosis.to_text(), diagnosis.to_text(color=True)
    assert "\x1b" not in plain
    assert "\x1b[" in colored
    bare = re.sub(r"\x1b\[[\d;]*m", "", colored)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_print_uses_the_given_console(diagnosis: Diagnosis, capsys):
    console = Console(width=80, color_system=None, record=True, quiet=False)
    with console.capture() as captured:
        diagnosis.print(console)
    lines = captured.get().rstrip().splitlines()
    assert [line.rstrip() for line in lines] == diagnosis.to_text().splitlines()
    diagnosis.print()
    assert diagnosis.sentence.split()[0] in capsys.readouterr().out


# ---- HTML and Markdown ---------------------------------------------------------------------------


def test_html_is_well_formed_and_skips_no_heading_level(diagnosis: Diagnosis):
    root = ET.fromstring(diagnosis.to_html().removeprefix("<!DOCTYPE html>"))  # noqa: S314
    levels = [int(e.tag[1]) for e in root.iter() if re.fullmatch(r"h\d", e.tag)]
    assert levels == [1] + [2] * (len(levels) - 1)
    ET.fromstring(diagnosis._repr_html_())  # noqa: S314 (our own)
    found = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(found) == len(set(found))
    assert not re.search(r"(src|href)=\"(?!#)", diagnosis.to_html())


def test_special_characters_are_escaped():
    strange = replace(WRONG, sentence="<b> & *x* | $y$ `z` \\ _", tested=("<i> `a` | *b*",))
    shown = replace(
        strange,
        mistakes=(replace(UPDATED, mistake=replace(UPDATED.mistake, wrong="a `b` ```c <d>")),),
    )
    html, markdown = shown.to_html(), shown.to_markdown()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<d>" not in html
    assert "````diff\n- a `b` ```c <d>\n" in markdown
    assert "# ✗ &lt;b&gt; &amp; \\*x\\* \\|" in markdown


def test_control_characters_of_a_program_are_removed(tmp_path):
    odd = "\x1b[2J\x00\udc80\r"
    shown = replace(STOPPED, sentence=f"It said {odd}.", remarks=(f"a\nb{odd}",), source=odd)
    for ending in ("html", "json", "md", "txt"):
        shown.save(tmp_path / f"d.{ending}")
    ET.fromstring(shown._repr_html_())  # noqa: S314 (our own)
    for text in (shown.to_text(), shown.to_markdown(), shown.to_html(), repr(shown)):
        assert not re.search(r"[\x00\x1b\r\udc80]", text)
    jsonschema.validate(json.loads(shown.to_json()), SCHEMA)
    assert "  ·  a\n     b" in shown.to_text()


def test_arithmetic_is_math_if_it_can_be_parsed_and_text_otherwise():
    html, markdown = DOUBLE.to_html(), DOUBLE.to_markdown()
    assert "<math>" in html
    assert "<code>2·σ′(z2[0])·x</code>" in html
    assert "\\begin{aligned}" in markdown
    assert "```text\ndW2[0,0] = 2·σ′(z2[0])·x = 2·`0.5`·<0.1> & $x$\n" in markdown
    assert r"\text{✗ yours}" in markdown


# ---- in a browser --------------------------------------------------------------------------------

VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 800}},
}


USUALLY = [("double", "light"), ("unknown", "dark"), ("could-not-run", "narrow")]


@pytest.mark.parametrize(
    ("name", "view"),
    [*USUALLY, *(more(*each) for each in product(SAMPLES, VIEWS) if each not in USUALLY)],
)
def test_the_page_is_accessible_and_loads_nothing(browser, tmp_path, name: str, view: str):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    SAMPLES[name].save(tmp_path / "page.html")
    address = (tmp_path / "page.html").as_uri()
    seen = browser.new_page(**VIEWS[view])
    requested: list[str] = []
    seen.on("request", lambda request: requested.append(request.url))
    seen.goto(address)
    width = seen.evaluate("document.documentElement.scrollWidth")
    found = axe.Axe().run(seen, options={"resultTypes": ["violations"]}).response["violations"]
    seen.close()
    assert requested == [address]
    assert width <= VIEWS[view]["viewport"]["width"], "the page scrolls sideways"
    assert not [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]
