"""Writes small files for the tests of reading, and expects errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

Write: TypeAlias = Callable[..., Path]


def writer(folder: Path) -> Write:
    """Return a function that writes a file of a folder, and returns its path."""

    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@contextmanager
def raises(kind: type[Exception], *parts: str) -> Iterator[None]:
    """Expect an error whose message has all these parts."""
    with pytest.raises(kind) as caught:
        yield
    text = str(caught.value)
    assert [part for part in parts if part not in text] == [], text
