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


WORDS = """import numpy as np
rng = np.random.RandomState(4)
E, U = 0.5 * rng.randn(6, 3), 0.5 * rng.randn(3, 6)
pairs = [([0, 1], 2), ([3, 4, 5], 1), ([2, 5, 2], 0), ([1, 1], 3)] * 3
for words, target in pairs{begin}:
    h = E[words].mean(axis=0)
    p = np.exp(h @ U)
    p /= p.sum()
    p[target] -= 1
    dh = U @ p
    dE = np.zeros_like(E)
    {add}
    U -= 0.1 * np.outer(h, p)
    {update}
"""
ADD, UPDATE = "dE[words] += dh / len(words)", "E -= 0.1 * dE"


@pytest.mark.parametrize(
    ("begin", "add", "update", "line"),
    [
        ("", ADD, UPDATE, 12),
        pytest.param("[2:]", ADD, UPDATE, 12, marks=more),
        pytest.param("", "pass", "E[words] -= 0.1 * dh / len(words)", 14, marks=more),
        pytest.param("", "dE[words] = dE[words] + dh / len(words)", UPDATE, 12, marks=more),
    ],
)
def test_rows_that_an_index_names_twice_are_judged(
    tmp_path: Path, begin: str, add: str, update: str, line: int
):
    found = checked(tmp_path, WORDS.format(begin=begin, add=add, update=update))
    assert found.verdict == "wrong", found.to_text()
    assert found.faults[0].line == line
    assert "names elements twice" in found.sentence


def test_rows_that_are_added_one_by_one_are_right(tmp_path: Path):
    add = "np.add.at(dE, words, dh / len(words))"
    found = checked(tmp_path, WORDS.format(begin="", add=add, update=UPDATE))
    assert found.verdict == "right", found.to_text()


LOOP = """import numpy as np
rng = np.random.RandomState(5)
X, Y = rng.randn(10, 2), rng.randn(10, 1)
W, V = rng.randn(2, 3), rng.randn(3, 1)
for turn in range(40):
    k = 4 * (turn % 3)
    x, t = X[k:k + 4], Y[k:k + 4]
    h = np.tanh(x @ W)
    d = h @ V - t
    gV = h.T @ d
    gW = x.T @ (d @ V.T * (1 - h * h))
    {}
    V -= 0.02 * gV
    W -= 0.02 * gW
"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("if turn > 4: gW = x.T @ (d @ V.T * (1 - h))", "wrong"),
        pytest.param("gW = gW * (len(x) == 4)", "wrong", marks=more),
        pytest.param("if turn > 4: gV, gW = gV * 0.5, gW * 0.5", "right", marks=more),
        ("gV, gW = gV / len(x), gW / len(x)", "right"),
        pytest.param("if turn % 5 == 4: print(np.sum(d ** 2))", "right", marks=more),
    ],
)
def test_what_happens_first_in_a_later_update_is_judged(tmp_path: Path, line: str, verdict: str):
    found = checked(tmp_path, LOOP.format(line))
    assert found.verdict == verdict, found.to_text()
    if verdict == "wrong":
        assert any("fault shows at update" in remark for remark in found.remarks)
