"""Batch learning with inertia: the last change of each weight is partly repeated."""
import numpy as np

last_change = {}     # ("w" or "b", layer) -> previous change


def logistic(net):
    return 1 / (1 + np.exp(-net))


def respond(weights, biases, x):
    outputs = [x]
    for w, b in zip(weights, biases):
        outputs.append(logistic(outputs[-1] @ w.T + b))
    return outputs


def step(weights, biases, x, t, learning_rate=0.5, momentum=0.9):
    outs = respond(weights, biases, x)
    o = outs[-1]

    # generalised delta rule: delta = (t - o) f'(net)
    deltas = [(t - o) * o * (1 - o)]
    for w, h in zip(weights[:0:-1], outs[-2:0:-1]):
        deltas.append(deltas[-1] @ w * h * (1 - h))
    deltas.reverse()

    new_weights, new_biases = [], []
    for k in range(len(weights)):
        change_w = learning_rate * deltas[k].T @ outs[k] / len(x)
        change_b = learning_rate * deltas[k].mean(axis=0)
        change_w = change_w + momentum * last_change.get(("w", k), 0.0)
        change_b = change_b + momentum * last_change.get(("b", k), 0.0)
        last_change["w", k] = change_w
        last_change["b", k] = change_b
        new_weights.append(weights[k] + change_w)
        new_biases.append(biases[k] + change_b)
    return new_weights, new_biases


def sse(weights, biases, x, t):
    return 0.5 * ((t - respond(weights, biases, x)[-1]) ** 2).sum()


if __name__ == "__main__":
    rng = np.random.default_rng(15)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    t = np.array([[0], [1], [1], [0]], float)
    weights = [rng.uniform(-1, 1, (4, 2)), rng.uniform(-1, 1, (1, 4))]
    biases = [rng.uniform(-1, 1, 4), rng.uniform(-1, 1, 1)]
    for sweep in range(1501):
        if sweep % 300 == 0:
            print("sweep", sweep, "sse", sse(weights, biases, x, t))
        weights, biases = step(weights, biases, x, t, learning_rate=0.5)
    print(respond(weights, biases, x)[-1].round(3).tolist())
