"""Steps, runs and names on the live page of XOR, whose updates have four samples."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chainrule import explain_problem, problem
from tests.explorer.conftest import Open, Visit, html_of
from tests.rows import few_rows

ACTIVE = "document.activeElement"


@pytest.fixture
def live(open_page: Open) -> Iterator[Visit]:
    """Return the page of XOR; afterwards nothing may have gone wrong."""
    visit = open_page(html_of("xor"), reduced_motion="reduce")
    visit.started()
    yield visit
    assert visit.faults == []


def press(visit: Visit, name: str) -> None:
    visit.page.locator("#live").get_by_role("button", name=name, exact=True).press("Enter")


def panel(visit: Visit, name: str) -> Any:
    visit.page.get_by_role("tab", name=name, exact=True).press("Enter")
    return visit.page.get_by_role("tabpanel", name=name, exact=True)


def where(visit: Visit) -> str:
    return visit.page.locator("#live .where").inner_text()


def said(visit: Visit) -> str:
    return visit.page.locator("#live .player .says").inner_text()


def step_by(visit: Visit, unit: str, steps: int = 0) -> None:
    visit.page.get_by_label("by", exact=True).select_option(unit)
    for _ in range(steps):
        press(visit, "Step")


def choose(visit: Visit, name: str) -> None:
    """Choose a number of the picture by its name."""
    visit.page.locator(f'#live [role="graphics-symbol"][aria-label^="{name} ="]').click()


def set_number(visit: Visit, place: str, label: str, value: str) -> Any:
    box = panel(visit, place).get_by_role("spinbutton", name=label, exact=True)
    box.fill(value)
    box.press("Enter")
    return box


# ---- samples ------------------------------------------------------------------------------------


def test_paths_are_of_the_sample_that_is_shown(live: Visit):
    shown = live.page.get_by_label("Sample shown")
    shown.fill("2")
    shown.press("Enter")
    choose(live, "a1[1,0]")
    paths = live.page.locator("#live .paths")
    assert "changes with a1[1,0]" in paths.inner_text()
    assert "a1[1,0] → a2[1,0] → loss" in paths.inner_text()
    second = paths.inner_text()
    shown.fill("99")
    shown.press("Enter")
    assert shown.input_value() == "4"
    assert "a1[3,0] → a2[3,0] → loss" in paths.inner_text()  # the chosen number follows
    shown.fill("2")
    shown.press("Enter")
    assert paths.inner_text() == second
    live.page.locator("#step-1-z1-2-0").dispatch_event("pointerover")  # it is folded
    assert "a1[2,0] → a2[2,0] → loss" in paths.inner_text()


@pytest.mark.full_only  # slow; test_live.py does the same with one sample
def test_steps_go_in_the_order_of_the_page(live: Visit):
    example = explain_problem(problem("xor"))
    # the page names a number again where it only repeats it
    page = [*dict.fromkeys(q["name"] for q in example.to_dict()["steps"][0]["quantities"])]
    seen = []
    while not re.search(r"number (\d+) of \1$", where(live)):
        press(live, "Step")
        seen.append(said(live).split(" = ")[0])
    assert [name for name in seen if name in page] == [name for name in page if name in seen]
    assert len(set(seen) & set(page)) > 40


@pytest.mark.full_only
def test_a_step_by_sample_ends_with_its_forward_pass(live: Visit):
    step_by(live, "sample", 1)
    assert re.match(r"End of the forward pass of sample 1: a2\[0,0\] = ", said(live))
    press(live, "Step")
    assert re.match(r"End of the forward pass of sample 2: a2\[1,0\] = ", said(live))
    press(live, "Back")
    assert re.match(r"End of the forward pass of sample 1: a2\[0,0\] = ", said(live))


# ---- runs ---------------------------------------------------------------------------------------

STOPS = {
    "Reset": lambda visit: press(visit, "Reset"),
    "Back": lambda visit: press(visit, "Back"),
    "Pause": lambda visit: press(visit, "Pause"),
    "slider": lambda visit: visit.page.get_by_label("Update of the run").press("Home"),
    "Start again": lambda visit: press(visit, "Start again"),
}


@pytest.mark.parametrize("way", few_rows(STOPS, "Reset"))
def test_the_player_stops_a_training(live: Visit, way: str):
    step_by(live, "update")
    learning = panel(live, "Learning")
    learning.get_by_label("Updates", exact=True).select_option("100000")
    press(live, "Train")
    live.page.locator("#live .play", has_text="Pause").wait_for()
    live.page.locator("#live .where", has_text=re.compile(r"Update \d\d+ ")).wait_for()
    STOPS[way](live)
    assert live.page.locator("#live .play").inner_text() == "Play"
    place = where(live)
    if way in {"Reset", "slider", "Start again"}:
        assert place.startswith("Update 0 ")
    # frames that come later make no updates
    live.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
    assert where(live) == place
    press(live, "Train")
    learning.get_by_role("button", name="Stop").click()
    assert live.page.locator("#live .play").inner_text() == "Play"


@pytest.mark.full_only
def test_a_training_stops_the_player(live: Visit):
    step_by(live, "quantity")
    press(live, "Play")
    panel(live, "Learning").get_by_label("Updates", exact=True).select_option("100")
    press(live, "Train")
    live.page.get_by_text("100 updates done.").wait_for()
    assert live.page.locator("#live .play").inner_text() == "Play"
    assert where(live).endswith("whole step")


def test_reset_goes_to_the_start_of_the_run_with_the_changes(live: Visit):
    start = where(live)
    step_by(live, "update", 3)
    third = where(live)
    set_number(live, "Network", "learning rate", "0.25")
    press(live, "Step")
    press(live, "Reset")
    assert where(live) == start
    assert said(live).startswith("The same start again, with your changes: ")
    rate = panel(live, "Network").get_by_role("spinbutton", name="learning rate", exact=True)
    assert rate.input_value() == "0.25"
    step_by(live, "update", 3)
    assert where(live).startswith("Update 3 ")
    assert where(live) != third
    press(live, "Undo learning rate")
    assert where(live) == third
    press(live, "Reset")
    assert where(live) == start


# ---- names --------------------------------------------------------------------------------------


@pytest.mark.full_only
def test_weights_and_the_loss_have_the_names_of_the_notation(live: Visit):
    texts = live.page.locator("#live .over .value")
    assert re.fullmatch(r" ?[−\d.]+", texts.first.text_content())
    live.page.get_by_label("Notation").select_option("mazur")
    names = [text.split(" ")[0] for text in texts.all_text_contents()]
    assert names == ["w1", "w2", "w3", "w4", "w5", "w6"]
    live.page.get_by_label("Notation").select_option("plain")
    assert re.fullmatch(r" ?[−\d.]+", texts.first.text_content())
    assert " · loss = " in where(live)
    live.page.get_by_label("Notation").select_option("mazur")
    name = where(live).split(" · ")[1].split(" = ")[0]
    assert name.startswith("E")
    choose(live, "out_h1(1)")
    assert f"How {name} changes with" in live.page.locator("#live .paths").inner_text()
    step_by(live, "update", 1)
    assert said(live).startswith(f"Update 1: {name} = ")


@pytest.mark.full_only
def test_what_only_repeats_a_number_is_neither_shown_nor_said_to_use_it(live: Visit):
    live.page.get_by_label("Notation").select_option("mazur")
    choose(live, "out_h1(1)")
    arithmetic = panel(live, "Arithmetic")
    names = arithmetic.locator(".quantity").evaluate_all(
        "all => all.map(e => [e.getAttribute('aria-label'), e.innerText])"
    )
    assert len(names) == 4
    for name, text in names:
        lines = [line.strip("= \n") for line in text.split("\n") if line.strip("= \n")]
        assert lines.count(name) < 2, text
    live.page.locator("#live .over").filter(has_text=re.compile("w5 ")).first.click()
    used = arithmetic.locator(".links").last.inner_text()
    assert "Used by" in used
    assert not re.search(r"\b(dC|g|da|o|p)_", used)
    live.page.get_by_label("Notation").select_option("plain")
    choose(live, "a1[0,0]")
    used = arithmetic.locator(".links").last
    assert "dW2[0,0] = " in used.inner_text()
    used.get_by_role("button", name="dW2[0,0] = ").click()
    assert "W2_new[0,0] = " in arithmetic.locator(".links").last.inner_text()
    assert not re.search(r"\b(dC|g)_", arithmetic.locator(".links").last.inner_text())


# ---- small numbers ------------------------------------------------------------------------------


@pytest.mark.full_only
def test_arrow_keys_move_a_number_by_its_size_and_stay_inside_its_interval(live: Visit):
    rate = set_number(live, "Network", "learning rate", "0.001")
    rate.press("ArrowUp")
    assert rate.input_value() == "0.0011"
    for _ in range(3):
        rate.press("ArrowDown")
    assert rate.input_value() == "0.00089"
    rate.press("Shift+ArrowDown")
    rate.press("Shift+ArrowDown")
    assert float(rate.input_value()) > 0
    penalty = panel(live, "Network").get_by_role("spinbutton", name="l2 of the penalty")
    penalty.press("ArrowUp")
    assert penalty.input_value() == "0.01"
    for _ in range(2):
        penalty.press("ArrowDown")
    assert penalty.input_value() == "0"
    assert panel(live, "Network").get_by_role("alert").inner_text() == ""


@pytest.mark.full_only
def test_one_is_not_several(live: Visit):
    data = panel(live, "Data")
    for left in (3, 2, 1):
        data.get_by_role("button", name="Remove the last").press("Enter")
        data.get_by_text(re.compile(f"^{left} samples? for")).wait_for()
    assert "1 sample for training" in data.inner_text()
    assert has_focus(live)


@pytest.mark.full_only
def test_the_digits_that_are_shown_are_those_of_the_field(live: Visit):
    digits = live.page.get_by_label("Significant digits", exact=True)
    digits.fill("99")
    digits.press("Enter")
    assert digits.input_value() == "15"


# ---- the page below -----------------------------------------------------------------------------


def test_the_page_says_which_step_and_which_model_it_has_also_in_print(live: Visit):
    note = live.page.locator("main .stale")
    assert note.is_hidden()
    step_by(live, "update", 4)
    assert note.inner_text() == "Below is step 1 of the file; above is step 5."
    press(live, "Reset")
    assert note.is_hidden()
    title = live.page.locator("h1").inner_text()
    panel(live, "Data").get_by_label("Preset", exact=True).select_option("spiral")
    assert live.page.locator("h1").inner_text() != title
    live.page.emulate_media(media="print")
    assert not live.page.locator("#live").is_visible()
    assert note.is_visible()
    assert title in note.inner_text()
    assert note.inner_text().endswith("from before your changes.")


# ---- focus and keys -----------------------------------------------------------------------------


def has_focus(visit: Visit) -> bool:
    """Return whether keys still work: whether the focus is in the instrument, and in no field."""
    return visit.evaluate(f"{ACTIVE}.closest('#live') && !{ACTIVE}.matches('input, select, body')")


@pytest.mark.full_only
def test_the_focus_stays_in_the_arithmetic_from_number_to_number(live: Visit):
    arithmetic = panel(live, "Arithmetic")
    for title in ("Made of", "Used by"):
        press(live, "Reset")
        choose(live, "a1[0,0]")
        link = arithmetic.locator(".links", has_text=title).get_by_role("button").first
        name = link.inner_text().split(" = ")[0]
        link.press("Enter")
        assert live.evaluate(f"{ACTIVE}.getAttribute('aria-label') ?? {ACTIVE}.textContent") in {
            name,
            f"{name} = 0: given.",
        }
        before = where(live)
        live.page.keyboard.press("l")
        assert where(live) != before
        assert has_focus(live)


@pytest.mark.full_only
def test_the_focus_stays_where_a_control_goes(live: Visit):
    set_number(live, "Network", "learning rate", "0.25")
    undo = live.page.get_by_role("button", name="Undo learning rate")
    undo.press("Enter")
    assert live.evaluate(f"{ACTIVE}.textContent") == "Redo learning rate"
    live.page.keyboard.press("Enter")
    assert live.evaluate(f"{ACTIVE}.textContent") == "Undo learning rate"
    panel(live, "Mistakes").get_by_label("Switch a mistake on").select_option(index=1)
    live.page.get_by_role("button", name="Switch the mistake off").press("Enter")
    assert has_focus(live)
    panel(live, "Network").get_by_role("button", name="Remove layer 1").press("Enter")
    assert has_focus(live)


def test_control_z_undoes_a_change_and_leaves_text_that_is_being_typed_to_the_browser(live: Visit):
    type_in, key = live.page.keyboard.type, live.page.keyboard.press
    rate = panel(live, "Network").get_by_role("spinbutton", name="learning rate", exact=True)
    rate.focus()
    for text in ("0.7", "0.8"):
        key("Control+A")
        type_in(text)
        key("Enter")
    key("Control+z")
    assert rate.input_value() == "0.7"
    assert live.page.get_by_role("button", name="Redo learning rate").is_enabled()
    key("Control+Shift+z")
    assert rate.input_value() == "0.8"
    type_in("5")
    key("Control+z")
    assert rate.input_value() == "0.8"
    assert live.page.locator("#live .history button").first.inner_text() == "Undo learning rate"
    key("Control+z")
    key("Control+z")
    assert rate.input_value() == "0.5"
    key("Tab")  # leaving the field is no change
    assert live.page.locator("#live .history button").first.is_disabled()


@pytest.mark.full_only
def test_changes_are_said(live: Visit):
    set_number(live, "Network", "learning rate", "0.25")
    assert said(live).startswith("Changed: learning rate. loss = ")
    press(live, "Undo learning rate")
    assert said(live).startswith("Undone: learning rate. loss = ")
    press(live, "Redo learning rate")
    assert said(live).startswith("Done again: learning rate. loss = ")
    panel(live, "Data").get_by_label("Preset", exact=True).select_option("moons")
    assert said(live).startswith("Changed: Moons. loss = ")
    choose(live, "x[0,0]")
    press(live, "Copy as LaTeX")
    live.page.locator("#live .says", has_text=re.compile("^(Copied|The text is)")).wait_for()


@pytest.mark.full_only
def test_home_and_end_go_to_the_first_and_the_last_tab(live: Visit):
    tabs = live.page.get_by_role("tab")
    tabs.first.focus()
    for key, place in (
        ("End", tabs.last),
        ("ArrowRight", tabs.first),
        ("ArrowLeft", tabs.last),
        ("Home", tabs.first),
    ):
        live.page.keyboard.press(key)
        assert place.get_attribute("aria-selected") == "true"
        assert place.evaluate("e => e === document.activeElement")
