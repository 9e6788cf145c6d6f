"""Files that only define functions and classes: they are joined, run, and judged by that run.

Each program is right as it stands; a fault replaces a part of it.
"""

from pathlib import Path

import pytest

from chainrule import check
from chainrule.errors import InputError
from chainrule.submission.joining.drivers import drivers
from chainrule.testing import assert_backprop
from tests.rows import few_rows

FAMILY = """import numpy as np


def start(n_in, n_mid, n_out):
    return {"A": np.random.randn(n_mid, n_in), "a": np.zeros((n_mid, 1)),
            "B": np.random.randn(n_out, n_mid), "b": np.zeros((n_out, 1))}


def ahead(x, p):
    h = np.tanh(p["A"] @ x + p["a"])
    o = 1 / (1 + np.exp(-(p["B"] @ h + p["b"])))
    return o, {"h": h, "o": o}


def cost(o, y):
    return -np.mean(y * np.log(o) + (1 - y) * np.log(1 - o))


def back(p, memory, x, y):
    n = x.shape[1]
    e = memory["o"] - y
    f = p["B"].T @ e * (1 - memory["h"] ** 2)
    return {"dA": f @ x.T / n, "da": f.sum(axis=1, keepdims=True) / n,
            "dB": e @ memory["h"].T / n, "db": e.sum(axis=1, keepdims=True) / n}


def change(p, slopes, rate):
    return {k: p[k] - rate * slopes["d" + k] for k in p}
"""
COURSE = """import numpy as np


def initialize_parameters(layer_dims):
    parameters = {}
    for l in range(1, len(layer_dims)):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.01
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters


def linear_activation_forward(A_prev, W, b, activation):
    Z = W @ A_prev + b
    A = np.maximum(0, Z) if activation == "relu" else 1 / (1 + np.exp(-Z))
    return A, (A_prev, W, Z)


def model_forward(X, parameters):
    caches, A, L = [], X, len(parameters) // 2
    for l in range(1, L + 1):
        word = "relu" if l < L else "sigmoid"
        W, b = parameters["W" + str(l)], parameters["b" + str(l)]
        A, cache = linear_activation_forward(A, W, b, word)
        caches.append(cache)
    return A, caches


def linear_activation_backward(dA, cache, activation):
    A_prev, W, Z = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * (Z > 0) if activation == "relu" else dA * s * (1 - s)
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, dZ.sum(axis=1, keepdims=True) / m


def model_backward(AL, Y, caches):
    grads, L = {}, len(caches)
    dA = -(Y / AL - (1 - Y) / (1 - AL))
    for l in range(L, 0, -1):
        word = "relu" if l < L else "sigmoid"
        dA, dW, db = linear_activation_backward(dA, caches[l - 1], word)
        grads["dA" + str(l - 1)], grads["dW" + str(l)], grads["db" + str(l)] = dA, dW, db
    return grads


def update_parameters(parameters, grads, learning_rate):
    for l in range(1, len(parameters) // 2 + 1):
        parameters["W" + str(l)] -= learning_rate * grads["dW" + str(l)]
        parameters["b" + str(l)] -= learning_rate * grads["db" + str(l)]
    return parameters
"""
SEPARATE = """import numpy as np


def forward(V, c, W, d, X):
    z = V @ X + c
    h = np.maximum(z, 0)
    e = np.exp(W @ h + d)
    return z, h, e / e.sum(axis=0)


def backward(z, h, out, W, X, labels):
    m = labels.size
    e = out - np.eye(len(out))[:, labels]
    f = W.T @ e * (z > 0)
    return f @ X.T / m, f.sum(axis=1, keepdims=True) / m, e @ h.T / m, e.mean(1, keepdims=True)


def step(V, c, W, d, dV, dc, dW, dd, pace):
    return V - pace * dV, c - pace * dc, W - pace * dW, d - pace * dd
"""
TUPLES = """import numpy as np


def new_weights(n_out, n_hidden, n_in):
    return np.random.randn(n_hidden, n_in + 1), np.random.randn(n_out, n_hidden + 1)


def with_ones(a):
    return np.hstack([np.ones((len(a), 1)), a])


def forward_pass(theta1, theta2, X):
    a1 = with_ones(X)
    a2 = with_ones(1 / (1 + np.exp(-a1 @ theta1.T)))
    return a1, a2, 1 / (1 + np.exp(-a2 @ theta2.T))


def gradients(y, layers, theta2):
    a1, a2, a3 = layers
    d3 = a3 - y
    d2 = d3 @ theta2[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])
    return d2.T @ a1 / len(y), d3.T @ a2 / len(y)
"""
LIST_OF_DICTS = """import numpy as np


def make_net(sizes):
    return [{"weight": np.random.randn(i, o), "bias": np.zeros((1, o))}
            for i, o in zip(sizes, sizes[1:])]


def feed_forward(net, inputs):
    acts = [inputs]
    for layer in net:
        acts.append(np.tanh(acts[-1] @ layer["weight"] + layer["bias"]))
    return acts


def back_propagate(net, acts, targets):
    grads, delta = [None] * len(net), 2 * (acts[-1] - targets)
    for k in range(len(net) - 1, -1, -1):
        delta = delta * (1 - acts[k + 1] ** 2)
        grads[k] = {"weight": acts[k].T @ delta, "bias": delta.sum(axis=0, keepdims=True)}
        delta = delta @ net[k]["weight"].T
    return grads


def apply_gradients(net, grads, lr):
    for layer, g in zip(net, grads):
        layer["weight"] -= lr * g["weight"]
        layer["bias"] -= lr * g["bias"]
"""
METHODS = """import numpy as np


class Net:
    def __init__(self, n_features, n_hidden, n_classes, learning_rate):
        self.lr = learning_rate
        self.W, self.b = np.random.randn(n_features, n_hidden) / 9, np.zeros(n_hidden)
        self.V, self.c = np.random.randn(n_hidden, n_classes) / 9, np.zeros(n_classes)

    def forward(self, X):
        self.h = np.tanh(X @ self.W + self.b)
        e = np.exp(self.h @ self.V + self.c)
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, X, y):
        e = (self.p - y) / len(X)
        f = e @ self.V.T * (1 - self.h**2)
        self.dV, self.dc, self.dW, self.db = self.h.T @ e, e.sum(0), X.T @ f, f.sum(0)

    def step(self):
        for name in ("W", "b", "V", "c"):
            setattr(self, name, getattr(self, name) - self.lr * getattr(self, "d" + name))
"""
FIT = """import numpy as np


class MLP:
    def __init__(self, layers):
        self.Ws = [np.random.randn(a, b) for a, b in zip(layers, layers[1:])]
        self.bs = [np.zeros(b) for b in layers[1:]]

    def fit(self, X, y, epochs, lr):
        for _ in range(epochs):
            acts = [X]
            for W, b in zip(self.Ws, self.bs):
                acts.append(1 / (1 + np.exp(-(acts[-1] @ W + b))))
            delta = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
            for i in reversed(range(len(self.Ws))):
                gW, gb = acts[i].T @ delta, delta.sum(axis=0)
                delta = delta @ self.Ws[i].T * acts[i] * (1 - acts[i])
                self.Ws[i] -= lr * gW
                self.bs[i] -= lr * gb
"""
ONE_COLUMN = """import numpy as np

W1, b1 = np.random.randn(4, 3), np.random.randn(4, 1)
W2, b2 = np.random.randn(2, 4), np.random.randn(2, 1)


def feed(x):
    h = 1 / (1 + np.exp(-(W1 @ x + b1)))
    return h, W2 @ h + b2


def learn_from(x, y, eta):
    global W1, b1, W2, b2
    h, o = feed(x)
    e = o - y
    f = W2.T @ e * h * (1 - h)
    W2 -= eta * e @ h.T
    b2 -= eta * e
    W1 -= eta * f @ x.T
    b1 -= eta * f
"""
LAYERS = """import numpy as np


class Linear:
    def __init__(self, in_features, out_features):
        self.W, self.b = np.random.randn(in_features, out_features), np.zeros(out_features)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad_output):
        self.grad_W, self.grad_b = self.x.T @ grad_output, grad_output.sum(axis=0)
        return grad_output @ self.W.T


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad_output):
        return grad_output * self.mask
"""
LEFT_OUT = """import numpy as np
from numpy.random import rand

table = np.loadtxt("missing.csv")
count = len(table)


def begin():
    return rand(9, 6), np.zeros((1, 6)), rand(6, 4), np.zeros((1, 4))


def ahead(x, A, a, B, b):
    h = np.maximum(x @ A + a, 0)
    e = np.exp(h @ B + b)
    return h, e / e.sum(axis=1, keepdims=True)


def back(x, y, h, out, B):
    e = out - np.eye(4)[y]
    f = (e @ B.T) * (h > 0)
    return x.T @ f / count, f.sum(axis=0) / count, h.T @ e / count, e.sum(axis=0) / count


def descend(x, y, pace, rounds):
    A, a, B, b = begin()
    for _ in range(rounds):
        h, out = ahead(x, A, a, B, b)
        dA, da, dB, db = back(x, y, h, out, B)
        A, a, B, b = A - pace * dA, a - pace * da, B - pace * dB, b - pace * db
    return A, a, B, b


descend(table[:, 1:], table[:, 0], 0.1, 300)
"""
X_ROWS = "X = np.random.RandomState(1).uniform(-1, 1, (7, 2))\n"
X_COLUMNS = "X = np.random.RandomState(1).uniform(-1, 1, (2, 7))\n"
ROWS, COLUMNS = "Y = np.eye(3)[np.arange(7) % 3]\n", "Y = np.eye(3)[:, np.arange(7) % 3]\n"
LOOP = "for _ in range(4):\n    "
# program, and lines that are expected first
JOINED = {
    "a dictionary": (
        FAMILY,
        (
            f"params = start(2, 4, 3)\n{X_COLUMNS}{COLUMNS}{LOOP}o, memory = ahead(X, params)\n"
            "    grads = back(params, memory, X, Y)\n    params = change(params, grads, 0.1)"
        ),
    ),
    "as a course has it": (
        COURSE,
        (
            f"parameters = initialize_parameters([2, 4, 5, 3])\n{X_COLUMNS}{COLUMNS}{LOOP}"
            "A, caches = model_forward(X, parameters)\n    grads = model_backward(A, Y, caches)\n"
            "    parameters = update_parameters(parameters, grads, 0.1)"
        ),
    ),
    "a tuple of layers": (
        TUPLES,
        (
            f"theta1, theta2 = new_weights(3, 4, 2)\n{X_ROWS}{ROWS}{LOOP}"
            "a1, a2, out3 = forward_pass(theta1, theta2, X)\n"
            "    grads1, grads2 = gradients(Y, (a1, a2, out3), theta2)\n"
            "    theta1 = theta1 - 0.1 * grads1\n    theta2 = theta2 - 0.1 * grads2"
        ),
    ),
    "a list of dictionaries": (
        LIST_OF_DICTS,
        (
            f"params = make_net([2, 4, 5, 3])\n{X_ROWS}{ROWS}{LOOP}acts = feed_forward(params, X)\n"
            "    grads = back_propagate(params, acts, Y)\n    apply_gradients(params, grads, 0.1)"
        ),
    ),
    "methods": (
        METHODS,
        (
            f"net = Net(2, 4, 3, 0.1)\n{X_ROWS}{ROWS}{LOOP}p = net.forward(X)\n"
            "    net.backward(X, Y)\n    net.step()"
        ),
    ),
    "a class that fits": (
        FIT,
        f"net = MLP([2, 4, 5, 3])\n{X_ROWS}{ROWS}net.fit(X, Y, 4, 0.1)",
    ),
    "one sample": (
        ONE_COLUMN,
        (
            "X = np.random.RandomState(1).uniform(-1, 1, (3, 1))\n"
            f"Y = 1.0 * (np.arange(2) == 1)[:, None]\n{LOOP}learn_from(X, Y, 0.1)"
        ),
    ),
}
PROGRAMS = {name: text for name, (text, _) in JOINED.items()} | {
    "arrays without a function that creates them": SEPARATE,
    "layers alone": LAYERS,
    "lines that fail": LEFT_OUT,
}
# program, a part of it, what it becomes, and a part of the line with the fault
FAULTS = {
    "own output": ("a dictionary", 'e @ memory["h"].T', 'e @ memory["o"].T', '"dB"'),
    "slope": ("a dictionary", '(1 - memory["h"] ** 2)', '(1 - memory["h"])', "f = "),
    "mask of dA": ("as a course has it", "dA * (Z > 0)", "np.maximum(dA, 0)", ""),
    "bias not summed": (
        "arrays without a function that creates them",
        "f.sum(axis=1, keepdims=True) / m",
        "f.sum() / m",
        "f.sum()",
    ),
    "no slope": ("a tuple of layers", " * (1 - a2[:, 1:])", "", "d2 = "),
    "no slope of the output": (
        "a list of dictionaries",
        "delta * (1 - acts",
        "delta * (2 - acts",
        "",
    ),
    "of an attribute": ("methods", "(1 - self.h**2)", "(1 - self.h)", "f = "),
    "never updated": ("a class that fits", "self.Ws[i] -= lr * gW", "pass", "self.Ws = "),
    "one column": ("one sample", "* h * (1 - h)", "* (1 - h)", "f = "),
    "mean of a bias": ("layers alone", "grad_output.sum(axis=0)", "grad_output.mean(axis=0)", ""),
    "wrong axis": ("lines that fail", "e.sum(axis=1, keepdims=True)", "e.sum(axis=0)", "e / e"),
}
QUICK = ("methods",)  # others run with --full
QUICK_FAULTS = ("mean of a bias",)


def written(folder: Path, text: str) -> Path:
    path = folder / "net.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "lines"), JOINED.values(), ids=JOINED)
def test_functions_are_joined_by_names_keys_and_shapes(text: str, lines: str):
    namespace: dict[str, object] = {"__name__": "net"}
    exec(compile(text, "net.py", "exec"), namespace)  # noqa: S102 (a program of this file)
    assert drivers(text, namespace, 8.0)[0].lines == lines


@pytest.mark.parametrize("name", few_rows(PROGRAMS, *QUICK))
def test_right_functions_are_right(tmp_path: Path, name: str):
    found = check(written(tmp_path, PROGRAMS[name]))
    assert found.verdict == "right", found.to_text()


@pytest.mark.parametrize("name", few_rows(FAULTS, *QUICK_FAULTS))
def test_the_line_of_a_fault_in_a_function_is_found(tmp_path: Path, name: str):
    program, part, wrong, shown = FAULTS[name]
    text = PROGRAMS[program].replace(part, wrong)
    assert text != PROGRAMS[program]
    found = check(written(tmp_path, text))
    assert found.verdict == "wrong", found.to_text()
    if shown:
        assert shown in text.splitlines()[found.faults[0].line - 1]
        assert "were added to run it" in found.to_text()


@pytest.mark.full_only
def test_what_fits_in_one_layout_only_by_chance_is_not_judged(tmp_path: Path):
    """A bias gradient that is summed over everything is right for one output alone."""
    text = FAMILY.replace("e.sum(axis=1, keepdims=True) / n", "e.sum() / n")
    assert text != FAMILY
    found = check(written(tmp_path, text))
    assert found.verdict == "could-not-run", found.to_text()
    assert "several outputs" in found.sentence


STALE = """import numpy as np


class Net:
    def __init__(self, samples, wanted):
        self.x, self.y, self.p = samples, wanted, np.zeros(wanted.shape)
        self.u, self.v = np.random.rand(samples.shape[1], 4), np.random.rand(4, 1)

    def ahead(self):
        self.h = 1 / (1 + np.exp(-self.x @ self.u))
        return 1 / (1 + np.exp(-self.h @ self.v))

    def train(self, rounds):
        for _ in range(rounds):
            self.out = self.ahead()
            e = (self.p - self.y) * self.p * (1 - self.p)
            f = e @ self.v.T * self.h * (1 - self.h)
            self.u -= self.x.T @ f
            self.v -= self.h.T @ e
"""


@pytest.mark.full_only
def test_updates_of_zero_are_described(tmp_path: Path):
    found = check(written(tmp_path, STALE))
    assert found.verdict == "unknown", found.to_text()
    assert found.sentence.startswith("Not right: every update is 0, of self.u, self.v (line ")
    repaired = STALE.replace("self.out = self.ahead()", "self.p = self.ahead()")
    assert check(written(tmp_path, repaired)).verdict == "right"


NEEDS_LINES = """import numpy as np


class Odd:
    def __init__(self, kernel_of_truth, n_in):
        self.w = kernel_of_truth.draw(n_in)

    def fit(self, X, y, epochs):
        self.w.learn(X, y)
"""


def test_lines_are_suggested_with_the_names_of_the_file(tmp_path: Path):
    found = check(written(tmp_path, NEEDS_LINES))
    assert found.verdict == "could-not-run"
    assert any("net = Odd(kernel_of_truth, 2); net.fit(X, Y, 4)" in text for text in found.remarks)


@pytest.mark.full_only
def test_lines_to_run_exclude_a_function_and_include_what_is_declared(tmp_path: Path):
    path = written(tmp_path, ONE_COLUMN)
    call = "x, y = np.array([[0.3], [-0.8], [0.6]]), np.array([[0.5], [0.1]])\n"
    call += "for i in range(4): learn_from(x, y, 0.1)"
    with pytest.raises(InputError, match="cannot be combined with function="):
        check(path, run=call, function="learn_from")
    with pytest.raises(InputError, match="goes with the path of a Python file"):
        check({"dW1": 1.0}, run=call)
    assert check(path, {"layers": [3, 4, 2]}, run=call).verdict == "right"
    assert_backprop(path, run=call)


def test_a_numerical_gradient_is_not_what_trains():
    text = FAMILY.replace("def back(", "def numeric_back(") + FAMILY[FAMILY.index("def back(") :]
    namespace: dict[str, object] = {"__name__": "net"}
    exec(compile(text, "net.py", "exec"), namespace)  # noqa: S102 (a program of this file)
    lines = drivers(text, namespace, 8.0)[0].lines
    assert " back(" in lines
    assert "numeric_back" not in lines
