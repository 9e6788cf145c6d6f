"""Fit the height of the tide from the hour of the day.

The bias is one more row at the bottom of each weight matrix, so an extra
column of ones goes into every layer.
"""
import numpy as np


def add_ones(a):
    return np.hstack([a, np.ones((a.shape[0], 1))])


class TideNet:
    def __init__(self, *sizes, rate=0.05):
        gen = np.random.default_rng(8)
        self.rate = rate
        self.Ws = []
        for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
            W = gen.uniform(-0.8, 0.8, (fan_in + 1, fan_out))
            W[-1] = 0.0
            self.Ws.append(W)

    def predict(self, X):
        self.layers = [X]
        for W in self.Ws[:-1]:
            self.layers.append(np.tanh(add_ones(self.layers[-1]) @ W))
        self.layers.append(add_ones(self.layers[-1]) @ self.Ws[-1])
        return self.layers[-1]

    def learn(self, X, T):
        out = self.predict(X)
        delta = out - T
        grads = []
        for i in reversed(range(len(self.Ws))):
            grads.append(add_ones(self.layers[i]).T @ delta / len(X))
            if i == 0:
                break
            # d tanh = 1 - tanh^2, without the row of the bias
            back = delta @ self.Ws[i][:-1].T
            delta = back * (1 - self.layers[i])
        for W, g in zip(self.Ws, reversed(grads)):
            W -= self.rate * g


hours = np.arange(0, 24, 0.5).reshape(-1, 1)
height = np.sin(2 * np.pi * hours / 12.4)
X = np.hstack([hours / 24 * 2 - 1, np.cos(2 * np.pi * hours / 24)])

net = TideNet(2, 6, 1)
print("start:", np.mean((net.predict(X) - height) ** 2))
for epoch in range(1, 1501):
    net.learn(X, height)
    if epoch % 300 == 0:
        print(epoch, np.mean((net.predict(X) - height) ** 2))

for h in (0, 12, 24, 36):
    print("hour %4.1f  tide %+.2f  model %+.2f" % (hours[h, 0], height[h, 0], net.predict(X)[h, 0]))
