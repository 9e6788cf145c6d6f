"""The HTML page: well-formed, self-contained, escaped, and correct to the last digit.

Lines are read back from the rendered MathML and recomputed.
"""

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import chainrule.layers
from chainrule import (
    ACTIVATIONS,
    LOSSES,
    NOTATIONS,
    OPTIMIZERS,
    PROBLEMS,
    SGD,
    Custom,
    Penalty,
    explain,
    mlp,
    problem,
)
from chainrule.explanation import explain_problem
from chainrule.pages import Worked
from chainrule.pages.digits import READERS, Digits
from chainrule.pages.mathml import MATHML, flow, inline
from chainrule.pages.svg import STYLE, svg
from tests.explanation.readers import drawing_of, expression, of_class, one, page_of, shown
from tests.rows import more

SMALL = [name for name in PROBLEMS if name != "digits"]
KNOWN = {**READERS, **{re.sub(r"\W", "_", name): f for name, f in ACTIVATIONS.items()}}
SLOPES = {f"d{name}": f.slope_at for name, f in KNOWN.items() if name not in READERS}
SIZES = [(2, 2, 2), (2, 3, 3, 2), (4, 3, 3), (2, 2, 1), (12, 9, 3), (1, 1)]


def example_of(*sizes: int, samples: int = 1, seed: int = 0, **options):
    """Return the example of a network with numbers drawn from a seed."""
    rng = np.random.default_rng(seed)
    shape: dict[str, Any] = {"activation": "tanh", "loss": "softmax-cross-entropy"}
    shape |= {name: options.pop(name) for name in ("activation", "loss") if name in options}
    network = mlp(*sizes, **shape, penalty=options.pop("penalty", None))
    x, t = rng.normal(size=(samples, sizes[0])), rng.random((samples, sizes[-1]))
    return explain(
        network,
        network.initialize(seed),
        x,
        t / t.sum(axis=1, keepdims=True),
        options.pop("optimizer", "adam"),
        **options,
    )


def big(**options):
    """Return an example of a network of 784 inputs."""
    network = mlp(784, 24, 10, activation="relu", loss="softmax-cross-entropy")
    rng = np.random.default_rng(0)
    x, t = rng.random((8, 784)), rng.integers(0, 10, 8)
    return explain(network, network.initialize(0), x, t, SGD(0.1), **options)


@pytest.fixture(scope="module")
def pages():
    """Return examples of every level, and their pages."""
    made = {
        "mazur": explain_problem(problem("mazur")),
        "steps": explain_problem(problem("mazur"), steps=100, show_steps=[1, 2, 100]),
        "long": explain_problem(problem("xor")),
        "batch": example_of(2, 3, 2, samples=3, notation="mazur"),
        "matrices": example_of(20, 15, 3, samples=4, optimizer="sgd", level="matrices"),
        "summary": big(),
        "parameter": big(parameter="W1[5,300]"),
    }
    return {name: (example, example.to_html(static=True)) for name, example in made.items()}


# ---- the file -----------------------------------------------------------------------------------


def test_page_is_well_formed_with_language_title_and_metadata(pages):
    for example, html in pages.values():
        root = page_of(html)
        assert root.get("lang") == "en"
        assert root.findtext("head/title") == example.title
        names = {meta.get("name") for meta in root.iter("meta")}
        assert {"viewport", "generator", "color-scheme"} <= names
        assert [len(list(root.iter(tag))) for tag in ("h1", "main", "nav")] == [1, 1, 1]


def test_page_loads_no_external_resources(pages):
    for _, html in pages.values():
        root = page_of(html)
        for element in root.iter():
            assert element.tag not in {"script", "link", "img", "iframe", "object", "base"}
            assert element.get("href", "#").startswith("#")
            assert "src" not in element.attrib
        assert not re.search(r"url\(|@import|https?:", html)


def test_anchors_are_unique_and_every_link_leads_somewhere(pages):
    for example, html in pages.values():
        root = page_of(html)
        anchors = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(anchors) == len(set(anchors))
        links = [a.get("href", "")[1:] for a in root.iter("a")]
        assert set(links) <= set(anchors)
        assert len(links) > 4
        worked = {item.anchor for item in example.page().items if isinstance(item, Worked)}
        assert worked <= set(anchors)


def test_heading_levels_are_not_skipped(pages):
    for _, html in pages.values():
        levels = [int(e.tag[1]) for e in page_of(html).iter() if re.fullmatch(r"h\d", e.tag)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_text_of_users_is_escaped():
    evil = '<script>alert("1")</script>&amp;'
    network = mlp(
        1,
        1,
        activation=Custom("cube", lambda z: z * z * z if z is not None else "<b>"),
        loss="squared-error",
    )
    example = explain(network, [1.0, 0.0], [0.5], [0.0], title=evil, source=evil)
    for html in (example.to_html(static=True), example._repr_html_()):
        root = page_of(html)
        assert evil in "".join(root.itertext())
        assert "<b>" in "".join(root.itertext())  # in the source of the activation
        assert not list(root.iter("script"))


def test_every_number_of_the_outline_is_on_the_page(pages):
    for example, html in pages.values():
        by_id = {e.get("id"): e for e in page_of(html).iter() if e.get("id")}
        for item in example.page().items:
            if isinstance(item, Worked):
                block = by_id[item.anchor]
                assert block.get("aria-label") == item.quantity.name
                assert shown(one(one(block, "result"), "set").findall("strong")[0]) == (
                    item.quantity.shown
                )


def test_tables_have_captions_and_headings(pages):
    for _, html in pages.values():
        for table in page_of(html).iter("table"):
            assert table.findtext("caption") is not None
            cells = table.findall("thead/tr/th")
            assert cells
            assert all(cell.get("scope") == "col" for cell in cells)


# ---- in a notebook ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["batch", "long"])
def test_a_fragment_collides_with_nothing(pages, name):
    example, _ = pages[name]
    root = page_of(example._repr_html_())
    tags = {element.tag for element in root.iter()}
    assert not tags & {"html", "head", "body", "main", "nav", "h1", "h2", "script"}
    assert not [element for element in root.iter() if element.get("id")]


def test_style_rules_apply_only_to_the_fragment(pages):
    sheet = page_of(pages["mazur"][0]._repr_html_()).findtext("style") or ""
    assert STYLE in sheet
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    selectors = [part for part in re.findall(r"([^{}]+)\{", sheet) if "@" not in part]
    assert len(selectors) > 50
    for selector in selectors:
        while (plain := re.sub(r"\([^()]*\)", "", selector)) != selector:  # commas inside
            selector = plain  # noqa: PLW2901 (from the innermost parentheses on)
        for part in selector.split(","):
            assert re.search(r"\.(chainrule|cr-picture)\b", part), part


# ---- the digits law -----------------------------------------------------------------------------


def recomputed(html: str, digits: Digits) -> tuple[int, int]:
    """Recompute every line of numbers on a page; return how many, and how many carry all digits."""
    lines = carried = 0
    for block in of_class(page_of(html), "quantity"):
        printed = shown(next(one(block, "result").iter("strong")))
        for line in of_class(block, "numbers"):
            value = float(eval(expression(line), {}, {**KNOWN, **SLOPES}))  # noqa: S307 (our own)
            full = next(of_class(line, "note"), None) is not None
            if full:
                assert value == pytest.approx(float(printed), rel=1e-6, abs=1e-12)
            else:
                assert digits.result(value) == printed, block.get("aria-label")
            lines, carried = lines + 1, carried + full
    return lines, carried


@pytest.mark.every_value(name=SMALL, notation=NOTATIONS)
def test_every_line_on_the_page_recomputes(name, notation):
    preset = problem(name)
    html = explain_problem(preset, notation=notation).to_html(static=True)
    lines, carried = recomputed(html, Digits(decimals=preset.decimals))
    assert lines > 20
    assert carried <= 0.01 * lines
    print(f"{name}, {notation}: {lines} lines, {carried} with full precision")


RULES = [name for name in OPTIMIZERS if name != "lbfgs"]
CASES = [(a, list(LOSSES)[i % len(LOSSES)], RULES[i % 6]) for i, a in enumerate(ACTIVATIONS)]


# The same networks recompute from the text of each line in test_document.py.
@pytest.mark.parametrize(
    ("activation", "loss", "rule"),
    [*CASES[::3], *(more(*case) for case in CASES if case not in CASES[::3])],
)
def test_every_line_recomputes_with_every_activation_loss_and_optimizer(activation, loss, rule):
    example = example_of(
        2,
        3,
        2,
        samples=2,
        seed=3,
        activation=activation,
        loss=loss,
        optimizer=rule,
        penalty=Penalty(0.1, 0.2, 0.3),
        notation="nielsen",
    )
    lines, carried = recomputed(example.to_html(static=True), Digits())
    assert lines > 50
    assert carried <= 0.01 * lines


def test_one_changed_equation_changes_formula_numbers_and_result_on_the_page(monkeypatch):
    def wrong(self, *, training=True):
        return {**right(self, training=training), "dx": "delta @ (W * 2)"}

    def blocks():
        root = page_of(explain_problem(problem("mazur")).to_html(static=True))
        by_id = {e.get("id"): e for e in root.iter()}
        return by_id["step-1-dx2-0"], by_id["step-1-dW1-0-0"]

    def ran(element, kind):
        lines = (e for e in of_class(element, kind) if "equation" in e.get("class", ""))
        return ET.tostring(next(lines))

    right = chainrule.layers.Dense.equations
    before, gradient_before = blocks()
    monkeypatch.setattr(chainrule.layers.Dense, "equations", wrong)
    after, gradient_after = blocks()
    assert ran(before, "symbols") != ran(after, "symbols")
    assert ran(before, "numbers") != ran(after, "numbers")
    results = [float(shown(next(one(e, "result").iter("strong")))) for e in (before, after)]
    assert results[1] == pytest.approx(2 * results[0], abs=3e-9)  # nine decimals
    assert list(of_class(gradient_before, "good"))
    assert list(of_class(gradient_after, "bad"))  # the numerical derivative differs


# ---- MathML -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("w_{5}", "<msub><mi>w</mi><mn>5</mn></msub>"),
        ("w^{2}_{11}", "<msubsup><mi>w</mi><mn>11</mn><mn>2</mn></msubsup>"),
        ("dW2[0,1]", "<mi>dW2[0,1]</mi>"),
        ("σ'(z_{1})", "<mi>σ′</mi>"),
        ("∂E/∂w_{5}", "<mfrac><mrow><mo"),
        ("δ_{1} alone", "<mtext>\u00a0alone</mtext>"),
        ("<b>", "&lt;"),
    ],
)
def test_names(markup, expected):
    assert expected in inline(MATHML.name(markup))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5", "<mn>0.5</mn>"),
        ("-2", '<mrow><mo form="prefix">−</mo><mn>2</mn></mrow>'),
        ("1e-8", "<msup><mn>10</mn>"),
        ("½", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
    ],
)
def test_numbers(text, expected):
    assert expected in MATHML.number(text)


def test_a_long_sum_can_break_before_each_term_and_a_short_one_stays_whole():
    terms = [(False, f"<mn>0.{i}23456789</mn>") for i in range(6)]
    assert flow(MATHML.total(terms)).count('<span class="term">') == 6
    assert flow(MATHML.total(terms[:2])).count("<math>") == 1


def test_omitted_terms_of_a_sum_are_counted():
    assert "1,779 further terms" in MATHML.rest(1779)


# ---- the picture --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=SIZES, ids=str)
def drawn(request):
    example = example_of(*request.param, samples=2, notation="mazur")
    return drawing_of(example)


def boxes(root: ET.Element):
    """Return the rectangles behind the labels of weights and biases."""
    rects = [e for e in root.iter() if e.get("class") == "behind" and e.get("x")]
    return [[float(e.get(k, "")) for k in ("x", "y", "width", "height")] for e in rects]


def test_svg_is_well_formed_and_everything_is_on_the_sheet(drawn):
    root = ET.fromstring(re.sub(' xmlns="[^"]*"', "", svg(drawn)))  # noqa: S314 (our own)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    assert root.findtext("title")
    assert root.findtext("desc") == drawn.description
    for x, y, wide, high in boxes(root):
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height
    for text in root.iter("text"):
        half = 3.7 * len("".join(text.itertext()))
        assert half / 2 <= float(text.get("x", "")) <= width - half / 2
        assert 0 <= float(text.get("y", "")) <= height


def test_no_label_of_the_picture_covers_another(drawn):
    found = boxes(ET.fromstring(svg(drawn)))  # noqa: S314 (our own)
    for i, (x, y, wide, high) in enumerate(found):
        for u, v, w, h in found[:i]:
            separate = x + wide <= u or u + w <= x or y + high <= v or v + h <= y
            assert separate


def test_no_label_of_the_picture_covers_a_unit(drawn):
    units = [n for n in drawn.nodes if n.kind not in {"bias", "gap"}]
    for x, y, wide, high in boxes(ET.fromstring(svg(drawn))):  # noqa: S314 (our own)
        for unit in units:
            dx = max(x - unit.x, 0, unit.x - x - wide)
            dy = max(y - unit.y, 0, unit.y - y - high)
            assert np.hypot(dx, dy) >= drawn.radius


def test_negative_weights_are_dashed_and_have_a_minus_sign(drawn):
    root = ET.fromstring(svg(drawn))  # noqa: S314 (our own)
    lines = [e for e in root.iter() if "edge" in e.get("class", "").split()]
    assert len(lines) == len(drawn.edges)
    for line, edge in zip(lines, drawn.edges, strict=True):
        assert (line.get("stroke-dasharray") == "6 4") == edge.negative
        if edge.value:
            assert edge.value.startswith("-") == edge.negative


def test_wide_layers_have_a_gap_and_too_many_weights_no_labels():
    example = example_of(12, 9, 3)
    wide = drawing_of(example)
    assert sum(node.kind == "gap" for node in wide.nodes) == 2
    assert not any(edge.value for edge in wide.edges)
    assert "too many weights" in wide.description
    assert "only the first units and the last" in wide.description


def test_the_picture_shows_the_first_sample_and_its_description_says_so():
    example = example_of(2, 3, 3, 2, samples=3)
    drawn = drawing_of(example)
    assert "first sample" in drawn.description
    assert drawn.node("x[0]").value == f"{example['x[0,0]'].value:.4g}"
    assert drawn.node("a1[2]").value == f"{example['a1[0,2]'].value:.4g}"


def test_layers_without_weights_are_drawn():
    network = mlp(2, 3, 2, activation="tanh", loss="squared-error", dropout=0.3, layer_norm=True)
    example = explain(network, network.initialize(0), [1.0, 2.0], [0.0, 1.0], "sgd")
    drawn = drawing_of(example)
    assert len(drawn.captions) == len(network.layers) + 2
    page_of(example.to_html(static=True))
