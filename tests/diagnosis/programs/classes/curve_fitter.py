"""fit x^2 on [-1, 1] with one hidden tanh layer (or more)"""
import numpy as np


class CurveFitter:

    def __init__(self, sizes=(1, 6, 1)):
        rng = np.random.default_rng(12)
        self.W = {}
        self.b = {}
        self.L = len(sizes) - 1
        for l in range(1, self.L + 1):
            self.W[l] = rng.standard_normal((sizes[l], sizes[l - 1]))
            self.b[l] = rng.standard_normal((sizes[l], 1)) * 0.1

    def predict(self, X):
        """X has one column per sample"""
        self.A = {0: X}
        for l in range(1, self.L):
            self.A[l] = np.tanh(self.W[l] @ self.A[l - 1] + self.b[l])
        # linear output, we do regression
        self.A[self.L] = self.W[self.L] @ self.A[self.L - 1] + self.b[self.L]
        return self.A[self.L]

    def cost(self, X, Y):
        return np.sum((self.predict(X) - Y) ** 2) / (2 * X.shape[1])

    def compute_gradients(self, X, Y):
        m = X.shape[1]
        dZ = self.predict(X) - Y
        dW, db = {}, {}
        for l in range(self.L, 0, -1):
            dW[l] = dZ @ self.A[l - 1].T / m
            db[l] = dZ.sum(axis=1, keepdims=True) / m
            if l > 1:
                # tanh' = 1 - tanh^2
                dZ = (self.W[l].T @ dZ) * (1 - self.A[l - 1] * 2)
        return dW, db

    def fit_step(self, X, Y, lr=0.05):
        dW, db = self.compute_gradients(X, Y)
        for l in dW:
            self.W[l] -= lr * dW[l]
            self.b[l] -= lr * db[l]


if __name__ == "__main__":
    X = np.linspace(-1, 1, 41)[None, :]
    Y = X ** 2
    net = CurveFitter()
    print("cost at start %.5f" % net.cost(X, Y))
    for epoch in range(1, 501):
        net.fit_step(X, Y)
        if epoch % 100 == 0:
            print("epoch %d cost %.5f" % (epoch, net.cost(X, Y)))
    for v in (-0.8, -0.3, 0.0, 0.5, 1.0):
        print(v, round(v * v, 3), round(net.predict(np.array([[v]])).item(), 3))
