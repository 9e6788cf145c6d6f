# Half adder: two bits in, (sum, carry) out.  No numpy on the school computers.
import math
import random


def squash(v):
    return 1 / (1 + math.exp(-v))


def newNetwork(nIn, nHidden, nOut, seed=1):
    rnd = random.Random(seed)
    weights = [
        [[rnd.uniform(-1, 1) for _ in range(nIn)] for _ in range(nHidden)],
        [[rnd.uniform(-1, 1) for _ in range(nHidden)] for _ in range(nOut)],
    ]
    biases = [[rnd.uniform(-1, 1) for _ in range(nHidden)],
              [rnd.uniform(-1, 1) for _ in range(nOut)]]
    return weights, biases


def fire(weights, biases, x):
    layerOutputs = [list(x)]
    for rows, bs in zip(weights, biases):
        prev = layerOutputs[-1]
        layerOutputs.append([squash(sum(w * p for w, p in zip(row, prev)) + b)
                             for row, b in zip(rows, bs)])
    return layerOutputs


def trainPattern(weights, biases, x, t, learningRate=0.5):
    """Show ONE pattern, get back the corrected weights and biases."""
    inputs, hidden, outputs = fire(weights, biases, x)
    wHid, wOut = weights
    bHid, bOut = biases

    # output deltas
    dOut = []
    for k in range(len(outputs)):
        o = outputs[k]
        dOut.append((o - t[k]) * o * (1 - o))

    # hidden deltas
    dHid = []
    for j in range(len(hidden)):
        blame = 0.0
        for k in range(len(outputs)):
            blame += dOut[k] * wOut[k][j]
        dHid.append(blame * hidden[j])

    newOut = [[wOut[k][j] - learningRate * dOut[k] * hidden[j] for j in range(len(hidden))]
              for k in range(len(outputs))]
    newHid = [[wHid[j][i] - learningRate * dHid[j] * inputs[i] for i in range(len(inputs))]
              for j in range(len(hidden))]
    newBOut = [bOut[k] - learningRate * dOut[k] for k in range(len(outputs))]
    newBHid = [bHid[j] - learningRate * dHid[j] for j in range(len(hidden))]
    return [newHid, newOut], [newBHid, newBOut]


table = [([0, 0], [0, 0]),
         ([0, 1], [1, 0]),
         ([1, 0], [1, 0]),
         ([1, 1], [0, 1])]

weights, biases = newNetwork(2, 4, 2)
for epoch in range(3000):
    total = 0
    for x, t in table:
        o = fire(weights, biases, x)[-1]
        total += sum((a - b) ** 2 for a, b in zip(o, t))
        weights, biases = trainPattern(weights, biases, x, t, 0.5)
    if epoch % 500 == 0:
        print("epoch", epoch, "sum of squares %.4f" % total)

for x, t in table:
    s, c = fire(weights, biases, x)[-1]
    print(x, "sum=%.2f carry=%.2f" % (s, c), "expected", t)
