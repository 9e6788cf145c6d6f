"""MLP v2 - now with any number of layers :)"""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(s):
    # derivative of the sigmoid
    return s * (1.0 - s)


class MLP:
    def __init__(self, layer_sizes, lr=0.5):
        rng = np.random.default_rng(3)
        self.lr = lr
        self.W = []
        self.b = []
        for i in range(len(layer_sizes) - 1):
            self.W.append(rng.normal(0, 1, (layer_sizes[i], layer_sizes[i + 1])))
            self.b.append(np.zeros((1, layer_sizes[i + 1])))

    def forward(self, X):
        self.zs = []
        self.activations = [X]
        for W, b in zip(self.W, self.b):
            z = self.activations[-1] @ W + b
            self.zs.append(z)
            self.activations.append(sigmoid(z))
        return self.activations[-1]

    def gradients(self, X, Y):
        out = self.forward(X)
        m = X.shape[0]
        L = len(self.W)
        dW = [None] * L
        db = [None] * L
        delta = (out - Y) * sigmoid_prime(self.zs[-1])
        for l in reversed(range(L)):
            dW[l] = self.activations[l].T @ delta / m
            db[l] = delta.sum(axis=0, keepdims=True) / m
            if l > 0:
                delta = (delta @ self.W[l].T) * sigmoid_prime(self.zs[l - 1])
        return dW, db

    def train(self, X, Y):
        dW, db = self.gradients(X, Y)
        for l in range(len(self.W)):
            self.W[l] = self.W[l] - self.lr * dW[l]
            self.b[l] = self.b[l] - self.lr * db[l]


def main():
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    Y = np.array([[0], [1], [1], [1]], dtype=float)   # OR, XOR later
    mlp = MLP([2, 4, 1], lr=0.02)
    for i in range(60):
        mlp.train(X, Y)
        if i % 10 == 0:
            err = np.mean(np.abs(mlp.forward(X) - Y))
            print(i, "mean abs error", err)
    print(mlp.forward(X).round(3))


if __name__ == "__main__":
    main()
