"""Tiny 'framework' in the style of the big ones: modules with forward/backward."""
import numpy as np


class Dense:
    def __init__(self, fan_in, fan_out, rng):
        self.W = rng.standard_normal((fan_in, fan_out)) / np.sqrt(fan_in)
        self.b = np.zeros(fan_out)
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.dW.T


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return grad * (1 - self.y ** 2)


class Model:
    def __init__(self, n_in=1, n_hidden=8, n_out=1, lr=0.1):
        rng = np.random.default_rng(0)
        self.modules = [Dense(n_in, n_hidden, rng), Tanh(), Dense(n_hidden, n_out, rng)]
        self.lr = lr

    def predict(self, x):
        for m in self.modules:
            x = m.forward(x)
        return x

    def loss(self, x, y):
        diff = self.predict(x) - y
        return np.sum(diff ** 2) / (2 * len(x))

    def train_on_batch(self, x, y):
        grad = (self.predict(x) - y) / len(x)
        for m in reversed(self.modules):
            grad = m.backward(grad)
        for m in self.modules:
            if isinstance(m, Dense):
                m.W -= self.lr * m.dW
                m.b -= self.lr * m.db


if __name__ == "__main__":
    x = np.linspace(-3, 3, 61).reshape(-1, 1)
    y = np.sin(x)
    model = Model()
    print("before:", model.loss(x, y))
    for epoch in range(1, 801):
        model.train_on_batch(x, y)
        if epoch % 200 == 0:
            print("epoch", epoch, "loss", model.loss(x, y))
    for v in (-2.0, 0.0, 2.0):
        p = model.predict(np.array([[v]]))[0, 0]
        print("sin(%.1f) = %.3f, net says %.3f" % (v, np.sin(v), p))
