"""The regions of README.md that are written by programs: between two marks, and nothing else.

Whoever measures hands over the text; who wrote by hand between the marks loses it.
"""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def marks(region: str) -> tuple[str, str]:
    """Return the lines between which a region stands."""
    return f"<!-- {region}:begin -->", f"<!-- {region}:end -->"


def write(path: Path, region: str, text: str) -> None:
    """Put a text between the marks of a file.

    Raises
    ------
    SystemExit
        If the marks are not there.
    """
    begin, end = marks(region)
    old = path.read_text(encoding="utf-8")
    pattern = re.compile(f"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    new, count = pattern.subn(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", old)
    if count != 1:
        raise SystemExit(f"{path.name} has not the lines {begin} and {end} once; put them in")
    path.write_text(new, encoding="utf-8")
