import numpy as np

rng = np.random.default_rng(8)


class CircleNet:
    """is a point inside the circle?  2 inputs -> hidden (tanh) -> 1 output (sigmoid)"""

    def __init__(self, n_in, n_hidden, n_out):
        self.W1 = rng.normal(0, 1 / np.sqrt(n_in), (n_in, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, n_out))
        self.b2 = np.zeros(n_out)

    def forward(self, X):
        self.A1 = np.tanh(X @ self.W1 + self.b1)
        self.A2 = 1 / (1 + np.exp(-(self.A1 @ self.W2 + self.b2)))
        return self.A2

    def loss(self, X, Y):
        P = self.forward(X)
        P = np.clip(P, 1e-12, 1 - 1e-12)
        return -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / X.shape[0]

    def train_step(self, X, Y, lr=0.5):
        m = X.shape[0]
        P = self.forward(X)

        dZ2 = P - Y          # sigmoid and cross entropy together
        dW2 = self.A1.T @ dZ2 / m
        db2 = dZ2.sum(axis=0) / m

        dZ1 = (dZ2 @ self.W2.T) * (1 - self.A1 ** 2)
        dW1 = X.T @ dZ1 / m
        db1 = dZ1.sum(axis=0) / m

        self.W2 -= lr * dW2
        self.b2 -= lr * db2
        self.W1 -= lr * dW1
        self.b1 -= lr * db1


points = rng.uniform(-1, 1, (200, 2))
labels = ((points ** 2).sum(axis=1) < 0.5).astype(float).reshape(-1, 1)

net = CircleNet(2, 8, 1)
for it in range(1501):
    net.train_step(points, labels, lr=1.0)
    if it % 250 == 0:
        acc = ((net.forward(points) > 0.5) == (labels > 0.5)).mean()
        print(f"iter {it:5d} loss {net.loss(points, labels):.4f} acc {acc:.3f}")

print("centre:", net.forward(np.array([[0.0, 0.0]])))
print("corner:", net.forward(np.array([[0.95, 0.95]])))
