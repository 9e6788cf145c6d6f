"""Draws the README's picture, the 2-2-2 network with its numbers, into docs/mazur.svg.

``python -m tools.picture`` writes it, and a test in tests/repository compares the file.
"""

from pathlib import Path

from chainrule import explain_problem, problem
from chainrule.pages import Drawing
from chainrule.pages.svg import svg

FILE = Path(__file__).parents[1] / "docs" / "mazur.svg"


def drawn() -> str:
    """Return the picture as it is drawn now."""
    example = explain_problem(problem("mazur"))
    drawing = next(item for item in example.page().items if isinstance(item, Drawing))
    return svg(drawing) + "\n"


if __name__ == "__main__":
    FILE.write_text(drawn(), encoding="utf-8")
