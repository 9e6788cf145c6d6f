"""Numbers are changed in the picture, in a real browser; the engine computes the same."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import problem
from tests.explorer.conftest import Open, Visit, html_of, violations
from tests.explorer.test_learning import choose_preset, cost, drag, model
from tests.rows import few_rows

# The number, the part of the picture that shows it, and where the saved state has it.
GIVEN: dict[str, tuple[str, Any]] = {
    "w1": ("w1", lambda m: m["theta"][0]),
    "b_h2": ("b_h2", lambda m: m["theta"][5]),
    "i2": ("i2", lambda m: m["data"]["x"][0][1]),
    "target_o1": ("target_o1", lambda m: m["data"]["t"][0][0]),
    "the bias of a unit": ("out_h1", lambda m: m["theta"][4]),
}
FOCUSED = "document.activeElement.getAttribute('aria-label') ?? ''"


@pytest.fixture(scope="module")
def shared(open_shared: Open) -> Visit:
    visit = open_shared(html_of("mazur"), reduced_motion="reduce")
    visit.started()
    return visit


@pytest.fixture
def live(shared: Visit) -> Iterator[Visit]:
    """Return the 2-2-2 example as it was; afterwards nothing may have gone wrong."""
    choose_preset(shared, "mazur")
    shared.page.get_by_role("tab", name="Arithmetic").click()
    yield shared
    assert shared.faults == []


def part(visit: Visit, name: str) -> Any:
    return visit.page.locator(f'#live [role="graphics-symbol"][aria-label^="{name} ="]')


def engine_cost(state: dict[str, Any]) -> float:
    """Return the engine's loss of the 2-2-2 network with the numbers of a saved state."""
    data = state["data"]
    network = problem("mazur").network
    theta = np.array(state["theta"])
    return float(network.loss_and_gradient(theta, data["x"], data["t"])[0])


@pytest.mark.parametrize("what", few_rows(GIVEN, "w1"))
def test_a_number_is_typed_and_moved_by_keys_where_it_is_drawn(live: Visit, what: str) -> None:
    name, value = GIVEN[what]
    press = live.page.keyboard.press
    part(live, name).focus()
    press("e")
    live.page.keyboard.type("0,25")
    press("Enter")
    assert live.evaluate(FOCUSED).startswith(f"{name} =")  # the focus is in the picture again
    assert live.page.locator(".editor").count() == 0
    state = model(live)
    assert value(state) == 0.25
    assert cost(live) == pytest.approx(engine_cost(state), rel=1e-8)
    part(live, name).focus()
    press("Alt+ArrowUp")
    press("Alt+Shift+ArrowDown")
    press("F2")
    press("ArrowUp")  # in the field
    press("Escape")
    assert live.evaluate(FOCUSED).startswith(f"{name} =")
    assert value(model(live)) == pytest.approx(0.25 - 0.05 * 8)
    live.page.locator("#live .history button").first.click()
    assert value(model(live)) == pytest.approx(0.25 - 0.05 * 9)


def test_a_number_is_dragged_and_a_movement_is_undone_as_one(live: Visit) -> None:
    label = live.page.locator("#live .over .value").first
    assert label.text_content() == "w1 0.15"
    drag(live, label, 40)
    assert label.text_content() == "w1 0.65"
    live.page.locator("#live .history button").first.click()
    assert label.text_content() == "w1 0.15"


def test_a_double_click_opens_the_field_and_leaving_it_takes_the_number(live: Visit) -> None:
    part(live, "target_o2").dblclick()
    field = live.page.get_by_role("spinbutton", name="target_o2", exact=True)
    assert not violations(live.page, "#live .editor")
    field.fill("0.5")
    live.page.get_by_role("tab", name="Arithmetic").click()
    assert field.count() == 0
    assert model(live)["data"]["t"] == [[0.01, 0.5]]


def test_what_is_not_possible_is_refused_in_a_sentence(live: Visit) -> None:
    before = model(live)
    part(live, "w1").focus()
    live.page.keyboard.press("e")
    live.page.keyboard.type("abc")
    live.page.keyboard.press("Enter")
    said = live.page.locator("#live .picture [role=alert]").inner_text()
    assert said == "w1: “abc” is not a number; type one such as 0.25."
    live.page.keyboard.press("Escape")
    assert model(live) == before


def test_keys_of_the_player_work_in_the_picture(live: Visit) -> None:
    part(live, "w1").focus()
    live.page.keyboard.press("3")
    assert live.page.get_by_label("by", exact=True).input_value() == "stage"
    assert live.page.locator(".editor").count() == 0
    live.page.keyboard.press("1")
