"""3-bit parity. Layers are dictionaries; each entry keeps its running mean of
squared slopes (lecture 6e)."""
import numpy as np


def soft(z):
    return np.logaddexp(0.0, z)


def logistic(z):
    return 1.0 / (1.0 + np.exp(-z))


class Parity:
    def __init__(self, sizes=(3, 6, 1), alpha=0.01):
        self.alpha = alpha
        self.rho = 0.9
        gen = np.random.default_rng(3)
        self.layers = [
            {
                "w": gen.normal(0, 0.7, (o, i)),
                "b": np.zeros(o),
                "sw": np.zeros((o, i)),
                "sb": np.zeros(o),
            }
            for i, o in zip(sizes[:-1], sizes[1:])
        ]

    def forward(self, X):
        a = X
        for k, lay in enumerate(self.layers):
            lay["in"] = a
            lay["z"] = a @ lay["w"].T + lay["b"]
            a = logistic(lay["z"]) if k == len(self.layers) - 1 else soft(lay["z"])
        return a

    def step(self, X, T):
        out = self.forward(X)
        delta = (out - T) * out * (1 - out) / X.shape[0]
        for k in range(len(self.layers) - 1, -1, -1):
            lay = self.layers[k]
            lay["gw"] = delta.T @ lay["in"]
            lay["gb"] = delta.sum(0)
            if k:
                # the slope of softplus is the logistic function
                delta = (delta @ lay["w"]) * logistic(self.layers[k - 1]["z"])
        for lay in self.layers:
            for p, s, g in (("w", "sw", "gw"), ("b", "sb", "gb")):
                lay[s] = self.rho * lay[s] + (1 - self.rho) * lay[g] ** 2
                lay[p] -= self.alpha * lay[g] / (np.sqrt(lay[s]) + 1e-8)


if __name__ == "__main__":
    bits = np.array([[(n >> k) & 1 for k in range(3)] for n in range(8)], dtype=float)
    target = (bits.sum(axis=1) % 2).reshape(-1, 1)
    p = Parity()
    for i in range(2001):
        p.step(bits, target)
        if i % 400 == 0:
            print("%5d  %.5f" % (i, 0.5 * np.mean((p.forward(bits) - target) ** 2)))
    print(np.hstack([bits, target, p.forward(bits).round(2)]))
