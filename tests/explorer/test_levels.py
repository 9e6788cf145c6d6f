"""The levels of explain on the live page: arrays with their equations, and tables."""

from typing import Any

import pytest

from chainrule import explain
from tests.explorer.conftest import Open, Visit, html_of, violations
from tests.rows import few_rows, more

LEVELS = ("scalars", "matrices", "summary")


@pytest.fixture(scope="module")
def live(open_shared: Open) -> Visit:
    visit = open_shared(explain("mazur", decimals=4).to_html(), reduced_motion="reduce")
    visit.started()
    return visit


def choose(visit: Visit, level: str) -> Any:
    """Choose a level by keyboard and return the panel."""
    choice = visit.page.get_by_label("Level", exact=True)
    choice.focus()
    visit.page.keyboard.press("Home")
    for _ in range(LEVELS.index(level)):
        visit.page.keyboard.press("ArrowDown")
    assert choice.input_value() == level
    return visit.page.locator("#panel-arithmetic")


def cells(place: Any) -> list[list[str]]:
    """Return the cells of a table's rows."""
    rows = place.locator("tbody tr").all()
    return [[c.replace("−", "-") for c in r.locator("th, td").all_text_contents()] for r in rows]


def test_arrays_have_the_names_and_numbers_of_python(live: Visit) -> None:
    panel = choose(live, "matrices")
    wanted = explain("mazur", level="matrices").to_dict()["steps"][0]["matrices"]
    groups = panel.locator(".quantity[role=group]").all()
    assert [g.get_attribute("aria-label") for g in groups] == [m["name"] for m in wanted]
    by_key = {m["key"]: (m, g) for m, g in zip(wanted, groups, strict=True)}
    matrix, group = by_key["dW2"]
    assert cells(group) == [[f"{v:.4g}" for v in row] for row in matrix["value"]]
    headings = panel.locator("h2").all_text_contents()
    assert headings == ["given", "forward pass", "error", "backward pass", "update"]


def test_a_number_of_an_array_is_chosen_and_its_arithmetic_shown(live: Visit) -> None:
    panel = choose(live, "matrices")
    panel.get_by_role("group", name="w_1…4", exact=True).locator("td").nth(2).click()
    assert live.page.locator("#live .chosen .value").all_text_contents() == ["w3 0.25"]
    assert panel.locator(".quantity .result").count()
    panel.get_by_role("button", name="Choose δ_o").focus()
    live.page.keyboard.press("Enter")
    assert "out_o1" in live.page.locator("#live .chosen").first.get_attribute("aria-label")


def test_arrays_appear_as_the_calculation_comes_to_them(live: Visit) -> None:
    panel = choose(live, "matrices")
    live.page.get_by_label("by", exact=True).select_option("stage")
    live.page.get_by_role("button", name="Step", exact=True).click()
    assert panel.locator("h2").all_text_contents()[-1] == "forward pass"
    live.page.get_by_role("button", name="Reset").click()
    assert panel.locator("h2").all_text_contents()[-1] == "update"


def test_the_summary_has_the_tables_of_python(live: Visit) -> None:
    panel = choose(live, "summary")
    wanted = explain("mazur", level="summary", digits=4).to_dict()["steps"][0]["tables"]
    captions = panel.locator("caption").all_text_contents()
    assert captions == [t["title"] for t in wanted]
    for shown, table in zip(panel.locator("table").all(), wanted, strict=True):
        assert cells(shown) == [[str(c) for c in row] for row in table["shown"]]


@pytest.mark.parametrize("level", few_rows(("matrices", "summary"), "matrices"))
def test_hidden_numbers_stay_hidden_at_every_level(live: Visit, level: str) -> None:
    panel = choose(live, level)
    assert "0.1385" in panel.inner_text()
    tab(live, "Practice")
    press(live, "Start")
    tab(live, "Arithmetic")
    hidden = panel.inner_text()
    tab(live, "Practice")
    press(live, "Stop")
    tab(live, "Arithmetic")
    assert "0.1385" not in hidden
    assert "0.1385" in panel.inner_text()
    assert not live.faults


def tab(visit: Visit, name: str) -> None:
    visit.page.get_by_role("tab", name=name).press("Enter")


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name, exact=True).press("Enter")


SCREENS = {
    "narrow": {"viewport": {"width": 360, "height": 800}, "color_scheme": "dark"},
    "wide": {"viewport": {"width": 1280, "height": 900}},
}


@pytest.mark.parametrize(
    ("level", "screen"),
    [
        ("summary", "narrow"),
        more("matrices", "narrow"),
        more("matrices", "wide"),
        more("summary", "wide"),
    ],
)
def test_nothing_scrolls_sideways_or_is_inaccessible(
    open_page: Open, level: str, screen: str
) -> None:
    visit = open_page(html_of("mazur"), **SCREENS[screen])
    visit.started()
    choose(visit, level)
    assert visit.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not violations(visit.page, "#panel-arithmetic")
