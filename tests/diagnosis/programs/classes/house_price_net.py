import numpy as np

NETWORK = {"layers": [2, 5, 1], "activation": ["tanh", "identity"], "loss": "squared-error"}


class RegressionNet:
    def __init__(self, sizes, learning_rate=0.01):
        self.learning_rate = learning_rate
        self.num_layers = len(sizes) - 1
        self.weights = [np.random.randn(o, i) * 0.4 for i, o in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.zeros(o) for o in sizes[1:]]
        # gradient buffers, same shapes as the parameters
        self.grad_w = [np.zeros_like(w) for w in self.weights]
        self.grad_b = [np.zeros_like(b) for b in self.biases]

    def forward(self, x):
        """x: one house, shape (features,)"""
        self.a = [x]
        for k in range(self.num_layers):
            z = self.weights[k] @ self.a[-1] + self.biases[k]
            self.a.append(z if k == self.num_layers - 1 else np.tanh(z))
        return self.a[-1]

    def backward(self, target):
        delta = self.a[-1] - target
        for k in range(self.num_layers - 1, -1, -1):
            self.grad_w[k] += np.outer(delta, self.a[k])
            self.grad_b[k] += delta
            if k > 0:
                delta = (self.weights[k].T @ delta) * (1 - self.a[k] ** 2)

    def apply(self, n):
        for k in range(self.num_layers):
            self.weights[k] -= self.learning_rate * self.grad_w[k] / n
            self.biases[k] -= self.learning_rate * self.grad_b[k] / n

    def train_batch(self, X, T):
        for x, t in zip(X, T):
            self.forward(x)
            self.backward(t)
        self.apply(len(X))


def make_houses(n, rng):
    size = rng.uniform(-1, 1, n)
    age = rng.uniform(-1, 1, n)
    price = 0.8 * size - 0.3 * age + 0.2 * size * age
    return np.column_stack([size, age]), price.reshape(-1, 1)


def main():
    np.random.seed(0)
    rng = np.random.default_rng(1)
    X, T = make_houses(40, rng)
    net = RegressionNet([2, 5, 1], learning_rate=0.002)
    for epoch in range(120):
        net.train_batch(X, T)
        if epoch % 20 == 0:
            mse = np.mean([(net.forward(x) - t) ** 2 for x, t in zip(X, T)])
            print(f"epoch {epoch:3d}   mse {mse:.5f}")


if __name__ == "__main__":
    main()
