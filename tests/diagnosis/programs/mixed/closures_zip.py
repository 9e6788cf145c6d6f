"""Functional programming exercise: every layer is a function which returns its value and a function for the way back."""
from functools import reduce
from math import exp, log
from random import Random

dot = lambda u, v: sum(p * q for p, q in zip(u, v))
columns = lambda m: list(zip(*m))

soft = (lambda z: log(1 + exp(z)), lambda z: 1 / (1 + exp(-z)))
line = (lambda z: z, lambda z: 1.0)


def layer(w, b, pair):
    value, slope = pair

    def there(x):
        z = [dot(row, x) + c for row, c in zip(w, b)]

        def back(upstream):
            d = [u * slope(v) for u, v in zip(upstream, z)]
            dw = [[e * q for q in x] for e in d]
            return [dot(col, d) for col in columns(w)], dw, d

        return [value(v) for v in z], back

    return there


def network(weights, biases):
    pairs = [soft] * (len(weights) - 1) + [line]
    stages = [layer(w, b, p) for w, b, p in zip(weights, biases, pairs)]

    def advance(state, stage):
        x, backs = state
        y, back = stage(x)
        return y, [back] + backs

    return lambda x: reduce(advance, stages, (x, []))


def gradients(weights, biases, x, t):
    """one example: x and t are plain lists"""
    y, backs = network(weights, biases)(x)

    def retreat(state, back):
        g, dws, dbs = state
        g, dw, db = back(g)
        return g, [dw] + dws, [db] + dbs

    _, dws, dbs = reduce(retreat, backs, ([p - q for p, q in zip(y, t)], [], []))
    return dws, dbs


def moved(eta):
    def vec(v, g):
        return [p - eta * q for p, q in zip(v, g)]
    return vec


if __name__ == "__main__":
    r = Random(17)
    sizes = (2, 5, 2)
    weights = [[[r.gauss(0, 0.6) for _ in range(i)] for _ in range(o)] for i, o in zip(sizes, sizes[1:])]
    biases = [[0.0] * o for o in sizes[1:]]
    points = [[r.uniform(-1, 1), r.uniform(-1, 1)] for _ in range(30)]
    wanted = [[p * q, abs(p)] for p, q in points]
    vec = moved(0.05)
    for sweep in range(120):
        error = 0
        for x, t in zip(points, wanted):
            y, _ = network(weights, biases)(x)
            error += sum((p - q) ** 2 for p, q in zip(y, t)) / 2
            dws, dbs = gradients(weights, biases, x, t)
            weights = [[vec(row, g) for row, g in zip(w, dw)] for w, dw in zip(weights, dws)]
            biases = [vec(b, db) for b, db in zip(biases, dbs)]
        if sweep % 20 == 0:
            print(sweep, error)
