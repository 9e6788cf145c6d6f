"""The regions of docs/benchmarks.md and README.md that commands write, between two markers.

The text of a region is replaced when its command runs with ``--write``.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"


def markers(region: str) -> tuple[str, str]:
    """Return the lines before and after a region."""
    return f"<!-- {region}:begin -->", f"<!-- {region}:end -->"


def write(path: Path, region: str, text: str) -> None:
    """Replace the text of a region in a file.

    Raises
    ------
    SystemExit
        If the file does not have the markers of the region exactly once.
    """
    begin, end = markers(region)
    old = path.read_text(encoding="utf-8")
    new, count = pattern(region).subn(lambda found: f"{found[1]}\n{text}\n\n{found[3]}", old)
    if count != 1:
        raise SystemExit(
            f"{path.name} must contain the lines {begin} and {end} exactly once; add them"
        )
    path.write_text(new, encoding="utf-8")


def read(path: Path, region: str) -> str:
    """Return the text of a region in a file.

    Raises
    ------
    ValueError
        If the file does not have the markers of the region.
    """
    found = pattern(region).search(path.read_text(encoding="utf-8"))
    if found is None:
        begin, end = markers(region)
        raise ValueError(f"{path.name} does not contain the lines {begin} and {end}")
    return found[2].strip()


def pattern(region: str) -> re.Pattern[str]:
    """Return the pattern of a region: its first marker, its text, its last marker."""
    begin, end = markers(region)
    return re.compile(f"({re.escape(begin)}\n)(.*?)({re.escape(end)})", re.DOTALL)
