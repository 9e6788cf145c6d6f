"""Data, network and learning on the live page, in a real browser; numbers equal the engine's."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    SGD,
    Dense,
    Network,
    Penalty,
    State,
    explain,
    mlp,
)
from chainrule.explorer.tables import tables
from chainrule.initializers import INITIALIZERS
from tests.explorer.conftest import Open, Visit, html_of, violations
from tests.explorer.node import run_node
from tests.rows import few_rows, more

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
NAMES = {n: getattr(chainrule, n) for n in chainrule.__all__} | {
    type(one).__name__: type(one)
    for table in (ACTIVATIONS, LOSSES, OPTIMIZERS, INITIALIZERS)
    for one in table.values()
}


@pytest.fixture(scope="module")
def shared(open_shared: Open) -> Visit:
    """Return the page of the 2-2-2 example, which most of the tests change in turn."""
    visit = open_shared(html_of("mazur"), reduced_motion="reduce")
    visit.started()
    return visit


@pytest.fixture
def live(shared: Visit) -> Iterator[Visit]:
    """Return the page with the 2-2-2 example; afterwards nothing may have gone wrong."""
    choose_preset(shared, "mazur")
    yield shared
    assert shared.faults == []
    assert shared.requests == []


# ---- what is done on the page, and what it says --------------------------------------------------


def panel(visit: Visit, name: str) -> Any:
    """Open a panel and return it."""
    visit.page.get_by_role("tab", name=name, exact=True).press("Enter")
    return visit.page.get_by_role("tabpanel", name=name, exact=True)


def choose_preset(visit: Visit, name: str) -> None:
    panel(visit, "Data").get_by_label("Preset", exact=True).select_option(name)


def cost(visit: Visit) -> float:
    """Return the loss that the player shows."""
    text = visit.page.locator("#live .where").inner_text()
    return float(text.split(" = ")[1].split(" ")[0].replace("−", "-"))


def saved(visit: Visit, button: str = "Save") -> dict[str, Any]:
    """Return a file that the panel Share saves."""
    share = panel(visit, "Share")
    with visit.page.expect_download() as waiting:
        share.get_by_role("button", name=button, exact=True).click()
    return json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))


def model(visit: Visit) -> dict[str, Any]:
    return saved(visit)["model"]


def rebuilt(table: Any, given: dict[str, Any]) -> Any:
    """Return an entry of a table with the constants of a saved state."""
    return replace(table[given["name"]], **given["constants"])


def network_of(given: dict[str, Any]) -> Network:
    """Return the network of a saved state of dense layers."""
    layers = tuple(
        Dense(layer["units"], rebuilt(ACTIVATIONS, layer["activation"]), bias=layer["bias"])
        for layer in given["layers"]
    )
    return Network(
        given["inputs"], layers, rebuilt(LOSSES, given["loss"]), Penalty(**given["penalty"])
    )


def assert_engine_agrees(visit: Visit) -> None:
    """Compare all numbers of the page's step with the engine's, for the state that is saved."""
    page, state = saved(visit, "This step as JSON"), saved(visit)["model"]
    network: Network = eval(page["network"]["python"], NAMES)  # noqa: S307 (the page's own text)
    rule = page["optimizer"] and eval(page["optimizer"]["python"], NAMES)  # noqa: S307
    before = state["state"]
    theta = np.array(state["theta"], float)
    count = len(rule.slots) if rule else 0
    slots = tuple(np.array(slot, float) for slot in before["slots"] or [0 * theta] * count)
    example = explain(
        *(network, theta, page["x"], page["t"], rule),
        sample_weight=page["weights"],
        notation=page["notation"],
        state=State(theta, before["step"], slots, before["seed"]),
    )
    (found,), (wanted,) = page["steps"], example.to_dict()["steps"]
    values, right = ({q["key"]: q["value"] for q in s["quantities"]} for s in (found, wanted))
    assert values.keys() == right.keys()
    assert not {k: (v, right[k]) for k, v in values.items() if abs(v - right[k]) > gap(right[k])}
    assert found["loss_before"] == pytest.approx(wanted["loss_before"], rel=1e-12)
    assert cost(visit) == pytest.approx(wanted["loss_before"], rel=1e-8)


def gap(value: float) -> float:
    """Return how far two results may differ: where large terms cancel, more than by rounding."""
    return max(1e-9 * abs(value), 1e-12)


def alert(place: Any) -> str:
    return " ".join(place.get_by_role("alert").all_inner_texts()).strip()


# ---- presets ------------------------------------------------------------------------------------


def test_every_preset_is_chosen_and_has_the_engine_s_loss(live: Visit, full: bool):
    options = panel(live, "Data").get_by_label("Preset", exact=True).locator("option")
    names = [option.get_attribute("value") for option in options.all()]
    assert {*chainrule.PROBLEMS, "spiral", "moons", "circles", "regression"} == {*names}
    for name in names if full else ["circles"]:
        choose_preset(live, name)
        given = model(live)
        rows = slice(given.get("batch_size"))
        x, t = (np.array(given["data"][key], float)[rows] for key in ("x", "t"))
        network = network_of(given["network"])
        value, _ = network.loss_and_gradient(np.array(given["theta"], float), x, t)
        assert np.isfinite(value), name
        assert cost(live) == pytest.approx(float(value), rel=1e-7), name


def test_data_is_drawn_again_from_the_next_seed_and_undone(live: Visit):
    choose_preset(live, "moons")
    first = model(live)
    data = panel(live, "Data")
    data.get_by_role("button", name="Draw again").click()
    second = model(live)
    assert second["state"]["seed"] == first["state"]["seed"] + 1
    assert second["data"]["x"] != first["data"]["x"]
    live.page.get_by_role("button", name="Undo Moons").click()
    assert model(live) == first
    choose_preset(live, "mazur")
    assert data.get_by_role("button", name="Draw again").is_disabled()


@pytest.mark.full_only
def test_samples_are_split_and_put_together_again(live: Visit):
    choose_preset(live, "xor")
    data = panel(live, "Data")
    data.get_by_label("Samples for validation").select_option("0.5")
    data.get_by_role("button", name="Split").click()
    assert "2 samples for training, 2 for validation" in data.inner_text()
    assert_engine_agrees(live)
    panel(live, "Data").get_by_label("Samples for validation").select_option("0")
    data.get_by_role("button", name="Split").click()
    assert "4 samples for training" in data.inner_text()


# ---- the reader's own data ----------------------------------------------------------------------

FLOWERS = (
    '\ufeff"petal, length";"petal ""width""";kind\r\n'
    '1,4;-0,2;setosa\r\n\r\n4.7;1.4e0;"versi\ncolor"\r\n.6;2;setosa\r\n'
)


def own_data(visit: Visit) -> Any:
    """Open the part of the panel for own data, and return the panel."""
    data = panel(visit, "Data")
    if not data.locator("textarea").is_visible():
        data.get_by_text("Your own data").click()
    return data


def give(data: Any, text: str) -> str:
    """Type a table, use it, and return what the page says against it."""
    data.get_by_label("One sample on each line").fill(text)
    data.get_by_role("button", name="Use this data").press("Enter")
    return alert(data)


def drop(data: Any, text: str, size: int = 0) -> None:
    """Drop a file of a text, or of so many bytes."""
    transfer = data.page.evaluate_handle(
        """([text, size]) => {
          const found = new DataTransfer();
          found.items.add(new File([size ? new Uint8Array(size) : text], "mine.csv"));
          return found;
        }""",
        [text, size],
    )
    for event in ("dragover", "drop"):
        data.dispatch_event(event, {"dataTransfer": transfer})


def class_names(visit: Visit) -> list[str]:
    """Return the classes that the confusion table names, once it is drawn."""
    heads = panel(visit, "Learning").locator(".confusion thead th")
    heads.nth(1).wait_for()
    return heads.all_text_contents()


def test_typed_data_is_learned_by_a_network_that_suits_it(live: Visit):
    data = own_data(live)
    assert give(data, "a b y\n0 0 1\n0 1 -2.5\n") == ""
    given = model(live)
    assert given["data"]["x"] == [[0, 0], [0, 1]]
    assert given["data"]["t"] == [[1], [-2.5]]
    assert given["network"]["loss"]["name"] == "squared-error"
    assert_engine_agrees(live)
    live.page.get_by_role("button", name="Undo own data").click()
    assert cost(live) == 0.298371109


@pytest.mark.full_only
def test_pasted_data_and_two_columns_of_targets(live: Visit):
    data = own_data(live)
    place = data.get_by_label("One sample on each line")
    place.fill("0.1\t0.2\t0.3\t0.4\n1\t2\t0.5\t0.6")
    place.focus()
    for keys in ("Control+A", "Control+X", "Control+V"):
        live.page.keyboard.press(keys)
    assert place.input_value().startswith("0.1\t0.2")
    data.get_by_label("Columns of targets").fill("2")
    data.get_by_role("button", name="Use this data").click()
    data.get_by_label("Columns of targets").fill("1")
    given = model(live)
    assert given["data"]["x"] == [[0.1, 0.2], [1, 2]]
    assert given["data"]["t"] == [[0.3, 0.4], [0.5, 0.6]]
    assert [layer["units"] for layer in given["network"]["layers"]] == [2, 2]  # it suits, and stays
    assert_engine_agrees(live)


def test_a_dropped_file_with_a_header_quoted_cells_and_classes(live: Visit):
    data = own_data(live)
    drop(data, FLOWERS)
    data.get_by_text("3 samples for training").wait_for()
    given = model(live)["data"]
    assert given["x"] == [[1.4, -0.2], [4.7, 1.4], [0.6, 2]]
    assert given["t"] == [[1, 0], [0, 1], [1, 0]]
    assert given["classes"] == ["setosa", "versi\ncolor"]
    assert given["names"]["x"] == ["petal, length", 'petal "width"']
    assert_engine_agrees(live)
    assert class_names(live) == ["setosa", "versi\ncolor"]


@pytest.mark.full_only
def test_the_reader_says_how_a_table_is_read(live: Visit):
    data = own_data(live)
    choices = {"Targets are": "classes", "First line is": "no", "Separator": ";"}
    for label, value in choices.items():
        data.get_by_label(label).select_option(value)
    data.get_by_label("Scale inputs").check()
    assert give(data, "1,5;10;7\n3,5;30;8\n5,5;20;7\n") == ""
    given = model(live)["data"]
    x = np.array([[1.5, 10], [3.5, 30], [5.5, 20]])
    assert given["x"] == pytest.approx((x - x.mean(axis=0)) / x.std(axis=0))
    assert given["classes"] == ["7", "8"]
    assert given["t"] == [[1, 0], [0, 1], [1, 0]]
    data = own_data(live)
    data.get_by_label("Scale inputs").uncheck()
    for label, value in zip(choices, ("auto", "auto", ""), strict=True):
        data.get_by_label(label).select_option(value)


BROKEN = {
    "1,2\n3\n": "Line 2 has 1 cell, but the first line has 2.",
    "a,b\n1,2\n\n3,4\n\n5,\n": "Line 6, column 2 (b) is empty.",
    'a,b,c\n1,2,"x\ny"\n\n1,oops,x\n': "Line 5, column 2 (b): “oops” is not a number.",
    "1,2\n1e999,3\n": "Line 2, column 1 (column 1): “1e999” is not a number.",
    '1,2\n3,"4\n5,6\n': "The quotation mark in line 2 is not closed.",
    "1\n2\n": "There is only one column",
    "": "There is no row of numbers",
    "a,b\n": "There is no row of numbers",
    "1,same\n2,same\n": "The target has 1 different value;",
    "x,1,2\n3,4,5\n": "Line 1, column 1 (column 1): “x” is not a number.",
    "0x10,2\n3,4\n": "Line 1, column 1 (column 1): “0x10” is not a number.",
    "NaN,y\n3,4\n": "Line 1, column 1 (column 1): “NaN” is not a number.",
    "a;b\n1,234;2\n": "Line 2, column 1 (a): “1,234” can be 1234 or 1.234; write it without",
    ",".join("1" * 1001): "There are 1001 columns, more than 1000",
}


def test_broken_tables_are_refused_line_by_line_and_change_nothing(live: Visit, full: bool):
    data = own_data(live)
    for text, sentence in [*BROKEN.items()][:: 1 if full else 4]:
        assert sentence in give(data, text)
        assert cost(live) == 0.298371109
    both = give(data, "a;b;kind\n1;2;x\n1;oops;y\n3;4\n")
    assert both.splitlines() == [
        "Line 3, column 2 (b): “oops” is not a number.",
        "Line 4 has 2 cells, but the first line has 3.",
    ]
    decimals = "a;b\n1,234;2\n1,5;3\n"
    assert give(data, decimals) == ""
    assert model(live)["data"]["x"] == [[1.234], [1.5]]
    choose_preset(live, "mazur")
    data = own_data(live)
    many = "a,b\n" + "x,1\n" * 20
    assert "… and 14 more." in give(data, many)
    data.get_by_label("Columns of targets").fill("3")
    assert "3 cannot all be targets" in give(data, "1,2,3\n4,5,6")
    data.get_by_label("Columns of targets").fill("1")
    drop(data, "1,2\n" * 5001)
    data.get_by_text("There are 5001 rows, more than 5000").wait_for()
    drop(data, "", size=2_000_001)
    data.get_by_text("The file has 2000001 bytes, more than 2000000").wait_for()
    place = data.get_by_label("One sample on each line")
    typed = place.input_value()
    drop(data, "", size=20)
    data.get_by_text("“mine.csv” is not a text in UTF-8").wait_for()
    assert place.input_value() == typed
    # for Chromium it is seconds of work to type over 5001 lines
    place.evaluate("element => { element.value = '' }")
    assert cost(live) == 0.298371109
    assert give(data, "1,2\n3,4\n") == ""


def test_markup_in_cells_stays_text(live: Visit):
    drop(own_data(live), f'"{EVIL}",b,c\n1,2,"{EVIL}"\n3,4,{EVIL}<b>\n')
    live.page.get_by_text("2 samples for training").wait_for()
    for tab in live.page.get_by_role("tab").all():
        tab.click()
    assert class_names(live) == [EVIL, f"{EVIL}<b>"]
    assert "bytes" not in alert(own_data(live))
    assert f"“{EVIL[:40]}" in give(own_data(live), f"1,2\n{EVIL},3\n")
    assert live.page.locator("#live img, #live script, #live b").count() == 0


def test_a_file_that_misses_the_panel_does_not_replace_the_page(live: Visit):
    prevented = live.evaluate(
        """() => ["dragover", "drop"].map((type) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["1,2"], "mine.csv"));
          const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
          return !document.body.dispatchEvent(event);
        })"""
    )
    assert prevented == [True, True]


# ---- numbers changed ----------------------------------------------------------------------------

NUMBERS = {  # a number of each kind: its panel, its label, and where it is in the state
    "weight": ("Network", "W1[0,1]", lambda m: m["theta"][1]),
    "input": ("Data", "x1 of sample 1", lambda m: m["data"]["x"][0][0]),
    "target": ("Data", "target t2 of sample 1", lambda m: m["data"]["t"][0][1]),
}


def spin(visit: Visit, kind: str) -> Any:
    place, label, _ = NUMBERS[kind]
    return panel(visit, place).get_by_role("spinbutton", name=label, exact=True)


def number(visit: Visit, kind: str) -> float:
    """Return a number of the saved state."""
    return NUMBERS[kind][2](model(visit))


@pytest.mark.parametrize("kind", few_rows(NUMBERS, "input"))
def test_a_number_is_typed_moved_by_arrow_keys_and_dragged(live: Visit, kind: str):
    box = spin(live, kind)
    press = live.page.keyboard.press
    box.focus()
    press("Control+A")
    live.page.keyboard.type("-0,25")
    press("Enter")
    assert number(live, kind) == -0.25
    assert_engine_agrees(live)
    spin(live, kind).focus()
    for key in ("ArrowUp", "ArrowUp", "Shift+ArrowUp", "ArrowDown"):
        press(key)
    assert live.evaluate("document.activeElement.getAttribute('aria-label')") == NUMBERS[kind][1]
    assert number(live, kind) == pytest.approx(-0.25 + 11 * 0.05)
    drag(live, spin(live, kind), 40)
    assert number(live, kind) == pytest.approx(0.3 + 10 * 0.05)
    assert_engine_agrees(live)
    live.page.locator("#live .history button").first.click()  # the whole movement
    assert number(live, kind) == pytest.approx(0.3)


def drag(visit: Visit, box: Any, pixels: int) -> None:
    box.scroll_into_view_if_needed()
    place, mouse = box.bounding_box(), visit.page.mouse
    x, y = place["x"] + 20, place["y"] + place["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + pixels, y, steps=5)
    mouse.up()


@pytest.mark.parametrize("kind", ["weight", more("target")])
def test_what_is_not_a_number_is_refused_in_a_sentence(live: Visit, kind: str):
    place, label, _ = NUMBERS[kind]
    before = number(live, kind)
    box = spin(live, kind)
    box.fill("1.2.3")
    box.press("Enter")
    assert alert(panel(live, place)) == (
        f"{label}: “1.2.3” is not a number; type one such as 0.25."
    )
    spin(live, kind).press("Escape")
    assert number(live, kind) == before
    box = spin(live, kind)
    box.fill("1,234")
    box.press("Enter")
    assert alert(panel(live, place)) == (
        f"{label}: “1,234” can be 1234 or 1.234; write it without the comma."
    )
    spin(live, kind).press("Escape")
    assert number(live, kind) == before
    spin(live, kind).press("ArrowUp")
    assert alert(panel(live, place)) == ""


# ---- the network changed ------------------------------------------------------------------------


def network_field(visit: Visit, label: str, value: str) -> None:
    box = panel(visit, "Network").get_by_role("spinbutton", name=label, exact=True)
    box.fill(value)
    box.press("Enter")


def pick(visit: Visit, label: str, value: str, nth: int = 0) -> None:
    panel(visit, "Network").get_by_label(label, exact=True).nth(nth).select_option(value)


def add_layer(visit: Visit, kind: str, place: str) -> None:
    pick(visit, "New layer", kind)
    pick(visit, "Place", place)
    panel(visit, "Network").get_by_role("button", name="Add a layer").click()


def remove_layer(visit: Visit, name: str) -> None:
    panel(visit, "Network").get_by_role("button", name=f"Remove layer {name}").click()


Do = Callable[[Visit], None]
EDITS: dict[str, tuple[list[Do], Callable[[dict[str, Any]], Any], Any]] = {
    "learning rate": (
        [lambda v: network_field(v, "learning rate", "0.25")],
        lambda m: m["optimizer"]["learning_rate"],
        0.25,
    ),
    "activation": (
        [lambda v: pick(v, "activation", "leaky-relu")],
        lambda m: m["network"]["layers"][0]["activation"]["name"],
        "leaky-relu",
    ),
    "constant of an activation": (
        [
            lambda v: pick(v, "activation", "elu"),
            lambda v: network_field(v, "alpha of layer 1", "0.5"),
        ],
        lambda m: m["network"]["layers"][0]["activation"]["constants"],
        {"alpha": 0.5},
    ),
    "loss": (
        [lambda v: pick(v, "loss", "huber")],
        lambda m: m["network"]["loss"]["name"],
        "huber",
    ),
    "loss with its link": (
        [lambda v: pick(v, "loss", "logistic-cross-entropy")],
        lambda m: m["network"]["layers"][-1]["activation"]["name"],
        "identity",
    ),
    "optimizer": (
        [lambda v: pick(v, "optimizer", "adam"), lambda v: pick(v, "clipping", "norm")],
        lambda m: (m["optimizer"]["name"], m["optimizer"]["clip"]["kind"]),
        ("adam", "norm"),
    ),
    "no optimizer": ([lambda v: pick(v, "optimizer", "")], lambda m: m["optimizer"], None),
    "penalty": (
        [
            lambda v: network_field(v, "l1 of the penalty", "0.01"),
            lambda v: network_field(v, "l2 of the penalty", "0.1"),
        ],
        lambda m: m["network"]["penalty"],
        {"l1": 0.01, "l2": 0.1, "alpha": 0},
    ),
    "units": (
        [lambda v: network_field(v, "units of layer 1", "4")],
        lambda m: len(m["theta"]),
        4 * 3 + 2 * 5,
    ),
    "layers": (
        [lambda v: add_layer(v, "dense", "1"), lambda v: remove_layer(v, "1")],
        lambda m: [layer["units"] for layer in m["network"]["layers"]],
        [4, 2],
    ),
    "layers of other kinds": (
        [
            lambda v: add_layer(v, "layer-norm", "1"),
            lambda v: add_layer(v, "activation", "1"),
            lambda v: add_layer(v, "dropout", "3"),
        ],
        lambda m: [layer["kind"] for layer in m["network"]["layers"]],
        ["dense", "activation", "layer-norm", "dropout", "dense"],
    ),
}


@pytest.mark.parametrize("what", few_rows(EDITS, "loss with its link", "layers of other kinds"))
def test_an_edited_network_has_the_engine_s_numbers(live: Visit, what: str):
    changes, look, wanted = EDITS[what]
    step_by_update(live, 1)  # edits keep the parameters of the present step
    for change in changes:
        change(live)
    assert alert(panel(live, "Network")) == ""
    assert look(model(live)) == wanted
    assert_engine_agrees(live)


def step_by_update(visit: Visit, times: int) -> None:
    visit.page.get_by_label("by", exact=True).select_option("update")
    for _ in range(times):
        visit.page.get_by_role("button", name="Step", exact=True).click()


REFUSED: dict[str, tuple[Do, str]] = {
    "units": (lambda v: network_field(v, "units of layer 2", "3"), "each sample has 2 targets"),
    "no units": (lambda v: network_field(v, "units of layer 1", "0"), "must be at least 1"),
    "half a unit": (lambda v: network_field(v, "units of layer 1", "2.5"), "a whole number"),
    "rate": (lambda v: network_field(v, "learning rate", "-1"), "must be above 0"),
}


@pytest.mark.parametrize("what", few_rows(REFUSED, "units"))
def test_what_is_impossible_is_refused_and_changes_nothing(live: Visit, what: str):
    change, sentence = REFUSED[what]
    before = model(live)
    change(live)
    assert sentence in alert(panel(live, "Network"))
    assert model(live) == before


def test_targets_that_do_not_suit_a_loss_are_refused(live: Visit):
    data = own_data(live)
    assert give(data, "0.5,0.5,-3\n1,2,4") == ""
    pick(live, "loss", "poisson")
    assert "Target -3 of sample 1 does not suit poisson" in alert(panel(live, "Network"))
    assert panel(live, "Network").get_by_label("loss", exact=True).input_value() == "squared-error"


def test_everything_is_undone_and_done_again(live: Visit, full: bool):
    states = [model(live)]
    changes = (
        lambda: network_field(live, "learning rate", "0.3"),
        lambda: pick(live, "activation", "tanh"),
        lambda: add_layer(live, "dense", "1"),
        lambda: network_field(live, "units of layer 2", "3"),
        lambda: pick(live, "optimizer", "momentum"),
        lambda: panel(live, "Network").get_by_role("button", name="New first weights").click(),
        lambda: choose_preset(live, "circles"),
    )
    for change in changes if full else changes[::6]:
        change()
        states.append(model(live))
    undo, redo = (live.page.locator("#live .history button").nth(i) for i in (0, 1))
    for state in states[-2::-1]:
        undo.click()
        assert model(live) == state
    for state in states[1:]:
        redo.click()
        assert model(live) == state
    assert redo.is_disabled()


# ---- learning -----------------------------------------------------------------------------------


def train(visit: Visit, updates: int) -> None:
    """Make so many updates with the button Train, in hundreds or more."""
    learning = panel(visit, "Learning")
    count = next(n for n in (10_000, 1_000, 100) if updates % n == 0)
    learning.get_by_label("Updates", exact=True).select_option(str(count))
    for _ in range(updates // count):
        learning.get_by_role("button", name="Train").click()
        learning.get_by_role("button", name="Train").wait_for(timeout=60_000)


def right(visit: Visit, part: str) -> float:
    """Return the percentage of samples that the confusion table says are right."""
    learning = panel(visit, "Learning")
    choice = learning.get_by_label("samples", exact=True)
    choice.select_option(part)
    text = learning.get_by_text("are right").inner_text()
    rows = learning.locator(".confusion tbody tr").all()
    counts = np.array([[int(n) for n in row.locator("td").all_text_contents()] for row in rows])
    assert float(text.split("%")[0]) == pytest.approx(100 * counts.trace() / counts.sum(), abs=0.1)
    return float(text.split("%")[0])


LEARNED = {  # updates, and the accuracy after them in training and validation
    "xor": (4_000, 100, None),
    "spiral": (500, 99, 95),
    "digits": (400, 99, 85),
    "regression": (500, None, None),
}
COMMON = ["Loss", "Sizes by layer (root mean square)"]
PLANE = ["What the network says, and the samples", "Hidden units: blue above 0, red below"]
PICTURES = {  # what is drawn for each of them
    "xor": [*COMMON, *PLANE, "Right and wrong"],
    "spiral": [*COMMON, *PLANE, "Right and wrong"],
    "digits": [
        *COMMON,
        "Right and wrong",
        "Samples and what the network reads (wrong ones first)",
        "Weights of the first units: blue above 0, red below",
    ],
    "regression": [
        *COMMON,
        "Prediction (line) and samples (dots; open ones: validation)",
        "Hidden units by the input",
    ],
}


@pytest.mark.parametrize("name", few_rows(LEARNED, "xor"))
def test_presets_are_learned_in_a_fixed_number_of_updates_and_drawn(live: Visit, name: str):
    updates, training, validation = LEARNED[name]
    choose_preset(live, name)
    before = cost(live)
    train(live, updates)
    assert f"Update {updates} " in live.page.locator("#live .where").inner_text()
    assert live.page.locator("#live .player .says").inner_text() == ""  # of the preset's first loss
    assert cost(live) < before / 2
    if training:
        assert right(live, "training") >= training
    if validation:
        assert right(live, "validation") >= validation
    learning = panel(live, "Learning")
    assert learning.locator("figcaption").count() == len(PICTURES[name])
    assert {*learning.locator("figcaption").all_inner_texts()} == {*PICTURES[name]}
    live.page.wait_for_function(f"() => ({FAULTS_OF_PICTURES})().length === 0")
    learning.locator("figure details").evaluate_all("all => all.forEach(d => { d.open = true })")
    live.page.wait_for_function(f"() => ({FIGURES_WITHOUT_NUMBERS})().length === 0")


# The pixels of a canvas, from a copy: a canvas of the page is not made to be read again and again.
PIXELS = """(canvas) => {
  const { width, height } = canvas;
  const copy = Object.assign(document.createElement("canvas"), { width, height });
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}"""

# Pictures that are empty, of one color, outside of the panel, or on top of another.
FAULTS_OF_PICTURES = r"""() => {
  const found = [];
  const panel = document.getElementById("panel-learning");
  const all = (place, selector) => [...place.querySelectorAll(selector)];
  const box = (element) => element.getBoundingClientRect();
  const apart = (a, b) => a.left > b.right - 1 || a.right < b.left + 1
    || a.top > b.bottom - 1 || a.bottom < b.top + 1;
  const check = (fine, what, element) => {
    const figure = element.closest("figure").querySelector("figcaption").textContent;
    if (!fine) found.push([what, figure, element.getAttribute("aria-label")]);
  };
  const beside = (elements) => elements.forEach((one, i) => {
    for (const other of elements.slice(0, i)) check(apart(box(one), box(other)), "overlap", one);
  });
  const colors = (canvas) => {
    const data = (PIXELS)(canvas);
    const pixels = Array.from({ length: data.length / 4 }, (_, k) => 4 * k);
    return new Set(pixels.map((k) => data.slice(k, k + 4).join()));
  };
  const figures = all(panel, "figure");
  beside(figures);
  for (const figure of figures) {
    const { left, right, width, height } = box(figure);
    check(left > box(panel).left - 1 && right < box(panel).right + 1, "outside", figure);
    check(width > 100 && height > 60, "small figure", figure);
    const drawn = all(figure, "canvas, svg:not(.marks)");
    beside(drawn);
    for (const one of drawn) {
      check(box(one).width > 20 && box(one).height > 15, "small", one);
      check(one.getAttribute("aria-label"), "no name", one);
    }
    for (const canvas of all(figure, "canvas")) check(colors(canvas).size > 2, "blank", canvas);
    for (const path of all(figure, "path")) {
      const d = path.getAttribute("d");
      check(!/NaN|Infinity/.test(d), "not finite", path);
      check(!path.matches(".line") || d.split("L").length > 2, "no line", path);
    }
  }
  return found;
}""".replace("PIXELS", PIXELS)

FIGURES_WITHOUT_NUMBERS = r"""() => [...document.querySelectorAll("#panel-learning figure")]
  .filter((one) => ![...one.querySelectorAll("td")].some((td) => /\d/.test(td.textContent)))
  .map((figure) => figure.querySelector("figcaption").textContent)"""


@pytest.mark.full_only
def test_the_surface_is_what_the_engine_predicts(live: Visit):
    choose_preset(live, "spiral")
    train(live, 100)
    network_field(live, "learning rate", "0.5")  # an edit, so that the present state is saved
    given = model(live)
    panel(live, "Learning")
    x = np.array(given["data"]["x"] + given["data"]["validation"]["x"])
    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - 0.15 * (high - low), high + 0.15 * (high - low)
    places = (np.arange(48) + 0.5) / 48
    across, up = np.meshgrid(places, places[::-1])
    grid = low + np.stack([across.ravel(), up.ravel()], axis=1) * (high - low)
    p = network_of(given["network"]).predict(np.array(given["theta"]), grid).ravel()
    live.page.wait_for_function(SURFACE, arg=(p >= 0.5).tolist())


# Whether the pixels of the decision surface have the color of their class, blue or orange.
SURFACE = """(classes) => {
  const canvas = document.querySelector("#panel-learning .plane canvas");
  const data = (PIXELS)(canvas);
  const redder = (i) => data[4 * i] - data[4 * i + 2];
  return classes.every((is, i) => redder(i) > 0 === is || Math.abs(redder(i)) < 20);
}""".replace("PIXELS", PIXELS)


@pytest.mark.full_only
def test_the_loss_curve_has_training_and_validation_and_a_logarithmic_scale(live: Visit):
    choose_preset(live, "moons")
    train(live, 100)
    learning = panel(live, "Learning")
    loss = learning.locator("figure").first
    assert loss.locator("path.line").count() == 2
    before = loss.locator("path.line").first.get_attribute("d")
    loss.get_by_label("scale").select_option("log")
    assert loss.locator("path.line").first.get_attribute("d") != before
    learning.get_by_role("button", name="Start again").click()
    assert "Update 0 " in live.page.locator("#live .where").inner_text()
    loss.locator("circle.line").first.wait_for()


@pytest.mark.full_only
def test_training_says_why_it_stops(live: Visit):
    learning = panel(live, "Learning")
    pick(live, "optimizer", "")
    train(live, 100)
    status = panel(live, "Learning").get_by_role("status")
    assert status.inner_text() == "There is no optimizer; choose one under Network."
    live.page.get_by_role("button", name="Undo optimizer").click()
    choose_preset(live, "regression")
    pick(live, "optimizer", "sgd")
    network_field(live, "learning rate", "1e6")
    train(live, 100)
    learning.get_by_text("a parameter is no longer finite").wait_for()


def test_playing_at_the_fastest_speed_moves_whatever_time_its_first_frame_has(live: Visit):
    live.evaluate(
        """() => {
          const own = requestAnimationFrame;
          let late = 50;
          window.requestAnimationFrame = (next) => own((time) => next(time - late, (late = 0)));
          window.ownFrames = own;
        }"""
    )
    live.page.get_by_label("by", exact=True).select_option("update")
    live.page.get_by_label("speed", exact=True).select_option("fastest")
    live.page.get_by_role("button", name="Play").click()
    where = live.page.locator("#live .where")
    where.filter(has_text=re.compile(r"Update \d{3,} ")).wait_for()
    live.page.get_by_role("button", name="Pause").click()
    live.evaluate("() => { window.requestAnimationFrame = window.ownFrames }")


# ---- long runs ----------------------------------------------------------------------------------


def heap(session: Any) -> float:
    """Return the megabytes in use after a collection of garbage."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6


@pytest.mark.full_only
def test_a_long_run_keeps_its_memory_and_its_history(live: Visit):
    choose_preset(live, "xor")
    session = live.page.context.new_cdp_session(live.page)
    train(live, 10_000)
    first = heap(session)
    train(live, 10_000)
    assert heap(session) < first + 0.5
    session.detach()
    slider = live.page.get_by_label("Update of the run")
    slider.focus()
    live.page.keyboard.press("ArrowLeft")
    assert "Update 19999 " in live.page.locator("#live .where").inner_text()
    end = cost(live)
    live.page.get_by_role("button", name="Step", exact=True).focus()
    live.page.keyboard.press("4")
    live.page.keyboard.press("j")
    live.page.keyboard.press("l")
    assert cost(live) == end


@pytest.mark.full_only
def test_changes_are_kept_as_far_as_memory_allows():
    kept = run_node("changes.mjs", {"tables": tables(), "cases": [[2, 101], [40_000, 9]]})
    assert kept == [100, 8]


# ---- large networks -----------------------------------------------------------------------------


@pytest.mark.full_only
def test_784_128_10_is_maps_and_opens_the_arithmetic_of_one_weight(open_page: Open):
    network = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
    rng = np.random.default_rng(0)
    theta, x, t = network.initialize(0), rng.random((32, 784)), rng.integers(0, 10, 32)
    visit = open_page(explain(network, theta, x, t, SGD(0.1), level="summary").to_html())
    visit.started()
    maps = visit.page.locator("#live .map")
    names = [label.split(",")[0] for label in maps.evaluate_all(LABELS)]
    assert names == ["inputs", "W1", "b1", "layer1", "W2", "b2", "layer2", "targets"]
    assert visit.page.locator("#live .edge").count() == 0
    value, gradient = network.loss_and_gradient(theta, x, t)
    assert cost(visit) == pytest.approx(float(value), rel=1e-7)
    maps.nth(1).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        visit.page.keyboard.press(key)
    text = visit.page.locator("#panel-arithmetic").inner_text().replace("−", "-")
    wanted = float(network.params(gradient)[0]["W"][1, 2])
    assert f"{wanted:.6g}"[:8] in text
    assert "W1[1,2]" in text.replace(" ", "")
    step_by_update(visit, 2)
    theta = theta - 0.1 * gradient
    theta = theta - 0.1 * network.loss_and_gradient(theta, x, t)[1]
    assert cost(visit) == pytest.approx(float(network.loss_and_gradient(theta, x, t)[0]), rel=1e-6)
    panel(visit, "Learning").locator("canvas").nth(15).wait_for()  # the weights of the first units
    assert visit.faults == []


LABELS = "all => all.map(e => e.getAttribute('aria-label'))"


# ---- accessibility ------------------------------------------------------------------------------


NARROW_AND_DARK = {"color_scheme": "dark", "viewport": {"width": 360, "height": 800}}


@pytest.mark.parametrize(
    ("name", "tabs", "settings"),
    [
        more("spiral", ("Learning",), {"color_scheme": "light"}),  # in other colors
        ("regression", ("Data", "Network", "Learning"), NARROW_AND_DARK),
        more("digits", ("Data", "Network", "Learning"), NARROW_AND_DARK),  # slow
    ],
)
def test_axe_finds_nothing_in_the_panels(
    open_page: Open, name: str, tabs: tuple[str, ...], settings: dict[str, Any], *, full: bool
):
    visit = open_page(html_of("mazur"), **settings)
    visit.started()
    choose_preset(visit, name)
    give(own_data(visit), "1,2\n3,x\nx,4\n")
    for tab in tabs:
        place = panel(visit, tab)
        for summary in place.locator("figure details > summary").all():
            summary.click()
        assert violations(visit.page, "#live" if full else f"#panel-{tab.lower()}") == [], tab
        assert (
            visit.evaluate("document.documentElement.scrollWidth")
            <= visit.page.viewport_size["width"]
        )
    assert visit.faults == []


def test_the_keyboard_alone_chooses_data_changes_a_number_and_trains(live: Visit):
    press = live.page.keyboard.press
    live.page.get_by_role("tab", name="Data").focus()
    tab_to(live, "Preset")
    live.page.keyboard.type("XOR")  # what a list of options goes to
    press("Enter")
    tab_to(live, "x2 of sample 2")
    press("ArrowDown")
    assert model(live)["data"]["x"][1][1] == 0.95
    live.page.get_by_role("tab", selected=True).focus()
    press("ArrowLeft")
    while live.page.get_by_role("tab", name="Learning").get_attribute("tabindex") != "0":
        press("ArrowLeft")
    tab_to(live, "Updates")
    press("Home")  # 100
    tab_to(live, "Train")
    press("Enter")
    live.page.get_by_text("100 updates done.").wait_for()


def tab_to(visit: Visit, name: str) -> None:
    """Press Tab until a control with a name has the focus."""
    named = """document.activeElement.getAttribute('aria-label')
      ?? (document.activeElement.labels?.[0] ?? document.activeElement).textContent"""
    for _ in range(60):
        if visit.evaluate(named) == name:
            return
        visit.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {name}; it ends at {visit.evaluate(named)}")
