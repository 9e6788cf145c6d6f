"""AND and OR at once, trained without any gradients (random hill climbing).
I want to understand the forward pass first."""
import numpy as np

rng = np.random.default_rng(2024)

SIZES = [2, 3, 2]


def forward(weights, biases, x):
    """All layer activations, the input included. x: (samples, features)."""
    layers = [x]
    for W, b in zip(weights, biases):
        weighted_sum = layers[-1] @ W.T
        layers.append(np.tanh(weighted_sum) + b)
    return layers


def score(weights, biases, x, t):
    y = forward(weights, biases, x)[-1]
    return float(((y - t) ** 2).mean())


def mutate(arrays, strength):
    return [a + strength * rng.standard_normal(a.shape) for a in arrays]


X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=float)
#               AND OR
T = np.array([[-1, -1], [-1, 1], [-1, 1], [1, 1]], dtype=float) * 0.8

weights = [rng.standard_normal((o, i)) for i, o in zip(SIZES, SIZES[1:])]
biases = [np.zeros(o) for o in SIZES[1:]]
best = score(weights, biases, X, T)
print("start score:", round(best, 4))

for attempt in range(4000):
    w2, b2 = mutate(weights, 0.1), mutate(biases, 0.1)
    s = score(w2, b2, X, T)
    if s < best:
        weights, biases, best = w2, b2, s
    if attempt % 1000 == 999:
        print("after", attempt + 1, "tries:", round(best, 5))

print("AND / OR:")
for row, out in zip(X, forward(weights, biases, X)[-1]):
    print(row, out.round(2), "->", out > 0)
