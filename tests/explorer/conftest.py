"""Opens pages in the browser, and observes what they do there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

STARTED = "#live:not([hidden])"
# Runs in every frame before its own scripts.
LISTENER = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`violation: ${event.effectiveDirective} ${event.blockedURI}`);
  (window.violations ??= []).push(event.effectiveDirective);
});
"""


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


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens HTML text from a file, without a network."""
    yield from opener(browser, tmp_path)


@pytest.fixture(scope="module")
def open_shared(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Return the same for pages that the tests of a module share."""
    yield from opener(browser, tmp_path_factory.mktemp("pages"))


def opener(browser: Any, folder: Path) -> Iterator[Open]:
    """Yield a function that opens HTML text; afterwards close what it opened."""
    contexts: list[Any] = []

    def open_it(html: str, *, fragment: str = "", **settings: Any) -> Visit:
        path = folder / f"page-{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        settings.setdefault("viewport", {"width": 1280, "height": 900})
        contexts.append(browser.new_context(**settings))
        contexts[-1].add_init_script(LISTENER)
        contexts[-1].set_default_timeout(10_000)
        visit = Visit(contexts[-1].new_page())
        observe(visit, path.as_uri())
        visit.page.goto(path.as_uri() + fragment)
        return visit

    yield open_it
    for context in contexts:
        context.close()


def observe(visit: Visit, address: str) -> None:
    """Note errors, dialogs and requests of a page, and let no request through."""

    def route(asked: Any) -> None:
        if asked.request.url.partition("#")[0] == address:
            asked.continue_()
        else:
            visit.requests.append(asked.request.url)
            asked.abort()

    def refuse(dialog: Any) -> None:
        visit.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page = visit.page
    page.route("**/*", route)
    page.on("dialog", refuse)
    page.on("pageerror", lambda error: visit.faults.append(str(error)))
    page.on(
        "console",
        lambda message: message.type in {"error", "warning"} and visit.faults.append(message.text),
    )


def violations(page: Any, place: str | None = None) -> list[tuple[str, list[Any]]]:
    """Return the accessibility rules that a page, or one element of it, violates, and where."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    found = (
        axe.Axe()
        .run(page, context=place, options={"resultTypes": ["violations"]})
        .response["violations"]
    )
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]
