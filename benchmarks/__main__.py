"""``python -m benchmarks``: times of all peers in one run, and whether requirements are met.

Results are compared first, then times are measured in turns. ``--quick`` measures less.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import (
    machine,
    memory,
    nielsen,
    pages,
    peers,
    predicting,
    regions,
    requirements,
    scaling,
    stages,
    starting,
    stopwatch,
    tables,
    tiny,
    training,
)
from benchmarks.results import Row, as_dict
from benchmarks.settings import Settings
from benchmarks.workers import PeerError, WorkerPool
from benchmarks.workloads import EPOCHS, Workload

RESULTS = Path(__file__).parent / "results"
QUICK_EPOCHS = (2, 5, 8, 10, 12)  # indices of EPOCHS: the most important workloads
SECTIONS = ("tiny", "epochs", "predict", "mnist", "start", "memory")  # in the table
OTHERS = ("scaling", "nielsen", "pages", "stages")  # each with a text of its own


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes, with fewer measurements")
    known = ", ".join((*SECTIONS, *OTHERS, *scaling.AXES))
    names = f"{known}, or a part of a workload's name"
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help=names)
    parser.add_argument(
        "--write", action="store_true", help="write the tables to docs/benchmarks.md and README.md"
    )
    parser.add_argument("--repeats", type=int, help="turns of each peer")
    arguments = parser.parse_args(words)
    if arguments.write and arguments.only:
        parser.error("--write requires a whole run; remove --only")
    return arguments


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return how much is measured."""
    usual = Settings(quick=True, repeats=3, slow=1.0) if arguments.quick else Settings()
    return Settings(usual.quick, arguments.repeats or usual.repeats, usual.slow)


def is_selected(name: str, arguments: argparse.Namespace) -> bool:
    """Return whether a section is measured."""
    if arguments.only:
        return name in arguments.only or (name == "epochs" and bool(named_workloads(arguments)))
    return not arguments.quick or name in SECTIONS


def named_workloads(arguments: argparse.Namespace) -> list[Workload]:
    """Return the workloads whose name contains an argument of ``--only``."""
    parts = [part for part in arguments.only if part not in (*SECTIONS, *OTHERS, *scaling.AXES)]
    return [w for w in EPOCHS if any(part in w.name for part in parts)]


def workloads(arguments: argparse.Namespace) -> list[Workload]:
    """Return the workloads of the epochs."""
    if named := named_workloads(arguments):
        return named
    return [EPOCHS[k] for k in QUICK_EPOCHS] if arguments.quick else EPOCHS


# ---- the sections --------------------------------------------------------------------------------


def epochs(pool: WorkerPool, settings: Settings, chosen: Sequence[Workload]) -> list[Row]:
    """Return a row for each workload."""
    keys = [key for key in peers.MODULES if key != "torch.compile" or not settings.quick]
    found = []
    for w in chosen:
        print(f"  {w.name}", file=sys.stderr, flush=True)
        found.append(training.row(pool, settings.cut(w), keys, settings, "an epoch"))
    return found


def measured(pool: WorkerPool, settings: Settings, arguments: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of the table, section by section."""
    sections: dict[str, Callable[[], list[Row]]] = {
        "tiny": lambda: tiny.rows(pool, settings),
        "epochs": lambda: epochs(pool, settings, workloads(arguments)),
        "predict": lambda: predicting.rows(pool, settings),
        "mnist": lambda: stopwatch.rows(pool, settings),
        "start": lambda: starting.rows(settings),
        "memory": lambda: memory.rows(settings),
    }
    for name, section in sections.items():
        if is_selected(name, arguments):
            began = perf_counter()
            try:
                yield from section()
            except PeerError as error:
                print(f"{name} could not be measured: {error}", flush=True)
            print(f"{name}: {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


def others(pool: WorkerPool, settings: Settings, arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the sections that are not in the table, as texts."""
    axes = [
        axis for axis in scaling.AXES if is_selected("scaling", arguments) or axis in arguments.only
    ]
    if axes:
        try:
            found = scaling.curves(pool, settings, axes)
            yield scaling.report(found) + "\n" + scaling.plot(found, RESULTS / "scaling.png")
        except PeerError as error:
            yield f"Scaling was not measured: {error}"
    if is_selected("nielsen", arguments):
        try:
            yield nielsen.report(pool, settings)
        except PeerError as error:
            yield f"Nielsen's network was not trained: {error}"
    if is_selected("pages", arguments):
        yield pages.report()
    if is_selected("stages", arguments):
        try:
            yield stages.report(pool)
        except PeerError as error:
            yield f"The stages were not timed: {error}"


def main(words: Sequence[str] | None = None) -> None:
    """Print every figure, save them in a file, and write the page's table if requested."""
    arguments = options(words)
    settings, about, began = settings_of(arguments), machine.described(), perf_counter()
    quick = ", quick: fewer rows, repeats and sections" if settings.quick else ""
    print(f"{machine.as_text(about)}{quick}\n", flush=True)
    with WorkerPool() as pool:
        rows = list(measured(pool, settings, arguments))
        if rows:
            print(tables.terminal(rows, color=sys.stdout.isatty()))
        for text in others(pool, settings, arguments):
            print(f"\n{text}", flush=True)
    if rows:
        print(f"\nRequirements\n{requirements.report(rows, everything=not arguments.only)}")
    kept = keep(rows, about, part=bool(arguments.only))
    print(f"\n{perf_counter() - began:.0f} s in all; every figure is in {kept.name}")
    if arguments.write:
        regions.write(regions.PAGE, "bench", tables.for_page(rows, machine.as_text(about), quick))
        regions.write(regions.README, "bench-summary", tables.summary(rows))


def keep(rows: Sequence[Row], about: dict[str, Any], *, part: bool) -> Path:
    """Write every figure to a file, those of a part of the run to another; return which."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("bench-part.json" if part else "bench.json")
    text = json.dumps({"machine": about, "rows": as_dict(rows)}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
