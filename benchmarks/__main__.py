"""``python -m benchmarks``: everybody's times in one run, and what has to hold beside what does.

Correctness is compared first; then the peers take turns. ``--quick`` measures less, and says so.
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
    page,
    pages,
    peers,
    predicting,
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
from benchmarks.workers import Crew, PeerError
from benchmarks.workloads import EPOCHS, Workload

RESULTS = Path(__file__).parent / "results"
QUICK_EPOCHS = (2, 5, 8, 10, 12)  # places in EPOCHS: those of which most is asked
SECTIONS = ("tiny", "epochs", "predict", "mnist", "start", "memory")  # in the table
OTHERS = ("scaling", "nielsen", "pages", "stages")  # each with a text of its own


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes: less of everything")
    known = ", ".join((*SECTIONS, *OTHERS, *scaling.AXES))
    names = f"{known}, or a part of a workload's name"
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help=names)
    parser.add_argument(
        "--write", action="store_true", help="write the tables to docs/benchmarks.md and README.md"
    )
    parser.add_argument("--repeats", type=int, help="turns of each peer")
    said = parser.parse_args(words)
    if said.write and said.only:
        parser.error("--write goes with a whole run, without --only")
    return said


def settings_of(said: argparse.Namespace) -> Settings:
    """Return how much is measured."""
    usual = Settings(quick=True, repeats=3, slow=1.0) if said.quick else Settings()
    return Settings(usual.quick, said.repeats or usual.repeats, usual.slow)


def wanted(name: str, said: argparse.Namespace) -> bool:
    """Return whether a section is asked for."""
    if said.only:
        return name in said.only or (name == "epochs" and bool(named_workloads(said)))
    return not said.quick or name in SECTIONS


def named_workloads(said: argparse.Namespace) -> list[Workload]:
    """Return the workloads that a part of their name asks for."""
    parts = [part for part in said.only if part not in (*SECTIONS, *OTHERS, *scaling.AXES)]
    return [w for w in EPOCHS if any(part in w.name for part in parts)]


def workloads(said: argparse.Namespace) -> list[Workload]:
    """Return the workloads of the epochs."""
    if named := named_workloads(said):
        return named
    return [EPOCHS[k] for k in QUICK_EPOCHS] if said.quick else EPOCHS


# ---- the sections --------------------------------------------------------------------------------


def epochs(crew: Crew, settings: Settings, chosen: Sequence[Workload]) -> list[Row]:
    """Return a row for each workload."""
    keys = [key for key in peers.MODULES if key != "torch.compile" or not settings.quick]
    found = []
    for w in chosen:
        print(f"  {w.name}", file=sys.stderr, flush=True)
        found.append(training.row(crew, settings.cut(w), keys, settings, "an epoch"))
    return found


def measured(crew: Crew, settings: Settings, said: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of the table, section by section."""
    sections: dict[str, Callable[[], list[Row]]] = {
        "tiny": lambda: tiny.rows(crew, settings),
        "epochs": lambda: epochs(crew, settings, workloads(said)),
        "predict": lambda: predicting.rows(crew, settings),
        "mnist": lambda: stopwatch.rows(crew, settings),
        "start": lambda: starting.rows(settings),
        "memory": lambda: memory.rows(settings),
    }
    for name, section in sections.items():
        if wanted(name, said):
            began = perf_counter()
            try:
                yield from section()
            except PeerError as error:
                print(f"{name} could not be measured: {error}", flush=True)
            print(f"{name}: {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


def others(crew: Crew, settings: Settings, said: argparse.Namespace) -> Iterator[str]:
    """Yield the sections that are no rows."""
    axes = [axis for axis in scaling.AXES if wanted("scaling", said) or axis in said.only]
    if axes:
        try:
            found = scaling.curves(crew, settings, axes)
            yield scaling.report(found) + "\n" + scaling.plot(found, RESULTS / "scaling.png")
        except PeerError as error:
            yield f"Scaling was not measured: {error}"
    if wanted("nielsen", said):
        try:
            yield nielsen.report(crew, settings)
        except PeerError as error:
            yield f"Nielsen's network was not trained: {error}"
    if wanted("pages", said):
        yield pages.report()
    if wanted("stages", said):
        try:
            yield stages.report(crew)
        except PeerError as error:
            yield f"The stages were not timed: {error}"


def main(words: Sequence[str] | None = None) -> None:
    """Print every figure, save them in a file, and write the page's table if requested."""
    said = options(words)
    settings, about, began = settings_of(said), machine.described(), perf_counter()
    quick = ", quick: fewer rows, repeats and sections" if settings.quick else ""
    print(f"{machine.told(about)}{quick}\n", flush=True)
    with Crew() as crew:
        rows = list(measured(crew, settings, said))
        if rows:
            print(tables.terminal(rows, color=sys.stdout.isatty()))
        for text in others(crew, settings, said):
            print(f"\n{text}", flush=True)
    if rows:
        print(f"\nWhat has to hold\n{requirements.report(rows, everything=not said.only)}")
    kept = keep(rows, about, part=bool(said.only))
    print(f"\n{perf_counter() - began:.0f} s in all; every figure is in {kept.name}")
    if said.write:
        page.write(page.PAGE, "bench", tables.for_page(rows, machine.told(about), quick))
        page.write(page.README, "bench-summary", tables.summary(rows))


def keep(rows: Sequence[Row], about: dict[str, Any], *, part: bool) -> Path:
    """Write every figure to a file, those of a part of the run to another; return which."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("bench-part.json" if part else "bench.json")
    text = json.dumps({"machine": about, "rows": as_dict(rows)}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
