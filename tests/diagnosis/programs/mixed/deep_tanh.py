# A network of any depth in pure Python; everything is a list comprehension
from math import tanh
import random


class DeepTanh:
    def __init__(self, sizes, rate=0.1):
        rnd = random.Random(7)
        self.rate = rate
        self.sizes = sizes
        self.weights = [[[rnd.uniform(-0.7, 0.7) for _ in range(m)] for _ in range(n)]
                        for m, n in zip(sizes, sizes[1:])]
        self.biases = [[rnd.uniform(-0.2, 0.2) for _ in range(n)] for n in sizes[1:]]

    def activations(self, x):
        a = [list(x)]
        for W, b in zip(self.weights, self.biases):
            a.append([tanh(sum(w * v for w, v in zip(row, a[-1])) + c) for row, c in zip(W, b)])
        return a

    def corrections(self, X, T):
        """direction in which the weights should go: summed over the given examples"""
        total_w = [[[0.0 for _ in row] for row in W] for W in self.weights]
        total_b = [[0.0 for _ in b] for b in self.biases]
        for x, t in zip(X, T):
            a = self.activations(x)
            d = [(want - got) * (1 - got * got) for want, got in zip(t, a[-1])]
            for l in range(len(self.weights) - 1, -1, -1):
                total_w[l] = [[s + e * v for s, v in zip(row, a[l])] for row, e in zip(total_w[l], d)]
                total_b[l] = [s + e for s, e in zip(total_b[l], d)]
                d = [(1 - v * v) * sum(e * row[i] for e, row in zip(d, self.weights[l]))
                     for i, v in enumerate(a[l])]
        return total_w, total_b

    def learn(self, X, T):
        cw, cb = self.corrections(X, T)
        self.weights = [[[w + self.rate * c for w, c in zip(row, crow)] for row, crow in zip(W, C)]
                        for W, C in zip(self.weights, cw)]
        self.biases = [[b + self.rate * c for b, c in zip(bs, cs)] for bs, cs in zip(self.biases, cb)]

    def error(self, X, T):
        return sum((p - q) ** 2 / 2 for x, t in zip(X, T) for p, q in zip(self.activations(x)[-1], t))


X = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
T = [[-0.9], [0.9], [0.9], [-0.9]]
net = DeepTanh([2, 4, 3, 1])
print("sizes", net.sizes)
for i in range(1001):
    net.learn(X, T)
    if i % 200 == 0:
        print("step", i, "error %.6f" % net.error(X, T))
for x in X:
    print(x, "%.3f" % net.activations(x)[-1][0])
