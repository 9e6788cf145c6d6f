"""Layers whose steps are different multiples of their gradients: another rate, or a fault."""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import more

PROGRAM = """import numpy as np
X = np.array([[0.3, 0.9], [0.8, -0.4], [-0.5, 0.6], [0.7, 0.2], [-0.9, -0.3]])
Y = np.array([[1.0], [0.0], [1.0], [1.0], [0.0]])
np.random.seed(3)
W1, b1 = np.random.randn(2, 3), np.zeros((1, 3))
W2, b2 = np.random.randn(3, 1), np.zeros((1, 1))
n, rate, small = len(X), 0.5, 0.1
for epoch in range(50):
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    out = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d_out = (out - Y) * out * (1 - out)
    d_hid = d_out @ W2.T * h * (1 - h)
    {}
    {}
    {}
    {}
"""
STEPS = [
    "W2 -= rate * h.T @ d_out / n",
    "b2 -= rate * d_out.mean(axis=0, keepdims=True)",
    "W1 -= rate * X.T @ d_hid / n",
    "b1 -= rate * d_hid.mean(axis=0, keepdims=True)",
]
RIGHT = ("names", "literals", "one array", "multiply", "list", "normalized", "clipped")
WRONG = ("weights", "bias", "name", "multiplied", "twice", "divided twice", "by the units")
GRADIENT = "g = X.T @ d_hid / n; W1 -= {}"


def checked(folder: Path, *others: tuple[int, str]):
    """Check the program with some lines of its update replaced."""
    lines = STEPS.copy()
    for number, line in others:
        lines[number] = line
    program = folder / "net.py"
    program.write_text(PROGRAM.format(*lines))
    return check(program)


@pytest.mark.parametrize(
    "others",
    [
        [(2, "W1 -= small * X.T @ d_hid / n"), (3, "b1 -= small * d_hid.mean(axis=0)")],
        [(2, "W1 -= 0.1 * X.T @ d_hid / n"), (3, "b1 -= 0.1 * d_hid.mean(axis=0)")],
        more([(2, "W1 -= small * (X.T @ d_hid / n)")]),
        more([(2, "W1 -= np.multiply(small, X.T @ d_hid / n)")]),
        more(
            [
                (2, "W1 -= [rate, small][1] * (X.T @ d_hid / n)"),
                (1, "u = rate * d_out.mean(axis=0); b2 -= u"),
            ]
        ),
        more([(2, GRADIENT.format("rate * g / np.linalg.norm(g)"))]),
        [(2, GRADIENT.format("rate * g * min(1, 1e-3 / np.sqrt((g ** 2).sum()))"))],
    ],
    ids=RIGHT,
)  # 0.1 = 0.5 / n: the rates differ by a number of samples
def test_other_rates_are_right(tmp_path: Path, others: list[tuple[int, str]]):
    found = checked(tmp_path, *others)
    assert found.verdict == "right", found.sentence
    by_rule = "clipping" in found.convention.get("rule", "")
    assert by_rule or any("another" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (2, "W1 -= rate * X.T @ d_hid"),
        more(3, "b1 -= rate * d_hid.sum(axis=0, keepdims=True)"),
        more(2, "g = X.T @ d_hid; W1 -= rate * g"),
        more(2, "g = X.T @ (d_out @ W2.T * h * (1 - h**1)) / n * len(X); W1 -= rate * g"),
        more(2, "g = 2 * X.T @ d_hid / n; W1 -= rate * g"),
        more(3, "b1 -= rate * d_hid.mean(axis=0, keepdims=True) / n"),
        more(3, "b1 -= rate * d_hid.sum(axis=0, keepdims=True) / 3"),
    ],
    ids=WRONG,
)
def test_a_mean_in_some_gradients_only_is_wrong(tmp_path: Path, number: int, line: str):
    found = checked(tmp_path, (number, line))
    assert found.verdict == "wrong", found.sentence
    assert found.faults[0].line == 13 + number
    if "divided by the number of samples" in found.sentence:
        assert ("bias" if line.startswith("b") else "weight") in found.sentence


@pytest.mark.full_only
def test_other_factors_of_one_layer_are_not_judged(tmp_path: Path):
    found = checked(tmp_path, (2, "W1 -= rate * 7 * X.T @ d_hid / n"))
    assert found.verdict == "could-not-run"
    assert "different multiples" in found.sentence
