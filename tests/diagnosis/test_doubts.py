"""What speaks against a program whose updates follow a gradient: no green verdict is given then."""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import few_rows

SETUP = """import numpy as np
rng = np.random.RandomState(8)
X, y = rng.randn(9, 3), (rng.rand(9, 1) > 0.5) * 1.0
W1, b1, W2, b2 = rng.randn(3, 4), np.zeros(4), rng.randn(4, 1), np.zeros(1)
"""
FORWARD = """
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
"""
GRADIENTS = """
    gW2, gb2 = h.T @ d, d.sum(axis=0)
    dh = d @ W2.T * (1 - h * h)
    gW1, gb1 = X.T @ dh, dh.sum(axis=0)
"""
DESCENT = "    W1 -= gW1; b1 -= gb1; W2 -= gW2; b2 -= gb2\n"
CROSS_ENTROPY = "    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))\n"
SQUARED = "    loss = np.mean((p - y) ** 2)\n"
LOOP = "for epoch in range(6):"
MOMENTUM = """def step(params, grads, mu=0.9):
    velocity = [np.zeros_like(w) for w in params]
    for w, g, v in zip(params, grads, velocity):
        v *= mu
        v -= 0.1 * g
        w += v
"""
KEPT = MOMENTUM.replace("velocity = [np.zeros_like(w) for w in params]", "global velocity").replace(
    "def step", "velocity = [np.zeros_like(w) for w in (W1, b1, W2, b2)]\ndef step"
)
STEP = "    step([W1, b1, W2, b2], [gW1, gb1, gW2, gb2])\n"
LOGISTIC_DELTA = "    d = (p - y) / 9"
SQUARED_DELTA = "    d = (p - y) * p * (1 - p) / 9"


def program(loss: str, delta: str, update: str = DESCENT, before: str = "") -> str:
    return f"{SETUP}{before}{LOOP}{FORWARD}{loss}{delta}{GRADIENTS}{update}"


# name: program, verdict, what the sentence says
CASES = {
    "cross-entropy, and the slope of the squared error": (
        program(CROSS_ENTROPY, SQUARED_DELTA),
        "wrong",
        "(line 9)",
    ),
    "cross-entropy of each epoch, and the slope of the squared error": (
        program("", SQUARED_DELTA, f"{DESCENT}    if epoch == 4:\n    {CROSS_ENTROPY}"),
        "wrong",
        "(line 8)",
    ),
    "logarithms, squares, and the slope of the squared error": (
        program("    h ** 2\n", SQUARED_DELTA, f"{DESCENT}    if epoch == 4:\n    {CROSS_ENTROPY}"),
        "could-not-run",
        "the program takes logarithms, np.log(p) (line 15)",
    ),
    "logarithms of data": (
        program("    np.log(rng.rand(3))\n", SQUARED_DELTA),
        "right",
        "squared error of p",
    ),
    "cross-entropy": (program(CROSS_ENTROPY, LOGISTIC_DELTA), "right", "cross-entropy of p"),
    "squared error without its slope": (
        program(SQUARED, LOGISTIC_DELTA),
        "could-not-run",
        "the program computes the squared error, loss (line 8)",
    ),
    "squared error of each epoch, without its slope": (
        program("", LOGISTIC_DELTA, f"{DESCENT}    if epoch == 4:\n    {SQUARED}"),
        "could-not-run",
        "the program computes the squared error, (p - y) ** 2",
    ),
    "no loss": (program("", LOGISTIC_DELTA), "right", "cross-entropy of p"),
    "squared error to look at": (
        program(f"{CROSS_ENTROPY}{SQUARED.replace('loss', 'off')}", LOGISTIC_DELTA),
        "right",
        "cross-entropy of p",
    ),
    "a velocity made anew": (
        program(CROSS_ENTROPY, LOGISTIC_DELTA, STEP, MOMENTUM),
        "could-not-run",
        "v (line 8) is zero at each of them",
    ),
    "a velocity": (
        program(CROSS_ENTROPY, LOGISTIC_DELTA, STEP, KEPT),
        "right",
        "the gradients of W1",
    ),
}


@pytest.mark.parametrize(
    "name",
    few_rows(
        CASES,
        "cross-entropy of each epoch, and the slope of the squared error",
    ),
)
def test_remarks_name_the_evidence_against_right_updates(tmp_path: Path, name: str):
    text, verdict, said = CASES[name]
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()
    assert said in found.sentence


WEIGHTED = """import numpy as np
rng = np.random.RandomState(8)
X, y = rng.randn(9, 3), np.array([0, 1, 1, 0, 1, 1, 1, 1, 0])[:, None]
W1, W2, share = rng.randn(3, 4), rng.randn(4, 1), 1 - np.mean(y)
def weighted(p):
    return -np.mean(share * y * np.log(p) + (1 - y) * np.log(1 - p))
for epoch in range(6):
    h = np.tanh(X @ W1)
    p = 1 / (1 + np.exp(-h @ W2))
    losses = weighted(p)
    d = (-share * y * (1 - p) + (1 - y) * p) / 9
    dh = d @ W2.T * (1 - h * h)
    rate = 0.3 / (1 + 0.1 * epoch)
    W2 -= rate * h.T @ d
    W1 -= rate * X.T @ dh
"""


def test_updates_that_follow_a_number_of_the_program_are_right(tmp_path: Path):
    """Whatever the targets are, here weighted ones."""
    (tmp_path / "net.py").write_text(WEIGHTED)
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()
    assert "share * y * np.log(p)" in found.sentence


SHOWN = """import numpy as np
rng = np.random.RandomState(8)
X, T = rng.randn(9, 3), np.eye(3)[rng.randint(3, size=9)]
W1, W2 = rng.randn(3, 4), rng.randn(4, 3)
def predicted(x):
    h = np.tanh(x @ W1)
    e = np.exp(h @ W2)
    return h, e / e.sum(axis=-1, keepdims=True)
def show(x):
    p = predicted(x)[1]
    print(rng.choice(3, p=p))
for epoch in range(5):
    if epoch % 2 == 0:
        show(X[0])
    h, p = predicted(X)
    d = (p - T) / 9
    dh = d @ W2.T * (1 - h * h)
    W1 -= 0.5 * X.T @ dh
    W2 -= 0.5 * h.T @ d
"""


@pytest.mark.full_only
def test_samples_that_are_only_shown_do_not_hinder_a_verdict(tmp_path: Path):
    (tmp_path / "net.py").write_text(SHOWN.replace("(1 - h * h)", "(1 - h)"))
    found = check(tmp_path / "net.py")
    assert found.verdict == "wrong", found.to_text()


NETWORK = """import numpy as np
class Net:
    def __init__(self, n, h, c):
        r = np.random.RandomState(5)
        self.params = {"W1": r.randn(n, h), "b1": np.zeros(h), "W2": r.randn(h, c)}
    def loss(self, X, y, reg=0.0):
        W1, b1, W2 = self.params["W1"], self.params["b1"], self.params["W2"]
        h = np.maximum(0, X @ W1 + b1)
        scores = h @ W2
        probs = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        loss = -np.log(probs[range(len(y)), y]).mean()
        loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        d = probs.copy()
        d[range(len(y)), y] -= 1
        d /= len(y)
        dh = d @ W2.T
        dh[h <= 0] = 0
        gW1 = X.T @ dh + reg * W1
        grads = {"W1": gW1, "b1": dh.sum(axis=0), "W2": h.T @ d + reg * W2}
        return loss, grads
    def train(self, X, y, rate=0.5, reg=0.05):
        for _ in range(5):
            loss, grads = self.loss(X, y, reg)
            for name in self.params:
                self.params[name] -= rate * grads[name]
data = np.random.RandomState(6)
Net(3, 4, 3).train(data.randn(8, 3), data.randint(3, size=8))
"""


@pytest.mark.parametrize("half", [pytest.param("0.5 * ", marks=pytest.mark.full_only), ""])
def test_a_function_that_returns_another_penalty_than_its_derivative_is_wrong(
    tmp_path: Path, half: str
):
    """Asked with its default, reg=0.0, it is right. The learning rate changes at the first step."""
    text = NETWORK.replace("0.5 * reg * (", f"{half}reg * (")
    text = text.replace("rate * grads[name]", "rate * grads[name]\n            rate *= 0.9")
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == ("right" if half else "wrong"), found.to_text()
    if not half:
        assert "the penalty in loss (line 13) has the derivative 0.1 ·" in found.sentence
        assert "reg * W1" in found.faults[0].name


@pytest.mark.parametrize("wrong", [pytest.param(False, marks=pytest.mark.full_only), True])
@pytest.mark.full_only
def test_a_penalty_that_some_updates_lack_is_a_fault(tmp_path: Path, wrong: bool):
    """Asked with its default, reg=0.0, the function is right."""
    text = NETWORK.replace("dh + reg * W1", "dh") if wrong else NETWORK
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == ("wrong" if wrong else "right"), found.to_text()
    assert not wrong or "gW1" in found.faults[0].name


SUM_IN_A_LOOP = """import random
random.seed(3)
data = [([random.random() for _ in range(6)], random.random()) for _ in range(4)]
hidden = [{"w": [random.random() - 0.5 for _ in range(7)]} for _ in range(3)]
output = {"w": [random.random() - 0.5 for _ in range(4)]}
def weighted(w, inputs):
    total = w[-1]
    for i in range(len(w) - 1):
        total += w[i] * inputs[i]
    return total
for epoch in range(4):
    for x, t in data:
        h = [max(0.1 * z, z) for z in (weighted(n["w"], x) for n in hidden)]
        o = weighted(output["w"], h)
        d = o - t
        for k, n in enumerate(hidden):
            dh = d * output["w"][k] * (1.0 if h[k] > 0 else 0.1)
            for i in range(6):
                n["w"][i] -= 0.1 * dh * x[i]
            n["w"][-1] -= 0.1 * dh
        for k in range(3):
            output["w"][k] -= 0.1 * d * h[k]
        output["w"][-1] -= 0.1 * d
"""


def test_a_sum_in_a_loop_is_not_an_update(tmp_path: Path):
    (tmp_path / "net.py").write_text(SUM_IN_A_LOOP)
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()


def test_a_learning_rate_that_changes_is_right(tmp_path: Path):
    """It is multiplied with a factor of the gradient first: the gradient is never computed."""
    text = WEIGHTED.replace("(-share * y * (1 - p) + (1 - y) * p)", "(p - y)")
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()
    assert found.convention["learning rate"].startswith("0.0333333 at first")


@pytest.mark.full_only
@pytest.mark.parametrize("delta", ["(p - y)", "(-share * y * (1 - p) + (1 - y) * p)"])
def test_a_wrong_slope_is_wrong_with_such_a_learning_rate(tmp_path: Path, delta: str):
    text = WEIGHTED.replace("(-share * y * (1 - p) + (1 - y) * p)", delta)
    (tmp_path / "net.py").write_text(text.replace("(1 - h * h)", "(1 - h)"))
    assert check(tmp_path / "net.py").verdict == "wrong"


ZERO_PENALTY = """import numpy as np
def cost(theta, X, T, lam):
    W1, W2 = theta[:12].reshape(3, 4), theta[12:].reshape(2, 4)
    A = np.column_stack([np.ones(len(X)), X])
    H = np.column_stack([np.ones(len(X)), np.tanh(A @ W1.T)])
    D = (H @ W2.T - T) / len(X)
    B = D @ W2[:, 1:] * (1 - H[:, 1:] ** 2)
    g1, g2 = B.T @ A, D.T @ H
    g1[:, 1:] += lam * W1[:, 1:]
    g2[:, 1:] += lam * W2[:, 1:]
    loss = 0.5 * np.sum((H @ W2.T - T) ** 2) / len(X)
    loss += 0.5 * lam * (np.sum(W1[:, 1:] ** 2) + np.sum(W2[:, 1:] ** 2))
    return loss, np.r_[g1.ravel(), g2.ravel()]
rng = np.random.RandomState(2)
theta, X, T = rng.randn(20), rng.randn(6, 3), rng.randn(6, 2)
gradient = cost(theta, X, T, 0.0)[1]
for i in range(20):
    e = np.zeros(20)
    e[i] = 1e-4
    slope = (cost(theta + e, X, T, 0.0)[0] - cost(theta - e, X, T, 0.0)[0]) / 2e-4
    print(slope - gradient[i])
"""


@pytest.mark.full_only
def test_a_penalty_of_zero_is_not_an_update(tmp_path: Path):
    (tmp_path / "net.py").write_text(ZERO_PENALTY)
    found = check(tmp_path / "net.py")
    assert found.verdict in ("right", "could-not-run"), found.to_text()


EVALUATED = """import numpy as np
r = np.random.RandomState(8)
X, k = r.randn(12, 3), r.randint(3, size=12)
W1, W2 = r.randn(3, 4), r.randn(4, 3)
squares = [np.zeros_like(W1), np.zeros_like(W2)]
def run(X, k):
    h = np.tanh(X @ W1)
    o = h @ W2
    logp = o - np.log(np.exp(o).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(len(k)), k].mean()
    d = np.exp(logp)
    d[np.arange(len(k)), k] -= 1
    d /= len(k)
    return loss, [X.T @ (d @ W2.T * (1 - h * h)), h.T @ d]
for step in range(8):
    some = r.choice(12, 5, replace=False)
    for w, g, s in zip([W1, W2], run(X[some], k[some])[1], squares):
        s *= 0.9
        s += 0.1 * g ** 2
        w -= 0.01 * g / (np.sqrt(s) + 1e-8)
    if step % 2 == 0:
        print(step, run(X, k)[0])
"""


@pytest.mark.full_only
def test_what_is_computed_of_all_data_between_two_updates_is_left_out(tmp_path: Path):
    (tmp_path / "net.py").write_text(EVALUATED)
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()
    assert "RMSprop" in found.convention["rule"]


HEADS = """import numpy as np
rng = np.random.RandomState(1)
X, C, V = rng.randn(10, 3), np.eye(3)[rng.randint(3, size=10)], rng.randn(10, 1)
W, A, B = rng.randn(3, 5), rng.randn(5, 3), rng.randn(5, 1)
for epoch in range(6):
    h = np.tanh(X @ W)
    e = np.exp(h @ A)
    p = e / e.sum(axis=1, keepdims=True)
    v = h @ B
    dp, dv = (p - C) / 10, 0.3 * (v - V) / 10
    dh = (dp @ A.T + dv @ B.T) * (1 - h ** 2)
    A -= 0.1 * h.T @ dp
    B -= 0.1 * h.T @ dv
    W -= 0.1 * X.T @ dh
"""


def test_two_outputs_with_losses_of_their_own_are_not_called_wrong(tmp_path: Path):
    """The program is right; that the loss is a cross-entropy and a squared error is not seen."""
    (tmp_path / "net.py").write_text(HEADS)
    found = check(tmp_path / "net.py")
    assert found.verdict == "could-not-run", found.to_text()
    assert "several outputs meet targets of their own" in found.sentence


SPARSE = """import numpy as np
rng = np.random.RandomState(3)
X = rng.rand(12, 5)
W1, b1, W2, b2 = rng.randn(5, 4), np.zeros(4), rng.randn(4, 5), np.zeros(5)
for epoch in range(6):
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    out = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d = (out - X) * out * (1 - out) / 12
    share = h.mean(axis=0)
    sparse = 0.4 * (-0.1 / share + 0.9 / (1 - share)) / 12
    dh = SLOPE
    W2 -= 0.5 * h.T @ d
    b2 -= 0.5 * d.sum(axis=0)
    W1 -= 0.5 * X.T @ dh
    b1 -= 0.5 * dh.sum(axis=0)
"""


def test_a_term_of_the_loss_that_is_not_computed_is_not_called_wrong(tmp_path: Path):
    """The program is right: a sparse autoencoder, whose penalty is only seen in its gradient."""
    (tmp_path / "net.py").write_text(SPARSE.replace("SLOPE", "(d @ W2.T + sparse) * h * (1 - h)"))
    found = check(tmp_path / "net.py")
    assert found.verdict == "could-not-run", found.to_text()
    assert "a part that does not depend on its errors" in found.sentence


def test_a_fault_is_found_in_a_program_with_such_a_term(tmp_path: Path):
    (tmp_path / "net.py").write_text(SPARSE.replace("SLOPE", "d @ W2.T + sparse"))
    assert check(tmp_path / "net.py").verdict == "wrong"


NUMERICAL = """import numpy as np
rng = np.random.RandomState(0)
X, Y = rng.randn(10, 2), rng.randn(10, 1)
P = [rng.randn(2, 3) * 0.5, np.zeros(3), rng.randn(3, 1) * 0.5, np.zeros(1)]
def loss():
    return np.mean((np.tanh(X @ P[0] + P[1]) @ P[2] + P[3] - Y) ** 2)
def numerical_gradient(p, eps=1e-3):
    g, base = np.zeros_like(p), loss()
    for i in np.ndindex(p.shape):
        old = p[i]
        p[i] = old + eps
        g[i] = (loss() - base) / eps
        p[i] = old
    return g
for epoch in range(20):
    grads = [numerical_gradient(p) for p in P]
    for p, g in zip(P, grads):
        p -= 0.1 * g
    print(loss())
"""


@pytest.mark.full_only
def test_training_by_coarse_differences_is_not_called_wrong(tmp_path: Path):
    (tmp_path / "net.py").write_text(NUMERICAL)
    found = check(tmp_path / "net.py")
    assert found.verdict == "could-not-run", found.to_text()
    assert "only to within 0.00" in found.sentence
