# pyright: strict
"""The report in a terminal: each finding under its title, with the remedy and why it matters.

Numbers are printed as the findings have them; nothing is judged here.
"""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chainrule.health.examinations import EXAMINATIONS
from chainrule.health.findings import Finding, Health


def render(health: Health, console: Console | None = None) -> None:
    """Print a report; to standard output by default."""
    out = console or Console(highlight=False, emoji=False)
    sign, style = ("✓", "bold green") if health.ok else ("✗", "bold red")
    out.print(Text(f"{sign} {health.headline}", style=style))
    for place, finding in enumerate(health.findings, 1):
        examination = EXAMINATIONS[finding.id]
        out.print()
        out.print(Text(f"{place}. {examination.title}", style="bold cyan"))
        out.print(Padding(rows(finding, examination.why), (0, 0, 0, 2)))


def rows(finding: Finding, why: str) -> Table:
    """Return what was found, what to do, and why it matters, each behind its label."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in (("Found", finding.sentence), ("Remedy", finding.remedy), ("Why", why)):
        table.add_row(Text(label, style="bold"), Text(text))
    return table
