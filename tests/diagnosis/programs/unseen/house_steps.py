import numpy as np

np.set_printoptions(precision=4, suppress=True)


def relu(z):
    return np.maximum(z, 0.0)


def relu_prime(v):
    d = np.zeros_like(v)
    d[v >= 0] = 1.0
    return d


def run(weights, biases, x):
    """all activations, the input first; the last layer is linear"""
    activations = [x]
    for k, (w, b) in enumerate(zip(weights, biases)):
        z = activations[-1] @ w.T + b
        if k < len(weights) - 1:
            z = relu(z)
        activations.append(z)
    return activations


def train_step(weights, biases, x, t, learning_rate):
    activations = run(weights, biases, x)
    n = len(x)

    delta = (activations[-1] - t) / n
    new_weights, new_biases = [], []
    for k in range(len(weights) - 1, -1, -1):
        dw = delta.T @ activations[k]
        db = delta.sum(axis=0)
        if k > 0:
            delta = (delta @ weights[k]) * relu_prime(activations[k])
        new_weights.insert(0, weights[k] - learning_rate * dw)
        new_biases.insert(0, biases[k] - learning_rate * db)
    return new_weights, new_biases


# ---------------------------------------------------------------- data
# price of a house from area and age (both scaled), with a kink
rng = np.random.default_rng(5)
x = rng.uniform(-1, 1, (50, 2))
price = 1.5 * np.maximum(x[:, :1], 0) - 0.7 * x[:, 1:] + 0.05 * rng.standard_normal((50, 1))

layout = [2, 8, 4, 1]
weights = [rng.standard_normal((o, i)) * np.sqrt(2 / i) for i, o in zip(layout, layout[1:])]
biases = [np.full(o, 0.01) for o in layout[1:]]

for step in range(400):
    weights, biases = train_step(weights, biases, x, price, 0.02)
    if step % 80 == 0:
        loss = 0.5 * np.mean((run(weights, biases, x)[-1] - price) ** 2)
        print(f"step {step:4d}  loss {loss:.5f}")

print("predicted / true")
print(np.hstack([run(weights, biases, x[:5])[-1], price[:5]]))
