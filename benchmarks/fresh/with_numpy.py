"""A tiny problem as tutorials write it: lists of arrays, sample by sample, the mean of gradients.

It is timed from the start of its process to the end.
"""

import sys

import numpy as np
from numpy.typing import NDArray

given = np.load(sys.argv[1])
epochs = int(sys.argv[2])
X, T = given["x"], given["t"]
depth = sum(name.startswith("W") for name in given.files)
weights = [given[f"W{k}"] for k in range(1, depth + 1)]
biases = [given[f"b{k}"] for k in range(1, depth + 1)]


def logistic(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-z))


def logistic_derivative(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return logistic(z) * (1 - logistic(z))


loss = 0.0
for _ in range(epochs):
    loss = 0.0
    dW = [np.zeros_like(W) for W in weights]
    db = [np.zeros_like(b) for b in biases]
    for x, t in zip(X, T, strict=True):
        zs, activations = [], [x]
        for W, b in zip(weights, biases, strict=True):
            zs.append(np.dot(W, activations[-1]) + b)
            activations.append(logistic(zs[-1]))
        loss += 0.5 * np.sum((activations[-1] - t) ** 2)
        delta = (activations[-1] - t) * logistic_derivative(zs[-1])
        for k in reversed(range(depth)):
            dW[k] += np.outer(delta, activations[k])
            db[k] += delta
            if k > 0:
                delta = np.dot(weights[k].T, delta) * logistic_derivative(zs[k - 1])
    for k in range(depth):
        weights[k] -= 0.5 * dW[k] / len(X)
        biases[k] -= 0.5 * db[k] / len(X)
print(loss / len(X))
