import numpy as np


class AdamNet:
    """2 weight layers, trained with Adam (Kingma & Ba), samples in columns"""

    def __init__(self, d=1, h=10, k=1, lr=0.02, beta1=0.9, beta2=0.999, eps=1e-8):
        r = np.random.default_rng(33)
        self.p = {
            "W1": r.normal(size=(h, d)), "b1": r.normal(size=(h, 1)),
            "W2": r.normal(size=(k, h)) / np.sqrt(h), "b2": np.zeros((k, 1)),
        }
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = {key: np.zeros_like(v) for key, v in self.p.items()}
        self.v = {key: np.zeros_like(v) for key, v in self.p.items()}
        self.t = 0

    def forward(self, X):
        self.H = np.tanh(self.p["W1"] @ X + self.p["b1"])
        return self.p["W2"] @ self.H + self.p["b2"]

    def loss(self, X, Y):
        return np.sum((self.forward(X) - Y) ** 2) / (2 * X.shape[1])

    def grads(self, X, Y):
        n = X.shape[1]
        d2 = (self.forward(X) - Y) / n
        d1 = (self.p["W2"].T @ d2) * (1 - self.H ** 2)
        return {"W1": d1 @ X.T, "b1": d1.sum(axis=1, keepdims=True),
                "W2": d2 @ self.H.T, "b2": d2.sum(axis=1, keepdims=True)}

    def step(self, X, Y):
        g = self.grads(X, Y)
        self.t += 1
        for key in self.p:
            self.m[key] = self.beta1 * self.m[key] + (1 - self.beta1) * g[key]
            self.v[key] = self.beta2 * self.v[key] + (1 - self.beta2) * g[key] ** 2
            m_hat = self.m[key] / (1 - self.beta1 ** self.t)
            v_hat = self.v[key] / (1 - self.beta2 ** self.t)
            self.p[key] = self.p[key] - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def main():
    x = np.linspace(-np.pi, np.pi, 80).reshape(1, -1)
    y = np.sin(x)
    net = AdamNet()
    for i in range(601):
        net.step(x, y)
        if i % 100 == 0:
            print("step", i, "loss", net.loss(x, y))
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        plt.plot(x[0], y[0])
        plt.plot(x[0], net.forward(x)[0])
    except ImportError:
        print("(no plot)")


if __name__ == "__main__":
    main()
