"""Two half moons, hidden layer with dropout against overfitting."""
import numpy as np

KEEP = 0.5


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def hidden_layer(W, b, x):
    return np.tanh(x @ W.T + b)


def step(weights, biases, x, t, learning_rate=0.2):
    W1, W2 = weights
    b1, b2 = biases
    n = len(x)

    # forward, some hidden units are switched off
    rng = np.random.default_rng()
    h = hidden_layer(W1, b1, x)
    mask = (rng.random(h.shape) < KEEP) / KEEP
    hd = h * mask
    p = sigmoid(hd @ W2.T + b2)

    # backward (cross-entropy)
    d2 = (p - t) / n
    d1 = (d2 @ W2) * mask * (1 - h ** 2)
    return ([W1 - learning_rate * d1.T @ x, W2 - learning_rate * d2.T @ hd],
            [b1 - learning_rate * d1.sum(axis=0), b2 - learning_rate * d2.sum(axis=0)])


def moons(n):
    r = np.random.default_rng(3)
    angle = r.uniform(0, np.pi, n)
    side = np.arange(n) % 2
    x = np.where(side == 0, np.cos(angle), 1 - np.cos(angle))
    y = np.where(side == 0, np.sin(angle), 0.5 - np.sin(angle))
    return np.column_stack([x, y]) + 0.1 * r.normal(size=(n, 2)), side.reshape(-1, 1).astype(float)


def accuracy(weights, biases, x, t):
    p = sigmoid(hidden_layer(weights[0], biases[0], x) @ weights[1].T + biases[1])
    return float(np.mean((p > 0.5) == (t > 0.5)))


if __name__ == "__main__":
    x, t = moons(100)
    r = np.random.default_rng(1)
    weights = [r.normal(size=(8, 2)), r.normal(size=(1, 8)) * 0.5]
    biases = [np.zeros(8), np.zeros(1)]
    for i in range(500):
        weights, biases = step(weights, biases, x, t)
        if i % 100 == 0:
            print(i, accuracy(weights, biases, x, t))
    print("final accuracy", accuracy(weights, biases, x, t))
