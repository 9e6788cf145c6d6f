import numpy as np

# learn the period of a pendulum from its length and amplitude


class PendulumNet:

    def __init__(self, n_input, n_hidden, n_output, lr=0.01):
        rng = np.random.default_rng(17)
        self.lr = lr
        self.steps = 0
        self.params = {
            "layer1": {"W": rng.normal(0, 0.5, (n_hidden, n_input)), "b": np.zeros((n_hidden, 1))},
            "layer2": {"W": rng.normal(0, 0.5, (n_output, n_hidden)), "b": np.zeros((n_output, 1))},
        }
        self.first = {}
        self.second = {}
        for name in self.params:
            for p in "Wb":
                self.first[name, p] = np.zeros_like(self.params[name][p])
                self.second[name, p] = np.zeros_like(self.params[name][p])

    def predict(self, X):
        """X: one example per column"""
        self.h = np.tanh(self.params["layer1"]["W"] @ X + self.params["layer1"]["b"])
        return self.params["layer2"]["W"] @ self.h + self.params["layer2"]["b"]

    def train(self, X, Y):
        n = X.shape[1]
        out = self.predict(X)
        d_out = 2.0 * (out - Y) / n
        d_hid = (self.params["layer2"]["W"].T @ d_out) * (1.0 - self.h ** 2)
        grads = {
            ("layer1", "W"): d_hid @ X.T,
            ("layer1", "b"): d_hid.sum(axis=1, keepdims=True),
            ("layer2", "W"): d_out @ self.h.T,
            ("layer2", "b"): d_out.sum(axis=1, keepdims=True),
        }
        self.steps += 1
        for key, g in grads.items():
            self.first[key] = 0.9 * self.first[key] + 0.1 * g
            self.second[key] = 0.999 * self.second[key] + 0.001 * g ** 2
            m = self.first[key] / (1 - 0.9 ** self.steps)
            v = self.second[key] / (1 - 0.999 ** self.steps)
            self.params[key[0]][key[1]] -= self.lr * m / (np.sqrt(v) + 1e-8)


rng = np.random.default_rng(2)
length = rng.uniform(0.2, 2.0, 64)
amplitude = rng.uniform(0.0, 1.2, 64)
period = 2 * np.pi * np.sqrt(length / 9.81) * (1 + amplitude ** 2 / 16)
X = np.vstack([length - 1.1, amplitude - 0.6])
Y = period.reshape(1, -1)

net = PendulumNet(2, 8, 1)
for epoch in range(1001):
    net.train(X, Y)
    if epoch % 250 == 0:
        print("epoch", epoch, "mean squared error", np.mean((net.predict(X) - Y) ** 2))
print("a metre, small swing: %.3f s" % net.predict(np.array([[-0.1], [-0.6]])).item())
