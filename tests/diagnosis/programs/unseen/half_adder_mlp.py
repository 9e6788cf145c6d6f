#!/usr/bin/env python3
"""Half adder (sum, carry) learned by a small multilayer perceptron."""
import math
import numpy as np


class HalfAdderNet:

    def __init__(self, sizes, eta=2.0):
        self.eta = eta
        self.layers = []
        rng = np.random.RandomState(3)
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            limit = math.sqrt(6.0 / (n_in + n_out))
            self.layers.append({
                "W": rng.uniform(-limit, limit, size=(n_out, n_in)),
                "b": rng.uniform(-0.1, 0.1, size=n_out),
            })

    @staticmethod
    def squash(v):
        return 1.0 / (1.0 + np.exp(-v))

    def activate(self, x):
        outs = [np.asarray(x, dtype=float)]
        for layer in self.layers:
            outs.append(self.squash(layer["W"].dot(outs[-1]) + layer["b"]))
        return outs

    def fit_batch(self, X, T):
        """One step of gradient descent on the whole batch."""
        n = len(X)
        gW = [np.zeros_like(layer["W"]) for layer in self.layers]
        gb = [np.zeros_like(layer["b"]) for layer in self.layers]

        for x, t in zip(X, T):
            outs = self.activate(x)
            y = outs[-1]
            delta = (y - t) * y * (1 - y)
            for k in reversed(range(len(self.layers))):
                gW[k] += np.outer(delta, outs[k])
                gb[k] = delta
                if k > 0:
                    delta = self.layers[k]["W"].T.dot(delta) * outs[k] * (1 - outs[k])

        for k, layer in enumerate(self.layers):
            layer["W"] -= self.eta * gW[k] / n
            layer["b"] -= self.eta * gb[k] / n

    def error(self, X, T):
        return sum(0.5 * np.sum((self.activate(x)[-1] - t) ** 2) for x, t in zip(X, T)) / len(X)


X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
T = np.array([[0, 0], [1, 0], [1, 0], [0, 1]], dtype=float)   # sum, carry

net = HalfAdderNet([2, 4, 2])
for epoch in range(4001):
    net.fit_batch(X, T)
    if epoch % 1000 == 0:
        print("epoch {:5d}   error {:.6f}".format(epoch, net.error(X, T)))

for x in X:
    s, c = net.activate(x)[-1]
    print("%d + %d  ->  carry %.2f  sum %.2f" % (x[0], x[1], c, s))
