"""Weather forecast with probabilities, judged by the Brier score
(half the squared distance between forecast and what happened)."""
import numpy as np


def softmax_rows(z):
    e = np.exp(z - z.max(axis=1)[:, None])
    return e / e.sum(axis=1)[:, None]


def forecast(weights, biases, x):
    acts = [x]
    for W, b in zip(weights[:-1], biases[:-1]):
        acts.append(np.tanh(acts[-1] @ W.T + b))
    acts.append(softmax_rows(acts[-1] @ weights[-1].T + biases[-1]))
    return acts


def brier(weights, biases, x, t):
    return 0.5 * np.sum((forecast(weights, biases, x)[-1] - t) ** 2) / len(x)


def gradients(weights, biases, x, t):
    acts = forecast(weights, biases, x)
    dW = [np.zeros_like(W) for W in weights]
    db = [np.zeros_like(b) for b in biases]

    for s in range(len(x)):
        p = acts[-1][s]
        # full Jacobian of softmax: diag(p) - p p^T
        J = np.diag(p) - np.outer(p, p)
        delta = J @ (p - t[s])
        for l in range(len(weights) - 1, -1, -1):
            a = acts[l][s]
            dW[l] += np.outer(delta, a) / len(x)
            db[l] += delta / len(x)
            if l > 0:
                delta = (weights[l].T @ delta) * (1 - a * a)
    return dW, db


def check(weights, biases, x, t, eps=1e-6):
    dW, _ = gradients(weights, biases, x, t)
    W = weights[0]
    old = W[0, 0]
    W[0, 0] = old + eps
    plus = brier(weights, biases, x, t)
    W[0, 0] = old - eps
    minus = brier(weights, biases, x, t)
    W[0, 0] = old
    return dW[0][0, 0], (plus - minus) / (2 * eps)


def main():
    rng = np.random.RandomState(9)
    # pressure, humidity -> sun, cloud, rain
    x = rng.randn(60, 2)
    kind = np.where(x[:, 0] - x[:, 1] > 0.7, 0, np.where(x[:, 0] - x[:, 1] > -0.6, 1, 2))
    t = np.eye(3)[kind]
    sizes = [2, 6, 3]
    weights = [rng.randn(o, i) * 0.6 for i, o in zip(sizes, sizes[1:])]
    biases = [np.zeros(o) for o in sizes[1:]]
    print("one entry, by formula and by difference: %.8f %.8f" % check(weights, biases, x, t))
    for day in range(401):
        if day % 100 == 0:
            print("round", day, "Brier score %.4f" % brier(weights, biases, x, t))
        dW, db = gradients(weights, biases, x, t)
        for l in range(len(weights)):
            weights[l] -= 1.5 * dW[l]
            biases[l] -= 1.5 * db[l]


if __name__ == "__main__":
    main()
