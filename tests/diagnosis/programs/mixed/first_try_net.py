# my first neural network!!  2 inputs, 4 hidden neurons, 1 output
import numpy as np


def sigm(x):
    return 1 / (1 + np.exp(-x))


class MyNet:
    def __init__(self):
        np.random.seed(0)
        self.W1 = np.random.randn(2, 4)
        self.b1 = np.zeros((1, 4))
        self.W2 = np.random.randn(4, 1)
        self.b2 = np.zeros((1, 1))
        self.learning_rate = 0.1

    def forward(self, X):
        self.a0 = np.asarray(X, dtype=float)
        self.a1 = sigm(self.a0 @ self.W1 + self.b1)
        self.a2 = sigm(self.a1 @ self.W2 + self.b2)
        return self.a2

    def backward(self, Y):
        d2 = (self.a2 - Y) * self.a2 * (1 - self.a2)
        # chain rule: error of the layer behind times its weights
        d1 = np.dot(d2, self.W2) * self.a1 * (1 - self.a1)
        self.W2 -= self.learning_rate * self.a1.T @ d2
        self.b2 -= self.learning_rate * d2.sum(axis=0, keepdims=True)
        self.W1 -= self.learning_rate * self.a0.T @ d1
        self.b1 -= self.learning_rate * d1.sum(axis=0, keepdims=True)

    def train(self, X, Y):
        self.forward(X)
        self.backward(np.asarray(Y, dtype=float))


net = MyNet()
X = [[0, 0], [0, 1], [1, 0], [1, 1]]
Y = [[0], [1], [1], [0]]
print("before:", net.forward(X).ravel())
try:
    for i in range(1000):
        net.train(X, Y)
    print("after:", net.forward(X).ravel())
except ValueError as problem:
    print("does not work yet:", problem)
