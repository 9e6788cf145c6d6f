import numpy as np

NETWORK = {"layers": [4, 5, 3, 2], "activation": "logistic", "loss": "logistic-cross-entropy"}


def logi(z):
    return 1 / (1 + np.exp(-z))


def forward(weights, biases, x):
    """samples are rows: index n; units: index i (in) and o (out)"""
    acts = [x]
    for w, b in zip(weights, biases):
        acts.append(logi(np.einsum("oi,ni->no", w, acts[-1]) + b[None, :]))
    return acts


def step(weights, biases, x, t, learning_rate=0.5):
    acts = forward(weights, biases, x)
    m = x.shape[0]
    miss = t - acts[-1]                      # logistic + cross-entropy: nothing else needed here
    new_w, new_b = list(weights), list(biases)
    for l in range(len(weights) - 1, -1, -1):
        new_w[l] = weights[l] + learning_rate / m * np.einsum("no,ni->oi", miss, acts[l])
        new_b[l] = biases[l] + learning_rate / m * np.einsum("no->o", miss)
        if l:
            miss = np.einsum("no,oi,ni,ni->ni", miss, weights[l], acts[l], 1 - acts[l])
    return new_w, new_b


def cross_entropy(weights, biases, x, t):
    p = forward(weights, biases, x)[-1]
    return -np.einsum("no->", t * np.log(p) + (1 - t) * np.log(1 - p)) / len(x)


def main(epochs=800):
    r = np.random.default_rng(99)
    x = r.integers(0, 2, (64, 4)).astype(float)
    t = np.stack([x[:, 0] * x[:, 1], np.maximum(x[:, 2], x[:, 3])], axis=1)
    s = NETWORK["layers"]
    weights = [r.normal(size=(o, i)) for i, o in zip(s, s[1:])]
    biases = [np.zeros(o) for o in s[1:]]
    for e in range(epochs):
        weights, biases = step(weights, biases, x, t, learning_rate=1.5)
        if not e % 200:
            print("cross-entropy", e, cross_entropy(weights, biases, x, t))
    print("at the end", cross_entropy(weights, biases, x, t))


if __name__ == "__main__":
    main()
