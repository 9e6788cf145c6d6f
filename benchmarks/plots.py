"""Draws the tables of docs/benchmarks.md as bars: how many times as long each peer takes.

``python -m benchmarks.plots`` writes the SVG files next to the page, and Sphinx does so for every
build. The numbers are read from the page, so that plots and tables cannot differ.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import regions

FOLDER = regions.PAGE.parent / "plots"
FASTER, SLOWER = "#2a6f97", "#c8553d"  # chainrule's side of 1×, and the peer's


class Bar(NamedTuple):
    """A peer's time, or memory, as a multiple of chainrule's in one row of a table.

    Attributes
    ----------
    row, peer : str
    text : str
        The multiple as the table has it, such as "1,116".
    """

    row: str
    peer: str
    text: str

    @property
    def ratio(self) -> float:
        """The multiple as a number."""
        return float(self.text.replace(",", ""))


# ---- from the page's tables to bars -------------------------------------------------------------


def table(text: str) -> Iterator[dict[str, str]]:
    """Yield the rows of the Markdown table in a text, by their columns' names."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    for row in rows:
        yield dict(zip(head, row, strict=True))


def of_peers(text: str) -> list[Bar]:
    """Return the bars of the table of ``make bench``: cells such as "**80.7 ms, 0.983×**"."""
    found = []
    for row in table(text):
        name, *cells = row.items()
        for peer, cell in cells:
            if ratio := re.search(r", ([\d.,]+)×", cell):
                found.append(Bar(name[1], peer, ratio[1]))
    return found


def of_sets(text: str) -> list[Bar]:
    """Return the bars of the table of ``make bench-sets``."""
    return [
        Bar(f"{row['data']}, {row['rows × columns']}", "scikit-learn", row["times as fast"])
        for row in table(text)
    ]


def in_section(bars: Sequence[Bar], *sections: str) -> list[Bar]:
    """Return the bars of some sections, which end a row's name in parentheses.

    The name of a single section is left out of the rows.
    """
    endings = tuple(f" ({section})" for section in sections)
    found = [bar for bar in bars if bar.row.endswith(endings)]
    if len(sections) > 1:
        return found
    return [bar._replace(row=bar.row.removesuffix(endings[0])) for bar in found]


# ---- from bars to a file ------------------------------------------------------------------------


def draw(bars: Sequence[Bar], path: Path) -> None:
    """Draw bars on a logarithmic scale, in one panel for each peer."""
    plt = pyplot()
    rows, peers = (list(dict.fromkeys(names)) for names in ([b[i] for b in bars] for i in (0, 1)))
    width = min(9.0, 3 + 2.2 * len(peers))
    layout = {"sharex": True, "sharey": True, "squeeze": False, "layout": "constrained"}
    size = (width, 0.8 + 0.27 * len(rows))
    figure, panels = plt.subplots(1, len(peers), figsize=size, **layout)
    for peer, panel in zip(peers, panels[0], strict=True):
        fill(panel, {rows.index(bar.row): bar for bar in bars if bar.peer == peer})
        panel.set_title(textwrap.fill(peer, 14), fontsize=8)
    panels[0][0].set_yticks(range(len(rows)), labels=[textwrap.fill(row, 40) for row in rows])
    panels[0][0].invert_yaxis()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def pyplot() -> Any:
    """Return matplotlib's pyplot, set up to write the same bytes every time."""
    import matplotlib as mpl  # pyright: ignore[reportMissingImports]

    mpl.use("svg")
    settings: Any = mpl.rcParams  # its keys are literal types
    settings.update({"svg.hashsalt": "chainrule", "font.size": 8})
    settings.update({f"axes.spines.{side}": False for side in ("left", "right", "top")})
    from matplotlib import pyplot as plt  # pyright: ignore[reportMissingImports]

    return plt


def fill(panel: Any, bars: Mapping[int, Bar]) -> None:
    """Draw one peer's bars, which begin at 1×, each with its number."""
    ratios = [bar.ratio for bar in bars.values()]
    colors = [FASTER if ratio >= 1 else SLOWER for ratio in ratios]
    panel.barh(list(bars), [ratio - 1 for ratio in ratios], left=1, color=colors, height=0.7)
    panel.set_xscale("log")
    panel.axvline(1, color="black", linewidth=0.8)
    panel.margins(x=0.35)
    panel.tick_params(axis="y", length=0)
    panel.xaxis.minorticks_off()
    panel.xaxis.set_major_formatter(lambda x, _: f"{x:,g}×")
    for place, bar in bars.items():
        side, shift = ("left", 2) if bar.ratio >= 1 else ("right", -2)
        where = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side, "va": "center"}
        panel.annotate(bar.text, (bar.ratio, place), fontsize=6, **where)


def write(folder: Path = FOLDER, source: Path = regions.PAGE) -> None:
    """Write the plots of a page into a folder."""
    bars = of_peers(regions.read(source, "bench"))
    training = [*in_section(bars, "an epoch"), *in_section(bars, "mnist")]
    draw(training, folder / "training.svg")
    draw(in_section(bars, "tiny, new process", "tiny, second call"), folder / "tiny.svg")
    draw(in_section(bars, "predict"), folder / "predicting.svg")
    draw(in_section(bars, "memory growth"), folder / "memory.svg")
    draw(of_sets(regions.read(source, "bench-sets")), folder / "sets.svg")
    from benchmarks import distributed  # which draws with this module's settings

    models = distributed.models_on(regions.read(source, distributed.REGION))
    distributed.draw(models, folder / "distributed.svg")


if __name__ == "__main__":
    write()
