"""Inside (+1) or outside (-1) of a ring.  Deep-ish net: 2-4-3-1, tanh everywhere."""
import numpy as np


def run(weights, biases, x):
    """Returns the pre-activations of all layers and the final output."""
    zs = []
    a = x
    for W, b in zip(weights, biases):
        z = a @ W + b
        zs.append(z)
        a = np.tanh(z)
    return zs, a


def tanh_prime(z):
    return 1.0 - np.tanh(z) ** 2


def update(weights, biases, x, t, learning_rate=0.1):
    n = len(x)
    zs, out = run(weights, biases, x)
    layer_inputs = [x] + zs[:-1]

    delta = (out - t) * tanh_prime(zs[-1])
    new_weights = []
    for l in reversed(range(len(weights))):
        grad = layer_inputs[l].T @ delta / n
        new_weights.insert(0, weights[l] - learning_rate * grad)
        if l:
            delta = (delta @ weights[l].T) * tanh_prime(zs[l - 1])
    return new_weights, biases


def half_mse(weights, biases, x, t):
    return 0.5 * np.mean((run(weights, biases, x)[1] - t) ** 2)


rng = np.random.default_rng(1)
pts = rng.uniform(-1.5, 1.5, size=(80, 2))
lab = np.where((pts ** 2).sum(axis=1, keepdims=True) < 1.0, 0.9, -0.9)

sizes = (2, 4, 3, 1)
weights = [rng.normal(scale=1 / np.sqrt(i), size=(i, o)) for i, o in zip(sizes, sizes[1:])]
biases = [rng.normal(scale=0.3, size=o) for o in sizes[1:]]

print("start", half_mse(weights, biases, pts, lab))
for epoch in range(1, 1501):
    weights, biases = update(weights, biases, pts, lab, learning_rate=0.2)
    if epoch % 300 == 0:
        print("epoch", epoch, half_mse(weights, biases, pts, lab))
right = np.sign(run(weights, biases, pts)[1]) == np.sign(lab)
print("correct:", int(right.sum()), "/", len(pts))
