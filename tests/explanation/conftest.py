"""A browser for the tests of pages."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as started:
        path = found or started.chromium.executable_path
        if not os.path.exists(path):  # noqa: PTH110 (a path that Playwright names)
            pytest.skip("Chromium is not installed")
        launched = started.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()
