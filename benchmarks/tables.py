"""The tables: one for a terminal, with a line for each figure, and one for docs/benchmarks.md.

A peer that is faster than chainrule is in bold, and a figure that is missing has its reason.
"""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks import peers
from benchmarks.check.tables import markdown
from benchmarks.results import Figure, Row
from benchmarks.timing import Spread

SCALES = {"s": 1.0, "ms": 1e3, "µs": 1e6, "MB": 1e-6}
BOLD, PLAIN = "\033[1m", "\033[0m"
HEAD = ("workload", "program", "median", "", "least to most", "× ours", "of GEMM", "its best way")
NUMBERS = range(2, 7)  # columns that are aligned to the right
WORDS = 3  # significant digits


def number(value: float) -> str:
    """Return a number with three digits, never with an exponent where it is read as a time."""
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{WORDS}g}"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, WORDS - whole)}f}"


def name_of(peer: str) -> str:
    """Return what a peer is called in tables."""
    return peers.NAMES.get(peer, peer)


def lost(row: Row, figure: Figure) -> bool:
    """Return whether a peer is faster than chainrule, or uses less memory."""
    ratio = row.ratio(figure.peer)
    return ratio is not None and ratio < 1 and figure.peer in peers.MODULES


# ---- for a terminal ------------------------------------------------------------------------------


def terminal(rows: Iterable[Row], *, color: bool) -> str:
    """Return one aligned table, followed by the machine's rate and the engine that was used."""
    found = list(rows)
    lines = [(cells, lost(row, f)) for row in found for cells, f in of_row(row)]
    texts = [HEAD, *(cells for cells, _ in lines)]
    widths = [max(len(cells[i]) for cells in texts) for i in range(len(HEAD))]
    aligned_lines = [aligned(HEAD, widths)]
    for cells, is_lost in lines:
        line = aligned(cells, widths)
        aligned_lines.append(f"{BOLD}{line}{PLAIN}" if is_lost and color else line)
    return "\n".join([*aligned_lines, "", *remarks(found)])


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line with its cells in columns."""
    return "  ".join(
        cell.rjust(width) if i in NUMBERS and i != 3 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def of_row(row: Row) -> Iterator[tuple[tuple[str, ...], Figure]]:
    """Yield the lines of a row, ours first."""
    scale = SCALES[row.unit]
    for i, f in enumerate(row.figures):
        name = f"{row.name} ({row.section})" if i == 0 else ""
        if f.time is None:
            yield (name, name_of(f.peer), "void", "", "", "", "", f.void), f
            continue
        median, least, most = (number(scale * t) for t in f.time)
        ratio, share = row.ratio(f.peer), row.share(f.peer)
        sign = " faster" if lost(row, f) else ""
        yield (
            (
                name,
                name_of(f.peer),
                median,
                row.unit,
                f"{least} to {most}",
                f"{number(ratio)}{sign}" if ratio else "",
                f"{share:.0%}" if share else "",
                "; ".join(words for words in (f.variant, f.note) if words),
            ),
            f,
        )


def remarks(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines below the table: the machine's rate, and further facts about rows."""
    rates = [row.gemm for row in rows if row.gemm]
    if rates:
        yield f"SGEMM 2048³ on all cores, in the same turns: {gflops(rates)}"
    for row in rows:
        facts = {name: fact for name, fact in row.facts.items() if name != "rows" and fact}
        if facts:
            words = (f"{name}: {short(row, name, fact)}" for name, fact in facts.items())
            yield f"{row.name}: {'; '.join(words)}"


def short(row: Row, name: str, fact: object) -> str:
    """Return a fact in words."""
    if not isinstance(fact, float):
        return str(fact)
    return f"{number(fact * SCALES[row.unit])} {row.unit}"


def gflops(rates: Sequence[Spread]) -> str:
    """Return rates as the least and the most of their medians."""
    medians = sorted(rate.median / 1e9 for rate in rates)
    return f"{medians[0]:.0f} to {medians[-1]:.0f} GFLOP/s"


# ---- for docs/benchmarks.md ----------------------------------------------------------------------

COLUMNS = ("ours", "torch", "torch.compile", "jax", "sklearn", "reference", "tutorial")


def for_page(rows: Iterable[Row], machine: str, quick: str) -> str:
    """Return the region of the page: how it was measured, the table, and what is missing."""
    everything = list(rows)
    found = [row for row in everything if row.section not in STARTS]
    head = ("median, and × ours", *(name_of(key) for key in COLUMNS), "of GEMM")
    table = markdown(head, [(*wide(row), gemm_share(row)) for row in found])
    lines = dict.fromkeys(
        f"{name_of(f.peer)}: {f.void}" for row in found for f in row.figures if f.void
    )
    return f"""\
All in one run of `make bench`{quick}: {machine}.
Bold: the peer is faster than chainrule, or uses less memory.

{table}
{starts(everything)}
Not measured: {"; ".join(lines) or "nothing"}."""


SUMMARY_COLUMNS = ("ours", "torch", "jax", "sklearn")
SUMMARY = {
    "half-adder, 20,000 epochs (tiny, new process)": "half adder, 20,000 epochs, a whole process",
    "784-128-10, batch 128, Adam (an epoch)": "784-128-10, batch 128, Adam, an epoch",
    "16-64-64-1, 10,000 rows (predict)": "16-64-64-1, prediction of 10,000 rows",
    "MNIST, 784-128-10, Adam, batch 128, to 97.5% of the test set (mnist)": "MNIST, to 97.5%",
}


def summary(rows: Iterable[Row]) -> str:
    """Return the table of the README, which has four of the rows."""
    found = {cells[0]: cells[1:] for cells in (wide(row, SUMMARY_COLUMNS) for row in rows)}
    head = ("median, and × chainrule (bold: faster)", *(name_of(key) for key in SUMMARY_COLUMNS))
    return markdown(head, [(title, *found[name]) for name, title in SUMMARY.items()])


STARTS = ("first process", "second process")


def starts(rows: Iterable[Row]) -> str:
    """Return how long processes take that train 784-128-10 for 8 batches, as a paragraph."""
    took = {row.section: row for row in rows if row.section in STARTS}
    if len(took) < len(STARTS):
        return ""
    first, second = (took[section].median("ours") for section in STARTS)
    imports = took[STARTS[1]].median("imports")
    if first is None or second is None or imports is None:
        return ""
    return f"""
A whole process that trains 784-128-10 for 8 batches takes {number(first)} s if nothing has
been compiled before, and {number(second)} s after that. A process that only imports Numba and
SciPy's BLAS takes {number(imports)} s.
"""


def wide(row: Row, columns: Sequence[str] = COLUMNS) -> tuple[str, ...]:
    """Return a row with a column for each peer."""
    return (f"{row.name} ({row.section})", *(cell(row, key) for key in columns))


def gemm_share(row: Row) -> str:
    """Return the share of the machine's rate of matrix products, or an empty text."""
    share = row.share()
    return f"{share:.0%}" if share else ""


def cell(row: Row, peer: str) -> str:
    """Return a peer's median and its ratio to ours."""
    figure, median, ratio = row.figure(peer), row.median(peer), row.ratio(peer)
    if figure is None or median is None:
        return "–"
    text = f"{number(median * SCALES[row.unit])} {row.unit}"
    if peer == "ours" or not ratio:
        return text
    text = f"{text}, {number(ratio)}×"
    return f"**{text}**" if lost(row, figure) else text
