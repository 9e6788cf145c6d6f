"""scikit-learn's own tests of its MLP, run with the import of chainrule.

Those that fail are listed in docs/howto/coming-from-scikit-learn.md, with the reason.
"""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

THEIRS = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from chainrule import MLPClassifier, MLPRegressor"
FAIL = {
    "test_lbfgs_regression",
    "test_partial_fit_regression",
    "test_warm_start",
    "test_early_stopping_stratified",
    "test_preserve_feature_names",
    "test_mlp_diverging_loss",
}
DOCUMENT = Path(__file__).parents[2] / "docs" / "howto" / "coming-from-scikit-learn.md"


def scikit_learns_tests() -> str:
    """Return the source of scikit-learn's tests of its MLP, with our import."""
    found = find_spec("sklearn.neural_network")
    assert found is not None
    assert found.origin is not None
    source = (Path(found.origin).parent / "tests" / "test_mlp.py").read_text("utf-8")
    assert THEIRS in source
    return source.replace(THEIRS, OURS)


@pytest.mark.full_only
def test_only_those_that_are_listed_fail(tmp_path: Path):
    (tmp_path / "test_theirs.py").write_text(scikit_learns_tests(), encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef global_random_seed():\n    return 0\n",
        encoding="utf-8",
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_theirs.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = set(re.findall(r"^(?:FAILED|ERROR) test_theirs\.py::(\w+)", done.stdout, re.MULTILINE))
    assert " passed" in done.stdout, done.stdout + done.stderr
    assert failed <= FAIL, done.stdout


@pytest.mark.parametrize("name", sorted(FAIL))
def test_each_of_them_is_documented(name: str):
    assert f"`{name}`" in DOCUMENT.read_text("utf-8")
