"""``python -m benchmarks.live_page``: how fast the live page's evaluator trains, in node."""

import json
import subprocess
from pathlib import Path

from chainrule.explorer.tables import tables
from tests.explorer.node import node

PROGRAM = Path(__file__).with_name("live_page.mjs")


def main() -> None:
    """Print the updates a second of a small and of a large network."""
    subprocess.run([node(), str(PROGRAM)], input=json.dumps(tables()), text=True, check=True)  # noqa: S603 (our own program)


if __name__ == "__main__":
    main()
