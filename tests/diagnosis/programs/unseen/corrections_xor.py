# XOR with -1 / +1 coding, lists and loops only
from math import tanh
from random import Random

RATE = 0.2


def outputs(w, b, x):
    o = [x]
    for wl, bl in zip(w, b):
        o.append([tanh(sum(wi * oi for wi, oi in zip(row, o[-1])) + c) for row, c in zip(wl, bl)])
    return o


def corrections(w, b, x, t):
    """What has to be added to each weight and bias for one pattern."""
    o = outputs(w, b, x)
    err = [(ti - oi) * (1 - oi * oi) for ti, oi in zip(t, o[-1])]
    dw, db = [], []
    for k in range(len(w) - 1, -1, -1):
        dw.append([[RATE * e * v for v in o[k]] for e in err])
        db.append([RATE * e for e in err])
        err = [
            (1 - o[k][j] ** 2) * sum(err[i] * w[k][i][j] for i in range(len(err)))
            for j in range(len(o[k]))
        ]
    return dw[::-1], db[::-1]


def add(p, d):
    return [add(pi, di) if isinstance(pi, list) else pi + di for pi, di in zip(p, d)]


r = Random(2024)
shape = [2, 3, 1]
w = [[[r.uniform(-1, 1) for _ in range(i)] for _ in range(o)] for i, o in zip(shape, shape[1:])]
b = [[r.uniform(-1, 1) for _ in range(o)] for o in shape[1:]]
patterns = [([-1, -1], [-1]), ([-1, 1], [1]), ([1, -1], [1]), ([1, 1], [-1])]

for epoch in range(800):
    for x, t in patterns:
        dw, db = corrections(w, b, x, t)
        w, b = add(w, dw), add(b, db)
    if epoch % 200 == 0:
        e = sum((t[0] - outputs(w, b, x)[-1][0]) ** 2 for x, t in patterns) / 2
        print(f"{epoch:4}: {e:.5f}")

for x, t in patterns:
    print(x, t, "%.3f" % outputs(w, b, x)[-1][0])
