"""Compiles LaTeX documents, for tests of every package that makes them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SETTINGS = {"max_print_line": "1000", "error_line": "254", "half_error_line": "238"}

needs_pdflatex = pytest.mark.skipif(
    not shutil.which("pdflatex"), reason="pdflatex is missing: texlive-latex-base"
)


def compiled(page: str, folder: Path) -> str:
    """Return the log of one run."""
    (folder / "page.tex").write_text(page, encoding="ascii")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "page.tex"]
    run = subprocess.run(
        command, cwd=folder, env=os.environ | SETTINGS, capture_output=True, check=False
    )
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, log[-3000:]
    return log


def complaints(page: str, folder: Path) -> list[str]:
    """Return the warnings of one run."""
    log = compiled(page, folder)
    return re.findall(r".*(?:Warning|Overfull|Underfull|Missing character).*", log)
