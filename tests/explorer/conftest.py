"""Opens pages in the browser, and observes what they do there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chainrule import explain_problem, problem

STARTED = "#live:not([hidden])"
BLANK = "about:blank"
# Runs in every frame before its own scripts.
LISTENER = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`violation: ${event.effectiveDirective} ${event.blockedURI}`);
  (window.violations ??= []).push(event.effectiveDirective);
});
"""
RUN_AXE = """(place) => axe.run(place ?? document, { resultTypes: ["violations"] })
  .then((results) => results.violations)"""


@dataclass
class Visit:
    """A page in the browser, and what it did that it should not."""

    page: Any
    faults: list[str] = field(default_factory=list)  # errors, violations, dialogs
    requests: list[str] = field(default_factory=list)  # besides the file itself

    def started(self) -> None:
        """Wait until the script has filled its part of the page."""
        self.page.wait_for_selector(STARTED, state="attached")

    def evaluate(self, expression: str) -> Any:
        return self.page.evaluate(expression)


Open = Callable[..., Visit]
WIDE = {"width": 1280, "height": 900}


@cache
def html_of(name: str = "mazur") -> str:
    """Return the live page of a problem, which is written once for all tests of a process."""
    return explain_problem(problem(name)).to_html()


@pytest.fixture(scope="session")
def browser_tabs(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Tabs"]:
    """Return the tabs of the browser, which tests use one after the other."""
    opened = Tabs(browser, tmp_path_factory.mktemp("pages"))
    yield opened
    for tab in opened.all():
        tab.page.context.close()


@pytest.fixture
def open_page(browser_tabs: "Tabs") -> Iterator[Open]:
    """Return a function that opens HTML text from a file, without a network."""
    yield from opener(browser_tabs)


@pytest.fixture(scope="module")
def open_shared(browser_tabs: "Tabs") -> Iterator[Open]:
    """Return the same for pages that the tests of a module share."""
    yield from opener(browser_tabs)


def opener(tabs: "Tabs") -> Iterator[Open]:
    """Yield a function that opens HTML text; afterwards give the tabs back."""
    used: list[Tab] = []

    def open_it(html: str, *, fragment: str = "", **settings: Any) -> Visit:
        used.append(tabs.take(settings))
        return used[-1].visit(tabs.address(html) + fragment)

    yield open_it
    for tab in used:
        tab.leave()


@dataclass
class Tabs:
    """The tabs of a browser. A new one costs a process, a new page in one only its loading."""

    browser: Any
    folder: Path
    by_settings: dict[str, list["Tab"]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def all(self) -> list["Tab"]:
        return [tab for some in self.by_settings.values() for tab in some]

    def take(self, settings: dict[str, Any]) -> "Tab":
        """Return a free tab with these settings of its context."""
        known = self.by_settings.setdefault(repr(sorted(settings.items())), [])
        free = next((tab for tab in known if tab.now is None), None)
        if free is None:
            free = Tab(self.browser.new_context(**{"viewport": WIDE, **settings}))
            known.append(free)
        return free

    def address(self, html: str) -> str:
        """Return the address of a file with a text."""
        if html not in self.addresses:
            path = self.folder / f"page-{len(self.addresses)}.html"
            path.write_text(html, encoding="utf-8")
            self.addresses[html] = path.as_uri()
        return self.addresses[html]


class Tab:
    """A tab: it lets no request through, and notes what its page does that it should not."""

    def __init__(self, context: Any) -> None:
        context.add_init_script(LISTENER)
        context.set_default_timeout(10_000)
        self.now: Visit | None = None
        self.page = context.new_page()
        self.page.route("**/*", self._route)
        self.page.on("dialog", self._refuse)
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("console", self._listen)

    def visit(self, address: str) -> Visit:
        """Open a page as in a new tab."""
        self.now = Visit(self.page)
        self.address = address.partition("#")[0]
        self.page.goto(address)
        return self.now

    def leave(self) -> None:
        """Leave the page, so that nothing of it goes on, with what a test may have changed."""
        self.address = BLANK
        self.page.emulate_media(media="null")
        self.page.mouse.move(0, 0)
        self.page.goto(BLANK)
        self.now = None

    def _route(self, asked: Any) -> None:
        if asked.request.url.partition("#")[0] == self.address:
            asked.continue_()
        else:
            assert self.now
            self.now.requests.append(asked.request.url)
            asked.abort()

    def _refuse(self, dialog: Any) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _listen(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self._note(message.text)

    def _note(self, fault: str) -> None:
        if self.now:
            self.now.faults.append(fault)


def violations(page: Any, place: str | None = None) -> list[tuple[str, list[Any]]]:
    """Return the accessibility rules that a page, or one element of it, violates, and where."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    ).Axe()
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.axe_script)
    found = page.evaluate(RUN_AXE, place)
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]
