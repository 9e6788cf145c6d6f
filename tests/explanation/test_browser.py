"""The page in a real browser: its layout, accessibility and keyboard control.

It is launched once; what the page says is tested elsewhere.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, explain, mlp, problem
from chainrule.explanation import explain_problem

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

RULES: dict[str, Any] = {
    "resultTypes": ["violations"]
}  # all rules, but only violations are collected
SAME_COLORS = {**RULES, "rules": {"color-contrast": {"enabled": False}}}  # the slowest rule
VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 800}},
}


def examples():
    """Return an example of each level."""
    rng = np.random.default_rng(0)
    wide = mlp(784, 24, 10, activation="relu", loss="softmax-cross-entropy")
    batch = mlp(1, 1, 2, activation="tanh", loss="softmax-cross-entropy")
    middle = mlp(11, 13, 2, activation="tanh", loss="squared-error")
    x, t = rng.random((8, 784)), rng.integers(0, 10, 8)
    theta = wide.initialize(0)
    return {
        "mazur": explain_problem(problem("mazur")),
        "batch": explain(batch, batch.initialize(0), x[:2, :1], [0, 1], notation="nielsen"),
        "matrices": explain(
            middle, middle.initialize(0), x[:3, :11], rng.random((3, 2)), level="matrices"
        ),
        "summary": explain(wide, theta, x, t, SGD(0.1)),
        "parameter": explain(wide, theta, x[:1], t[:1], parameter="W1[5,300]"),
    }


NAMES = ("mazur", "batch", "matrices", "summary", "parameter")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory) -> dict[str, str]:
    """Return the addresses of pages in files."""
    folder = tmp_path_factory.mktemp("pages")
    for name, example in examples().items():
        (folder / f"{name}.html").write_text(example.to_html(static=True), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in NAMES}


@pytest.fixture
def mazur(browser, addresses) -> Iterator[Any]:
    """Return the 2-2-2 example on a wide, light screen."""
    page = browser.new_page(**VIEWS["light"])
    page.goto(addresses["mazur"])
    yield page
    page.close()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("mazur", marks=pytest.mark.full_only),  # the batch has all that it has
        pytest.param("batch", marks=pytest.mark.full_only),  # slow
        pytest.param("matrices", marks=pytest.mark.full_only),
        pytest.param("summary", marks=pytest.mark.full_only),
        "parameter",
    ],
)
def test_axe_finds_nothing_and_the_page_asks_for_nothing(browser, addresses, name):
    page = browser.new_page(**VIEWS["light"])
    faults, asked = [], []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(addresses[name])
    for view, settings in VIEWS.items():  # of one page, because loading it takes longest
        page.emulate_media(color_scheme=settings["color_scheme"])
        page.set_viewport_size(settings["viewport"])
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= settings["viewport"]["width"], f"the page scrolls sideways ({view})"
        assert not violations(page, SAME_COLORS if view == "narrow" else RULES), view
    page.close()
    assert asked == [addresses[name]]
    assert not faults


def violations(page: Any, rules: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """Return the names of the rules that a page violates, and where."""
    found = axe.Axe().run(page, options=rules).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]


def test_no_line_of_numbers_is_cut_off_on_a_narrow_screen(browser, addresses):
    page = browser.new_page(**VIEWS["narrow"])
    page.goto(addresses["batch"])
    cut = page.evaluate(
        "[...document.querySelectorAll('.set:not(.wide)')].filter("
        "e => e.getBoundingClientRect().right > innerWidth).map(e => e.textContent)"
    )
    page.close()
    assert not cut


def test_dark_is_dark(browser, addresses):
    seen = {}
    for name in ("light", "dark"):
        page = browser.new_page(**VIEWS[name])
        page.goto(addresses["mazur"])
        style = "getComputedStyle(document.body)"
        seen[name] = page.evaluate(f"[{style}.backgroundColor, {style}.color]")
        page.close()
    ground, ink = (
        {name: sum(map(int, colors[i][4:-1].split(","))) for name, colors in seen.items()}
        for i in (0, 1)
    )
    assert ground["dark"] < 150
    assert ground["light"] > 600
    assert ink["dark"] > 600
    assert ink["light"] < 150


def test_keys_reach_the_skip_link_the_contents_and_the_picture(mazur):
    def focused(what: str) -> Any:
        return mazur.evaluate(f"document.activeElement.{what}")

    mazur.keyboard.press("Tab")
    assert focused("textContent") == "Skip to the content"
    assert focused("getBoundingClientRect().top") >= 0
    mazur.keyboard.press("Enter")
    assert focused("tagName") == "MAIN"
    mazur.keyboard.press("Tab")
    assert focused("tagName") == "FIGURE"
    mazur.locator(".skip").focus()
    mazur.keyboard.press("Tab")
    assert focused("textContent") == "Given"
    mazur.keyboard.press("Enter")
    mazur.wait_for_url("**#step-1-given")  # the browser follows a link when it gets to it


def test_a_number_has_an_address_of_its_own(mazur, addresses):
    mazur.goto(f"{addresses['mazur']}#step-1-dW2-0-0")
    top = mazur.locator("#step-1-dW2-0-0").bounding_box()["y"]
    assert 0 <= top < 900


def test_a_copied_line_is_text_that_python_reads(mazur):
    text = mazur.evaluate(
        "() => { const range = document.createRange();"
        "range.selectNode(document.querySelector('#step-1-a1-0'));"
        "getSelection().addRange(range); return getSelection().toString() }"
    )
    assert "1 / (1 + exp(-0.3775))" in text.splitlines()
    assert "out_h1" in text.splitlines()


def test_a_small_page_draws_what_the_outline_has(mazur):
    assert mazur.locator(".quantity:visible").count() > 40
    for math in mazur.locator(".numbers math").all()[:20]:
        box = math.bounding_box()
        assert box["width"] > 5
        assert box["height"] > 5


def test_on_paper_there_is_no_navigation(mazur):
    mazur.emulate_media(media="print")
    assert not mazur.locator("nav").is_visible()
    assert not mazur.locator(".skip").is_visible()
    assert mazur.locator("main").is_visible()
    assert (
        mazur.evaluate("getComputedStyle(document.querySelector('.quantity')).breakInside")
        == "avoid"
    )
