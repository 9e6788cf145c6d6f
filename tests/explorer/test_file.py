"""The live page as a file in a real browser: without a network, without a script, in a notebook."""

import json
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import NOTATIONS, PROBLEMS, Custom, explain, explain_problem, explore, mlp, problem
from chainrule.explorer.build import script
from chainrule.explorer.packing import packed
from chainrule.pages.live_page import HEIGHT
from tests.explorer.conftest import STARTED, Open, Visit, html_of, violations
from tests.explorer.test_build import HOSTILE
from tests.rows import few_rows, more


@pytest.fixture(scope="module")
def live() -> str:
    return html_of("mazur")


NOTATION_OF = dict(zip(PROBLEMS, cycle(NOTATIONS), strict=False))


@pytest.mark.parametrize("name", few_rows(PROBLEMS))
def test_the_page_starts_from_a_file_and_asks_for_nothing(open_page: Open, name: str):
    visit = open_page(explain_problem(problem(name), notation=NOTATION_OF[name]).to_html())
    visit.started()
    assert visit.faults == []
    assert visit.requests == []


# the default run looks at the instrument only, in test_live.py and test_teaching.py
@pytest.mark.full_only
@pytest.mark.parametrize("colors", ["dark", "light"])
def test_axe_finds_nothing_when_the_page_has_started(open_page: Open, live: str, colors: str):
    visit = open_page(live, color_scheme=colors)
    visit.started()
    assert violations(visit.page) == []
    assert visit.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_changed_script_does_not_run(open_page: Open, live: str):
    changed = live.replace(packed(script()), packed("document.title = 'changed';"))
    assert changed != live
    visit = open_page(changed)
    visit.page.wait_for_function("() => window.violations?.some((one) => one.startsWith('script'))")
    assert visit.page.title() == problem("mazur").title


def test_without_a_script_the_page_is_complete_and_the_script_does_not_change_it(
    open_page: Open, live: str
):
    visit = open_page(live, java_script_enabled=False)
    assert not visit.page.locator("#live").is_visible()
    shown = visit.page.locator(".quantity .result").count()
    static = explain_problem(problem("mazur")).to_html(static=True)
    assert shown == static.count('class="line result"') > 40
    text = visit.page.locator("main").text_content()
    assert text.count("0.082167041") > 0
    with_script = open_page(live)
    with_script.started()
    assert with_script.evaluate("document.querySelector('main').textContent") == text


def test_hostile_texts_do_not_run(open_page: Open):
    network = mlp(1, 1, activation="tanh", loss="squared-error")
    options = {name: value for one in HOSTILE.values() for name, value in one.items()}
    page = explain(network, [1.0, 0.0], [0.5], [0.0], **options).explore()
    for html in (page.to_html(), page._repr_html_()):
        visit = open_page(html)
        assert visit.faults == []
        assert visit.requests == []
        assert visit.page.locator("img").count() == 0


def test_a_function_that_the_page_cannot_compute_is_named(open_page: Open):
    network = mlp(1, 1, activation=Custom("arctan", np.arctan), loss="squared-error")
    visit = open_page(explain(network, [1.0, 0.0], [0.5], [0.0]).to_html())
    visit.started()
    assert "cannot compute" in visit.page.locator("#live").inner_text()
    assert visit.faults == []


# ---- in a notebook ------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["cell", more("exported")])
def cell(request: pytest.FixtureRequest, open_shared: Open) -> Visit:
    """Return a page with what a notebook shows: the output itself, or exported by nbconvert."""
    if request.param == "cell":
        return open_shared(explore("mazur")._repr_html_())
    return open_shared(request.getfixturevalue("exported"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a notebook that shows a live page, exported as HTML by nbconvert."""
    pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "page.ipynb").write_text(json.dumps(notebook()), encoding="utf-8")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "page.ipynb"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return Path(folder, "page.html").read_text(encoding="utf-8")


def notebook() -> dict[str, Any]:
    """Return a notebook of one cell as Jupyter saves it after it has run."""
    page = explore("mazur")
    data = {"text/html": page._repr_html_(), "text/plain": repr(page)}
    output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "id": "a",
        "metadata": {},
        "source": "chainrule.explore('mazur')",
        "outputs": [output],
    }
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_a_notebook_shows_the_live_page_in_a_frame_without_access_to_it(cell: Visit):
    (inner,) = cell.page.main_frame.child_frames
    inner.wait_for_selector(STARTED, state="attached")
    assert inner.locator(".quantity").count() > 40
    assert cell.page.locator("iframe").get_attribute("title") == problem("mazur").title
    assert inner.evaluate("origin") == "null"
    assert inner.evaluate("(() => { try { parent.document } catch (e) { return e.name } })()") == (
        "SecurityError"
    )
    assert not [fault for fault in cell.faults if "violation" in fault]


def test_links_inside_the_frame_work(cell: Visit):
    (inner,) = cell.page.main_frame.child_frames
    link = inner.locator("nav a").last
    link.click()
    inner.wait_for_function("scrollY > 0")  # the browser follows a link when it gets to it
    assert 0 <= inner.locator(link.get_attribute("href")).bounding_box()["y"] < HEIGHT
    assert inner.locator("main").count() == 1
