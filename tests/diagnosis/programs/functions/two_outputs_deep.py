"""
Four layer regression network, (out, in) matrices.
Predicts the product and the sum of three numbers.
"""
import numpy as np

KEEP = 0.9    # how much of the signal goes on to the layer below


def activations(weights, biases, x):
    a = [np.asarray(x, dtype=float)]
    for W, b in zip(weights[:-1], biases[:-1]):
        a.append(np.tanh(a[-1] @ W.T + b))
    a.append(a[-1] @ weights[-1].T + biases[-1])
    return a


def loss(weights, biases, x, t):
    return np.sum((activations(weights, biases, x)[-1] - t) ** 2) / 2 / len(x)


def gradients(weights, biases, x, t):
    a = activations(weights, biases, x)
    d = (a[-1] - t) / len(x)
    dW, db = [], []
    for l in range(len(weights) - 1, -1, -1):
        dW.append(d.T @ a[l])
        db.append(d.sum(axis=0))
        if l > 0:
            d = KEEP * (d @ weights[l]) * (1 - a[l] ** 2)
    dW.reverse()
    db.reverse()
    return dW, db


if __name__ == "__main__":
    r = np.random.default_rng(99)
    X = r.uniform(-1, 1, (100, 3))
    T = np.column_stack([X.prod(axis=1), X.sum(axis=1) / 3])
    layers = [3, 5, 4, 2]
    Ws = [r.normal(0, 1 / np.sqrt(i), (o, i)) for i, o in zip(layers, layers[1:])]
    bs = [np.zeros(o) for o in layers[1:]]
    for k in range(1001):
        gW, gb = gradients(Ws, bs, X, T)
        for l in range(3):
            Ws[l] -= 0.3 * gW[l]
            bs[l] -= 0.3 * gb[l]
        if k % 250 == 0:
            print(k, loss(Ws, bs, X, T))
