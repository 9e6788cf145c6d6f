"""A large network on the live page: maps of its numbers, the paths of one, practice."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, explain, mlp
from tests.explorer.conftest import Open, Visit, violations

NETWORK = mlp(64, 40, 10, activation="tanh", loss="softmax-cross-entropy")
LABELS = "all => all.map(e => e.getAttribute('aria-label'))"
RNG = np.random.default_rng(0)
THETA, X, T = NETWORK.initialize(0), RNG.random((8, 64)), RNG.integers(0, 10, 8)


@pytest.fixture(scope="module")
def shared(open_shared: Open) -> Visit:
    example = explain(NETWORK, THETA, X, T, SGD(0.1), level="summary")
    visit = open_shared(example.to_html(), reduced_motion="reduce")
    visit.started()
    return visit


@pytest.fixture
def live(shared: Visit) -> Iterator[Visit]:
    shared.page.get_by_role("tab", name="Arithmetic").click()
    yield shared
    assert shared.faults == []


def map_of(visit: Visit, name: str) -> Any:
    return visit.page.locator(f'#live .map[aria-label^="{name},"]')


def test_there_is_a_map_of_every_array_with_the_size_of_its_full_color(live: Visit) -> None:
    names = [label.split(",")[0] for label in live.page.locator("#live .map").evaluate_all(LABELS)]
    assert names == ["inputs", "W1", "b1", "layer1", "W2", "b2", "layer2", "targets"]
    largest = f"±{np.abs(NETWORK.params(THETA)[0]['W']).max():.4g}"
    assert largest in map_of(live, "W1").text_content()
    assert "all 0" in map_of(live, "b1").text_content()
    assert "below 0" in live.page.locator("#live .network-picture").text_content()
    assert not violations(live.page, "#live .picture")


def test_the_paths_of_a_weight_are_framed_and_add_to_its_derivative(live: Visit) -> None:
    press = live.page.keyboard.press
    map_of(live, "W1").focus()
    for key in (*["ArrowDown"] * 3, *["ArrowRight"] * 5, "Enter"):
        press(key)
    framed = live.page.locator("#live .map:has(.path:not([style*='none']))").evaluate_all(LABELS)
    assert [label.split(",")[0] for label in framed] == [
        *("inputs", "W1", "layer1", "W2", "layer2", "targets")
    ]
    one = NETWORK.loss_and_gradient(THETA, X[:1], T[:1])[1] / len(X)
    wanted = NETWORK.params(one)[0]["W"][3, 5]
    words = live.page.locator("#live .paths").inner_text().replace("−", "-")
    assert f"Sum: {wanted:.4g}" in words
    assert "and 6 further paths" in words


def test_a_weight_and_a_bias_are_changed_by_keyboard(live: Visit) -> None:
    press = live.page.keyboard.press
    map_of(live, "b1").focus()
    press("ArrowDown")
    press("e")
    live.page.keyboard.type("0.5")
    press("Enter")
    assert "b1[1] = 0.5" in map_of(live, "b1").get_attribute("aria-label")
    theta = THETA.copy()
    NETWORK.params(theta)[0]["b"][1] = 0.5
    where = live.page.locator("#live .where").inner_text()
    loss = float(NETWORK.loss_and_gradient(theta, X, T)[0])
    assert float(where.split(" = ")[1].split(" ")[0]) == pytest.approx(loss, rel=1e-7)
    live.page.keyboard.press("Control+z")
    assert "b1[1] = 0" in map_of(live, "b1").get_attribute("aria-label")


def test_practice_asks_numbers_of_the_chosen_unit(live: Visit) -> None:
    press = live.page.keyboard.press
    map_of(live, "layer1").focus()
    press("ArrowDown")
    press("Enter")
    live.page.get_by_role("tab", name="Practice").click()
    live.page.get_by_label("Hide").select_option("backward")
    live.page.get_by_role("button", name="Start", exact=True).click()
    panel = live.page.locator("#panel-practice")
    gradient = NETWORK.params(NETWORK.loss_and_gradient(THETA, X, T)[1])[0]
    asked: list[str] = []
    while panel.locator(".score").is_visible():
        name = panel.locator("form:not([hidden]) label").first.inner_text().removesuffix(" =")
        asked.append(name)
        if name == "db1[1]":
            live.page.keyboard.type(f"{gradient['b'][1]:.4g}")
            press("Enter")
        else:
            for _ in range(4):
                panel.get_by_role("button", name="Hint").click()
    assert "db1[1]" in asked
    assert "delta1[0,1]" in asked
    assert len(asked) == 5
    assert "1 right" in panel.locator(".says").inner_text()


def test_a_stage_without_such_numbers_says_so(live: Visit) -> None:
    map_of(live, "layer1").focus()
    live.page.keyboard.press("Enter")
    live.page.get_by_role("tab", name="Practice").click()
    live.page.get_by_label("Hide").select_option("error")
    live.page.get_by_role("button", name="Start", exact=True).click()
    assert "choose another stage" in live.page.locator("#panel-practice .says").inner_text()
