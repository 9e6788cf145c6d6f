"""XOR with a small fully connected network (NumPy only)."""
import numpy as np

rng = np.random.default_rng(3)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def init(sizes):
    weights = [rng.normal(0, 1, (o, i)) for i, o in zip(sizes[:-1], sizes[1:])]
    biases = [np.zeros(o) for o in sizes[1:]]
    return weights, biases


def predict(weights, biases, x):
    for w, b in zip(weights, biases):
        x = sigmoid(x @ w.T + b)
    return x


def train_step(weights, biases, x, t, learning_rate=0.5):
    """One step of batch gradient descent, returns the new parameters."""
    weights = [w.copy() for w in weights]   # don't touch the caller's arrays
    biases = [b.copy() for b in biases]
    n = x.shape[0]

    # forward, remember every activation
    acts = [x]
    for w, b in zip(weights, biases):
        acts.append(sigmoid(acts[-1] @ w.T + b))

    # backward, from the last layer to the first
    out = acts[-1]
    delta = (out - t) * out * (1 - out)
    for k in range(len(weights) - 1, -1, -1):
        weights[k] -= learning_rate * (delta.T @ acts[k]) / n
        biases[k] -= learning_rate * delta.mean(axis=0)
        if k > 0:
            delta = (delta @ weights[k]) * acts[k] * (1 - acts[k])
    return weights, biases


X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
T = np.array([[0], [1], [1], [0]], dtype=float)

W, B = init([2, 3, 1])
for epoch in range(6001):
    W, B = train_step(W, B, X, T, learning_rate=2.0)
    if epoch % 1000 == 0:
        err = 0.5 * np.sum((predict(W, B, X) - T) ** 2) / len(X)
        print(f"epoch {epoch:5d}   error {err:.5f}")

print("after training:")
for xi, yi in zip(X, predict(W, B, X)):
    print(xi, "->", round(float(yi[0]), 3))
