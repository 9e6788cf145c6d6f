"""Every example in the README and the documentation is a test; tests/documents.py says how.

It is in the root folder because pytest uses only the conftest.py of a file's own folder, and of the
folders above, to collect it.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np  # noqa: F401  (loads its BLAS)
import pytest
from threadpoolctl import ThreadpoolController
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.documents import DOCUMENTS
from tests.kernels import compile_kernels

CLOCK = "chainrule.submission.time_limit.now"
FOLDER = pytest.StashKey[Path]()

pytest_collect_file = DOCUMENTS.pytest()


def pytest_configure(config: pytest.Config) -> None:
    """Prepare what the tests of a process share: its BLAS, and the folder of compiled kernels."""
    limit_blas()
    if not hasattr(config, "workerinput"):  # a worker inherits the environment
        share_kernels(config)


def limit_blas() -> None:
    """Limit NumPy's BLAS to one thread, because threads of several workers wait for each other.

    SciPy's BLAS, which the compiled engine uses, keeps its threads.
    """
    for library in ThreadpoolController().lib_controllers:
        if "numpy" in library.filepath.rsplit("site-packages", 1)[-1]:
            library.set_num_threads(1)


def share_kernels(config: pytest.Config) -> None:
    """Keep compiled kernels in pytest's cache folder, for all workers and for the next session."""
    if (cache := getattr(config, "cache", None)) is not None:
        os.environ.setdefault("CHAINRULE_CACHE_DIR", str(cache.mkdir("kernels")))
    if config.getoption("numprocesses", None):
        compile_kernels()


@pytest.fixture(scope="session", autouse=True)
def searches_count_cpu_time() -> Iterator[None]:
    """Measure the time limits of searches in CPU time, which a busy machine does not use up."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(CLOCK, time.thread_time)
        yield


@pytest.fixture
def document_folder(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    searches_count_cpu_time: None,
) -> Path:
    """Run an example in its document's own folder, on a terminal of 80 columns without color."""
    del searches_count_cpu_time  # used, because a document's examples get no automatic fixtures
    stash = request.node.parent.stash  # the document's
    if FOLDER not in stash:
        stash[FOLDER] = tmp_path_factory.mktemp("document")
    monkeypatch.chdir(stash[FOLDER])
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return stash[FOLDER]


# Their tests depend on each other, or share what takes seconds to compile.
ON_ONE_WORKER = (
    ".md",
    "test_correctness.py",
    "test_compiles.py",
    "test_objects.py",
    "test_products.py",
    "test_vocabulary.py",
    "test_wheel.py",
)


class Scheduler(LoadScopeScheduling):
    """Sends each test to any free worker, and tests that share something to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, _ = nodeid.partition("::")
        return path if path.endswith(ON_ONE_WORKER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    return Scheduler(config, log)
