"""Where the instrument and the page stand: the picture stays in view beside the mathematics."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chainrule import LBFGS, explain, problem
from tests.explorer.conftest import Open, Visit, html_of

DRAWN = "getComputedStyle(document.querySelector('main figure:has(.cr-picture)')).display"


@pytest.fixture(scope="module")
def shared(open_shared: Open) -> Visit:
    visit = open_shared(html_of("mazur"))
    visit.started()
    return visit


@pytest.fixture
def mazur(shared: Visit) -> Iterator[Visit]:
    """Return the 2-2-2 example on a screen, at the top of the page."""
    shared.evaluate("scrollTo(0, 0)")
    yield shared
    shared.page.emulate_media(media="null")


def test_the_picture_and_the_player_stay_in_view(mazur: Visit) -> None:
    line = mazur.page.locator("main .quantity").nth(40)
    line.scroll_into_view_if_needed()
    assert mazur.evaluate("scrollY") > 2000
    boxes = [mazur.page.locator(part).bounding_box() for part in (".network-picture", ".player")]
    here = line.bounding_box()
    assert here is not None
    for box in boxes:
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900
    assert boxes[0]["x"] + boxes[0]["width"] <= here["x"]


def test_on_paper_there_is_the_page_with_its_own_picture_and_without_the_live_part(
    mazur: Visit,
) -> None:
    assert mazur.evaluate(DRAWN) == "none"
    mazur.page.emulate_media(media="print")
    assert mazur.evaluate(DRAWN) != "none"
    assert not mazur.page.locator("#live").is_visible()
    assert mazur.page.locator("main").is_visible()


def test_a_heading_that_is_followed_is_not_below_the_player(mazur: Visit) -> None:
    mazur.page.get_by_role("link", name="Backward pass", exact=True).click()
    heading = mazur.page.locator("main h2, main h3").filter(has_text="Backward pass").first
    player, box = mazur.page.locator(".player").bounding_box(), heading.bounding_box()
    assert player is not None
    assert box is not None
    assert box["y"] >= player["y"] + player["height"] - 1


def test_an_optimizer_without_equations_is_said(open_page: Open) -> None:
    visit = open_page(explain(replace(problem("mazur"), optimizer=LBFGS())).explore().to_html())
    visit.started()
    assert "L-BFGS chooses its step" in visit.page.locator(".player .fault").inner_text()


def test_numbers_that_a_mistake_changes_are_marked(mazur: Visit) -> None:
    mazur.page.get_by_role("tab", name="Mistakes").click()
    mazur.page.get_by_label("Switch a mistake on").select_option("not-transposed")
    changed = mazur.page.locator(".network-picture text.changed").all_text_contents()
    assert "δ 0.009231 ≠" in changed
    assert all(text.endswith(" ≠") for text in changed)
    mazur.page.get_by_role("button", name="Switch the mistake off").click()
    assert mazur.page.locator(".network-picture text.changed").count() == 0
