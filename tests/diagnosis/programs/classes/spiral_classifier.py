import numpy as np

NETWORK = {"layers": [2, 16, 3], "activation": ["relu", "identity"], "loss": "softmax-cross-entropy"}


def make_spiral(per_class, classes, rng):
    X = np.zeros((per_class * classes, 2))
    labels = np.zeros(per_class * classes, dtype=int)
    for c in range(classes):
        r = np.linspace(0.05, 1, per_class)
        th = np.linspace(c * 4, (c + 1) * 4, per_class) + rng.normal(0, 0.15, per_class)
        X[c * per_class:(c + 1) * per_class] = np.c_[r * np.sin(th), r * np.cos(th)]
        labels[c * per_class:(c + 1) * per_class] = c
    return X, labels


class SpiralNet:
    def __init__(self, sizes, learning_rate=0.5):
        rng = np.random.default_rng(0)
        self.learning_rate = learning_rate
        self.weights = [rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in zip(sizes, sizes[1:])]
        self.biases = [np.zeros(b) for b in sizes[1:]]

    def forward(self, X):
        self.inputs = []
        for W, b in zip(self.weights[:-1], self.biases[:-1]):
            self.inputs.append(X)
            X = np.maximum(0, X @ W + b)
        self.inputs.append(X)
        scores = X @ self.weights[-1] + self.biases[-1]
        scores = scores - scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        return e / e.sum(axis=1, keepdims=True)

    def train_batch(self, X, Y):
        """Y is one-hot; returns the mean cross entropy before the update"""
        n = X.shape[0]
        probs = self.forward(X)
        loss = -np.sum(Y * np.log(probs + 1e-300)) / n
        delta = (probs - Y) / n
        grads = []
        for l in range(len(self.weights) - 1, -1, -1):
            grads.append((self.inputs[l].T @ delta, delta.sum(axis=0)))
            if l > 0:
                delta = delta @ self.weights[l].T
                delta[self.inputs[l] <= 0] = 0      # relu
        for l, (dW, db) in enumerate(reversed(grads)):
            self.weights[l] -= self.learning_rate * dW
            self.biases[l] -= self.learning_rate * db
        return loss


X, labels = make_spiral(60, 3, np.random.default_rng(2))
Y = np.eye(3)[labels]
net = SpiralNet([2, 16, 3], learning_rate=0.8)
for epoch in range(1001):
    loss = net.train_batch(X, Y)
    if epoch % 200 == 0:
        acc = np.mean(net.forward(X).argmax(axis=1) == labels)
        print(f"epoch {epoch}: loss {loss:.4f}, accuracy {acc:.3f}")
