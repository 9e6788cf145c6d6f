"""Draws the README's picture, the 2-2-2 network with its numbers, into docs/mazur.svg.

``python -m tools.picture`` writes it, and a test in tests/repository compares the file.
"""

from pathlib import Path

from chainrule import explain_problem, problem
from chainrule.explanation.pages.picture import picture
from chainrule.explanation.pages.svg import svg

FILE = Path(__file__).parents[1] / "docs" / "mazur.svg"


def drawn() -> str:
    """Return the picture as it is drawn now."""
    example = explain_problem(problem("mazur"))
    return svg(picture(example, example.steps[0])) + "\n"


if __name__ == "__main__":
    FILE.write_text(drawn(), encoding="utf-8")
