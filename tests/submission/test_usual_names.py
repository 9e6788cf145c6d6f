"""Programs whose imports were not posted, or that use names that NumPy once had."""

from pathlib import Path

import pytest

from chainrule import check
from chainrule.submission.process.usual_names import missing_imports

TRAINS = """X = np.asfarray([[0.3, 0.9], [-0.5, 0.6], [0.7, -0.2]])
t = np.array([[1.0], [0.0], [1.0]])
W = np.array([[0.4], [-0.2]])
for epoch in range(3):
    o = X @ W
    W -= 0.1 * X.T @ (o - t)
"""
CALLED = """def gradients(weights, biases, x, t):
    error = np.asfarray(x @ weights[0].T + biases[0] - t)
    return [error.T @ x], [error.sum(axis=0)]
"""


@pytest.mark.parametrize("text", [TRAINS, CALLED], ids=["traced", "called"])
def test_missing_imports_and_old_names_are_provided(tmp_path: Path, text: str):
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()
    assert "it does not import np; numpy was used" in found.remarks


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nnp.pi",
        "from numpy import *\nrandom.rand()",
        "def f(np): return np",
        "np = 3\nnp",
        "import numpy.random, math\nnumpy, math",
        "for random in [1]: random",
    ],
)
def test_names_that_a_program_defines_are_its_own(text: str):
    assert missing_imports(text) == []
