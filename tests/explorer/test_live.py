"""The instrument in a real browser: picture, steps, arithmetic, keys; numbers as the engine's."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import NOTATIONS, SGD, explain, explain_problem, mlp, problem
from tests.explorer.conftest import Open, Visit, html_of, violations
from tests.rows import few_rows

UNITS = ("quantity", "sample", "stage", "update", "epoch")
CHOSEN = "#live .network-picture .chosen"


@pytest.fixture(scope="module")
def mazur() -> Any:
    return explain_problem(problem("mazur"))


@pytest.fixture
def live(open_page: Open) -> Iterator[Visit]:
    """Return the 2-2-2 example, without moving parts; afterwards nothing may have gone wrong."""
    visit = open_page(html_of("mazur"), reduced_motion="reduce")
    visit.started()
    yield visit
    assert visit.faults == []
    assert visit.requests == []


def step_by(visit: Visit, unit: str) -> None:
    visit.page.get_by_label("by", exact=True).select_option(unit)


def said(visit: Visit) -> str:
    return visit.page.locator("#live .player .says").inner_text()


def part(visit: Visit, name: str) -> Any:
    """Return the part of the picture whose spoken name begins like this."""
    return visit.page.locator(f'#live [role="graphics-symbol"][aria-label^="{name} ="]')


def weight(visit: Visit, name: str) -> Any:
    """Return the name and number of a weight, which stand on its line."""
    return visit.page.locator("#live .over").filter(has_text=re.compile(rf"(^|\W|\d){name} "))


def numbers(mazur: Any) -> dict[str, str]:
    """Return the numbers of the first step as they are printed, by plain name."""
    step = mazur.to_dict()["steps"][0]
    return {q["name"]: q["shown"] for q in step["quantities"]}


def test_every_number_that_a_step_says_is_the_engine_s_in_the_order_of_the_page(
    live: Visit, mazur: Any
):
    live.page.get_by_role("button", name="Step").focus()
    found: dict[str, str] = {}
    while "update, number" not in (where := live.page.locator("#live .where").inner_text()) or (
        re.search(r"number (\d+) of \1$", where) is None
    ):
        live.page.keyboard.press("l")
        name, _, number = said(live).rpartition(" = ")
        found[name] = number.replace("−", "-")
    known = numbers(mazur)
    compared = [name for name in found if name in known]
    assert len(compared) > 40
    assert {n: found[n] for n in compared} == {n: known[n] for n in compared}
    assert compared == [name for name in known if name in found]


def test_the_spoken_names_of_the_picture_have_the_engine_s_numbers(live: Visit, mazur: Any):
    labels = live.page.locator('#live [role="graphics-symbol"]').evaluate_all(
        "all => all.map(e => e.getAttribute('aria-label'))"
    )
    shown = dict(one.split(" = ") for label in labels for one in label.split(", "))
    known = numbers(mazur)
    assert len(shown) > 30
    for name in shown.keys() & known.keys():
        assert shown[name].replace("−", "-") == known[name], name
    assert len(shown.keys() & known.keys()) > 15


@pytest.mark.parametrize("unit", few_rows(UNITS))
def test_steps_lead_forward_and_back(live: Visit, unit: str):
    where = live.page.locator("#live .where")
    step_by(live, unit)
    step, back = (
        live.page.get_by_role("button", name=name, exact=True) for name in ("Step", "Back")
    )
    step.click()
    first = where.inner_text()
    step.click()
    assert where.inner_text() != first
    back.click()
    assert where.inner_text() == first


def test_reset_is_the_same_start_again_and_the_slider_goes_back(live: Visit):
    where = live.page.locator("#live .where")
    start = where.inner_text()
    step_by(live, "update")
    for _ in range(3):
        live.page.get_by_role("button", name="Step").click()
    third = where.inner_text()
    slider = live.page.get_by_label("Update of the run")
    slider.focus()
    live.page.keyboard.press("ArrowLeft")
    assert where.inner_text().startswith("Update 2 ")
    live.page.keyboard.press("ArrowRight")
    assert where.inner_text() == third
    live.page.get_by_role("button", name="Reset").click()
    assert where.inner_text() == start


@pytest.mark.full_only
def test_playing_makes_updates_until_it_is_paused(live: Visit):
    step_by(live, "update")
    live.page.get_by_role("button", name="Play").click()
    live.page.locator("#live .where").filter(
        has_text=re.compile(r"Update ([2-9]\d|\d{3,})")
    ).wait_for()
    live.page.get_by_role("button", name="Pause").click()
    assert live.page.get_by_role("button", name="Play").count() == 1


def test_pointing_at_a_weight_lights_every_path_and_the_products_add_to_its_gradient(
    live: Visit, mazur: Any
):
    weight(live, "w1").hover()
    lit = live.page.locator("#live .network-picture .edge").evaluate_all(
        "all => all.filter(e => e.parentNode.classList.contains('lit')).length"
    )
    assert lit == 3  # w1, and the two lines from its unit
    words = live.page.locator("#live .paths")
    total = float(words.locator("strong").last.inner_text().replace("−", "-"))
    gradient = float(numbers(mazur)["∂E/∂w1"])
    assert total == pytest.approx(gradient, rel=1e-3)
    assert words.locator("li").count() == 2


def test_the_arithmetic_of_a_weight_has_formula_numbers_and_numerical_derivative(live: Visit):
    weight(live, "w5").click()
    panel = live.page.get_by_role("tabpanel", name="Arithmetic")
    assert "numerically 0.082167041 ✓ agrees" in panel.inner_text()
    panel.get_by_role("button", name="out_h1 = 0.593269992").first.click()
    assert live.page.locator(CHOSEN).first.get_attribute("aria-label").startswith("out_h1 =")
    panel.get_by_role("button", name="Copy as LaTeX").click()
    assert r"\mathrm" in panel.get_by_label("The copied text").input_value() or (
        "out" in panel.get_by_label("The copied text").input_value()
    )


@pytest.mark.parametrize("notation", few_rows(NOTATIONS))
def test_names_change_with_the_notation(live: Visit, notation: str):
    live.page.get_by_label("Notation").select_option(notation)
    other = explain_problem(problem("mazur"), notation=notation)
    names = {q["name"] for q in other.to_dict()["steps"][0]["quantities"]}
    labels = live.page.locator('#live [role="graphics-symbol"]').evaluate_all(
        "all => all.map(e => e.getAttribute('aria-label').split(' = ')[0])"
    )
    assert len(set(labels) & names) >= 4


def test_a_line_of_the_page_lights_its_counterpart(live: Visit):
    live.page.locator("#step-1-dW2-0-0").hover()
    assert live.page.locator("#live .network-picture .edge").evaluate_all(
        "all => all.filter(e => e.parentNode.classList.contains('chosen')).length"
    )
    live.page.locator("#step-1-dW2-0-0").click()
    weight(live, "w5").hover()
    panel = live.page.get_by_role("tabpanel", name="Arithmetic")
    assert "0.082167041" in panel.inner_text()


def test_the_keyboard_alone_goes_through_the_network_and_opens_the_arithmetic(live: Visit):
    press, spoken = live.page.keyboard.press, "document.activeElement.getAttribute('aria-label')"
    for _ in range(40):
        press("Tab")
        if live.evaluate("document.activeElement.matches('.network-picture g')"):
            break
    seen = [live.evaluate(spoken)]
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "End"):
        press(key)
        seen.append(live.evaluate(spoken))
    names = [label.split(" = ")[0] for label in seen]
    assert names[:2] == ["i1", "w1"]
    assert len(set(names)) == 5
    press("Home")
    press("ArrowRight")
    press("Enter")
    assert live.evaluate("document.activeElement.id") == "panel-arithmetic"
    press("Escape")
    assert live.evaluate(spoken).startswith("w1 =")
    press("?")
    assert live.page.get_by_role("dialog", name="Keys").is_visible()
    press("Escape")
    assert not live.page.get_by_role("dialog", name="Keys").is_visible()


@pytest.mark.full_only
def test_keys_do_nothing_outside_of_the_instrument(live: Visit):
    live.page.locator("#content").focus()
    before = live.page.locator("#live .where").inner_text()
    live.page.keyboard.press("l")
    assert live.page.locator("#live .where").inner_text() == before


@pytest.mark.parametrize("colors", ["light", pytest.param("dark", marks=pytest.mark.full_only)])
def test_axe_finds_nothing_in_the_middle_of_the_backward_pass(
    open_page: Open, full: bool, colors: str
):
    visit = open_page(html_of("mazur"), color_scheme=colors, reduced_motion="reduce")
    visit.started()
    visit.page.get_by_role("button", name="Step").focus()
    for _ in range(24):
        visit.page.keyboard.press("l")
    visit.page.locator("#live .numbers-table summary").click()
    visit.page.locator("#live .numbers-table td").first.wait_for()
    assert visit.page.locator("#live .numbers-table td").count() > 30
    assert violations(visit.page, None if full else "#live") == []
    assert visit.faults == []


@pytest.mark.full_only  # as the panels in test_learning.py
@pytest.mark.parametrize("width", [360, 640])
def test_a_narrow_screen_does_not_scroll_sideways(open_page: Open, width: int):
    visit = open_page(html_of("mazur"), viewport={"width": width, "height": 800})
    visit.started()
    weight(visit, "w1").click()
    assert visit.evaluate("document.documentElement.scrollWidth") <= width
    picture = visit.page.locator("#live .picture").bounding_box()
    visit.page.locator("#panel-arithmetic").scroll_into_view_if_needed()
    assert picture["width"] <= width


@pytest.mark.full_only
def test_a_large_network_is_maps_of_which_one_number_is_chosen(open_page: Open):
    network = mlp(64, 32, 10, activation="relu", loss="softmax-cross-entropy")
    rng = np.random.default_rng(0)
    example = explain(
        network, network.initialize(0), rng.random((4, 64)), [1, 2, 3, 4], SGD(0.1), level="summary"
    )
    visit = open_page(example.to_html())
    visit.started()
    maps = visit.page.locator("#live .map")
    assert maps.count() == 8
    maps.nth(1).focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        visit.page.keyboard.press(key)
    label = maps.nth(1).get_attribute("aria-label")
    weight = network.initialize(0)[64 + 1]
    assert float(label.split(" = ")[-1].replace("−", "-")) == pytest.approx(weight, rel=1e-3)
    maps.nth(4).click()
    shown = visit.page.locator("#panel-arithmetic").inner_text()
    name = maps.nth(4).get_attribute("aria-label").split("; ")[1].split(" = ")[0]
    assert name.startswith("W2[")
    assert name != "W2[0,0]"
    assert name in shown.replace(" ", "")
    maps.nth(1).focus()
    visit.page.keyboard.press("Enter")
    assert "W1[1,1]" in visit.page.locator("#panel-arithmetic").inner_text().replace(" ", "")
    assert visit.faults == []
