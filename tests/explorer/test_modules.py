"""Runs the tests of the page's modules in node, each file as one test."""

import subprocess
from pathlib import Path

import pytest

from tests.explorer.node import node

FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))


def run_tests(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a file of tests with node's own runner."""
    command = [node(), "--test", "--test-reporter=spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_modules_of_the_page(path: Path):
    done = run_tests(path)
    assert not done.returncode, done.stdout
    assert "tests 0" not in done.stdout


def test_a_failure_in_node_is_a_failure(tmp_path: Path):
    path = tmp_path / "wrong.test.mjs"
    path.write_text(
        'import { test } from "node:test";\ntest("x", () => { throw Error("1 != 2"); });'
    )
    done = run_tests(path)
    assert done.returncode
    assert "1 != 2" in done.stdout
