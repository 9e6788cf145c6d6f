"""
Backpropagation as one recursion: going down the call stack is the forward pass, coming up again is the backward pass.
Nothing has to be stored, the stack remembers it all.
"""
import numpy as np

HIDDEN = {"f": np.tanh, "df": lambda y: 1.0 - y * y}


def _softmax_columns(z):
    z = z - z.max(axis=0)
    e = np.exp(z)
    return e / e.sum(axis=0)


def _dive(layers, signal, target, rate):
    """returns (derivative of the loss by `signal`, list of new layers, loss)"""
    (w, b), deeper = layers[0], layers[1:]
    z = w.T @ signal + b
    if not deeper:
        p = _softmax_columns(z)
        m = signal.shape[1]
        loss = -np.sum(target * np.log(p)) / m
        dz = (p - target) / m
        below = []
    else:
        y = HIDDEN["f"](z)
        dy, below, loss = _dive(deeper, y, target, rate)
        dz = dy * HIDDEN["df"](y)
    up = w @ dz
    changed = (w - rate * (signal @ dz.T), b - rate * dz.sum(axis=1, keepdims=True))
    return up, [changed] + below, loss


def learn(weights, biases, x, t, rate=0.1):
    """weights (in, out), biases (out, 1), samples in columns of x and t"""
    _, layers, _ = _dive(list(zip(weights, biases)), x, t, rate)
    return [w for w, _ in layers], [b for _, b in layers]


def classify(weights, biases, x):
    if len(weights) == 1:
        return _softmax_columns(weights[0].T @ x + biases[0])
    return classify(weights[1:], biases[1:], HIDDEN["f"](weights[0].T @ x + biases[0]))


def show(depth, text):
    if depth:
        print("  " * depth, end="")
        show(0, text)
    else:
        print(text)


if __name__ == "__main__":
    r = np.random.default_rng(23)
    kind = np.arange(120) % 3
    radius = 0.5 + kind + 0.15 * r.normal(size=120)
    phi = r.uniform(0, 2 * np.pi, 120)
    x = np.vstack([radius * np.cos(phi), radius * np.sin(phi)])
    t = np.eye(3)[:, kind]
    sizes = [2, 8, 6, 3]
    weights = [r.normal(size=(i, o)) * 0.8 for i, o in zip(sizes, sizes[1:])]
    biases = [np.zeros((o, 1)) for o in sizes[1:]]
    for epoch in range(1201):
        weights, biases = learn(weights, biases, x, t, 0.4)
        if epoch % 300 == 0:
            hits = np.mean(classify(weights, biases, x).argmax(axis=0) == kind)
            show(epoch // 300, f"epoch {epoch}: {hits:.0%} right")
