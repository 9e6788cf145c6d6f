import numpy as np

# three kinds of flowers, four measurements, one hidden layer or more


def softplus(z):
    return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)


def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def layer(h, W, b, act):
    return act(h @ W.T + b)


def predict_proba(weights, biases, x):
    h = x
    last = len(weights) - 1
    for i, (W, b) in enumerate(zip(weights, biases)):
        h = layer(h, W, b, softmax if i == last else softplus)
    # turn the scores of the last layer into probabilities
    return softmax(h)


def cross_entropy(p, t):
    return -np.mean(np.sum(t * np.log(p + 1e-12), axis=1))


def numeric_update(weights, biases, x, t, lr, h=1e-5):
    """I do not trust my derivatives yet, so the slope is measured."""
    slopes = []
    for arr in weights + biases:
        g = np.zeros_like(arr)
        it = np.nditer(arr, flags=["multi_index"])
        for _ in it:
            k = it.multi_index
            keep = arr[k]
            arr[k] = keep + h
            up = cross_entropy(predict_proba(weights, biases, x), t)
            arr[k] = keep - h
            down = cross_entropy(predict_proba(weights, biases, x), t)
            arr[k] = keep
            g[k] = (up - down) / (2 * h)
        slopes.append(g)
    for arr, g in zip(weights + biases, slopes):
        arr -= lr * g


if __name__ == "__main__":
    rng = np.random.default_rng(11)
    centres = np.array([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.5, 2.0]])
    labels = np.repeat(np.arange(3), 10)
    x = centres[labels] + 0.2 * rng.standard_normal((30, 4))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    t = np.eye(3)[labels]

    sizes = [4, 5, 3]
    weights = [rng.normal(0, 0.5, (o, i)) for i, o in zip(sizes, sizes[1:])]
    biases = [np.zeros(o) for o in sizes[1:]]

    for it in range(61):
        if it % 10 == 0:
            p = predict_proba(weights, biases, x)
            acc = (p.argmax(axis=1) == labels).mean()
            print(f"{it:3d}  loss {cross_entropy(p, t):.4f}  accuracy {acc:.2f}")
        numeric_update(weights, biases, x, t, lr=1.0)

    print("first flower:", np.round(predict_proba(weights, biases, x[:1]), 3))
