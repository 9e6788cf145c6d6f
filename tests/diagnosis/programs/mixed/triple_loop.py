# no numpy, only loops: one loop for the samples, one for the neurons, one for their inputs
import math
import random


def sigma(z):
    return 1.0 / (1.0 + math.exp(-z))


def feed(W, B, x):
    layers = [list(x)]
    for l in range(len(W)):
        new = []
        for j in range(len(W[l])):
            z = B[l][j]
            for i in range(len(W[l][j])):
                z += W[l][j][i] * layers[l][i]
            new.append(sigma(z))
        layers.append(new)
    return layers


def total_loss(W, B, X, T):
    s = 0.0
    for x, t in zip(X, T):
        y = feed(W, B, x)[-1]
        for k in range(len(y)):
            s += (y[k] - t[k]) ** 2
    return s


def gradients(W, B, X, T):
    dW = [[[0.0] * len(row) for row in layer] for layer in W]
    dB = [[0.0] * len(layer) for layer in W]
    for n in range(len(X)):
        a = feed(W, B, X[n])
        # last layer first
        delta = []
        for k in range(len(a[-1])):
            y = a[-1][k]
            delta.append(2 * (y - T[n][k]) * y * (1 - y))
        for l in range(len(W) - 1, -1, -1):
            before = [0.0] * len(a[l])
            for j in range(len(delta)):
                dB[l][j] += delta[j]
                for i in range(len(a[l])):
                    dW[l][j][i] += delta[j] * a[l][i]
                    before[i] += delta[j] * W[l][j][i]
            # for l == 0 this is not needed, but it does no harm
            delta = [before[i] * a[l][i] * (1 - a[l][i]) for i in range(len(before))]
    return dW, dB


random.seed(13)
sizes = [3, 4, 2]
W = [[[random.uniform(-1, 1) for i in range(sizes[l])] for j in range(sizes[l + 1])] for l in range(2)]
B = [[random.uniform(-1, 1) for j in range(sizes[l + 1])] for l in range(2)]
# full adder: sum and carry of three bits
X = [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
T = [[sum(x) % 2, sum(x) // 2] for x in X]

for epoch in range(1500):
    dW, dB = gradients(W, B, X, T)
    for l in range(2):
        for j in range(sizes[l + 1]):
            for i in range(sizes[l]):
                W[l][j][i] -= 0.3 * dW[l][j][i]
            B[l][j] -= 0.3 * dB[l][j]
    if epoch % 250 == 0:
        print("epoch", epoch, "loss", total_loss(W, B, X, T))
for x, t in zip(X, T):
    print(x, t, [round(v, 2) for v in feed(W, B, x)[-1]])
