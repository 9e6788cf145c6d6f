"""Programs that train when they run: the verdict, the line of a fault, and the mistake's name.

Each program is right as it stands. A fault replaces one line; the report must name that line.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from chainrule import check
from chainrule.diagnosis.tracing import checking
from chainrule.diagnosis.tracing.calls import calls_without_arguments
from chainrule.submission import suggested_lines
from tests.rows import few_rows, more, rows

SCRIPT = """import numpy as np
def sigmoid(v):
    return 1 / (1 + np.exp(-v))
X = np.array([[0.3, 0.9], [0.8, -0.4], [-0.5, 0.6], [0.7, 0.2], [-0.9, -0.3]])
Y = np.array([[1.0], [0.0], [1.0], [1.0], [0.0]])
np.random.seed(3)
W1, b1 = np.random.randn(2, 3), np.zeros((1, 3))
W2, b2 = np.random.randn(3, 1), np.zeros((1, 1))
for epoch in range(50):
    h = sigmoid(X @ W1 + b1)
    out = sigmoid(h @ W2 + b2)
    d_out = (out - Y) * out * (1 - out)
    d_hid = d_out @ W2.T * h * (1 - h)
    W2 -= 0.5 * h.T @ d_out
    b2 -= 0.5 * d_out.sum(axis=0, keepdims=True)
    W1 -= 0.5 * X.T @ d_hid
    b1 -= 0.5 * d_hid.sum(axis=0, keepdims=True)
"""
LOOPS = """import math, random
random.seed(4)
data = [([0.2, 0.9], [1, 0]), ([0.8, -0.5], [0, 1]), ([-0.6, 0.4], [1, 1]), ([0.5, 0.7], [0, 0])]
w = [[[random.uniform(-1, 1) for _ in range(2)] for _ in range(3)],
     [[random.uniform(-1, 1) for _ in range(3)] for _ in range(2)]]
b = [[0.1, -0.2, 0.3], [0.0, 0.1]]
def fire(rows, biases, x):
    z = [sum(p * q for p, q in zip(row, x)) + c for row, c in zip(rows, biases)]
    return [1 / (1 + math.exp(-v)) for v in z]
for turn in range(30):
    for x, t in data:
        h = fire(w[0], b[0], x)
        o = fire(w[1], b[1], h)
        delta_o = [(o[k] - t[k]) * o[k] * (1 - o[k]) for k in range(2)]
        delta_h = []
        for j in range(3):
            back = sum(delta_o[k] * w[1][k][j] for k in range(2))
            delta_h.append(back * h[j] * (1 - h[j]))
        for k in range(2):
            for j in range(3):
                w[1][k][j] -= 0.4 * delta_o[k] * h[j]
            b[1][k] -= 0.4 * delta_o[k]
        for j in range(3):
            for i in range(2):
                w[0][j][i] -= 0.4 * delta_h[j] * x[i]
            b[0][j] -= 0.4 * delta_h[j]
"""
CLASS = """import numpy as np
class Net:
    def __init__(self, sizes, rate=0.1):
        rng = np.random.default_rng()
        self.params = {}
        for i, (m, n) in enumerate(zip(sizes, sizes[1:]), 1):
            self.params["W%d" % i] = rng.normal(0, 0.6, (n, m))
            self.params["b%d" % i] = np.zeros((n, 1))
        self.rate = rate
    def forward(self, X):
        self.z1 = self.params["W1"] @ X + self.params["b1"]
        self.a1 = np.maximum(0, self.z1)
        z2 = self.params["W2"] @ self.a1 + self.params["b2"]
        e = np.exp(z2 - z2.max(axis=0))
        return e / e.sum(axis=0)
    def fit(self, X, labels, epochs=20):
        n = X.shape[1]
        for _ in range(epochs):
            p = self.forward(X)
            dz2 = p.copy()
            dz2[labels, range(n)] -= 1
            dz2 /= n
            grads = {"W2": dz2 @ self.a1.T, "b2": dz2.sum(axis=1, keepdims=True)}
            dz1 = self.params["W2"].T @ dz2
            dz1[self.z1 <= 0] = 0
            grads["W1"], grads["b1"] = dz1 @ X.T, dz1.sum(axis=1, keepdims=True)
            for key in self.params:
                self.params[key] = self.params[key] - self.rate * grads[key]
X = np.random.default_rng(5).normal(size=(4, 9))
Net([4, 5, 3]).fit(X, np.arange(9) % 3)
"""
ADAM = """import numpy as np
np.random.seed(6)
x = np.linspace(-1, 1, 11).reshape(-1, 1)
t = 0.8 * np.sin(2 * x)
p = {"u": np.random.randn(1, 4), "c": np.random.randn(4)}
p["v"], p["d"] = np.random.randn(4, 1), np.zeros(1)
m = {k: np.zeros_like(a) for k, a in p.items()}
s = {k: np.zeros_like(a) for k, a in p.items()}
for step in range(1, 40):
    h = np.tanh(x @ p["u"] + p["c"])
    y = h @ p["v"] + p["d"]
    e = (y - t) / len(x)
    back = e @ p["v"].T * (1 - h**2)
    g = {"u": x.T @ back, "c": back.sum(0), "v": h.T @ e, "d": e.sum(0)}
    for k in p:
        m[k] = 0.9 * m[k] + 0.1 * g[k]
        s[k] = 0.999 * s[k] + 0.001 * g[k] ** 2
        p[k] -= 0.01 * (m[k] / (1 - 0.9**step)) / (np.sqrt(s[k] / (1 - 0.999**step)) + 1e-8)
"""
MOMENTUM = """import numpy as np
rng = np.random.RandomState(7)
X, T = rng.rand(8, 3), rng.rand(8, 2)
W = [rng.randn(3, 4), rng.randn(4, 2)]
v = [np.zeros_like(w) for w in W]
for epoch in range(20):
    a = np.tanh(X.dot(W[0]))
    y = a.dot(W[1])
    d2 = y - T
    d1 = d2.dot(W[1].T) * (1 - a * a)
    for k, g in enumerate([X.T.dot(d1), a.T.dot(d2)]):
        v[k] = 0.8 * v[k] - 0.02 * g
        W[k] = W[k] + v[k]
"""
MATRIX = """import numpy as np
X = np.matrix([[0.1, 0.5], [0.9, -0.3], [0.4, 0.8]])
y = np.matrix([[0.2], [0.9], [0.6]])
np.random.seed(8)
one = np.matrix(np.random.rand(2, 3))
two = np.matrix(np.random.rand(3, 1))
for i in range(30):
    h = 1 / (1 + np.exp(-X * one))
    o = 1 / (1 + np.exp(-h * two))
    d = np.multiply(y - o, np.multiply(o, 1 - o))
    e = np.multiply(d * two.T, np.multiply(h, 1 - h))
    two += h.T * d
    one += X.T * e
"""
SCALAR_MOMENTUM = """import math, random
random.seed(4)
v = [[random.uniform(-1, 1) for _ in range(2)] for _ in range(3)]
u = [random.uniform(-1, 1) for _ in range(2)]
dv, du = [[0.0] * 2 for _ in range(3)], [0.0] * 2
for epoch in range(30):
    for x, t in [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((1, 1), 0)]:
        inputs = [*x, 1.0]
        h = [math.tanh(sum(inputs[i] * v[i][j] for i in range(3))) for j in range(2)]
        o = math.tanh(sum(h[j] * u[j] for j in range(2)))
        delta = (t - o) * (1 - o * o)
        back = [delta * u[j] * (1 - h[j] ** 2) for j in range(2)]
        for j in range(2):
            du[j] = 0.3 * delta * h[j] + 0.2 * du[j]
            u[j] = u[j] + du[j]
        for i in range(3):
            for j in range(2):
                change = 0.3 * back[j] * inputs[i] + 0.2 * dv[i][j]
                v[i][j] = v[i][j] + change
                dv[i][j] = change
"""
COUNTS = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(9, 2))
Y = np.array([0.0, 3.0, 1.0, 2.0, 0.0, 1.0, 5.0, 2.0, 1.0])
w, b = 0.3 * rng.normal(size=2), 0.1
for epoch in range(20):
    mean = np.exp(X @ w + b)
    error = mean - Y
    w = w - 0.05 * X.T @ error
    b = b - 0.05 * error.sum()
"""
SOFTMAX = """import numpy as np
rng = np.random.default_rng(3)
X, T = rng.normal(size=(6, 2)), np.eye(3)[[0, 1, 2, 1, 0, 2]]
W, b = 0.1 * rng.normal(size=(2, 3)), np.zeros(3)
for epoch in range(20):
    z = X @ W + b
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    delta = p - T
    W -= 0.5 * X.T @ delta
    b -= 0.5 * delta.sum(axis=0)
"""
ROWS = """import numpy as np
rng = np.random.RandomState(1)
X, Y = rng.randn(20, 3), rng.randn(20, 2)
W, b = rng.randn(2, 3), rng.randn(2)
for epoch in range(3):
    out = np.zeros((20, 2))
    for n in range(20):
        for f in range(2):
            out[n, f] = np.sum(X[n] * W[f]) + b[f]
    error = (out - Y) / 20
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for n in range(20):
        for f in range(2):
            dW[f] += error[n, f] * X[n]
            db[f] += error[n, f]
    W -= 0.5 * dW
    b -= 0.5 * db
"""
OBJECTS = """import numpy as np
class Dense:
    def __init__(self, m, n):
        self.w = np.random.randn(m, n) * 0.5
        self.b = np.random.randn(n) * 0.1
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, grad, rate):
        below = grad @ self.w.T
        self.w -= rate * self.x.T @ grad
        self.b -= rate * grad.sum(axis=0)
        return below
class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y
    def backward(self, grad, rate):
        return grad * (1 - self.y**2)
layers = [Dense(2, 4), Tanh(), Dense(4, 1)]
X, T = np.random.randn(6, 2), np.random.randn(6, 1)
for epoch in range(10):
    y = X
    for layer in layers:
        y = layer.forward(y)
    grad = 2 * (y - T) / T.size
    for layer in reversed(layers):
        grad = layer.backward(grad, 0.05)
"""
HEAD, BODY = SCRIPT.split("X = ", 1)
FUNCTION = f"{HEAD}def train():\n" + "".join(f"    {line}\n" for line in f"X = {BODY}".splitlines())
PROGRAMS = {
    "script": SCRIPT,
    "lists of numbers": LOOPS,
    "class, class numbers as targets": CLASS,
    "Adam": ADAM,
    "momentum": MOMENTUM,
    "np.matrix": MATRIX,
    "layer objects": OBJECTS,
    "function with its own data": FUNCTION,
    "momentum of single numbers, some of them still": SCALAR_MOMENTUM,
    "counts": COUNTS,
    "softmax": SOFTMAX,
    "sums of rows": ROWS,
}
# program, its line, what it becomes, and the mistake that is named, if one is
FAULTS = {
    "slope missing": (
        "script",
        "d_hid = d_out @ W2.T * h * (1 - h)",
        "d_hid = d_out @ W2.T",
        "hidden-slope-missing",
    ),
    "slope of z": ("script", "d_out = (out - Y) * out * (1 - out)", "d_out = (out - Y) * out", ""),
    "sign of a bias": (
        "script",
        "b1 -= 0.5 * d_hid.sum(axis=0, keepdims=True)",
        "b1 += 0.5 * d_hid.sum(axis=0, keepdims=True)",
        "sign",
    ),
    "no catalogue": (
        "script",
        "d_hid = d_out @ W2.T * h * (1 - h)",
        "d_hid = d_out @ W2.T * h * (1 - h) + 0.1 * h",
        "",
    ),
    "lists": (
        "lists of numbers",
        "delta_h.append(back * h[j] * (1 - h[j]))",
        "delta_h.append(back * h[j])",
        "",
    ),
    "sum not added": (
        "layer objects",
        "self.b -= rate * grad.sum(axis=0)",
        "self.b -= rate * grad[0]",
        "",
    ),
    "mask of a row": (
        "class, class numbers as targets",
        "dz1[self.z1 <= 0] = 0",
        "dz1[dz1 <= 0] = 0",
        "",
    ),
    "under momentum": (
        "momentum",
        "d1 = d2.dot(W[1].T) * (1 - a * a)",
        "d1 = d2.dot(W[1].T) * (1 - a)",
        "",
    ),
    "slope under softmax": ("softmax", "p - T", "(p - T) * p * (1 - p)", "softmax-diagonal"),
    "matrices": (
        "np.matrix",
        "e = np.multiply(d * two.T, np.multiply(h, 1 - h))",
        "e = np.multiply(d * two.T, h)",
        "",
    ),
}


def written(folder: Path, text: str, name: str = "net.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


SIMILAR = (
    *("class, class numbers as targets", "momentum of single numbers, some of them still"),
    *("sums of rows", "counts", "Adam"),
)


@pytest.mark.parametrize("name", rows(PROGRAMS, *SIMILAR))
def test_right_programs_are_right_as_they_are(tmp_path: Path, name: str):
    found = check(written(tmp_path, PROGRAMS[name]))
    assert found.verdict == "right", found.to_text()
    assert found.sentence.startswith("Right: the ")
    assert found.compared > 0


@pytest.mark.full_only
def test_an_iteration_that_is_longer_than_the_first_recording_is_judged(tmp_path: Path):
    found = check(written(tmp_path, ROWS.replace("20", "900")))
    assert found.verdict == "right", found.to_text()


OTHERS = (  # more of a kind
    *("slope of z", "no catalogue", "under momentum", "matrices"),
    *("mask of a row", "lists", "sum not added"),
)


@pytest.mark.parametrize(
    ("program", "line", "wrong", "mistake"),
    [
        pytest.param(*fault, id=name, marks=[pytest.mark.full_only] if name in OTHERS else [])
        for name, fault in FAULTS.items()
    ],
)
def test_the_line_of_a_fault_is_found(
    tmp_path: Path, program: str, line: str, wrong: str, mistake: str
):
    text = PROGRAMS[program].replace(line, wrong)
    number = 1 + next(i for i, row in enumerate(text.splitlines()) if wrong in row)
    found = check(written(tmp_path, text))
    assert found.verdict == "wrong", found.to_text()
    assert found.faults[0].where == f"line {number}"
    assert all(f.theirs != f.right for f in found.faults)
    assert len({(f.where, f.name) for f in found.faults}) == len(found.faults)
    if mistake:
        assert [m.mistake.id for m in found.mistakes] == [mistake]


def test_two_mistakes_are_named_together(tmp_path: Path):
    text = SCRIPT.replace("d_out @ W2.T * h * (1 - h)", "d_out @ W2.T").replace(
        "b2 -= 0.5 * d_out.sum(axis=0, keepdims=True)", "b2 -= 0.5 * d_out.mean()"
    )
    found = check(written(tmp_path, text))
    assert {m.mistake.id for m in found.mistakes} == {"mean-twice", "hidden-slope-missing"}


RULES = {  # lines in the place of Adam's
    "Adam": "",
    "clipping by the norm of all gradients": """
    size = np.sqrt(sum((a**2).sum() for a in g.values()))
    for k in p:
        p[k] -= 0.1 * min(1.0, 0.1 / size) * g[k]
""",
    "clipping of single numbers": """
    for k in p:
        p[k] -= 0.1 * np.clip(g[k], -0.05, 0.05)
""",
    "momentum and decay": """
    for k in p:
        m[k] = 0.9 * m[k] + g[k] + 0.01 * p[k]
        p[k] -= 0.1 * m[k]
""",
}


def with_rule(rule: str) -> str:
    begin = ADAM.index("    for k in p:\n")
    return ADAM[:begin] + RULES[rule].lstrip("\n") if RULES[rule] else ADAM


@pytest.mark.parametrize(
    "rule",
    few_rows(RULES),
)
def test_gradients_are_judged_whatever_the_rule_does_with_them(tmp_path: Path, rule: str):
    text = with_rule(rule)
    if rule != "Adam":  # which is one of the programs above
        assert check(written(tmp_path, text)).verdict == "right"
    found = check(written(tmp_path, text.replace("(1 - h**2)", "(1 - h)**2")))
    assert found.verdict == "wrong", found.to_text()
    # A right number in line 13 changes the norm of all gradients, and so repairs no update.
    assert found.faults[0].where == ("line 17" if "norm" in rule else "line 13")


@pytest.mark.full_only
def test_a_bias_that_momentum_moves_too_far_is_not_right(tmp_path: Path):
    """Its gradient occurs in the program, but is not divided by n as the others are."""
    text = with_rule("momentum and decay").replace("e = (y - t) / len(x)", "e = y - t")
    text = text.replace("x.T @ back", "x.T @ back / 11").replace("h.T @ e", "h.T @ e / 11")
    text = text.replace("e.sum(0)", "e.sum(0) / 11")
    assert check(written(tmp_path, text)).verdict != "right"


@pytest.mark.full_only
@pytest.mark.parametrize(
    ("old", "new"), [("-= 0.01", "+= 0.01"), ('"v": h.T @ e', '"v": -(h.T @ e)')]
)
def test_an_adaptive_rule_that_goes_up_is_wrong(tmp_path: Path, old: str, new: str):
    found = check(written(tmp_path, ADAM.replace(old, new)))
    assert found.verdict == "wrong", found.to_text()
    assert "wrong sign" in found.sentence


def test_weights_that_are_used_after_their_update_are_named(tmp_path: Path):
    first = "    d_hid = d_out @ W2.T * h * (1 - h)\n"
    update = "    W2 -= 0.5 * h.T @ d_out\n"
    text = SCRIPT.replace(first + update, update + first)
    found = check(written(tmp_path, text))
    assert found.verdict == "wrong"
    assert [m.mistake.id for m in found.mistakes] == ["updated-weights"]
    assert found.faults[0].new_weights == "W2"


def test_an_ascent_is_wrong(tmp_path: Path):
    found = check(written(tmp_path, SCRIPT.replace("-= 0.5", "+= 0.5")))
    assert found.verdict == "wrong"
    assert "wrong sign" in found.sentence


def test_gradients_that_pile_up_are_named(tmp_path: Path):
    text = SCRIPT.replace("for epoch", "gW1 = np.zeros_like(W1)\nfor epoch").replace(
        "    W1 -= 0.5 * X.T @ d_hid", "    gW1 += X.T @ d_hid\n    W1 -= 0.5 * gW1"
    )
    found = check(written(tmp_path, text))
    assert [m.mistake.id for m in found.mistakes] == ["not-zeroed"]


@pytest.mark.parametrize(
    "line",
    ["    W1 -= 0.5 * X.T @ d_hid\n", more("    b1 -= 0.5 * d_hid.sum(axis=0, keepdims=True)\n")],
)
def test_what_is_never_updated_is_wrong(tmp_path: Path, line: str):
    found = check(written(tmp_path, SCRIPT.replace(line, "")))
    assert found.verdict == "wrong", found.to_text()
    assert "never updated" in found.sentence


@pytest.mark.full_only
def test_softmax_over_the_samples_is_named(tmp_path: Path):
    text = CLASS.replace("e / e.sum(axis=0)", "e / e.sum(axis=1, keepdims=True)")
    found = check(written(tmp_path, text))
    assert [m.mistake.id for m in found.mistakes] == ["softmax-over-the-wrong-axis"]


def test_a_report_says_why_a_right_program_cannot_learn(tmp_path: Path):
    found = check(written(tmp_path, SCRIPT.replace("epoch in range(50)", "epoch in range(3)")))
    assert not any("may not learn" in text for text in found.remarks)
    large = SCRIPT.replace("np.random.seed(3)", "X = 300 * X\nnp.random.seed(3)")
    found = check(written(tmp_path, large))
    assert found.verdict == "right"
    assert any("may not learn" in text and "inputs" in text for text in found.remarks)


@pytest.mark.full_only
def test_a_loss_that_is_not_known_is_not_called_wrong(tmp_path: Path):
    """The gradient of ∑ (o - t)⁴ is right for a loss that the program does not compute."""
    found = check(written(tmp_path, SCRIPT.replace("(out - Y) * out", "(out - Y) ** 3 * out")))
    assert found.verdict == "could-not-run", found.to_text()
    computed = SCRIPT.replace(
        "    d_out = (out", "    loss = np.sum((out - Y) ** 4)\n    d_out = (out"
    )
    found = check(written(tmp_path, computed.replace("(out - Y) * out", "(out - Y) ** 3 * out")))
    assert found.verdict == "right", found.to_text()


@pytest.mark.full_only
def test_the_delta_of_another_loss_is_not_a_forgotten_slope(tmp_path: Path):
    """(o - t) / o is the delta of the gamma distribution's loss for outputs exp(z)."""
    text = COUNTS.replace("mean - Y", "(mean - Y) / mean")
    assert check(written(tmp_path, text)).verdict == "could-not-run"


def test_a_program_that_stops_before_an_update_could_not_run(tmp_path: Path):
    text = SCRIPT.replace("d_hid = d_out @ W2.T", "d_hid = d_out @ W2")
    found = check(written(tmp_path, text))
    assert found.verdict == "could-not-run"
    assert "ValueError" in found.sentence
    assert "line 13" in found.sentence


def test_a_line_to_run_makes_a_file_train(tmp_path: Path):
    text = FUNCTION.replace("def train():", "def train(rate):").replace("0.5 *", "rate *")
    path = written(tmp_path, text)
    assert check(path).verdict == "could-not-run"
    assert check(path, run="train(0.3)").verdict == "right"
    broken = check(path, run="train()")
    assert broken.verdict == "could-not-run"
    assert "TypeError" in broken.sentence


def test_calls_are_found_and_suggested():
    text = "def train(n=3): pass\ndef helper(): pass\nclass Net:\n    def fit(self): pass\n"
    assert calls_without_arguments(text) == ["train()", "Net().fit()", "helper()"]
    assert calls_without_arguments("def train(): pass\ntrain()\n") == []


def test_lines_are_suggested_with_what_they_need():
    data = "X, Y = np.random.rand(6, 2), np.random.rand(6, 1); "
    assert suggested_lines("def train(X, Y, rate=0.1): pass\n") == f"{data}train(X, Y)"
    text = (
        "class A:\n    def __init__(self, sizes): pass\n    def fit(self, x, y, epochs, lr): pass\n"
    )
    assert suggested_lines(text) == f"{data}net = A([2, 4, 5, 1]); net.fit(X, Y, 4, 0.1)"
    text = "class B:\n    def __init__(self, n_in, n_out): pass\n"
    text += "def learn(net, x, labels, eta): pass\n"
    assert suggested_lines(text) == f"{data}net = B(2, 1); learn(net, X, Y, 0.1)"
    text = "def draw(n): return rand(n)\ndef fit(weights, t, inputs, q): pass\n"
    lines = f"{data}weights = draw(6); q = draw(6); fit(weights, Y, X, q)"
    assert suggested_lines(text) == lines
    assert suggested_lines("x = 1\n") == ""


def test_hints_reveal_no_more_than_they_should_and_every_format_shows_the_source(tmp_path: Path):
    """The slope of the hidden layer is missing, in line 13."""
    text = SCRIPT.replace("d_hid = d_out @ W2.T * h * (1 - h)", "d_hid = d_out @ W2.T")
    without_slope = check(written(tmp_path, text))
    texts = [replace(without_slope, hint=n).to_text() for n in (1, 2, 4)]
    assert "line 13" not in texts[0]
    assert "Line 13" in texts[1]
    assert "should be" not in texts[1]
    assert "should be" in texts[2]
    assert '<mark class="wrong">' in without_slope.to_html()
    assert "✗   13  " in without_slope.to_markdown()
    assert r"\source{" in without_slope.to_latex()
    assert without_slope.to_dict()["faults"][0]["line"] == 13


ONE_OUTPUT = """import numpy as np
rng = np.random.RandomState(0)
X = rng.uniform(-1, 1, (9, 2))
T = np.sin(X[:, 0])
W, v = rng.randn(3, 2), rng.randn(3)
for x, t in zip(X, T):
    h = np.tanh(W @ x)
    o = np.tanh(v @ h)
    d = (o - t) * (1 - o * o)
    dh = d * v * (1 - h * h)
    v -= 0.1 * d * h
    W -= 0.1 * np.outer(dh, x)
"""


@pytest.mark.full_only
def test_a_factor_that_changes_with_the_output_is_not_a_rule(tmp_path: Path):
    """Without the slope of a single output, each update is the gradient times another number."""
    assert check(written(tmp_path, ONE_OUTPUT)).verdict == "right"
    wrong = ONE_OUTPUT.replace("(o - t) * (1 - o * o)", "o - t")
    assert check(written(tmp_path, wrong)).verdict != "right"


@pytest.mark.full_only
def test_two_names_of_one_number_are_two_parameters(tmp_path: Path):
    """Both begin as one object; each has the derivative by itself."""
    text = SCRIPT.replace(
        "for epoch in range(50):\n    h = sigmoid(X @ W1 + b1)",
        "c = d = 0.35\nfor epoch in range(50):\n    h = sigmoid(X @ W1 + b1 + c)",
    ).replace("out = sigmoid(h @ W2 + b2)", "out = sigmoid(h @ W2 + b2 + d)")
    text += "    c -= 0.5 * d_hid.sum()\n    d -= 0.5 * d_out.sum()\n"
    found = check(written(tmp_path, text))
    assert found.verdict == "right", found.to_text()
    assert "c" in found.sentence


def test_the_limit_of_a_recording_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checking, "RECORDINGS", ((1.0, 30), (2.0, 60)))
    (tmp_path / "net.py").write_text(SCRIPT)
    found = check(tmp_path / "net.py")
    assert found.verdict == "could-not-run"
    assert "the recording of its run ended after 60 numbers, in line " in found.sentence
    assert "fewer samples" in found.sentence
