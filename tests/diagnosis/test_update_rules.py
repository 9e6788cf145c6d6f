"""Programs with right gradients whose updates follow a rule, or a rule with a mistake.

Every rule is written as people write it, in programs with dictionaries, with classes and lists, and
with single numbers. The report must name the rule, or the mistake.
"""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import few_rows

DICTS = """import numpy as np
rng = np.random.RandomState(6)
x = np.linspace(-1, 1, 11).reshape(-1, 1)
y = 0.8 * np.sin(2 * x) + 0.3
p = {"u": rng.randn(1, 3), "c": rng.randn(3), "v": rng.randn(3, 1)}
m = {k: np.zeros_like(a) for k, a in p.items()}
s = {k: np.zeros_like(a) for k, a in p.items()}
r = {k: np.zeros_like(a) for k, a in p.items()}
t = 0
for epoch in range(40):
    h = np.tanh(x @ p["u"] + p["c"])
    e = (h @ p["v"] - y) / len(x)
    back = e @ p["v"].T * (1 - h**2)
    grads = {"u": x.T @ back, "c": back.sum(0), "v": h.T @ e}
    t += 1
    for k in p:
        g = grads[k]
        STEP
"""
CLASS = """import numpy as np
class Net:
    def __init__(self, sizes):
        rng = np.random.RandomState(2)
        self.W = [rng.randn(a, b) for a, b in zip(sizes, sizes[1:])]
        self.m = [np.zeros_like(w) for w in self.W]
        self.s = [np.zeros_like(w) for w in self.W]
        self.r = [np.zeros_like(w) for w in self.W]
        self.t = 0
    def gradients(self, X, T):
        a = np.tanh(X.dot(self.W[0]))
        d = a.dot(self.W[1]) - T
        return [X.T.dot(d.dot(self.W[1].T) * (1 - a * a)), a.T.dot(d)]
    def update(self, grads):
        self.t += 1
        for i, g in enumerate(grads):
            STEP
    def fit(self, X, T):
        for _ in range(30):
            self.update(self.gradients(X, T))
rng = np.random.RandomState(7)
Net([3, 4, 2]).fit(rng.rand(8, 3), rng.rand(8, 2))
"""
SCALARS = """import math, random
random.seed(4)
w = [random.uniform(-1, 1) for _ in range(6)]
m, s, r = [0.0] * 6, [0.0] * 6, [0.0] * 6
data = [(0.2, 0.9, 0.5), (0.8, -0.5, -0.2), (-0.6, 0.4, 0.7), (0.5, 0.7, 0.1)]
t = 0
for turn in range(20):
    for a, b, y in data:
        h = [math.tanh(w[0] * a + w[1] * b), math.tanh(w[2] * a + w[3] * b)]
        e = w[4] * h[0] + w[5] * h[1] - y
        back = [e * w[4] * (1 - h[0] ** 2), e * w[5] * (1 - h[1] ** 2)]
        grads = [back[0] * a, back[0] * b, back[1] * a, back[1] * b, e * h[0], e * h[1]]
        t += 1
        for i in range(6):
            g = grads[i]
            STEP
"""
STYLES = {
    "dicts": (DICTS, {"W": "p[k]", "M": "m[k]", "S": "s[k]", "R": "r[k]", "T": "t", "LIB": "np"}),
    "class": (
        CLASS,
        {"W": "self.W[i]", "M": "self.m[i]", "S": "self.s[i]", "R": "self.r[i]", "T": "self.t"}
        | {"LIB": "np"},
    ),
    "scalars": (
        SCALARS,
        {"W": "w[i]", "M": "m[i]", "S": "s[i]", "R": "r[i]", "T": "t", "LIB": "math"},
    ),
}
MEANS = "M = 0.9 * M + 0.1 * g; S = 0.99 * S + 0.01 * g**2; "
CORRECTED = "a = M / (1 - 0.9**T); b = S / (1 - 0.99**T); "
SWAPPED = (
    "M = 0.999 * M + 0.001 * g; S = 0.9 * S + 0.1 * g**2; "
    "a = M / (1 - 0.999**T); b = S / (1 - 0.9**T); "
)
RIGHT = {
    "momentum": "M = 0.8 * M + g; W -= 0.05 * M",
    "momentum, averaged": "M = 0.8 * M + (1 - 0.8) * g; W -= 0.05 * M",
    "momentum, with the rate": "M = 0.8 * M - 0.05 * g; W += M",
    "momentum with dampening": "M = g if T == 1 else 0.8 * M + (1 - 0.3) * g; W -= 0.05 * M",
    "momentum with decay": "g = g + 0.02 * W; M = 0.8 * M + g; W -= 0.05 * M",
    "Nesterov's momentum": "R = M; M = 0.8 * M - 0.05 * g; W += -0.8 * R + (1 + 0.8) * M",
    "Nesterov's momentum, ahead": "M = 0.8 * M + g; W -= 0.05 * (g + 0.8 * M)",
    "AdaGrad": "S = S + g * g; W -= 0.1 * g / (LIB.sqrt(S) + 1e-8)",
    "RMSprop": "S = 0.9 * S + 0.1 * g * g; W -= 0.02 * g / (LIB.sqrt(S) + 1e-8)",
    "RMSprop, inside": "S = 0.9 * S + 0.1 * g * g; W -= 0.02 * g / LIB.sqrt(S + 1e-6)",
    "RMSprop with momentum": "S = 0.9 * S + 0.1 * g * g; "
    "M = 0.8 * M + g / (LIB.sqrt(S) + 1e-8); W -= 0.02 * M",
    "Adam": f"{MEANS}{CORRECTED}W -= 0.02 * a / (LIB.sqrt(b) + 1e-8)",
    "Adam, folded": f"{MEANS}c = 0.02 * LIB.sqrt(1 - 0.99**T) / (1 - 0.9**T); "
    "W -= c * M / (LIB.sqrt(S) + 1e-8)",
    "AdamW": f"{MEANS}{CORRECTED}W -= 0.02 * (a / (LIB.sqrt(b) + 1e-8) + 0.05 * W)",
    "AMSGrad": f"{MEANS}{CORRECTED}R = MAX(R, b); W -= 0.02 * a / (LIB.sqrt(R) + 1e-8)",
    "Adamax": "M = 0.9 * M + 0.1 * g; S = MAX(0.99 * S, abs(g)); "
    "W -= 0.02 / (1 - 0.9**T) * M / (S + 1e-8)",
    "Nadam": f"{MEANS}{CORRECTED}W -= 0.02 * (0.9 * a + 0.1 * g / (1 - 0.9**T)) "
    "/ (LIB.sqrt(b) + 1e-8)",
    "Adadelta": "S = 0.9 * S + 0.1 * g * g; d = LIB.sqrt(R + 1e-6) / LIB.sqrt(S + 1e-6) * g; "
    "R = 0.9 * R + 0.1 * d * d; W -= d",
    "gradient descent with a schedule": "W -= 0.05 / (1 + 0.1 * T) * g",
    "gradient descent with decay": "W -= 0.05 * (g + 0.02 * W)",
    "Adam with a schedule": f"{MEANS}{CORRECTED}c = 0.02 * 0.9 ** (T - 1); "
    "W -= c * a / (LIB.sqrt(b) + 1e-8)",
}
WRONG = {
    "momentum with the other sign": ("M = -0.8 * M - 0.05 * g; W += M", "wrong sign"),
    "momentum twice": ("M = 0.8 * M - 0.05 * g; W += M - 0.05 * g", "subtracted twice"),
    "AdaGrad without root": ("S = S + g * g; W -= 0.01 * g / (S + 1e-8)", "square root"),
    "RMSprop without root": (
        "S = 0.9 * S + 0.1 * g * g; W -= 0.001 * g / (S + 1e-8)",
        "square root",
    ),
    "Adam without correction": (f"{MEANS}W -= 0.02 * M / (LIB.sqrt(S) + 1e-8)", "bias correction"),
    "Adam with one correction": (
        f"{MEANS}a = M / (1 - 0.9**T); W -= 0.02 * a / (LIB.sqrt(S) + 1e-8)",
        "bias correction",
    ),
    "Adam with the next step": (
        f"{MEANS}{CORRECTED}W -= 0.02 * a / (LIB.sqrt(b) + 1e-8)".replace("**T", "**(T + 1)"),
        "too large by one",
    ),
    "Adam with the first step": (
        f"{MEANS}{CORRECTED}W -= 0.02 * a / (LIB.sqrt(b) + 1e-8)".replace("**T", "**1"),
        "bias correction",
    ),
    "Adam that forgets": (
        f"M = 0.9 * R + 0.1 * g; S = 0.01 * g**2; {CORRECTED}W -= 0.02 * a / (LIB.sqrt(b) + 1e-8)",
        "",
    ),
    "Adam without root": (f"{MEANS}{CORRECTED}W -= 0.001 * a / (b + 1e-8)", "square root"),
    "Adam with swapped betas": (
        f"{SWAPPED}W -= 0.001 * a / (LIB.sqrt(b) + 1e-8)",
        "swapped",
    ),
    "Adam that counts parameters": (
        f"T += 1; {MEANS}{CORRECTED}W -= 0.02 * a / (LIB.sqrt(b) + 1e-8)",
        "every parameter",
    ),
    "Adam that adds gradients": (
        f"R = R + g; g = R; {MEANS}{CORRECTED}W -= 0.02 * a / (LIB.sqrt(b) + 1e-8)",
        "accumulate",
    ),
}
UNKNOWN = {
    "a power": "M = M + g; W -= 0.01 * LIB.sqrt(abs(g)) * g",
    "an average of steps": "M = 0.5 * M + g; S = 0.7 * S + M; W -= 0.01 * S",
}
QUICK = ("momentum", "Adam without correction", "a power")


def program(style: str, step: str) -> str:
    """Return a program whose updates are made by some statements."""
    text, names = STYLES[style]
    maximum = "max" if style == "scalars" else "np.maximum"
    row = next(line for line in text.splitlines() if "STEP" in line)
    indent = row[: len(row) - len(row.lstrip())]
    made = step.replace("MAX", maximum)
    for name, own in names.items():
        made = "".join(own if part == name else part for part in _words(made))
    return text.replace(row, "\n".join(indent + s for s in made.split("; ")))


def _words(text: str) -> list[str]:
    """Split a text into its words and what is between them."""
    found, word = [], ""
    for sign in text:
        if sign.isalnum() or sign == "_":
            word += sign
            continue
        found += [word, sign]
        word = ""
    return [*found, word]


def checked(folder: Path, text: str):
    (folder / "net.py").write_text(text)
    return check(folder / "net.py")


@pytest.mark.parametrize("style", few_rows(STYLES, "dicts"))
@pytest.mark.parametrize("name", few_rows(RIGHT, *QUICK))
def test_a_rule_is_named(tmp_path: Path, name: str, style: str):
    found = checked(tmp_path, program(style, RIGHT[name]))
    assert found.verdict == "right", found.to_text()
    if name == "gradient descent with a schedule" and "rule" not in found.convention:
        assert " at first, " in found.convention["learning rate"]
        return
    rule = name.partition(",")[0]
    assert found.convention["rule"].startswith(
        rule.replace(" with dampening", "").partition(" with ")[0]
    )


@pytest.mark.parametrize("style", few_rows(STYLES, "dicts"))
@pytest.mark.parametrize("name", few_rows(WRONG, *QUICK))
def test_a_mistake_in_a_rule_is_named(tmp_path: Path, name: str, style: str):
    step, words = WRONG[name]
    text = program(style, step)
    if "counts" in name:  # the counter that each style has already
        text = text.replace("self.t += 1" if style == "class" else "t += 1", "pass", 1)
    found = checked(tmp_path, text)
    assert found.verdict != "right", found.to_text()
    if words:
        assert found.verdict == "wrong", found.to_text()
        assert words in found.sentence


@pytest.mark.parametrize("style", few_rows(STYLES, "dicts"))
@pytest.mark.parametrize("name", few_rows(UNKNOWN, *QUICK))
def test_an_unknown_rule_is_not_judged(tmp_path: Path, name: str, style: str):
    found = checked(tmp_path, program(style, UNKNOWN[name]))
    assert found.verdict == "could-not-run", found.to_text()
    assert "the gradients are right" in found.sentence.lower()


@pytest.mark.full_only
def test_gradients_that_are_zero_by_symmetry_are_not_wrong(tmp_path: Path):
    text = program("dicts", RIGHT["Adam"]).replace(" + 0.3", "")
    found = checked(tmp_path, text.replace('"c": rng.randn(3)', '"c": np.zeros(3)'))
    assert found.verdict == "right", found.to_text()
    assert found.convention["rule"].startswith("Adam, learning rate 0.02")
