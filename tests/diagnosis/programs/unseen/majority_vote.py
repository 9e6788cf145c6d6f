"""Majority of three votes, with cells that know their own weights."""
import math
import random


class Cell:
    def __init__(self, n):
        self.w = [random.gauss(0, 0.8) for _ in range(n)]
        self.bias = 0.0

    def activate(self, signals):
        self.signals = signals
        s = sum(a * b for a, b in zip(self.w, signals)) + self.bias
        self.out = 1 / (1 + math.exp(-s))
        return self.out

    def slope(self):
        return self.out * (1 - self.out)

    def change(self, eta):
        for i, s in enumerate(self.signals):
            self.w[i] -= eta * self.delta * s
        self.bias -= eta * self.delta


class Council:
    def __init__(self):
        self.eta = 0.4
        self.layers = [[Cell(3) for _ in range(4)], [Cell(4)]]

    def decide(self, votes):
        signal = list(votes)
        for layer in self.layers:
            signal = [cell.activate(signal) for cell in layer]
        return signal

    def epoch(self, X, T):
        """goes through all examples, the cells change after each one"""
        for votes, target in zip(X, T):
            self.decide(votes)
            top = self.layers[-1]
            for cell, wanted in zip(top, target):
                cell.delta = 2 * (cell.out - wanted) * cell.slope()
            for k in range(len(self.layers) - 2, -1, -1):
                for j, cell in enumerate(self.layers[k]):
                    cell.delta = cell.slope() * sum(c.delta * c.w[j] for c in self.layers[k + 1])
            for layer in self.layers:
                for cell in layer:
                    cell.change(self.eta)


def squared_error(council, X, T):
    return sum((council.decide(x)[0] - t[0]) ** 2 for x, t in zip(X, T)) / len(X)


random.seed(6)
X = [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
T = [[1 if sum(v) >= 2 else 0] for v in X]

council = Council()
for e in range(1, 1001):
    council.epoch(X, T)
    if e % 200 == 0:
        print("after", e, "epochs:", round(squared_error(council, X, T), 5))

for v, t in zip(X, T):
    print(v, "wanted", t[0], "got", round(council.decide(v)[0], 3))
