"""Mistakes, practice and sharing on the live page, in a real browser."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from chainrule import explain_problem, problem
from chainrule.explanation import example_schema
from chainrule.explorer.model import model_of
from chainrule.wiring import wire
from tests.explorer.conftest import Open, Visit, html_of, violations
from tests.rows import more

EVIL = '<img src=x onerror=alert(1)><script>alert(2)</script>"'
NARROW = {"viewport": {"width": 360, "height": 800}}


@pytest.fixture(scope="module")
def html() -> str:
    return html_of("mazur")


def opened(open_page: Open, html: str, panel: str, **settings: Any) -> Visit:
    """Open a page, and one of its panels."""
    visit = open_page(html, **settings)
    visit.started()
    visit.page.get_by_role("tab", name=panel).press("Enter")
    return visit


def table(page: Any, selector: str) -> dict[str, list[str]]:
    """Return the rows of a table by their first cells."""
    rows = page.locator(f"{selector} tbody tr").all()
    cells = [[c.strip() for c in row.locator("th, td").all_text_contents()] for row in rows]
    return {first: rest for first, *rest in cells}


# ---- mistakes -----------------------------------------------------------------------------------


def test_a_mistake_shows_right_beside_wrong_and_its_line(open_page: Open, html: str) -> None:
    visit = opened(open_page, html, "Mistakes")
    page = visit.page
    page.get_by_label("Switch a mistake on").select_option("updated-weights")
    lines = page.locator(".mistakes .code div").all_text_contents()
    assert lines == ["right: da1 = delta2 @ W2", "wrong: da1 = delta2 @ W2_new"]
    example = problem("mazur")
    setup = explain_problem(example).setup
    step = wire(
        *(setup.network, setup.theta, setup.batch, setup.rule),
        replace={("2", "dx"): "delta @ W_new"},
    )
    wrong = table(page, ".mistakes .scroll table")
    assert wrong["δ_h1"][0] == "0.008771355"
    assert float(wrong["δ_h1"][1]) == pytest.approx(float(step.layers[0]["delta"][0, 0]), abs=5e-10)
    assert float(wrong["w1⁺"][1]) == pytest.approx(float(step.theta_new[0]), abs=5e-10)
    assert "net_h1" not in wrong
    page.get_by_text("These losses as a table").click()
    assert table(page, ".mistakes details table")["0"] == ["0.298371109", "0.298371109"]
    assert "the right loss falls" in page.locator(".mistakes").inner_text()
    # the famous number: the loss after one update, as it was published
    page.locator(".player select").first.select_option("update")
    page.get_by_role("button", name="Step", exact=True).click()
    assert "0.291027924" in page.locator(".player").inner_text()
    page.get_by_role("button", name="Switch the mistake off").click()
    assert page.get_by_label("Switch a mistake on").input_value() == ""
    assert not visit.faults


@pytest.mark.full_only
def test_a_mistake_that_stops_with_an_error_is_not_switched_on(open_page: Open) -> None:
    visit = opened(open_page, html_of("xor"), "Mistakes")
    visit.page.get_by_label("Switch a mistake on").select_option("not-transposed")
    visit.page.get_by_label("How and where").select_option(label="da1 = delta2 @ W2.T")
    assert "stops with an error" in visit.page.locator(".mistakes").inner_text()
    assert not visit.page.get_by_role("button", name="Switch the mistake off").is_visible()
    assert not visit.faults


@pytest.mark.full_only
def test_mistakes_that_cannot_be_computed_are_not_offered(open_page: Open, html: str) -> None:
    visit = opened(open_page, html, "Mistakes")
    offered = visit.page.get_by_label("Switch a mistake on").locator("option")
    values = offered.evaluate_all("options => options.map((option) => option.value)")
    assert "sign" in values
    assert not {"bias-regularized", "silent-broadcasting"} & set(values)
    visit.page.get_by_text("mistakes that this network does not allow").click()
    reasons = visit.page.locator(".mistakes details li").all_text_contents()
    assert "the penalty is applied to the biases too: it needs a penalty" in reasons
    assert any(text.endswith(": it needs two samples or more, and one output") for text in reasons)


# ---- practice -----------------------------------------------------------------------------------


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.textContent || document.activeElement.type")


def tab_to(page: Any, text: str) -> None:
    """Press Tab until a control with a text has the focus."""
    for _ in range(60):
        if focused(page) == text:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {text}; it ends at {focused(page)}")


def says(page: Any) -> str:
    return page.locator(".practice [role=status]").inner_text()


def type_in(page: Any, text: str) -> str:
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    return says(page)


def test_practice_with_the_keyboard_alone(open_page: Open, html: str) -> None:
    visit = open_page(html)
    visit.started()
    page = visit.page
    page.locator("[role=tab][aria-selected=true]").focus()
    while focused(page) != "Practice":
        page.keyboard.press("ArrowRight")
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    assert focused(page) == "text"
    for answer in ("0.7414", "-0.2171", "0.1385", "-0.0381"):
        assert type_in(page, answer) == "Right."
    for hidden in ("0.082167041", "0.036350306", "0.35891648"):  # nowhere on the page
        assert hidden not in page.locator("body").inner_text()
    line = page.locator("#step-1-dx2-0")
    assert not line.is_visible()
    for _ in range(6):  # the gradients of the outputs' weights, by the answer after three hints
        for _ in range(4):
            tab_to(page, "Hint")
            page.keyboard.press("Enter")
    assert "∂E/∂out_h1" in page.locator(".practice label").last.inner_text()
    page.locator(".practice input[type=text]").focus()
    assert says_all(page, ["0.036", "-0.03635", "0.0727", "abc"]) == [
        "Right as far as it goes. Give 4 significant digits.",
        "The size is right, but the sign is not.",
        (
            "This is the value if the deltas backpropagated by layer 2 have a factor 2 that the "
            "others do not have."
        ),
        "Type a number, such as 0.25 or -1.5e-3.",
    ]
    named = "This is the value if the hidden deltas use the output weights after their update."
    assert type_in(page, "0.03023") == named
    tab_to(page, "Go on with my number")
    page.keyboard.press("Enter")
    assert type_in(page, "0.04137") == "Right."
    # δ_h1 goes on from the learner's own number
    assert type_in(page, "0.007295") == "Right."
    tab_to(page, "Stop")
    page.keyboard.press("Enter")
    line.scroll_into_view_if_needed()  # until then it is not laid out
    page.wait_for_function(
        "() => document.getElementById('step-1-dx2-0').innerText.includes('0.036350306')"
    )
    assert not visit.faults


def says_all(page: Any, answers: list[str]) -> list[str]:
    return [type_in(page, answer) for answer in answers]


@pytest.mark.full_only
def test_a_hint_does_not_give_another_hidden_number(open_page: Open, html: str) -> None:
    visit = opened(open_page, html, "Practice")
    page = visit.page
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Later").click()
    page.get_by_role("button", name="Later").click()
    for _ in range(3):
        page.get_by_role("button", name="Hint").click()
    hints = page.locator(".practice .hints li").all_text_contents()
    assert hints[0].startswith("It depends on ∂E/∂out_o1")
    assert "∂E/∂out_o1 · (0.751365 · (1 - …))" in hints[2]


@pytest.mark.full_only
def test_few_digits_are_asked_for_before_a_mistake_is_named(open_page: Open, html: str) -> None:
    visit = opened(open_page, html, "Practice")
    page = visit.page
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Later").click()
    assert "∂E/∂out_o2" in page.locator(".practice label").last.inner_text()
    page.locator(".practice input[type=text]").focus()
    for answer in ("0", "1", "-1", "1e1", "0.5", "2", "0.3"):
        assert "Give at least 3 significant digits" in type_in(page, answer), answer
    assert type_in(page, "-0.2") == "Right as far as it goes. Give 4 significant digits."
    assert type_in(page, "0.2171") == "The size is right, but the sign is not."
    assert not visit.faults


@pytest.mark.full_only
def test_the_arithmetic_does_not_show_a_hidden_number(open_page: Open, html: str) -> None:
    visit = opened(open_page, html, "Arithmetic")
    page = visit.page
    choose(page, "out_h1")
    page.get_by_role("tab", name="Practice").click()
    page.get_by_label("Hide").select_option("number")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("tab", name="Arithmetic").click()
    choose(page, "out_o1")
    worked = page.locator(".arithmetic .worked").inner_text()
    assert "0.75136507" in worked
    assert "0.5932" not in worked
    assert "?" in worked
    page.get_by_role("button", name="Copy as LaTeX").click()
    copied = page.get_by_label("The copied text").input_value()
    assert "0.75136507" in copied
    assert "0.5932" not in copied
    assert not visit.faults


def choose(page: Any, name: str) -> None:
    """Choose a unit in the picture."""
    page.locator(f".network-picture [aria-label^='{name} ']").first.click()


@pytest.mark.full_only
def test_the_loss_is_hidden_with_the_error(open_page: Open, html: str) -> None:
    visit = opened(open_page, html, "Practice")
    page = visit.page
    page.get_by_label("Hide").select_option("error")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("tab", name="Learning").click()
    assert "The loss is hidden for practice." in page.locator("#live").inner_text()
    assert "0.2983" not in page.locator("#live").inner_text()
    page.get_by_role("tab", name="Practice").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("tab", name="Learning").click()
    assert "0.2984" in page.locator("#panel-learning").inner_text()
    assert not visit.faults


# ---- sharing ------------------------------------------------------------------------------------


def saved(**changes: Any) -> str:
    """Return the 2-2-2 example as a saved state with other fields."""
    model = model_of(explain_problem(problem("mazur"))) | changes
    return json.dumps({"schema": "chainrule.live/1", "model": model, "at": 0, "mistake": ""})


def fragment(text: str) -> str:
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode())).decode().rstrip("=")
    return f"#live=1.{packed}"


def test_a_link_has_the_whole_state(open_page: Open, html: str) -> None:
    visit = opened(open_page, html, "Mistakes")
    visit.page.get_by_label("Switch a mistake on").select_option("sign")
    visit.page.get_by_role("tab", name="Share").click()
    visit.page.get_by_role("button", name="Make a link").click()
    link = visit.page.get_by_label("Link to this state")
    link.wait_for()
    address = link.input_value()
    assert len(address) < 1500
    other = opened(open_page, html, "Mistakes", fragment=f"#{address.partition('#')[2]}")
    other.page.get_by_role("button", name="Switch the mistake off").wait_for()
    assert other.page.get_by_label("Switch a mistake on").input_value() == "sign"
    assert not visit.faults + other.faults


@pytest.mark.full_only
def test_a_link_has_the_notation_and_the_digits(open_page: Open, html: str) -> None:
    visit = opened(
        open_page, explain_problem(problem("mazur"), notation="plain").to_html(), "Share"
    )
    page = visit.page
    page.get_by_role("tab", name="Arithmetic").click()
    page.get_by_label("Notation").select_option("nielsen")
    page.get_by_label("Significant digits", exact=True).fill("5")
    page.get_by_label("Significant digits", exact=True).press("Enter")
    page.get_by_role("tab", name="Share").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link to this state")
    link.wait_for()
    start = f"#{link.input_value().partition('#')[2]}"
    other = opened(open_page, html, "Share", fragment=start)
    other.page.get_by_role("button", name="Undo open a saved state").wait_for()
    other.page.get_by_role("tab", name="Arithmetic").click()
    assert other.page.get_by_label("Notation").input_value() == "nielsen"
    assert other.page.get_by_label("Significant digits", exact=True).input_value() == "5"
    assert "0.29837" in other.page.locator(".player").inner_text()
    assert not visit.faults + other.faults


@pytest.mark.full_only
def test_undo_and_redo_by_keys(open_page: Open, html: str) -> None:
    theta = [0.5] * 12
    visit = opened(open_page, html, "Share", fragment=fragment(saved(theta=theta)))
    page = visit.page
    undo = page.get_by_role("button", name="Undo open a saved state")
    undo.wait_for()
    changed = page.locator(".where").inner_text()
    page.get_by_role("tab", name="Share").focus()
    page.keyboard.press("Control+Z")
    assert "0.298371109" in page.locator(".player").inner_text()
    assert undo.count() == 0
    page.keyboard.press("Control+Shift+Z")
    assert page.locator(".where").inner_text() == changed


def test_hostile_links_are_refused_and_change_nothing(open_page: Open, html: str) -> None:
    many = {"x": [[0, 0]] * 4000, "t": [[0, 0]] * 4000}
    bad = {
        "#live=1.": "the link is damaged",
        "#live=1.%3Cscript%3E": "the link is damaged",
        "#live=1." + "A" * 200_000: "the link is too long",
        fragment("{"): "it is not JSON",
        fragment(saved(title=EVIL, theta=[1])): "12 parameters, but 1 are given",
        fragment(saved(network={"inputs": 2, "layers": [{"kind": EVIL}], "loss": {}})): "unknown",
        fragment("[" * 100_000): "it is not",
        fragment(" " * 20_000_000): "the link is too large: it unpacks to more than 2 MB",
        fragment(saved(data=many).replace('"at": 0', '"at": 2000')): "which takes too long",
        fragment(
            saved().replace('"mistake": ""', '"mistake": "x"')
        ): "its mistake, x, cannot be computed: it is unknown here",
        fragment(saved().replace('"mistake": ""', '"mistake": "bias-regularized/0/1"')): (
            "cannot be computed: it needs a penalty"
        ),
    }
    links = [*bad, ""]
    visit = opened(open_page, html, "Share", fragment=links[0])
    status = visit.page.locator(".share [role=status]")
    for words, link in zip(bad.values(), links[1:], strict=True):
        status.filter(has_text=re.compile(f"Nothing was done: .*{re.escape(words)}")).wait_for()
        assert "0.298371109" in visit.page.locator(".player").inner_text()
        status.evaluate("element => { element.textContent = '' }")
        visit.page.evaluate("link => { location.hash = link }", link)
    assert not visit.faults
    assert not visit.requests


@pytest.mark.full_only
def test_hostile_texts_stay_texts(open_page: Open, html: str) -> None:
    names = {"x": [EVIL, EVIL], "t": [EVIL, EVIL]}
    data = model_of(explain_problem(problem("mazur")))["data"] | {"names": names}
    text = saved(title=EVIL, source=EVIL, data=data)
    visit = opened(open_page, html, "Share", fragment=fragment(text))
    visit.page.locator(".share [role=status]").filter(has_text="Opened").wait_for()
    for tab in visit.page.get_by_role("tab").all():
        tab.click()
    assert not visit.page.locator("#live img, #live script").count()
    assert not visit.faults


def test_files_are_saved_and_opened(open_page: Open, html: str, tmp_path: Path) -> None:
    visit = opened(open_page, html, "Share")
    page = visit.page
    paths = {
        name: download(page, name, tmp_path) for name in ("Save", "SVG", "PNG", "This step as JSON")
    }
    jsonschema.validate(
        json.loads(paths["This step as JSON"].read_text()), json.loads(example_schema())
    )
    assert paths["PNG"].read_bytes().startswith(b"\x89PNG")
    drawn = ET.parse(paths["SVG"]).getroot()  # noqa: S314 (a file of the test's own)
    assert "0.5933" in "".join(drawn.itertext())
    assert not [e for e in drawn.iter() if "class" in e.attrib or "style" in e.attrib]
    status = page.locator(".share [role=status]")
    for name, text, answer in (
        ("good.json", paths["Save"].read_text(), "Opened."),
        ("evil.json", EVIL, "Nothing was done: it is not JSON"),
        ("wrong.json", saved(theta=[1]), "12 parameters, but 1 are given"),
        ("empty.json", "", "the file is empty"),
    ):
        (tmp_path / name).write_text(text)
        page.get_by_label("Open", exact=True).set_input_files(tmp_path / name)
        status.filter(has_text=answer).wait_for()
    assert not visit.faults


def download(page: Any, button: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


# ---- accessibility ------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"color_scheme": "dark"}, more(NARROW)])
def test_axe_finds_nothing_in_the_panels(
    open_page: Open, html: str, settings: Any, *, full: bool
) -> None:
    visit = opened(open_page, html, "Mistakes", **settings)
    page = visit.page
    page.get_by_label("Switch a mistake on").select_option("updated-weights")
    for panel in ("Mistakes", "Practice", "Share"):
        page.get_by_role("tab", name=panel).press("Enter")
        if panel == "Practice":
            page.get_by_role("button", name="Start").click()
        assert not violations(page, None if full else f"#panel-{panel.lower()}"), panel
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], panel
