# Fit a parabola with leaky ReLU units
import numpy as np


def lrelu(z):
    return np.where(z > 0, z, 0.01 * z)


def lrelu_grad(z):
    g = np.ones_like(z)
    g[z <= 0] = 0.1
    return g


def loss_fn(W1, b1, W2, b2, X, Y):
    H = lrelu(X @ W1 + b1)
    return 0.5 * np.sum((H @ W2 + b2 - Y) ** 2) / len(X)


def backprop(W1, b1, W2, b2, X, Y):
    # forward
    Z1 = X @ W1 + b1
    H = lrelu(Z1)
    out = H @ W2 + b2          # linear output for regression
    # backward
    d2 = (out - Y) / len(X)
    dW2 = H.T @ d2
    db2 = d2.sum(axis=0)
    d1 = d2 @ W2.T * lrelu_grad(Z1)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    return dW1, db1, dW2, db2


rng = np.random.default_rng(15)
X = rng.uniform(-1.5, 1.5, size=(64, 1))
Y = X ** 2 - 0.5
W1, b1 = rng.normal(size=(1, 10)), rng.normal(size=10) * 0.5
W2, b2 = rng.normal(size=(10, 1)) * 0.3, np.zeros(1)

for epoch in range(501):
    dW1, db1, dW2, db2 = backprop(W1, b1, W2, b2, X, Y)
    W1 -= 0.05 * dW1
    b1 -= 0.05 * db1
    W2 -= 0.05 * dW2
    b2 -= 0.05 * db2
    if epoch % 100 == 0:
        print(f"epoch {epoch}: loss {loss_fn(W1, b1, W2, b2, X, Y):.6f}")
