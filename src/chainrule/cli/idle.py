"""Options that would change nothing, told instead of passed over.

Which settings exclude each other is known to chainrule.problems; here it is about what is written.
"""

from collections.abc import Iterable

import typer

PAGES = ("show", "parameter", "level", "notation", "residual", "count-from", "digits", "decimals")
IDLE = {
    "numpy": (PAGES, "a program has no page; leave it out, or choose another format"),
    "pytorch": (PAGES, "a program has no page; leave it out, or choose another format"),
    "matrices": (
        ("count-from", "compact"),
        "matrices are written in one way; leave it out, or add --level scalars or --parameter KEY",
    ),
    "summary": (
        ("residual", "count-from", "compact"),
        "a summary is written in one way; leave it out, or add --level scalars or --parameter KEY",
    ),
}  # by format or level: options without effect, and what is said of them


def refuse_idle(options: Iterable[str], written: str) -> None:
    """Raise BadParameter where an option has no effect on a format or a level."""
    idle, why = IDLE.get(written, ((), ""))
    for name in options:
        if name in idle:
            raise typer.BadParameter(f"changes nothing: {why}", param_hint=f"'--{name}'")
