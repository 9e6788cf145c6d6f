"""Kinds of programs that were not judged, or judged wrongly, when people's were tried."""

import re
from pathlib import Path

import pytest

from chainrule import Diagnosis, check
from tests.rows import few_rows, more

MORE = pytest.mark.full_only


def checked(tmp_path: Path, text: str) -> Diagnosis:
    """Return the diagnosis of a program."""
    file = tmp_path / "program.py"
    file.write_text(text, encoding="utf-8")
    return check(file)


GROWING = """import numpy as np
rng = np.random.RandomState(3)
X, T = rng.randn(40, 3), np.tanh(rng.randn(40, 2))
W1, b1, W2, b2 = rng.randn(3, 5) * 0.5, np.zeros(5), rng.randn(5, 2) * 0.5, np.zeros(2)
lam = 0.05
for epoch in range(20):
    for s in range(0, 40, 10):
        x, t = X[s:s + 10], T[s:s + 10]
        h = np.tanh(x @ W1 + b1)
        p = h @ W2 + b2
        e = (t - p) / len(x)
        eh = e @ W2.T * (1 - h * h)
        dW2 = h.T @ e SIGN lam * W2
        dW1 = x.T @ eh SIGN lam * W1
        W2 += 0.1 * dW2
        b2 += 0.1 * e.sum(0)
        W1 += 0.1 * dW1
        b1 += 0.1 * eh.sum(0)
"""


@pytest.mark.parametrize(
    ("sign", "verdict"), [("+", "wrong"), pytest.param("-", "right", marks=MORE)]
)
def test_a_penalty_with_the_wrong_sign_makes_weights_grow(tmp_path: Path, sign: str, verdict: str):
    found = checked(tmp_path, GROWING.replace("SIGN", sign))
    assert found.verdict == verdict, found.to_text()
    if verdict == "wrong":
        assert "with a sign that makes W2 larger" in found.sentence
        assert "Line 13" in found.to_text()


IN_PARTS = """import numpy as np
rng = np.random.RandomState(0)
data = rng.randn(60, 6) * [3, 2, 1, 1, 0.5, 0.5]
W, b, c = rng.randn(6, 3) * 0.3, np.zeros(3), np.zeros(6)
VW, Vb, Vc = np.zeros_like(W), np.zeros_like(b), np.zeros_like(c)
lr, mom, bs = 0.01, 0.9, 10
for epoch in range(20):
    for k in range(0, 60, bs):
        x = data[k:k + bs]
        h = np.tanh(x @ W + b)
        d = (x - (h @ W.T + c)) / bs
        dh = (d @ W) * SLOPE
        VW *= mom
        VW += lr * (x.T @ dh)
        VW += lr * (d.T @ h)
        Vb *= mom
        Vb += lr * dh.sum(axis=0)
        Vc *= mom
        Vc += lr * d.sum(axis=0)
        W += VW
        b += Vb
        c += Vc
"""


@pytest.mark.parametrize(("slope", "verdict"), [more("(1 - h * h)", "right"), ("(1 - h)", "wrong")])
def test_gradients_that_are_added_to_a_velocity_in_parts(tmp_path: Path, slope: str, verdict: str):
    found = checked(tmp_path, IN_PARTS.replace("SLOPE", slope))
    assert found.verdict == verdict, found.to_text()
    if verdict == "right":
        assert found.convention["rule"] == "momentum, with 0.9 of the last step"


LISTS = """import math
import random

random.seed(2)


class Neuron:
    def __init__(self, n_inputs, linear=False):
        self.w = [random.gauss(0, 0.7) for _ in range(n_inputs)] + [0.0]
        self.prev = [0.0] * (n_inputs + 1)
        self.linear, self.out, self.blame = linear, 0.0, 0.0

    def fire(self, xs):
        s = self.w[-1]
        for w, x in zip(self.w, xs):
            s += w * x
        self.out = s if self.linear else s / (1.0 + abs(s))
        return self.out

    def slope(self):
        return 1.0 if self.linear else (1.0 - abs(self.out)) ** 2

    def learn(self, xs, rate, momentum):
        for i, x in enumerate(xs + [ONE]):
            change = rate * self.blame * x + momentum * self.prev[i]
            self.w[i] += change
            self.prev[i] = change


layers = [[Neuron(2) for _ in range(3)], [Neuron(3, linear=True) for _ in range(2)]]
samples = [([a, b], [a * b, math.sin(a)]) for a in (-1.0, 0.2, 0.9) for b in (-0.8, 0.3)]
for epoch in range(20):
    for xs, ts in samples:
        signals = [xs]
        for layer in layers:
            signals.append([n.fire(signals[-1]) for n in layer])
        for n, t, y in zip(layers[1], ts, signals[2]):
            n.blame = t - y
        for j, n in enumerate(layers[0]):
            n.blame = sum(m.w[j] * m.blame for m in layers[1]) * n.slope()
        for layer, inputs in zip(layers, signals):
            for n in layer:
                n.learn(inputs, 0.02, 0.5)
"""


@pytest.mark.parametrize(
    ("one", "verdict"), [("1.0", "right"), pytest.param("2.0", "not right", marks=MORE)]
)
def test_biases_at_the_end_of_lists_of_weights(tmp_path: Path, one: str, verdict: str):
    found = checked(tmp_path, LISTS.replace("ONE", one))
    assert (found.verdict == "right") == (verdict == "right"), found.to_text()
    if verdict == "right":
        biases = {"(3 numbers)", "(2 numbers)"}
        assert biases <= set(re.findall(r"\(\d numbers\)", " ".join(found.tested)))


FLAT = """import numpy as np
from scipy.optimize import minimize
rng = np.random.RandomState(1)
X = np.zeros((700, 30))
for i in range(700):
    X[i] += np.sin(rng.rand() * np.arange(30))
theta = rng.randn(30 * 4 + 4 * 30) * 0.2


def cost(theta, data):
    W1, W2 = theta[:120].reshape(30, 4), theta[120:].reshape(4, 30)
    h = np.tanh(data @ W1)
    r = h @ W2 - data
    J = 0.5 * np.sum(r ** 2) / len(data) + 0.05 * np.sum(W1[1:] ** 2)
    dh = r @ W2.T * SLOPE
    g1 = data.T @ dh / len(data)
    PENALTY
    return J, np.concatenate([g1.ravel(), (h.T @ r / len(data)).ravel()])


print(minimize(cost, theta, args=(X,), jac=True, options={"maxiter": 20}).fun)
"""
FLAT_CASES = {
    "right": ("(1 - h * h)", "g1[1:] += 0.1 * W1[1:]"),
    "a slope in arrays of 21,000 numbers": ("(1 - h)", "g1[1:] += 0.1 * W1[1:]"),
    "a penalty on a row too many": ("(1 - h * h)", "g1 += 0.1 * W1"),
}


@pytest.mark.parametrize("name", few_rows(FLAT_CASES, "a penalty on a row too many"))
@pytest.mark.full_only
def test_gradients_of_a_flat_vector_of_weights(tmp_path: Path, name: str):
    slope, penalty = FLAT_CASES[name]
    found = checked(tmp_path, FLAT.replace("SLOPE", slope).replace("PENALTY", penalty))
    assert found.verdict == ("right" if name == "right" else "wrong"), found.to_text()


SHRUNK = """import numpy as np
rng = np.random.RandomState(3)
X, y = rng.randn(60, 2), (rng.rand(60, 1) > 0.5) * 1.0
w1, b1, w2, b2 = rng.randn(2, 4) * 0.7, np.zeros(4), rng.randn(4, 1) * 0.7, np.zeros(1)
eta, C = 0.5, 1e-3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


for epoch in range(4):
    for s in range(0, 60, 12):
        x, t = X[s:s + 12], y[s:s + 12]
        h = sigmoid(x @ w1 + b1)
        miss = t - sigmoid(h @ w2 + b2)
        back = miss @ w2.T * SLOPE
        w2 *= 1 - eta * C
        w1 *= 1 - eta * C
        w2 += eta / 12 * h.T @ miss
        b2 += eta / 12 * miss.sum(axis=0)
        w1 += eta / 12 * x.T @ back
        b1 += eta / 12 * back.sum(axis=0)
    p = sigmoid(sigmoid(X @ w1 + b1) @ w2 + b2)
    cost = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    print(cost + 0.5 * C * (np.sum(w1 ** 2) + np.sum(w2 ** 2)))
"""


@pytest.mark.parametrize(
    ("slope", "verdict"), [("h * (1 - h)", "right"), pytest.param("(1 - h)", "wrong", marks=MORE)]
)
def test_weights_that_are_shrunk_before_their_update(tmp_path: Path, slope: str, verdict: str):
    found = checked(tmp_path, SHRUNK.replace("SLOPE", slope))
    assert found.verdict == verdict, found.to_text()


# Samples of zeros, with biases that are zero, put each relu at its kink.
AT_KINKS = """import numpy as np

def affine_forward(x, w, b):
    out = x.dot(w) + b
    cache = (x, w)
    return out, cache

def affine_backward(dout, cache):
    x, w = cache
    dx = dout.dot(w.T)
    dw = x.T.dot(dout)
    db = dout.sum(axis=0)
    return dx, dw, db

def relu_forward(x):
    return np.maximum(0, x), x

def relu_backward(dout, cache):
    return dout * (cache > 0)

def affine_relu_forward(x, w, b):
    a, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (fc_cache, relu_cache)

def affine_relu_backward(dout, cache):
    fc_cache, relu_cache = cache
    return affine_backward(relu_backward(dout, relu_cache), fc_cache)

def softmax_loss(x, y):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx

class ThreeLayerNet(object):

    def __init__(self, D, H, C, reg=1e-2, scale=0.3):
        self.reg = reg
        self.params = {
            'W1': scale * np.random.randn(D, H), 'b1': np.zeros(H),
            'W2': scale * np.random.randn(H, H), 'b2': np.zeros(H),
            'W3': scale * np.random.randn(H, C), 'b3': np.zeros(C),
        }

    def loss(self, X, y=None):
        p = self.params
        h1, cache1 = affine_relu_forward(X, p['W1'], p['b1'])
        h2, cache2 = affine_relu_forward(h1, p['W2'], p['b2'])
        scores, cache3 = affine_forward(h2, p['W3'], p['b3'])
        if y is None:
            return scores

        grads = {}
        loss, dscores = softmax_loss(scores, y)
        for k in ('W1', 'W2', 'W3'):
            loss += 0.5 * self.reg * np.sum(p[k] * p[k])
        dh2, grads['W3'], grads['b3'] = affine_backward(dscores, cache3)
        dh1, grads['W2'], grads['b2'] = affine_relu_backward(dh2, cache2)
        _, grads['W1'], grads['b1'] = affine_relu_backward(dh1, cache1)
        for k in ('W1', 'W2', 'W3'):
            grads[k] += self.reg * p[k]
        return loss, grads

def rmsprop(w, dw, config):
    config['cache'] = config['decay_rate'] * config['cache'] + (1 - config['decay_rate']) * dw**2
    return w - config['learning_rate'] * dw / (np.sqrt(config['cache']) + 1e-8)

np.random.seed(231)
N, D, K = 100, 2, 3
X = np.zeros((N*K, D))
y = np.zeros(N*K, dtype='uint8')
for j in range(K):
    ix = range(N*j, N*(j+1))
    r = np.linspace(0.0, 1, N)
    t = np.linspace(j*4, (j+1)*4, N) + np.random.randn(N)*0.2
    X[ix] = np.c_[r*np.sin(t), r*np.cos(t)]
    y[ix] = j

net = ThreeLayerNet(D, 40, K, reg=1e-3)
cfg = {}
for name, val in net.params.items():
    cfg[name] = {'learning_rate': 5e-3, 'decay_rate': 0.95, 'cache': np.zeros_like(val)}

batch = 60
for it in range(1500):
    idx = np.random.choice(N*K, batch)
    loss, grads = net.loss(X[idx], y[idx])
    for name in net.params:
        net.params[name] = rmsprop(net.params[name], grads[name], cfg[name])
    if it % 300 == 0:
        print(it, loss)
        for name in cfg:
            cfg[name]['learning_rate'] *= 0.8
"""


@pytest.mark.full_only
def test_biases_at_kinks_are_not_called_wrong_under_another_rule(tmp_path: Path):
    found = checked(tmp_path, AT_KINKS)
    assert found.verdict != "wrong", found.to_text()
