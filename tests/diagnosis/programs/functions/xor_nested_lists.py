# XOR with nothing but lists and math
import math, random

random.seed(9)

def tanh_(z): return math.tanh(z)

def rand_matrix(rows, cols):
    return [[random.uniform(-1.0, 1.0) for c in range(cols)] for r in range(rows)]

def think(weights, biases, x):
    hs = []
    for r in range(len(weights[0])):
        z = biases[0][r]
        for c in range(len(x)):
            z = z + weights[0][r][c] * x[c]
        hs.append(tanh_(z))
    ys = []
    for r in range(len(weights[1])):
        z = biases[1][r]
        for c in range(len(hs)):
            z = z + weights[1][r][c] * hs[c]
        ys.append(tanh_(z))
    return hs, ys

def gradients(weights, biases, x, t):
    hs, ys = think(weights, biases, x)
    n_in, n_hid, n_out = len(x), len(hs), len(ys)

    # error of each output, times slope of tanh there
    go = [0.0] * n_out
    for k in range(n_out):
        go[k] = (ys[k] - t[k]) * (1.0 - ys[k] * ys[k])

    # every hidden unit collects from all outputs
    gh = [0.0] * n_hid
    for j in range(n_hid):
        for k in range(n_out):
            gh[j] += go[k] * weights[1][k][j]
        gh[j] *= 1.0 - hs[j] * hs[j]

    dW = [[[gh[j] * x[i] for i in range(n_in)] for j in range(n_hid)],
          [[go[k] * hs[j] for j in range(n_hid)] for k in range(n_out)]]
    db = [gh[:], go[:]]
    return dW, db

samples = [([-1, -1], [-0.9]), ([-1, 1], [0.9]), ([1, -1], [0.9]), ([1, 1], [-0.9])]
W = [rand_matrix(3, 2), rand_matrix(1, 3)]
B = [[0.0, 0.0, 0.0], [0.0]]
RATE = 0.15

for epoch in range(801):
    random.shuffle(samples)
    e = 0
    for x, t in samples:
        dW, db = gradients(W, B, x, t)
        for l in (0, 1):
            for r in range(len(W[l])):
                for c in range(len(W[l][r])):
                    W[l][r][c] -= RATE * dW[l][r][c]
                B[l][r] -= RATE * db[l][r]
        y = think(W, B, x)[1]
        e += sum((a - b) ** 2 for a, b in zip(y, t)) / 2
    if epoch % 200 == 0:
        print("epoch %d: %.5f" % (epoch, e))

for x, t in sorted(samples):
    print(x, t, ["%.3f" % v for v in think(W, B, x)[1]])
