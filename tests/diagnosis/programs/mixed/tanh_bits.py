"""bits.py -- learn which of two numbers is larger, with tanh everywhere

weights[l] has one row for each neuron of layer l + 1
"""
import numpy as np


def act(z):
    return np.tanh(z)


def act_prime(z):
    # derivative of tanh, written with tanh itself
    return 1 - np.tanh(z)


def run(weights, biases, x):
    zs, outs = [], [np.asarray(x, dtype=float)]
    for w, b in zip(weights, biases):
        zs.append(outs[-1] @ np.asarray(w).T + np.asarray(b))
        outs.append(act(zs[-1]))
    return zs, outs


def gradients(weights, biases, x, t):
    zs, outs = run(weights, biases, x)
    N = len(outs[0])
    delta = (outs[-1] - t) * act_prime(zs[-1]) / N
    nabla_w, nabla_b = [], []
    for l in range(1, len(weights) + 1):
        nabla_w.append(delta.T @ outs[-l - 1])
        nabla_b.append(delta.sum(0))
        if l < len(weights):
            delta = (delta @ np.asarray(weights[-l])) * act_prime(zs[-l - 1])
    return nabla_w[::-1], nabla_b[::-1]


if __name__ == "__main__":
    r = np.random.RandomState(6)
    x = r.uniform(-1, 1, (80, 2))
    t = np.where(x[:, :1] > x[:, 1:], 0.8, -0.8)
    sizes = [2, 4, 3, 1]
    weights = [r.randn(o, i) * 0.6 for i, o in zip(sizes, sizes[1:])]
    biases = [np.zeros(o) for o in sizes[1:]]
    for k in range(401):
        gw, gb = gradients(weights, biases, x, t)
        weights = [w - 0.2 * g for w, g in zip(weights, gw)]
        biases = [b - 0.2 * g for b, g in zip(biases, gb)]
        if k % 50 == 0:
            y = run(weights, biases, x)[1][-1]
            print("%4d  loss %.4f  hits %d/80" % (k, 0.5 * np.mean((y - t) ** 2), np.sum(np.sign(y) == np.sign(t))))
