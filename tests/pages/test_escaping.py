"""Text from users is escaped in every format, wherever a page can contain it."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule import explain_problem, problem
from chainrule.pages import (
    Correction,
    Excerpt,
    Given,
    Grid,
    Heading,
    Item,
    Listing,
    Matrix,
    Note,
    Outcome,
    Page,
    Paragraph,
    Points,
    Table,
    Versus,
    Worked,
    Working,
)
from chainrule.pages.drawing import Caption, Drawing, Edge, Node
from chainrule.pages.folding import MANY
from chainrule.pages.html import fragment, render
from chainrule.pages.markup import Piece, Ratio, parse_name, plain_name
from chainrule.pages.mathml import MathML
from chainrule.pages.svg import svg
from chainrule.pages.tex_words import words

EVIL = '<i class="evil">&amp;'


def items() -> list[tuple[str, Item]]:
    """Return an item of each kind whose texts are all hostile, with a name for each."""
    quantity = next(q for q in explain_problem(problem("mazur")).steps[0].quantities if q.lines)
    bad = replace(
        quantity,
        ref=quantity.ref._replace(quantity=EVIL, layer=EVIL),
        name=EVIL,
        markup=EVIL,
        shown=EVIL,
        remark=EVIL,
        numerical_text=EVIL,
    )
    matrix = Matrix(EVIL, EVIL, "forward", np.ones((1, 1)), remark=EVIL)
    scalar = replace(matrix, array=np.ones(()))
    table = Table(EVIL, (EVIL, EVIL), ((EVIL, EVIL),), remark=EVIL)
    wide = Table(EVIL, ("1",) * 40, (("1",) * 40,))  # it scrolls, under a label
    return [
        ("paragraph", Paragraph(EVIL)),
        ("note", Note(EVIL, EVIL)),
        ("points", Points((EVIL,))),
        ("versus", Versus(EVIL, EVIL)),
        ("outcome", Outcome(EVIL, EVIL)),
        ("working", Working(EVIL, EVIL, EVIL, EVIL, "wrong", EVIL)),
        ("given", Given((bad,))),
        ("worked", Worked(bad, bad.lines, EVIL)),
        ("grid", Grid(matrix, ((EVIL,),), EVIL)),
        ("scalar", Grid(scalar, ((EVIL,),), EVIL)),
        ("listing", Listing(table, ((EVIL, EVIL),))),
        ("correction", Correction(EVIL, EVIL, EVIL, EVIL, EVIL)),
        ("drawing", Drawing(100, 100, 10, (), (), (), "title", "description", EVIL)),
        ("wide", Listing(wide, (wide.header,))),
        ("number of a line", Excerpt(((EVIL, "x = 1", ""),))),
        ("line", Excerpt((("1", EVIL, ""),))),
    ]


def test_html_escapes_numbers():
    html = render(Page("A title", (Working("a", "", "", "<b>1", "wrong", "yours"),)))
    assert "<b>1" not in html
    assert "&lt;b&gt;1" in html


def assert_escaped(html: str) -> None:
    assert "<i class=" not in html
    assert 'class="evil"' not in html
    assert "&lt;i class=" in html


@pytest.mark.parametrize(("name", "item"), items(), ids=[name for name, _ in items()])
def test_html_escapes_the_texts_of_each_item(name: str, item: Item):
    page = Page("A title", (Heading("A heading", 2, "anchor"), item))
    assert_escaped(render(page))


def calculation(layer: str) -> Worked:
    """Return a calculation of a layer."""
    found = next(q for q in explain_problem(problem("mazur")).steps[0].quantities if q.lines)
    return Worked(replace(found, ref=found.ref._replace(layer=layer)), found.lines, "")


def test_html_escapes_the_headings_of_several_samples_on_a_long_page():
    headings = [Heading(EVIL, 3, f"all-sample-{k}") for k in (1, 2)]
    items = [item for heading in headings for item in (heading, *[calculation("h")] * MANY)]
    html = render(Page("A title", tuple(items)))
    assert_escaped(html)
    assert '<th scope="col">' in html  # the table of samples


def test_html_escapes_the_names_of_layers_on_a_long_page():
    items = [item for layer in ("h", EVIL) for item in [calculation(layer)] * MANY]
    assert_escaped(render(Page("A title", tuple(items))))


def test_html_escapes_the_version(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chainrule.pages.html.version", lambda _: EVIL)
    assert_escaped(render(Page("A title", (Paragraph("text"),))))


def test_html_escapes_the_title_and_the_note_about_the_page():
    assert_escaped(render(Page(EVIL, (Paragraph("text"),))))
    assert_escaped(render(Page("A title", (Paragraph("text"),), about=EVIL)))
    assert_escaped(fragment(Page(EVIL, (Paragraph("text"),))))


@pytest.mark.parametrize("kind", ["text", "anchor"])
def test_html_escapes_headings_and_their_entries_in_the_contents(kind: str):
    texts = {"text": "A heading", "anchor": "anchor", kind: EVIL}
    html = render(Page("A title", (Heading(depth=2, **texts), Paragraph("text"))))
    assert_escaped(html)
    assert html.count("&lt;i class=") == 2  # in the contents and at the heading


# ---- drawings and math ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "text"),
    [
        *((place, EVIL) for place in ("title", "description", "caption", "label", "value")),
        ("label", f"d{EVIL}/dw"),
        ("label", f"w_{{{EVIL}}}"),
    ],
    ids=["title", "description", "caption", "label", "value", "ratio", "index"],
)
def test_svg_escapes_labels(place: str, text: str):
    names = ("title", "description", "caption", "label", "value")
    texts = dict.fromkeys(names, "w") | {place: text}
    node = Node("a", "unit", 10, 10, texts["label"], texts["value"])
    edge = Edge("a", "a", "weight", texts["label"], texts["value"])
    caption = Caption(texts["caption"], 10, 10)
    drawing = Drawing(
        100, 100, 10, (node,), (edge,), (caption,), texts["title"], texts["description"], ""
    )
    assert_escaped(svg(drawing))


@pytest.mark.parametrize(
    "made",
    [MathML().name(EVIL), MathML().number(EVIL), MathML().call(EVIL, ["x"])],
    ids=["name", "number", "function"],
)
def test_mathml_escapes_names_and_numbers(made: str):
    assert "<i class=" not in made
    assert "&lt;" in made


# ---- LaTeX ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\input{x}", r"$\backslash$input$\{$x$\}$"),
        ("50 % & #1_$", r"50 \% \& \#1\_\$"),
        ("a\x07b", "ab"),  # control characters are left out
        ("a -- b", "a -{}- b"),  # no dash is made of two minus signs
        ("  a\n b ", "a b"),
        ("α ≤ é", "$\\alpha$ $\\le$ \\'{e}"),
        ("中", "[U+4E2D]\\allowbreak{}"),
        ("\u0301", ""),  # an accent without a letter
        ("ï", '\\"{\\i}'),
        ("ị", "\\d{i}"),  # below a letter, the dot of i stays
        ("ﬁ", "fi"),
        ("a" * 18, "a" * 18),
        ("a" * 19, "a" * 18 + "\\allowbreak{}a"),
        ("a" * 37, ("a" * 18 + "\\allowbreak{}") * 2 + "a"),
        ("a" * 17 + "/bc", "a" * 17 + "/\\allowbreak{}bc"),
        ("é" * 9 + "ab", "\\'{e}" * 9 + "ab"),
    ],
)
def test_words_in_latex(text: str, expected: str):
    assert words(text) == expected


# ---- the markup of names -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "pieces"),
    [
        ("w", (Piece("w"),)),
        ("w_{5}", (Piece("w", (Piece("5"),)),)),
        ("w^{2}_{11}", (Piece("w", (Piece("11"),), (Piece("2"),)),)),
        ("a_{1}b_{2}", (Piece("a", (Piece("1"),)), Piece("b", (Piece("2"),)))),
        ("a_{b_{1}}", (Piece("a", (Piece("b", (Piece("1"),)),)),)),
        ("a_{1}_{2}", (Piece("a", (Piece("1"),)), Piece("", (Piece("2"),)))),
        ("a_{1", (Piece("a", (Piece("1"),)),)),  # an open brace ends with the text
        ("∂E/∂w_{5}", (Ratio((Piece("∂E"),), (Piece("∂w", (Piece("5"),)),)),)),
        ("dE/dw x", (Ratio((Piece("dE"),), (Piece("dw"),)), Piece(" x"))),
    ],
)
def test_names_are_parsed_into_pieces(markup: str, pieces: tuple[Piece | Ratio, ...]):
    assert parse_name(markup) == pieces


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("w_{5}", "w5"),
        ("net_{h1}", "net_h1"),
        ("w^{2}_{11}", "w^2_11"),
        ("w_{5}^{+}", "w5⁺"),
        ("ab_{5}", "ab_5"),
        ("a_{b_{1}}", "a_b1"),
    ],
)
def test_names_as_plain_text(markup: str, plain: str):
    assert plain_name(markup) == plain
