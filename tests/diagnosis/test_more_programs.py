"""Further kinds of programs that train: right as they stand, wrong with a fault.

These are single numbers with names, automatic derivatives, margins, losses by class numbers, sums
over time, a numerical check before the training, and single outputs with a momentum of their own.
"""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import few_rows

NAMED = """import math
i1, i2, t1, t2 = 0.05, 0.10, 0.01, 0.99
w1, w2, w3, w4, w5, w6 = 0.15, 0.20, 0.40, 0.45, 0.50, 0.55
b1, b2 = 0.35, 0.60
lr = 0.5
def sig(x):
    return 1.0 / (1.0 + math.exp(-x))
for step in range(10):
    h1 = sig(w1 * i1 + w2 * i2 + b1)
    o1 = sig(w3 * h1 + b2)
    o2 = sig(w4 * h1 + b2)
    E = 0.5 * (t1 - o1) ** 2 + 0.5 * (t2 - o2) ** 2
    d1 = -(t1 - o1) * o1 * (1 - o1)
    d2 = -(t2 - o2) * o2 * (1 - o2)
    dh = (d1 * w3 + d2 * w4) * h1 * (1 - h1)
    w3 = w3 - lr * d1 * h1
    w4 = w4 - lr * d2 * h1
    w1 = w1 - lr * dh * i1
    w2 = w2 - lr * dh * i2
    b2 = b2 - lr * (d1 + d2)
    b1 = b1 - lr * dh
"""
HIDDEN = "    dh = (d1 * w3 + d2 * w4) * h1 * (1 - h1)\n"
UPDATED = "    w4 = w4 - lr * d2 * h1\n"
AUTOGRAD = """import math, random
class Value:
    def __init__(self, data, children=()):
        self.data, self.grad = data, 0.0
        self.children = set(children)
        self.back = lambda: None
    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))
        def back():
            self.grad += out.grad
            other.grad += out.grad
        out.back = back
        return out
    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))
        def back():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out.back = back
        return out
    def tanh(self):
        t = math.tanh(self.data)
        out = Value(t, (self,))
        def back():
            self.grad += (1 - t * t) * out.grad
        out.back = back
        return out
    def backward(self):
        order, seen = [], set()
        def visit(v):
            if v not in seen:
                seen.add(v)
                for child in v.children:
                    visit(child)
                order.append(v)
        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v.back()
random.seed(1)
first = [[Value(random.uniform(-1, 1)) for _ in range(3)] for _ in range(3)]
last = [Value(random.uniform(-1, 1)) for _ in range(4)]
def net(x):
    h = [(w[0] * x[0] + w[1] * x[1] + w[2]).tanh() for w in first]
    return (last[0] * h[0] + last[1] * h[1] + last[2] * h[2] + last[3]).tanh()
def parameters():
    return [v for row in first for v in row] + last
for k in range(5):
    loss = Value(0.0)
    for x, y in [((2.0, -1.0), 1.0), ((0.5, 1.0), -1.0), ((1.0, 1.5), 1.0)]:
        diff = net(x) + Value(y) * -1
        loss = loss + diff * diff
    for p in parameters():
        p.grad = 0.0
    loss.backward()
    for p in parameters():
        p.data -= 0.05 * p.grad
"""
MARGIN = """import numpy as np
rs = np.random.RandomState(3)
X = rs.randn(2, 40)
y = np.where(X[0] * X[1] > 0, 1.0, -1.0).reshape(1, 40)
W1, b1 = rs.randn(4, 2), np.zeros((4, 1))
w2, b2 = rs.randn(1, 4), 0.0
for it in range(10):
    A = np.maximum(W1.dot(X) + b1, 0)
    S = w2.dot(A) + b2
    margins = 1 - y * S
    J = np.maximum(margins, 0).mean() + 0.01 * ((W1 ** 2).sum() + (w2 ** 2).sum())
    dS = np.where(margins > 0, -y, 0.0) / 40
    dZ = w2.T.dot(dS) * (A > 0)
    W1 -= 0.3 * (dZ.dot(X.T) + 0.02 * W1)
    b1 -= 0.3 * dZ.sum(axis=1, keepdims=True)
    w2 -= 0.3 * (dS.dot(A.T) + 0.02 * w2)
    b2 -= 0.3 * dS.sum()
"""
RECURRENT = """import numpy as np
np.random.seed(1)
data = [0, 1, 2, 2, 1, 0, 2, 1] * 6
Wx, Wh, Wy = np.random.randn(4, 3), np.random.randn(4, 4), np.random.randn(3, 4)
bh, by = np.zeros((4, 1)), np.zeros((3, 1))
mems = [np.zeros_like(v) for v in (Wx, Wh, Wy, bh, by)]
def loss_of(inputs, targets, last):
    xs, hs, ps, loss = {}, {-1: last}, {}, 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((3, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wx, xs[t]) + np.dot(Wh, hs[t - 1]) + bh)
        y = np.dot(Wy, hs[t]) + by
        ps[t] = np.exp(y) / np.sum(np.exp(y))
        loss += -np.log(ps[t][targets[t], 0])
    dWx, dWh, dWy = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy)
    dbh, dby, after = np.zeros_like(bh), np.zeros_like(by), np.zeros_like(last)
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Wy.T, dy) + after
        draw = (1 - hs[t] * hs[t]) * dh
        dbh += draw
        dWx += np.dot(draw, xs[t].T)
        dWh += np.dot(draw, hs[t - 1].T)
        after = np.dot(Wh.T, draw)
    return loss, dWx, dWh, dWy, dbh, dby, hs[len(inputs) - 1]
h = np.zeros((4, 1))
for k in range(0, 40, 4):
    loss, dWx, dWh, dWy, dbh, dby, h = loss_of(data[k:k + 4], data[k + 1:k + 5], h)
    for v, d, m in zip([Wx, Wh, Wy, bh, by], [dWx, dWh, dWy, dbh, dby], mems):
        m += d * d
        v += -0.1 * d / np.sqrt(m + 1e-8)
"""
CHECKED = """import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(3, 8)
Y = (X.sum(axis=0, keepdims=True) > 0) * 1.0
P = {"W1": rng.randn(4, 3), "b1": np.zeros((4, 1)), "W2": rng.randn(1, 4), "b2": np.zeros((1, 1))}
def forward():
    A = np.tanh(P["W1"] @ X + P["b1"])
    return A, 1 / (1 + np.exp(-(P["W2"] @ A + P["b2"])))
def cost(O):
    return -np.sum(Y * np.log(O) + (1 - Y) * np.log(1 - O)) / 8
def backward(A, O):
    d2 = (O - Y) / 8
    d1 = P["W2"].T @ d2 * (1 - A * A)
    sums = d1.sum(axis=1, keepdims=True), d2.sum(axis=1, keepdims=True)
    return {"W1": d1 @ X.T, "b1": sums[0], "W2": d2 @ A.T, "b2": sums[1]}
grads = backward(*forward())
for repeated in range(4):
    for key in P:
        for i in np.ndindex(P[key].shape):
            old = P[key][i]
            P[key][i] = old + 1e-6
            up = cost(forward()[1])
            P[key][i] = old - 1e-6
            down = cost(forward()[1])
            P[key][i] = old
for epoch in range(10):
    A, O = forward()
    grads = backward(A, O)
    for key in ("W1", "b1", "W2", "b2"):
        P[key] -= 0.3 * grads[key]
"""
PATTERNS = """import math, random
random.seed(0)
ni, nh = 3, 3
ai, ah = [1.0] * ni, [1.0] * nh
wi = [[random.uniform(-1, 1) for _ in range(nh - 1)] for _ in range(ni)]
wo = [random.uniform(-2, 2) for _ in range(nh)]
ci, co = [[0.0] * (nh - 1) for _ in range(ni)], [0.0] * nh
def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))
def slope(y):
    return y * (1.0 - y)
def back(target, ao):
    delta = slope(ao) * (target - ao)
    deltas = [slope(ah[j]) * delta * wo[j] for j in range(nh - 1)]
    for j in range(nh):
        change = delta * ah[j]
        wo[j] = wo[j] + 0.5 * change + 0.1 * co[j]
        co[j] = change
    for i in range(ni):
        for j in range(nh - 1):
            change = deltas[j] * ai[i]
            wi[i][j] = wi[i][j] + 0.5 * change + 0.1 * ci[i][j]
            ci[i][j] = change
    error = 0.0
    error = error + 0.5 * (target - ao) ** 2
    return error
for epoch in range(20):
    error = 0.0
    for x, target in [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]:
        ai[:2] = x
        for j in range(nh - 1):
            s = 0.0
            for i in range(ni):
                s = s + ai[i] * wi[i][j]
            ah[j] = sigmoid(s)
        s = 0.0
        for j in range(nh):
            s = s + ah[j] * wo[j]
        error = error + back(target, sigmoid(s))
"""
VECTORS = """import numpy as np
rng = np.random.RandomState(0)
V, W = rng.randn(6, 3) * 0.3, rng.randn(3, 6) * 0.3
for epoch in range(5):
    loss = 0
    for c, o in [(0, 1), (1, 2), (2, 4), (4, 5), (5, 3), (3, 0)]:
        h = V[c]
        u = h.dot(W)
        y = np.exp(u) / np.sum(np.exp(u))
        loss += -np.log(y[o])
        e = y.copy()
        e[o] -= 1
        dh = W.dot(e)
        W = W - 0.1 * np.outer(h, e)
        V[c] = V[c] - 0.1 * dh
"""
ROWS = """import numpy as np
rng = np.random.RandomState(1)
E, W, b = rng.randn(8, 4), rng.randn(4, 3), np.zeros(3)
words, y = rng.randint(0, 8, (9, 5)), rng.randint(0, 3, 9)
for epoch in range(6):
    h = E[words].mean(axis=1)
    p = np.exp(h @ W + b)
    p /= p.sum(axis=1, keepdims=True)
    d = p.copy()
    d[np.arange(9), y] -= 1
    dW, db, dh = h.T @ d, d.sum(axis=0), d @ W.T
    W -= 0.05 * dW
    b -= 0.05 * db
    np.subtract.at(E, words, 0.05 * dh[:, None, :] / 5)
"""
PROGRAMS = {
    "word vectors": VECTORS,
    "rows added up": ROWS,
    "single numbers": NAMED,
    "automatic derivatives": AUTOGRAD,
    "margins": MARGIN,
    "over time": RECURRENT,
    "numerical check before": CHECKED,
    "one output at a time": PATTERNS,
}
# program, its lines, what they become, and what the report says
FAULTS = {
    "of the output": ("word vectors", "W.dot(e)", "W.dot(y)", "the change of V"),
    "updated before": (
        "single numbers",
        HIDDEN + "    w3 = w3 - lr * d1 * h1\n" + UPDATED,
        "    w3 = w3 - lr * d1 * h1\n" + UPDATED + HIDDEN,
        "use the output weights after their update (line 17)",
    ),
    "not added up": (
        "automatic derivatives",
        "self.grad += other.data * out.grad\n            other.grad +=",
        "self.grad = other.data * out.grad\n            other.grad =",
        "p.data",
    ),
    "margin": ("margins", "* (A > 0)", "* A", "line 13"),
    "slope in time": ("over time", "np.dot(Wh.T, draw)", "np.dot(Wh.T, dh)", "Wrong: "),
    "slope": ("one output at a time", "return y * (1.0 - y)", "return 1.0 - y**2", "Wrong: "),
}


# The others run with --full.
QUICK = ("single numbers", "automatic derivatives")
QUICK_FAULTS = ("of the output",)


@pytest.mark.parametrize("name", few_rows(PROGRAMS, *QUICK))
def test_right_programs_are_right_as_they_are(tmp_path: Path, name: str):
    (tmp_path / "net.py").write_text(PROGRAMS[name])
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()


@pytest.mark.parametrize("name", few_rows(FAULTS, *QUICK_FAULTS))
def test_faults_are_found(tmp_path: Path, name: str):
    program, lines, wrong, said = FAULTS[name]
    assert lines in PROGRAMS[program]
    (tmp_path / "net.py").write_text(PROGRAMS[program].replace(lines, wrong))
    found = check(tmp_path / "net.py")
    assert found.verdict == "wrong", found.to_text()
    assert said in found.to_text()


KEYS = """import numpy as np
rng = np.random.RandomState(2)
X, y = rng.randn(7, 2), np.array([0, 2, 1, 1, 0, 2, 0])
params = {"W1": rng.randn(2, 3), "b1": np.zeros(3), "W2": rng.randn(3, 3), "b2": np.zeros(3)}
for epoch in range(6):
    h = np.tanh(X @ params["W1"] + params["b1"])
    scores = np.exp(h @ params["W2"] + params["b2"])
    probs = scores / scores.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(probs[range(7), y]))
    d = probs
    d[range(7), y] -= 1
    d /= 7
    dh = d @ params["W2"].T * (1 - h * h)
    grads = {"W1": X.T @ dh, "b1": dh.sum(axis=0), "W2": h.T @ d, "b2": d.sum(axis=0)}
    for key in params:
        params[key] -= 0.5 * grads[key]
"""


@pytest.mark.full_only
def test_reports_name_the_elements_of_containers_and_the_output(tmp_path: Path):
    (tmp_path / "net.py").write_text(KEYS)
    found = check(tmp_path / "net.py")
    names = "params['W1'], params['b1'], params['W2'] and params['b2']"
    said = f"Right: the updates of {names} are those of the cross-entropy of probs."
    assert found.sentence == said


@pytest.mark.full_only
def test_reports_name_arrays_in_a_list_as_the_program_does(tmp_path: Path):
    start = KEYS.index("    for key")
    listed = "    for p, g in zip([W1, c1, W2, c2], grads.values()):\n        p -= 0.5 * g\n"
    text = KEYS[:start] + listed
    for key, name in {"W1": "W1", "b1": "c1", "W2": "W2", "b2": "c2"}.items():
        text = text.replace(f'params["{key}"]', name)
    created = "W1, c1, W2, c2 = rng.randn(2, 3), np.zeros(3), rng.randn(3, 3), np.zeros(3)\n"
    text = "".join(created if "params = " in row else f"{row}\n" for row in text.splitlines())
    (tmp_path / "net.py").write_text(text)
    assert "the updates of W1, c1, W2 and c2 are" in check(tmp_path / "net.py").sentence


SHIFTED = """import numpy as np
rng = np.random.default_rng(3)
X, T = rng.normal(size=(6, 2)), np.eye(3)[[0, 1, 2, 1, 0, 2]]
W, b = 0.1 * rng.normal(size=(2, 3)), np.zeros(3)
for epoch in range(9):
    e = np.exp(X @ W + b)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(T * np.log(p + 1e-9), axis=1))
    delta = (p - T) / 6
    W -= 0.5 * X.T @ delta
    b -= 0.5 * delta.sum(axis=0)
"""


def test_outputs_meet_their_targets_where_the_updates_begin_and_not_in_the_loss(tmp_path: Path):
    (tmp_path / "net.py").write_text(SHIFTED)
    said = "Right: the updates of W and b are those of the cross-entropy of p."
    assert check(tmp_path / "net.py").sentence == said


ONE_BY_ONE = """import numpy as np
rng = np.random.RandomState(4)
data = [(rng.randn(2, 1), rng.rand(2, 1)) for _ in range(4)]
W, V = rng.randn(3, 2), rng.randn(2, 3)
b, c = rng.randn(3, 1), rng.randn(2, 1)
def sigma(z):
    return 1 / (1 + np.exp(-z))
for epoch in range(4):
    gW, gV, gb, gc = 0 * W, 0 * V, 0 * b, 0 * c
    for x, y in data:
        h = sigma(W @ x + b)
        o = sigma(V @ h + c)
        d = (o - y) * o * (1 - o)
        e = V.T @ d * h * (1 - h)
        gW, gV, gb, gc = gW + e @ x.T, gV + d @ h.T, gb + e, gc + d
    W, V, b, c = W - 0.1 * gW, V - 0.1 * gV, b - 0.1 * gb, c - 0.1 * gc
"""


@pytest.mark.full_only
def test_the_last_layer_is_known_where_samples_come_one_by_one(tmp_path: Path):
    """Its weights show the loss, even if all gradients of biases are wrong."""
    (tmp_path / "net.py").write_text(ONE_BY_ONE.replace("gb + e, gc + d", "e + e, d + d"))
    found = check(tmp_path / "net.py")
    assert found.verdict == "wrong", found.to_text()
    assert "the updates of W and V" in found.tested


CLIPPED = """import numpy as np
rng = np.random.RandomState(4)
X, y = rng.randn(9, 2), rng.randn(9, 1)
p = [rng.randn(2, 4), np.zeros(4), rng.randn(4, 1), np.zeros(1)]
s = [np.zeros_like(a) for a in p]
for epoch in range(5):
    h = np.tanh(X @ p[0] + p[1])
    d = 2 * (h @ p[2] + p[3] - y) / len(X)
    e = d @ p[2].T * (1 - h**2)
    g = [X.T @ e, e.sum(0), h.T @ d, d.sum(0)]
    norm = np.sqrt(sum((a**2).sum() for a in g))
    g = [a * min(1.0, 1.0 / norm) for a in g]
    for i in range(4):
        s[i] = 0.9 * s[i] + 0.1 * g[i] ** 2
        p[i] -= 0.01 * g[i] / (np.sqrt(s[i]) + 1e-8)
"""


@pytest.mark.full_only
def test_a_single_number_under_a_rule_does_not_hide_the_output(tmp_path: Path):
    (tmp_path / "net.py").write_text(CLIPPED)
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()


SEVERAL_TARGETS = """import numpy as np
rng = np.random.RandomState(4)
W, V = rng.randn(5, 3), rng.randn(3, 5)
for epoch in range(3):
    for word, context in [(0, [1, 2]), (1, [0, 3]), (2, [4, 0])]:
        x = np.eye(5)[word]
        h = x @ W
        scores = np.exp(h @ V)
        p = scores / scores.sum()
        error = np.zeros(5)
        for other in context:
            error = error + (p - np.eye(5)[other])
        gW, gV = np.outer(x, V @ error), np.outer(h, error)
        W, V = W - 0.1 * gW, V - 0.1 * gV
"""


def test_errors_that_are_computed_and_not_used_are_not_right(tmp_path: Path):
    (tmp_path / "net.py").write_text(SEVERAL_TARGETS)
    found = check(tmp_path / "net.py")
    assert found.verdict == "right", found.to_text()
    (tmp_path / "net.py").write_text(SEVERAL_TARGETS.replace("error = error + (p", "error = (p"))
    found = check(tmp_path / "net.py")
    assert found.verdict == "could-not-run", found.to_text()
    assert "only some of these errors" in found.sentence
