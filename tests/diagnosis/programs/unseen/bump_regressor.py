import numpy as np


class BumpRegressor:
    """Fits a one dimensional bump with tanh units and the Adam optimiser."""

    def __init__(self, sizes, learning_rate=0.01, seed=0):
        rng = np.random.default_rng(seed)
        self.learning_rate = learning_rate
        self.weights = [rng.standard_normal((m, n)) / np.sqrt(n) for n, m in zip(sizes, sizes[1:])]
        self.biases = [np.zeros(m) for m in sizes[1:]]

        # Adam (Kingma and Ba)
        self.beta1 = 0.999
        self.beta2 = 0.9
        self.epsilon = 1e-8
        self.t = 0
        self.m_w = [np.zeros_like(w) for w in self.weights]
        self.v_w = [np.zeros_like(w) for w in self.weights]
        self.m_b = [np.zeros_like(b) for b in self.biases]
        self.v_b = [np.zeros_like(b) for b in self.biases]

    def forward(self, x):
        acts = [x]
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            z = acts[-1] @ w.T + b
            acts.append(z if i == len(self.weights) - 1 else np.tanh(z))
        return acts

    def backward(self, acts, y):
        n = y.shape[0]
        grads_w = [None] * len(self.weights)
        grads_b = [None] * len(self.biases)
        delta = (acts[-1] - y) / n
        for i in range(len(self.weights) - 1, -1, -1):
            grads_w[i] = delta.T @ acts[i]
            grads_b[i] = delta.sum(axis=0)
            if i:
                delta = (delta @ self.weights[i]) * (1 - acts[i] ** 2)
        return grads_w, grads_b

    def _adam(self, p, g, m, v):
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        m_hat = m / (1 - self.beta1 ** self.t)
        v_hat = v / (1 - self.beta2 ** self.t)
        p -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)

    def update(self, x, y):
        grads_w, grads_b = self.backward(self.forward(x), y)
        self.t += 1
        for i in range(len(self.weights)):
            self._adam(self.weights[i], grads_w[i], self.m_w[i], self.v_w[i])
            self._adam(self.biases[i], grads_b[i], self.m_b[i], self.v_b[i])


def main():
    x = np.linspace(-2, 2, 41).reshape(-1, 1)
    y = np.exp(-x ** 2)
    model = BumpRegressor([1, 8, 1], learning_rate=0.003)
    for epoch in range(801):
        model.update(x, y)
        if epoch % 200 == 0:
            print("epoch", epoch, "mse", float(np.mean((model.forward(x)[-1] - y) ** 2)))
    for xi in (-1.0, 0.0, 1.0):
        print(xi, model.forward(np.array([[xi]]))[-1].item(), np.exp(-xi ** 2))


main()
