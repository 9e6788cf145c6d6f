"""``chainrule demo``: the network learns, and the printed numbers are correct."""

import re
import signal
import sys

import numpy as np
import pytest
from rich.console import Console

from chainrule.cli import digits, progress
from chainrule.cli.digits import Digits, caption, draw, load, row, split, uninterrupted
from chainrule.cli.output import page
from chainrule.training import Record
from tests.cli.conftest import Call, Outcome

ESCAPE = "\x1b"


def test_network_learns(demo: Outcome):
    assert demo.code == 0, demo.err
    found = re.search(
        r"^([\d.]+)% accuracy on held-out digits: (\d+) of (\d+)",
        demo.out,
        flags=re.MULTILINE,
    )
    assert found
    share, right, count = map(float, found.groups())
    assert share >= 97
    assert share == round(100 * right / count, 1)
    assert f"Mistakes: {count - right:g}\n" in demo.out


def test_worked_example_is_printed_first(demo: Outcome):
    assert demo.out.startswith("The 2-2-2 example")
    assert "w5⁺ = 0.4 - 0.5 · 0.082167040564 = 0.35891648\n" in demo.out


def test_output_without_a_terminal_is_plain_text(demo: Outcome):
    assert ESCAPE not in demo.out + demo.err
    assert "\r" not in demo.out + demo.err
    assert max(map(len, demo.out.splitlines())) <= 80


def test_progress_is_printed_as_lines_on_standard_error(demo: Outcome):
    lines = demo.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"epoch {n}/20" for n in (5, 10, 15, 20)]
    pattern = r"epoch \d+/20: loss \d\.\d{4}, held out \d\d\.\d%, learning rate 0\.00\d{3}"
    assert all(re.fullmatch(pattern, line) for line in lines)
    assert "epoch" not in demo.out


def test_low_accuracy_is_a_failed_check(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digits, "EPOCHS", 1)
    code, out, err = call("demo")
    assert code == 1
    assert re.search(r"^Failed: the accuracy of \d+\.\d% is below 97%\.$", err, flags=re.MULTILINE)
    assert "accuracy on held-out digits" in out


def test_scikit_learn_is_required(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    code, out, err = call("demo")
    assert code == 3
    assert out.startswith("The 2-2-2 example")
    assert "scikit-learn" in err
    assert "pip install 'chainrule[train]'" in err


def test_interruption_is_delayed():
    handler, passed = signal.getsignal(signal.SIGINT), []

    def interrupted() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            passed.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert passed
    assert signal.getsignal(signal.SIGINT) is handler


def test_quarter_of_the_data_is_held_out():
    data = load()
    learned, held_out = split(data)
    assert (len(data.y), len(learned.y), len(held_out.y)) == (1797, 1348, 449)
    rows = np.concatenate([learned.X, held_out.X])
    assert np.array_equal(np.sort(rows, axis=0), np.sort(data.X, axis=0))
    assert np.array_equal(split(data)[1].X, held_out.X)


# ---- pictures of digits -------------------------------------------------------------------------


def test_character_of_a_picture_has_two_pixels():
    ink = np.zeros((8, 8))
    ink[0, 0] = ink[3, 1] = ink[4:6, 2] = 1
    assert draw(ink).plain.splitlines() == ["▀       ", " ▄      ", "  █     ", "        "]


def test_captions():
    p = np.full(10, 0.001)
    p[3] = 0.991
    assert caption(p, 3).plain == " 3  99%"
    assert caption(p, 8).plain == " 3 not 8"


@pytest.mark.parametrize(("width", "drawn"), [(80, 10), (50, 6), (20, 2)])
def test_number_of_pictures_fits_the_width(width: int, drawn: int):
    console = Console(width=width, record=True, color_system=None, quiet=False)
    data = Digits(np.ones((10, 64)), np.zeros(10, int))
    with console.capture() as captured:
        row(console, "Title", data, np.eye(10), np.arange(10))
    assert captured.get().splitlines()[2].count("████████") == drawn


# ---- progress -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("epochs", "printed"), [(1, [1]), (3, [1, 2, 3]), (9, [2, 4, 6, 8, 9])])
def test_progress_lines_are_printed_every_few_epochs(epochs: int, printed: list[int], capsys):
    with progress.lines(Console(stderr=True), epochs) as show_record:
        for epoch in range(1, epochs + 1):
            show_record(Record(epoch, epoch, 0.5, None, None, None, 0.0))
    assert capsys.readouterr().err == "".join(f"epoch {n}/{epochs}: loss 0.5000\n" for n in printed)


def test_rows_can_be_printed_on_a_page():
    data = Digits(np.zeros((1, 64)), np.zeros(1, int))
    shown = page(lambda console: row(console, "Title", data, np.eye(10)[:1], np.arange(1)))
    assert shown.splitlines()[1] == "Title"
