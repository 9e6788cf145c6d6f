"""Every example in the README and the documentation is a test; tests/documents.py says how.

It stands at the root because pytest asks only a folder's own conftest about the files in it.
"""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.documents import DOCUMENTS

FOLDER = pytest.StashKey[Path]()

pytest_collect_file = DOCUMENTS.pytest()


@pytest.fixture
def document_folder(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Run an example in its document's own folder, on a terminal of 80 columns without color."""
    stash = request.node.parent.stash  # the document's
    if FOLDER not in stash:
        stash[FOLDER] = tmp_path_factory.mktemp("document")
    monkeypatch.chdir(stash[FOLDER])
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return stash[FOLDER]


class Scheduler(LoadScopeScheduling):
    """Sends tests to whichever worker is free, and those that build on each other to one."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, _ = nodeid.partition("::")
        return path if path.endswith((".md", "test_wheel.py")) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    return Scheduler(config, log)
