"""Three bit parity, a network of tanh units and one logistic unit at the end."""
import itertools
import numpy as np

NETWORK = {
    "layers": [3, 4, 1],
    "activation": ["tanh", "logistic"],
    "loss": "squared-error",
}


def act(z, is_output):
    return 1 / (1 + np.exp(-z)) if is_output else np.tanh(z)


def act_prime(a, is_output):
    # both written in terms of the activation value
    return a * (1 - a) if is_output else 1 - a * a


def feed(weights, biases, vec):
    outs = [vec]
    for l, (W, b) in enumerate(zip(weights, biases)):
        outs.append(act(W @ outs[-1] + b, l == len(weights) - 1))
    return outs


def gradients(weights, biases, x, t):
    L = len(weights)
    dW = [np.zeros_like(W) for W in weights]
    db = [np.zeros_like(b) for b in biases]

    for vec, target in zip(x, t):
        outs = feed(weights, biases, vec)
        delta = (outs[-1] - target) * act_prime(outs[-1], True)
        dW[-1] += np.outer(delta, outs[-2])
        db[-1] = delta
        for l in range(L - 2, -1, -1):
            delta = (weights[l + 1].T @ delta) * act_prime(outs[l + 1], False)
            dW[l] += np.outer(delta, outs[l])
            db[l] = delta

    m = len(x)
    return [g / m for g in dW], [g / m for g in db]


def total_error(weights, biases, x, t):
    return sum(0.5 * np.sum((feed(weights, biases, v)[-1] - y) ** 2) for v, y in zip(x, t)) / len(x)


def main():
    rng = np.random.default_rng(12)
    bits = np.array(list(itertools.product([0, 1], repeat=3)), dtype=float)
    parity = bits.sum(axis=1, keepdims=True) % 2
    sizes = [3, 4, 1]
    weights = [rng.normal(size=(o, i)) for i, o in zip(sizes, sizes[1:])]
    biases = [rng.normal(size=o) * 0.1 for o in sizes[1:]]
    eta = 1.0
    for epoch in range(2001):
        order = rng.permutation(8)
        dW, db = gradients(weights, biases, bits[order], parity[order])
        weights = [W - eta * g for W, g in zip(weights, dW)]
        biases = [b - eta * g for b, g in zip(biases, db)]
        if epoch % 400 == 0:
            print("epoch", epoch, "error", total_error(weights, biases, bits, parity))
    for v, y in zip(bits, parity):
        print(v.astype(int), int(y[0]), feed(weights, biases, v)[-1].round(2))


if __name__ == "__main__":
    main()
