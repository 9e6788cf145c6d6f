"""Penalties in the loss that a program computes, compared with those in its updates."""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import few_rows

PROGRAM = """import numpy as np
rng = np.random.RandomState(6)
X, T = rng.randn(9, 3), np.tanh(rng.randn(9, 2))
W1, b1, W2 = rng.randn(3, 4), np.zeros(4), rng.randn(4, 2)
lam = 0.02
m1, m2, m3 = 0, 0, 0
for epoch in range(6):
    H = np.tanh(X @ W1 + b1)
    Y = H @ W2
    data_loss = np.mean((Y - T) ** 2)
    L = data_loss + PENALTY
    d = 2 * (Y - T) / Y.size
    gW2 = H.T @ d OF_W2
    dh = d @ W2.T * (1 - H * H)
    gW1 = X.T @ dh OF_W1
    gb1 = dh.sum(axis=0)
    UPDATE
    if epoch == 0:
        print(data_loss, L)
"""
PLAIN = "b1 -= 0.5 * gb1; W1 -= 0.5 * gW1; W2 -= 0.5 * gW2"
MOMENTUM = (
    "m1, m2, m3 = 0.9 * m1 + gW1, 0.9 * m2 + gW2, 0.9 * m3 + gb1\n"
    "    W1 -= 0.1 * m1; W2 -= 0.1 * m2; b1 -= 0.1 * m3"
)
HALF = "0.5 * lam * (np.sum(W1 ** 2) + np.sum(W2 ** 2))"
SIGNS = "lam * (np.sum(np.abs(W1)) + np.sum(np.abs(W2)))"
WHOLE = "lam * (np.sum(W1 ** 2) + np.sum(W2 ** 2))"

# name: penalty, its derivatives, the update, the verdict, and what the report says
CASES = {
    "half the squares": (HALF, "+ lam * {}", PLAIN, "right", "of L (line 11)"),
    "the squares": (WHOLE, "+ 2 * lam * {}", PLAIN, "right", "of L (line 11)"),
    "twice that of the updates": (
        *(WHOLE, "+ lam * {}", PLAIN, "could-not-run"),
        "the penalty in L (line 11) has the derivative 0.04 · W1, and the updates take 0.02 · W1",
    ),
    "twice that of some updates": (
        "0.5 * lam * (np.sum(W1 ** 2) + 2 * np.sum(W2 ** 2))",
        *("+ lam * {}", PLAIN, "wrong"),
        "the penalty in L (line 11) has the derivative 0.04 · W2, and the updates take 0.02 · W2",
    ),
    "not on the first row": (
        "0.5 * lam * (np.sum(W1[1:] ** 2) + np.sum(W2[1:] ** 2))",
        *("+ lam * {}", PLAIN, "could-not-run"),
        "the penalty in L (line 11) leaves out some numbers of W1, such as biases, and the updates",
    ),
    "not in the updates": (
        *(HALF, "", PLAIN, "could-not-run"),
        "has a penalty, with the derivative 0.02 · W1, which is not in the updates",
    ),
    "not in the updates, with momentum": (
        *(HALF, "", MOMENTUM, "could-not-run"),
        "with the derivative 0.02 · W1, which is not in the updates",
    ),
    "the other sign, with absolute values": (
        *(f"{SIGNS} + {HALF}", "+ lam * np.sign({0}) - lam * {0}", PLAIN, "wrong"),
        "larger, and a penalty makes it smaller",
    ),
    "half of the absolute values": (
        *(SIGNS, "+ 0.5 * lam * np.sign({})", PLAIN, "could-not-run"),
        "has the derivative 0.02 · sign(W1), and the updates take 0.5 times it",
    ),
    "the other sign": (HALF, "- lam * {}", PLAIN, "wrong", "Wrong: gW2 in line 13 is"),
}


@pytest.mark.parametrize(
    "name", few_rows(CASES, "twice that of some updates", "not on the first row", "the other sign")
)
def test_penalties_of_loss_and_updates_are_compared(tmp_path: Path, name: str):
    penalty, derivative, update, verdict, said = CASES[name]
    text = PROGRAM.replace("PENALTY", penalty).replace("UPDATE", update)
    for w in ("W1", "W2"):
        text = text.replace(f"OF_{w}", derivative.format(w))
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()
    assert said in " ".join(found.to_text().split())


def test_a_penalty_on_a_loss_of_the_programs_own_is_named(tmp_path: Path):
    text = PROGRAM.replace("(Y - T) ** 2", "np.log(np.cosh(Y - T))").replace("PENALTY", WHOLE)
    text = text.replace("d = 2 * (Y - T) / Y.size", "d = np.tanh(Y - T) / Y.size")
    text = text.replace("OF_W1", "").replace("OF_W2", "").replace("UPDATE", PLAIN)
    (tmp_path / "net.py").write_text(text)
    said = check(tmp_path / "net.py").sentence
    assert "those of data_loss (line 10) without a penalty; L (line 11) also has" in said


SHOWN_LATER = """import numpy as np
rng = np.random.RandomState(2)
X = rng.randn(40, 3)
T = (X[:, :1] * X[:, 1:2] > 0) * 1.0
W1, b1, W2, b2 = rng.randn(3, 5), np.zeros(5), rng.randn(5, 1), np.zeros(1)
lam = 0.08
def forward(X):
    h = np.tanh(X @ W1 + b1)
    return h, 1 / (1 + np.exp(-(h @ W2 + b2)))
def cost(X, T):
    p = forward(X)[1]
    data = -np.mean(T * np.log(p) + (1 - T) * np.log(1 - p))
    return data + lam / (2 * len(X)) * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
for epoch in range(4):
    for i in range(0, 40, 8):
        x, t = X[i:i + 8], T[i:i + 8]
        h, p = forward(x)
        d = (p - t) / 8
        dh = d @ W2.T * (1 - h * h)
        W2 -= 0.5 * (h.T @ d + FACTOR * W2)
        b2 -= 0.5 * d.sum(axis=0)
        W1 -= 0.5 * (x.T @ dh + FACTOR * W1)
        b1 -= 0.5 * dh.sum(axis=0)
    print(cost(X, T))
"""


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        ("lam / 8", "right"),  # of a batch
        pytest.param("lam / 40", "right", marks=pytest.mark.full_only),  # of all data
        pytest.param("lam", "could-not-run", marks=pytest.mark.full_only),  # slow: a long search
    ],
)
def test_the_penalty_of_a_cost_after_each_epoch(tmp_path: Path, factor: str, verdict: str):
    (tmp_path / "net.py").write_text(SHOWN_LATER.replace("FACTOR", factor))
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()
    assert verdict == "right" or "0.002 · W2" in found.sentence or "0.002 · W1" in found.sentence
