"""Tests of the README's picture, which the live page draws."""

from tests.explorer.conftest import Open, html_of
from tools.picture import FILE, FRAMES, drawn


def test_the_committed_picture_is_up_to_date(open_page: Open):
    visit = open_page(html_of("mazur"))
    visit.started()
    assert FILE.read_text(encoding="utf-8") == drawn(visit.page), "run: python -m tools.picture"


def test_without_animation_the_picture_shows_one_place_of_the_step(open_page: Open):
    visit = open_page(FILE.read_text(encoding="utf-8"), reduced_motion="reduce")
    texts = visit.evaluate(
        "[...document.querySelectorAll('.says')]"
        ".filter((e) => e.checkVisibility({ visibilityProperty: true })).map((e) => e.textContent)"
    )
    assert texts == ["Backward pass: δ_h2 = 0.009954255"]


def test_each_frame_of_the_picture_has_its_own_words(open_page: Open):
    visit = open_page(FILE.read_text(encoding="utf-8"))
    words = visit.evaluate("[...document.querySelectorAll('.says')].map((e) => e.textContent)")
    assert len(set(words)) == len(words) == len(FRAMES)
