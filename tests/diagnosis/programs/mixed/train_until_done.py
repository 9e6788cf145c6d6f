# OR gate. Train until the wanted number of epochs is reached.
import numpy as np


class GateNet:
    def __init__(self, n_in=2, n_hid=3, n_out=1, lr=0.5, epochs=100):
        rs = np.random.RandomState(31)
        self.lr = lr
        self.epochs = epochs
        self.weights = [rs.randn(n_hid, n_in), rs.randn(n_out, n_hid)]
        self.biases = [np.zeros(n_hid), np.zeros(n_out)]

    @staticmethod
    def squash(z):
        return 1 / (1 + np.exp(-z))

    def forward(self, X):
        h = self.squash(X @ self.weights[0].T + self.biases[0])
        o = self.squash(h @ self.weights[1].T + self.biases[1])
        return h, o

    def train(self, X, Y):
        X = np.asarray(X, dtype=float)
        Y = np.asarray(Y, dtype=float)
        epoch = 0
        history = 0.0
        while epoch < self.epochs:
            h, o = self.forward(X)
            history = float(np.sum((o - Y) ** 2) / 2)
            d2 = (o - Y) * o * (1 - o)
            d1 = (d2 @ self.weights[1]) * h * (1 - h)
            self.weights[1] -= self.lr * d2.T @ h
            self.biases[1] -= self.lr * d2.sum(axis=0)
            self.weights[0] -= self.lr * d1.T @ X
            self.biases[0] -= self.lr * d1.sum(axis=0)
        return history


if __name__ == "__main__":
    X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    Y = [[0], [1], [1], [1]]
    net = GateNet(epochs=1000)
    print("training ...")
    print("error", net.train(X, Y))
    print(net.forward(np.array(X, dtype=float))[1])
