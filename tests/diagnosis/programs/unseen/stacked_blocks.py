"""A tiny 'framework': blocks that can be stacked, each with forward and backward."""
import numpy as np


class Dense:
    def __init__(self, n_in, n_out, rng):
        self.W = rng.normal(0.0, 1.0 / np.sqrt(n_in), size=(n_in, n_out))
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.dW.T

    def apply(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return grad * (1.0 - self.y ** 2)

    def apply(self, lr):
        pass


class Sigmoid(Tanh):
    def forward(self, x):
        self.y = 1.0 / (1.0 + np.exp(-x))
        return self.y


class Mlp:
    def __init__(self, sizes, lr=0.5, seed=1):
        rng = np.random.default_rng(seed)
        self.lr = lr
        self.blocks = []
        for i in range(len(sizes) - 1):
            self.blocks.append(Dense(sizes[i], sizes[i + 1], rng))
            self.blocks.append(Tanh() if i < len(sizes) - 2 else Sigmoid())

    def __call__(self, x):
        for block in self.blocks:
            x = block.forward(x)
        return x

    def train_batch(self, x, y):
        p = self(x)
        # sigmoid and cross entropy together: start behind the sigmoid
        grad = (p - y) / len(x)
        for block in reversed(self.blocks[:-1]):
            grad = block.backward(grad)
        for block in self.blocks:
            block.apply(self.lr)


def rings(n, seed=0):
    rng = np.random.default_rng(seed)
    radius = np.where(rng.random(n) < 0.5, 0.4, 1.2)
    angle = rng.uniform(0, 2 * np.pi, n)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return x + 0.05 * rng.standard_normal(x.shape), (radius > 1).astype(float).reshape(-1, 1)


if __name__ == "__main__":
    X, Y = rings(80)
    model = Mlp([2, 8, 1], lr=0.5)
    for epoch in range(1500):
        model.train_batch(X, Y)
        if epoch % 300 == 0:
            p = model(X)
            bce = -np.mean(Y * np.log(p + 1e-9) + (1 - Y) * np.log(1 - p + 1e-9))
            print(f"epoch {epoch:5d}  bce {bce:.4f}  accuracy {np.mean((p > .5) == Y):.3f}")
