"""What the tests of tables share."""

from pathlib import Path

import pytest

from tests.data.files import Write, writer


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file, and returns its path."""
    return writer(tmp_path)
