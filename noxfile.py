"""Runs the tests with the oldest and with the newest versions that the package supports.

``make test-versions`` runs both sessions; ``nox -s lowest -- tests/laws`` runs a part of one.
"""

import re
import tomllib
from pathlib import Path

import nox

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIRED = [*PROJECT["dependencies"], *EXTRAS["train"], *EXTRAS["frames"]]
# A browser and PyTorch are large, and what they test does not depend on the versions.
LARGE = ("axe-playwright-python", "chainrule", "nbconvert", "playwright", "torch")
TEST_TOOLS = [tool for tool in EXTRAS["test"] if not tool.startswith(LARGE)]
TESTS = ["tests", "--ignore=tests/benchmarks", "--ignore=tests/explanation/test_programs.py"]

nox.options.default_venv_backend = "venv"


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Test with Python 3.11 and the lowest version of each dependency."""
    run_tests(session, [re.sub(r">=", "==", requirement) for requirement in REQUIRED])


@nox.session(python="3.13")
def newest(session: nox.Session) -> None:
    """Test with the newest Python and the newest version of each dependency."""
    run_tests(session, REQUIRED)


def run_tests(session: nox.Session, requirements: list[str]) -> None:
    """Install the package with these requirements, and run the tests or those named."""
    session.install(".", *requirements, *TEST_TOOLS)
    session.run("python", "-m", "pytest", "-n", "2", *(session.posargs or TESTS))
