"""Tests of the benchmarks' tables and plots, with invented rows: nothing is measured.

A peer that is faster must be shown like one that is slower, and a missing figure has its reason.
"""

import json
from pathlib import Path

import pytest

from benchmarks import plots, regions, requirements, tables
from benchmarks.__main__ import is_selected, options, settings_of, workloads
from benchmarks.results import Figure, Row, as_dict
from benchmarks.sets import __main__ as sets
from benchmarks.timing import Spread
from benchmarks.turns import take
from benchmarks.workers import PeerError
from benchmarks.workloads import EPOCHS, images

NAME = images(128, batch=32, rule="sgd").name


def spread(median: float) -> Spread:
    return Spread(median, 0.9 * median, 1.1 * median)


def row(jax: float = 0.02) -> Row:
    figures = [
        Figure("ours", spread(0.04)),
        Figure("torch", spread(0.16), "threads 1"),
        Figure("jax", spread(jax)),
        Figure("sklearn", None, void="its loss is 2, not 1"),
    ]
    return Row("an epoch", NAME, figures, flops=4e9, gemm=spread(2e11))


def test_a_faster_peer_is_bold_and_a_missing_figure_has_its_reason():
    text = tables.terminal([row()], color=True)
    (lost,) = (line for line in text.splitlines() if tables.BOLD in line)
    assert "JAX" in lost
    assert "0.500 faster" in lost
    assert "its loss is 2, not 1" in text
    assert tables.BOLD not in tables.terminal([row(0.05)], color=True)


def test_the_page_has_the_same_figures():
    text = tables.for_page([row()], "a machine", "")
    assert "| 40.0 ms | 160 ms, 4.00× |" in text
    assert "**20.0 ms, 0.500×**" in text
    assert "scikit-learn: its loss is 2, not 1" in text
    assert "50%" in text


def test_the_page_has_the_times_of_whole_processes():
    first = Row("first process", NAME, [Figure("ours", spread(9.5))], "s")
    later = [Figure("ours", spread(0.4)), Figure("imports", spread(0.8))]
    text = tables.for_page([row(), first, Row("second process", NAME, later, "s")], "", "")
    words = " ".join(text.split())
    assert "9.50 s if nothing has been compiled before, and 0.400 s after that" in words
    assert "imports Numba and SciPy's BLAS takes 0.800 s" in words
    assert "process" not in tables.for_page([row(), first], "", "")


def test_requirements_are_met_or_missed_by_a_factor():
    lines = [line for line in requirements.report([row()]).splitlines() if NAME in line]
    torch, sklearn, jax = (" ".join(line.split()) for line in lines)
    assert torch.endswith("4.00× met")
    assert sklearn.endswith("not measured")
    assert jax.endswith("NOT MET, by a factor of 3.80")


def test_every_requirement_has_a_row_of_that_name():
    names = {w.name for w in EPOCHS}
    asked = {
        requirement.name
        for requirement in requirements.all_requirements()
        if requirement.section == "an epoch"
    }
    assert asked <= names


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123456, "0.012"), (1.23456, "1.23"), (153.4, "153"), (20_000.0, "20,000"), (0, "0")],
)
def test_numbers_have_three_digits(value: float, text: str):
    assert tables.number(value) == text


def test_results_go_into_a_file():
    (found,) = json.loads(json.dumps(as_dict([row()])))
    assert found["share"] == pytest.approx(0.5)
    assert [f["ratio"] for f in found["figures"]] == pytest.approx([1, 4, 0.5, None])


def test_slow_peers_take_fewer_turns_and_failing_ones_none():
    def fail() -> float:
        raise PeerError("of this")

    values, failed = take({"quick": lambda: 1.0, "dying": fail}, 5, enough=10)
    assert (len(values["quick"]), failed) == (5, {"dying": "of this"})
    assert len(take({"slow": lambda: 1.0}, 5, enough=-1)[0]["slow"]) == 2


def test_flops_leave_out_the_first_dx():
    w = images(128, batch=32, rule="sgd", rows=64)
    assert w.flops == 2 * 64 * (2 * 784 * 128 + 3 * 128 * 10)


def test_sections_and_workloads_are_chosen_by_name():
    arguments = options(["--only", "mnist", "batch 512"])
    assert is_selected("mnist", arguments)
    assert is_selected("epochs", arguments)
    assert not is_selected("tiny", arguments)
    assert {w.batch for w in workloads(arguments)} == {512}
    assert settings_of(options(["--quick", "--repeats", "9"])).repeats == 9


def test_a_missing_region_is_an_error(tmp_path: Path):
    path = tmp_path / "page.md"
    path.write_text("<!-- bench:begin -->\nold\n<!-- bench:end -->\n", encoding="utf-8")
    regions.write(path, "bench", "new")
    assert path.read_text(encoding="utf-8").split() == [
        *["<!--", "bench:begin", "-->", "new", "<!--", "bench:end", "-->"]
    ]
    assert regions.read(path, "bench") == "new"
    with pytest.raises(SystemExit, match="add them"):
        regions.write(path, "other", "new")
    with pytest.raises(ValueError, match="other:begin"):
        regions.read(path, "other")


@pytest.mark.parametrize("region", ["bench", "bench-sets", "bench-check"])
def test_the_page_has_every_region(region: str):
    assert "\n| --- | --: " in regions.read(regions.PAGE, region)


def test_the_summary_in_the_readme_has_the_pages_figures():
    everything = {
        next(iter(r.values())): r for r in plots.table(regions.read(regions.PAGE, "bench"))
    }
    found = list(plots.table(regions.read(regions.README, "bench-summary")))
    assert [next(iter(row.values())) for row in found] == list(tables.SUMMARY.values())
    for row, name in zip(found, tables.SUMMARY, strict=True):
        for peer, figure in list(row.items())[1:]:
            assert everything[name][peer] == figure


def test_the_page_has_bars_for_every_plot():
    bars = plots.of_peers(regions.read(regions.PAGE, "bench"))
    sections = {bar.row.rpartition(" (")[2].removesuffix(")") for bar in bars}
    assert sections == {
        *("tiny, new process", "tiny, second call", "an epoch", "predict", "mnist"),
        "memory growth",
    }
    assert plots.of_sets(regions.read(regions.PAGE, "bench-sets"))


def test_bars_are_the_ratios_of_the_table():
    first = Row(
        "tiny, second call", "xor", [Figure("ours", spread(1)), Figure("torch", spread(2e3))]
    )
    bars = plots.of_peers(tables.for_page([row(), first], "a machine", ""))
    assert bars == [
        (f"{NAME} (an epoch)", "PyTorch", "4.00"),
        (f"{NAME} (an epoch)", "JAX, jitted scan", "0.500"),
        ("xor (tiny, second call)", "PyTorch", "2,000"),
    ]
    assert [bar.ratio for bar in bars] == [4, 0.5, 2000]
    assert plots.in_section(bars, "an epoch") == [
        (NAME, "PyTorch", "4.00"),
        (NAME, "JAX, jitted scan", "0.500"),
    ]
    assert plots.in_section(bars, "an epoch", "tiny, second call") == bars


def test_bars_of_the_data_sets_are_those_of_the_table():
    text = sets.report([("iris", "150 × 4", "", "", "", "", "0.22, 0.03", "8.0")], [], 10)
    assert plots.of_sets(text) == [("iris, 150 × 4", "scikit-learn", "8.0")]
