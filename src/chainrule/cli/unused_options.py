"""Rejects options that have no effect on what a command writes."""

from collections.abc import Iterable, Mapping

import typer

Unused = Mapping[str, tuple[tuple[str, ...], str]]  # by kind: options without effect, and why

PAGE_OPTIONS = (
    *("show", "parameter", "level", "notation", "residual", "count-from", "digits", "decimals"),
)
NO_PAGE = "because a program has no page; remove it, or choose another format"
LEVEL_REMEDY = "remove it, or add --level scalars or --parameter KEY"

EXAMPLE_UNUSED: Unused = {
    "numpy": (PAGE_OPTIONS, NO_PAGE),
    "pytorch": (PAGE_OPTIONS, NO_PAGE),
    "matrices": (("compact",), f"at the level of matrices; {LEVEL_REMEDY}"),
    "summary": (
        ("residual", "count-from", "compact"),
        f"on a summary; {LEVEL_REMEDY}",
    ),
}  # by format or level of a worked example


def reject_unused_options(options: Iterable[str], kind: str, unused: Unused) -> None:
    """Raise BadParameter if an option has no effect on a kind of file, format or level."""
    without_effect, why = unused.get(kind, ((), ""))
    for name in options:
        if name in without_effect:
            raise typer.BadParameter(f"has no effect {why}", param_hint=f"--{name}")
