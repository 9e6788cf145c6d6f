"""Every example in the README and the documentation is a test; tests/documents.py says how.

It stands at the root because pytest asks only a folder's own conftest about the files in it.
"""

from pathlib import Path

import pytest
from sybil.integration.pytest import SybilItem

from tests.documents import DOCUMENTS

FOLDER = pytest.StashKey[Path]()

pytest_collect_file = DOCUMENTS.pytest()


@pytest.fixture
def document_folder(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Run an example in its document's own folder, on a terminal of 80 columns without colour."""
    stash = request.node.parent.stash  # the document's
    if FOLDER not in stash:
        stash[FOLDER] = tmp_path_factory.mktemp("document")
    monkeypatch.chdir(stash[FOLDER])
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return stash[FOLDER]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a document's examples, which build on each other, in one worker."""
    for item in items:
        if isinstance(item, SybilItem):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
