"""Faults in few numbers of large arrays, of which only some are judged by themselves."""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import few_rows

SETUP = """import numpy as np
rng = np.random.RandomState(5)
X, Y = rng.randn(15, 60), np.eye(3)[rng.randint(3, size=15)]
W1, b1, W2 = rng.randn(60, 20) / 8, np.zeros(20), rng.randn(20, 3)
v1 = vb = v2 = 0
for epoch in range(6):
    z = X @ W1 + b1
    h = np.where(z > 0, z, 0.1 * z)
    e = np.exp(h @ W2)
    p = e / e.sum(axis=1, keepdims=True)
    d = (p - Y) / len(X)
    g2 = h.T @ d
    dh = d @ W2.T * np.where(z > 0, 1, 0.1)
    A, B = FAULT
    g1 = A.T @ B
    UPDATE
"""
DESCENT = "W1 -= 0.5 * g1; b1 -= 0.5 * dh.sum(axis=0); W2 -= 0.5 * g2"
MOMENTUM = (
    "v1, vb, v2 = 0.9 * v1 + g1, 0.9 * vb + dh.sum(axis=0), 0.9 * v2 + g2\n"
    "    W1 -= 0.1 * v1; b1 -= 0.1 * vb; W2 -= 0.1 * v2"
)
# name: the fault, the update, the verdict
CASES = {
    "right": ("X, dh", DESCENT, "right"),
    "one row": ("np.where(np.arange(60) == 7, 2 * X, X), dh", DESCENT, "wrong"),
    "one column": ("X, np.where(np.arange(20) == 7, 0, dh)", DESCENT, "wrong"),
    "right, with momentum": ("X, dh", MOMENTUM, "right"),
    "one row, with momentum": ("np.where(np.arange(60) == 7, 0, X), dh", MOMENTUM, "wrong"),
}


@pytest.mark.parametrize("name", few_rows(CASES, "one row"))
def test_a_fault_in_few_numbers_is_found(tmp_path: Path, name: str):
    fault, update, verdict = CASES[name]
    text = SETUP.replace("FAULT", fault).replace("UPDATE", update)
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()


BIAS_ROW = """import numpy as np
rng = np.random.default_rng(2)
X, y = rng.normal(size=(18, 4)), rng.integers(3, size=18)
W = [np.vstack([rng.normal(size=(4, 6)), np.zeros((1, 6))]), rng.normal(size=(7, 3))]
V = [np.zeros_like(w) for w in W]
lam = 0.01
for epoch in range(8):
    a = np.c_[X, np.ones(18)]
    h = np.c_[np.tanh(a @ W[0]), np.ones(18)]
    e = np.exp(h @ W[1])
    d = e / e.sum(axis=1, keepdims=True)
    d[np.arange(18), y] -= 1
    d /= 18
    g = [a.T @ (d @ W[1][:-1].T * SLOPE), h.T @ d]
    for w, v, gw in zip(W, V, g):
        gw[:-1] += lam * w[:-1]
        v *= 0.9
        v -= 0.1 * gw
        w += v
"""


@pytest.mark.parametrize(
    ("slope", "verdict"),
    [
        ("(1 - h[:, :-1] ** 2)", "right"),
        pytest.param("(1 - h[:, :-1])", "wrong", marks=pytest.mark.full_only),
    ],
)
def test_a_penalty_need_not_be_on_the_bias_row(tmp_path: Path, slope: str, verdict: str):
    (tmp_path / "net.py").write_text(BIAS_ROW.replace("SLOPE", slope))
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()
    assert verdict == "wrong" or "weight decay 0.01" in found.convention["rule"]


SCALED = """import math, random
random.seed(2)
A, S = 1.7, 0.6
data = [([random.gauss(0, 1) for _ in range(3)], random.choice([-1.0, 1.0])) for _ in range(6)]
def f(z): return A * math.tanh(S * z)
def slope(y): return S / A * (A - y) * (A + y)
w = [[random.gauss(0, 1) for _ in range(3)] for _ in range(4)]
o = [random.gauss(0, 1) for _ in range(4)]
for epoch in range(5):
    for x, t in data:
        h = [f(sum(a * b for a, b in zip(row, x))) for row in w]
        out = f(sum(a * b for a, b in zip(o, h)))
        d = (t - out) * slope(out)
        dh = [d * o[j] * HIDDEN for j in range(4)]
        for j in range(4):
            o[j] += 0.05 * d * h[j]
            for i in range(3):
                w[j][i] += 0.05 * dh[j] * x[i]
"""


def test_the_scale_of_an_activation_is_not_a_target(tmp_path: Path):
    (tmp_path / "net.py").write_text(SCALED.replace("HIDDEN", "slope(h[j])"))
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()
