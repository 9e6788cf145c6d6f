"""Programs whose first update is right, and a later one is not."""

from pathlib import Path

import pytest

from chainrule import check

PROGRAM = """import numpy as np
rng = np.random.RandomState(3)
X = rng.randn(12, 2)
Y = np.sin(X[:, :1])
W = [rng.randn(2, 3), rng.randn(3, 1)]
b = [np.zeros(3), np.zeros(1)]
{zeros}
for epoch in range(9):
{start}
    for k in range(0, 12, 4):
        x, t = X[k:k + 4], Y[k:k + 4]
        h = np.tanh(x @ W[0] + b[0])
        o = h @ W[1] + b[1]
        loss = 0.5 * np.sum((o - t) ** 2){penalty}
        d1 = o - t
        d0 = d1 @ W[1].T * (1 - h * h)
{steps}
    if epoch % 3 == 0:
        print(loss)
"""
LISTS = """        dW[1] += h.T @ d1
        dW[0] += x.T @ d0
        db[1] += d1.sum(axis=0)
        db[0] += d0.sum(axis=0)
        for i in range(2):
            W[i] -= 0.01 * dW[i]
            b[i] -= 0.01 * db[i]"""
DICTS = """        g["W1"], g["b1"] = g["W1"] + h.T @ d1, g["b1"] + d1.sum(axis=0)
        g["W0"], g["b0"] = g["W0"] + x.T @ d0, g["b0"] + d0.sum(axis=0)
        for i in range(2):
            W[i] = W[i] - 0.01 * g[f"W{i}"]
            b[i] = b[i] - 0.01 * g[f"b{i}"]"""
ZEROS = {
    LISTS: "dW, db = [np.zeros_like(w) for w in W], [np.zeros_like(v) for v in b]",
    DICTS: """g = {f"W{i}": np.zeros_like(W[i]) for i in range(2)}
g.update({f"b{i}": np.zeros_like(b[i]) for i in range(2)})""",
}


def program(steps: str, start: str = "    pass", zeros: str = "", penalty: str = "") -> str:
    """Return a program with its accumulated gradients set to zero at some place."""
    return PROGRAM.format(steps=steps, start=start, zeros=zeros, penalty=penalty)


def indented(text: str, spaces: int) -> str:
    return "\n".join(" " * spaces + line for line in text.splitlines())


def checked(folder: Path, text: str):
    (folder / "net.py").write_text(text)
    return check(folder / "net.py")


more = pytest.mark.full_only


@pytest.mark.parametrize(
    ("steps", "zeros", "start"),
    [
        pytest.param(LISTS, "", ZEROS[LISTS], id="lists, once per epoch"),
        pytest.param(LISTS, ZEROS[LISTS], "pass", marks=more, id="lists, never"),
        pytest.param(DICTS, "", ZEROS[DICTS], marks=more, id="dicts, once per epoch"),
        pytest.param(DICTS, ZEROS[DICTS], "pass", marks=more, id="dicts, never"),
        pytest.param(
            LISTS.replace("dW[1] +=", "dW[1] =").replace("dW[0] +=", "dW[0] ="),
            ZEROS[LISTS],
            "pass",
            marks=more,
            id="biases only",
        ),
    ],
)
def test_gradients_that_are_zeroed_too_rarely_are_wrong(
    tmp_path: Path, steps: str, zeros: str, start: str
):
    text = program(steps, indented(start, 4), zeros)
    found = checked(tmp_path, text)
    assert found.verdict == "wrong", found.to_text()
    assert [m.mistake.id for m in found.mistakes] == ["not-zeroed"]
    assert "+" in text.splitlines()[found.faults[0].line - 1]


@pytest.mark.parametrize("steps", [LISTS, pytest.param(DICTS, marks=more)])
def test_gradients_that_are_zeroed_for_each_batch_are_right(tmp_path: Path, steps: str):
    found = checked(tmp_path, program(f"{indented(ZEROS[steps], 8)}\n{steps}"))
    assert found.verdict == "right", found.to_text()
    assert "2 updates" in found.tested[0]
