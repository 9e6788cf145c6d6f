import random
from math import exp


class Brain:
    """no numpy, just lists.   W[layer][neuron][input],   B[layer][neuron]"""

    def __init__(self, *sizes):
        self.sizes = sizes
        self.W = [[[random.gauss(0, 1) for _ in range(sizes[l])]
                   for _ in range(sizes[l + 1])]
                  for l in range(len(sizes) - 1)]
        self.B = [[random.gauss(0, 1) for _ in range(sizes[l + 1])]
                  for l in range(len(sizes) - 1)]

    def act(self, v):
        return 1 / (1 + exp(-v))

    def slope(self, o):
        return o * (1 - o)

    def loss(self, outs, targets):
        return sum((o - t) ** 2 for o, t in zip(outs, targets)) / 2

    def loss_slope(self, o, t):
        # d/do of (o - t)^2 / 2, chain rule
        return (o - t) * o

    def think(self, x):
        self.A = [list(x)]
        for W, B in zip(self.W, self.B):
            self.A.append([self.act(sum(w * a for w, a in zip(row, self.A[-1])) + b)
                           for row, b in zip(W, B)])
        return self.A[-1]

    def teach(self, x, targets, rate=0.5):
        outs = self.think(x)
        D = [None] * len(self.W)
        D[-1] = [self.loss_slope(o, t) * self.slope(o) for o, t in zip(outs, targets)]
        for l in range(len(self.W) - 2, -1, -1):
            D[l] = []
            for j in range(self.sizes[l + 1]):
                back = 0
                for k in range(self.sizes[l + 2]):
                    back += self.W[l + 1][k][j] * D[l + 1][k]
                D[l].append(back * self.slope(self.A[l + 1][j]))
        for l in range(len(self.W)):
            for j in range(self.sizes[l + 1]):
                for i in range(self.sizes[l]):
                    self.W[l][j][i] -= rate * D[l][j] * self.A[l][i]
                self.B[l][j] -= rate * D[l][j]


random.seed(2)
# a, b -> sum, carry
table = [((0, 0), (0, 0)), ((0, 1), (1, 0)), ((1, 0), (1, 0)), ((1, 1), (0, 1))]
brain = Brain(2, 4, 2)
for epoch in range(3000):
    random.shuffle(table)
    for x, t in table:
        brain.teach(x, t, 0.9)
    if epoch % 500 == 0:
        print("epoch", epoch, "loss", sum(brain.loss(brain.think(x), t) for x, t in table))

for x, t in sorted(table):
    s, c = brain.think(x)
    print(f"{x[0]} + {x[1]} : sum {s:.2f} carry {c:.2f}   (should be {t})")
