# AND gate, everything as plain lists so that I can follow each number by hand
from math import exp
from random import Random

rnd = Random(11)
LAYERS = [2, 3, 1]


def sigm(x):
    return 1.0 / (1.0 + exp(-x))


def forward(weights, biases, x):
    values = [x]
    for layer_w, layer_b in zip(weights, biases):
        nxt = []
        for neuron_w, neuron_b in zip(layer_w, layer_b):
            s = neuron_b
            for w, v in zip(neuron_w, values[-1]):
                s += w * v
            nxt.append(sigm(s))
        values.append(nxt)
    return values


def gradients(weights, biases, x, t):
    """x: one input vector, t: one target vector.
    Returns two lists shaped like weights and biases."""
    values = forward(weights, biases, x)
    last = len(weights) - 1

    # 1) a delta for every neuron, starting at the output
    deltas = [None] * len(weights)
    deltas[last] = [(o - y) * o * (1 - o) for o, y in zip(values[-1], t)]
    for l in range(last - 1, -1, -1):
        deltas[l] = []
        for j, h in enumerate(values[l + 1]):
            back = sum(weights[l + 1][k][j] * deltas[l + 1][k]
                       for k in range(len(weights[l + 1])))
            deltas[l].append(back * h * (1 - h))

    # 2) from the deltas to the slopes
    dW, db = [], []
    for l in range(len(weights)):
        layer = []
        for j in range(len(weights[l])):
            layer.append([deltas[l][j] * w for w in weights[l][j]])
        dW.append(layer)
        db.append(list(deltas[l]))
    return dW, db


def descend(weights, biases, dW, db, eta):
    for l in range(len(weights)):
        for j in range(len(weights[l])):
            for i in range(len(weights[l][j])):
                weights[l][j][i] -= eta * dW[l][j][i]
            biases[l][j] -= eta * db[l][j]


weights = [[[rnd.gauss(0, 1) for _ in range(a)] for _ in range(b)]
           for a, b in zip(LAYERS, LAYERS[1:])]
biases = [[0.0] * b for b in LAYERS[1:]]

data = [([0, 0], [0]), ([0, 1], [0]), ([1, 0], [0]), ([1, 1], [1])]
for epoch in range(1500):
    loss = 0.0
    for x, t in data:
        dW, db = gradients(weights, biases, x, t)
        descend(weights, biases, dW, db, 0.4)
        loss += 0.5 * (forward(weights, biases, x)[-1][0] - t[0]) ** 2
    if epoch % 300 == 0:
        print(epoch, loss)
for x, t in data:
    print(x, t, forward(weights, biases, x)[-1])
