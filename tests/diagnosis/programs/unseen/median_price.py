"""Absolute error is robust against outliers, so I try it here with leaky units.
Only lists, one sample after another, then the average."""
import random

SLOPE = 0.01


def leaky(z):
    return z if z > 0 else SLOPE * z


def leaky_d(z):
    return 1.0 if z > 0 else SLOPE


def sign(v):
    if v > 0:
        return 1.0
    return -1.0 if v < 0 else 0.0


def affine(W, b, v):
    return [b[i] + sum(W[i][j] * v[j] for j in range(len(v))) for i in range(len(W))]


def propagate(weights, biases, v):
    zs, acts = [], [list(v)]
    for l in range(len(weights)):
        z = affine(weights[l], biases[l], acts[-1])
        zs.append(z)
        acts.append([leaky(q) for q in z] if l < len(weights) - 1 else z[:])
    return zs, acts


def gradients(weights, biases, x, t):
    n = len(x)
    dW = [[[0.0] * len(row) for row in W] for W in weights]
    db = [[0.0] * len(b) for b in biases]
    for s in range(n - 1):
        zs, acts = propagate(weights, biases, x[s])
        delta = [sign(a - y) for a, y in zip(acts[-1], t[s])]
        for l in range(len(weights) - 1, -1, -1):
            for i in range(len(delta)):
                db[l][i] += delta[i] / n
                for j in range(len(acts[l])):
                    dW[l][i][j] += delta[i] * acts[l][j] / n
            if l > 0:
                delta = [
                    leaky_d(zs[l - 1][j]) * sum(weights[l][i][j] * delta[i] for i in range(len(delta)))
                    for j in range(len(acts[l]))
                ]
    return dW, db


def mean_abs(weights, biases, x, t):
    total = 0.0
    for v, y in zip(x, t):
        out = propagate(weights, biases, v)[1][-1]
        total += sum(abs(a - b) for a, b in zip(out, y))
    return total / len(x)


if __name__ == "__main__":
    random.seed(31)
    x = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(24)]
    t = [[0.5 + abs(a) - 0.3 * b] for a, b in x]
    t[3][0] += 8.0          # the outlier

    sizes = [2, 6, 1]
    weights = [[[random.gauss(0, 0.6) for _ in range(i)] for _ in range(o)] for i, o in zip(sizes, sizes[1:])]
    biases = [[0.0] * o for o in sizes[1:]]

    rate = 0.02
    for epoch in range(301):
        if epoch % 60 == 0:
            print("epoch %3d  mean absolute error %.4f" % (epoch, mean_abs(weights, biases, x, t)))
        dW, db = gradients(weights, biases, x, t)
        for l in range(len(weights)):
            for i in range(len(weights[l])):
                biases[l][i] -= rate * db[l][i]
                for j in range(len(weights[l][i])):
                    weights[l][i][j] -= rate * dW[l][i][j]
