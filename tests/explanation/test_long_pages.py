"""Long pages: folded on the screen, with a model of each array open, and whole in print."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chainrule.explanation import WorkedExample, explain_problem
from chainrule.pages import Worked
from chainrule.problems import problem
from tests.rows import few_rows

NAMES = ("softmax", "half-adder", "xor")  # more than a hundred calculations each
SCREEN = {"width": 1280, "height": 800}
MOST_SCREENS = 6
PAPER = {"width": 680, "height": 960}  # a page of A4 between its margins
SEEN = "e => e.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true})"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

needs_pdftotext = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="pdftotext is missing: poppler-utils"
)


@cache
def example_of(name: str) -> WorkedExample:
    return explain_problem(problem(name))


def worked(example: WorkedExample) -> list[Worked]:
    return [item for item in example.page().items if isinstance(item, Worked)]


def anchors_seen(page: Any) -> list[str]:
    """Return the anchors of the calculations that a reader sees."""
    found = page.evaluate(
        f"() => [...document.querySelectorAll('.quantity')].filter({SEEN}).map(e => e.id)"
    )
    return list(found)


@pytest.fixture(params=few_rows(NAMES, "half-adder"))
def example(request) -> WorkedExample:
    return example_of(request.param)


@pytest.fixture
def page(browser, example, tmp_path: Path) -> Iterator[Any]:
    """Return the page of an example in a browser without JavaScript."""
    path = tmp_path / "page.html"
    path.write_text(example.to_html(static=True), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, viewport=SCREEN)
    opened = context.new_page()
    opened.goto(path.as_uri())
    yield opened
    context.close()


# ---- on the screen ------------------------------------------------------------------------------


def test_a_long_page_has_few_screens(page):
    screens = page.evaluate("document.documentElement.scrollHeight") / SCREEN["height"]
    print(f"{screens:.2f} screens of at most {MOST_SCREENS}")
    assert 2 < screens <= MOST_SCREENS


def test_one_number_of_each_array_is_open(page, example):
    first_sample = [item for item in worked(example) if sample(item) in {None, 0}]
    models = {item.quantity.ref[:2]: item.anchor for item in reversed(first_sample)}
    assert sorted(anchors_seen(page)) == sorted(models.values())


def sample(item: Worked) -> int | None:
    """Return the number of a calculation's sample, or None for those of all samples."""
    ref = item.quantity.ref
    return ref.index[0] if ref.sampled else None


def test_each_folded_number_has_a_line_and_unfolds_by_keyboard(page, example):
    summary = page.locator("main > .worked .others > summary").first
    anchor = page.locator("main > .worked .others .quantity").first.get_attribute("id")
    (item,) = (item for item in worked(example) if item.anchor == anchor)
    assert item.quantity.shown.replace("-", "−") in summary.inner_text()
    summary.focus()
    page.keyboard.press("Enter")
    page.locator(f"[id='{anchor}']").wait_for(state="visible")


def test_all_is_expanded_by_keyboard_and_folded_again(page, example):
    folded = anchors_seen(page)
    choice = page.get_by_label("Expand all")
    choice.focus()
    page.keyboard.press("Space")
    assert sorted(anchors_seen(page)) == sorted(item.anchor for item in worked(example))
    page.keyboard.press("Space")
    assert anchors_seen(page) == folded


def test_a_link_to_a_folded_number_unfolds_it(page):
    anchor = page.locator(".sample .others .quantity").last.get_attribute("id")
    page.goto(f"{page.url}#{anchor}")
    page.locator(f"[id='{anchor}']").wait_for(state="visible")


def test_samples_are_columns_of_a_table(page, example):
    page.locator("summary", has_text="All samples, as a table").first.click()
    rows = page.locator(".columns").first.locator("tbody tr").all_inner_texts()
    forward = [item.quantity for item in worked(example) if item.quantity.ref.quantity in "za"]
    samples = 1 + max(q.ref.index[0] for q in forward)
    assert len(rows) * samples == len(forward)
    for row, quantity in zip(rows, forward, strict=False):
        assert quantity.shown.replace("-", "−") in row


def test_nothing_on_a_long_page_scrolls_sideways_or_is_inaccessible(browser, tmp_path):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    path = tmp_path / "page.html"
    path.write_text(example_of("xor").to_html(static=True), encoding="utf-8")
    opened = browser.new_page(viewport=SCREEN)
    opened.goto(path.as_uri())
    for expand in (False, True):
        opened.get_by_label("Expand all").set_checked(expand)
        for width in (SCREEN["width"], 360):
            opened.set_viewport_size({**SCREEN, "width": width})
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
        found = axe.Axe().run(opened, options={"resultTypes": ["violations"]}).response
        assert not [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found["violations"]]
    opened.close()


# ---- in print -----------------------------------------------------------------------------------


@needs_pdftotext
@pytest.mark.parametrize("columns", [1, 2])
def test_every_number_is_printed(page, example, tmp_path, columns):
    page.get_by_label("Print in two columns").set_checked(columns == 2)
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    command = ["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    printed = Counter(NUMBER.findall(text.replace("−", "-")))
    wanted = Counter(n for item in worked(example) for n in NUMBER.findall(item.quantity.shown))
    assert len(wanted) > 50
    assert not wanted - printed


@pytest.mark.parametrize("columns", [1, 2])
def test_no_formula_is_cut_off_or_covers_another_in_print(page, columns):
    page.get_by_label("Print in two columns").set_checked(columns == 2)
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    right = page.evaluate(
        """() => [...document.querySelectorAll('.quantity')].flatMap((e) => {
        const edge = e.getBoundingClientRect().right;
        return [...e.querySelectorAll('math')].map(m => m.getBoundingClientRect().right - edge);
        })"""
    )
    assert len(right) > 500
    assert max(right) <= 1
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PAPER["width"]


def test_two_columns_need_half_the_paper(page):
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    heights = []
    for columns in (1, 2):
        page.get_by_label("Print in two columns").evaluate(f"e => e.checked = {columns} == 2")
        heights.append(page.evaluate("document.documentElement.scrollHeight"))
    assert heights[1] < heights[0] / 2
