import numpy as np

"""Wine quality (made-up): alcohol, acidity, sugar in; two judges' marks out.
Samples stand in columns, as in the lecture."""

A = 0.01


def lrelu(z):
    return np.where(z > 0, z, A * z)


def lrelu_der(z):
    return np.where(z > 0, 1.0, A)


def feed(weights, biases, x):
    zs = []
    acts = [x]
    L = len(weights)
    for l in range(L):
        z = weights[l] @ acts[l] + biases[l].reshape(-1, 1)
        zs.append(z)
        acts.append(lrelu(z) if l + 1 < L else z)
    return zs, acts


def directions(weights, biases, x, t):
    """Where should every parameter move? (already downhill, add them)"""
    zs, acts = feed(weights, biases, x)
    L = len(weights)
    moveW = [0] * L
    moveb = [0] * L
    err = t - acts[-1]
    for l in range(L - 1, -1, -1):
        moveW[l] = err @ acts[l].T
        moveb[l] = err.sum(axis=1)
        if l:
            err = (weights[l].T @ err) * lrelu_der(zs[l - 1])
    return moveW, moveb


if __name__ == "__main__":
    rnd = np.random.default_rng(77)
    x = rnd.normal(size=(3, 60))
    judge1 = 0.8 * x[0] - 0.5 * np.abs(x[1])
    judge2 = 0.3 * x[2] + 0.4 * x[0]
    t = np.vstack([judge1, judge2]) + 0.05 * rnd.normal(size=(2, 60))

    sizes = [3, 10, 2]
    weights = [rnd.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in zip(sizes, sizes[1:])]
    biases = [np.zeros(o) for o in sizes[1:]]

    for it in range(501):
        dW, db = directions(weights, biases, x, t)
        for l in range(len(weights)):
            weights[l] += 0.001 * dW[l]
            biases[l] += 0.001 * db[l]
        if it % 100 == 0:
            print(it, "half squared error per wine:",
                  0.5 * np.sum((t - feed(weights, biases, x)[1][-1]) ** 2) / x.shape[1])
