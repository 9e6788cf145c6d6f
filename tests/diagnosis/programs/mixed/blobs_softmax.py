import numpy as np

NETWORK = {"layers": [2, 4, 3], "activation": "logistic", "loss": "softmax-cross-entropy"}

rng = np.random.default_rng(0)


def logistic(z):
    return 1.0 / (1.0 + np.exp(-z))


def softmax(z):
    # subtract the maximum for stability
    e = np.exp(z - np.max(z))
    return e / np.sum(e, axis=0)


def forward(weights, biases, x):
    h = logistic(x @ weights[0].T + biases[0])
    return [x, h, softmax(h @ weights[1].T + biases[1])]


def gradients(weights, biases, x, t):
    """x is (n, 2), t is (n, 3) one-hot; softmax with cross-entropy gives p - t"""
    x = np.asarray(x, dtype=float)
    _, h, p = forward(weights, biases, x)
    n = x.shape[0]
    d_out = (p - t) / n
    d_hid = (d_out @ weights[1]) * h * (1 - h)
    dW = [d_hid.T @ x, d_out.T @ h]
    db = [d_hid.sum(axis=0), d_out.sum(axis=0)]
    return dW, db


def make_blobs(n):
    labels = rng.integers(0, 3, n)
    centres = np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])
    return centres[labels] + rng.normal(size=(n, 2)) * 0.6, labels


if __name__ == "__main__":
    X, labels = make_blobs(150)
    T = np.eye(3)[labels]
    weights = [rng.normal(size=(4, 2)), rng.normal(size=(3, 4))]
    biases = [np.zeros(4), np.zeros(3)]
    for epoch in range(400):
        dW, db = gradients(weights, biases, X, T)
        for l in range(2):
            weights[l] = weights[l] - 1.0 * dW[l]
            biases[l] = biases[l] - 1.0 * db[l]
        if epoch % 80 == 0:
            p = forward(weights, biases, X)[-1]
            print(epoch, "accuracy", (p.argmax(axis=1) == labels).mean())
