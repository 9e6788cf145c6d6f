"""Every mistake has a page, and the numbers on it are the engine's."""

import re
from pathlib import Path

import numpy as np
import pytest

from chainrule import MISTAKES, SGD, problem
from chainrule.diagnosis import UNSEEN
from chainrule.engine import wire
from tools.mistake_numbers import Doubles, example
from tools.mistake_pages import page, table, unseen, write

ALONE = Doubles(
    {name: [] for name in MISTAKES}, {name: [] for name in MISTAKES}, dict.fromkeys(MISTAKES, 1)
)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {name: page(mistake, ALONE) for name, mistake in MISTAKES.items()}


def test_every_entry_has_a_page_with_its_text(pages: dict[str, str]):
    for name, mistake in MISTAKES.items():
        assert f"`{name}`" in pages[name]
        assert mistake.wrong in pages[name]
        assert mistake.right in pages[name]


def test_every_entry_with_equations_has_numbers(pages: dict[str, str]):
    for name, mistake in MISTAKES.items():
        assert ("## With numbers" in pages[name]) == bool(mistake.forms), name


def test_the_tables_list_all_entries():
    assert re.findall(r"\(generated/([\w-]+)\.md", table()) == [
        m.id for m in sorted(MISTAKES.values(), key=lambda m: m.number)
    ]
    assert all(f"| {number} |" in unseen() for number in UNSEEN)


def test_the_new_weights_are_the_engines(pages: dict[str, str]):
    net, theta = problem("mazur").network, problem("mazur").theta()
    batch = net.batch(theta, [0.05, 0.1], [0.01, 0.99])
    wrong: dict[str, dict[tuple[str | int, str], str]] = {
        "updated-weights": {(2, "dx"): "delta @ W_new"},
        "raw-error-back": {(2, "dx"): "da @ W"},
        "hidden-slope-missing": {(1, "delta"): "da"},
    }
    for name, replace in wrong.items():
        step = wire(net, theta, batch, SGD(0.5), replace=replace)
        assert f"| {step.arrays['W1']['w_new'][0, 0]:.9g} |" in pages[name]


def test_a_page_recomputes_from_its_own_numbers(pages: dict[str, str]):
    found = re.search(r" = ([-\d.() ·+]+)\n += ([\d.]+) +✗", pages["updated-weights"])
    assert found
    products = (term.split(" · ") for term in found[1].split(" + "))
    value = sum(float(a.strip("()")) * float(b.strip("()")) for a, b in products)
    assert f"{value:.9g}" == found[2]


@pytest.mark.parametrize("name", [m.id for m in MISTAKES.values() if m.forms])
def test_the_example_shows_a_difference(name: str):
    one = example(MISTAKES[name])
    assert one is not None
    with np.errstate(all="ignore"):
        assert list(one.differing())


def test_pages_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tools.mistake_pages.doubles", lambda: ALONE)
    assert write(tmp_path)
    assert not write(tmp_path)
    assert {path.stem for path in tmp_path.glob("*.md")} == {*MISTAKES, "table", "unseen"}
